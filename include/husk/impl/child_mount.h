/* husk/impl/child_mount.h - mounts, and the change of the root. Part of child.h's implementation; runs in the
 * child only.
 *
 * A target is resolved once and held; the mount goes onto its descriptor. Bind mounts are cloned, changed
 * while nobody can reach them, then moved into place. Without open_tree(2), mount(2) gets the target as its
 * working directory, or a file as /proc/self/fd/N (the host's /proc is visible until the root changes), and
 * what was mounted is opened again and compared.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_MOUNT_IMPLEMENTED)
#define HUSK_CHILD_MOUNT_IMPLEMENTED

#include "husk/impl/child_path.h"
#include <sys/mount.h>

/* One row a flag: as mount(2), mount_setattr(2) and statfs(2) spell it. The last three exclude each other. */
static const struct {
    uint32_t ms, attr, st;
} husk__mount_flags[] = {
    {MS_RDONLY, HUSK__ATTR_RDONLY, 1},
    {MS_NOSUID, HUSK__ATTR_NOSUID, 2},
    {MS_NODEV, HUSK__ATTR_NODEV, 4},
    {MS_NOEXEC, HUSK__ATTR_NOEXEC, 8},
    {MS_NODIRATIME, HUSK__ATTR_NODIRATIME, 2048},
    {HUSK__MS_NOSYMFOLLOW, HUSK__ATTR_NOSYMFOLLOW, HUSK__ST_NOSYMFOLLOW},
    {MS_NOATIME, HUSK__ATTR_NOATIME, 1024},
    {MS_RELATIME, 0, 4096},
    {MS_STRICTATIME, HUSK__ATTR_STRICTATIME, 0},
};
#define HUSK__MS_ATIME ((uint64_t)(MS_NOATIME | MS_RELATIME | MS_STRICTATIME))

/* The MS_* flags of the mount that fd is on. */
static uint64_t husk__flags_of(int fd)
{
    uint64_t st = 0, ms = 0;

    husk__fs_type(fd, &st);
    for (size_t i = 0; i < HUSK_COUNT(husk__mount_flags); i++)
        if (st & husk__mount_flags[i].st)
            ms |= husk__mount_flags[i].ms;
    return ms & HUSK__MS_ATIME ? ms : ms | MS_STRICTATIME;
}

static uint64_t husk__change_flags(uint64_t now, uint64_t set, uint64_t clear)
{
    if (set & HUSK__MS_ATIME)
        now &= ~HUSK__MS_ATIME;
    now = (now | set) & ~clear;
    return now & HUSK__MS_ATIME ? now : now | MS_RELATIME; /* the kernel's default */
}

/* mount(2) onto target. */
static long husk__mount_on(struct husk_child *c, int target, const char *source, const char *type,
                           uint64_t flags, const char *data)
{
    char path[40];
    long r;

    if (husk__sys(__NR_fchdir, target) < 0) /* a file, or a directory that must not be searched */
        return husk__sys(__NR_mount, source, husk__fd_path(path, "/proc/self/fd/", target), type,
                         (unsigned long)flags, data);
    r = husk__sys(__NR_mount, source, ".", type, (unsigned long)flags, data);
    if (c->cwd < 0 || husk__sys(__NR_fchdir, c->cwd) < 0)
        (void)husk__sys(__NR_chdir, "/");
    return r;
}

static long husk__setattr(int fd, uint32_t at, uint64_t set, uint64_t clear, uint64_t propagation)
{
    struct husk__mount_attr a = {set, clear, propagation, 0};

    return husk__sys(__NR_mount_setattr, fd, "", AT_EMPTY_PATH | at, &a, sizeof a);
}

