/* husk/impl/child_copyup.h - a directory into the mount that covers it. Part of child.h's implementation.
 *
 * The directory is the image's, which is not to be trusted: each name is looked at first, as a descriptor that reads
 * nothing, follows nothing and wakes nobody, and only regular files and directories are opened. What another mount
 * put there is not the image's, and stays where it is.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_COPYUP_IMPLEMENTED)
#define HUSK_CHILD_COPYUP_IMPLEMENTED

#include "husk/impl/child_file.h"

/* One directory of the way down, and its copy. */
struct husk__pair {
    int from, to;
};

struct husk__copyup {
    struct husk_child *c;
    int64_t mount; /* whose files are copied */
    uint32_t depth;
    struct husk__pair level[HUSK__DEPTH];
};

/* As getdents64(2) gives it. */
struct husk__entry {
    uint64_t ino;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

/* Owner and times; not of what a symlink points to. Where nobody is the owner, as far as this user
 * namespace knows, and it does not know him either, that stays root. */
static long husk__copy_owner(int dir, const char *name, const struct husk__statx *st)
{
    struct {
        long sec, nsec;
    } times[2] = {{(long)st->times[0].sec, (long)st->times[0].nsec}, {(long)st->times[3].sec, (long)st->times[3].nsec}};
    long r = husk__sys(__NR_fchownat, dir, name, st->uid, st->gid, AT_SYMLINK_NOFOLLOW);

    return r < 0 && r != -EINVAL ? r : husk__sys(__NR_utimensat, dir, name, times, AT_SYMLINK_NOFOLLOW);
}

/* security.*, user.* and access lists: names in one half of the buffer, a value in the other. A file system without them, or a
 * caller who may not set one, does without. */
static long husk__copy_attributes(struct husk_child *c, struct husk__pair file)
{
    const size_t half = HUSK_CHILD_BUFFER / 2;
    char *names = c->buffer, *value = c->buffer + half;
    long n = husk__sys(__NR_flistxattr, file.from, names, half - 1), size, r = 0;

    if (n <= 0)
        return n == -EOPNOTSUPP ? 0 : n;
    names[n] = '\0';
    for (const char *s = names; r == 0 && s < names + n; s += husk__len(s) + 1) {
        if (!husk__starts(s, "security.") && !husk__starts(s, "user.") && !husk__starts(s, "system.posix_acl_"))
            continue;
        r = size = husk__sys(__NR_fgetxattr, file.from, s, value, half);
        if (size >= 0)
            r = husk__sys(__NR_fsetxattr, file.to, s, value, size, 0);
        r = r == -EOPNOTSUPP || r == -EPERM || r == -ENODATA ? 0 : r;
    }
    return r;
}

/* What a file or directory gets when it is complete; a new owner takes set-id bits and capabilities away. */
static long husk__copy_finish(struct husk_child *c, struct husk__pair file, int dir, const char *name)
{
    struct husk__statx st;
    long r = husk__statx(file.from, &st);

    if (r == 0)
        r = husk__copy_owner(dir, name, &st);
    if (r == 0)
        r = husk__sys(__NR_fchmod, file.to, st.mode & 07777);
    return r ? r : husk__copy_attributes(c, file);
}

static long husk__copy_data(struct husk_child *c, struct husk__pair file)
{
    long n, done, r;

    while ((n = husk__sys(__NR_read, file.from, c->buffer, HUSK_CHILD_BUFFER)) != 0) {
        if (n < 0 && n != -EINTR)
            return n;
        for (done = 0; n > done;) {
            r = husk__sys(__NR_write, file.to, c->buffer + done, n - done);
            if (r < 0 && r != -EINTR)
                return r;
            if (r > 0)
                done += r;
        }
    }
    return 0;
}

/* Opens the file that was looked at, and nothing that took its place. */
static int husk__open_same(int dir, const char *name, int flags, int looked_at)
{
    struct husk__statx was, is;
    int fd = (int)husk__sys(__NR_openat, dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || (husk__statx(fd, &is) == 0 && husk__statx(looked_at, &was) == 0 && is.ino == was.ino &&
                   is.dev_major == was.dev_major && is.dev_minor == was.dev_minor))
        return fd;
    husk__close(fd);
    return -EAGAIN;
}

static long husk__copy_regular(struct husk__copyup *u, struct husk__pair dir, const char *name, int seen)
{
    struct husk__pair file = {husk__open_same(dir.from, name, O_RDONLY, seen), -1};
    long r = file.from;

    if (r >= 0)
        r = file.to =
            (int)husk__sys(__NR_openat, dir.to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (r >= 0)
        r = husk__copy_data(u->c, file);
    if (r == 0)
        r = husk__copy_finish(u->c, file, dir.to, name);
    husk__close(file.from);
    husk__close(file.to);
    return r;
}

/* Its entries come next; husk__copy_leave() completes it. */
static long husk__copy_enter(struct husk__copyup *u, struct husk__pair dir, const char *name, int seen)
{
    struct husk__pair *below = &u->level[u->depth + 1];
    long r = u->depth + 1 == HUSK__DEPTH ? -ENAMETOOLONG : husk__sys(__NR_mkdirat, dir.to, name, 0700);

    if (r < 0)
        return r;
    below->from = husk__open_same(dir.from, name, O_RDONLY | O_DIRECTORY, seen);
    if (below->from < 0)
        return below->from;
    below->to = (int)husk__sys(__NR_openat, dir.to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below->to < 0) {
        husk__close(below->from);
        return below->to;
    }
    u->depth++;
    return 1;
}

/* A user namespace has no device nodes, and needs none: they would not open there. */
static long husk__copy_other(struct husk__copyup *u, struct husk__pair dir, const char *name, int seen,
                             const struct husk__statx *st)
{
    char *text = u->c->buffer;
    long r;

    if (S_ISLNK(st->mode)) {
        r = husk__sys(__NR_readlinkat, seen, "", text, HUSK_CHILD_BUFFER - 1);
        if (r < 0)
            return r;
        text[r] = '\0';
        r = husk__sys(__NR_symlinkat, text, dir.to, name);
    } else {
        r = husk__sys(__NR_mknodat, dir.to, name, st->mode, husk__device(st->rdev_major, st->rdev_minor));
        if (r == -EPERM && (S_ISCHR(st->mode) || S_ISBLK(st->mode)))
            return 0;
    }
    return r ? r : husk__copy_owner(dir.to, name, st);
}

/* One name of the directory at hand. 1: it is a directory, which is at hand now. */
static long husk__copy_entry(struct husk__copyup *u, const char *name)
{
    struct husk__pair dir = u->level[u->depth];
    struct husk__statx st;
    int seen = (int)husk__sys(__NR_openat, dir.from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int64_t mount = seen < 0 ? seen : husk__mount_id(seen);
    long r = mount < 0 ? (long)mount : husk__statx(seen, &st);

    if (r == 0 && mount == u->mount)
        r = S_ISREG(st.mode)   ? husk__copy_regular(u, dir, name, seen)
            : S_ISDIR(st.mode) ? husk__copy_enter(u, dir, name, seen)
                               : husk__copy_other(u, dir, name, seen, &st);
    husk__close(seen);
    return r;
}

/* All names of the directory at hand, up to one that is a directory itself: 1. The rest is read when we are back. */
static long husk__copy_entries(struct husk__copyup *u)
{
    uint64_t buffer[256];
    int from = u->level[u->depth].from;
    long n, r;

    while ((n = husk__sys(__NR_getdents64, from, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < n;) {
            const struct husk__entry *e = (const void *)((const char *)buffer + at);
            at += e->size;
            if (husk__same(e->name, ".") || husk__same(e->name, ".."))
                continue;
            r = husk__copy_entry(u, e->name);
            if (r == 1)
                (void)husk__sys(__NR_lseek, from, (long)e->next, SEEK_SET);
            if (r != 0)
                return r;
        }
    return n;
}

/* Back from a directory that is through. Its name is that of its descriptors. */
static long husk__copy_leave(struct husk__copyup *u)
{
    struct husk__pair done = u->level[u->depth--];
    long r = husk__copy_finish(u->c, done, done.to, ".");

    husk__close(done.from);
    husk__close(done.to);
    return r;
}

static long husk__do_copyup(struct husk_child *c, const struct husk_op *op)
{
    struct husk__copyup u = {.c = c};
    struct husk__want want = {.flags = O_RDONLY | O_DIRECTORY};
    int covered = husk__slot(c, op->u.copyup.from);
    long r;

    r = covered < 0 ? covered : (u.mount = husk__mount_id(covered));
    if (r >= 0 &&
        (husk__fs_type(covered, NULL) == HUSK__MAGIC_PROC || husk__fs_type(covered, NULL) == HUSK__MAGIC_SYSFS))
        r = -EPERM; /* the image leads there, to what is the kernel's */
    if (r < 0)
        return r;
    u.level[0].from = (int)husk__sys(__NR_openat, covered, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    u.level[0].to = husk__open(c, &op->u.copyup.to, &want);
    r = u.level[0].from < 0 ? u.level[0].from : u.level[0].to < 0 ? u.level[0].to : 0;
    if (r == 0 && husk__mount_id(u.level[0].to) == u.mount)
        r = -EAGAIN; /* the way to the new mount was changed */
    while (r == 0)
        if ((r = husk__copy_entries(&u)) == 0) {
            if (u.depth == 0)
                break;
            r = husk__copy_leave(&u);
        } else if (r == 1) {
            r = 0;
        }
    for (; u.depth > 0; u.depth--) {
        husk__close(u.level[u.depth].from);
        husk__close(u.level[u.depth].to);
    }
    husk__close(u.level[0].from);
    husk__close(u.level[0].to);
    return r;
}
#endif
