/* husk/impl/child_path.h - from (slot, relative path) to a descriptor, without leaving the slot. Part of child.h's
 * implementation.
 *
 * openat2(2) does it. Where the kernel has none, and where something has to be made on the way, a walk opens
 * one component after the other with O_NOFOLLOW, follows symlinks itself, and keeps a descriptor for each
 * level: ".." goes back to a directory that it came through, never to wherever the kernel would find the
 * parent by now.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_PATH_IMPLEMENTED)
#define HUSK_CHILD_PATH_IMPLEMENTED

#include "husk/child.h"
#include "husk/impl/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define HUSK__DEPTH 128u
#define HUSK__LINKS 40u
#define HUSK__NAME 256u

static long husk__ret(long r)
{
    return r < 0 ? -errno : r;
}
#define husk__sys(...) husk__ret(syscall(__VA_ARGS__))

static size_t husk__len(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    return n;
}

static bool husk__starts(const char *s, const char *prefix)
{
    while (*prefix != '\0' && *s == *prefix)
        s++, prefix++;
    return *prefix == '\0';
}

static bool husk__same(const char *a, const char *b)
{
    return husk__starts(a, b) && a[husk__len(b)] == '\0';
}

static void husk__copy(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

/* Decimal, NUL-terminated, at most 21 bytes. Returns its length. */
static size_t husk__decimal(char *to, int64_t value)
{
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[20];
    size_t n = 0, len = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    if (value < 0)
        to[len++] = '-';
    while (n > 0)
        to[len++] = digits[--n];
    to[len] = '\0';
    return len;
}

static void husk__close(int fd)
{
    if (fd >= 0)
        (void)husk__sys(__NR_close, fd);
}

static int husk__dup(int fd)
{
    return (int)husk__sys(HUSK__NR_fcntl, fd, F_DUPFD_CLOEXEC, 3);
}

_Static_assert(sizeof(struct husk__statx) == 256, "struct statx has 256 bytes");

static long husk__statx(int fd, struct husk__statx *st)
{
    return husk__sys(__NR_statx, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
                     HUSK__STATX_BASIC | HUSK__STATX_MNT_ID, st);
}

/* statfs(2)'s type of file system; 0 when it cannot be asked. *flags: ST_*, may be NULL. */
static uint64_t husk__fs_type(int fd, uint64_t *flags)
{
#ifdef __NR_fstatfs64
    struct statfs64 fs;
    long r = husk__sys(__NR_fstatfs64, fd, sizeof fs, &fs);
#else
    struct statfs fs;
    long r = husk__sys(__NR_fstatfs, fd, &fs);
#endif

    if (r < 0)
        return 0;
    if (flags != NULL)
        *flags = (uint64_t)fs.f_flags;
    return (uint64_t)fs.f_type & 0xffffffffu;
}

/* "/proc/self/fd/N": for the few calls that take no descriptor. /proc is the host's until the root is
 * changed. */
static const char *husk__fd_path(char to[40], const char *dir, int fd)
{
    size_t n = husk__len(dir);

    husk__copy(to, dir, n);
    husk__decimal(to + n, fd);
    return to;
}

