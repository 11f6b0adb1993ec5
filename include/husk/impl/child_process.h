/* husk/impl/child_process.h - what the process itself becomes: namespaces, streams, ids, capabilities, directory,
 * program. Part of child.h's implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_PROCESS_IMPLEMENTED)
#define HUSK_CHILD_PROCESS_IMPLEMENTED

#include "husk/impl/child_hook.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

static void husk__keep_cwd(struct husk_child *c)
{
    husk__close(c->cwd);
    c->cwd = (int)husk__sys(__NR_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (c->cwd < 0)
        c->cwd = -1;
}

static long husk__do_setns(struct husk_child *c, const struct husk_op *op)
{
    int fd = husk__slot(c, op->u.setns.slot);
    long r = fd < 0 ? fd : husk__sys(__NR_setns, fd, (int)op->u.setns.type);

    if (r == 0 &&
        (op->u.setns.type & CLONE_NEWNS)) { /* the kernel went to the namespace's root; never go back */
        husk__close(c->cwd);
        c->cwd = -1;
    }
    return r;
}

static long husk__do_unshare(struct husk_child *c, const struct husk_op *op)
{
    long r = husk__sys(__NR_unshare, (unsigned long)op->u.unshare.flags);

    if (r == 0 && c->cwd >= 0 && (op->u.unshare.flags & CLONE_NEWNS))
        husk__keep_cwd(c); /* as the new namespace has it */
    return r;
}

static long husk__do_hostname(struct husk_child *c, const struct husk_op *op)
{
    const char *name = op->u.hostname.name;

    (void)c;
    return husk__sys(op->u.hostname.domain ? __NR_setdomainname : __NR_sethostname, name, husk__len(name));
}

