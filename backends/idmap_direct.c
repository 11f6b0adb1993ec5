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

static const char *map_text(struct husk_planner *p, const struct husk_idmaps *m)
{
    struct husk_text t = {.arena = p->arena};

    for (uint32_t i = 0; i < m->n; i++)
        husk_textf(&t, "%u %u %u\n", m->v[i].container_id, m->v[i].host_id, m->v[i].size);
    return t.data ? t.data : "";
}

static bool maps_root(const struct husk_idmaps *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (m->v[i].container_id == 0 && m->v[i].size > 0)
            return true;
    return false;
}

static int plan_map(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    if (!maps_root(&l->uid_mappings) || !maps_root(&l->gid_mappings))
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_CONFLICT, 0,
                         maps_root(&l->uid_mappings) ? "/linux/gidMappings" : "/linux/uidMappings",
                         "id 0 of the container must be mapped: it makes the mounts and devices");
    if (p->host->euid != 0) /* user_namespaces(7): before gid_map, or it is refused */
        husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "setgroups", "deny", "/linux/gidMappings");
    husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "uid_map", map_text(p, &l->uid_mappings), "/linux/uidMappings");
    husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "gid_map", map_text(p, &l->gid_mappings), "/linux/gidMappings");
    return HUSK_OK;
}

const struct husk_idmap_backend husk_idmap_direct = {
    .size = sizeof husk_idmap_direct,
    .abi = HUSK_IDMAP_ABI,
    .name = "idmap-direct",
    .probe = probe,
    .plan_map = plan_map,
};
