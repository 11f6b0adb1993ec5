/* notify.c - NOTIFY_SOCKET: the program in the container says that it is ready, and our service manager hears it.
 *
 * The container gets a socket of its own, at the path that ours has on the host, in a directory ROOT/.notify/ID
 * that is mounted there. Of what is sent to it only "READY=..." goes on, with the main process named by us: what
 * else a service manager takes from a service is not for a container to say.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BARRIER_MSEC 30000

static int notify_error(struct husk_err *err, const char *doing, const char *path)
{
    int sys = errno;

    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_STATE_FILE, sys, NULL, "NOTIFY_SOCKET: %s %s: %s", doing, path,
                     strerror(sys));
}

/* Each directory of ROOT/.notify/ID that is missing. Ids do not begin with a dot, so it is nobody's. */
static int make_directories(struct notify *n, struct husk_err *err)
{
    char path[4096];

    if ((size_t)snprintf(path, sizeof path, "%s", n->dir) >= sizeof path) {
        errno = ENAMETOOLONG;
        return notify_error(err, "make", n->dir);
    }
    for (char *p = path + 1;; p++) {
        char end = *p;

        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        if (mkdir(path, end && strlen(path) < n->root_len ? 0755 : 0700) == 0)
            n->made = true; /* the last one decides */
        else if (errno != EEXIST)
            return notify_error(err, "make", path);
        else
            n->made = false;
        *p = end;
        if (end == '\0')
            return 0;
    }
}

int notify_open(struct cli *c, struct notify *n, struct husk_err *err)
{
    const char *host = getenv("NOTIFY_SOCKET");

    *n = (struct notify){.fd = -1};
    if (host == NULL || (host[0] != '/' && host[0] != '@') || host[1] == '\0')
        return 0;
    n->host = host;
    n->root_len = strlen(c->root);
    n->dir = husk_strf(&c->arena, "%s/.notify/%s", c->root, c->args[0]);
    if (n->dir == NULL)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    return 0;
}

int notify_mount(struct cli *c, struct notify *n, struct husk_spec *spec, struct husk_process *process,
                 struct husk_err *err)
{
    struct husk_mount *mounts;
    const char **env, *path;
    int rc;

    if (n->host == NULL || husk_spec_namespace(spec, CLONE_NEWNS) == NULL)
        return 0;
    if ((rc = make_directories(n, err)) != 0)
        return rc;
    path = husk_strf(&c->arena, "%s/%s", c->root, c->args[0]);
    if (!n->made && path != NULL && access(path, F_OK) == 0) {
        n->host = NULL; /* another container's, which create will tell */
        return 0;
    }
    if (chmod(n->dir, 0755) != 0)
        return notify_error(err, "chmod", n->dir);
    path = n->host[0] == '@' ? "/run/notify" : n->host;
    mounts = husk_arena_grow(&c->arena, spec->mounts.v, spec->mounts.n * sizeof *mounts,
                             (spec->mounts.n + 1) * sizeof *mounts);
    env = husk_arena_grow(&c->arena, process->env.v, process->env.n * sizeof *env, (process->env.n + 2) * sizeof *env);
    if (mounts == NULL || env == NULL)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    mounts[spec->mounts.n] = (struct husk_mount){.destination = path,
                                                 .type = "bind",
                                                 .source = n->dir,
                                                 .flags_set = MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                                 .has_options = true};
    spec->mounts.v = mounts;
    spec->mounts.n++;
    env[process->env.n] = husk_strf(&c->arena, "NOTIFY_SOCKET=%s/notify", path);
    env[process->env.n + 1] = NULL;
    process->env = (struct husk_strs){env, process->env.n + 1, true};
    return 0;
}

