/* husk/impl/sys.h - system calls and kernel structures that old libc headers lack. Constants only; nothing to
 * implement.
 *
 * The structures have names of our own, since libc and linux/ headers that both define them cannot be
 * included together. Works from Linux 4.11 (statx) on; everything newer is asked for and replaced when it is
 * missing.
 */
#ifndef HUSK_SYS_H
#define HUSK_SYS_H

#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* One number on all architectures (but Alpha) since Linux 5.1. */
#ifndef __NR_pidfd_send_signal
#define __NR_pidfd_send_signal 424
#endif
#ifndef __NR_open_tree
#define __NR_open_tree 428
#define __NR_move_mount 429
#endif
#ifndef __NR_pidfd_open
#define __NR_pidfd_open 434
#endif
#ifndef __NR_clone3
#define __NR_clone3 435
#endif
#ifndef __NR_close_range
#define __NR_close_range 436
#endif
#ifndef __NR_openat2
#define __NR_openat2 437
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif
#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif

#ifdef __NR_fcntl64
#define HUSK__NR_fcntl __NR_fcntl64
#else
#define HUSK__NR_fcntl __NR_fcntl
#endif
/* Where 16-bit ids came first, the calls for whole ones have another name. */
#ifdef __NR_setresuid32
#define HUSK__NR_setresuid __NR_setresuid32
#define HUSK__NR_setresgid __NR_setresgid32
#define HUSK__NR_setgroups __NR_setgroups32
#else
#define HUSK__NR_setresuid __NR_setresuid
#define HUSK__NR_setresgid __NR_setresgid
#define HUSK__NR_setgroups __NR_setgroups
#endif

struct husk__open_how {
    uint64_t flags, mode, resolve;
};
#define HUSK__RESOLVE_NO_XDEV 0x01u
#define HUSK__RESOLVE_NO_MAGICLINKS 0x02u
#define HUSK__RESOLVE_NO_SYMLINKS 0x04u
#define HUSK__RESOLVE_BENEATH 0x08u
#define HUSK__RESOLVE_IN_ROOT 0x10u

struct husk__clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
        cgroup;
};
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

struct husk__mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#define HUSK__ATTR_RDONLY 0x00000001u
#define HUSK__ATTR_NOSUID 0x00000002u
#define HUSK__ATTR_NODEV 0x00000004u
#define HUSK__ATTR_NOEXEC 0x00000008u
#define HUSK__ATTR_ATIME 0x00000070u /* a field, not bits: all of it is cleared when one is set */
#define HUSK__ATTR_NOATIME 0x00000010u
#define HUSK__ATTR_STRICTATIME 0x00000020u
#define HUSK__ATTR_NODIRATIME 0x00000080u
#define HUSK__ATTR_IDMAP 0x00100000u
#define HUSK__ATTR_NOSYMFOLLOW 0x00200000u
#define HUSK__MS_NOSYMFOLLOW 256u
#define HUSK__ST_NOSYMFOLLOW 0x2000u

#define HUSK__OPEN_TREE_CLONE 1u
#define HUSK__MOVE_MOUNT_F_EMPTY_PATH 0x00000004u
#define HUSK__MOVE_MOUNT_T_EMPTY_PATH 0x00000040u
#define HUSK__AT_RECURSIVE 0x8000u
#define HUSK__CLOSE_RANGE_CLOEXEC 4u
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/* statx(2): the same on every architecture, unlike struct stat. */
struct husk__statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct {
        int64_t sec;
        uint32_t nsec;
        int32_t pad;
    } times[4];
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id;
    uint64_t spare[13];
};
#define HUSK__STATX_BASIC 0x000007ffu
#define HUSK__STATX_MNT_ID 0x00001000u

/* SECCOMP_FILTER_FLAG_*, of which older headers have some. */
#define HUSK__FILTER_TSYNC (1u << 0)
#define HUSK__FILTER_NEW_LISTENER (1u << 3)
#define HUSK__FILTER_WAIT_KILLABLE_RECV (1u << 5)

/* File system types as statfs(2) shows them, linux/magic.h. */
#define HUSK__MAGIC_PROC 0x9fa0u
#define HUSK__MAGIC_SYSFS 0x62656572u
#define HUSK__MAGIC_CGROUP 0x27e0ebu
#define HUSK__MAGIC_CGROUP2 0x63677270u
#define HUSK__MAGIC_NSFS 0x6e736673u
#define HUSK__MAGIC_DEVPTS 0x1cd1u

#endif
