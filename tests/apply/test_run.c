/* Real containers from plans written by hand: what the program sees, and what the errors say. */
#include "kit.h"
#include <sys/resource.h>

/* What the program prints about itself, one fact a line. */
static const char script[] =
    "echo pid=$$ user=$(id -u):$(id -g):$(id -G) umask=$(umask) cwd=$(pwd) home=$HOME a=$A host=$(cat "
    "/proc/sys/kernel/hostname); "
    "echo caps=$(grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | tr -d '\\\\n\\\\t'); "
    "echo fds; ls /proc/$$/fd; echo end; "
    "echo signals=$(grep -E '^Sig(Blk|Ign)' /proc/$$/status | tr -d '\\\\n\\\\t'); "
    "echo null=$(stat -c '%F %t:%T %a' /dev/null) masked=$(ls /proc/fs | wc -l)/$(wc -c < /proc/keys); "
    "echo modes=$(stat -c %a /private /fresh /var/lib/deep); "
    "echo limit=$(ulimit -Hn) name=$(cat /etc/name); "
    "grep -E ' (/usr|/data|/proc/irq) ' /proc/self/mountinfo | sed 's/^[^/]*//'; "
    "echo forward=$(cat /proc/sys/net/ipv4/ip_forward) lo=$(cat /sys/class/net/lo/flags); "
    "touch /data/x 2>/dev/null || echo data is read-only; (echo x > /proc/irq/default_smp_affinity) "
    "2>/dev/null || echo irq is read-only";

static void make_rich(struct kit *k)
{
    kit_op(k, "parent open slot=@proc path=/proc flags=path|directory expect=procfs");
    kit_op(k, "parent memfd slot=@hook-state");
    kit_op(k, "parent memfd slot=@hook-create");
    kit_add_spawn(k, "mount|pid|uts|ipc|network");
    if (k->cgroup2) /* device program: return 1 */
        kit_op(k, "parent bpf slot=@cg.0 program=twAAAAEAAACVAAAAAAAAAA==");
    kit_op(k, "child keyring name=_ses.kit on_fail=ignore(ENOSYS,EPERM,EACCES)");
    kit_op(k, "child ifup name=lo");
    kit_add_root(k);
    kit_op(
        k,
        "child mount source=sysfs target=@rootfs:sys fstype=sysfs flags=ro|nosuid|nodev|noexec create=dir");
    kit_op(k,
           "child mount source=%s/data target=@rootfs:data flags=rbind set=ro|nodev|noatime "
           "create=like-source propagation=[private]",
           kit_work);
    kit_op(k, "child mount source=%s/name target=@rootfs:etc/name flags=bind create=like-source", kit_work);
    kit_op(k, "child mount source=tmpfs target=@rootfs:private fstype=tmpfs data=size=4k create=dir");
    kit_op(k, "child mount source=tmpfs target=@rootfs:fresh fstype=tmpfs create=dir");
    kit_op(k, "both sync from=child name=mounted");
    kit_op(k, "parent fill slot=@hook-state head=`{\\\"pid\\\":` tail=`}`");
    kit_op(k,
           "parent hook kind=createRuntime path=/bin/sh argv=[`sh`,`-c`,`cat > %s/seen-outside; echo noise`] "
           "envp=[`PATH=/bin`] "
           "why=/hooks/createRuntime/0",
           kit_work);
    kit_op(k, "parent fill slot=@hook-create head=`{\\\"pid\\\":` tail=`}` in_container");
    kit_op(k, "both sync from=parent name=hooks-done");
    kit_op(k,
           "child hook kind=createContainer path=/bin/sh argv=[`sh`,`-c`,`cat > %s/data/seen-inside`] "
           "envp=[`PATH=/bin`] "
           "why=/hooks/createContainer/0",
           kit_work);
    kit_op(k, "child write path=@proc:sys/net/ipv4/ip_forward data=1 why=/linux/sysctl/net.ipv4.ip_forward");
    kit_op(k, "child hostname name=kitchen");
    kit_op(k, "child mkdir path=@rootfs:var/lib/deep mode=0750");
    kit_op(k, "child open slot=@devnull path=/dev/null flags=path|nofollow expect=null");
    kit_op(k, "child mask path=@rootfs:proc/fs");
    kit_op(k, "child mask path=@rootfs:proc/acpi on_fail=ignore(ENOENT,ENOTDIR)");
    kit_op(k, "child mask path=@rootfs:sys/firmware on_fail=ignore(ENOENT,ENOTDIR)");
    kit_op(k, "child mask path=@rootfs:proc/keys on_fail=ignore(ENOENT,ENOTDIR)");
    kit_op(k, "child mask path=@rootfs:proc/no-such on_fail=ignore(ENOENT,ENOTDIR)");
    kit_op(k, "child mount source=@rootfs:proc/irq target=@rootfs:proc/irq flags=rbind set=ro");
    kit_op(k, "child rlimit type=nofile soft=512 hard=1024");
    kit_add_process(k, 0, false);
    kit_op(k, "child fds");
    kit_op(k, "both sync from=child name=ready");
    kit_op(k, "parent pidfile path=%s/pid", kit_work);
    kit_op(k, "parent record status=created");
    kit_op(k, "child seccomp filter=BgAAAAAA/38="); /* return SECCOMP_RET_ALLOW */
    kit_add_exec(k, script);
    kit_op(k, "parent record status=running");
    kit_op(k, "parent memfd slot=@hook-state");
    kit_op(k, "parent fill slot=@hook-state head=`{\\\"pid\\\":` tail=`}`");
    kit_op(k,
           "parent hook kind=poststart path=/bin/sh argv=[`sh`,`-c`,`cat > %s/seen-after`] envp=[] "
           "why=/hooks/poststart/0",
           kit_work);
}

