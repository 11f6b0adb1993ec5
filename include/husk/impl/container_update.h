/* husk/impl/container_update.h - new limits for a container that runs. Part of container.h's implementation.
 *
 * The operations are those that create would have used for the same values, and nothing else. What a value
 * depends on and was not given, such as the period of a quota, is what the kernel says now, and not what create
 * was told: others may have changed it since.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CONTAINER_UPDATE_IMPLEMENTED)
#define HUSK_CONTAINER_UPDATE_IMPLEMENTED
#include <stdio.h>

#define HUSK__UPDATE_FILE 4096 /* no file that a limit is written to is longer, but for lists of very many disks */

/* What the kernel says now. 0: not known, since it has no such file; -1: no limit. */
struct husk__limits_now {
    int64_t memory, memory_used;
    int64_t quota; /* of cpu.max, which on v2 holds both; on v1 nothing depends on another */
    uint64_t period;
};

/* A file of the container's cgroup with that controller, by the cgroup's version. "" when there is none. */
static void husk__update_read(const struct husk_planner *p, const char *controller, const char *v1, const char *v2,
                              char text[128])
{
    int hierarchy = husk_host_controller(p->host, controller), dir;
    const char *file;

    text[0] = '\0';
    for (uint32_t i = 0; i < p->n_cgroups && hierarchy >= 0 && text[0] == '\0'; i++) {
        file = p->cgroups[i].version == 1 ? v1 : v2;
        dir = p->cgroups[i].hierarchy == (uint32_t)hierarchy && file ? husk__cgroup_open(p->cgroups[i].dir) : -1;
        if (dir < 0)
            continue;
        husk__small_file(dir, file, text, 128);
        close(dir);
    }
}

/* "max", and on v1 the largest number of whole pages, are no limit. */
static int64_t husk__update_number(const char *text)
{
    long long v = text[0] == 'm' ? -1 : strtoll(text, NULL, 10);

    return v > INT64_MAX - (1 << 20) ? -1 : v;
}

static struct husk__limits_now husk__limits_now(const struct husk_planner *p)
{
    struct husk__limits_now now = {0};
    char text[128];

    husk__update_read(p, "memory", "memory.limit_in_bytes", "memory.max", text);
    now.memory = husk__update_number(text);
    husk__update_read(p, "memory", "memory.usage_in_bytes", "memory.current", text);
    now.memory_used = husk__update_number(text);
    husk__update_read(p, "cpu", NULL, "cpu.max", text);
    now.quota = husk__update_number(text);
    now.period = strtoull(text + strcspn(text, " "), NULL, 10);
    return now;
}

/* A limit for memory and swap together is stored as the difference on v2, and cpu.max holds two values. */
static void husk__update_complete(struct husk_resources *r, const struct husk__limits_now *now)
{
    bool quota = r->cpu.quota_usec.v != 0, period = r->cpu.period_usec.v != 0;

    if (r->memory.swap_bytes.v > 0 && r->memory.limit_bytes.v == 0 && now->memory > 0)
        r->memory.limit_bytes = (struct husk_opt_i64)HUSK_SOME(now->memory);
    if (quota && !period && now->period != 0)
        r->cpu.period_usec = (struct husk_opt_u64)HUSK_SOME(now->period);
    if (period && !quota && now->quota != 0)
        r->cpu.quota_usec = (struct husk_opt_i64)HUSK_SOME(now->quota);
}

/* memory.checkBeforeUpdate: without it the kernel kills for the new limit's sake. */
static int husk__update_check(const struct husk_planner *p, struct husk_memory *m, const struct husk__limits_now *now)
{
    bool refuse = m->check_before_update.v && m->limit_bytes.v > 0 && now->memory_used > m->limit_bytes.v;

    m->check_before_update.v = false; /* of create, where it means nothing */
    if (!refuse)
        return HUSK_OK;
    return husk_fail(p->err, HUSK_ESTATE, HUSK_DIAG_CONFLICT, 0, "/linux/resources/memory/limit",
                     "the container uses %lld bytes of memory, more than the new limit of %lld",
                     (long long)now->memory_used, (long long)m->limit_bytes.v);
}

/* Pure. The places are known. */
static int husk__update_plan(struct husk_planner *p, struct husk_resources *r, const struct husk__limits_now *now)
{
    int rc;

    husk__update_complete(r, now);
    rc = husk__update_check(p, &r->memory, now);
    if (rc == 0)
        rc = husk_resources_check(p);
    for (uint32_t i = 0; rc == 0 && i < p->n_cgroups; i++) {
        uint32_t before = p->n;

        husk_add_open(p, HUSK_PARENT, (enum husk_slot)(HUSK_SLOT_CG + i), HUSK_SLOT_HOST, p->cgroups[i].dir,
                      O_PATH | O_DIRECTORY, HUSK_EXPECT_CGROUPFS, "/linux/resources");
        rc = husk__place_backend(p, i)->plan_limits(p, i);
        if (p->n == before + 1) /* nothing for this hierarchy */
            p->n = before;
    }
    if (rc == 0 && p->spec->linux_.intel_rdt.set)
        husk_add_write(p, HUSK_PARENT, HUSK_SLOT_HOST, husk_plan_str(p, "%s/schemata", husk__rdt_dir(p)),
                       husk__rdt_schemata(p), "/linux/intelRdt");
    for (uint32_t i = 0; rc == 0 && i < p->n; i++)
        if (p->ops[i].who != HUSK_PARENT || (p->ops[i].kind != HUSK_OP_OPEN && p->ops[i].kind != HUSK_OP_WRITE))
            rc = husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_BACKEND, 0, p->ops[i].why,
                           "the container's cgroup backend cannot change limits");
    return rc;
}

