/* husk/state.h - what husk keeps of a container between two commands: the directory ROOT/ID.
 *
 *     state.json   struct husk_state; replaced by rename, never half written
 *     config.json  the document that was used: later edits of the bundle's have no effect
 *     plan         the plan of a container that waits for start
 *     undo         one line for each thing that outlives the container, written before it is made
 *     gate         socket; there while the container waits for start
 *
 * Making the directory is what claims the id; flock(2) on the directory makes commands on one id wait for
 * each other, and ends with the process that holds it. A status is not believed but derived: from /proc, the
 * start time, and the gate. No symlink is followed below the root. What the files say is done with all our
 * rights, so both directories must be the caller's own or root's, and nobody else's to write. Errors:
 * HUSK_ESTATE, HUSK_EARG for an id, HUSK_ESYS with errno.
 */
#ifndef HUSK_STATE_H
#define HUSK_STATE_H

#include "husk/plan.h"

#define HUSK_ID_MAX 1024 /* longer than any file name: the file system is what limits an id */

enum husk_status { HUSK_CREATING, HUSK_CREATED, HUSK_RUNNING, HUSK_PAUSED, HUSK_STOPPED };

struct husk_state {
    const char *id, *bundle, *rootfs;
    const char *created;     /* RFC 3339, UTC */
    enum husk_status status; /* as recorded: CREATING, CREATED or RUNNING */
    int32_t pid;             /* 0: not yet */
    uint64_t start_ticks;    /* field 22 of /proc/PID/stat: tells a reused pid */
    struct husk_pairs annotations;
    const struct husk_cgroup_place *cgroups;
    uint32_t n_cgroups;
    bool pid_namespace;  /* the end of init ends all its processes */
    bool poststop;       /* the configuration has such hooks */
    bool no_new_keyring; /* what create was told; exec does the same */
};

struct husk_state_dir {
    int root, fd;
    uint32_t owner; /* uid */
    bool locked;
    char id[HUSK_ID_MAX];
};

HUSK_BEGIN_DECLS

/* Letters, digits and "_+.-"; a dot does not come first. */
HUSK_API HUSK_MUST_USE int husk_id_check(const char *id, struct husk_err *err);
/* Claims the id, and holds its lock. Makes the root (0700) with its parents when missing. HUSK_DIAG_EXISTS. */
HUSK_API HUSK_MUST_USE int husk_state_create(struct husk_state_dir *d, const char *root, const char *id,
                                             struct husk_err *err);
/* HUSK_DIAG_ABSENT when there is none. */
HUSK_API HUSK_MUST_USE int husk_state_open(struct husk_state_dir *d, const char *root, const char *id,
                                           struct husk_err *err);
/* Waits for at most 10 seconds. HUSK_DIAG_ABSENT when the directory was removed meanwhile. */
HUSK_API HUSK_MUST_USE int husk_state_lock(struct husk_state_dir *d, bool shared, struct husk_err *err);
HUSK_API void husk_state_unlock(struct husk_state_dir *d);
/* Whether another command holds the lock now. */
HUSK_API bool husk_state_busy(const struct husk_state_dir *d);
HUSK_API void husk_state_close(struct husk_state_dir *d);
/* Removes the directory and the files named above; anything else in it is left, and an error. */
HUSK_API HUSK_MUST_USE int husk_state_remove(struct husk_state_dir *d, struct husk_err *err);

/* A file of the directory: replaced as a whole, read as a whole (NUL-terminated, in the arena; absent: ENOENT
 * in err->sys). */
