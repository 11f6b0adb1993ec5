/* husk/impl/plan_ids.h - ids of a user namespace: its maps when the configuration has none, and what follows from maps.
 * Part of plan.h's implementation; see plan_make.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_IDS_IMPLEMENTED)
#define HUSK_PLAN_IDS_IMPLEMENTED

static bool husk__host_id(const struct husk_idmaps *m, uint32_t id, uint32_t *host_id)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (id >= m->v[i].container_id && id - m->v[i].container_id < m->v[i].size) {
            *host_id = m->v[i].host_id + (id - m->v[i].container_id);
            return true;
        }
    return false;
}

/* The configuration's user namespace is made, not joined: then its maps are in the configuration. */
static bool husk__knows_maps(const struct husk_planner *p)
{
    const struct husk_namespace *ns = husk_spec_namespace(p->spec, CLONE_NEWUSER);

    return ns != NULL && ns->path == NULL;
}

/* For root one to one, which suits any root directory and any user. For others the caller is root in there, followed by
 * his subordinate ids where the helpers can map them. */
static struct husk_idmaps husk__default_map(struct husk_planner *p, uint32_t own, const struct husk_subids *sub,
                                            const char *at)
{
    const struct husk_host *h = p->host;
    uint32_t n = h->euid != 0 && h->newuidmap != NULL && h->newgidmap != NULL ? sub->n : 0;
    struct husk_idmap *v = husk_arena_alloc(p->arena, (n + 1) * sizeof *v);
    bool all = h->euid == 0 && !h->in_userns;

    if (v == NULL)
        return (struct husk_idmaps){0};
    v[0] = all ? (struct husk_idmap){0, 0, UINT32_MAX} : (struct husk_idmap){0, own, 1};
    for (uint32_t i = 1, next = 1; i <= n; next += sub->v[i - 1].count, i++)
        v[i] = (struct husk_idmap){next, sub->v[i - 1].start, sub->v[i - 1].count};
    husk_plan_note(p, at, "the configuration has none: id 0 is %u, %s", v[0].host_id,
                   all ? "and each other id itself"
                   : n ? "and subordinate ids follow"
                       : "and that is all");
    return (struct husk_idmaps){v, n + 1};
}

/* Each list on its own: what is given stays. */
static void husk__plan_default_maps(struct husk_planner *p, struct husk_linux *l)
{
    if (!husk__knows_maps(p))
        return;
    if (l->uid_mappings.n == 0)
        l->uid_mappings = husk__default_map(p, p->host->euid, &p->host->subuids, "/linux/uidMappings");
    if (l->gid_mappings.n == 0)
        l->gid_mappings = husk__default_map(p, p->host->egid, &p->host->subgids, "/linux/gidMappings");
}

/* Else the process could not become its user: said here, where the maps of exec's container are known, too. */
static int husk__plan_mapped_user(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;
    const struct husk_user *u = &p->process->user;
    const char *at = NULL;
    uint32_t id = u->uid, host_id;

    if (!husk__knows_maps(p) || p->arena->failed || (p->spec->process == NULL && p->req->process == NULL))
        return HUSK_OK;
    if (!husk__host_id(&l->uid_mappings, id, &host_id))
        at = "/process/user/uid";
    else if (!husk__host_id(&l->gid_mappings, id = u->gid, &host_id))
        at = "/process/user/gid";
    for (uint32_t i = 0; at == NULL && i < u->additional_gids.n; i++)
        if (!husk__host_id(&l->gid_mappings, id = u->additional_gids.v[i], &host_id))
            at = husk_plan_str(p, "/process/user/additionalGids/%u", i);
    return at == NULL
               ? HUSK_OK
               : husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_CONFLICT, 0, at, "%u is not mapped in the user namespace", id);
}

/* Whoever makes mounts and files in the namespace must be mapped there: root, or else the process's own user. */
static uint32_t husk__setup_id(const struct husk_planner *p, const struct husk_idmaps *m, uint32_t own)
{
    uint32_t host_id;

    return husk__knows_maps(p) && !husk__host_id(m, 0, &host_id) ? own : 0;
}

/* An unprivileged writer of gid_map, who maps one group, had to forbid it (user_namespaces(7)); newgidmap(1) not. */
static bool husk__setgroups_denied(const struct husk_planner *p)
{
    const struct husk_idmaps *m = &p->spec->linux_.gid_mappings;

    return p->host->euid != 0 && (p->new_userns || p->joined_userns) && m->n <= 1 && (m->n == 0 || m->v[0].size <= 1);
}

HUSK_API const char *husk_plan_map_text(struct husk_planner *p, const struct husk_idmaps *m)
{
    struct husk_text t = {.arena = p->arena};

    for (uint32_t i = 0; i < m->n; i++)
        husk_textf(&t, "%u %u %u\n", m->v[i].container_id, m->v[i].host_id, m->v[i].size);
    return t.data ? t.data : "";
}

/* Maps beside the path of a user namespace: they must be those that it has. */
static void husk__plan_check_maps(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;
    const struct {
        const struct husk_idmaps *maps;
        const char *file, *at;
    } rows[] = {
        {&l->uid_mappings, "uid_map", "/linux/uidMappings"},
        {&l->gid_mappings, "gid_map", "/linux/gidMappings"},
    };
    struct husk_op *op;

    for (size_t i = 0; i < HUSK_COUNT(rows) && !husk__knows_maps(p); i++) {
        if (rows[i].maps->n == 0)
            continue;
        op = husk_add(p, HUSK_OP_CHECK, HUSK_PARENT, rows[i].at);
        op->u.check = (struct husk_op_check){{HUSK_SLOT_TASK, rows[i].file}, husk_plan_map_text(p, rows[i].maps)};
    }
}
#endif