/* MS_* bits to change, by mount_setattr(2); fd may be a tree that is not attached yet. */
static long husk__set_attr_flags(int fd, uint64_t set, uint64_t clear)
{
    uint64_t now = husk__flags_of(fd), then = husk__change_flags(now, set, clear),
             change = (now ^ then) & HUSK__MS_ATIME;
    uint64_t attr_set = 0, attr_clear = change ? HUSK__ATTR_ATIME : 0;

    for (size_t i = 0; i < HUSK_COUNT(husk__mount_flags); i++) {
        uint64_t ms = husk__mount_flags[i].ms;
        if ((ms & HUSK__MS_ATIME ? change & then : set) & ms)
            attr_set |= husk__mount_flags[i].attr;
        if (clear & ~HUSK__MS_ATIME & ms)
            attr_clear |= husk__mount_flags[i].attr;
    }
    return husk__setattr(fd, 0, attr_set, attr_clear & ~(attr_set & ~(uint64_t)HUSK__ATTR_ATIME), 0);
}

/* MS_* bits to change on the mount whose root is fd; the others stay as they are, those locked by a user
 * namespace too. */
static long husk__set_flags(struct husk_child *c, int fd, uint64_t set, uint64_t clear)
{
    long r = set | clear ? husk__set_attr_flags(fd, set, clear) : 0;

    if (r == -ENOSYS)
        r = husk__mount_on(c, fd, NULL, NULL,
                           MS_REMOUNT | MS_BIND | husk__change_flags(husk__flags_of(fd), set, clear), NULL);
    return r;
}

/* What holds for a whole tree: MOUNT_ATTR_* (no substitute on an old kernel), and propagation. */
static long husk__set_tree(struct husk_child *c, int fd, uint64_t set, uint64_t clear,
                           const struct husk_u32s *propagation)
{
    long r = 0;

    if (set & HUSK__ATTR_ATIME)
        clear |= HUSK__ATTR_ATIME;
    if (set != 0 || clear != 0)
        r = husk__setattr(fd, HUSK__AT_RECURSIVE, set, clear, 0);
    for (uint32_t i = 0; r == 0 && i < propagation->n; i++) {
        uint32_t p = propagation->v[i];
        r = husk__setattr(fd, p & MS_REC ? HUSK__AT_RECURSIVE : 0, 0, 0, p & ~(uint32_t)MS_REC);
        if (r == -ENOSYS)
            r = husk__mount_on(c, fd, NULL, NULL, p, NULL);
    }
    return r;
}

static bool husk__same_file(int a, int b)
{
    struct husk__statx x, y;

    return husk__statx(a, &x) == 0 && husk__statx(b, &y) == 0 && x.ino == y.ino &&
           x.dev_major == y.dev_major && x.dev_minor == y.dev_minor;
}

/* Do both hang in the same directory? 1, 0, or an errno below 0. */
static int husk__same_parent(int a, int b)
{
    int x = (int)husk__sys(__NR_openat, a, "..", O_PATH | O_CLOEXEC),
        y = (int)husk__sys(__NR_openat, b, "..", O_PATH | O_CLOEXEC);
    int r = x < 0 ? x : y < 0 ? y : husk__same_file(x, y) && husk__mount_id(x) == husk__mount_id(y);

    husk__close(x);
    husk__close(y);
    return r;
}

/* Opens what mount(2) put on target; source: a bind mount's, or -1. Another file means that the path was
 * swapped: EAGAIN. */
static int husk__reopen(struct husk_child *c, const struct husk_path *path, bool no_symlinks, int target,
                        int source)
{
    struct husk__want want = {.flags = O_PATH, .no_symlinks = no_symlinks};
    int fd = husk__open(c, path, &want), ours;

    if (fd < 0)
        return fd;
    ours = husk__mount_id(fd) != husk__mount_id(target);
    if (source >= 0)
        ours = ours && husk__same_file(fd, source) && husk__mount_id(fd) != husk__mount_id(source);
    else if (ours)
        ours = husk__same_parent(fd, target);
    if (ours <= 0)
        husk__close(fd);
    return ours > 0 ? fd : ours < 0 ? ours : -EAGAIN;
}

/* Changes a tree that is attached nowhere, then attaches it. */
static long husk__attach(struct husk_child *c, int tree, int target, uint64_t set, uint64_t clear)
{
    long early = set | clear ? husk__set_attr_flags(tree, set, clear) : 0, r = early != -ENOSYS ? early : 0;

    if (r == 0)
        r = husk__sys(__NR_move_mount, tree, "", target, "",
                      HUSK__MOVE_MOUNT_F_EMPTY_PATH | HUSK__MOVE_MOUNT_T_EMPTY_PATH);
    if (r == 0 && early == -ENOSYS) /* Linux 5.2 to 5.11: not before it is attached */
        r = husk__set_flags(c, tree, set, clear);
    return r;
}

