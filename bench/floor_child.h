/* floor_child.h - the floor's child: from the clone to the program. See floor.c. */
#ifndef BENCH_FLOOR_CHILD_H
#define BENCH_FLOOR_CHILD_H
#include "raw.h"

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/stat.h>

#define MAX_V1 16

/* libc's headers and the kernel's cannot be included together. */
enum {
    READ = 02000000, WRITE = 02000001, BOTH = 02000002, NEW = 02001101, PATH = 012000000, /* all O_CLOEXEC */
    CHR = 0020000, FIFO = 0010000, DIR = 0040000, TYPE = 0170000,
    PRIVATE = 1 << 18 | 1 << 14, DETACH = 2, WALL = 0x40000000, CHLD = 17, KILL = 9, NOENT = -2
};

struct pair { const char *name, *value; };

/* The command's arguments and what is open; see floor.c. */
static const char *id, *rootfs, *const *v1, *argv[3];
static int v1_count, has_v2, gate = -1, ready = -1, tasks[MAX_V1];

static void v1_path(char *to, int i, const char *file)
{
    char dir[RAW_PATH];
    join(dir, v1[i], "/", id);
    join(to, dir, file, "");
}

enum {
    RO = MOUNT_ATTR_RDONLY, NOSUID = MOUNT_ATTR_NOSUID, NODEV = MOUNT_ATTR_NODEV, NOEXEC = MOUNT_ATTR_NOEXEC,
    STRICT = MOUNT_ATTR_STRICTATIME, ALL3 = NOSUID | NODEV | NOEXEC,
    CLONE_TREE = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
};

/* A mount of a new file system that is nowhere yet. */
static long detached(const char *type, const struct pair *options, unsigned attributes)
{
    long fs = must(type, SYS(fsopen, type, FSOPEN_CLOEXEC));
    for (; options && options->name; options++)
        must(options->name, SYS(fsconfig, fs, FSCONFIG_SET_STRING, options->name, options->value, 0));
    must(type, SYS(fsconfig, fs, FSCONFIG_CMD_CREATE, 0, 0, 0));
    long fd = must(type, SYS(fsmount, fs, FSMOUNT_CLOEXEC, attributes));
    SYS(close, fs);
    return fd;
}

static void attach(long fd, const char *at)
{
    must(at, SYS(move_mount, fd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH));
    SYS(close, fd);
}

/* A detached copy of the mount at path with more attributes, or NOENT. */
static long copied(const char *path, unsigned recursive, unsigned attributes)
{
    struct mount_attr attr = { .attr_set = attributes };
    long fd = SYS(open_tree, AT_FDCWD, path, CLONE_TREE | recursive);
    if (fd == NOENT)
        return fd;
    must(path, fd);
    if (attributes)
        must(path, SYS(mount_setattr, fd, "", AT_EMPTY_PATH | recursive, &attr, sizeof attr));
    return fd;
}

