/* husk/backend/device.h - the device controller: rules of linux.resources.devices put in force. All methods are mandatory. */
#ifndef HUSK_BACKEND_DEVICE_H
#define HUSK_BACKEND_DEVICE_H

#include "husk/plan.h"

#define HUSK_DEVICE_ABI 1u

struct husk_device_backend {
    uint32_t size, abi;
    const char *name; /* "device-bpf" */
    /* A score above 0 when it can work on the hierarchy, or 0 and *reason. */
    int (*probe)(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason);
    /* Operations (parent) for the given rules, in order, the last match deciding; what no rule matches is denied.
     * The rules come with the runtime's defaults already appended. */
    int (*plan_rules)(struct husk_planner *p, uint32_t place, const struct husk_device_rule *rules, uint32_t n);
};

#endif
