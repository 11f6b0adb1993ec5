/* husk/impl/plan_binds.h - bind mounts: who reaches the source, whose ids it shows, where its events go.
 * Part of plan.h's implementation; see plan_mounts.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_BINDS_IMPLEMENTED)
#define HUSK_PLAN_BINDS_IMPLEMENTED

static struct husk_u32s husk__propagation(const struct husk_mount *m)
{
    return (struct husk_u32s){m->propagation.v, m->propagation.n};
}

/* The mount's own, after what keeps its events from the host. */
static struct husk_u32s husk__cut_off(struct husk_planner *p, struct husk_u32s propagation)
{
    uint32_t *v;

    if (propagation.n > 0 && (propagation.v[0] & MS_REC) && !(propagation.v[0] & MS_SHARED))
        return propagation;
    v = husk_arena_alloc(p->arena, (propagation.n + 1) * sizeof *v);
    if (v == NULL)
        return propagation;
    v[0] = MS_SLAVE | MS_REC;
    for (uint32_t i = 0; i < propagation.n; i++)
        v[i + 1] = propagation.v[i];
    return (struct husk_u32s){v, propagation.n + 1};
}

static bool husk__is_shared(const struct husk_mount *m)
{
    for (uint32_t i = 0; i < m->propagation.n; i++)
        if (m->propagation.v[i] & MS_SHARED)
            return true;
    return false;
}

/* Events go both ways; but no user namespace makes mounts on the host. */
static bool husk__shares_with_host(const struct husk_planner *p, const struct husk_mount *m)
{
    return husk__is_shared(m) && p->host->euid == 0 && !p->userns;
}

static struct husk_path husk__plan_tree(struct husk_planner *p, const struct husk_op_tree *tree, const char *why)
{
    struct husk_op *op = husk_add(p, HUSK_OP_TREE, HUSK_BOTH, why);

    if (p->tree == HUSK_SLOT_HOST)
        p->tree = husk__new_aux(p);
    op->u.tree = *tree;
    op->u.tree.slot = p->tree;
    return (struct husk_path){p->tree, NULL};
}

/* A user namespace may not reach what the caller can. */
static bool husk__clones_sources(const struct husk_planner *p)
{
    return (p->new_userns || p->joined_userns) && p->host->euid == 0 && !p->host->in_userns &&
           p->host->features[HUSK_FEATURE_OPEN_TREE];
}

HUSK_API uint64_t husk_add_source(struct husk_planner *p, struct husk_path *source, bool recursive, const char *why)
{
    struct husk_op_tree tree = {.source = *source, .recursive = recursive, .inside = true};

    if (!husk__clones_sources(p))
        return MS_BIND | (recursive ? MS_REC : 0);
    *source = husk__plan_tree(p, &tree, why);
    return MS_MOVE;
}

/* A user namespace with these maps. The last one serves again for the same. */
static enum husk_slot husk__plan_mount_ids(struct husk_planner *p, const struct husk_idmaps *uids,
                                           const struct husk_idmaps *gids, const char *why)
{
    struct husk_op_userns u = {p->mount_ids, husk_plan_map_text(p, uids), husk_plan_map_text(p, gids)};
    uint32_t i = p->n;

    while (i > 0 && p->ops[i - 1].kind != HUSK_OP_USERNS)
        i--;
    if (i > 0 && strcmp(p->ops[i - 1].u.userns.uid_map, u.uid_map) == 0 &&
        strcmp(p->ops[i - 1].u.userns.gid_map, u.gid_map) == 0)
        return p->mount_ids;
    if (p->mount_ids == HUSK_SLOT_HOST)
        p->mount_ids = u.slot = husk__new_aux(p);
    husk_add(p, HUSK_OP_USERNS, HUSK_PARENT, why)->u.userns = u;
    return p->mount_ids;
}

static bool husk__is_idmapped(const struct husk_mount *m)
{
    return m->idmap || m->ridmap || m->uid_mappings.n > 0;
}