static long husk__do_ifup(struct husk_child *c, const struct husk_op *op)
{
    struct ifreq q = {.ifr_flags = 0};
    size_t n = husk__len(op->u.ifup.name);
    long fd = husk__sys(__NR_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

    (void)c;
    if (fd < 0)
        return fd;
    husk__copy(q.ifr_name, op->u.ifup.name, n < IFNAMSIZ ? n : IFNAMSIZ - 1);
    r = n < IFNAMSIZ ? husk__sys(__NR_ioctl, fd, SIOCGIFFLAGS, &q) : -ENODEV;
    if (r == 0) {
        q.ifr_flags = (short)(q.ifr_flags | IFF_UP);
        r = husk__sys(__NR_ioctl, fd, SIOCSIFFLAGS, &q);
    }
    husk__close((int)fd);
    return r;
}

static long husk__do_rlimit(struct husk_child *c, const struct husk_op *op)
{
    const uint64_t limit[2] = {op->u.rlimit.soft, op->u.rlimit.hard};

    return husk__sys(__NR_prlimit64, c->pid, op->u.rlimit.type, limit, NULL);
}

static long husk__do_keyring(struct husk_child *c, const struct husk_op *op)
{
    long r = husk__sys(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, op->u.keyring.name, 0L, 0L, 0L);

    (void)c;
    if (r < 0)
        return r;
    /* The possessor may do all, and the user search it, so that exec can join it by name; keyctl_setperm(3). */
    (void)husk__sys(__NR_keyctl, KEYCTL_SETPERM, r, 0x3f1b0000L, 0L, 0L);
    return 0;
}

static long husk__do_prctl(struct husk_child *c, const struct husk_op *op)
{
    (void)c;
    return husk__sys(__NR_prctl, op->u.prctl.option, (unsigned long)op->u.prctl.value, 0L, 0L, 0L);
}

/* A change from root clears the effective set even with PR_SET_KEEPCAPS: make all that is permitted effective
 * again. */
static long husk__raise_permitted(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    long r = husk__sys(__NR_capget, &head, caps);

    if (r < 0)
        return r;
    caps[0].effective = caps[0].permitted;
    caps[1].effective = caps[1].permitted;
    return husk__sys(__NR_capset, &head, caps);
}

static long husk__do_user(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_user *u = &op->u.user;
    long r = husk__sys(__NR_prctl, PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);

    if (r == 0 && !u->no_setgroups)
        r = husk__sys(HUSK__NR_setgroups, (long)u->groups.n, u->groups.v);
    if (r == 0)
        r = husk__sys(HUSK__NR_setresgid, u->gid, u->gid, u->gid);
    if (r == 0)
        r = husk__sys(HUSK__NR_setresuid, u->uid, u->uid, u->uid);
    if (r == 0)
        r = husk__raise_permitted();
    if (r == 0 && u->umask != HUSK_ID_KEEP)
        c->umask = u->umask;
    return r;
}

static long husk__do_bound(struct husk_child *c, const struct husk_op *op)
{
    (void)c;
    for (unsigned long cap = 0; cap < 64; cap++) {
        long has = husk__sys(__NR_prctl, PR_CAPBSET_READ, cap, 0L, 0L, 0L), r;
        if (has == -EINVAL)
            break; /* the kernel knows no more */
        if (has <= 0 || (op->u.bound.keep >> cap & 1))
            continue;
        if ((r = husk__sys(__NR_prctl, PR_CAPBSET_DROP, cap, 0L, 0L, 0L)) < 0)
            return r;
    }
    return 0;
}

static long husk__do_caps(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_caps *s = &op->u.caps;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    long r;

    (void)c;
    for (int i = 0; i < 2; i++)
        caps[i] = (struct __user_cap_data_struct){(uint32_t)(s->effective >> 32 * i),
                                                  (uint32_t)(s->permitted >> 32 * i),
                                                  (uint32_t)(s->inheritable >> 32 * i)};
    r = husk__sys(__NR_capset, &head, caps);
    if (r < 0)
        return r;
    r = husk__sys(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
    if (r == -EINVAL && s->ambient == 0)
        return 0; /* before Linux 4.3 there was no such set */
    for (unsigned long cap = 0; cap < 64 && r == 0; cap++)
        if (s->ambient >> cap & 1)
            r = husk__sys(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0L, 0L);
    return r;
}

static long husk__do_seccomp(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_seccomp *s = &op->u.seccomp;
    struct sock_fprog program = {(unsigned short)(s->filter.n / sizeof(struct sock_filter)),
                                 (struct sock_filter *)(uintptr_t)s->filter.v};
    long r = husk__sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, s->flags, &program);

    if (r > 0)
        husk__define(c, HUSK_SLOT_LISTENER, (int)r);
    return r < 0 ? r : 0;
}

/* A directory outside the root, reached by a descriptor that leaked, shows in getcwd(2) as "(unreachable)/…":
 * CVE-2024-21626. */
static long husk__do_chdir(struct husk_child *c, const struct husk_op *op)
{
    long r = husk__sys(__NR_chdir, op->u.chdir.path);

    if (r < 0)
        return c->in_cwd && (r == -EACCES || r == -EPERM) ? 0 : r;
    c->in_cwd = true;
    r = husk__sys(__NR_getcwd, c->buffer, (unsigned long)HUSK_CHILD_BUFFER);
    if (r < 0)
        return r;
    if (c->buffer[0] == '/')
        return 0;
    (void)husk__sys(__NR_chdir, "/");
    return -ENOENT;
}

/* The n-th field, from 0, of a line "a:b:c"; NULL when there are fewer. */
static const char *husk__passwd_field(const char *line, uint32_t n)
{
    for (; n > 0; line++) {
        if (*line == '\0')
            return NULL;
        n -= *line == ':';
    }
    return line;
}

/* A line of passwd(5): the home directory of uid, into c->home? */
static bool husk__passwd_line(struct husk_child *c, const char *line, uint32_t uid)
{
    const char *number = husk__passwd_field(line, 2), *home = husk__passwd_field(line, 5);
    uint64_t id = 0;
    size_t n;

    if (number == NULL || home == NULL || *home != '/' || *number == ':')
        return false;
    for (; *number >= '0' && *number <= '9' && id <= UINT32_MAX; number++)
        id = id * 10 + (uint64_t)(*number - '0');
    if (*number != ':' || id != uid)
        return false;
    for (n = 0; home[n] != ':' && home[n] != '\0'; n++)
        ;
    if (n + sizeof "HOME=" > sizeof c->home)
        return false;
    husk__copy(c->home + 5, home, n);
    c->home[5 + n] = '\0';
    return true;
}

/* Reads line by line; what is longer than the buffer is skipped, what comes after 16 MiB not read. */
static void husk__read_passwd(struct husk_child *c, int fd, uint32_t uid)
{
    size_t have = 0, total = 0;
    bool skip = false;
    char *line, *end;
    long r;

    while (total < 16u << 20 &&
           (r = husk__sys(__NR_read, fd, c->buffer + have, HUSK_CHILD_BUFFER - 1 - have)) > 0) {
        have += (size_t)r;
        total += (size_t)r;
        c->buffer[have] = '\0';
        for (line = c->buffer; line < c->buffer + have; line = end + 1) {
            for (end = line; end < c->buffer + have && *end != '\n'; end++)
                ;
            if (end == c->buffer + have)
                break;
            *end = '\0';
            if (!skip && husk__passwd_line(c, line, uid))
                return;
            skip = false;
        }
        have = (size_t)(c->buffer + have - line);
        husk__copy(c->buffer, line, have);
        if (have == HUSK_CHILD_BUFFER - 1) {
            skip = true;
            have = 0;
        }
    }
    c->buffer[have] = '\0';
    if (have > 0 && !skip)
        (void)husk__passwd_line(c, c->buffer, uid); /* no newline at the end */
}

static long husk__do_home(struct husk_child *c, const struct husk_op *op)
{
    struct husk__want want = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY};
    struct husk__statx st;
    int fd = husk__open(c, &(struct husk_path){HUSK_SLOT_ROOTFS, "etc/passwd"}, &want);

    husk__copy(c->home, "HOME=/", sizeof "HOME=/");
    if (fd >= 0 && husk__statx(fd, &st) == 0 && S_ISREG(st.mode))
        husk__read_passwd(c, fd, op->u.home.uid);
    husk__close(fd);
    for (uint32_t i = 0; i < c->env_n; i++)
        if (husk__same(c->envp[i], "HOME="))
            c->envp[i] = c->home;
    return 0;
}