/* The mount that fd is on, as /proc/self/mountinfo numbers it; below 0 when the kernel does not tell. */
static int64_t husk__mount_id(int fd)
{
    char path[40], text[256];
    struct husk__statx st;
    int64_t id = 0;
    long in, n;

    if (husk__statx(fd, &st) == 0 && (st.mask & HUSK__STATX_MNT_ID))
        return (int64_t)st.mnt_id;
    in =
        husk__sys(__NR_openat, AT_FDCWD, husk__fd_path(path, "/proc/self/fdinfo/", fd), O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return in;
    n = husk__sys(__NR_read, in, text, sizeof text - 1);
    husk__close((int)in);
    text[n < 0 ? 0 : n] = '\0';
    for (const char *s = text; *s != '\0'; s++)
        if (husk__starts(s, "mnt_id:")) {
            for (s += 7; *s == '\t' || *s == ' '; s++)
                ;
            for (; *s >= '0' && *s <= '9'; s++)
                id = id * 10 + (*s - '0');
            return id;
        }
    return -ENOENT;
}

static enum husk_resolve husk__resolve_of(enum husk_slot slot)
{
    static const uint8_t how[] = {
#define X(id, name, policy) HUSK_RESOLVE_##policy,
        HUSK_SLOTS(X)
#undef X
    };

    if (slot < HUSK_SLOT_CG)
        return (enum husk_resolve)how[slot];
    return slot >= HUSK_SLOT_JOIN && slot < HUSK_SLOT_AUX ? HUSK_RESOLVE_NONE : HUSK_RESOLVE_BENEATH;
}

/* What a path is opened for. */
struct husk__want {
    int flags;             /* of open(2); O_CLOEXEC is added */
    bool no_symlinks;      /* not in any component */
    enum husk_create make; /* what is missing: parents as directories, the last component as this */
    uint32_t mode;         /* of the last component */
    bool made;             /* result: the last component was made */
};

struct husk__walk {
    struct husk_child *c;
    struct husk__want *want;
    enum husk_resolve how;
    int64_t mount; /* BENEATH stays on it */
    uint32_t depth, links;
    int level[HUSK__DEPTH]; /* level[0] is borrowed */
    char rest[2][PATH_MAX]; /* what is left to walk; the other one is for the next symlink */
    uint32_t turn;
};

/* A symlink of procfs that is no text but a jump: /proc/PID/{exe,cwd,root,fd/N,ns/…}. The honest ones are
 * relative. */
static bool husk__is_magic(int dir, const char *target)
{
    if (husk__fs_type(dir, NULL) != HUSK__MAGIC_PROC)
        return false;
    for (const char *s = target; *s != '\0'; s++)
        if (*s == ':')
            return true;
    return target[0] == '/';
}

/* Puts the symlink's target before what is left to walk. */
static long husk__walk_link(struct husk__walk *w, int link, const char *rest)
{
    char *to = w->rest[w->turn ^= 1];
    long n = husk__sys(__NR_readlinkat, link, "", to, PATH_MAX - 1);
    size_t left = husk__len(rest);

    if (n < 0)
        return n;
    to[n] = '\0';
    if (w->want->no_symlinks || ++w->links > HUSK__LINKS || n == 0)
        return -ELOOP;
    if (w->how != HUSK_RESOLVE_PLAIN && husk__is_magic(link, to))
        return -ELOOP;
    if (to[0] == '/' && w->how == HUSK_RESOLVE_BENEATH)
        return -EXDEV;
    if (to[0] == '/')
        while (w->depth > 0)
            husk__close(w->level[w->depth--]);
    if ((size_t)n + 1 + left >= PATH_MAX)
        return -ENAMETOOLONG;
    if (left > 0) {
        to[n] = '/';
        husk__copy(to + n + 1, rest, left + 1);
    }
    return 0;
}

/* Parent: a line for the undo log, when the operation has undo. */
static long husk__undo_note(struct husk_child *c, const char *verb, int dir, const char *name)
{
    return c->making ? c->making(c, verb, dir, name) : 0;
}

static long husk__walk_make(struct husk__walk *w, int dir, const char *name, bool last)
{
    struct husk__want *want = w->want;
    uint32_t mode = last ? want->mode : 0755;
    long r, kept = 0;

    if (want->make == HUSK_CREATE_NOTHING)
        return -ENOENT;
    if (last && want->make == HUSK_CREATE_FILE) {
        r = husk__sys(__NR_openat, dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
        if (r >= 0)
            husk__close((int)r);
    } else {
        r = husk__undo_note(w->c, last ? "rmdir" : "prune", dir, name);
        if (r == 0 && (r = husk__sys(__NR_mkdirat, dir, name, mode)) < 0)
            kept = husk__undo_note(w->c, "keep", dir, name); /* if there is one, then another's */
    }
    want->made = last && r >= 0;
    if (kept < 0)
        return kept;
    return r < 0 && r != -EEXIST ? r : 0; /* one that came meanwhile is looked at like any other */
}

/* One component, not "." or "..", below dir: its O_PATH descriptor, never through a symlink. */
static int husk__walk_step(struct husk__walk *w, int dir, const char *name, bool last, struct husk__statx *st)
{
    long fd = husk__sys(__NR_openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r;

    if (fd == -ENOENT) {
        if ((r = husk__walk_make(w, dir, name, last)) < 0)
            return (int)r;
        fd = husk__sys(__NR_openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0)
        return (int)fd;
    r = husk__statx((int)fd, st);
    if (r == 0 && w->how == HUSK_RESOLVE_BENEATH && husk__mount_id((int)fd) != w->mount)
        r = -EXDEV;
    if (r < 0)
        husk__close((int)fd);
    return r < 0 ? (int)r : (int)fd;
}

/* The last component was reached as an O_PATH descriptor: opens the same file as wanted. Takes fd. */
static int husk__walk_open(struct husk__walk *w, int fd, const char *name, const struct husk__statx *st)
{
    int dir = w->level[w->depth], flags = w->want->flags;
    struct husk__statx now;
    long r;

    if ((flags & O_DIRECTORY) && !S_ISDIR(st->mode)) {
        husk__close(fd);
        return -ENOTDIR;
    }
    if (flags & O_PATH)
        return fd;
    r = husk__sys(__NR_openat, dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (r >= 0 && (husk__statx((int)r, &now) < 0 || now.ino != st->ino || now.dev_major != st->dev_major ||
                   now.dev_minor != st->dev_minor)) {
        husk__close((int)r);
        r = -ELOOP; /* swapped while we looked */
    }
    husk__close(fd);
    return (int)r;
}

static int husk__walk_on(struct husk__walk *w, const char *s)
{
    char name[HUSK__NAME];
    struct husk__statx st;
    size_t n;
    int fd;
    long r;

    for (;;) {
        while (*s == '/')
            s++;
        if (*s == '\0') /* ended on a directory that we hold */
            return w->want->flags & O_PATH
                       ? husk__dup(w->level[w->depth])
                       : (int)husk__sys(__NR_openat, w->level[w->depth], ".", w->want->flags | O_CLOEXEC);
        for (n = 0; s[n] != '/' && s[n] != '\0'; n++)
            if (n == sizeof name - 1)
                return -ENAMETOOLONG;
        husk__copy(name, s, n);
        name[n] = '\0';
        for (s += n; *s == '/'; s++)
            ;
        if (husk__same(name, "."))
            continue;
        if (husk__same(name, "..")) {
            if (w->depth > 0)
                husk__close(w->level[w->depth--]);
            else if (w->how == HUSK_RESOLVE_BENEATH)
                return -EXDEV;
            continue;
        }
        fd = husk__walk_step(w, w->level[w->depth], name, *s == '\0', &st);
        if (fd < 0)
            return fd;
        if (S_ISLNK(st.mode) && !(*s == '\0' && (w->want->flags & O_NOFOLLOW))) {
            r = husk__walk_link(w, fd, s);
            husk__close(fd);
            if (r < 0)
                return (int)r;
            s = w->rest[w->turn];
            continue;
        }
        if (*s == '\0')
            return husk__walk_open(w, fd, name, &st);
        r = !S_ISDIR(st.mode) ? -ENOTDIR : w->depth + 1 == HUSK__DEPTH ? -ENAMETOOLONG : 0;
        if (r < 0) {
            husk__close(fd);
            return (int)r;
        }
        w->level[++w->depth] = fd;
    }
}

/* path below root, component by component. */
static int husk__walk(struct husk_child *c, int root, enum husk_resolve how, const char *path,
                      struct husk__want *want)
{
    struct husk__walk w = {.c = c, .want = want, .how = how, .mount = -1};
    size_t n = husk__len(path);
    int fd;

    if (n >= PATH_MAX)
        return -ENAMETOOLONG;
    husk__copy(w.rest[0], path, n + 1);
    w.level[0] = root;
    if (how == HUSK_RESOLVE_BENEATH) {
        if (path[0] == '/')
            return -EXDEV;
        w.mount = husk__mount_id(root);
        if (w.mount < 0)
            return (int)w.mount;
    }
    fd = husk__walk_on(&w, w.rest[0]);
    while (w.depth > 0)
        husk__close(w.level[w.depth--]);
    return fd;
}

static int husk__openat2(int base, enum husk_resolve how, const char *path, const struct husk__want *want)
{
    struct husk__open_how h = {.flags = (uint64_t)(want->flags | O_CLOEXEC),
                               .resolve = HUSK__RESOLVE_NO_MAGICLINKS};
    long fd;

    h.resolve |=
        how == HUSK_RESOLVE_IN_ROOT ? HUSK__RESOLVE_IN_ROOT : HUSK__RESOLVE_BENEATH | HUSK__RESOLVE_NO_XDEV;
    if (want->no_symlinks)
        h.resolve |= HUSK__RESOLVE_NO_SYMLINKS;
    for (int tries = 0; tries < 1000;
         tries++) /* EAGAIN: something was renamed meanwhile, perhaps by an attacker */
        if ((fd = husk__sys(__NR_openat2, base, path, &h, sizeof h)) != -EAGAIN)
            break;
    return (int)fd;
}

/* A slot's descriptor, or -EBADF. */
static int husk__slot(const struct husk_child *c, enum husk_slot slot)
{
    return slot < HUSK_SLOT_COUNT && c->slot[slot] >= 0 ? c->slot[slot] : -EBADF;
}

static void husk__define(struct husk_child *c, enum husk_slot slot, int fd)
{
    husk__close(c->slot[slot]);
    c->slot[slot] = fd;
}

static bool husk__is_slot_itself(const struct husk_path *p)
{
    return p->rel == NULL || p->rel[0] == '\0';
}

/* The descriptor of *p, a new one. */
static int husk__open(struct husk_child *c, const struct husk_path *p, struct husk__want *want)
{
    enum husk_resolve how = husk__resolve_of(p->slot);
    const char *rel = p->rel ? p->rel : "";
    char path[PATH_MAX];
    size_t n = husk__len(rel);
    int base = AT_FDCWD, fd, root;

    if (p->slot != HUSK_SLOT_HOST && (base = husk__slot(c, p->slot)) < 0)
        return base;
    if (p->slot == HUSK_SLOT_HOST && rel[0] != '/')
        return -EINVAL;
    if (n == 0)
        return want->flags & O_PATH ? husk__dup(base)
                                    : (int)husk__sys(__NR_openat, base, ".", want->flags | O_CLOEXEC);
    if (how == HUSK_RESOLVE_NONE)
        return -ENOTDIR;
    while (n > 1 && rel[n - 1] == '/') /* "link/" is followed in spite of O_NOFOLLOW */
        n--;
    if (n >= sizeof path)
        return -ENAMETOOLONG;
    husk__copy(path, rel, n);
    path[n] = '\0';
    if (how == HUSK_RESOLVE_PLAIN || how == HUSK_RESOLVE_MAGIC)
        fd = (int)husk__sys(__NR_openat, base, path, want->flags | O_CLOEXEC);
    else if ((fd = husk__openat2(base, how, path, want)) == -ENOSYS)
        return husk__walk(c, base, how, path, want);
    if (fd != -ENOENT || want->make == HUSK_CREATE_NOTHING)
        return fd;
    if (how != HUSK_RESOLVE_PLAIN)
        return husk__walk(c, base, how, path, want);
    root = (int)husk__sys(__NR_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return root;
    fd = husk__walk(c, root, how, path, want);
    husk__close(root);
    return fd;
}

/* The directory that holds *p's last component, and that component in name: for what is made, or must not be
 * followed. */
static int husk__open_parent(struct husk_child *c, const struct husk_path *p, bool make,
                             char name[HUSK__NAME])
{
    struct husk__want want = {
        .flags = O_PATH | O_DIRECTORY, .mode = 0755, .make = make ? HUSK_CREATE_DIR : HUSK_CREATE_NOTHING};
    char dir[PATH_MAX];
    size_t n = husk__is_slot_itself(p) ? 0 : husk__len(p->rel), start;

    while (n > 0 && p->rel[n - 1] == '/')
        n--;
    for (start = n; start > 0 && p->rel[start - 1] != '/'; start--)
        ;
    if (n - start >= HUSK__NAME || start >= sizeof dir)
        return -ENAMETOOLONG;
    husk__copy(name, p->rel ? p->rel + start : "", n - start);
    name[n - start] = '\0';
    if (n == start || husk__same(name, ".") || husk__same(name, ".."))
        return -EINVAL;
    husk__copy(dir, p->rel, start);
    dir[start] = '\0';
    return husk__open(c, &(struct husk_path){p->slot, dir}, &want);
}
#endif
