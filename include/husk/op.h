/* husk/op.h - every operation that a plan can contain: plain data, and one accessor.
 *
 * A plan is one totally ordered list with two actors. Each runs its own operations in list order; a wait is always
 * for an operation earlier in the list. An operation that HUSK_BOTH run has a half in each.
 * No number that exists only at run time is in an operation: descriptors are slots, pids are implied.
 */
#ifndef HUSK_OP_H
#define HUSK_OP_H

#include "husk/base.h"

enum husk_who { HUSK_PARENT, HUSK_CHILD, HUSK_BOTH };

/* X(suffix, printed name, how a path below it is resolved). Slots that are given from outside: STATE, TARGET. */
#define HUSK_SLOTS(X)                                                                               \
    X(HOST, "host", PLAIN)         /* no descriptor: an absolute path where the actor is */          \
    X(ROOTFS, "rootfs", IN_ROOT)   /* the container's root */                                        \
    X(PROC, "proc", BENEATH)       /* the host's procfs, opened before any namespace was entered */  \
    X(TASK, "task", BENEATH)       /* the child's /proc/PID, made by spawn, renewed by fork */       \
    X(STATE, "state", BENEATH)     /* the container's state directory */                             \
    X(TARGET, "target", MAGIC)     /* exec: /proc/PID of the container's init */                     \
    X(DEVNULL, "devnull", NONE)                                                                     \
    X(CONSOLE, "console", NONE)    /* pty master */                                                  \
    X(TTY, "tty", NONE)            /* pty slave */                                                   \
    X(CONSOLE_SOCKET, "console-socket", NONE)                                                       \
    X(PIDFD, "pidfd", NONE)        /* of the child, made by spawn, renewed by fork */                \
    X(PIDFD_SOCKET, "pidfd-socket", NONE)                                                           \
    X(GATE, "gate", NONE)          /* listening socket: create waits on it for start */              \
    X(HOOK_STATE, "hook-state", NONE)   /* memfd with the state JSON that hooks of the parent read */ \
    X(HOOK_CREATE, "hook-create", NONE) /* the same for createContainer hooks */                      \
    X(HOOK_START, "hook-start", NONE)   /* the same for startContainer hooks, programs of the image */ \
    X(LISTENER, "listener", NONE)  /* seccomp notification descriptor */                             \
    X(LISTENER_SOCKET, "listener-socket", NONE)                                                     \
    X(NS_USER, "ns.user", NONE)                                                                     \
    X(NS_MNT, "ns.mnt", NONE)                                                                       \
    X(NS_PID, "ns.pid", NONE)                                                                       \
    X(NS_NET, "ns.net", NONE)                                                                       \
    X(NS_IPC, "ns.ipc", NONE)                                                                       \
    X(NS_UTS, "ns.uts", NONE)                                                                       \
    X(NS_CGROUP, "ns.cgroup", NONE)                                                                 \
    X(NS_TIME, "ns.time", NONE)

/* Three numbered families follow: cg.0 … (cgroup v1 directories, and the mounts of any version), join.0 … (the file that
 * a member writes itself into), aux.0 … */
#define HUSK_SLOT_FAMILY 16u

enum husk_slot {
#define X(id, name, how) HUSK_SLOT_##id,
    HUSK_SLOTS(X)
#undef X
        HUSK_SLOT_CG,
    HUSK_SLOT_JOIN = HUSK_SLOT_CG + HUSK_SLOT_FAMILY, /* BENEATH for CG and AUX */
    HUSK_SLOT_AUX = HUSK_SLOT_JOIN + HUSK_SLOT_FAMILY,
    HUSK_SLOT_COUNT = HUSK_SLOT_AUX + HUSK_SLOT_FAMILY
};

/* How names below a slot are resolved; without openat2(2) a walk component by component does the same.
 * PLAIN: openat. IN_ROOT: symlinks stay inside, magic links are refused. BENEATH: leaving is an error, no magic links,
 * no other mount. MAGIC: openat below a directory of procfs. NONE: the slot has nothing below it. */
