/* husk/impl/plan_sched.h - where, when and how the process runs: processors, scheduler, I/O priority, personality,
 * memory. Part of plan.h's implementation; see plan_make.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_SCHED_IMPLEMENTED)
#define HUSK_PLAN_SCHED_IMPLEMENTED

#define HUSK__SCHED_ISO 4u

/* The numbers of a list of the configuration, ascending; none for an absent one. */
static int husk__plan_numbers(struct husk_planner *p, const char *list, const char *at, struct husk_u32s *out)
{
    struct husk_bits bits;
    uint32_t *v, n = 0;

    *out = (struct husk_u32s){NULL, 0};
    if (list == NULL || list[0] == '\0')
        return HUSK_OK;
    if (!husk_list_bits(list, &bits))
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_BAD_VALUE, 0, at, "expected a list such as 0-3,7");
    for (uint32_t i = 0; i < HUSK_MASK_BITS; i++)
        n += (uint32_t)(bits.v[i / 64] >> i % 64 & 1);
    v = husk_arena_alloc(p->arena, n * sizeof *v);
    if (v == NULL)
        return HUSK_ENOMEM;
    *out = (struct husk_u32s){v, n};
    for (uint32_t i = 0; i < HUSK_MASK_BITS; i++)
        if (bits.v[i / 64] >> i % 64 & 1)
            *v++ = i;
    return HUSK_OK;
}

/* Only exec'd processes have these; the container's first keeps the processors of its caller and its cgroup. */
static bool husk__wants_affinity(const struct husk_planner *p, const char *list)
{
    return p->req->action == HUSK_EXEC && list != NULL && list[0] != '\0';
}

static int husk__plan_affinity(struct husk_planner *p, const char *list, const char *at)
{
    struct husk_u32s cpus;
    int r;

    if (!husk__wants_affinity(p, list))
        return HUSK_OK;
    if ((r = husk__plan_numbers(p, list, at, &cpus)) != 0)
        return r;
    husk_add(p, HUSK_OP_AFFINITY, HUSK_CHILD, at)->u.affinity.cpus = cpus;
    return HUSK_OK;
}

static int husk__plan_scheduler(struct husk_planner *p)
{
    const struct husk_scheduler *s = &p->process->scheduler;
    struct husk_op *op;

    if (!s->set)
        return HUSK_OK;
    if (s->policy == HUSK__SCHED_ISO)
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, "/process/scheduler/policy",
                         "Linux has no SCHED_ISO: the name is only reserved");
    op = husk_add(p, HUSK_OP_SCHED, HUSK_CHILD, "/process/scheduler");
    op->u.sched = (struct husk_op_sched){s->policy,       s->nice,          (uint32_t)s->priority, s->flags,
                                         s->runtime_nsec, s->deadline_nsec, s->period_nsec};
    return HUSK_OK;
}

static int husk__plan_memory_policy(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;
    struct husk_op *op;
    struct husk_u32s nodes;
    int r;

    if (!l->memory_policy.set)
        return HUSK_OK;
    if (!p->host->features[HUSK_FEATURE_NUMA])
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, "/linux/memoryPolicy",
                         "this kernel has no set_mempolicy(2): it was built without NUMA");
    if ((r = husk__plan_numbers(p, l->memory_policy.nodes, "/linux/memoryPolicy/nodes", &nodes)) != 0)
        return r;
    op = husk_add(p, HUSK_OP_MEMPOLICY, HUSK_CHILD, "/linux/memoryPolicy");
    op->u.mempolicy = (struct husk_op_mempolicy){l->memory_policy.mode, l->memory_policy.flags, nodes};
    return HUSK_OK;
}

/* After setsid(2), so that the process group is its own; before capabilities go, and before a filter that may forbid
 * these calls. */
static int husk__plan_sched(struct husk_planner *p)
{
    const struct husk_process *c = p->process;
    struct husk_op *op;
    int r = husk__plan_scheduler(p);

    if (r != 0)
        return r;
    if (c->io_priority.set) {
        op = husk_add(p, HUSK_OP_IOPRIO, HUSK_CHILD, "/process/ioPriority");
        op->u.ioprio = (struct husk_op_ioprio){c->io_priority.class_, c->io_priority.priority.v};
    }
    if (p->spec->linux_.personality.set)
        husk_add(p, HUSK_OP_PERSONALITY, HUSK_CHILD, "/linux/personality")->u.personality.domain =
            p->spec->linux_.personality.v;
    return husk__plan_memory_policy(p);
}
#endif