static void test_rich(void)
{
    struct kit k;
    struct kit_sight before;
    char pid[32];

    kit_look(&before);
    kit_init(&k, "run");
    make_rich(&k);
    mkdir(kit_str("%s/private", k.root), 0710);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){1024, 4096});
    if (!kit_run(&k))
        return;
    if (!tap_ok(k.code == 0, "a rich plan is applied%s%s", k.code ? ": " : "", k.code ? k.err.msg : ""))
        return;
    tap_ok(WIFEXITED(k.status) && WEXITSTATUS(k.status) == 0, "the program ends well: status %x",
           (unsigned)k.status);
    kit_has(&k, "pid=1 user=0:0:0 7 8 umask=0027 cwd=/ home=/ a=b host=kitchen",
            "pid, user, umask, directory, environment, hostname");
    kit_has(&k,
            "CapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000CapBnd:"
            "0000000000000000CapAmb:0000000000000000",
            "no capability is left");
    kit_has(&k, "fds\n0\n1\n2\nend\n", "no descriptor but the streams");
    kit_has(&k, "signals=SigBlk:0000000000000000SigIgn:0000000000000000", "no signal blocked or ignored");
    kit_has(&k, "null=character special file 1:3 666 masked=0/0", "the null device, masks");
    kit_has(&k, "modes=710 1777 750\n", "a tmpfs takes the mode of what it covers");
    kit_has(&k, "limit=1024 name=husk", "limits, a bound file");
    kit_has(&k, " /usr ro,nosuid,", "a bind mount takes flags");
    kit_has(&k, " /data ro,nodev,noatime ", "a recursive bind mount takes flags");
    kit_has(&k, "data is read-only", "and they hold");
    kit_has(&k, "irq is read-only", "a path of proc is read-only");
    kit_has(&k, "forward=1 lo=0x9", "sysctl, loopback");
    tap_same(k.recorded, "created running ", "the state is recorded in order");
    tap_equal(k.recorded_pid, k.pid, "with the pid");
    snprintf(pid, sizeof pid, "%d", (int)k.pid);
    tap_same(kit_read(kit_str("%s/pid", kit_work)), pid, "pid file");
    snprintf(pid, sizeof pid, "{\"pid\":%d}", (int)k.pid);
    tap_same(kit_read(kit_str("%s/seen-outside", kit_work)), pid, "createRuntime reads the host's pid");
    tap_same(kit_read(kit_str("%s/seen-after", kit_work)), pid, "poststart reads the host's pid");
    tap_same(kit_read(kit_str("%s/data/seen-inside", kit_work)), "{\"pid\":1}",
             "createContainer reads the container's pid");
    tap_ok(strstr(k.output, "noise") == NULL, "what a hook prints does not reach the container's streams");
    tap_ok(access(kit_str("%s/var/lib/deep", k.root), F_OK) == 0, "missing parents are made");
    tap_same(kit_left(&k, &before), "", "nothing is left");
    kit_fini(&k);
}