/* What this kernel, or this caller, cannot do. */
static int husk__can_mount(struct husk_planner *p, const struct husk_mount *m, const char *why)
{
    const bool *has = p->host->features;
    bool bind = husk__is_bind(m) && !(m->flags_set & MS_REMOUNT);
    const struct {
        bool wrong;
        enum husk_code code;
        enum husk_diag diag;
        const char *text;
    } rows[] = {
        {husk__is_idmapped(m) && !bind, HUSK_ESPEC, HUSK_DIAG_CONFLICT, "only a bind mount can have its ids mapped"},
        {husk__is_idmapped(m) && p->host->euid != 0, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION,
         "without root the ids of a mount cannot be mapped"},
        {husk__is_idmapped(m) && !(has[HUSK_FEATURE_MOUNT_IDMAP] && has[HUSK_FEATURE_OPEN_TREE]), HUSK_EHOST,
         HUSK_DIAG_NO_FEATURE, "an id-mapped mount needs MOUNT_ATTR_IDMAP of mount_setattr(2), Linux 5.12"},
        {(m->rec_set || m->rec_clear) && !has[HUSK_FEATURE_MOUNT_SETATTR], HUSK_EHOST, HUSK_DIAG_NO_FEATURE,
         "recursive mount options need mount_setattr(2), Linux 5.12"},
        {bind && husk__shares_with_host(p, m) && !has[HUSK_FEATURE_OPEN_TREE], HUSK_EHOST, HUSK_DIAG_NO_FEATURE,
         "a bind mount that is shared with the host needs open_tree(2), Linux 5.2"},
        {(m->source_nofollow || m->destination_nofollow) && !has[HUSK_FEATURE_OPEN_TREE], HUSK_EHOST,
         HUSK_DIAG_NO_FEATURE, "src-nofollow and dest-nofollow need open_tree(2), Linux 5.2"},
    };

    for (size_t i = 0; i < HUSK_COUNT(rows); i++)
        if (rows[i].wrong)
            return husk_fail(p->err, rows[i].code, rows[i].diag, 0, why, "%s", rows[i].text);
    return HUSK_OK;
}

/* What shows a bind mount's source to a user namespace, with ids mapped, or shared with the host: a peer of the source, whose
 * group the child left with its first operation on mounts. */
static struct husk_path husk__plan_bind_tree(struct husk_planner *p, const struct husk_mount *m, struct husk_path source,
                                             const char *why)
{
    const struct husk_linux *l = &p->spec->linux_;
    struct husk_op_tree tree = {.source = source,
                                .recursive = m->flags_set & MS_REC,
                                .inside = p->new_userns || p->joined_userns,
                                .nofollow = m->source_nofollow,
                                .idmap_recursive = m->ridmap};

    if (m->uid_mappings.n > 0)
        tree.userns = husk__plan_mount_ids(p, &m->uid_mappings, &m->gid_mappings, why);
    else if (husk__is_idmapped(m) && p->joined_userns)
        tree.userns = HUSK_SLOT_NS_USER;
    else if (husk__is_idmapped(m))
        tree.userns = husk__plan_mount_ids(p, &l->uid_mappings, &l->gid_mappings, why);
    return husk__plan_tree(p, &tree, why);
}

/* The file itself, also when it is a symlink; for as long as its mount takes. */
static struct husk_path husk__plan_nofollow(struct husk_planner *p, enum husk_slot *slot, struct husk_path path,
                                            const char *why)
{
    if (*slot == HUSK_SLOT_HOST)
        *slot = husk__new_aux(p);
    husk_add_open(p, HUSK_CHILD, *slot, path.slot, path.rel, O_PATH | O_NOFOLLOW, HUSK_EXPECT_ANY, why);
    return (struct husk_path){*slot, NULL};
}

static void husk__plan_bind(struct husk_planner *p, const struct husk_mount *m, const char *why)
{
    const uint64_t how = MS_BIND | MS_REC;
    struct husk_path source = {HUSK_SLOT_HOST, m->source}, target = {HUSK_SLOT_ROOTFS, husk__clean(p, m->destination)};
    struct husk_u32s propagation = husk__propagation(m);
    bool cloned = husk__is_idmapped(m) || husk__shares_with_host(p, m) || husk__clones_sources(p);
    uint64_t flags = cloned ? MS_MOVE : MS_BIND | (m->flags_set & MS_REC);
    struct husk_op *op;

    if (m->source[0] != '/')
        source.rel = husk_plan_str(p, "%s/%s", p->req->bundle, m->source);
    if (cloned)
        source = husk__plan_bind_tree(p, m, source, why);
    else if (m->source_nofollow)
        source = husk__plan_nofollow(p, &p->source, source, why);
    if (cloned && !husk__shares_with_host(p, m))
        propagation = husk__cut_off(p, propagation);
    if (m->destination_nofollow)
        target = husk__plan_nofollow(p, &p->covered, target, why);
    op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, why);
    op->u.mount = (struct husk_op_mount){
        .source = source,
        .target = target,
        .flags = flags,
        .set = m->flags_set & ~how,
        .clear = m->flags_clear,
        .rec_set = m->rec_set,
        .rec_clear = m->rec_clear,
        .propagation = propagation,
        .create = m->destination_nofollow ? HUSK_CREATE_NOTHING : HUSK_CREATE_LIKE_SOURCE,
    };
}
#endif
