/* SELinux: process.selinuxLabel is the context of the program, as setexeccon(3) does it, and of its session keyring.
 * The kernel forgets both when the program is executed. */
#include "husk.h"

static int probe(const struct husk_host *host, const char **reason)
{
    if (host->features[HUSK_FEATURE_SELINUX])
        return 1;
    *reason = "SELinux is not enabled on this host";
    return 0;
}

static int plan_exec(struct husk_planner *p, const char *label)
{
    husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, "self/attr/exec", label, "/process/selinuxLabel");
    return HUSK_OK;
}

static int plan_keyring(struct husk_planner *p, const char *label)
{
    husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, "self/attr/keycreate", label, "/process/selinuxLabel");
    return HUSK_OK;
}

const struct husk_lsm_backend husk_lsm_selinux = {
    .size = sizeof husk_lsm_selinux,
    .abi = HUSK_LSM_ABI,
    .name = "lsm-selinux",
    .at = "/process/selinuxLabel",
    .probe = probe,
    .plan_exec = plan_exec,
    .plan_keyring = plan_keyring,
};