HUSK_API HUSK_MUST_USE int husk_state_put(const struct husk_state_dir *d, const char *name, const char *data,
                                          size_t len, struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_state_get(const struct husk_state_dir *d, const char *name,
                                          struct husk_arena *arena, const char **data, size_t *len,
                                          struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_state_save(const struct husk_state_dir *d, const struct husk_state *s,
                                           struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_state_load(const struct husk_state_dir *d, struct husk_arena *arena,
                                           struct husk_state *s, struct husk_err *err);

/* What is true now, but for PAUSED, which only the cgroups know. */
HUSK_API enum husk_status husk_state_status(const struct husk_state_dir *d, const struct husk_state *s);
HUSK_API const char *husk_status_name(enum husk_status status);
/* The state of the specification as JSON, without newline. owner NULL: not wanted; indent NULL: one line. */
HUSK_API void husk_state_print(const struct husk_state *s, enum husk_status status, const char *owner,
                               const char *indent, struct husk_text *out);
/* Calls fn for each id below the root, in the order of names. A missing root has none. Ends with the first
 * result other than 0, and returns it. */
HUSK_API HUSK_MUST_USE int husk_state_each(const char *root, struct husk_arena *arena,
                                           int (*fn)(void *ctx, const char *id, struct husk_err *err),
                                           void *ctx, struct husk_err *err);

/* Start time of a living process, from the file "stat" below a descriptor of /proc/PID; false with ESRCH when
 * it is gone or a zombie, with another errno when that cannot be told. */
HUSK_API bool husk_process_start(int proc_pid_fd, uint64_t *ticks);
/* Opens /proc/PID of that very process; -1 with ESRCH when it has ended, with another errno when that cannot
 * be told. Stays about that process when the pid is used again. */
HUSK_API int husk_process_open(int32_t pid, uint64_t start_ticks);
/* Now in UTC as RFC 3339, with nanoseconds when wanted. */
HUSK_API void husk_time_now(char out[40], bool nanoseconds);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_STATE_IMPLEMENTED)
#define HUSK_STATE_IMPLEMENTED
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* All that the directory can hold; ".new" is what a put that was killed leaves. */
static const char *const husk__state_files[] = {"config.json", "plan", "undo", "gate", ".new", "state.json"};

HUSK_API int husk_id_check(const char *id, struct husk_err *err)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-");

    if (id[n] != '\0' || id[0] == '.')
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_ID, 0, NULL,
                         "invalid character in container ID \"%.64s\": only letters, digits and _+.-, no dot first",
                         id);
    if (n == 0 || n >= HUSK_ID_MAX)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_ID, 0, NULL, "invalid container ID: it is %s",
                         n == 0 ? "empty" : "too long");
    return 0;
}

static int husk__state_error(struct husk_err *err, const char *doing, const char *name)
{
    int sys = errno;

    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_STATE_FILE, sys, NULL, "state directory: %s %s: %s", doing,
                     name, strerror(sys));
}

static int husk__state_absent(struct husk_err *err)
{
    return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_ABSENT, 0, NULL, "container does not exist");
}

/* mkdir -p; only the last directory is private. The caller's umask does not count. */
static int husk__root_make(const char *root, struct husk_err *err)
{
    char path[4096];
    size_t len = strlen(root);

    if (len >= sizeof path)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, ENAMETOOLONG, NULL,
                         "the state root's name is too long");
    memcpy(path, root, len + 1);
    for (char *p = path + 1;; p++) {
        char end = *p;

        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        if (mkdir(path, end ? 0755 : 0700) == 0) {
            if (end == '\0' && chmod(path, 0700) != 0)
                return husk__state_error(err, "chmod", root);
        } else if (errno != EEXIST) {
            return husk__state_error(err, "make", root);
        }
        if (end == '\0')
            return 0;
        *p = end;
    }
}

static int husk__root_open(const char *root)
{
    return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Nobody else may have prepared, or be able to exchange, what is in it. */
static int husk__state_trust(int fd, const char *name, uint32_t *owner, struct husk_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return husk__state_error(err, "look at", name);
    *owner = st.st_uid;
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_STATE_FILE, EPERM, NULL,
                         "state directory: %s is not ours alone: owner %u, mode %o", name, st.st_uid,
                         st.st_mode & 07777u);
    return 0;
}

static int husk__state_enter(struct husk_state_dir *d, struct husk_err *err)
{
    int rc = husk__state_trust(d->root, "the root", &d->owner, err);

    if (rc != 0)
        return rc;
    d->fd = openat(d->root, d->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (d->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG))
        return husk__state_absent(err);
    return d->fd < 0 ? husk__state_error(err, "open", d->id)
                     : husk__state_trust(d->fd, d->id, &d->owner, err);
}

HUSK_API int husk_state_create(struct husk_state_dir *d, const char *root, const char *id,
                               struct husk_err *err)
{
    bool made;
    int rc;

