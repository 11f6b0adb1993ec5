/* common.c - what several commands do the same way. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (64u << 20) /* a configuration of that size is a mistake */

const char *absolute(struct cli *c, const char *path)
{
    char cwd[PATH_MAX];

    if (path == NULL || path[0] == '/' || getcwd(cwd, sizeof cwd) == NULL)
        return path;
    return husk_strf(&c->arena, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
}

bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

void print_text(const struct husk_text *text)
{
    if (text->data != NULL)
        fwrite(text->data, 1, text->len, stdout);
}

static int file_error(struct husk_err *err, const char *path)
{
    int sys = errno;

    return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, sys, NULL, "%s: %s", path, strerror(sys));
}

/* A pipe (`exec --process /dev/stdin`) only where wanted: nothing tells how long it takes. */
int read_file(struct cli *c, const char *path, bool pipe, const char **text, size_t *len,
              struct husk_err *err)
{
    struct husk_text t = {.arena = &c->arena};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), rc = 0;
    char buffer[16384];
    struct stat st;
    ssize_t n = 0;

    if (fd < 0)
        return file_error(err, path);
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !(pipe && S_ISFIFO(st.st_mode))) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        rc = file_error(err, path);
    }
    fcntl(fd, F_SETFL, 0); /* opening did not block; reading may */
    while (rc == 0 && t.len <= MAX_FILE &&
           ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)))
        husk_text_add(&t, buffer, n > 0 ? (size_t)n : 0);
    if (t.len > MAX_FILE)
        errno = EFBIG;
    if (rc == 0 && n != 0)
        rc = file_error(err, path);
    close(fd);
    if (rc == 0 && c->arena.failed)
        rc = husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    *text = t.data ? t.data : "";
    *len = t.len;
    return rc;
}

int bundle_read(struct cli *c, const char **text, size_t *len, struct husk_err *err)
{
    const char *bundle = c->bundle ? c->bundle : ".";
    const char *config = c->config ? c->config : "config.json";
    char cwd[PATH_MAX];
    int rc;

    if (chdir(bundle) != 0)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, errno, NULL, "bundle %s: %s", bundle,
                         strerror(errno));
    if (bundle[0] != '/') {
        if (getcwd(cwd, sizeof cwd) == NULL)
            return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, errno, NULL, "bundle %s: %s", bundle,
                             strerror(errno));
        c->bundle = husk_strdup(&c->arena, cwd);
    }
    rc = read_file(c, config, false, text, len, err);
    if (rc != 0 && err->sys == ENOENT)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, ENOENT, NULL,
                         "JSON specification file %s not found", config);
    if (c->config != NULL)
        c->document = c->config;
    return rc;
}

int bundle_load(struct cli *c, struct husk_spec *spec, const char **text, size_t *len, struct husk_err *err)
{
    int rc = bundle_read(c, text, len, err);

    if (rc == 0)
        rc = husk_spec_parse(spec, &c->arena, *text, *len, NULL, err);
    for (uint32_t i = 0; rc == 0 && i < spec->notes.n; i++)
        log_warn("%s: %s", spec->notes.v[i].at, spec->notes.v[i].msg);
    return rc;
}

/* Socket activation as systemd does it: LISTEN_FDS counts when LISTEN_PID is us. */
static uint32_t listen_fds(void)
{
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
    long count;

    if (pid == NULL || n == NULL || strtol(pid, NULL, 10) != getpid())
        return 0;
    count = strtol(n, NULL, 10);
    return count > 0 && count < 65536 ? (uint32_t)count : 0;
}

bool no_cgroup(const struct cli *c)
{
    return c->cgroup_manager != NULL && strcmp(c->cgroup_manager, "disabled") == 0;
}

int request_fill(struct cli *c, struct husk_request *r, struct husk_err *err)
{
    r->listen_fds = listen_fds();
    if (c->preserve_fds > 65536)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "--preserve-fds: %llu is too many",
                         (unsigned long long)c->preserve_fds);
    r->preserve_fds = (uint32_t)c->preserve_fds + r->listen_fds;
    if (r->preserve_fds > c->inherited_fds)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, EBADF, NULL,
                         "file descriptor %u, which should be preserved, is not open", 3 + c->inherited_fds);
    r->bundle = c->bundle;
    r->console_socket = c->console_socket;
    r->pidfd_socket = c->pidfd_socket;
    r->pid_file = c->pid_file;
    r->no_pivot = c->no_pivot;
    r->no_new_keyring = c->no_new_keyring;
    r->ignore_cgroup_errors =
        c->rootless && strcmp(c->rootless, "auto") != 0 ? strcmp(c->rootless, "true") == 0 : geteuid() != 0;
    if (no_cgroup(c)) {
        struct husk_backends *without = husk_arena_alloc(&c->arena, sizeof *without);

        if (without == NULL)
            return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
        *without = husk_backends_default;
        without->cgroup = NULL;
        r->backends = without;
        r->ignore_cgroup_errors = true; /* device rules have nothing that could enforce them */
    }
    return 0;
}

int terminal_check(const struct cli *c, bool terminal, bool detached, struct husk_err *err)
{
    bool needed = terminal && detached;

    if (needed && c->console_socket == NULL)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL,
                         "cannot allocate tty if husk will detach without setting console socket");
    if (!needed && c->console_socket != NULL)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL,
                         "cannot use console socket if husk will not detach or allocate tty");
    return 0;
}

static void warn(void *ctx, const struct husk_err *err)
{
    char text[1600];

    error_text(ctx, err, text, sizeof text);
    log_warn("%s", text);
}

void container_init(struct cli *c, struct husk_container *container)
{
    memset(container, 0, sizeof *container);
    container->arena = &c->arena;
    container->root = c->root;
    container->warn = warn;
    container->ctx = c;
}

int container_open(struct cli *c, struct husk_container *container, struct husk_err *err)
{
    container_init(c, container);
    return husk_container_open(container, c->args[0], err);
}

int container_open_for_hooks(struct cli *c, struct husk_container *container, struct husk_err *err)
{
    int rc = container_open(c, container, err);

    if (rc == 0 && chdir(container->state.bundle) != 0)
        log_debug("bundle %s: %s", container->state.bundle, strerror(errno));
    return rc;
}