/* A bind mount of source on target, which path names. MS_* of the source stay but for set and clear. Returns
 * its root. */
static int husk__bind(struct husk_child *c, int source, int target, const struct husk_path *path, bool whole,
                      uint64_t set, uint64_t clear)
{
    char name[40];
    long r;
    int fd =
        (int)husk__sys(__NR_open_tree, source, "",
                       AT_EMPTY_PATH | HUSK__OPEN_TREE_CLONE | O_CLOEXEC | (whole ? HUSK__AT_RECURSIVE : 0));

    if (fd >= 0) {
        r = husk__attach(c, fd, target, set, clear);
    } else if (fd == -ENOSYS) {
        r = husk__mount_on(c, target, husk__fd_path(name, "/proc/self/fd/", source), NULL,
                           MS_BIND | (whole ? MS_REC : 0), NULL);
        fd = r < 0 ? (int)r : husk__reopen(c, path, false, target, source);
        r = fd < 0 ? fd : husk__set_flags(c, fd, set, clear);
    } else {
        r = fd;
    }
    if (r < 0 && fd >= 0)
        husk__close(fd);
    return r < 0 ? (int)r : fd;
}

/* A line of mountinfo: 1 when it is the mount's and says that it is in a peer group, 0 when not, -1: another's. */
static int husk__line_shared(const char *s, int64_t mount)
{
    int64_t id = 0;

    for (; *s >= '0' && *s <= '9'; s++)
        id = id * 10 + (*s - '0');
    if (id != mount)
        return -1;
    for (; *s != '\0' && !husk__starts(s, " - "); s++) /* before that no name has a blank in it */
        if (husk__starts(s, " shared:"))
            return 1;
    return 0;
}