    memset(d, 0, sizeof *d);
    d->root = d->fd = -1;
    if ((rc = husk_id_check(id, err)) != 0)
        return rc;
    snprintf(d->id, sizeof d->id, "%s", id);
    d->root = husk__root_open(root);
    if (d->root < 0) {
        if ((rc = husk__root_make(root, err)) != 0)
            return rc;
        d->root = husk__root_open(root);
    }
    if (d->root < 0)
        return husk__state_error(err, "open", root);
    made = mkdirat(d->root, id, 0700) == 0;
    if (!made) {
        rc = errno != EEXIST ? husk__state_error(err, "make", id)
                             : husk_fail(err, HUSK_ESTATE, HUSK_DIAG_EXISTS, 0, NULL,
                                         "container with given ID already exists");
    } else if ((rc = husk__state_enter(d, err)) == 0 && fchmod(d->fd, 0711) != 0) {
        rc = husk__state_error(err, "chmod", id);
    } else if (rc == 0) {
        rc = husk_state_lock(d, false, err);
    }
    if (rc != 0) {
        if (made)
            unlinkat(d->root, id, AT_REMOVEDIR);
        husk_state_close(d);
    }
    return rc;
}

HUSK_API int husk_state_open(struct husk_state_dir *d, const char *root, const char *id, struct husk_err *err)
{
    int rc;

    memset(d, 0, sizeof *d);
    d->root = d->fd = -1;
    if ((rc = husk_id_check(id, err)) != 0)
        return rc;
    snprintf(d->id, sizeof d->id, "%s", id);
    d->root = husk__root_open(root);
    if (d->root < 0)
        return errno == ENOENT ? husk__state_absent(err) : husk__state_error(err, "open", root);
    rc = husk__state_enter(d, err);
    if (rc != 0)
        husk_state_close(d);
    return rc;
}

/* flock has no timeout of its own; only a contended lock ever waits here. */
HUSK_API int husk_state_lock(struct husk_state_dir *d, bool shared, struct husk_err *err)
{
    struct stat st;

    for (int tries = 0; flock(d->fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return husk__state_error(err, "lock", d->id);
        if (tries == 1000)
            return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, EAGAIN, NULL,
                             "another command is still busy with container %.64s", d->id);
        poll(NULL, 0, 10);
    }
    d->locked = true;
    if (fstat(d->fd, &st) == 0 && st.st_nlink == 0) {
        husk_state_unlock(d);
        return husk__state_absent(err);
    }
    return 0;
}

/* By name, not by closing: a child that waits at the gate has inherited the description. */
HUSK_API void husk_state_unlock(struct husk_state_dir *d)
{
    if (d->locked)
        flock(d->fd, LOCK_UN);
    d->locked = false;
}

HUSK_API bool husk_state_busy(const struct husk_state_dir *d)
{
    int fd;
    bool busy;

    if (d->locked)
        return false;
    fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a description of its own */
    busy = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return busy;
}

HUSK_API void husk_state_close(struct husk_state_dir *d)
{
    husk_state_unlock(d);
    if (d->fd >= 0)
        close(d->fd);
    if (d->root >= 0)
        close(d->root);
    d->root = d->fd = -1;
}

