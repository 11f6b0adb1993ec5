/* Namespaces: joined ones, the fork that setns(pid) needs, user namespaces, and the other ways to change the
 * root. */
#include "kit.h"
#include <signal.h>

/* A process that holds namespaces: a container of ours that sleeps. */
static int32_t hold(struct kit *k, const char *flags)
{
    kit_init(k, "run");
    kit_add_spawn(k, flags);
    kit_add_root(k);
    kit_op(k, "child hostname name=held");
    kit_add_process(k, 0, false);
    kit_op(k, "child fds");
    kit_add_exec(k, "exec sleep 60 >/dev/null");
    if (!kit_parse(k))
        return -1;
    struct husk_apply a = {.plan = &k->plan, .state_fd = -1, .target_fd = -1, .undo_fd = -1};
    k->code = husk_apply(&a, &k->err);
    tap_ok(k->code == 0, "a container to join%s%s", k->code ? ": " : "", k->code ? k->err.msg : "");
    husk_apply_fini(&a);
    return a.pid;
}

static void let_go(struct kit *k, int32_t pid)
{
    struct husk_err err;
    char log[600], parent[256];

    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    snprintf(parent, sizeof parent, "%s", k->cgroup);
    if (parent[0] == '\0')
        return;
    *strrchr(parent, '/') = '\0';
    snprintf(log, sizeof log, "rmdir \"%s\"\nrmdir \"%s\"\n", parent, k->cgroup);
    tap_ok(husk_undo(log, strlen(log), &err) == 0, "its cgroup is removed");
    kit_fini(k);
}

static void apply_exec(struct kit *k, int32_t target)
{
    struct husk_apply a = {.plan = &k->plan, .state_fd = -1, .undo_fd = -1};
    int out = fcntl(1, F_DUPFD_CLOEXEC, 20), pair[2];

    if (pipe2(pair, O_CLOEXEC))
        abort();
    a.target_fd = open(kit_str("/proc/%d", (int)target), O_PATH | O_DIRECTORY | O_CLOEXEC);
    dup2(pair[1], 1);
    k->code = husk_apply(&a, &k->err);
    dup2(out, 1);
    close(out);
    close(pair[1]);
    kit_collect(k, pair[0]);
    if (k->code == 0)
        waitpid(a.pid, &k->status, 0);
    husk_apply_fini(&a);
    close(a.target_fd);
}

