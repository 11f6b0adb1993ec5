/* husk/impl/container_cgroup.h - what a container's cgroups are asked for: freeze, kill, list. Part of
 * container.h's implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CONTAINER_CGROUP_IMPLEMENTED)
#define HUSK_CONTAINER_CGROUP_IMPLEMENTED

/* What create noted down so far; empty when it came to nothing yet. */
static int husk__container_undo_log(const struct husk_container *c, struct husk_text *log, struct husk_err *err)
{
    struct husk_err local;
    const char *text;
    size_t len;
    int rc = husk_state_get(&c->dir, "undo", c->arena, &text, &len, &local);

    if (rc == 0) {
        while (len > 0 && text[len - 1] != '\n') /* the line that a killed create could not finish */
            len--;
        husk_text_add(log, text, len);
    } else if (local.sys == ENOENT) {
        rc = 0;
    } else if (err != NULL) {
        *err = local;
    }
    return rc;
}

/* Until create is through, what is at a planned path may be another container's, whom create is about to find there. */
static bool husk__place_is_ours(const struct husk_container *c, uint32_t i)
{
    struct husk_text log = {.arena = c->arena};

    return c->state.status != HUSK_CREATING ||
           (husk__container_undo_log(c, &log, NULL) == 0 && husk__undo_has(&log, c->state.cgroups[i].dir));
}

/* Opens place i; NULL when it is gone, not made yet, or nobody serves it. */
static const struct husk_cgroup_backend *husk__place_open(const struct husk_container *c, uint32_t i,
                                                          int *dir)
{
    const struct husk_backends *all = c->backends ? c->backends : &husk_backends_default;
    const struct husk_cgroup_backend *b = husk_cgroup_backend_named(all, c->state.cgroups[i].backend);

    *dir = b == NULL || !husk__place_is_ours(c, i) ? -1 : husk__cgroup_open(c->state.cgroups[i].dir);
    return *dir < 0 ? NULL : b;
}

/* Freezes by one hierarchy, since a task that one has stopped never arrives at the other's freezer; thaws in
 * all. Returns how many did it, or the first negative errno. */
static int husk__places_freeze(const struct husk_container *c, bool frozen)
{
    int done = 0, failed = 0, dir;

    for (uint32_t i = 0; i < c->state.n_cgroups && !(frozen && (done || failed)); i++) {
        const struct husk_cgroup_backend *b = husk__place_open(c, i, &dir);
        int rc = b == NULL ? -ENOENT : HUSK_HAS(b, freeze) ? b->freeze(dir, frozen) : -ENOSYS;

        if (rc == 0)
            done++;
        else if (rc != -ENOSYS && rc != -ENOENT && failed == 0)
            failed = rc;
        if (dir >= 0)
            close(dir);
    }
    return failed ? failed : done;
}

static bool husk__places_frozen(const struct husk_container *c)
{
    bool frozen = false;
    int dir;

    for (uint32_t i = 0; !frozen && i < c->state.n_cgroups; i++) {
        const struct husk_cgroup_backend *b = husk__place_open(c, i, &dir);

        frozen = b != NULL && HUSK_HAS(b, is_frozen) && b->is_frozen(dir) == 1;
        if (dir >= 0)
            close(dir);
    }
    return frozen;
}

/* One hierarchy is enough: all hold the same processes. */
static void husk__places_kill(const struct husk_container *c)
{
    bool done = false;
    int dir;

    for (uint32_t i = 0; !done && i < c->state.n_cgroups; i++) {
        const struct husk_cgroup_backend *b = husk__place_open(c, i, &dir);

        done = b != NULL && HUSK_HAS(b, kill_all) && b->kill_all(dir) == 0;
        if (dir >= 0)
            close(dir);
    }
    husk__places_freeze(c, false); /* on v1 a frozen task cannot die */
}

static int husk__places_each(const struct husk_container *c, husk_pid_fn *fn, void *ctx)
{
    int rc = -ENOENT, dir;

    for (uint32_t i = 0; rc < 0 && i < c->state.n_cgroups; i++) {
        const struct husk_cgroup_backend *b = husk__place_open(c, i, &dir);

        if (b != NULL && HUSK_HAS(b, each_pid))
            rc = b->each_pid(dir, fn, ctx);
        if (dir >= 0)
            close(dir);
    }
    return rc;
}

static bool husk__places_oom_killed(const struct husk_container *c)
{
    bool killed = false;
    int dir;

    for (uint32_t i = 0; !killed && i < c->state.n_cgroups; i++) {
        const struct husk_cgroup_backend *b = husk__place_open(c, i, &dir);

        killed = b != NULL && HUSK_HAS(b, oom_kills) && b->oom_kills(dir) > 0;
        if (dir >= 0)
            close(dir);
    }
    return killed;
}

