/* husk/impl/plan_lsm.h - the labels that security modules put on the program. Part of plan.h's implementation; see
 * plan_make.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_LSM_IMPLEMENTED)
#define HUSK_PLAN_LSM_IMPLEMENTED

/* The members that hold a label: what `at` of a backend may be. */
static const char *const husk__label_members[] = {"/process/apparmorProfile", "/process/selinuxLabel"};
#define HUSK__LABELS HUSK_COUNT(husk__label_members)

/* Member i, and its label; NULL when it is absent. */
static const char *husk__label(const struct husk_planner *p, uint32_t i, const char **at)
{
    const char *label = i == 0 ? p->process->apparmor_profile : p->process->selinux_label;

    *at = husk__label_members[i];
    return label != NULL && label[0] != '\0' ? label : NULL;
}

static bool husk__has_label(const struct husk_planner *p)
{
    const char *at;
    bool any = false;

    for (uint32_t i = 0; i < HUSK__LABELS; i++)
        any = any || husk__label(p, i, &at) != NULL;
    return any;
}

/* A member that holds none would never be asked for. */
static int husk__plan_lsm_check(struct husk_planner *p)
{
    const struct husk_lsm_backend *const *v = p->backends->lsm;
    uint32_t k;

    for (; v != NULL && *v != NULL; v++) {
        for (k = 0; k < HUSK__LABELS && strcmp((*v)->at, husk__label_members[k]) != 0; k++)
            ;
        if (k == HUSK__LABELS)
            return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_BACKEND, 0, NULL, "%s cannot be used: %s holds no label",
                             (*v)->name, (*v)->at);
    }
    return HUSK_OK;
}

/* Before the session keyring is made. Who is missing is said by husk__plan_labels(). */
static int husk__plan_key_labels(struct husk_planner *p)
{
    const struct husk_lsm_backend *b;
    const char *at, *label;
    int r = HUSK_OK;

    for (uint32_t i = 0; i < HUSK__LABELS && r == 0; i++) {
        label = husk__label(p, i, &at);
        b = label ? husk__backend_for(p, HUSK_BACKEND_LSM, NULL, at, NULL) : NULL;
        if (HUSK_HAS(b, plan_keyring))
            r = b->plan_keyring(p, label);
    }
    return r;
}

/* Hooks that the child runs after this are the image's programs, and get the label, too. */
static int husk__plan_labels(struct husk_planner *p)
{
    const struct husk_lsm_backend *b;
    const char *at, *label;
    int r = HUSK_OK;

    for (uint32_t i = 0; i < HUSK__LABELS && r == 0; i++) {
        if ((label = husk__label(p, i, &at)) == NULL)
            continue;
        b = husk__backend_for(p, HUSK_BACKEND_LSM, NULL, at, "cannot set the label");
        r = b ? b->plan_exec(p, label) : HUSK_EHOST;
    }
    return r;
}
#endif
