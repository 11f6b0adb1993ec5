/* The meaning of a list of device rules, and its shortest form; private to the device backends.
 *
 * What a list means: each access that is asked for (read, write, mknod) is decided alone, by the last rule
 * that names the device and has that access; what no rule decides is denied; a request is granted when all
 * its accesses are. That is what the device controller of v1 does with rules for the same device: an allow
 * adds its accesses to the device's entry, a deny takes its accesses out of it
 * (Documentation/admin-guide/cgroup-v1/devices.rst; security/device_cgroup.c, dev_exception_add and
 * dev_exception_rm), and config-linux.md has rules "applied in the listed order". Taking a rule only when it
 * covers all of a request would let `deny w` be passed by opening for reading and writing at once.
 */
#ifndef HUSK_DEVICE_RULES_H
#define HUSK_DEVICE_RULES_H

#include "husk.h"

enum { HUSK__BLOCK = 1, HUSK__CHAR = 2, HUSK__ANY_TYPE = 3, HUSK__ANY_ACCESS = 7 };

struct husk__rule {
    bool allow;
    uint32_t types, access;
    int64_t major, minor; /* -1: any */
    uint32_t index;       /* in the list that was given */
};

/* `base` is what holds for everything; the rules are what differs from it, in order. */
struct husk__rules {
    bool base;
    struct husk__rule *v;
    uint32_t n;
};

int husk__device_rules(struct husk_planner *p, const struct husk_device_rule *given, uint32_t n,
                       struct husk__rules *out);
/* Is every device of b one of a? */
bool husk__rule_covers(const struct husk__rule *a, const struct husk__rule *b);
/* The JSON pointer of a given rule, or "default" for those that the planner appended. */
const char *husk__rule_at(struct husk_planner *p, uint32_t index);
/* Without privilege over the host's devices a failure means that their own permissions guard them. */
void husk__rule_may_fail(const struct husk_planner *p, struct husk_op *op);

#endif
