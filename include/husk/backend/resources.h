/* husk/backend/resources.h - linux.resources as files of cgroups: one table for both versions.
 *
 * The table gives for each value its JSON pointer, controller and file on v1 and v2; the order of its rows is
 * the order of writing. The cgroup backends, husk_resources_check() and the tests read it; a backend for
 * another manager of cgroups can use the conversions. All of it is pure. Device rules are not here:
 * backend/device.h.
 */
#ifndef HUSK_BACKEND_RESOURCES_H
#define HUSK_BACKEND_RESOURCES_H

#include "husk/plan.h"

struct husk_resource_visit; /* private: one walk over the table */

/* Index 0 is cgroup v1, 1 is cgroup v2. */
struct husk_resource_row {
    const char *at;            /* "/linux/resources/memory/limit"; of a list: the list */
    const char *controller[2]; /* "blkio", "io"; NULL: no such controller there */
    const char *file[2];       /* NULL: nothing like it there. hugepageLimits: what follows "hugetlb.SIZE." */
    const char *other[2];      /* blockIO: the file where the kernel does not have the BFQ scheduler */
    const char *lift[2];       /* written first, to take away what an older value would forbid; its failure means nothing */
    const char *key; /* "rbps" in io.max */
    size_t offset;   /* of the value in struct husk_resources */
    void (*put)(struct husk_resource_visit *v);
};

HUSK_BEGIN_DECLS

extern const struct husk_resource_row husk_resource_rows[];
extern const uint32_t husk_resource_rows_n;

/* Parent operations that write every value which a controller of this place's hierarchy holds, into the
 * place's directory, slot cg.N. This is plan_limits of both versions. */
HUSK_API HUSK_MUST_USE int husk_resources_plan(struct husk_planner *p, uint32_t place);
/* Controllers of the place's hierarchy that the values need: bit i is controllers[i]. */
HUSK_API uint64_t husk_resources_needs(struct husk_planner *p, uint32_t place);

/* cpu.shares (2..262144) as cpu.weight (1..10000), so that 1024 becomes 100:
 * ceil(10^((L^2 + 125 L) / 612 - 7/34)), L = log2(shares); runc 1.3.2 and crun 1.23 do the same. 0 for 0,
 * which is "not set". */
HUSK_API uint32_t husk_cpu_weight(uint64_t shares);
/* blkio.weight (10..1000) as io.weight (1..10000), linear. */
HUSK_API uint32_t husk_io_weight(uint32_t weight);

HUSK_END_DECLS
#endif
