/* husk/backend/idmap.h - who writes the id maps of a new user namespace, and how. All methods are mandatory. */
#ifndef HUSK_BACKEND_IDMAP_H
#define HUSK_BACKEND_IDMAP_H

#include "husk/plan.h"

#define HUSK_IDMAP_ABI 1u

struct husk_idmap_backend {
    uint32_t size, abi;
    const char *name; /* "idmap-direct" */
    /* A score above 0 when it can write these maps on this host, or 0 and *reason. */
    int (*probe)(const struct husk_host *host, const struct husk_spec *spec, const char **reason);
    /* Parent operations between spawn and the sync point: @task is defined. Neither of the spec's maps is empty. */
    int (*plan_map)(struct husk_planner *p);
};

#endif