/* A plan whose last operations differ: expects the error text. */
static void expect_error(struct kit *k, enum husk_diag diag, int sys, const char *msg, const char *name)
{
    struct kit_sight before;

    kit_look(&before);
    if (!kit_run(k))
        return;
    tap_ok(k->code == HUSK_ESYS && k->err.diag == diag && k->err.sys == sys, "%s: code %d diag %s errno %d",
           name, k->code, husk_diag_name(k->err.diag), k->err.sys);
    tap_same(k->err.msg, msg, name);
    tap_same(kit_left(k, &before), "", "nothing is left");
    kit_fini(k);
}

static void make_lookup(struct kit *k, const char *name, const char *candidates)
{
    kit_init(k, "run");
    kit_add_spawn(k, "mount|pid");
    kit_add_root(k);
    kit_op(k, "child root how=pivot");
    kit_op(k, "child lookup name=%s candidates=[%s] why=/process/args/0", name, candidates);
    kit_op(k, "child fds");
    kit_op(k, "both exec argv=[`%s`] envp=[]", name);
}

static void test_program_errors(void)
{
    struct kit k;

    make_lookup(&k, "frob", "`/bin/frob`,`/usr/bin/frob`");
    expect_error(&k, HUSK_DIAG_NOT_FOUND, ENOENT, "exec: \"frob\": executable file not found in $PATH",
                 "a missing program");
    tap_same(k.err.at, "/process/args/0", "and where it is asked for");
    make_lookup(&k, "/no/frob", "`/no/frob`");
    expect_error(&k, HUSK_DIAG_NOT_FOUND, ENOENT,
                 "exec: \"/no/frob\": stat /no/frob: no such file or directory", "a missing path");
    make_lookup(&k, "/bin/sh/x", "`/bin/sh/x`");
    expect_error(&k, HUSK_DIAG_NOT_FOUND, ENOENT,
                 "exec: \"/bin/sh/x\": stat /bin/sh/x: no such file or directory", "below a file");
    make_lookup(&k, "/plain", "`/plain`");
    kit_write(kit_str("%s/plain", k.root), "x", 0644);
    expect_error(&k, HUSK_DIAG_NOT_FOUND, EACCES, "exec: \"/plain\": permission denied",
                 "a file that is not executable");
    make_lookup(&k, "usr", "`/usr`");
    expect_error(&k, HUSK_DIAG_NOT_FOUND, EACCES, "exec: \"usr\": permission denied", "a directory");
    make_lookup(&k, "/noformat", "`/noformat`");
    kit_write(kit_str("%s/noformat", k.root), "x", 0755);
    expect_error(&k, HUSK_DIAG_NOT_FOUND, ENOEXEC, "exec /noformat: exec format error",
                 "a file in no format");
    make_lookup(&k, "/badscript", "`/badscript`");
    kit_write(kit_str("%s/badscript", k.root), "#!/no/interpreter\n", 0755);
    expect_error(&k, HUSK_DIAG_NOT_FOUND, ENOENT, "exec /badscript: no such file or directory",
                 "a script without interpreter");
}

