/* husk/impl/names_tables.h - the tables of names.h. Included by it, never alone. */
#ifndef HUSK_NAMES_TABLES_H
#define HUSK_NAMES_TABLES_H

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

/* What the kernel has had for long, but not every libc's and distribution's headers. */
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME 7
#endif
#ifndef RLIMIT_RTTIME
#define RLIMIT_RTTIME 15
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef MS_SILENT
#define MS_SILENT 32768
#endif
#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1 << 25)
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
#define MOUNT_ATTR__ATIME 0x00000070
#define MOUNT_ATTR_RELATIME 0x00000000
#define MOUNT_ATTR_NOATIME 0x00000010
#define MOUNT_ATTR_STRICTATIME 0x00000020
#define MOUNT_ATTR_NODIRATIME 0x00000080
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif
#ifndef SECCOMP_RET_KILL_THREAD
#define SECCOMP_RET_KILL_THREAD 0x00000000U
#endif
#ifndef SECCOMP_RET_LOG
#define SECCOMP_RET_LOG 0x7ffc0000U
#endif
#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
#endif
#ifndef SECCOMP_FILTER_FLAG_TSYNC
#define SECCOMP_FILTER_FLAG_TSYNC (1UL << 0)
#endif
#ifndef SECCOMP_FILTER_FLAG_LOG
#define SECCOMP_FILTER_FLAG_LOG (1UL << 1)
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef EM_RISCV
#define EM_RISCV 243
#endif
#ifndef AUDIT_ARCH_RISCV64
#define AUDIT_ARCH_RISCV64 (EM_RISCV | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE)
#endif
#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif
#ifndef AUDIT_ARCH_LOONGARCH64
#define AUDIT_ARCH_LOONGARCH64 (EM_LOONGARCH | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE)
#endif

/* Libcs take the first two or three real-time signals for themselves; 34 is what every runtime means. */
#define HUSK__SIGRTMIN 34
#define HUSK__SIGRTMAX (_NSIG - 1)

#define S(symbol) { #symbol, (uint64_t)symbol },

/* The kernel's numbering is for ever; its header would not know the newest of these everywhere. */
static const struct husk_name husk__capabilities[] = {
    { "CAP_CHOWN", 0 }, { "CAP_DAC_OVERRIDE", 1 }, { "CAP_DAC_READ_SEARCH", 2 }, { "CAP_FOWNER", 3 },
    { "CAP_FSETID", 4 }, { "CAP_KILL", 5 }, { "CAP_SETGID", 6 }, { "CAP_SETUID", 7 }, { "CAP_SETPCAP", 8 },
    { "CAP_LINUX_IMMUTABLE", 9 }, { "CAP_NET_BIND_SERVICE", 10 }, { "CAP_NET_BROADCAST", 11 },
    { "CAP_NET_ADMIN", 12 }, { "CAP_NET_RAW", 13 }, { "CAP_IPC_LOCK", 14 }, { "CAP_IPC_OWNER", 15 },
    { "CAP_SYS_MODULE", 16 }, { "CAP_SYS_RAWIO", 17 }, { "CAP_SYS_CHROOT", 18 }, { "CAP_SYS_PTRACE", 19 },
    { "CAP_SYS_PACCT", 20 }, { "CAP_SYS_ADMIN", 21 }, { "CAP_SYS_BOOT", 22 }, { "CAP_SYS_NICE", 23 },
    { "CAP_SYS_RESOURCE", 24 }, { "CAP_SYS_TIME", 25 }, { "CAP_SYS_TTY_CONFIG", 26 }, { "CAP_MKNOD", 27 },
    { "CAP_LEASE", 28 }, { "CAP_AUDIT_WRITE", 29 }, { "CAP_AUDIT_CONTROL", 30 }, { "CAP_SETFCAP", 31 },
    { "CAP_MAC_OVERRIDE", 32 }, { "CAP_MAC_ADMIN", 33 }, { "CAP_SYSLOG", 34 }, { "CAP_WAKE_ALARM", 35 },
    { "CAP_BLOCK_SUSPEND", 36 }, { "CAP_AUDIT_READ", 37 }, { "CAP_PERFMON", 38 }, { "CAP_BPF", 39 },
    { "CAP_CHECKPOINT_RESTORE", 40 },
    { NULL, 0 }
};

