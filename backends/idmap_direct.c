/* Id maps written straight into /proc/PID/{uid,gid}_map: as root any map, otherwise the single line that
 * user_namespaces(7) allows everybody: the caller's own id. */
#include "husk.h"

static bool own_id_only(const struct husk_idmaps *m, uint32_t id)
{
    return m->n == 1 && m->v[0].size == 1 && m->v[0].host_id == id;
}

static int probe(const struct husk_host *host, const struct husk_spec *spec, const char **reason)
{
    if (host->euid == 0)
        return 2;
    if (own_id_only(&spec->linux_.uid_mappings, host->euid) && own_id_only(&spec->linux_.gid_mappings, host->egid))
        return 2;
    *reason = "without root only the caller's own uid and gid can be mapped, each with size 1";
    return 0;
}

static int plan_map(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    if (p->host->euid != 0) /* user_namespaces(7): before gid_map, or it is refused */
        husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "setgroups", "deny", "/linux/gidMappings");
    husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "uid_map", husk_plan_map_text(p, &l->uid_mappings), "/linux/uidMappings");
    husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "gid_map", husk_plan_map_text(p, &l->gid_mappings), "/linux/gidMappings");
    return HUSK_OK;
}

const struct husk_idmap_backend husk_idmap_direct = {
    .size = sizeof husk_idmap_direct,
    .abi = HUSK_IDMAP_ABI,
    .name = "idmap-direct",
    .probe = probe,
    .plan_map = plan_map,
};
