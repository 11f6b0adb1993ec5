/* AppArmor: process.apparmorProfile is entered when the program is executed, as aa_change_onexec(3) does it. */
#include "husk.h"
#include <errno.h>

static int probe(const struct husk_host *host, const char **reason)
{
    if (host->features[HUSK_FEATURE_APPARMOR])
        return 1;
    *reason = "AppArmor is not enabled on this host";
    return 0;
}

/* The file of its own came with Linux 5.8; the other one belongs to whichever module has it. A profile that is not
 * loaded is ENOENT, too, and then said by the second. */
static int plan_exec(struct husk_planner *p, const char *label)
{
    const char *data = husk_plan_str(p, "exec %s", label);
    struct husk_op *op =
        husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, "self/attr/apparmor/exec", data, "/process/apparmorProfile");

    op->on_fail = HUSK_ELSE;
    op->skip = 1;
    op->errnos[0] = ENOENT;
    husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, "self/attr/exec", data, "/process/apparmorProfile");
    return HUSK_OK;
}

const struct husk_lsm_backend husk_lsm_apparmor = {
    .size = sizeof husk_lsm_apparmor,
    .abi = HUSK_LSM_ABI,
    .name = "lsm-apparmor",
    .at = "/process/apparmorProfile",
    .probe = probe,
    .plan_exec = plan_exec,
};