enum husk_resolve { HUSK_RESOLVE_PLAIN, HUSK_RESOLVE_IN_ROOT, HUSK_RESOLVE_BENEATH, HUSK_RESOLVE_MAGIC, HUSK_RESOLVE_NONE };

/* `rel` is relative to the slot ("" or NULL: the slot itself), absolute with HUSK_SLOT_HOST. */
struct husk_path { enum husk_slot slot; const char *rel; };

struct husk_list { const char *const *v; uint32_t n; }; /* v[n] is NULL */
struct husk_bytes { const uint8_t *v; uint32_t n; };
struct husk_u32s { const uint32_t *v; uint32_t n; };

/* What an opened file must be, else EINVAL: checked on the descriptor. OTHER_NS: a namespace that the actor is not in, since
 * the plan is going to change something there (EPERM for its own). */
enum husk_expect {
    HUSK_EXPECT_ANY, HUSK_EXPECT_DIR, HUSK_EXPECT_NULL_DEVICE, HUSK_EXPECT_PROCFS, HUSK_EXPECT_CGROUPFS, HUSK_EXPECT_NSFS,
    HUSK_EXPECT_OTHER_NS,
};
enum husk_create { HUSK_CREATE_NOTHING, HUSK_CREATE_DIR, HUSK_CREATE_FILE, HUSK_CREATE_LIKE_SOURCE };
enum husk_root_switch { HUSK_ROOT_PIVOT, HUSK_ROOT_MOVE, HUSK_ROOT_CHROOT };

#define HUSK_ID_KEEP UINT32_MAX

/* X(suffix, name, member, text of an error "cannot …"). Order is the order of enum husk_op_kind; append only. */
#define HUSK_OPS(X)                                                                                 \
    X(OPEN, "open", open, "open")                                                                   \
    X(MKDIR, "mkdir", mkdir, "make directory")                                                      \
    X(WRITE, "write", write, "write")                                                               \
    X(SYMLINK, "symlink", symlink, "make symlink")                                                  \
    X(MKNOD, "mknod", mknod, "make device")                                                         \
    X(MOUNT, "mount", mount, "mount")                                                               \
    X(ATTR, "attr", attr, "change mount")                                                           \
    X(MASK, "mask", mask, "mask")                                                                   \
    X(ROOT, "root", root, "change root")                                                            \
    X(SPAWN, "spawn", spawn, "create process")                                                      \
    X(FORK, "fork", fork, "fork")                                                                   \
    X(SETNS, "setns", setns, "join namespace")                                                      \
    X(UNSHARE, "unshare", unshare, "unshare namespace")                                             \
    X(SYNC, "sync", sync, "wait")                                                                   \
    X(PTY, "pty", pty, "open terminal")                                                             \
    X(GIVE, "give", give, "hand over descriptor")                                                   \
    X(SEND, "send", send, "send descriptor")                                                        \
    X(STDIO, "stdio", stdio, "set up standard streams")                                             \
    X(HOSTNAME, "hostname", hostname, "set hostname")                                               \
    X(IFUP, "ifup", ifup, "bring up interface")                                                     \
    X(RLIMIT, "rlimit", rlimit, "set resource limit")                                               \
    X(KEYRING, "keyring", keyring, "join session keyring")                                          \
    X(USER, "user", user, "change user")                                                            \
    X(BOUND, "bound", bound, "drop bounding capabilities")                                          \
    X(CAPS, "caps", caps, "set capabilities")                                                       \
    X(PRCTL, "prctl", prctl, "prctl")                                                               \
    X(SECCOMP, "seccomp", seccomp, "load seccomp filter")                                           \
    X(CHDIR, "chdir", chdir, "change directory")                                                    \
    X(HOME, "home", home, "look up home directory")                                                 \
    X(LOOKUP, "lookup", lookup, "find executable")                                                  \
    X(SOCKET, "socket", socket, "open socket")                                                      \
    X(GATE, "gate", gate, "wait for start")                                                         \
    X(MEMFD, "memfd", memfd, "make memory file")                                                    \
    X(FILL, "fill", fill, "write hook state")                                                       \
    X(HOOK, "hook", hook, "run hook")                                                               \
    X(BPF, "bpf", bpf, "attach device program")                                                     \
    X(RECORD, "record", record, "save state")                                                       \
    X(PIDFILE, "pidfile", pidfile, "write pid file")                                                \
    X(FDS, "fds", fds, "close descriptors")                                                         \
    X(EXEC, "exec", exec, "execute")                                                                \
    X(COPY, "copy", copy, "copy")                                                                   \
    X(COPYUP, "copyup", copyup, "copy the covered directory to")                                    \
    X(TREE, "tree", tree, "clone mount")                                                            \
    X(USERNS, "userns", userns, "make user namespace")                                              \
    X(NETDEV, "netdev", netdev, "move network device")                                              \
    X(SCHED, "sched", sched, "set scheduler")                                                       \
    X(IOPRIO, "ioprio", ioprio, "set I/O priority")                                                 \
    X(MEMPOLICY, "mempolicy", mempolicy, "set memory policy")                                       \
    X(PERSONALITY, "personality", personality, "set personality")                                   \
    X(AFFINITY, "affinity", affinity, "set CPU affinity")                                           \
    X(CHOWN, "chown", chown, "change owner of")                                                     \
    X(CHECK, "check", check, "compare")                                                             \
    X(HELPER, "helper", helper, "run")