/* May this be executed? The rules of execvp(3): missing ones are passed over, a refusal is remembered. */
static long husk__executable(const char *path)
{
    struct husk__statx st;
    long fd = husk__sys(__NR_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC), r;

    if (fd < 0)
        return fd == -ENOTDIR ? -ENOENT : fd;
    r = husk__statx((int)fd, &st);
    husk__close((int)fd);
    if (r == 0 && !S_ISREG(st.mode))
        return -EACCES;
    r = husk__sys(__NR_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
    if (r == -ENOSYS || r == -EINVAL) /* real ids; they are the effective ones here */
        r = husk__sys(__NR_faccessat, AT_FDCWD, path, X_OK);
    return r;
}

static long husk__do_lookup(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_list *list = &op->u.lookup.candidates;
    long r, worst = -ENOENT;

    for (uint32_t i = 0; i < list->n; i++) {
        r = husk__executable(list->v[i]);
        if (r == 0) {
            c->program = list->v[i];
            return 0;
        }
        if (r != -ENOENT)
            worst = r;
    }
    return worst;
}

/* The master and its slave come from one open file description: no name in the container's /dev is trusted. */
static long husk__do_pty(struct husk_child *c, const struct husk_op *op)
{
    struct winsize size = {.ws_row = (unsigned short)op->u.pty.rows,
                           .ws_col = (unsigned short)op->u.pty.cols};
    struct husk__want want = {.flags = O_RDWR | O_NOCTTY};
    struct husk__statx st;
    int unlocked = 0, master = husk__open(c, &(struct husk_path){HUSK_SLOT_ROOTFS, "dev/pts/ptmx"}, &want);
    long r = master < 0 ? master : husk__statx(master, &st), slave = -1;

    if (r == 0 && (!S_ISCHR(st.mode) || st.rdev_major != 5 || st.rdev_minor != 2 ||
                   husk__fs_type(master, NULL) != HUSK__MAGIC_DEVPTS))
        r = -ENOTTY;
    if (r == 0)
        r = husk__sys(__NR_ioctl, master, TIOCSPTLCK, &unlocked);
    if (r == 0)
        slave = r = husk__sys(__NR_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave >= 0 && op->u.pty.rows > 0)
        r = husk__sys(__NR_ioctl, slave, TIOCSWINSZ, &size);
    if (r >= 0 && slave >= 0)
        r = husk__sys(__NR_fchownat, slave, "", op->u.pty.uid, HUSK_ID_KEEP, AT_EMPTY_PATH);
    if (r < 0) {
        husk__close((int)slave);
        husk__close(master);
        return r;
    }
    husk__define(c, HUSK_SLOT_CONSOLE, master);
    husk__define(c, HUSK_SLOT_TTY, (int)slave);
    return 0;
}

static bool husk__is_null(int fd)
{
    return husk__expect(fd, HUSK_EXPECT_NULL_DEVICE) == 0;
}

static void husk__give_stream(struct husk_child *c, int fd, uint32_t uid)
{
    struct husk__want want = {.flags = O_RDWR};
    struct husk__statx st;
    int own;

    if (husk__statx(fd, &st) < 0)
        return;
    if (S_ISFIFO(st.mode) || S_ISREG(st.mode) ||
        S_ISSOCK(st.mode)) /* so that /dev/stdout can be opened; EROFS and EPERM are fine */
        (void)husk__sys(__NR_fchownat, fd, "", uid, HUSK_ID_KEEP, AT_EMPTY_PATH);
    if (!husk__is_null(fd))
        return;
    own = husk__open(c, &(struct husk_path){HUSK_SLOT_ROOTFS, "dev/null"}, &want);
    if (own >= 0 && husk__is_null(own))
        (void)husk__sys(__NR_dup3, own, fd, 0);
    husk__close(own);
}

static long husk__do_stdio(struct husk_child *c, const struct husk_op *op)
{
    int tty = husk__slot(c, HUSK_SLOT_TTY);
    long r = husk__sys(__NR_setsid);

    if (r < 0 && r != -EPERM) /* EPERM: a leader already */
        return r;
    if (!op->u.stdio.terminal) {
        for (int i = 0; i < 3; i++)
            husk__give_stream(c, i, op->u.stdio.uid);
        return 0;
    }
    r = tty < 0 ? tty : husk__sys(__NR_ioctl, tty, TIOCSCTTY, 0L);
    for (int i = 0; i < 3 && r >= 0; i++)
        r = husk__sys(__NR_dup3, tty, i, 0);
    if (r >= 0)
        husk__define(c, HUSK_SLOT_TTY, -1);
    return r < 0 ? r : 0;
}

/* Those to pass on must be there; one that is close-on-exec is not the caller's but ours. */
static long husk__do_fds(struct husk_child *c, const struct husk_op *op)
{
    uint32_t first = 3 + op->u.fds.preserve;

    for (uint32_t fd = 3; fd < first; fd++) {
        long flags = husk__sys(HUSK__NR_fcntl, fd, F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC))
            return -EBADF;
    }
    husk__close(c->empty);
    c->empty = -1;
    husk__sweep(c, first);
    return 0;
}

static long husk__do_exec(struct husk_child *c, const struct husk_op *op)
{
    if (c->program == NULL) /* `start` does not let it come to this */
        return -ENOEXEC;
    return husk__sys(__NR_execve, c->program, op->u.exec.argv.v, c->envp);
}
#endif
