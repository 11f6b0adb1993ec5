/* husk/backend/lsm.h - a security module that labels the program: one of the two members that hold a label. Modules without a
 * label (Landlock) are none of these. Mandatory: all but plan_keyring. */
#ifndef HUSK_BACKEND_LSM_H
#define HUSK_BACKEND_LSM_H

#include "husk/plan.h"

#define HUSK_LSM_ABI 1u

struct husk_lsm_backend {
    uint32_t size, abi;
    const char *name; /* "lsm-apparmor" */
    const char *at;   /* the member of the configuration that it serves: "/process/apparmorProfile" or "/process/selinuxLabel" */
    /* A score above 0, or 0 and *reason; not asked about other members. Pure. */
    int (*probe)(const struct husk_host *host, const char **reason);
    /* Operations of the child that give the label to what it executes next; the same for create, run and exec. Procfs
     * is below @proc (the host's own; for exec the container's, which no mount covers), where "self" is the child. `label` is
     * not empty. */
    int (*plan_exec)(struct husk_planner *p, const char *label);
    /* The same for the session keyring, which the next operation makes. */
    int (*plan_keyring)(struct husk_planner *p, const char *label);
};

#endif