static const struct husk_name husk__signals[] = {
    S(SIGHUP) S(SIGINT) S(SIGQUIT) S(SIGILL) S(SIGTRAP) S(SIGABRT) S(SIGIOT) S(SIGBUS) S(SIGFPE) S(SIGKILL)
    S(SIGUSR1) S(SIGSEGV) S(SIGUSR2) S(SIGPIPE) S(SIGALRM) S(SIGTERM) S(SIGCHLD) S(SIGCLD) S(SIGCONT)
    S(SIGSTOP) S(SIGTSTP) S(SIGTTIN) S(SIGTTOU) S(SIGURG) S(SIGXCPU) S(SIGXFSZ) S(SIGVTALRM) S(SIGPROF)
    S(SIGWINCH) S(SIGIO) S(SIGPOLL) S(SIGPWR) S(SIGSYS)
#ifdef SIGSTKFLT
    S(SIGSTKFLT)
#endif
#ifdef SIGEMT
    S(SIGEMT)
#endif
    { "SIGRTMIN", HUSK__SIGRTMIN }, { "SIGRTMAX", HUSK__SIGRTMAX },
    { NULL, 0 }
};

static const struct husk_name husk__rlimits[] = {
    S(RLIMIT_AS) S(RLIMIT_CORE) S(RLIMIT_CPU) S(RLIMIT_DATA) S(RLIMIT_FSIZE) S(RLIMIT_LOCKS)
    S(RLIMIT_MEMLOCK) S(RLIMIT_MSGQUEUE) S(RLIMIT_NICE) S(RLIMIT_NOFILE) S(RLIMIT_NPROC) S(RLIMIT_RSS)
    S(RLIMIT_RTPRIO) S(RLIMIT_RTTIME) S(RLIMIT_SIGPENDING) S(RLIMIT_STACK)
    { NULL, 0 }
};

static const struct husk_name husk__namespaces[] = {
    { "pid", CLONE_NEWPID }, { "network", CLONE_NEWNET }, { "mount", CLONE_NEWNS }, { "ipc", CLONE_NEWIPC },
    { "uts", CLONE_NEWUTS }, { "user", CLONE_NEWUSER }, { "cgroup", CLONE_NEWCGROUP },
    { "time", CLONE_NEWTIME },
    { NULL, 0 }
};