HUSK_API int husk_state_remove(struct husk_state_dir *d, struct husk_err *err)
{
    for (size_t i = 0; i < HUSK_COUNT(husk__state_files); i++) {
        if (unlinkat(d->fd, husk__state_files[i], 0) != 0 && errno != ENOENT)
            return husk__state_error(err, "remove", husk__state_files[i]);
    }
    if (unlinkat(d->root, d->id, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return husk__state_error(err, "remove", d->id);
    return 0;
}

static int husk__state_write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

HUSK_API int husk_state_put(const struct husk_state_dir *d, const char *name, const char *data, size_t len,
                            struct husk_err *err)
{
    int rc = 0, fd;

    if (unlinkat(d->fd, ".new", 0) != 0 && errno != ENOENT)
        return husk__state_error(err, "replace", name);
    fd = openat(d->fd, ".new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return husk__state_error(err, "make", name);
    if (fchmod(fd, 0600) != 0 || husk__state_write_all(fd, data, len) != 0)
        rc = husk__state_error(err, "write", name);
    if (close(fd) != 0 && rc == 0)
        rc = husk__state_error(err, "write", name);
    if (rc == 0 && renameat(d->fd, ".new", d->fd, name) != 0)
        rc = husk__state_error(err, "rename", name);
    return rc;
}

HUSK_API int husk_state_get(const struct husk_state_dir *d, const char *name, struct husk_arena *arena,
                            const char **data, size_t *len, struct husk_err *err)
{
    int rc = 0, fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    char *p = NULL;
    size_t have = 0, room;

    if (fd < 0 || fstat(fd, &st) != 0) {
        rc = husk__state_error(err, "open", name);
    } else if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        rc = husk__state_error(err, "read", name);
    } else {
        room = (size_t)st.st_size;
        p = husk_arena_alloc(arena, room + 1);
        while (p != NULL && have < room) {
            ssize_t n = read(fd, p + have, room - have);

            if (n <= 0)
                break;
            have += (size_t)n;
        }
        if (p == NULL)
            rc = husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
        *data = p;
        *len = have;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

static const char *const husk__status_names[] = {"creating", "created", "running", "paused", "stopped"};

HUSK_API const char *husk_status_name(enum husk_status status)
{
    return (size_t)status < HUSK_COUNT(husk__status_names) ? husk__status_names[status] : "unknown";
}

/* Of a recorded one; what is not known is not finished. */
static enum husk_status husk__status_of(const char *name)
{
    enum husk_status status = HUSK_CREATING;

    for (size_t i = 0; i < HUSK_COUNT(husk__status_names); i++) {
        if (strcmp(husk__status_names[i], name) == 0)
            status = (enum husk_status)i;
    }
    return status;
}

static void husk__put_pairs(struct husk_json_out *o, const char *key, const struct husk_pairs *pairs)
{
    if (pairs->n == 0)
        return;
    husk_json_begin(o, key, '{');
    for (uint32_t i = 0; i < pairs->n; i++)
        husk_json_put_str(o, pairs->v[i].name, pairs->v[i].value);
    husk_json_end(o, '}');
}

/* The members that the specification and its callers know. */
static void husk__put_state(struct husk_json_out *o, const struct husk_state *s, enum husk_status status)
{
    husk_json_put_str(o, "ociVersion", HUSK_OCI_VERSION);
    husk_json_put_str(o, "id", s->id);
    husk_json_put_i64(o, "pid", status == HUSK_STOPPED ? 0 : s->pid);
    husk_json_put_str(o, "status", husk_status_name(status));
    husk_json_put_str(o, "bundle", s->bundle);
    husk_json_put_str(o, "rootfs", s->rootfs);
    husk_json_put_str(o, "created", s->created);
    husk__put_pairs(o, "annotations", &s->annotations);
}

HUSK_API void husk_state_print(const struct husk_state *s, enum husk_status status, const char *owner,
                               const char *indent, struct husk_text *out)
{
    struct husk_json_out o = {.text = out, .indent = indent};

    husk_json_begin(&o, NULL, '{');
    husk__put_state(&o, s, status);
    if (owner != NULL)
        husk_json_put_str(&o, "owner", owner);
    husk_json_end(&o, '}');
}

HUSK_API int husk_state_save(const struct husk_state_dir *d, const struct husk_state *s, struct husk_err *err)
{
    struct husk_arena arena = {0};
    struct husk_text text = {.arena = &arena};
    struct husk_json_out o = {.text = &text, .indent = NULL};
    int rc;

    husk_json_begin(&o, NULL, '{');
    husk__put_state(&o, s, s->status);
    husk_json_put_u64(&o, "startTicks", s->start_ticks);
    husk_json_put_bool(&o, "pidNamespace", s->pid_namespace);
    husk_json_put_bool(&o, "poststop", s->poststop);
    husk_json_put_bool(&o, "noNewKeyring", s->no_new_keyring);
    husk_json_begin(&o, "cgroups", '[');
    for (uint32_t i = 0; i < s->n_cgroups; i++) {
        husk_json_begin(&o, NULL, '{');
        husk_json_put_str(&o, "backend", s->cgroups[i].backend);
        husk_json_put_u64(&o, "version", s->cgroups[i].version);
        husk_json_put_str(&o, "controllers", s->cgroups[i].controllers);
        husk_json_put_str(&o, "path", s->cgroups[i].path);
        husk_json_put_str(&o, "dir", s->cgroups[i].dir);
        husk_json_end(&o, '}');
    }
    husk_json_end(&o, ']');
    husk_json_end(&o, '}');
    husk_text_str(&text, "\n");
    rc = arena.failed ? husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory")
                      : husk_state_put(d, "state.json", text.data, text.len, err);
    husk_arena_fini(&arena);
    return rc;
}

static const char *husk__member_str(const struct husk_json *object, const char *name)
{
    const struct husk_json *v = husk_json_get(object, name);

    return v != NULL && v->type == HUSK_JSON_STRING ? v->text : NULL;
}

static bool husk__member_u64(const struct husk_json *object, const char *name, uint64_t *out)
{
    const struct husk_json *v = husk_json_get(object, name);

    return v != NULL && v->type == HUSK_JSON_NUMBER && husk_json_u64(v, out);
}

static bool husk__member_bool(const struct husk_json *object, const char *name)
{
    const struct husk_json *v = husk_json_get(object, name);

    return v != NULL && v->type == HUSK_JSON_BOOL && v->boolean;
}

static bool husk__load_cgroups(const struct husk_json *list, struct husk_arena *arena, struct husk_state *s)
{
    struct husk_cgroup_place *v;
    uint64_t version = 0;

    if (list == NULL || list->type != HUSK_JSON_ARRAY)
        return false;
    v = husk_arena_alloc(arena, (list->count + 1) * sizeof *v);
    for (const struct husk_json *j = list->child; v != NULL && j != NULL; j = j->next) {
        struct husk_cgroup_place *p = &v[s->n_cgroups++];

        if (j->type != HUSK_JSON_OBJECT || !husk__member_u64(j, "version", &version))
            return false;
        p->version = (uint32_t)version;
        p->backend = husk__member_str(j, "backend");
        p->controllers = husk__member_str(j, "controllers");
        p->path = husk__member_str(j, "path");
        p->dir = husk__member_str(j, "dir");
        if (version < 1 || version > 2 || p->backend == NULL || p->controllers == NULL || p->path == NULL ||
            p->dir == NULL || p->dir[0] != '/')
            return false;
    }
    s->cgroups = v;
    return true;
}

static bool husk__load_annotations(const struct husk_json *object, struct husk_arena *arena,
                                   struct husk_state *s)
{
    struct husk_pair *v;

    if (object == NULL)
        return true;
    if (object->type != HUSK_JSON_OBJECT)
        return false;
    v = husk_arena_alloc(arena, (object->count + 1) * sizeof *v);
    for (const struct husk_json *j = object->child; v != NULL && j != NULL; j = j->next) {
        if (j->type != HUSK_JSON_STRING)
            return false;
        v[s->annotations.n++] = (struct husk_pair){j->name, j->text};
    }
    s->annotations.v = v;
    return true;
}

static bool husk__load_state(const struct husk_json *j, struct husk_arena *arena, struct husk_state *s)
{
    const char *status;
    uint64_t pid;

    if (j->type != HUSK_JSON_OBJECT)
        return false;
    s->id = husk__member_str(j, "id");
    s->bundle = husk__member_str(j, "bundle");
    s->rootfs = husk__member_str(j, "rootfs");
    s->created = husk__member_str(j, "created");
    status = husk__member_str(j, "status");
    if (!s->id || !s->bundle || !s->rootfs || !s->created || !status || !husk__member_u64(j, "pid", &pid) ||
        pid > INT32_MAX || !husk__member_u64(j, "startTicks", &s->start_ticks))
        return false;
    s->pid = (int32_t)pid;
    s->status = husk__status_of(status);
    s->pid_namespace = husk__member_bool(j, "pidNamespace");
    s->poststop = husk__member_bool(j, "poststop");
    s->no_new_keyring = husk__member_bool(j, "noNewKeyring");
    return husk__load_annotations(husk_json_get(j, "annotations"), arena, s) &&
           husk__load_cgroups(husk_json_get(j, "cgroups"), arena, s);
}

HUSK_API int husk_state_load(const struct husk_state_dir *d, struct husk_arena *arena, struct husk_state *s,
                             struct husk_err *err)
{
    struct husk_err local;
    const struct husk_json *json;
    const char *text = NULL;
    size_t len = 0;
    int rc;

    memset(s, 0, sizeof *s);
    rc = husk_state_get(d, "state.json", arena, &text, &len, &local);
    if (rc != 0 && local.sys == ENOENT)
        return husk__state_absent(err);
    if (rc == 0)
        rc = husk_json_parse(&json, arena, text, len, &local);
    if (rc != 0 && local.diag == HUSK_DIAG_JSON_SYNTAX)
        return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_STATE_FILE, 0, NULL,
                         "state.json of %.64s is damaged: line %u: %s", d->id, local.line, local.msg);
    if (rc == 0 && (!husk__load_state(json, arena, s) || strcmp(s->id, d->id) != 0))
        return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_STATE_FILE, 0, NULL, "state.json of %.64s is damaged",
                         d->id);
    if (rc != 0 && err != NULL)
        *err = local;
    return rc;
}

HUSK_API bool husk_process_start(int proc_pid_fd, uint64_t *ticks)
{
    char buffer[1024], *p;
    ssize_t n;
    int fd;

    errno = ESRCH; /* stays for a zombie */
    fd = openat(proc_pid_fd, "stat", O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer - 1);
    if (fd >= 0)
        close(fd);
    if (errno == ENOENT)
        errno = ESRCH;
    if (n <= 0)
        return false;
    buffer[n] = '\0';
    p = strrchr(buffer, ')'); /* the name before it may hold anything */
    if (p == NULL || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
        return false;
    for (int field = 2; field < 22 && p != NULL; field++)
        p = strchr(p + 1, ' ');
    if (p == NULL)
        return false;
    *ticks = strtoull(p + 1, NULL, 10);
    return true;
}

HUSK_API int husk_process_open(int32_t pid, uint64_t start_ticks)
{
    char path[32];
    uint64_t ticks;
    int fd;

    errno = ESRCH;
    if (pid <= 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d", pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (!husk_process_start(fd, &ticks) || ticks != start_ticks)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0 && errno == ENOENT)
        errno = ESRCH;
    return fd;
}

HUSK_API enum husk_status husk_state_status(const struct husk_state_dir *d, const struct husk_state *s)
{
    struct stat st;
    int fd = husk_process_open(s->pid, s->start_ticks);

    if (fd < 0 && errno != ESRCH) /* nobody may delete what perhaps runs */
        return s->status;
    if (fd < 0) /* before its process exists, a container is being created only while somebody does it */
        return s->pid == 0 && husk_state_busy(d) ? HUSK_CREATING : HUSK_STOPPED;
    close(fd);
    if (s->status == HUSK_CREATING && husk_state_busy(d))
        return HUSK_CREATING;
    if (s->status == HUSK_CREATED && fstatat(d->fd, "gate", &st, AT_SYMLINK_NOFOLLOW) == 0)
        return HUSK_CREATED;
    return HUSK_RUNNING; /* also when its `run` was killed too early to say so */
}

static int husk__by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

HUSK_API int husk_state_each(const char *root, struct husk_arena *arena,
                             int (*fn)(void *ctx, const char *id, struct husk_err *err), void *ctx,
                             struct husk_err *err)
{
    const char **ids = NULL;
    size_t n = 0, cap = 0;
    struct dirent *e;
    DIR *dir = opendir(root);
    int rc = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : husk__state_error(err, "open", root);
    while ((e = readdir(dir)) != NULL) {
        if (husk_id_check(e->d_name, NULL) != 0)
            continue;
        if (n == cap) {
            ids = husk_arena_grow(arena, ids, cap * sizeof *ids, (cap + 64) * 2 * sizeof *ids);
            cap = (cap + 64) * 2;
        }
        if (ids == NULL)
            break;
        ids[n++] = husk_strdup(arena, e->d_name);
    }
    closedir(dir);
    if (arena->failed)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    if (n > 0)
        qsort(ids, n, sizeof *ids, husk__by_name);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = fn(ctx, ids[i], err);
    return rc;
}

/* gmtime(3) would read the time zone database. Days to date: Howard Hinnant's civil_from_days, for years from
 * 1970. */
HUSK_API void husk_time_now(char out[40], bool nanoseconds)
{
    struct timespec now;
    unsigned days, seconds, era_day, era_year, year, year_day, shifted, month;

    clock_gettime(CLOCK_REALTIME, &now);
    days = (unsigned)(now.tv_sec / 86400) + 719468;
    seconds = (unsigned)(now.tv_sec % 86400);
    era_day = days % 146097;
    era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
    year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    shifted = (5 * year_day + 2) / 153; /* months from March */
    month = shifted < 10 ? shifted + 3 : shifted - 9;
    year = era_year + days / 146097 * 400 + (month <= 2);
    snprintf(out, 40, "%04u-%02u-%02uT%02u:%02u:%02u", year % 10000, month,
             (year_day - (153 * shifted + 2) / 5 + 1) % 100, seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (nanoseconds)
        snprintf(out + strlen(out), 16, ".%09u", (unsigned)now.tv_nsec % 1000000000u);
    snprintf(out + strlen(out), 2, "Z");
}
#endif