enum husk_op_kind {
#define X(id, name, member, text) HUSK_OP_##id,
    HUSK_OPS(X)
#undef X
        HUSK_OP_COUNT
};

/* Opens path (O_CLOEXEC is added) and defines slot. */
struct husk_op_open { enum husk_slot slot; struct husk_path path; uint32_t flags; enum husk_expect expect; };
/* Directory with its missing parents (0755); an existing one is left as it is, or EEXIST with excl. uid, gid: HUSK_ID_KEEP for none.
 * With undo, a cgroup that exists must hold no process and not be frozen, else EBUSY; parents made for it are removed
 * unless others use them by then. */
struct husk_op_mkdir { struct husk_path path; uint32_t mode, uid, gid; bool excl; };
/* One write(2) of data to an existing file: path, or the slot's own descriptor when rel is empty. */
struct husk_op_write { struct husk_path path; const char *data; };
/* When `to` reads as empty (nothing but white space), the content of `from` goes into it with one write(2). At most 4096 bytes:
 * a new cpuset takes its parent's processors. Both exist. */
struct husk_op_copy { struct husk_path from, to; };
/* All that is in the directory `from` (a slot: what a mount covers by now) goes into the directory `to`, with owners, modes, times
 * and extended attributes; other mounts below it are left out. */
struct husk_op_copyup { enum husk_slot from; struct husk_path to; };
/* All of text must be in the file, else EEXIST: of each line NAME:PART;PART… the parts, in a line of that name; any other line as
 * a whole. White space, leading zeros and case mean nothing. */
struct husk_op_check { struct husk_path path; const char *text; };
struct husk_op_chown { struct husk_path path; uint32_t uid, gid; };
struct husk_op_symlink { struct husk_path path; const char *target; };
/* Node or fifo; mode holds the type. One that exists must be the same type and number, else EEXIST. */
struct husk_op_mknod { struct husk_path path; uint32_t mode, major, minor, uid, gid; };
/* flags: MS_* of mount(2). For a bind (MS_BIND), and for MS_MOVE of a slot that tree made: set and clear are MS_* bits to change on the new mount, which else
 * keeps its source's. propagation: MS_SHARED … [| MS_REC], each in turn. rec_*: MOUNT_ATTR_* over the whole tree.
 * For a filesystem, source.slot is HUSK_SLOT_HOST and source.rel the name to show. The target is resolved once and held. */