/* Named by the directory's descriptor: the path may be longer than a socket's address. */
int notify_listen(struct notify *n, struct husk_err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int dir;

    if (n->host == NULL)
        return 0;
    dir = open(n->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0) {
        n->host = NULL; /* create was not asked for it */
        return 0;
    }
    (void)unlinkat(dir, "notify", 0);
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/notify", dir);
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->fd < 0 || bind(n->fd, (struct sockaddr *)&a, sizeof a) != 0 || fchmodat(dir, "notify", 0777, 0) != 0) {
        (void)notify_error(err, "listen in", n->dir);
        close(dir);
        return (int)err->code;
    }
    close(dir);
    return 0;
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void notify_remove(const struct cli *c, const char *id)
{
    char path[4096];
    int len = snprintf(path, sizeof path - 8, "%s/.notify/%s", c->root, id);

    if (len < 0 || (size_t)len >= sizeof path - 8)
        return;
    if (rmdir(path) != 0 && errno == ENOTEMPTY) {
        memcpy(path + len, "/notify", 8);
        (void)unlink(path);
        path[len] = '\0';
        (void)rmdir(path);
    }
    path[strlen(path) - strlen(id) - 1] = '\0';
    (void)rmdir(path); /* unless others use it */
}

/* fd: sent along, or -1. */
static bool say(const struct notify *n, const char *text, size_t len, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {0};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct iovec part = {(void *)(uintptr_t)text, len};
    struct msghdr m = {.msg_name = &a, .msg_iov = &part, .msg_iovlen = 1};
    size_t host = strlen(n->host);
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool sent;

    if (s < 0 || host > sizeof a.sun_path) {
        if (s >= 0)
            close(s);
        return false;
    }
    memcpy(a.sun_path, n->host, host);
    if (a.sun_path[0] == '@')
        a.sun_path[0] = '\0';
    m.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + host);
    if (fd >= 0) {
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        *CMSG_FIRSTHDR(&m) =
            (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof fd);
    }
    sent = sendmsg(s, &m, MSG_NOSIGNAL) == (ssize_t)len;
    close(s);
    return sent;
}

/* The manager has taken everything in when it closes what came with the barrier. */
static void tell(const struct notify *n, const char *ready, size_t len, int32_t main_pid)
{
    char text[32];
    int ends[2], size = snprintf(text, sizeof text, "MAINPID=%d", main_pid);
    struct pollfd closed = {.events = POLLIN};

    if (!say(n, ready, len, -1) || !say(n, text, (size_t)size, -1)) {
        log_warn("NOTIFY_SOCKET: send to %s: %s", n->host, strerror(errno));
        return;
    }
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    closed.fd = ends[0];
    if (say(n, "BARRIER=1", 9, ends[1])) {
        close(ends[1]);
        while (poll(&closed, 1, BARRIER_MSEC) < 0 && errno == EINTR)
            ;
    } else {
        close(ends[1]);
    }
    close(ends[0]);
}

/* True when that was it. */
static bool take(const struct notify *n, int32_t main_pid)
{
    char text[4096];
    ssize_t len = recv(n->fd, text, sizeof text - 1, MSG_DONTWAIT);
    size_t line;

    if (len <= 0)
        return false;
    text[len] = '\0';
    for (const char *p = text; *p != '\0'; p += line + (p[line] == '\n')) {
        line = strcspn(p, "\n");
        if (strncmp(p, "READY=", 6) == 0) {
            tell(n, p, line, main_pid);
            return true;
        }
    }
    return false;
}

void notify_wait(struct notify *n, const struct husk_container *container, int32_t main_pid)
{
    struct pollfd p = {.fd = n->fd, .events = POLLIN};
    bool last = false;

    while (n->fd >= 0) {
        (void)poll(&p, 1, last ? 0 : 100);
        if (take(n, main_pid) || last)
            return;
        last = husk_container_status(container) == HUSK_STOPPED; /* and what it sent before that */
    }
}

bool notify_wait_aside(struct notify *n, const struct husk_container *container)
{
    int32_t main_pid = getpid();
    pid_t pid;

    if (n->fd < 0)
        return true;
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == main_pid)
            notify_wait(n, container, main_pid);
        log_commit();
        _exit(0);
    }
    notify_close(n);
    return pid > 0;
}
