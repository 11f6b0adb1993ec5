/* What the cgroup backends share: see cgroup_common.h. Actions use no memory but the stack. */
#include "cgroup_common.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOST 1000        /* so often a cgroup may vanish while its sub-cgroups are being read */
#define REMOVE_MSEC 5000 /* killed processes leave their cgroup a little later */

const char *husk__cgroup_why(const struct husk_planner *p)
{
    const char *path = p->spec->linux_.cgroups_path;

    return path != NULL && path[0] != '\0' ? "/linux/cgroupsPath" : "default";
}

/* "a/b" of "/a//./b"; NULL when it leads upwards or nowhere. */
static const char *clean(struct husk_planner *p, const char *path)
{
    struct husk_text t = {.arena = p->arena};

    for (size_t len; *path != '\0'; path += len) {
        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (len == 2 && path[0] == '.' && path[1] == '.')
            return NULL;
        if (len == 0 || (len == 1 && path[0] == '.'))
            continue;
        husk_text_str(&t, t.len ? "/" : "");
        husk_text_add(&t, path, len);
    }
    return t.data;
}

int husk__cgroup_make(struct husk_planner *p, uint32_t place, const char **below)
{
    const struct husk_cgroup_place *c = &p->cgroups[place];
    const char *why = husk__cgroup_why(p), *mount = p->host->hierarchies[c->hierarchy].mountpoint;
    enum husk_slot slot = (enum husk_slot)(HUSK_SLOT_CG + place);
    size_t len = strlen(mount);
    struct husk_op *op;

    *below = strncmp(c->dir, mount, len) == 0 && (c->dir[len] == '/' || c->dir[len] == '\0')
                 ? clean(p, c->dir + len)
                 : NULL;
    if (p->arena->failed)
        return HUSK_ENOMEM;
    if (*below == NULL)
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_BAD_VALUE, 0, why,
                         "the container needs a cgroup of its own below %s, without \"..\" in its path",
                         mount);
    husk_add_open(p, HUSK_PARENT, slot, HUSK_SLOT_HOST, mount, O_PATH | O_DIRECTORY, HUSK_EXPECT_CGROUPFS,
                  why);
    op = husk_add(p, HUSK_OP_MKDIR, HUSK_PARENT, why);
    op->u.mkdir = (struct husk_op_mkdir){{slot, *below}, 0755, HUSK_ID_KEEP, HUSK_ID_KEEP, false};
    op->undo = true;
    return HUSK_OK;
}

/* ---- actions ---- */

struct husk__wait husk__wait_start(uint32_t msec)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct husk__wait){now.tv_sec * INT64_C(1000000000) + now.tv_nsec + msec * INT64_C(1000000),
                               50000};
}

bool husk__wait_more(struct husk__wait *w)
{
    struct timespec now, nap = {0, (long)w->nap_nsec};

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * INT64_C(1000000000) + now.tv_nsec >= w->until_nsec)
        return false;
    nanosleep(&nap, NULL);
    if (w->nap_nsec < 20000000)
        w->nap_nsec *= 2;
    return true;
}

int husk__cgroup_write(int dir, const char *file, const char *text)
{
    int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) < 0)
        rc = -errno;
    close(fd);
    return rc;
}

int husk__cgroup_read(int dir, const char *file, char *text, size_t size)
{
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    ssize_t n;

    text[0] = '\0';
    if (fd < 0)
        return -errno;
    n = read(fd, text, size - 1);
    if (n < 0)
        rc = -errno;
    text[n < 0 ? 0 : n] = '\0';
    close(fd);
    return rc;
}

int husk__cgroup_key(int dir, const char *file, const char *key)
{
    char text[512];
    size_t len = strlen(key);
    int rc = husk__cgroup_read(dir, file, text, sizeof text);

    for (char *line = text, *end; rc == 0 && *line != '\0'; line = end ? end + 1 : line + strlen(line)) {
        end = strchr(line, '\n');
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return atoi(line + len);
    }
    return rc ? rc : -ENOENT;
}

struct entry {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
}; /* getdents64(2) */

static bool vanished(int sys)
{
    return sys == ENOENT || sys == ENODEV;
}

/* A cgroup whose sub-cgroups are being read: with getdents64 since opendir(3) allocates. */
struct reading {
    _Alignas(struct entry) char buffer[1024];
    long n, at;
    int fd;
};

