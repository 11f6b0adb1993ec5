/* husk/backend/storage.h - how the root filesystem comes to be. All methods are mandatory. */
#ifndef HUSK_BACKEND_STORAGE_H
#define HUSK_BACKEND_STORAGE_H

#include "husk/plan.h"

#define HUSK_STORAGE_ABI 1u

struct husk_storage_backend {
    uint32_t size, abi;
    const char *name; /* "storage-bind" */
    int (*probe)(const struct husk_host *host, const struct husk_spec *spec, const char **reason);
    /* Child operations in its mount namespace, whose propagation to the host is already cut: mount the root and define
     * @rootfs. `path` is the absolute path of the root directory. */
    int (*plan_root)(struct husk_planner *p, const char *path);
};

#endif