/* Is the mount in a peer group, as far as we can tell? */
static bool husk__mount_is_shared(struct husk_child *c, int64_t mount)
{
    char *line, *end;
    size_t have = 0;
    int shared = -1, info = (int)husk__sys(__NR_openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    long r;

    while (info >= 0 && shared < 0 &&
           (r = husk__sys(__NR_read, info, c->buffer + have, HUSK_CHILD_BUFFER - 1 - have)) > 0) {
        have += (size_t)r;
        c->buffer[have] = '\0';
        for (line = end = c->buffer; shared < 0; line = ++end) {
            for (; *end != '\n' && *end != '\0'; end++)
                ;
            if (*end == '\0')
                break;
            *end = '\0';
            shared = husk__line_shared(line, mount);
        }
        have = (size_t)(c->buffer + have - line);
        if (have == HUSK_CHILD_BUFFER - 1)
            break;
        husk__copy(c->buffer, line, have);
    }
    husk__close(info);
    return shared != 0;
}

static bool husk__shares(const struct husk_op *op)
{
    bool shared = false;

    for (uint32_t i = 0; op->kind == HUSK_OP_MOUNT && i < op->u.mount.propagation.n; i++)
        shared = shared || (op->u.mount.propagation.v[i] & MS_SHARED) != 0;
    return shared;
}

static bool husk__is_below(const struct husk_path *path, const struct husk_path *dir)
{
    size_t n = dir->rel ? husk__len(dir->rel) : 0;

    while (n > 0 && dir->rel[n - 1] == '/')
        n--;
    return path->slot == dir->slot && (n == 0 || (path->rel != NULL && husk__starts(path->rel, dir->rel) &&
                                                  (path->rel[n] == '/' || path->rel[n] == '\0')));
}

/* What is mounted on a shared mount is mounted on the host, too, and stays there. The configuration may want that, and
 * says so by its name; an image whose symlinks lead there may not. */
static long husk__check_shared(struct husk_child *c, int target, const struct husk_path *path)
{
    bool any = false;

    for (uint32_t i = 0; i < c->at; i++) {
        const struct husk_op *op = &c->ops[i];
        if (!husk__shares(op))
            continue;
        if (husk__is_below(path, &op->u.mount.target))
            return 0;
        any = true;
    }
    return any && path->slot != HUSK_SLOT_HOST && husk__mount_is_shared(c, husk__mount_id(target)) ? -EPERM : 0;
}

/* The image may have made a destination a symlink into procfs, where the planner refused mounts by name: not
 * so. Nor where what is mounted would be the host's. */
static long husk__check_target(struct husk_child *c, int target, const struct husk_path *path)
{
    bool named = path->rel != NULL && (husk__same(path->rel, "proc") || husk__starts(path->rel, "proc/"));

    return path->slot != HUSK_SLOT_HOST && !named && husk__fs_type(target, NULL) == HUSK__MAGIC_PROC
               ? -EPERM
               : husk__check_shared(c, target, path);
}

/* Of a bind, or of a tree that moves. */
static long husk__do_bind(struct husk_child *c, const struct husk_op_mount *m)
{
    struct husk__want of_source = {.flags = O_PATH},
                      want = {.flags = O_PATH, .make = m->create, .mode = 0755};
    bool slot = husk__is_slot_itself(&m->source);
    struct husk__statx st;
    int source = slot ? husk__slot(c, m->source.slot) : husk__open(c, &m->source, &of_source), target = -1,
        fd;
    long r = source < 0 ? source : husk__statx(source, &st);

    if (r == 0 && m->create == HUSK_CREATE_LIKE_SOURCE)
        want.make = S_ISDIR(st.mode) ? HUSK_CREATE_DIR : HUSK_CREATE_FILE;
    if (r == 0)
        r = target = husk__open(c, &m->target, &want);
    if (r >= 0)
        r = husk__check_target(c, target, &m->target);
    if (r == 0) {
        if (m->flags & MS_MOVE)
            r = (fd = husk__dup(source)) < 0 ? fd : husk__attach(c, fd, target, m->set, m->clear);
        else
            r = fd = husk__bind(c, source, target, &m->target, (m->flags & MS_REC) != 0, m->set, m->clear);
        if (r >= 0)
            r = husk__set_tree(c, fd, m->rec_set, m->rec_clear, &m->propagation);
        husk__close(fd);
    }
    husk__close(target);
    if (!slot)
        husk__close(source);
    return r;
}

static bool husk__has_option(const char *data, const char *name)
{
    for (const char *s = data; s != NULL && *s != '\0';) {
        if (husk__starts(s, name))
            return true;
        while (*s != '\0' && *s++ != ',')
            ;
    }
    return false;
}

/* A tmpfs takes the mode of the directory that it covers, unless the configuration names one. */
static long husk__tmpfs_data(struct husk_child *c, int target, const char **data)
{
    struct husk__statx st;
    size_t n = *data ? husk__len(*data) : 0;
    char *to = c->buffer;
    long r = husk__statx(target, &st);

    if (r < 0)
        return r;
    if (n > HUSK_CHILD_BUFFER - 32)
        return -E2BIG;
    husk__copy(to, *data ? *data : "", n);
    if (n > 0)
        to[n++] = ',';
    husk__copy(to + n, "mode=", 5);
    n += 5;
    for (int shift = 9; shift >= 0; shift -= 3)
        to[n++] = (char)('0' + (st.mode >> shift & 7));
    to[n] = '\0';
    *data = to;
    return 0;
}

static long husk__do_filesystem(struct husk_child *c, const struct husk_op_mount *m)
{
    /* An image must not lead these two elsewhere: what is read and written there is trusted to be the
     * kernel's. */
    bool kernel = husk__same(m->fstype, "proc") || husk__same(m->fstype, "sysfs");
    struct husk__want want = {.flags = O_PATH, .no_symlinks = kernel, .make = m->create, .mode = 0755};
    const char *data = m->data;
    int target = husk__open(c, &m->target, &want), fd = -1;
    long r = target < 0 ? target : husk__check_target(c, target, &m->target);

    if (r == 0 && husk__same(m->fstype, "tmpfs") && !want.made && !husk__has_option(data, "mode="))
        r = husk__tmpfs_data(c, target, &data);
    if (r == 0)
        r = husk__mount_on(c, target, m->source.rel, m->fstype, m->flags, data);
    if (r == 0 && (m->rec_set || m->rec_clear || m->propagation.n > 0)) {
        r = fd = husk__reopen(c, &m->target, kernel, target, -1);
        if (r >= 0)
            r = husk__set_tree(c, fd, m->rec_set, m->rec_clear, &m->propagation);
        husk__close(fd);
    }
    husk__close(target);
    return r;
}

static long husk__do_mount(struct husk_child *c, const struct husk_op *op)
{
    if (op->u.mount.flags & (MS_BIND | MS_MOVE))
        return husk__do_bind(c, &op->u.mount);
    return op->u.mount.fstype ? husk__do_filesystem(c, &op->u.mount) : -ENODEV;
}

/* The tree comes with the parent's word that it got here; who looks inside for it waits until we are here. */
static long husk__child_tree(struct husk_child *c, const struct husk_op *op)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct husk_report rep = {c->at, 0, 0};
    struct iovec part = {&rep, sizeof rep};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    long r = op->u.tree.inside ? husk__send_fd(c->channel, &rep, sizeof rep, -1) : 0;

    if (r < 0)
        return r;
    do
        r = husk__sys(__NR_recvmsg, c->channel, &m, MSG_CMSG_CLOEXEC);
    while (r == -EINTR);
    if (r < 0)
        return r;
    if (r != (long)sizeof rep || rep.op != c->at || rep.err != 0)
        return -EPIPE; /* its end closed: nobody waits for us any more */
    if (m.msg_flags & MSG_CTRUNC)
        return -EMFILE;
    if (m.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_level != SOL_SOCKET ||
        control.header.cmsg_type != SCM_RIGHTS)
        return -EPROTO;
    husk__define(c, op->u.tree.slot, *(int *)(void *)CMSG_DATA(&control.header));
    return 0;
}