/* The next sub-cgroup; NULL after the last, and with *rc set to a negative errno. */
static const struct entry *next(struct reading *r, int *rc)
{
    const struct entry *e;
    long n;

    for (;;) {
        if (r->at == r->n) {
            n = syscall(SYS_getdents64, r->fd, r->buffer, sizeof r->buffer);
            r->at = 0;
            r->n = n > 0 ? n : 0;
            if (n < 0 && !vanished(errno))
                *rc = -errno;
            if (n <= 0)
                return NULL;
        }
        e = (const struct entry *)(const void *)(r->buffer + r->at);
        r->at += e->reclen;
        if (e->type == 4 /* DT_DIR */ && strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
            return e;
    }
}

static int enter(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static void read_on(struct reading *r, int fd)
{
    r->fd = fd;
    r->n = r->at = 0;
}

/* A cgroup without others below it is done with at once; any other is what is read from now on. */
static int down(struct reading *r, const char *name, unsigned *depth, husk__cgroup_fn *fn, void *ctx)
{
    struct stat here, st;
    int fd = enter(r->fd, name), rc;

    if (fd < 0)
        return vanished(-fd) ? 0 : fd;
    if (fstat(r->fd, &here) < 0 || fstat(fd, &st) < 0) {
        rc = -errno;
    } else if (here.st_dev != st.st_dev) {
        rc = -EXDEV; /* something is mounted over it */
    } else if (st.st_nlink > 2) {
        close(r->fd);
        read_on(r, fd);
        ++*depth;
        return 0;
    } else {
        rc = fn(ctx, fd, r->fd, name);
    }
    close(fd);
    return rc;
}

/* Back in the cgroup above, just behind the one that was read, for which fn is called. When that is gone, its
 * place is, too: the cgroup is read again from the start. */
static int up(struct reading *r, unsigned *lost, husk__cgroup_fn *fn, void *ctx)
{
    const struct entry *e = NULL;
    struct stat st;
    int child = r->fd, rc = fstat(child, &st) == 0 ? 0 : -errno;

    read_on(r, enter(child, ".."));
    if (rc == 0 && r->fd < 0)
        rc = r->fd;
    while (rc == 0 && (e = next(r, &rc)) != NULL && e->ino != st.st_ino)
        ;
    if (e != NULL)
        rc = fn(ctx, child, r->fd, e->name);
    else if (rc == 0)
        rc = ++*lost > LOST || lseek(r->fd, 0, SEEK_SET) < 0 ? -EBUSY : 0;
    close(child);
    return rc;
}

/* As deep as it may be, since whoever may make cgroups may nest them: nothing is kept for a level but the way
 * back, "..", which on this file system nobody can change. */
int husk__cgroup_walk(int dir, husk__cgroup_fn *fn, void *ctx)
{
    struct reading r;
    const struct entry *sub;
    unsigned depth = 0, lost = 0;
    int rc = enter(dir, ".");

    if (rc < 0)
        return vanished(-rc) ? 0 : rc;
    read_on(&r, rc);
    for (rc = 0; rc == 0;) {
        sub = next(&r, &rc);
        if (sub != NULL) {
            rc = down(&r, sub->name, &depth, fn, ctx);
        } else if (rc == 0 && depth > 0) {
            depth--;
            rc = up(&r, &lost, fn, ctx);
        } else if (rc == 0) {
            rc = fn(ctx, r.fd, -1, NULL);
            break;
        }
    }
    if (r.fd >= 0)
        close(r.fd);
    return rc;
}

struct pids {
    husk_pid_fn *fn;
    void *ctx;
};

/* A process of another pid namespace that cannot be named from here shows as 0; signalling "0" would hit our
 * own group. */
static int pids_of(void *ctx, int dir, int parent, const char *name)
{
    const struct pids *p = ctx;
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    char text[4096];
    int32_t pid = 0;
    ssize_t n = 0;

    (void)parent, (void)name;
    if (fd < 0)
        return vanished(errno) ? 0 : -errno;
    while (rc == 0 && (n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n && rc == 0; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
                continue;
            }
            if (pid > 0)
                rc = p->fn(p->ctx, pid);
            pid = 0;
        }
    if (n < 0 && !vanished(errno) &&
        errno != EOPNOTSUPP) /* a threaded cgroup: its domain above lists the processes */
        rc = -errno;
    close(fd);
    return rc;
}

int husk__cgroup_each_pid(int dir, husk_pid_fn *fn, void *ctx)
{
    struct pids p = {fn, ctx};

    return husk__cgroup_walk(dir, pids_of, &p);
}

static int kill_one(void *ctx, int32_t pid)
{
    ++*(int *)ctx;
    return kill(pid, SIGKILL) == 0 || errno == ESRCH ? 0 : -errno;
}

int husk__cgroup_kill_members(int dir)
{
    int n = 0, rc = husk__cgroup_each_pid(dir, kill_one, &n);

    return rc ? rc : n;
}

static int remove_one(void *ctx, int dir, int parent, const char *name)
{
    (void)ctx, (void)dir;
    if (name == NULL || unlinkat(parent, name, AT_REMOVEDIR) == 0 || vanished(errno))
        return 0;
    return -errno;
}

/* The caller has killed the members; EBUSY lasts until the last of them has left. */
int husk__cgroup_remove(int dir, const char *path)
{
    struct husk__wait w = husk__wait_start(REMOVE_MSEC);
    int fd = dir < 0 ? open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : dir, rc;

    if (fd < 0)
        return vanished(errno) ? 0 : -errno;
    do {
        rc = rmdir(path) == 0 || vanished(errno) ? 0 : -errno; /* nearly always there is nothing below */
        if (rc == -EBUSY && (rc = husk__cgroup_walk(fd, remove_one, NULL)) == 0)
            rc = rmdir(path) == 0 || vanished(errno) ? 0 : -errno;
    } while (rc == -EBUSY && husk__wait_more(&w));
    if (fd != dir)
        close(fd);
    return rc;
}
