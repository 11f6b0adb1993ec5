/* kit.h - for tests of the executor: plans written by hand as text, and a look at what is left afterwards.
 *
 * A program calls kit_begin() once: private mount namespace, a tmpfs to work in. A container's root is an
 * empty directory there, into which the plan binds the host's /usr, so that the host's sh runs in it.
 */
#ifndef KIT_H
#define KIT_H

#include "husk.h"
#include "husk/impl/sys.h"
#include "tap.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The plan's text grows by kit_op(); kit_run() applies it. */
struct kit {
    struct husk_arena arena;
    struct husk_text text;
    struct husk_plan plan;
    uint32_t n;
    char root[128], state[128];
    char cgroup[256]; /* made by the plan with its parent; "" when this machine has no place for one */
    bool cgroup2, clone3;
    bool userns;      /* where no nodes can be made */
    uint32_t fail_op; /* with fail_errno: as in struct husk_apply */
    int fail_errno;
    const char *action;
    /* Results. */
    struct husk_err err;
    int code, status; /* of husk_apply(), and of the program as wait(2) tells */
    int console;      /* what husk_apply() left; -1 */
    int32_t pid, recorded_pid;
    char recorded[128]; /* statuses, each followed by a blank */
    char output[16384];
    char undo[4096];
};

static char kit_work[64];
static int kit_home = -1; /* the mount namespace that mountinfo is compared in: ours */

#define KIT_UNUSED __attribute__((unused))

/* The content of a small file; "" when there is none. Four at a time. */
KIT_UNUSED static const char *kit_read(const char *path)
{
    static char text[4][32768];
    static unsigned turn;
    char *to = text[turn++ % 4];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t have = 0;
    ssize_t n;

    while (fd >= 0 && (n = read(fd, to + have, sizeof text[0] - 1 - have)) > 0)
        have += (size_t)n;
    to[have] = '\0';
    if (fd >= 0)
        close(fd);
    return to;
}

KIT_UNUSED static void kit_write(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
        perror(path);
    close(fd);
}

/* Formatted text; eight at a time. */
KIT_UNUSED __attribute__((format(printf, 1, 2))) static const char *kit_str(const char *fmt, ...)
{
    static char text[8][2048];
    static unsigned turn;
    char *to = text[turn++ % 8];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(to, sizeof text[0], fmt, ap);
    va_end(ap);
    return to;
}

static void kit_end(void)
{
    umount2(kit_work, MNT_DETACH);
    rmdir(kit_work);
}

/* False: this program cannot run here, and has said so. */
KIT_UNUSED static bool kit_begin(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(kit_work, sizeof kit_work, "/tmp/husk-apply-%d", (int)getpid());
    if (geteuid() != 0) {
        printf("1..0 # SKIP needs root\n");
        return false;
    }
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(kit_work, 0755) ||
        mount("tmpfs", kit_work, "tmpfs", 0, "mode=755")) {
        printf("1..0 # SKIP needs a mount namespace: %s\n", strerror(errno));
        return false;
    }
    umask(022);
    atexit(kit_end);
    kit_home = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    return true;
}

/* A place for a cgroup: on cgroup2 when it is mounted, else in v1's freezer. */
static void kit_find_cgroup(struct kit *k)
{
    char line[1024], where[256], type[64], options[512];
    FILE *f = fopen("/proc/self/mounts", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%*s %255s %63s %511s", where, type, options) != 3 || k->cgroup2)
            continue;
        if (strcmp(type, "cgroup2") != 0 && !(strcmp(type, "cgroup") == 0 && strstr(options, "freezer")))
            continue;
        k->cgroup2 = strcmp(type, "cgroup2") == 0;
        snprintf(k->cgroup, sizeof k->cgroup, "%.180s/husk-apply-%d/child", where, (int)getpid());
    }
    if (f != NULL)
        fclose(f);
}