static void make_hook(struct kit *k, bool child, const char *path, const char *argv, unsigned timeout)
{
    kit_init(k, "run");
    kit_op(k, "parent memfd slot=@hook-%s", child ? "create" : "state");
    kit_op(k, "parent fill slot=@hook-%s head=x tail=y", child ? "create" : "state");
    kit_add_spawn(k, "mount|pid");
    kit_add_root(k);
    kit_op(k, "%s hook kind=%s path=%s argv=[%s] envp=[`PATH=/bin`] timeout_sec=%u why=/hooks/%s/1",
           child ? "child" : "parent", child ? "createContainer" : "createRuntime", path, argv, timeout,
           child ? "createContainer" : "createRuntime");
    kit_op(k, "child root how=pivot");
    kit_op(k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(k, "child fds");
    kit_op(k, "both exec argv=[`sh`,`-c`,`true`] envp=[]");
}

static void test_hook_errors(void)
{
    struct kit k;

    for (int child = 0; child < 2; child++) {
        const char *name =
            child ? "error running createContainer hook #1: " : "error running createRuntime hook #1: ";
        make_hook(&k, child, "/bin/sh", "`sh`,`-c`,`echo out; echo err >&2; exit 3`", 0);
        expect_error(&k, HUSK_DIAG_HOOK_FAILED, 0,
                     kit_str("%sexit status 3, stdout: out\n, stderr: err\n", name), "a hook that fails");
        make_hook(&k, child, "/bin/sh", "`sh`,`-c`,`kill -9 $$`", 0);
        expect_error(&k, HUSK_DIAG_HOOK_FAILED, 0, kit_str("%ssignal: Killed, stdout: , stderr: ", name),
                     "a hook that is killed");
        make_hook(&k, child, "/no/hook", "`hook`", 0);
        expect_error(&k, HUSK_DIAG_HOOK_FAILED, ENOENT,
                     kit_str("%sfork/exec /no/hook: no such file or directory, stdout: , stderr: ", name),
                     "a hook that is missing");
        make_hook(&k, child, "/bin/sh", "`sh`,`-c`,`echo start; sleep 60 & sleep 60`", 1);
        expect_error(&k, HUSK_DIAG_HOOK_FAILED, ETIMEDOUT,
                     kit_str("%shook ran past specified timeout of 1.0s, stdout: start\n, stderr: ", name),
                     "a hook that takes too long");
    }
}

/* A hook's noise is bounded, and a daemon that it leaves behind holds nobody up. */
static void test_hook_limits(void)
{
    struct kit_sight before;
    struct kit k;
    struct husk_op_hook hook = {.kind = HUSK_HOOK_POSTSTOP, .path = "/bin/sh"};
    const char *const envp[] = {"PATH=/bin", NULL};
    const char *const daemon[] = {"sh", "-c", "sleep 3 & exit 0", NULL}, *const bad[] = {"sh", "-c",
                                                                                         "cat; exit 2", NULL};

    kit_look(&before);
    kit_init(&k, "run");
    kit_op(&k, "parent memfd slot=@hook-create");
    kit_add_spawn(&k, "mount");
    kit_op(&k, "child hook kind=createContainer path=/bin/sh argv=[`sh`,`-c`,`sleep 60 > /dev/null 2>&1 & "
               "exit 1`] envp=[`PATH=/bin`]");
    kit_add_root(&k);
    kit_op(&k, "child root how=pivot");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_add_exec(&k, "true");
    kit_run(&k);
    tap_ok(k.code == HUSK_ESYS && k.err.diag == HUSK_DIAG_HOOK_FAILED,
           "a hook that fails and leaves a daemon behind");
    tap_same(kit_left(&k, &before), "", "it goes with the cgroup, without a pid namespace");
    kit_fini(&k);
    make_hook(&k, true, "/bin/sh", "`sh`,`-c`,`head -c 50000000 /dev/zero | tr '\\\\0' x; exit 1`", 0);
    kit_run(&k);
    tap_ok(k.code == HUSK_ESYS && k.err.diag == HUSK_DIAG_HOOK_FAILED && strlen(k.err.msg) < 600,
           "a noisy hook is cut short");
    kit_fini(&k);
    hook.argv = (struct husk_list){daemon, 3};
    hook.envp = (struct husk_list){envp, 1};
    alarm(2);
    tap_ok(husk_hook_run(&hook, "state", 5, "/hooks/poststop/0", &k.err) == 0,
           "a hook that leaves a daemon behind has ended");
    alarm(0);
    hook.argv = (struct husk_list){bad, 3};
    tap_ok(husk_hook_run(&hook, "state", 5, "/hooks/poststop/0", &k.err) == HUSK_ESYS,
           "a failing poststop hook");
    tap_same(k.err.msg, "error running poststop hook #0: exit status 2, stdout: state, stderr: ",
             "its error, and its stdin");
}

static void test_operation_errors(void)
{
    struct kit k;
    uint32_t op;

    kit_init(&k, "run");
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    op = kit_op(&k, "child mount source=none target=@rootfs:mnt fstype=no_such_fs create=dir why=/mounts/3");
    kit_op(&k, "child root how=pivot");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_op(&k, "both exec argv=[`sh`] envp=[]");
    expect_error(&k, HUSK_DIAG_OP_FAILED, ENODEV,
                 "mount no_such_fs on /mnt: in the child: ENODEV (No such device)",
                 "a file system that is unknown");
    tap_same(k.err.at, "/mounts/3", "its place in the configuration");
    tap_equal(k.err.op, op, "its operation");
    kit_init(&k, "run");
    op = kit_op(&k, "parent open slot=@aux.0 path=/no/such flags=path why=/root/path");
    kit_add_all(&k, "true");
    expect_error(&k, HUSK_DIAG_OP_FAILED, ENOENT,
                 "open /no/such: in the parent: ENOENT (No such file or directory)", "a missing root");
    kit_init(&k, "run");
    kit_op(&k, "parent open slot=@proc path=/tmp flags=path|directory expect=procfs");
    kit_add_all(&k, "true");
    expect_error(&k, HUSK_DIAG_OP_FAILED, EINVAL, "open /tmp: in the parent: EINVAL (Invalid argument)",
                 "a file of another kind");
    kit_init(&k, "run");
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    kit_op(&k, "child write path=@rootfs:proc/sys/kernel/pid_max data=frob why=/linux/sysctl/kernel.pid_max");
    kit_op(&k, "child root how=pivot");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_op(&k, "both exec argv=[`sh`] envp=[]");
    expect_error(&k, HUSK_DIAG_OP_FAILED, EINVAL,
                 "write \"frob\" to /proc/sys/kernel/pid_max: in the child: EINVAL (Invalid argument)",
                 "a value that the kernel refuses");
    kit_init(&k, "run");
    kit_add_spawn(&k, "mount|pid");
    kit_op(&k, "parent record status=refuse");
    kit_add_root(&k);
    kit_op(&k, "child root how=pivot");
    kit_op(&k, "child lookup name=sh candidates=[`/bin/sh`]");
    kit_op(&k, "child fds");
    kit_op(&k, "both exec argv=[`sh`] envp=[]");
    kit_run(&k);
    tap_ok(k.code == HUSK_ESTATE && k.err.diag == HUSK_DIAG_STATE_FILE, "a state that cannot be recorded");
    tap_same(k.err.msg, "state.json: no space", "is what the callback said");
    kit_fini(&k);
}

static void test_on_fail(void)
{
    struct kit k;

    for (int child = 0; child < 2; child++) {
        const char *who = child ? "child" : "parent";
        kit_init(&k, "run");
        kit_add_spawn(&k, "mount|pid");
        kit_op(&k, "%s open slot=@aux.1 path=/no/such flags=path on_fail=ignore(ENOENT)", who);
        kit_op(&k, "%s write path=/no/such data=x on_fail=else(1,ENOENT)", who);
        kit_op(&k, "%s open slot=@aux.2 path=/no/such flags=path on_fail=ignore(ENOENT)", who);
        kit_op(&k, "%s open slot=@aux.3 path=/ flags=path on_fail=else(1,ENOENT)", who);
        kit_op(&k, "%s open slot=@aux.3 path=/never/reached flags=path", who);
        kit_add_root(&k);
        kit_add_process(&k, 0, false);
        kit_op(&k, "child fds");
        kit_add_exec(&k, "echo through");
        kit_run(&k);
        tap_ok(k.code == 0 && strstr(k.output, "through"), "on_fail in the %s: %s", who,
               k.code ? k.err.msg : "goes on");
        kit_fini(&k);
        kit_init(&k, "run");
        kit_add_spawn(&k, "mount|pid");
        kit_op(&k, "%s open slot=@aux.1 path=/no/such flags=path on_fail=ignore(EACCES,EPERM)", who);
        kit_add_root(&k);
        kit_add_process(&k, 0, false);
        kit_op(&k, "child fds");
        kit_add_exec(&k, "true");
        expect_error(&k, HUSK_DIAG_OP_FAILED, ENOENT,
                     kit_str("open /no/such: in the %s: ENOENT (No such file or directory)", who),
                     "another errno is a failure");
    }
}

/* Somebody kills the child between two sync points. */
static void test_child_dies(void)
{
    struct kit k;
    uint32_t op;

    kit_init(&k, "run");
    kit_op(&k, "parent memfd slot=@hook-state");
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    op = kit_op(&k, "both sync from=child name=mounted why=/here");
    kit_op(&k, "parent fill slot=@hook-state head=`` tail=``");
    kit_op(&k, "parent hook kind=createRuntime path=/bin/sh argv=[`sh`,`-c`,`kill -9 $(cat)`] "
               "envp=[`PATH=/bin`] why=/hooks/createRuntime/0");
    kit_op(&k, "both sync from=parent name=go");
    kit_add_process(&k, 0, false);
    kit_op(&k, "child fds");
    kit_add_exec(&k, "true");
    expect_error(
        &k, HUSK_DIAG_CHILD_DIED, 0,
        kit_str(
            "the container's first process was killed by signal 9 (Killed) before it executed its program; "
            "it had reached operation %u (wait mounted)",
            (unsigned)op),
        "a child that is killed");
    tap_equal(k.err.op, op, "the operation that it had reached");
    tap_same(k.err.at, "/here", "and its place");
}

/* How a program ends is not how apply ends. */
static void test_quick_ends(void)
{
    struct kit k;
    bool good = true;

    for (int i = 0; i < 20 && good; i++) {
        kit_init(&k, "run");
        kit_add_spawn(&k, "mount");
        kit_add_root(&k);
        kit_add_process(&k, 0, false);
        kit_op(&k, "child fds");
        kit_add_exec(&k, i % 2 ? "exit 7" : "kill -9 $$");
        kit_run(&k);
        good = k.code == 0 &&
               (i % 2 ? WIFEXITED(k.status) && WEXITSTATUS(k.status) == 7 : WIFSIGNALED(k.status));
        kit_fini(&k);
    }
    tap_ok(good, "a program that ends at once was executed%s%s", good ? "" : ": ", good ? "" : k.err.msg);
}

int main(void)
{
    if (!kit_begin())
        return 0;
    mkdir(kit_str("%s/data", kit_work), 0755);
    kit_write(kit_str("%s/name", kit_work), "husk\n", 0644);
    test_rich();
    test_program_errors();
    test_hook_errors();
    test_hook_limits();
    test_operation_errors();
    test_on_fail();
    test_child_dies();
    test_quick_ends();
    return tap_done();
}