/* The text of a small file, "" when it cannot be read. */
static void husk__small_file(int dir, const char *path, char *text, size_t size)
{
    int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* A cgroup of v2 that hands controllers down takes no processes: where a container made that of its own, exec joins its
 * init, further down. Returns the container's places, changed so. */
static const struct husk_cgroup_place *husk__places_of_init(const struct husk_container *c)
{
    uint32_t n = c->state.n_cgroups;
    struct husk_cgroup_place *v = husk_arena_grow(c->arena, c->state.cgroups, n * sizeof *v, (n + 1) * sizeof *v);
    char text[8192], file[32], *path;
    int dir;

    snprintf(file, sizeof file, "/proc/%d/cgroup", c->state.pid);
    for (uint32_t i = 0; v != NULL && i < n; i++) {
        size_t len = strlen(v[i].path);
        if (v[i].version != 2 || husk__place_open(c, i, &dir) == NULL)
            continue;
        husk__small_file(dir, "cgroup.subtree_control", text, sizeof text);
        close(dir);
        if (text[strspn(text, "\n")] == '\0')
            continue;
        husk__small_file(AT_FDCWD, file, text, sizeof text);
        path = strncmp(text, "0::", 3) == 0 ? text + 3 : strstr(text, "\n0::") ? strstr(text, "\n0::") + 4 : text;
        if (strncmp(path, v[i].path, len) != 0 || path[len] != '/')
            continue;
        path[strcspn(path, "\n")] = '\0';
        v[i].dir = husk_strf(c->arena, "%s%s", v[i].dir, path + len);
        v[i].path = husk_strdup(c->arena, path);
    }
    return v;
}

/* On v1 somebody may have put init into a frozen cgroup of his own, where it cannot die: back into ours. */
static void husk__places_take_back(const struct husk_container *c)
{
    char pid[16];
    int dir, fd, len = snprintf(pid, sizeof pid, "%d", c->state.pid);

    for (uint32_t i = 0; i < c->state.n_cgroups; i++) {
        const struct husk_cgroup_backend *b = husk__place_open(c, i, &dir);

        fd = b != NULL && c->state.cgroups[i].version == 1 && HUSK_HAS(b, is_frozen) && b->is_frozen(dir) == 0
                 ? openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
                 : -1;
        if (fd >= 0) {
            (void)!write(fd, pid, (size_t)len);
            close(fd);
        }
        if (dir >= 0)
            close(dir);
    }
}

static int husk__container_freeze(struct husk_container *c, bool frozen, struct husk_err *err)
{
    const char *what = frozen ? "pause" : "resume";
    int rc = husk__places_freeze(c, frozen);

    if (rc > 0)
        return 0;
    if (frozen)
        husk__places_freeze(c, false);
    if (rc == 0)
        return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, NULL,
                         "cannot %s: the container has no cgroup that can freeze", what);
    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, -rc, NULL, "cannot %s the container's cgroup: %s",
                     what, strerror(-rc));
}

HUSK_API int husk_container_pause(struct husk_container *c, struct husk_err *err)
{
    enum husk_status status = husk_container_status(c);

    if (status != HUSK_RUNNING && status != HUSK_CREATED)
        return husk__wrong_state(err, status == HUSK_PAUSED ? "container not running: it is paused"
                                                            : "container not running");
    return husk__container_freeze(c, true, err);
}

HUSK_API int husk_container_resume(struct husk_container *c, struct husk_err *err)
{
    if (husk_container_status(c) != HUSK_PAUSED)
        return husk__wrong_state(err, "container not paused");
    return husk__container_freeze(c, false, err);
}

struct husk__pids {
    struct husk_arena *arena;
    int32_t *v;
    uint32_t n, cap;
};

static int husk__container_pid_add(void *ctx, int32_t pid)
{
    struct husk__pids *p = ctx;

    if (p->n == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 64;
        int32_t *v = husk_arena_grow(p->arena, p->v, p->n * sizeof *v, cap * sizeof *v);

        if (v == NULL)
            return -ENOMEM;
        p->v = v;
        p->cap = cap;
    }
    p->v[p->n++] = pid;
    return 0;
}

static int husk__by_pid(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

HUSK_API int husk_container_pids(struct husk_container *c, const int32_t **pids, uint32_t *n,
                                 struct husk_err *err)
{
    struct husk__pids list = {.arena = c->arena};
    int rc = husk__places_each(c, husk__container_pid_add, &list);

    if (rc < 0 && rc != -ENOENT)
        return husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, -rc, NULL, "read the container's processes: %s",
                         strerror(-rc));
    if (rc < 0 && c->state.n_cgroups == 0 && husk_container_status(c) != HUSK_STOPPED &&
        husk__container_pid_add(&list, c->state.pid) != 0)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    if (list.n > 1)
        qsort(list.v, list.n, sizeof *list.v, husk__by_pid);
    *pids = list.v;
    *n = list.n;
    return 0;
}
#endif