/* Writes back what the file said. A line for a disk that had none, `8:0 rbps=1000`, is taken back by its default. */
static void husk__update_restore(struct husk_child *child, const struct husk_op *op, const char *old)
{
    const struct husk_op_write *w = &op->u.write;
    size_t key = strcspn(w->data, " ");
    struct husk_op back = *op;
    char line[256];

    for (size_t len; *old != '\0'; old += len + (old[len] == '\n')) {
        len = strcspn(old, "\n");
        if (strncmp(old, w->data, key + 1) == 0)
            key = 0;
        if (len >= sizeof line)
            continue;
        memcpy(line, old, len);
        line[len] = '\0';
        back.u.write.data = line;
        (void)husk__do_write(child, &back);
    }
    if (key == 0 || memchr(w->data, ':', key) == NULL)
        return;
    if (strchr(w->data, '=') != NULL)
        snprintf(line, sizeof line, "%.*s=max", (int)strcspn(w->data, "="), w->data);
    else
        snprintf(line, sizeof line, "%.*s %s", (int)key, w->data, strstr(w->path.rel, "weight") ? "default" : "0");
    back.u.write.data = line;
    (void)husk__do_write(child, &back);
}

/* All operations, or none: an error is that of the first that failed. */
static int husk__update_apply(struct husk_container *c, const struct husk_plan *plan, struct husk_err *err)
{
    struct husk_child child = {.ops = plan->ops, .n = plan->n, .channel = -1, .cwd = -1, .empty = -1};
    const char **old = husk_arena_alloc(c->arena, (plan->n + 1) * sizeof *old);
    char text[HUSK__UPDATE_FILE];
    long r = 0, n;
    int rc = 0;

    child.buffer = husk_arena_alloc(c->arena, HUSK_CHILD_BUFFER);
    if (c->arena->failed)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    for (uint32_t i = 0; i < HUSK_SLOT_COUNT; i++)
        child.slot[i] = -1;
    for (; child.at < plan->n && r == 0; child.at++) {
        const struct husk_op *op = &plan->ops[child.at];

        n = op->kind == HUSK_OP_WRITE ? husk__slurp(&child, &op->u.write.path, text, sizeof text) : -1;
        old[child.at] = n >= 0 ? husk_strndup(c->arena, text, (size_t)n) : NULL;
        r = husk__carry_out(&child, husk__parent_does);
        if (r < 0)
            break;
    }
    if (r < 0) {
        rc = husk__fail_op(plan, &(struct husk__failure){.op = child.at, .sys = (int)-r}, err);
        while (child.at-- > 0)
            if (old[child.at] != NULL)
                husk__update_restore(&child, &plan->ops[child.at], old[child.at]);
    }
    for (uint32_t i = 0; i < HUSK_SLOT_COUNT; i++)
        husk__close(child.slot[i]);
    return rc;
}

/* The group in resctrl is the one that create put the container into. */
static int husk__update_group(const struct husk_spec *made, struct husk_intel_rdt *rdt, struct husk_err *err)
{
    if (!rdt->set)
        return HUSK_OK;
    if (made == NULL || !made->linux_.intel_rdt.set)
        return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_NO_FEATURE, 0, "/linux/intelRdt",
                         "the container was created without intelRdt");
    rdt->clos_id = made->linux_.intel_rdt.clos_id;
    return HUSK_OK;
}

static int husk__container_update(struct husk_container *c, const struct husk_host *host,
                                  const struct husk_linux *wanted, struct husk_err *err)
{
    const struct husk_request req = {
        .action = HUSK_EXEC, .id = c->dir.id, .cgroups = c->state.cgroups, .n_cgroups = c->state.n_cgroups};
    struct husk_spec spec = {.linux_ = {.resources = wanted->resources, .intel_rdt = wanted->intel_rdt}};
    struct husk_planner p = {.arena = c->arena,
                             .spec = &spec,
                             .host = host,
                             .req = &req,
                             .err = err,
                             .backends = c->backends ? c->backends : &husk_backends_default};
    struct husk__limits_now now;
    struct husk_plan plan;
    struct husk_err none;
    const char *text;
    size_t len;
    int rc = husk__backends_check(&p);

    if (husk_container_config(c, &text, &len, &none) == 0)
        spec.oci_version = c->spec->oci_version; /* says what 0 means */
    if (rc == 0)
        rc = husk__update_group(c->spec, &spec.linux_.intel_rdt, err);
    if (rc == 0)
        rc = husk__plan_known_places(&p);
    if (rc != 0)
        return rc;
    now = husk__limits_now(&p);
    rc = husk__update_plan(&p, &spec.linux_.resources, &now);
    if (c->arena->failed)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    if (rc != 0)
        return rc;
    plan = (struct husk_plan){.ops = p.ops, .n = p.n, .id = c->dir.id, .notes = {p.notes, p.n_notes}};
    husk__warn_notes(c, &plan.notes);
    return husk__update_apply(c, &plan, err);
}

HUSK_API int husk_container_update(struct husk_container *c, const struct husk_host *host,
                                   const struct husk_linux *wanted, struct husk_err *err)
{
    enum husk_status status;
    int rc = husk__lock_and_reload(c, err);

    if (rc != 0)
        return rc;
    status = husk_container_status(c);
    rc = status == HUSK_STOPPED || status == HUSK_CREATING ? husk__wrong_state(err, "container not running")
                                                           : husk__container_update(c, host, wanted, err);
    husk_state_unlock(&c->dir);
    return rc;
}
#endif