struct husk_op_mount {
    struct husk_path source, target;
    const char *fstype, *data;
    uint64_t flags, set, clear, rec_set, rec_clear;
    struct husk_u32s propagation;
    enum husk_create create;
};
/* The parent clones the mount (recursive: and all below it) at source in its own mount namespace, and the child has it as slot,
 * attached nowhere, to be moved. inside: in the child's mount namespace, still with the parent's rights. What a user namespace
 * may not change or take away is locked there, and stays locked; a clone from outside has no locks. nofollow: of source itself,
 * also when it is a symlink. userns: the id map of that namespace holds on it (mount_setattr(2), MOUNT_ATTR_IDMAP), or on all of
 * the tree with idmap_recursive. */
struct husk_op_tree {
    enum husk_slot slot;
    struct husk_path source;
    bool recursive, inside, nofollow;
    enum husk_slot userns;
    bool idmap_recursive;
};
/* A user namespace with these maps (the text of /proc/PID/uid_map) and nobody in it. */
struct husk_op_userns { enum husk_slot slot; const char *uid_map, *gid_map; };
/* Change an existing mount; flags that are neither set nor cleared stay (MS_REMOUNT | MS_BIND keeps the locked ones). */
struct husk_op_attr { struct husk_path target; uint64_t set, clear, rec_set, rec_clear; struct husk_u32s propagation; };
/* Directory: empty read-only tmpfs over it. Anything else: @devnull over it. */
struct husk_op_mask { struct husk_path path; };
/* Make @rootfs the root, let go of the old one, chdir to it. */
struct husk_op_root { enum husk_root_switch how; };
/* clone3(2) or clone(2), right into `cgroup` unless that is HOST. Defines @task and @pidfd in the parent. */
struct husk_op_spawn { uint64_t flags; enum husk_slot cgroup; };
/* The child clones itself as a sibling (CLONE_PARENT) and goes on there: what setns(pid) and new time namespaces need. */
struct husk_op_fork { uint64_t flags; };
struct husk_op_setns { enum husk_slot slot; uint64_t type; };
struct husk_op_unshare { uint64_t flags; };
/* `from` reached this point; the other waits for it. */
struct husk_op_sync { enum husk_who from; const char *name; };
/* A pty of the container's own devpts: defines @console and @tty. 0 rows: size untouched. uid owns the slave. */
struct husk_op_pty { uint32_t rows, cols, uid; };
/* The child's slot becomes the parent's too: by SCM_RIGHTS, or by_number, when the parent takes it with pidfd_getfd(2) and the child
 * makes no other call than write(2). */
struct husk_op_give { enum husk_slot slot; bool by_number; };
/* One message with data (or what is in the memfd `content`) and the slot's descriptor over a connected socket; closes the socket. */
struct husk_op_send { enum husk_slot socket, slot; const char *data; enum husk_slot content; };
/* terminal: @tty becomes 0, 1, 2 and the controlling terminal of a new session. Otherwise a new session, and streams that are pipes or
 * files are given to uid; those on the host's /dev/null are opened anew from the container's when it has one. */
struct husk_op_stdio { bool terminal; uint32_t uid; };
struct husk_op_hostname { const char *name; bool domain; }; /* domain: setdomainname */
struct husk_op_ifup { const char *name; };
/* The host's interface goes into the child's network namespace as new_name ("eth%d": the kernel picks the number), keeps its
 * permanent global addresses, and is brought up there. */
struct husk_op_netdev { const char *name, *new_name; };
/* sched_setattr(2), times in nanoseconds; ioprio_set(2) of the process group; set_mempolicy(2), mode without its flags;
 * personality(2); sched_setaffinity(2). */
