/* floor.c - the least kernel work that starts the default bundle: what a runtime is measured against.
 *
 *     floor VERB STATE ROOTFS PROGRAM ARGUMENT V2 [V1...]
 *
 * VERB is run, create, start, state, exec, kill or delete; all take the same arguments. STATE is the path of
 * the state file, and its last part names the cgroups. ARGUMENT may be empty. V2 is the cgroup2 directory to
 * work in, or "-"; V1 are the directories of the v1 hierarchies.
 *
 * The choices are the ones that measured best: no libc, whose start alone costs as much as all mounts; one
 * clone3 with all namespaces, sharing memory; no write to cgroup.procs, which waits for an RCU grace period
 * (CLONE_INTO_CGROUP, and on v1 "0" to `tasks` by the child); detached mounts, one tmpfs for all masked
 * directories. It makes the container of `runc spec`: namespaces, mounts, devices, masked and read-only
 * paths, lo, host name, capabilities, limits. It leaves out what is a runtime's own work: JSON, checks of
 * paths, rules for devices, a state file that others could use.
 */
#include "floor_child.h"

static const char *state, *v2;
static int cgroup = -1;
static char stack[32768] __attribute__((aligned(64)));

static void write_file(const char *path, const char *text, long n)
{
    long fd = must(path, SYS(open, path, WRITE));
    must(path, SYS(write, fd, text, n));
    SYS(close, fd);
}

/* A new cpuset is empty, and takes no process before it has cpus and memory nodes. */
static void fill_cpuset(int i, const char *file)
{
    char path[RAW_PATH], text[256];
    join(path, v1[i], file, "");
    long fd = must(path, SYS(open, path, READ)), n = must(path, SYS(read, fd, text, sizeof text));
    SYS(close, fd);
    v1_path(path, i, file);
    write_file(path, text, n);
}

static void open_cgroups(int make)
{
    char path[RAW_PATH];
    if (has_v2) {
        join(path, v2, "/", id);
        if (make)
            must("mkdir cgroup", SYS(mkdir, path, 0755));
        cgroup = (int)must("open cgroup", SYS(open, path, PATH));
    }
    for (int i = 0; i < v1_count; i++) {
        v1_path(path, i, "");
        if (make)
            must("mkdir v1 cgroup", SYS(mkdir, path, 0755));
        if (make && same(last_part(v1[i]), "cpuset")) {
            fill_cpuset(i, "/cpuset.cpus");
            fill_cpuset(i, "/cpuset.mems");
        }
        v1_path(path, i, "/tasks");
        tasks[i] = (int)must("open tasks", SYS(open, path, WRITE));
    }
}

static void remove_cgroups(void)
{
    char path[RAW_PATH];
    if (has_v2) {
        join(path, v2, "/", id);
        must("rmdir cgroup", SYS(rmdir, path));
    }
    for (int i = 0; i < v1_count; i++) {
        v1_path(path, i, "");
        must("rmdir v1 cgroup", SYS(rmdir, path));
    }
}

/* Shares our memory, so it has a stack of its own; with CLONE_VFORK we wait until it executes the program. */
static long spawn(void (*child)(void), unsigned long long flags)
{
    struct clone_args args = { .flags = CLONE_VM | flags, .exit_signal = CHLD };
    args.stack = (unsigned long)stack;
    args.stack_size = sizeof stack;
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)cgroup;
    }
    return must("clone3", raw_clone(&args, child));
}

static unsigned long long namespaces(void)
{
    return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
           (v1_count ? 0 : CLONE_NEWCGROUP);
}

static int wait_for(long pid)
{
    int status = 0;
    must("wait", SYS(wait4, pid, &status, WALL, 0));
    return status >> 8 & 255 ? status >> 8 & 255 : status & 127;
}

static int run(void)
{
    open_cgroups(1);
    int status = wait_for(spawn(container, namespaces() | CLONE_VFORK));
    remove_cgroups();
    return status;
}

static void side_path(char path[RAW_PATH], const char *suffix)
{
    join(path, state, suffix, "");
}

static int create(void)
{
    char path[RAW_PATH], text[24];
    int pipe[2];
    side_path(path, ".gate");
    must(path, SYS(mknod, path, FIFO | 0600, 0));
    gate = (int)must(path, SYS(open, path, BOTH));
    must("pipe", SYS(pipe2, pipe, READ));
    ready = pipe[1];
    open_cgroups(1);
    long pid = spawn(container, namespaces());
    SYS(close, pipe[1]);
    if (SYS(read, pipe[0], text, 1) != 1)
        must("the container ended", -1);
    side_path(path, ".new");
    long fd = must(path, SYS(open, path, NEW, 0600));
    SYS(write, fd, text, digits(text, pid));
    SYS(close, fd);
    must(state, SYS(rename, path, state));
    return 0;
}

static int start(void)
{
    char path[RAW_PATH];
    side_path(path, ".gate");
    write_file(path, "", 1);
    return 0;
}

/* The container's init; -1 when it is gone. */
static long open_init(void)
{
    char text[24];
    long fd = must(state, SYS(open, state, READ)), n = must(state, SYS(read, fd, text, sizeof text)), pid = 0;
    SYS(close, fd);
    for (int i = 0; i < n; i++)
        pid = pid * 10 + text[i] - '0';
    fd = SYS(pidfd_open, pid, 0);
    return fd < 0 ? -1 : fd;
}

static int show(void)
{
    return SYS(write, 1, open_init() < 0 ? "stopped\n" : "running\n", 8) != 8;
}

static int kill(void)
{
    must("kill", SYS(pidfd_send_signal, open_init(), KILL, 0, 0));
    return 0;
}

static int delete(void)
{
    char path[RAW_PATH];
    struct { int fd; short events, got; } init = { (int)open_init(), 1, 0 };
    if (init.fd >= 0)
        must("wait for init", SYS(poll, &init, 1, 5000));
    remove_cgroups();
    side_path(path, ".gate");
    must(path, SYS(unlink, path));
    must(state, SYS(unlink, state));
    return 0;
}

static int execute_in(void)
{
    long init = must("init", open_init());
    open_cgroups(0);
    /* The container's processes see us from here on, and we share our memory with the next one. */
    must("dumpable", SYS(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0));
    must("setns", SYS(setns, init, namespaces()));
    return wait_for(spawn(in_container, CLONE_VFORK));
}

int raw_main(long argc, const char *const *words)
{
    static const struct { const char *name; int (*run)(void); } verbs[] = {
        { "run", run }, { "create", create }, { "start", start }, { "state", show },
        { "kill", kill }, { "delete", delete }, { "exec", execute_in },
    };
    if (argc < 7 || argc > 7 + MAX_V1)
        must("usage: floor VERB STATE ROOTFS PROGRAM ARGUMENT V2 [V1...]", -22);
    state = words[2];
    id = last_part(state);
    rootfs = words[3];
    argv[0] = words[4];
    argv[1] = *words[5] ? words[5] : 0;
    v2 = words[6];
    has_v2 = *v2 != '-';
    v1 = words + 7;
    v1_count = (int)argc - 7;
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (same(words[1], verbs[i].name))
            return verbs[i].run();
    must("no such verb", -22);
    return 1;
}
