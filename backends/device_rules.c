/* The shortest form of a list of device rules: see device_rules.h. Every step keeps the list's meaning. */
#include "device_rules.h"
#include <errno.h>

#define MOST 4096 /* steps compare rules in pairs */

static bool meets(int64_t a, int64_t b)
{
    return a == -1 || b == -1 || a == b;
}

/* Is there an access to a device that both decide? */
static bool overlap(const struct husk__rule *a, const struct husk__rule *b)
{
    return (a->types & b->types) && (a->access & b->access) && meets(a->major, b->major) &&
           meets(a->minor, b->minor);
}

bool husk__rule_covers(const struct husk__rule *a, const struct husk__rule *b)
{
    return (a->types & b->types) == b->types && (a->major == -1 || a->major == b->major) &&
           (a->minor == -1 || a->minor == b->minor);
}

const char *husk__rule_at(struct husk_planner *p, uint32_t index)
{
    return index < p->spec->linux_.resources.devices.n
               ? husk_plan_str(p, "/linux/resources/devices/%u", (unsigned)index)
               : "default";
}

void husk__rule_may_fail(const struct husk_planner *p, struct husk_op *op)
{
    if (!p->req->ignore_cgroup_errors && !p->host->in_userns && p->host->euid == 0)
        return;
    op->on_fail = HUSK_IGNORE;
    op->errnos[0] = EPERM;
    op->errnos[1] = EACCES;
}

/* Adds a rule after the others unless it says nothing new, or its accesses can join those of an earlier one. */
static void add(struct husk__rules *l, const struct husk__rule *r)
{
    bool opposed = false; /* does an earlier rule say the opposite? */
    uint32_t covered = 0; /* accesses that earlier rules grant or refuse alike */

    for (uint32_t i = l->n; i-- > 0 && !opposed;) {
        struct husk__rule *e = &l->v[i];
        if (e->allow != r->allow) {
            opposed = overlap(e, r);
            continue;
        }
        if (husk__rule_covers(e, r))
            covered |= e->access;
        if ((r->access & ~covered) == 0)
            return;
        if (e->types == r->types && e->major == r->major && e->minor == r->minor) {
            e->access |= r->access;
            return;
        }
    }
    if (opposed || r->allow != l->base)
        l->v[l->n++] = *r;
}

/* The same rule for block and for character devices becomes one, where nothing between them minds. */
static void join_types(struct husk__rules *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        struct husk__rule *r = &l->v[i];
        for (uint32_t k = i + 1; k < l->n; k++) {
            const struct husk__rule *o = &l->v[k];
            if (o->allow != r->allow)
                break;
            if ((o->types & r->types) || o->access != r->access || o->major != r->major ||
                o->minor != r->minor)
                continue;
            r->types |= o->types;
            for (l->n--; k < l->n; k++)
                l->v[k] = l->v[k + 1];
        }
    }
}

int husk__device_rules(struct husk_planner *p, const struct husk_device_rule *given, uint32_t n,
                       struct husk__rules *out)
{
    struct husk__rule *all = husk_arena_alloc(p->arena, (n + 1) * 2 * sizeof *all);
    uint32_t m = 0;

    *out = (struct husk__rules){.v = husk_arena_alloc(p->arena, (n + 1) * 2 * sizeof *all)};
    if (n > MOST)
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_BAD_VALUE, 0, "/linux/resources/devices",
                         "more than %u device rules", MOST);
    if (all == NULL || out->v == NULL)
        return HUSK_ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct husk_device_rule *g = &given[i];
        uint32_t types = g->type == 'b' ? HUSK__BLOCK : g->type == 'c' ? HUSK__CHAR : HUSK__ANY_TYPE;
        if (types == HUSK__ANY_TYPE && g->major == -1 && g->minor == -1 && g->access == HUSK__ANY_ACCESS) {
            out->base = g->allow; /* begins anew */
            m = 0;
            continue;
        }
        if (g->major > INT32_MAX || g->minor > INT32_MAX)
            continue; /* no device has it, and v1 takes 4294967295 for "any" */
        for (uint32_t type = HUSK__BLOCK; type <= HUSK__CHAR; type++)
            if (types & type)
                all[m++] =
                    (struct husk__rule){g->allow, type, g->access & HUSK__ANY_ACCESS, g->major, g->minor, i};
    }
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t k = i + 1; k < m; k++)
            if (husk__rule_covers(&all[k], &all[i]))
                all[i].access &= ~all[k].access; /* a later rule decides these */
        if (all[i].access != 0)
            add(out, &all[i]);
    }
    join_types(out);
    return HUSK_OK;
}
