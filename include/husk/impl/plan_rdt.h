/* husk/impl/plan_rdt.h - Intel RDT: the container's group in resctrl. Part of plan.h's implementation; see plan_make.h.
 *
 * config-linux.md, "IntelRdt". A group that the configuration names (closID) is shared and stays; one that is named
 * after the container goes with it. closID "/" is the group that everybody is in anyway.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_RDT_IMPLEMENTED)
#define HUSK_PLAN_RDT_IMPLEMENTED

#define HUSK__RESCTRL "/sys/fs/resctrl"

/* What is written to `schemata`: cache first, bandwidth last, then what comes as lines already. A bandwidth among the
 * lines of the cache is left out. The kernel wants whole lines in one write(2). NULL: nothing to write. */
static const char *husk__rdt_schemata(struct husk_planner *p)
{
    const struct husk_intel_rdt *rdt = &p->spec->linux_.intel_rdt;
    struct husk_text t = {.arena = p->arena};
    size_t n;

    for (const char *line = rdt->l3_schema ? rdt->l3_schema : ""; *line != '\0'; line += n + (line[n] == '\n')) {
        n = strcspn(line, "\n");
        if (n > 0 && strncmp(line, "MB:", 3) != 0)
            husk_textf(&t, "%.*s\n", (int)n, line);
    }
    if (rdt->mem_bw_schema != NULL && rdt->mem_bw_schema[0] != '\0')
        husk_textf(&t, "%s\n", rdt->mem_bw_schema);
    for (uint32_t i = 0; i < rdt->schemata.n; i++)
        if (rdt->schemata.v[i][0] != '\0')
            husk_textf(&t, "%s\n", rdt->schemata.v[i]);
    return t.data;
}

static struct husk_op *husk__rdt_mkdir(struct husk_planner *p, const char *dir, const char *why)
{
    struct husk_op *op = husk_add(p, HUSK_OP_MKDIR, HUSK_PARENT, why);

    op->u.mkdir = (struct husk_op_mkdir){{HUSK_SLOT_HOST, dir}, 0755, HUSK_ID_KEEP, HUSK_ID_KEEP, false};
    return op;
}

/* NULL: the container's own. */
static const char *husk__rdt_name(const struct husk_intel_rdt *rdt)
{
    return rdt->clos_id != NULL && rdt->clos_id[0] != '\0' ? rdt->clos_id : NULL;
}

static const char *husk__rdt_dir(struct husk_planner *p)
{
    const char *name = husk__rdt_name(&p->spec->linux_.intel_rdt);

    name = name == NULL ? p->req->id : name;
    return strcmp(name, "/") == 0 ? HUSK__RESCTRL : husk_plan_str(p, HUSK__RESCTRL "/%s", name);
}

static void husk__rdt_group(struct husk_planner *p, const char *dir)
{
    const char *id = husk__rdt_name(&p->spec->linux_.intel_rdt), *schemata = husk__rdt_schemata(p);
    const char *why = "/linux/intelRdt/closID", *file = husk_plan_str(p, "%s/schemata", dir);
    struct husk_op *op;

    if (id == NULL) {
        husk__rdt_mkdir(p, dir, "/linux/intelRdt")->undo = true;
    } else if (schemata != NULL) { /* a group that is there must be what is asked for, and one that is not is made */
        if (strcmp(id, "/") != 0) {
            op = husk__rdt_mkdir(p, dir, why);
            op->u.mkdir.excl = true;
            op->on_fail = HUSK_ELSE;
            op->errnos[0] = EEXIST;
            op->skip = 1;
        }
        op = husk_add(p, HUSK_OP_CHECK, HUSK_PARENT, why);
        op->u.check = (struct husk_op_check){{HUSK_SLOT_HOST, file}, schemata};
    }
    if (schemata != NULL)
        husk_add_write(p, HUSK_PARENT, HUSK_SLOT_HOST, file, schemata, "/linux/intelRdt");
}

static void husk__rdt_open(struct husk_planner *p, const char *dir, const char *why)
{
    enum husk_slot slot = husk__new_aux(p);

    husk_add_open(p, HUSK_PARENT, slot, HUSK_SLOT_HOST, husk_plan_str(p, "%s/tasks", dir), O_WRONLY, HUSK_EXPECT_ANY,
                  why);
    if (p->n_rdt < HUSK_COUNT(p->rdt))
        p->rdt[p->n_rdt++] = slot;
}

/* Before spawn: groups, and the files that the child, and each process that is executed later, writes itself into. */
static int husk__plan_rdt(struct husk_planner *p)
{
    const struct husk_intel_rdt *rdt = &p->spec->linux_.intel_rdt;
    const char *why = husk__rdt_name(rdt) ? "/linux/intelRdt/closID" : "/linux/intelRdt", *dir, *monitor;

    if (!rdt->set)
        return HUSK_OK;
    if (!p->host->features[HUSK_FEATURE_RESCTRL])
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, "/linux/intelRdt",
                         "resctrl is not mounted at " HUSK__RESCTRL);
    dir = husk__rdt_dir(p);
    monitor = husk_plan_str(p, "%s/mon_groups/%s", dir, p->req->id);
    if (p->req->action != HUSK_EXEC) {
        husk__rdt_group(p, dir);
        if (rdt->enable_monitoring)
            husk__rdt_mkdir(p, monitor, "/linux/intelRdt/enableMonitoring")->undo = true;
    }
    husk__rdt_open(p, dir, why);
    if (rdt->enable_monitoring)
        husk__rdt_open(p, monitor, "/linux/intelRdt/enableMonitoring");
    return HUSK_OK;
}

static void husk__plan_rdt_join(struct husk_planner *p)
{
    for (uint32_t i = 0; i < p->n_rdt; i++)
        husk_add_write(p, HUSK_CHILD, p->rdt[i], "", "0", "/linux/intelRdt");
}
#endif
