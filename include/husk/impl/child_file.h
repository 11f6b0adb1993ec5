/* husk/impl/child_file.h - files, directories, nodes. Part of child.h's implementation; the parent runs
 * these, too. Each husk__do_KIND carries out one operation and returns 0 or an errno below 0.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_FILE_IMPLEMENTED)
#define HUSK_CHILD_FILE_IMPLEMENTED

#include "husk/impl/child_path.h"
#include <sys/socket.h>

/* Is fd a namespace that this thread is in? */
static bool husk__is_own_ns(int proc, int fd)
{
    static const char name[][10] = {"ns/user", "ns/mnt", "ns/pid", "ns/net", "ns/ipc", "ns/uts", "ns/cgroup", "ns/time"};
    struct husk__statx st, own;
    bool same = proc < 0 || husk__statx(fd, &st) < 0; /* what cannot be told apart is not let pass */
    int ns;

    for (size_t i = 0; i < HUSK_COUNT(name) && !same; i++) {
        ns = (int)husk__sys(__NR_openat, proc, name[i], O_PATH | O_CLOEXEC);
        same = ns >= 0 && husk__statx(ns, &own) == 0 && own.ino == st.ino && own.dev_minor == st.dev_minor;
        husk__close(ns);
    }
    return same;
}

static long husk__expect(int fd, enum husk_expect expect)
{
    struct husk__statx st;
    uint64_t type;
    bool fits, own = false;
    long r = husk__statx(fd, &st);
    int proc;

    if (r < 0)
        return r;
    type = husk__fs_type(fd, NULL);
    switch (expect) {
    case HUSK_EXPECT_ANY:
        return 0;
    case HUSK_EXPECT_DIR:
        fits = S_ISDIR(st.mode);
        break;
    case HUSK_EXPECT_NULL_DEVICE:
        fits = S_ISCHR(st.mode) && st.rdev_major == 1 && st.rdev_minor == 3;
        break;
    case HUSK_EXPECT_PROCFS:
        fits = type == HUSK__MAGIC_PROC && st.ino == 1; /* its root */
        break;
    case HUSK_EXPECT_CGROUPFS:
        fits = type == HUSK__MAGIC_CGROUP || type == HUSK__MAGIC_CGROUP2;
        break;
    case HUSK_EXPECT_NSFS:
        fits = type == HUSK__MAGIC_NSFS;
        break;
    case HUSK_EXPECT_OTHER_NS:
        fits = type == HUSK__MAGIC_NSFS;
        proc = (int)husk__sys(__NR_openat, AT_FDCWD, "/proc/thread-self", O_PATH | O_CLOEXEC);
        own = fits && husk__is_own_ns(proc, fd);
        husk__close(proc);
        break;
    default:
        fits = false;
    }
    return own ? -EPERM : fits ? 0 : -EINVAL;
}

static long husk__do_open(struct husk_child *c, const struct husk_op *op)
{
    struct husk__want want = {.flags = (int)op->u.open.flags};
    int fd = husk__open(c, &op->u.open.path, &want);
    long r;

    if (fd < 0)
        return fd;
    r = husk__expect(fd, op->u.open.expect);
    if (r < 0)
        husk__close(fd);
    else
        husk__define(c, op->u.open.slot, fd);
    return r;
}

/* Owner and exact mode of what was just made; fd may be O_PATH. chown first: it clears set-id bits. */
static long husk__own(int fd, uint32_t mode, uint32_t uid, uint32_t gid)
{
    struct husk__statx st;
    char path[40];
    long r;

    if (uid != HUSK_ID_KEEP || gid != HUSK_ID_KEEP)
        if ((r = husk__sys(__NR_fchownat, fd, "", uid, gid, AT_EMPTY_PATH)) < 0)
            return r;
    if ((r = husk__statx(fd, &st)) < 0 || ((st.mode ^ mode) & 07777) == 0)
        return r;
    return husk__sys(__NR_fchmodat, AT_FDCWD, husk__fd_path(path, "/proc/self/fd/", fd), mode & 07777);
}

/* A cgroup that is to be the container's alone: nobody is in it, and whoever joins is not stopped at once.
 * Other directories have none of these files. */