static void mount_all(const int *v1_mount)
{
    static const struct pair dev[] = { { "mode", "755" }, { "size", "65536k" }, { 0, 0 } };
    static const struct pair shm[] = { { "mode", "1777" }, { "size", "65536k" }, { 0, 0 } };
    static const struct pair pts[] = { { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" }, { 0, 0 } };
    static const struct pair v1_root[] = { { "mode", "755" }, { 0, 0 } };
    attach(detached("proc", 0, 0), "proc");
    attach(detached("tmpfs", dev, NOSUID | STRICT), "dev");
    SYS(mkdir, "dev/pts", 0755);
    SYS(mkdir, "dev/shm", 01777);
    SYS(mkdir, "dev/mqueue", 0755);
    attach(detached("devpts", pts, NOSUID | NOEXEC), "dev/pts");
    attach(detached("tmpfs", shm, ALL3), "dev/shm");
    attach(detached("mqueue", 0, ALL3), "dev/mqueue");
    attach(detached("sysfs", 0, ALL3 | RO), "sys");
    if (!v1_count) {
        if (has_v2)
            attach(detached("cgroup2", 0, ALL3 | RO), "sys/fs/cgroup");
        return;
    }
    struct mount_attr read_only = { .attr_set = RO };
    attach(detached("tmpfs", v1_root, ALL3), "sys/fs/cgroup");
    for (int i = 0; i < v1_count; i++) {
        char path[RAW_PATH];
        join(path, "sys/fs/cgroup/", last_part(v1[i]), "");
        must(path, SYS(mkdir, path, 0755));
        attach(v1_mount[i], path);
    }
    must("cgroup read-only", SYS(mount_setattr, AT_FDCWD, "sys/fs/cgroup", 0, &read_only, sizeof read_only));
}

static void make_devices(void)
{
    static const struct { const char *path; int major, minor; } nodes[] = {
        { "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 },
        { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
    };
    static const struct pair links[] = {
        { "dev/fd", "/proc/self/fd" }, { "dev/stdin", "/proc/self/fd/0" }, { "dev/ptmx", "pts/ptmx" },
        { "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" },
    };
    SYS(umask, 0);
    for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
        must(nodes[i].path, SYS(mknod, nodes[i].path, CHR | 0666, nodes[i].major << 8 | nodes[i].minor));
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
        must(links[i].name, SYS(symlink, links[i].value, links[i].name));
}

static void hide_paths(void)
{
    static const char *const read_only[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    };
    static const char *const masked[] = {
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
    };
    static const struct pair small[] = { { "nr_blocks", "1" }, { "nr_inodes", "1" }, { 0, 0 } };
    static struct statx facts;
    long empty = -1;
    for (unsigned i = 0; i < sizeof read_only / sizeof *read_only; i++) {
        long fd = copied(read_only[i], AT_RECURSIVE, ALL3 | RO);
        if (fd != NOENT)
            attach(fd, read_only[i]);
    }
    for (unsigned i = 0; i < sizeof masked / sizeof *masked; i++) {
        if (SYS(statx, AT_FDCWD, masked[i], 0, STATX_TYPE, &facts) < 0)
            continue;
        if ((facts.stx_mode & TYPE) != DIR)
            attach(copied("/dev/null", 0, 0), masked[i]);
        else if (empty >= 0)
            attach(must("clone empty", SYS(open_tree, empty, "", CLONE_TREE | AT_EMPTY_PATH)), masked[i]);
        else {
            empty = detached("tmpfs", small, ALL3 | RO);
            must(masked[i], SYS(move_mount, empty, "", AT_FDCWD, masked[i], MOVE_MOUNT_F_EMPTY_PATH));
        }
    }
}

static void enter_root(void)
{
    int v1_mount[MAX_V1];
    struct mount_attr read_only = { .attr_set = RO };
    must("private /", SYS(mount, 0, "/", 0, PRIVATE, 0));
    for (int i = 0; i < v1_count; i++) {
        char path[RAW_PATH];
        v1_path(path, i, "");
        v1_mount[i] = (int)must(path, copied(path, 0, ALL3 | RO));
    }
    long root = must(rootfs, copied(rootfs, AT_RECURSIVE, 0));
    must("read-only root", SYS(mount_setattr, root, "", AT_EMPTY_PATH, &read_only, sizeof read_only));
    must(rootfs, SYS(move_mount, root, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH));
    must(rootfs, SYS(fchdir, root));
    SYS(close, root);
    mount_all(v1_mount);
    make_devices();
    must("pivot_root", SYS(pivot_root, ".", "."));
    must("detach the old root", SYS(umount2, ".", DETACH));
    must("chdir /", SYS(chdir, "/"));
    hide_paths();
}

static void drop_privileges(void)
{
    const unsigned keep = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct sets[2] = { { keep, keep, 0 }, { 0, 0, 0 } };
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (cap > 31 || !(keep >> cap & 1))
            SYS(prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
    must("capset", SYS(capset, &header, sets));
    must("no new privileges", SYS(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* On v1 a process that has one thread joins by "0" to tasks without waiting for anyone. */
static void join_v1(void)
{
    for (int i = 0; i < v1_count; i++)
        must("join", SYS(write, tasks[i], "0", 1));
}

static void execute(void)
{
    const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", 0,
    };
    must(argv[0], SYS(execve, argv[0], argv, env));
}

static void container(void)
{
    const unsigned long files[2] = { 1024, 1024 };
    struct { char name[16]; short flags; char pad[22]; } up = { "lo", 0x41 /* IFF_UP | IFF_RUNNING */, "" };
    char byte;
    join_v1();
    enter_root();
    long sock = must("socket", SYS(socket, 2, 02000002, 0));
    must("lo up", SYS(ioctl, sock, 0x8914 /* SIOCSIFFLAGS */, &up));
    SYS(close, sock);
    must("hostname", SYS(sethostname, "floor", 5));
    must("limit of files", SYS(prlimit64, 0, 7, files, 0));
    drop_privileges();
    if (gate >= 0) {
        SYS(write, ready, "", 1);
        SYS(close, ready);
        SYS(read, gate, &byte, 1);
    }
    execute();
}

static void in_container(void)
{
    join_v1();
    drop_privileges();
    execute();
}

#endif