static long husk__do_attr(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_attr *a = &op->u.attr;
    struct husk__want want = {.flags = O_PATH};
    int fd = husk__open(c, &a->target, &want);
    long r = fd < 0 ? fd : husk__set_flags(c, fd, a->set, a->clear);

    if (r == 0)
        r = husk__set_tree(c, fd, a->rec_set, a->rec_clear, &a->propagation);
    husk__close(fd);
    return r;
}

/* The first directory gets a tmpfs, the others the same one. */
static int husk__mask_directory(struct husk_child *c, int target, const struct husk_path *path)
{
    long r;

    if (c->empty >= 0)
        return husk__bind(c, c->empty, target, path, false, 0, 0);
    r = husk__mount_on(c, target, "tmpfs", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                       "nr_blocks=1,nr_inodes=1,mode=555");
    if (r < 0)
        return (int)r;
    r = husk__reopen(c, path, false, target, -1);
    c->empty = r < 0 ? -1 : (int)r;
    return r < 0 ? (int)r : husk__dup(c->empty);
}

static long husk__do_mask(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_path *path = &op->u.mask.path;
    struct husk__want want = {.flags = O_PATH};
    struct husk__statx st;
    int target = husk__open(c, path, &want), fd, null;
    long r = target < 0 ? target : husk__statx(target, &st);

    if (r == 0)
        r = husk__check_shared(c, target, path);
    if (r == 0 && S_ISDIR(st.mode)) {
        r = fd = husk__mask_directory(c, target, path);
        husk__close(fd);
    } else if (r == 0) {
        r = null = husk__slot(c, HUSK_SLOT_DEVNULL);
        r = fd = null < 0 ? null : husk__bind(c, null, target, path, false, MS_RDONLY, 0);
        husk__close(fd);
    }
    husk__close(target);
    return r < 0 ? r : 0;
}

/* One field of a line of mountinfo, \ooo undone, into to (PATH_MAX). */
static void husk__unescape(char *to, const char *s)
{
    size_t n = 0;

    for (; *s != '\0' && *s != ' ' && n < PATH_MAX - 1; n++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
            s[3] <= '7') {
            to[n] = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            to[n] = *s++;
        }
    }
    to[n] = '\0';
}

