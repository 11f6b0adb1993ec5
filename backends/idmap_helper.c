/* Id maps of a caller without root: newuidmap(1) and newgidmap(1), which are set-user-id root, write what
 * /etc/subuid and /etc/subgid allow him. */
#include "husk.h"

/* His own id, or all of them in one of his ranges. */
static bool allowed(const struct husk_idmap *m, uint32_t own, const struct husk_subids *sub)
{
    bool found = m->size == 1 && m->host_id == own;

    for (uint32_t i = 0; i < sub->n && !found; i++) {
        uint32_t first = m->host_id - sub->v[i].start;
        found = m->host_id >= sub->v[i].start && first < sub->v[i].count && m->size <= sub->v[i].count - first;
    }
    return found;
}

static bool all_allowed(const struct husk_idmaps *maps, uint32_t own, const struct husk_subids *sub)
{
    for (uint32_t i = 0; i < maps->n; i++)
        if (!allowed(&maps->v[i], own, sub))
            return false;
    return true;
}

static int probe(const struct husk_host *host, const struct husk_spec *spec, const char **reason)
{
    if (host->euid == 0)
        *reason = "root writes id maps without help";
    else if (host->newuidmap == NULL || host->newgidmap == NULL)
        *reason = "newuidmap and newgidmap are not in PATH";
    else if (!all_allowed(&spec->linux_.uid_mappings, host->euid, &host->subuids))
        *reason = "/etc/subuid does not give the caller all ids of uidMappings";
    else if (!all_allowed(&spec->linux_.gid_mappings, host->egid, &host->subgids))
        *reason = "/etc/subgid does not give the caller all ids of gidMappings";
    else
        return 1;
    return 0;
}

static void plan_helper(struct husk_planner *p, const char *path, const char *name, const struct husk_idmaps *maps,
                        const char *why)
{
    const char **argv = husk_arena_alloc(p->arena, (3 + 3 * (size_t)maps->n) * sizeof *argv);
    uint32_t n = 0;
    struct husk_op *op;

    if (argv == NULL)
        return;
    argv[n++] = name;
    argv[n++] = "PID";
    for (uint32_t i = 0; i < maps->n; i++) {
        argv[n++] = husk_plan_str(p, "%u", maps->v[i].container_id);
        argv[n++] = husk_plan_str(p, "%u", maps->v[i].host_id);
        argv[n++] = husk_plan_str(p, "%u", maps->v[i].size);
    }
    op = husk_add(p, HUSK_OP_HELPER, HUSK_PARENT, why);
    op->u.helper = (struct husk_op_helper){path, {argv, n}, 1};
}

static int plan_map(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    plan_helper(p, p->host->newuidmap, "newuidmap", &l->uid_mappings, "/linux/uidMappings");
    plan_helper(p, p->host->newgidmap, "newgidmap", &l->gid_mappings, "/linux/gidMappings");
    return HUSK_OK;
}

const struct husk_idmap_backend husk_idmap_helper = {
    .size = sizeof husk_idmap_helper,
    .abi = HUSK_IDMAP_ABI,
    .name = "idmap-helper",
    .probe = probe,
    .plan_map = plan_map,
};