static void test_exec(void)
{
    struct kit held, k;
    struct kit_sight before;
    int32_t pid;

    kit_look(&before);
    pid = hold(&held, "mount|pid|uts|ipc|network");
    kit_init(&k, "exec");
    for (size_t i = 0; i < 5; i++) {
        static const char *const ns[] = {"pid", "net", "ipc", "uts", "mnt"};
        kit_op(&k, "parent open slot=@ns.%s path=@target:ns/%s expect=nsfs", ns[i], ns[i]);
    }
    kit_op(&k, "both spawn");
    kit_op(&k, "child setns slot=@ns.pid type=pid");
    kit_op(&k, "child setns slot=@ns.net type=network");
    kit_op(&k, "child setns slot=@ns.ipc type=ipc");
    kit_op(&k, "child setns slot=@ns.uts type=uts");
    kit_op(&k, "child setns slot=@ns.mnt type=mount");
    kit_op(&k, "both fork");
    kit_op(&k, "child open slot=@rootfs path=/ flags=path|directory expect=dir");
    kit_op(&k, "child stdio uid=0");
    kit_op(&k, "child bound keep=none");
    kit_op(&k, "child user uid=0 gid=0 umask=022");
    kit_op(&k, "child caps effective=none permitted=none inheritable=none ambient=none");
    kit_op(&k, "child chdir path=/dev");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_add_exec(&k, "cat /proc/sys/kernel/hostname; pwd; test /proc/$$/ns/pid -ef "
                     "/proc/1/ns/pid && echo same; ls /proc/self/fd | wc -l");
    if (kit_parse(&k)) {
        apply_exec(&k, pid);
        tap_ok(k.code == 0, "a process joins%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
        tap_same(k.output, "held\n/dev\nsame\n4\n",
                 "it is in the container's namespaces, and has only its streams open");
    }
    kit_fini(&k);
    let_go(&held, pid);
    tap_same(kit_left(&k, &before), "", "nothing is left");
}

/* A directory by a descriptor that leaked: CVE-2024-21626. */
static void test_leaked_cwd(void)
{
    struct kit k;
    struct kit_sight before;
    int inside = 0, refused = 0, leak;

    leak = open("/", O_PATH | O_DIRECTORY); /* not close-on-exec */
    kit_look(&before);
    for (int fd = 3; fd < 30; fd++) {
        kit_init(&k, "run");
        kit_add_spawn(&k, "mount|pid");
        kit_add_root(&k);
        kit_op(&k, "child root how=pivot");
        kit_op(&k, "child chdir path=/proc/self/fd/%d why=/process/cwd", fd);
        kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
        kit_op(&k, "child fds");
        kit_add_exec(&k, "pwd; ls -di . /");
        kit_parse(&k);
        kit_apply(&k, false);
        if (k.code == 0) {
            struct husk_err err;
            int n = 0;
            char first[64], second[64];
            n = sscanf(k.output, "%*s %63s . %63s /", first, second);
            inside += n == 2 && strcmp(first, second) == 0 && k.output[0] == '/' && k.output[1] == '\n';
            if (husk_undo(k.undo, strlen(k.undo), &err) != 0)
                tap_ok(false, "undo: %s", err.msg);
        }
        refused += k.code == HUSK_ESYS && (k.err.sys == ENOENT || k.err.sys == ENOTDIR);
        kit_fini(&k);
    }
    tap_ok(inside + refused == 27 && refused > 20,
           "no working directory outside the root: %d refused, %d inside", refused, inside);
    tap_same(kit_left(&k, &before), "", "nothing is left");
    close(leak);
}

static void test_userns(void)
{
    struct kit k;
    struct kit_sight before;

    kit_look(&before);
    kit_init(&k, "run");
    k.userns = true;
    if (chown(k.root, 100000, 100000))
        perror(k.root);
    kit_op(&k, "parent mkdir path=%s/locked mode=0755", kit_work);
    kit_add_spawn(&k, "user|mount|pid");
    kit_op(&k, "parent write path=@task:uid_map data=`0 100000 65536\\n`");
    kit_op(&k, "parent write path=@task:setgroups data=deny");
    kit_op(&k, "parent write path=@task:gid_map data=`0 100000 65536\\n`");
    kit_op(&k, "both sync from=parent name=ids-mapped");
    kit_op(&k, "child user uid=0 gid=0 no_setgroups");
    kit_add_root(&k);
    kit_op(&k, "child mount source=%s target=@rootfs:locked flags=rbind set=nosuid create=like-source",
           kit_work);
    kit_op(&k, "child root how=pivot");
    kit_op(&k, "child stdio uid=0");
    kit_op(&k, "child bound keep=none");
    kit_op(&k, "child user uid=7 gid=7 umask=022 no_setgroups");
    kit_op(&k, "child caps effective=none permitted=none inheritable=none ambient=none");
    kit_op(&k, "child chdir path=/");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_add_exec(&k, "id -u; id -g; tr -s ' ' < /proc/self/uid_map; grep ' /locked ' /proc/self/mountinfo | "
                     "sed 's/.* .locked \\\\([a-z,]*\\\\) .*/\\\\1/'");
    /* the source's read-only is locked in there: what is not asked for must stay */
    mount(NULL, kit_work, NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOEXEC, NULL);
    kit_look(&before);
    if (kit_run(&k)) {
        tap_ok(k.code == 0, "a user namespace%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
        tap_same(k.output, "7\n7\n 0 100000 65536\nrw,nosuid,nodev,noexec,relatime\n",
                 "ids, and the locked flags of a bind mount");
        rmdir(kit_str("%s/locked", kit_work));
        tap_same(kit_left(&k, &before), "", "nothing is left");
    }
    mount(NULL, kit_work, NULL, MS_REMOUNT | MS_BIND, NULL);
    kit_fini(&k);
}

static void test_roots(void)
{
    static const char *const how[] = {"pivot", "move", "chroot"};
    struct kit_sight before;
    struct kit k;

    for (size_t i = 0; i < HUSK_COUNT(how); i++) {
        kit_look(&before);
        kit_init(&k, "run");
        kit_add_spawn(&k, "mount|pid");
        kit_add_root(&k);
        kit_op(&k, "child root how=%s", how[i]);
        kit_op(&k, "child attr target=@rootfs set=ro propagation=[shared]");
        kit_op(&k, "child chdir path=/");
        kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
        kit_op(&k, "child fds");
        kit_add_exec(&k, "ls -d /*; touch /x 2>&1; grep -c '^[^-]* - proc ' /proc/self/mountinfo; grep ' / / "
                         "' /proc/self/mountinfo | grep -c shared");
        kit_run(&k);
        tap_ok(k.code == 0, "root changed by %s%s%s", how[i], k.code ? ": " : "", k.code ? k.err.msg : "");
        kit_has(&k, "Read-only file system", "read-only afterwards");
        if (i < 2)
            kit_has(&k, "system\n1\n", "and the only procfs in sight is the container's own");
        tap_ok(strstr(k.output, kit_work) == NULL && strstr(k.output, "/home") == NULL,
               "nothing of the host is there");
        tap_same(kit_left(&k, &before), "", "nothing is left");
        kit_fini(&k);
    }
}

/* What an image can do to the places that a plan mounts on. */
static void test_image(void)
{
    static const struct {
        const char *link, *to, *op;
        int error;
    } rows[] = {
        {"proc", "/elsewhere", "child mount source=proc target=@rootfs:proc fstype=proc create=dir", ELOOP},
        {"sys", "../elsewhere", "child mount source=sysfs target=@rootfs:sys fstype=sysfs create=dir", ELOOP},
        {"sneaky", "proc/sys", "child mount source=%s target=@rootfs:sneaky flags=bind create=dir", EPERM},
        {"sneaky", "/proc/self/attr",
         "child mount source=tmpfs target=@rootfs:sneaky fstype=tmpfs create=dir", EPERM},
        {"out", "/../../../../%s", "child mkdir path=@rootfs:out/made mode=0755", 0},
        {"dev/null", "/proc/sys/kernel/core_pattern",
         "child mknod path=@rootfs:dev/null mode=c0666 major=1 minor=3 uid=0 gid=0", EEXIST},
    };
    struct kit_sight before;
    struct kit k;

    for (size_t i = 0; i < HUSK_COUNT(rows); i++) {
        char to[256];
        kit_look(&before);
        kit_init(&k, "run");
        mkdir(kit_str("%s/elsewhere", k.root), 0755);
        mkdir(kit_str("%s/dev", k.root), 0755);
        snprintf(to, sizeof to, rows[i].to, kit_work + 1);
        if (symlink(to, kit_str("%s/%s", k.root, rows[i].link)))
            perror(rows[i].link);
        kit_add_spawn(&k, "mount|pid");
        kit_op(&k, "child attr target=/ propagation=[rslave]");
        kit_op(&k, "child mount source=%s target=%s flags=rbind", k.root, k.root);
        kit_op(&k, "child open slot=@rootfs path=%s flags=path|directory|nofollow expect=dir", k.root);
        if (strcmp(rows[i].link, "proc") != 0)
            kit_op(&k, "child mount source=proc target=@rootfs:proc fstype=proc create=dir");
        kit_op(&k, rows[i].op, kit_work);
        kit_op(&k, "child root how=pivot");
        kit_op(&k, "child lookup name=none candidates=[`/none`]");
        kit_op(&k, "child fds");
        kit_add_exec(&k, "true");
        kit_run(&k);
        tap_equal(k.err.sys, rows[i].error ? rows[i].error : ENOENT,
                  kit_str("an image with %s -> %s", rows[i].link, rows[i].to));
        tap_ok(access(kit_str("%s/made", kit_work), F_OK) != 0, "nothing is made outside");
        tap_same(kit_left(&k, &before), "", "nothing is left");
        kit_fini(&k);
    }
}

static void test_undo(void)
{
    struct kit k;
    struct husk_err err;
    char log[512];

    kit_init(&k, "run");
    kit_op(&k, "parent mkdir path=`%s/u/v\\\"w/x\\\\y` mode=0700 undo", kit_work);
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    kit_op(&k, "child root how=pivot");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_add_exec(&k, "true");
    kit_parse(&k);
    kit_apply(&k, false);
    tap_ok(k.code == 0 && access(kit_str("%s/u/v\"w/x\\y", kit_work), F_OK) == 0,
           "missing directories, with odd names%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
    snprintf(log, sizeof log, "prune \"%s/u\"\nprune \"%s/u/v\\\"w\"\nrmdir \"%s/u/v\\\"w/x\\\\y\"\n",
             kit_work, kit_work, kit_work);
    tap_ok(strncmp(k.undo, log, strlen(log)) == 0, "each is in the log, the outermost first");
    tap_ok(husk_undo(k.undo, strlen(k.undo), &err) == 0 && access(kit_str("%s/u", kit_work), F_OK) != 0,
           "undone backwards");
    tap_ok(husk_undo(k.undo, strlen(k.undo), &err) == 0, "what is gone is fine");
    mkdir(kit_str("%s/full", kit_work), 0755);
    mkdir(kit_str("%s/full/x", kit_work), 0755);
    snprintf(log, sizeof log, "rmdir \"%s/full/x\"\nrmdir \"%s/full\"\n", kit_work, kit_work);
    tap_ok(husk_undo(log, strlen(log), &err) == HUSK_ESYS && err.sys == ENOTEMPTY &&
               access(kit_str("%s/full/x", kit_work), F_OK) != 0,
           "goes on after a failure, and returns it: %s", err.msg);
    mkdir(kit_str("%s/full/x", kit_work), 0755);
    mkdir(kit_str("%s/full/y", kit_work), 0755);
    snprintf(log, sizeof log,
             "prune \"%s/full\"\nrmdir \"%s/full/x\"\nrmdir \"%s/full/y\"\nkeep \"%s/full/y\"\n", kit_work,
             kit_work, kit_work, kit_work);
    tap_ok(husk_undo(log, strlen(log), &err) == 0 && access(kit_str("%s/full/x", kit_work), F_OK) != 0 &&
               access(kit_str("%s/full/y", kit_work), F_OK) == 0,
           "what others made stays, and a parent that they use");
    rmdir(kit_str("%s/full/y", kit_work));
    tap_ok(husk_undo(log, strlen(log), &err) == 0 && access(kit_str("%s/full", kit_work), F_OK) != 0,
           "a parent that nobody uses goes");
    tap_ok(husk_undo("rmdir x\n", 8, &err) == HUSK_EARG, "a line that makes no sense: %s", err.msg);
    kit_fini(&k);
}

static void freeze(const struct kit *k, bool frozen)
{
    if (k->cgroup2)
        kit_write(kit_str("%s/cgroup.freeze", k->cgroup), frozen ? "1" : "0", 0644);
    else
        kit_write(kit_str("%s/freezer.state", k->cgroup), frozen ? "FROZEN" : "THAWED", 0644);
}

/* A cgroup that is there already: empty it serves, with a process, or frozen, it is not the container's to
 * have; nor is it undone, either time. */
static void test_occupied(void)
{
    static const char *const states[] = {"empty", "with a process", "frozen"};
    struct kit k;
    struct husk_err err;
    char parent[256];
    pid_t pid = 0;

    for (size_t i = 0; i < HUSK_COUNT(states); i++) {
        kit_init(&k, "run");
        kit_add_spawn(&k, "mount|pid");
        kit_add_root(&k);
        kit_op(&k, "child root how=pivot");
        kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
        kit_op(&k, "child fds");
        kit_add_exec(&k, "true");
        snprintf(parent, sizeof parent, "%s", k.cgroup);
        if (parent[0] == '\0') {
            tap_ok(true, "an occupied cgroup # SKIP no cgroup");
            return;
        }
        *strrchr(parent, '/') = '\0';
        mkdir(parent, 0755);
        mkdir(k.cgroup, 0755);
        if (i == 1 && (pid = fork()) == 0)
            for (;;)
                pause();
        if (i == 1)
            kit_write(kit_str("%s/cgroup.procs", k.cgroup), kit_str("%d", (int)pid), 0644);
        if (i == 2)
            freeze(&k, true);
        if (i == 2 && (pid = fork()) == 0) { /* in case somebody joins it: he would wait for ever */
            sleep(5);
            freeze(&k, false);
            _exit(0);
        }
        if (pid < 0)
            abort(); /* kill(-1) would be everybody's end */
        kit_parse(&k);
        kit_apply(&k, false);
        tap_ok(i == 0 ? k.code == 0 : k.code == HUSK_ESYS && k.err.sys == EBUSY && k.err.op == 0,
               "a cgroup that is there, %s%s%s", states[i], k.code ? ": " : "", k.code ? k.err.msg : "");
        tap_same(k.undo, "", "nothing of it is to be undone");
        if (i == 1)
            tap_equal(waitpid(pid, NULL, WNOHANG), 0, "the process in it lives");
        if (i > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        if (i == 2)
            freeze(&k, false);
        const char *log = kit_str("prune \"%s\"\nrmdir \"%s\"\n", parent, k.cgroup);
        tap_equal(husk_undo(log, strlen(log), &err), 0, "removed");
        kit_fini(&k);
    }
}

int main(void)
{
    if (!kit_begin())
        return 0;
    test_exec();
    test_leaked_cwd();
    test_userns();
    test_roots();
    test_image();
    test_undo();
    test_occupied();
    return tap_done();
}