struct husk_op_sched { uint32_t policy; int32_t nice; uint32_t priority; uint64_t flags, runtime, deadline, period; };
struct husk_op_ioprio { uint32_t class_, level; };
struct husk_op_mempolicy { uint32_t mode, flags; struct husk_u32s nodes; };
struct husk_op_personality { uint32_t domain; };
struct husk_op_affinity { struct husk_u32s cpus; };
struct husk_op_rlimit { uint32_t type; uint64_t soft, hard; };
struct husk_op_keyring { const char *name; };
/* setgroups (unless no_setgroups), setresgid, setresuid, umask (HUSK_ID_KEEP: as it is); keeps capabilities over the change. */
struct husk_op_user { uint32_t uid, gid, umask; bool no_setgroups; struct husk_u32s groups; };
struct husk_op_bound { uint64_t keep; }; /* bits by capability number */
struct husk_op_caps { uint64_t effective, permitted, inheritable, ambient; };
struct husk_op_prctl { uint32_t option; uint64_t value; };
/* filter: struct sock_filter[] in the machine's byte order. LISTENER is defined when flags ask for it. */
struct husk_op_seccomp { uint32_t flags; struct husk_bytes filter; };
/* And getcwd(2) must then be inside the root. One that an earlier chdir could enter may be closed to the user by now. */
struct husk_op_chdir { const char *path; };
/* HOME of uid from the container's /etc/passwd goes into the entry "HOME=" of exec's environment; else "/". */
struct husk_op_home { uint32_t uid; };
/* The first candidate that is executable is what exec runs; none: ENOENT, or EACCES when one was there. */
struct husk_op_lookup { const char *name; struct husk_list candidates; };
/* A stream socket at path: connect, or bind and listen (mode 0600). */
struct husk_op_socket { enum husk_slot slot; struct husk_path path; bool listen; };
/* The child waits on @gate for `start`; later errors and the end go to that connection. Parent operations after it run in `start`. */
struct husk_op_gate { uint8_t unused; };
struct husk_op_memfd { enum husk_slot slot; };
/* Once for a slot, which nobody can change any more then. Its content becomes head, the pid (1 when in_container: as pid 1 sees
 * itself), middle and the pid of the container's first process (exec: @target's) unless that is NULL, tail. */
struct husk_op_fill { enum husk_slot slot; const char *head, *middle, *tail; bool in_container; };
/* kind: enum husk_hook_kind; it tells which of @hook-state, @hook-create and @hook-start is stdin. timeout 0: none. why names
 * the hook. */
struct husk_op_hook { uint32_t kind; const char *path; struct husk_list argv, envp; uint32_t timeout_sec; };
/* A program of the host that sets up the child, whose pid is put in place of argv[pid_at]; no environment, stdin is /dev/null. */
struct husk_op_helper { const char *path; struct husk_list argv; uint32_t pid_at; };
/* BPF_PROG_TYPE_CGROUP_DEVICE: struct bpf_insn[]; attached to slot with BPF_F_ALLOW_MULTI. */
struct husk_op_bpf { enum husk_slot slot; struct husk_bytes program; };
struct husk_op_record { const char *status; }; /* state.json with this status and the pid */
struct husk_op_pidfile { const char *path; };  /* pid in decimal, written beside and renamed */
/* Everything above 2 + preserve is closed, but for what the rest of the list needs, which is close-on-exec: the channel, @gate
 * and @hook-start. A container that waits for start must not hold what its creator's caller had open. */
struct husk_op_fds { uint32_t preserve; };
/* No argv: a container that was created without a process; `start` refuses, and nothing is ever executed. */
struct husk_op_exec { struct husk_list argv, envp; };

/* What a failing operation does: stop; go on when the errno is one of errnos; or, on those, have the next `skip` operations done
 * instead, which success skips. */
enum husk_on_fail { HUSK_ABORT, HUSK_IGNORE, HUSK_ELSE };

struct husk_op {
    enum husk_op_kind kind;
    enum husk_who who;
    enum husk_on_fail on_fail;
    uint32_t skip;
    int32_t errnos[4]; /* with IGNORE and ELSE; all 0: any errno */
    bool undo;         /* outlives the container: undone by a failed create, by delete, after a crash */
    const char *why;   /* JSON pointer, "default" or "host" */
    union {
#define X(id, name, member, text) struct husk_op_##member member;
        HUSK_OPS(X)
#undef X
    } u;
};

/* 2 and 3 are createContainer and startContainer of enum husk_hook_kind. */
static inline enum husk_slot husk_hook_slot(uint32_t kind)
{
    return kind == 2 ? HUSK_SLOT_HOOK_CREATE : kind == 3 ? HUSK_SLOT_HOOK_START : HUSK_SLOT_HOOK_STATE;
}

#endif
