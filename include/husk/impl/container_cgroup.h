/* husk/impl/container_cgroup.h - what a container's cgroups are asked for: freeze, kill, list. Part of
 * container.h's implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CONTAINER_CGROUP_IMPLEMENTED)
#define HUSK_CONTAINER_CGROUP_IMPLEMENTED

/* Opens place i; NULL when it is gone or nobody serves it. */
static const struct husk_cgroup_backend *husk__place_open(const struct husk_container *c, uint32_t i,
                                                          int *dir)
{
    const struct husk_backends *all = c->backends ? c->backends : &husk_backends_default;
    const struct husk_cgroup_backend *b = husk_cgroup_backend_named(all, c->state.cgroups[i].backend);

    *dir = b == NULL ? -1 : husk__cgroup_open(c->state.cgroups[i].dir);
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