static const struct husk_name husk__seccomp_actions[] = {
    { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD }, { "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
    { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS }, { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
    { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO }, { "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
    { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW }, { "SCMP_ACT_LOG", SECCOMP_RET_LOG },
    { "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
    { NULL, 0 }
};

static const struct husk_name husk__seccomp_ops[] = {
    { "SCMP_CMP_NE", HUSK_SECCOMP_NE }, { "SCMP_CMP_LT", HUSK_SECCOMP_LT },
    { "SCMP_CMP_LE", HUSK_SECCOMP_LE }, { "SCMP_CMP_EQ", HUSK_SECCOMP_EQ },
    { "SCMP_CMP_GE", HUSK_SECCOMP_GE }, { "SCMP_CMP_GT", HUSK_SECCOMP_GT },
    { "SCMP_CMP_MASKED_EQ", HUSK_SECCOMP_MASKED_EQ },
    { NULL, 0 }
};

static const struct husk_name husk__seccomp_archs[] = {
    { "SCMP_ARCH_X86", AUDIT_ARCH_I386 }, { "SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64 },
    { "SCMP_ARCH_X32", HUSK_ARCH_X32 }, { "SCMP_ARCH_ARM", AUDIT_ARCH_ARM },
    { "SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64 }, { "SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS },
    { "SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64 }, { "SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32 },
    { "SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL }, { "SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64 },
    { "SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32 }, { "SCMP_ARCH_PPC", AUDIT_ARCH_PPC },
    { "SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64 }, { "SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE },
    { "SCMP_ARCH_S390", AUDIT_ARCH_S390 }, { "SCMP_ARCH_S390X", AUDIT_ARCH_S390X },
    { "SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC }, { "SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64 },
    { "SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64 }, { "SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64 },
    { "SCMP_ARCH_M68K", AUDIT_ARCH_M68K }, { "SCMP_ARCH_SH", AUDIT_ARCH_SHEL },
    { "SCMP_ARCH_SHEB", AUDIT_ARCH_SH },
    { NULL, 0 }
};

static const struct husk_name husk__seccomp_flags[] = {
    S(SECCOMP_FILTER_FLAG_TSYNC) S(SECCOMP_FILTER_FLAG_LOG) S(SECCOMP_FILTER_FLAG_SPEC_ALLOW)
    S(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
    { NULL, 0 }
};

/* Numbers of the kernel's ABI that live in headers which clash with libc's. */
static const struct husk_name husk__sched_policies[] = {
    { "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 }, { "SCHED_BATCH", 3 }, { "SCHED_ISO", 4 },
    { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 },
    { NULL, 0 }
};

static const struct husk_name husk__sched_flags[] = {
    { "SCHED_FLAG_RESET_ON_FORK", 0x01 }, { "SCHED_FLAG_RECLAIM", 0x02 }, { "SCHED_FLAG_DL_OVERRUN", 0x04 },
    { "SCHED_FLAG_KEEP_POLICY", 0x08 }, { "SCHED_FLAG_KEEP_PARAMS", 0x10 },
    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 }, { "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
    { NULL, 0 }
};

static const struct husk_name husk__ioprio_classes[] = {
    { "IOPRIO_CLASS_RT", 1 }, { "IOPRIO_CLASS_BE", 2 }, { "IOPRIO_CLASS_IDLE", 3 },
    { NULL, 0 }
};

static const struct husk_name husk__mempolicy_modes[] = {
    { "MPOL_DEFAULT", 0 }, { "MPOL_PREFERRED", 1 }, { "MPOL_BIND", 2 }, { "MPOL_INTERLEAVE", 3 },
    { "MPOL_LOCAL", 4 }, { "MPOL_PREFERRED_MANY", 5 }, { "MPOL_WEIGHTED_INTERLEAVE", 6 },
    { NULL, 0 }
};

static const struct husk_name husk__mempolicy_flags[] = {
    { "MPOL_F_NUMA_BALANCING", 1 << 13 }, { "MPOL_F_RELATIVE_NODES", 1 << 14 },
    { "MPOL_F_STATIC_NODES", 1 << 15 },
    { NULL, 0 }
};

static const struct husk_name husk__personalities[] = {
    { "LINUX", PER_LINUX }, { "LINUX32", PER_LINUX32 },
    { NULL, 0 }
};

static const struct husk_name husk__propagations[] = {
    { "private", MS_PRIVATE }, { "rprivate", MS_PRIVATE | MS_REC },
    { "shared", MS_SHARED }, { "rshared", MS_SHARED | MS_REC },
    { "slave", MS_SLAVE }, { "rslave", MS_SLAVE | MS_REC },
    { "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | MS_REC },
    { NULL, 0 }
};

static const struct husk_name husk__clocks[] = {
    { "monotonic", CLOCK_MONOTONIC }, { "boottime", CLOCK_BOOTTIME },
    { NULL, 0 }
};

static const struct husk_name husk__device_types[] = {
    { "c", S_IFCHR }, { "u", S_IFCHR }, { "b", S_IFBLK }, { "p", S_IFIFO },
    { NULL, 0 }
};
#undef S

static const struct {
    const char *noun;
    const struct husk_name *names;
} husk__tables[HUSK_TABLE_COUNT] = {
    [HUSK_TABLE_CAPABILITY] = { "capability", husk__capabilities },
    [HUSK_TABLE_SIGNAL] = { "signal", husk__signals },
    [HUSK_TABLE_RLIMIT] = { "resource limit", husk__rlimits },
    [HUSK_TABLE_NAMESPACE] = { "namespace type", husk__namespaces },
    [HUSK_TABLE_SECCOMP_ACTION] = { "seccomp action", husk__seccomp_actions },
    [HUSK_TABLE_SECCOMP_OP] = { "seccomp operator", husk__seccomp_ops },
    [HUSK_TABLE_SECCOMP_ARCH] = { "seccomp architecture", husk__seccomp_archs },
    [HUSK_TABLE_SECCOMP_FLAG] = { "seccomp flag", husk__seccomp_flags },
    [HUSK_TABLE_SCHED_POLICY] = { "scheduler policy", husk__sched_policies },
    [HUSK_TABLE_SCHED_FLAG] = { "scheduler flag", husk__sched_flags },
    [HUSK_TABLE_IOPRIO_CLASS] = { "I/O priority class", husk__ioprio_classes },
    [HUSK_TABLE_MEMPOLICY_MODE] = { "memory policy", husk__mempolicy_modes },
    [HUSK_TABLE_MEMPOLICY_FLAG] = { "memory policy flag", husk__mempolicy_flags },
    [HUSK_TABLE_PERSONALITY] = { "personality", husk__personalities },
    [HUSK_TABLE_PROPAGATION] = { "mount propagation", husk__propagations },
    [HUSK_TABLE_CLOCK] = { "clock", husk__clocks },
    [HUSK_TABLE_DEVICE_TYPE] = { "device type", husk__device_types },
};

/* Sorted, for bsearch. The names are the words of plans, too: a flag of more bits than MS_REC and one other would change what
 * older plans say. MOUNT_ATTR_RELATIME is 0, no bit at all: relatime clears what the others set. */
static const struct husk_mount_option husk__mount_options[] = {
    { "async", HUSK_MOPT_FLAG, false, MS_SYNCHRONOUS },
    { "atime", HUSK_MOPT_FLAG, false, MS_NOATIME },
    { "bind", HUSK_MOPT_FLAG, true, MS_BIND },
    { "defaults", HUSK_MOPT_NOTHING, true, 0 },
    { "dest-nofollow", HUSK_MOPT_NOFOLLOW, true, 1 },
    { "dev", HUSK_MOPT_FLAG, false, MS_NODEV },
    { "diratime", HUSK_MOPT_FLAG, false, MS_NODIRATIME },
    { "dirsync", HUSK_MOPT_FLAG, true, MS_DIRSYNC },
    { "exec", HUSK_MOPT_FLAG, false, MS_NOEXEC },
    { "idmap", HUSK_MOPT_IDMAP, true, 0 },
    { "iversion", HUSK_MOPT_FLAG, true, MS_I_VERSION },
    { "lazytime", HUSK_MOPT_FLAG, true, MS_LAZYTIME },
    { "loud", HUSK_MOPT_FLAG, false, MS_SILENT },
    { "mand", HUSK_MOPT_FLAG, true, MS_MANDLOCK },
    { "noatime", HUSK_MOPT_FLAG, true, MS_NOATIME },
    { "nodev", HUSK_MOPT_FLAG, true, MS_NODEV },
    { "nodiratime", HUSK_MOPT_FLAG, true, MS_NODIRATIME },
    { "noexec", HUSK_MOPT_FLAG, true, MS_NOEXEC },
    { "noiversion", HUSK_MOPT_FLAG, false, MS_I_VERSION },
    { "nolazytime", HUSK_MOPT_FLAG, false, MS_LAZYTIME },
    { "nomand", HUSK_MOPT_FLAG, false, MS_MANDLOCK },
    { "norelatime", HUSK_MOPT_FLAG, false, MS_RELATIME },
    { "nostrictatime", HUSK_MOPT_FLAG, false, MS_STRICTATIME },
    { "nosuid", HUSK_MOPT_FLAG, true, MS_NOSUID },
    { "nosymfollow", HUSK_MOPT_FLAG, true, MS_NOSYMFOLLOW },
    { "private", HUSK_MOPT_PROPAGATION, true, MS_PRIVATE },
    { "ratime", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_NOATIME },
    { "rbind", HUSK_MOPT_FLAG, true, MS_BIND | MS_REC },
    { "rdev", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_NODEV },
    { "rdiratime", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_NODIRATIME },
    { "relatime", HUSK_MOPT_FLAG, true, MS_RELATIME },
    { "remount", HUSK_MOPT_FLAG, true, MS_REMOUNT },
    { "rexec", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_NOEXEC },
    { "ridmap", HUSK_MOPT_IDMAP, true, 1 },
    { "rnoatime", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_NOATIME },
    { "rnodev", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_NODEV },
    { "rnodiratime", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_NODIRATIME },
    { "rnoexec", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_NOEXEC },
    { "rnorelatime", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR__ATIME },
    { "rnostrictatime", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_STRICTATIME },
    { "rnosuid", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_NOSUID },
    { "rnosymfollow", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_NOSYMFOLLOW },
    { "ro", HUSK_MOPT_FLAG, true, MS_RDONLY },
    { "rprivate", HUSK_MOPT_PROPAGATION, true, MS_PRIVATE | MS_REC },
    { "rrelatime", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR__ATIME },
    { "rro", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_RDONLY },
    { "rrw", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_RDONLY },
    { "rshared", HUSK_MOPT_PROPAGATION, true, MS_SHARED | MS_REC },
    { "rslave", HUSK_MOPT_PROPAGATION, true, MS_SLAVE | MS_REC },
    { "rstrictatime", HUSK_MOPT_RECURSIVE, true, MOUNT_ATTR_STRICTATIME },
    { "rsuid", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_NOSUID },
    { "rsymfollow", HUSK_MOPT_RECURSIVE, false, MOUNT_ATTR_NOSYMFOLLOW },
    { "runbindable", HUSK_MOPT_PROPAGATION, true, MS_UNBINDABLE | MS_REC },
    { "rw", HUSK_MOPT_FLAG, false, MS_RDONLY },
    { "shared", HUSK_MOPT_PROPAGATION, true, MS_SHARED },
    { "silent", HUSK_MOPT_FLAG, true, MS_SILENT },
    { "slave", HUSK_MOPT_PROPAGATION, true, MS_SLAVE },
    { "src-nofollow", HUSK_MOPT_NOFOLLOW, true, 0 },
    { "strictatime", HUSK_MOPT_FLAG, true, MS_STRICTATIME },
    { "suid", HUSK_MOPT_FLAG, false, MS_NOSUID },
    { "symfollow", HUSK_MOPT_FLAG, false, MS_NOSYMFOLLOW },
    { "sync", HUSK_MOPT_FLAG, true, MS_SYNCHRONOUS },
    { "tmpcopyup", HUSK_MOPT_TMPCOPYUP, true, 0 },
    { "unbindable", HUSK_MOPT_PROPAGATION, true, MS_UNBINDABLE },
    { NULL, HUSK_MOPT_NOTHING, false, 0 }
};
#endif
