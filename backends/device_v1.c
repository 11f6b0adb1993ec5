/* Device rules in the device controller of cgroup v1: "all" or "none", and a list of exceptions from it. */
#include "device_rules.h"
#include <string.h>

static int probe(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason)
{
    (void)host;
    for (uint32_t i = 0; h->version == 1 && i < h->n_controllers; i++)
        if (strcmp(h->controllers[i], "devices") == 0)
            return 1;
    *reason = "not the devices hierarchy of cgroup v1";
    return 0;
}

static void plan_line(struct husk_planner *p, uint32_t place, bool allow, const char *line, const char *why)
{
    husk__rule_may_fail(p, husk_add_write(p, HUSK_PARENT, (enum husk_slot)(HUSK_SLOT_CG + place),
                                          allow ? "devices.allow" : "devices.deny", line, why));
}

static const char *number(struct husk_planner *p, int64_t n)
{
    return n < 0 ? "*" : husk_plan_str(p, "%lld", (long long)n);
}

/* "c 1:3 rwm". One exception must grant a whole request, so a narrow one gets the accesses of those that
 * cover it, too. */
static void plan_exception(struct husk_planner *p, uint32_t place, const struct husk__rules *l,
                           const struct husk__rule *r)
{
    for (uint32_t type = HUSK__BLOCK; type <= HUSK__CHAR; type++) {
        struct husk__rule one = *r;
        one.types &= type;
        for (uint32_t i = 0; i < l->n; i++)
            if (r->allow && husk__rule_covers(&l->v[i], &one))
                one.access |= l->v[i].access;
        if (one.types)
            plan_line(
                p, place, r->allow,
                husk_plan_str(p, "%c %s:%s %s%s%s", type == HUSK__BLOCK ? 'b' : 'c', number(p, r->major),
                              number(p, r->minor), one.access & HUSK_DEV_READ ? "r" : "",
                              one.access & HUSK_DEV_WRITE ? "w" : "", one.access & HUSK_DEV_MKNOD ? "m" : ""),
                husk__rule_at(p, r->index));
    }
}

/* Rules "1:*" and "*:3" with different accesses share the device 1:3, which needs an exception with both. */
static void plan_crossings(struct husk_planner *p, uint32_t place, const struct husk__rules *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        for (uint32_t k = 0; k < l->n; k++) {
            const struct husk__rule *a = &l->v[i], *b = &l->v[k];
            struct husk__rule both = {true,    a->types & b->types, a->access | b->access, a->major, b->minor,
                                      b->index};
            if (a->allow && a->major != -1 && a->minor == -1 && b->major == -1 && b->minor != -1 &&
                both.access != a->access && both.access != b->access)
                plan_exception(p, place, l, &both);
        }
}

static int plan_rules(struct husk_planner *p, uint32_t place, const struct husk_device_rule *rules,
                      uint32_t n)
{
    struct husk__rules l;
    int rc = husk__device_rules(p, rules, n, &l);

    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < l.n; i++)
        if (l.v[i].allow == l.base)
            return husk_fail(
                p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, husk__rule_at(p, l.v[i].index),
                "cannot %s part of what an earlier rule %s: cgroup v1 has no exceptions from exceptions",
                l.base ? "allow" : "deny", l.base ? "denies" : "allows");
    plan_line(p, place, l.base, "a", "/linux/resources/devices");
    for (uint32_t i = 0; i < l.n; i++)
        plan_exception(p, place, &l, &l.v[i]);
    plan_crossings(p, place, &l);
    return HUSK_OK;
}

const struct husk_device_backend husk_device_v1 = {
    .size = sizeof husk_device_v1,
    .abi = HUSK_DEVICE_ABI,
    .name = "device-v1",
    .probe = probe,
    .plan_rules = plan_rules,
};