/* Is this line of mountinfo a proc or sysfs outside of root? Then its mount point goes into point. */
static bool husk__is_kernel_mount(char *line, const char *root, char point[PATH_MAX])
{
    char *s = line, *mount_point;
    size_t n = husk__len(root);

    for (int fields = 0; fields < 4; s++) {
        if (*s == '\0')
            return false;
        fields += *s == ' ';
    }
    mount_point = s;
    while (*s != '\0' && !husk__starts(s, " - "))
        s++;
    if (!husk__starts(s, " - proc ") && !husk__starts(s, " - sysfs "))
        return false;
    husk__unescape(point, mount_point);
    return !(husk__starts(point, root) && (point[n] == '\0' || point[n] == '/'));
}

/* Takes away, or covers, each proc and sysfs that the old root leaves behind: a move leaves it reachable to
 * chroot tricks, and a whole visible procfs is what lets a user namespace mount another one. Returns 1 when
 * something was taken away. */
static long husk__hide_next(struct husk_child *c, int info, const char *root)
{
    char point[PATH_MAX], *line, *end;
    size_t have = 0;
    long r;

    while ((r = husk__sys(__NR_read, info, c->buffer + have, HUSK_CHILD_BUFFER - 1 - have)) > 0) {
        have += (size_t)r;
        c->buffer[have] = '\0';
        for (line = c->buffer;; line = end + 1) {
            for (end = line; *end != '\n' && *end != '\0'; end++)
                ;
            if (*end == '\0')
                break;
            *end = '\0';
            if (!husk__is_kernel_mount(line, root, point))
                continue;
            if (husk__sys(__NR_umount2, point, MNT_DETACH) == 0)
                return 1;
            r = husk__sys(__NR_mount, "tmpfs", point, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                          "nr_blocks=1,nr_inodes=1");
            if (r < 0 && r != -ENOENT)
                return r;
        }
        have = (size_t)(c->buffer + have - line);
        if (have == HUSK_CHILD_BUFFER - 1)
            return -E2BIG;
        husk__copy(c->buffer, line, have);
    }
    return r;
}

static long husk__hide_kernel_mounts(struct husk_child *c, int rootfs)
{
    char path[40], root[PATH_MAX];
    long n = husk__sys(__NR_readlinkat, AT_FDCWD, husk__fd_path(path, "/proc/self/fd/", rootfs), root,
                       sizeof root - 1),
         r;
    int info;

    if (n < 0)
        return n;
    root[n] = '\0';
    if (n == 1) /* it lies on the old one: both have the same names */
        return -EBUSY;
    info = (int)husk__sys(__NR_openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (info < 0)
        return info;
    do {
        r = husk__hide_next(c, info, root);
        if (r == 1)
            (void)husk__sys(__NR_lseek, info, 0L, SEEK_SET); /* the list changed: from the start */
    } while (r == 1);
    husk__close(info);
    return r;
}

static long husk__do_root(struct husk_child *c, const struct husk_op *op)
{
    enum husk_root_switch how = op->u.root.how;
    int rootfs = husk__slot(c, HUSK_SLOT_ROOTFS);
    long r = rootfs;

    if (r >= 0)
        r = how == HUSK_ROOT_MOVE ? husk__hide_kernel_mounts(c, rootfs) : 0;
    if (r == 0)
        r = husk__sys(__NR_fchdir, rootfs);
    if (r == 0 && how == HUSK_ROOT_PIVOT) {
        r = husk__sys(__NR_pivot_root, ".",
                      "."); /* the old root now lies on the new one: pivot_root(2), NOTES */
        if (r == 0)
            r = husk__sys(__NR_umount2, ".", MNT_DETACH);
    } else if (r == 0) {
        if (how == HUSK_ROOT_MOVE)
            r = husk__sys(__NR_mount, ".", "/", NULL, (unsigned long)MS_MOVE, NULL);
        if (r == 0)
            r = husk__sys(__NR_chroot, ".");
    }
    if (r == 0)
        r = husk__sys(__NR_chdir, "/");
    if (r < 0)
        return r;
    husk__close(c->cwd);
    c->cwd = -1;
    return 0;
}
#endif