KIT_UNUSED static void kit_init(struct kit *k, const char *action)
{
    static unsigned number;

    memset(k, 0, sizeof *k);
    k->text.arena = &k->arena;
    k->action = action;
    k->console = -1;
    number++;
    snprintf(k->root, sizeof k->root, "%s/root%u", kit_work, number);
    snprintf(k->state, sizeof k->state, "%s/state%u", kit_work, number);
    if (mkdir(k->root, 0755) || mkdir(k->state, 0700))
        perror(k->root);
    kit_find_cgroup(k);
    k->clone3 = syscall(__NR_clone3, NULL, (size_t)0) < 0 && errno != ENOSYS;
}

KIT_UNUSED static void kit_fini(struct kit *k)
{
    if (k->console >= 0)
        close(k->console);
    husk_arena_fini(&k->arena);
}

/* Adds one operation; returns its number. ` stands for the quotation mark. */
KIT_UNUSED __attribute__((format(printf, 2, 3))) static uint32_t kit_op(struct kit *k, const char *fmt, ...)
{
    char line[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    for (char *c = line; *c != '\0'; c++)
        if (*c == '`')
            *c = '"';
    husk_textf(&k->text, "%03u %s%s\n", (unsigned)k->n, line, strstr(line, "why=") ? "" : " why=default");
    return k->n++;
}

/* A cgroup of the plan's own, and the child in it. flags: namespaces as the text has them. */
KIT_UNUSED static void kit_add_spawn(struct kit *k, const char *flags)
{
    bool into = k->cgroup2 && k->clone3;

    if (k->cgroup[0] != '\0') {
        kit_op(k, "parent mkdir path=%s mode=0755 undo", k->cgroup);
        kit_op(k, "parent open slot=@cg.0 path=%s flags=path|directory expect=cgroupfs", k->cgroup);
    }
    if (k->cgroup[0] != '\0' && !into)
        kit_op(k, "parent open slot=@join.0 path=@cg.0:%s flags=wronly expect=cgroupfs",
               k->cgroup2 ? "cgroup.procs" : "tasks");
    kit_op(k, "both spawn flags=%s%s", flags, into ? " cgroup=@cg.0" : "");
    if (k->cgroup[0] != '\0' && !into)
        kit_op(k, "child write path=@join.0 data=0");
}

/* @rootfs with what a shell needs. */
KIT_UNUSED static void kit_add_root(struct kit *k)
{
    static const char *const dirs[] = {"/usr", "/bin", "/lib", "/lib64", "/sbin"};

    kit_op(k, "child attr target=/ propagation=[rslave]");
    kit_op(k, "child mount source=%s target=%s flags=rbind", k->root, k->root);
    kit_op(k, "child open slot=@rootfs path=%s flags=path|directory|nofollow expect=dir", k->root);
    for (size_t i = 0; i < HUSK_COUNT(dirs); i++)
        if (access(dirs[i], F_OK) == 0)
            kit_op(k,
                   "child mount source=%s target=@rootfs:%s flags=bind set=ro|nosuid create=like-source "
                   "why=/mounts/%u",
                   dirs[i], dirs[i] + 1, (unsigned)i);
    kit_op(k, "child mount source=proc target=@rootfs:proc fstype=proc create=dir why=/mounts/10");
    kit_op(k, "child mount source=tmpfs target=@rootfs:dev fstype=tmpfs flags=nosuid|strictatime "
              "data=mode=755,size=64k create=dir");
    kit_op(k, "child mount source=devpts target=@rootfs:dev/pts fstype=devpts flags=nosuid|noexec "
              "data=newinstance,ptmxmode=0666,mode=0620 create=dir");
    if (k->userns)
        kit_op(k, "child mount source=/dev/null target=@rootfs:dev/null flags=bind create=file");
    else
        kit_op(k, "child mknod path=@rootfs:dev/null mode=c0666 major=1 minor=3 uid=0 gid=0");
    kit_op(k, "child symlink path=@rootfs:dev/fd target=/proc/self/fd");
}

/* From the streams to the descriptors: the program is the shell, as this user. */
KIT_UNUSED static void kit_add_process(struct kit *k, uint32_t uid, bool terminal)
{
    kit_op(k, "child root how=pivot");
    kit_op(k, "child stdio %suid=%u", terminal ? "terminal " : "", uid);
    kit_op(k, "child prctl option=no_new_privs value=1");
    kit_op(k, "child bound keep=none");
    kit_op(k, "child user uid=%u gid=%u umask=027 groups=[7,8]", uid, uid);
    kit_op(k, "child caps effective=none permitted=none inheritable=none ambient=none");
    kit_op(k, "child chdir path=/");
    kit_op(k, "child home uid=%u", uid);
    kit_op(k, "child lookup name=sh candidates=[`/nowhere/sh`,`/bin/sh`]");
}

KIT_UNUSED static void kit_add_exec(struct kit *k, const char *script)
{
    kit_op(k, "both exec argv=[`sh`,`-c`,`%s`] envp=[`PATH=/bin:/usr/bin`,`A=b`,`HOME=`]", script);
}

/* All of it, for tests that look at one thing. */
KIT_UNUSED static void kit_add_all(struct kit *k, const char *script)
{
    kit_add_spawn(k, "mount|pid|uts|ipc");
    kit_add_root(k);
    kit_add_process(k, 0, false);
    kit_op(k, "child fds");
    kit_op(k, "both sync from=child name=ready");
    kit_add_exec(k, script);
}

static int kit_record(void *ctx, const char *status, int32_t pid, struct husk_err *err)
{
    struct kit *k = ctx;
    size_t n = strlen(k->recorded);

    snprintf(k->recorded + n, sizeof k->recorded - n, "%s ", status);
    k->recorded_pid = pid;
    return strcmp(status, "refuse") == 0
               ? husk_fail(err, HUSK_ESTATE, HUSK_DIAG_STATE_FILE, ENOSPC, "host", "state.json: no space")
               : 0;
}

static bool kit_parse(struct kit *k)
{
    struct husk_text all = {.arena = &k->arena};

    husk_textf(&all, "husk-plan 1\naction %s\nid kit\n", k->action);
    if (k->cgroup[0] != '\0')
        husk_textf(&all, "cgroup backend=cgroup-v%d version=%d controllers=\"%s\" path=/kit dir=%s\n",
                   k->cgroup2 ? 2 : 1, k->cgroup2 ? 2 : 1,
                   k->cgroup2 ? "" : "freezer", k->cgroup);
    husk_textf(&all, "\n%s", k->text.data);
    if (husk_plan_parse(&k->plan, &k->arena, all.data, all.len, &k->err) == 0)
        return true;
    tap_ok(false, "the test's plan: operation %u: %s", (unsigned)k->err.op, k->err.msg);
    return false;
}

/* Reads to the end of fd, and closes it. */
static void kit_collect(struct kit *k, int fd)
{
    size_t have = 0;
    char rest[512];
    ssize_t n;

    while ((n = have < sizeof k->output - 1 ? read(fd, k->output + have, sizeof k->output - 1 - have)
                                            : read(fd, rest, sizeof rest)) > 0)
        have += have < sizeof k->output - 1 ? (size_t)n : 0;
    k->output[have] = '\0';
    close(fd);
}

/* Applies the plan with its output in a pipe, and waits for the program. `start`: the other half of the gate. */
static void kit_apply(struct kit *k, bool start)
{
    struct husk_apply a = {.plan = &k->plan,
                           .target_fd = -1,
                           .record = kit_record,
                           .ctx = k,
                           .fail_op = k->fail_op,
                           .fail_errno = k->fail_errno,
                           .pid = k->pid};
    int log = memfd_create("undo", MFD_CLOEXEC);
    int out = fcntl(1, F_DUPFD_CLOEXEC, 20), pair[2];
    ssize_t n;

    if (pipe2(pair, O_CLOEXEC) || log < 0 || fflush(stdout))
        abort();
    a.state_fd = open(k->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    a.undo_fd = log;
    dup2(pair[1], 1);
    k->code = start ? husk_apply_start(&a, &k->err) : husk_apply(&a, &k->err);
    dup2(out, 1);
    close(out);
    close(pair[1]);
    k->pid = a.pid;
    k->console = a.console_fd;
    a.console_fd = -1;
    if (!start) {
        n = pread(log, k->undo, sizeof k->undo - 1, 0);
        k->undo[n < 0 ? 0 : n] = '\0';
    }
    if (k->code == 0 && !start && a.gate == HUSK_NO_OP && k->console < 0) {
        kit_collect(k, pair[0]);
        while (waitpid(k->pid, &k->status, 0) < 0 && errno == EINTR)
            ;
    } else {
        close(pair[0]);
    }
    husk_apply_fini(&a);
    close(log);
    close(a.state_fd);
}

/* Applies; false, and a failed test, when the plan cannot be read. The container's cgroups are removed. */
KIT_UNUSED static bool kit_run(struct kit *k)
{
    struct husk_err err;

    if (!kit_parse(k))
        return false;
    kit_apply(k, false);
    if (k->code == 0 && k->undo[0] != '\0' && k->console < 0 && k->status >= 0 &&
        strcmp(k->action, "run") == 0)
        tap_ok(husk_undo(k->undo, strlen(k->undo), &err) == 0, "the undo log can be undone");
    return true;
}

/* Does the kernel map ids of mounts, for the file system at path? Asked without the library. */
KIT_UNUSED static bool kit_maps_ids(const char *path)
{
    struct husk__mount_attr a = {.attr_set = HUSK__ATTR_IDMAP};
    int tree = (int)syscall(__NR_open_tree, AT_FDCWD, path, HUSK__OPEN_TREE_CLONE | O_CLOEXEC), ns, can;
    pid_t pid = fork();

    if (pid == 0)
        for (unshare(CLONE_NEWUSER), raise(SIGSTOP);;)
            pause();
    waitpid(pid, NULL, WUNTRACED);
    for (int i = 0; i < 2; i++) {
        int map = open(kit_str("/proc/%d/%cid_map", (int)pid, i ? 'g' : 'u'), O_WRONLY | O_CLOEXEC);
        if (write(map, "0 0 10", 6) < 0)
            perror("id map");
        close(map);
    }
    ns = open(kit_str("/proc/%d/ns/user", (int)pid), O_RDONLY | O_CLOEXEC);
    a.userns_fd = (uint64_t)ns;
    can = ns >= 0 && tree >= 0 && syscall(__NR_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof a) == 0;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ns);
    close(tree);
    return can;
}

KIT_UNUSED static bool kit_has(const struct kit *k, const char *line, const char *name)
{
    return tap_ok(
        strstr(k->output, line) != NULL, "%s%s%s", name,
        strstr(k->output, line) ? "" : ": not in the output: ", strstr(k->output, line) ? "" : line);
}

/* What a plan must not leave behind. */
struct kit_sight {
    char fds[2048], mounts[32768];
};

KIT_UNUSED static void kit_look(struct kit_sight *s)
{
    size_t n = 0;

    memset(s, 0, sizeof *s);
    for (int fd = 0; fd < 512; fd++) {
        char path[64], to[128];
        ssize_t len;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if ((len = readlink(path, to, sizeof to - 1)) < 0 || n > sizeof s->fds - 200)
            continue;
        to[len] = '\0';
        n += (size_t)snprintf(s->fds + n, sizeof s->fds - n, "%d=%s ", fd, to);
    }
    if (pread(kit_home, s->mounts, sizeof s->mounts - 1, 0) < 0)
        perror("mountinfo");
}

/* "" when nothing is left; else what it is. */
KIT_UNUSED static const char *kit_left(const struct kit *k, const struct kit_sight *before)
{
    static struct kit_sight now;
    char parent[256];

    kit_look(&now);
    if (strcmp(before->fds, now.fds) != 0)
        return kit_str("descriptors, before: %s after: %s", before->fds, now.fds);
    if (strcmp(before->mounts, now.mounts) != 0)
        return "mounts";
    if (waitpid(-1, NULL, WNOHANG | __WALL) >= 0 || errno != ECHILD)
        return "a process";
    snprintf(parent, sizeof parent, "%s", k->cgroup);
    if (parent[0] != '\0')
        *strrchr(parent, '/') = '\0';
    if (parent[0] != '\0' && access(parent, F_OK) == 0)
        return "a cgroup";
    if (access(kit_str("%s/gate", k->state), F_OK) == 0)
        return "the gate";
    return "";
}
#endif
