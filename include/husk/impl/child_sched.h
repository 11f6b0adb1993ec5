/* husk/impl/child_sched.h - where, when and how the process runs. Part of child.h's implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_SCHED_IMPLEMENTED)
#define HUSK_CHILD_SCHED_IMPLEMENTED

#include "husk/impl/child_path.h"

#define HUSK__IOPRIO_WHO_PGRP 2
#define HUSK__IOPRIO_CLASS_SHIFT 13

/* As the kernel has it since 5.3. An older one takes it too, as long as it knows all that is not 0. */
struct husk__sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static long husk__do_sched(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_sched *s = &op->u.sched;
    const struct husk__sched_attr attr = {
        .size = sizeof attr,
        .policy = s->policy,
        .flags = s->flags,
        .nice = s->nice,
        .priority = s->priority,
        .runtime = s->runtime,
        .deadline = s->deadline,
        .period = s->period,
    };

    (void)c;
    return husk__sys(__NR_sched_setattr, 0L, &attr, 0L);
}

/* Of the process group, which is the process's own: its session is. */
static long husk__do_ioprio(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_ioprio *i = &op->u.ioprio;

    (void)c;
    return husk__sys(__NR_ioprio_set, HUSK__IOPRIO_WHO_PGRP, 0L,
                     (long)(i->class_ << HUSK__IOPRIO_CLASS_SHIFT | i->level));
}

/* Any number of bits will do for the kernel, as long as those that it has no use for are 0. */
struct husk__mask {
    unsigned long word[HUSK_MASK_BITS / (8 * sizeof(long))];
};

static long husk__mask(struct husk__mask *mask, const struct husk_u32s *bits)
{
    const unsigned width = 8 * sizeof mask->word[0];

    for (size_t i = 0; i < HUSK_COUNT(mask->word); i++)
        mask->word[i] = 0;
    for (uint32_t i = 0; i < bits->n; i++) {
        if (bits->v[i] >= HUSK_MASK_BITS)
            return -EINVAL;
        mask->word[bits->v[i] / width] |= 1ul << bits->v[i] % width;
    }
    return 0;
}

static long husk__do_mempolicy(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_mempolicy *m = &op->u.mempolicy;
    struct husk__mask nodes;
    long r = husk__mask(&nodes, &m->nodes);

    (void)c;
    if (r == 0) /* the kernel reads one bit less than it is told */
        r = husk__sys(__NR_set_mempolicy, (long)(m->mode | m->flags), nodes.word, HUSK_MASK_BITS + 1ul);
    return r;
}

static long husk__do_personality(struct husk_child *c, const struct husk_op *op)
{
    long r = husk__sys(__NR_personality, (unsigned long)op->u.personality.domain);

    (void)c;
    return r < 0 ? r : 0; /* else what it was before */
}

static long husk__do_affinity(struct husk_child *c, const struct husk_op *op)
{
    struct husk__mask cpus;
    long r = husk__mask(&cpus, &op->u.affinity.cpus);

    (void)c;
    return r < 0 ? r : husk__sys(__NR_sched_setaffinity, 0L, sizeof cpus.word, cpus.word);
}
#endif