static long husk__is_vacant(int dir)
{
    static const struct {
        const char *file, *taken;
    } signs[] = {
        {"cgroup.procs", ""},
        {"cgroup.events", "populated 1"}, /* those below it, too */
        {"cgroup.freeze", "1"},
        {"freezer.state", "FR"}, /* FROZEN, FREEZING */
    };
    char text[32];
    long n, fd;

    for (size_t i = 0; i < HUSK_COUNT(signs); i++) {
        fd = husk__sys(__NR_openat, dir, signs[i].file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        n = fd < 0 ? 0 : husk__sys(__NR_read, fd, text, sizeof text - 1);
        husk__close((int)fd);
        text[n < 0 ? 0 : n] = '\0';
        if (n > 0 && husk__starts(text, signs[i].taken))
            return -EBUSY;
    }
    return 0;
}

static long husk__do_mkdir(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_mkdir *m = &op->u.mkdir;
    struct husk__want want = {.flags = O_PATH | O_DIRECTORY, .make = HUSK_CREATE_DIR, .mode = m->mode};
    int fd = husk__open(c, &m->path, &want);
    long r = 0;

    if (fd < 0)
        return fd;
    if (want.made)
        r = husk__own(fd, m->mode, m->uid, m->gid);
    else if (m->excl)
        r = -EEXIST;
    else if (op->undo)
        r = husk__is_vacant(fd);
    husk__close(fd);
    return r;
}

static long husk__do_write(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_write *w = &op->u.write;
    struct husk__want want = {.flags = O_WRONLY | O_NOFOLLOW};
    size_t len = husk__len(w->data);
    int fd;
    long r;

    fd = husk__is_slot_itself(&w->path) ? husk__slot(c, w->path.slot) : husk__open(c, &w->path, &want);
    if (fd < 0)
        return fd;
    do
        r = husk__sys(__NR_write, fd, w->data, len);
    while (r == -EINTR);
    if (!husk__is_slot_itself(&w->path))
        husk__close(fd);
    return r < 0 ? r : (size_t)r < len ? -EIO : 0;
}

static long husk__slurp(struct husk_child *c, const struct husk_path *path, char *to, size_t size)
{
    struct husk__want want = {.flags = O_RDONLY | O_NOFOLLOW};
    int fd = husk__open(c, path, &want);
    size_t have = 0;
    long r = fd;

    while (r >= 0 && have < size) {
        r = husk__sys(__NR_read, fd, to + have, size - have);
        if (r == 0)
            break;
        have += r > 0 ? (size_t)r : 0;
        r = r == -EINTR ? 0 : r;
    }
    husk__close(fd);
    return r < 0 ? r : have == size ? -EFBIG : (long)have;
}

static long husk__do_copy(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_copy *p = &op->u.copy;
    struct husk__want want = {.flags = O_WRONLY | O_NOFOLLOW};
    long n = husk__slurp(c, &p->to, c->buffer, 4097), r;
    int fd;

    for (long i = 0; i < n; i++)
        if (c->buffer[i] != ' ' && c->buffer[i] != '\n' && c->buffer[i] != '\t')
            return 0;
    if (n >= 0)
        n = husk__slurp(c, &p->from, c->buffer, 4097);
    if (n < 0)
        return n;
    fd = husk__open(c, &p->to, &want);
    r = fd < 0 ? fd : husk__sys(__NR_write, fd, c->buffer, (size_t)n);
    husk__close(fd);
    return r < 0 ? r : r < n ? -EIO : 0;
}

static long husk__do_symlink(struct husk_child *c, const struct husk_op *op)
{
    char name[HUSK__NAME];
    int dir = husk__open_parent(c, &op->u.symlink.path, false, name);
    long r;

    if (dir < 0)
        return dir;
    r = husk__sys(__NR_symlinkat, op->u.symlink.target, dir, name);
    husk__close(dir);
    return r;
}

/* The kernel's encoding of a device number for mknod(2); linux/kdev_t.h, new_encode_dev. */
static uint32_t husk__device(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

static long husk__do_mknod(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_mknod *m = &op->u.mknod;
    char name[HUSK__NAME];
    struct husk__statx st;
    int dir = husk__open_parent(c, &m->path, true, name), fd;
    long r, made;

    if (dir < 0)
        return dir;
    made = husk__undo_note(c, "unlink", dir, name);
    if (made == 0 && (made = husk__sys(__NR_mknodat, dir, name, m->mode, husk__device(m->major, m->minor))) < 0)
        (void)husk__undo_note(c, "keep", dir, name);
    fd = made < 0 && made != -EEXIST
             ? (int)made
             : (int)husk__sys(__NR_openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    husk__close(dir);
    if (fd < 0)
        return fd;
    r = husk__statx(fd, &st);
    if (r == 0 && ((st.mode ^ m->mode) & S_IFMT ||
                   (!S_ISFIFO(m->mode) && (st.rdev_major != m->major || st.rdev_minor != m->minor))))
        r = -EEXIST;
    if (r == 0 && made == 0)
        r = husk__own(fd, m->mode, m->uid, m->gid);
    husk__close(fd);
    return r;
}

/* One message of len bytes and a descriptor (none: -1). Never raises SIGPIPE. */
static long husk__send_fd(int to, const void *data, size_t len, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {(void *)(uintptr_t)data, len};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    long r;

    if (fd >= 0) {
        for (size_t i = 0; i < sizeof control.bytes; i++)
            control.bytes[i] = 0;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        *(int *)(void *)CMSG_DATA(&control.header) = fd;
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
    }
    do
        r = husk__sys(__NR_sendmsg, to, &m, MSG_NOSIGNAL);
    while (r == -EINTR);
    return r < 0 ? r : (size_t)r == len ? 0 : -EMSGSIZE;
}
#endif
