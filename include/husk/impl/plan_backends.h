/* husk/impl/plan_backends.h - which backend serves. Part of plan.h's implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_BACKENDS_IMPLEMENTED)
#define HUSK_PLAN_BACKENDS_IMPLEMENTED
#include "husk/backends.h"
#include <string.h>

struct husk__backend_kind {
    const void *(*at)(const struct husk_backends *b, uint32_t i); /* NULL after the last */
    const char *(*unusable)(const void *vtable); /* why no method of it may be called, or NULL */
    const char *(*name)(const void *vtable);
    int (*probe)(const void *vtable, const struct husk_need *need, const char **reason);
};

/* The functions of a kind, which differ in their types alone. `lacks`: tests for its mandatory members; `score`: how it is
 * asked. */
#define HUSK__BACKEND_KIND(kind, ABI, lacks, score)                                                          \
    static const void *husk__##kind##_at(const struct husk_backends *b, uint32_t i)                          \
    {                                                                                                        \
        return b->kind == NULL ? NULL : b->kind[i];                                                          \
    }                                                                                                        \
    static const char *husk__##kind##_unusable(const void *vtable)                                           \
    {                                                                                                        \
        const struct husk_##kind##_backend *v = vtable;                                                      \
        return v->abi != ABI ? "it is made for another version of this interface" : lacks NULL;              \
    }                                                                                                        \
    static const char *husk__##kind##_name(const void *vtable)                                               \
    {                                                                                                        \
        const struct husk_##kind##_backend *v = vtable;                                                      \
        return v->abi == ABI && HUSK_HAS(v, name) ? v->name : "a " #kind " backend";                         \
    }                                                                                                        \
    static int husk__##kind##_probe(const void *vtable, const struct husk_need *need, const char **reason)   \
    {                                                                                                        \
        const struct husk_##kind##_backend *v = vtable;                                                      \
        return score;                                                                                        \
    }
#define HUSK__LACKS(member) !HUSK_HAS(v, member) ? "its table lacks " #member :

/* clang-format off */
HUSK__BACKEND_KIND(cgroup, HUSK_CGROUP_ABI,
    HUSK__LACKS(name) HUSK__LACKS(probe) HUSK__LACKS(plan_create) HUSK__LACKS(plan_join)
    HUSK__LACKS(plan_limits)
    HUSK__LACKS(plan_mount) HUSK__LACKS(each_pid) HUSK__LACKS(kill_all) HUSK__LACKS(remove),
    v->probe(need->host, need->hierarchy, reason))
HUSK__BACKEND_KIND(device, HUSK_DEVICE_ABI, HUSK__LACKS(name) HUSK__LACKS(probe) HUSK__LACKS(plan_rules),
    v->probe(need->host, need->hierarchy, reason))
HUSK__BACKEND_KIND(idmap, HUSK_IDMAP_ABI, HUSK__LACKS(name) HUSK__LACKS(probe) HUSK__LACKS(plan_map),
    v->probe(need->host, need->spec, reason))
HUSK__BACKEND_KIND(storage, HUSK_STORAGE_ABI, HUSK__LACKS(name) HUSK__LACKS(probe) HUSK__LACKS(plan_root),
    v->probe(need->host, need->spec, reason))
HUSK__BACKEND_KIND(seccomp, HUSK_SECCOMP_ABI, HUSK__LACKS(name) HUSK__LACKS(probe) HUSK__LACKS(compile),
    v->probe(need->host, reason))
HUSK__BACKEND_KIND(lsm, HUSK_LSM_ABI, HUSK__LACKS(name) HUSK__LACKS(at) HUSK__LACKS(probe) HUSK__LACKS(plan_exec),
    need->at != NULL && strcmp(need->at, v->at) == 0 ? v->probe(need->host, reason) : (*reason = NULL, 0))

#define HUSK__KIND_ROW(kind) \
    { husk__##kind##_at, husk__##kind##_unusable, husk__##kind##_name, husk__##kind##_probe }
/* clang-format on */
static const struct husk__backend_kind husk__backend_kinds[] = {
    [HUSK_BACKEND_CGROUP] = HUSK__KIND_ROW(cgroup),   [HUSK_BACKEND_DEVICE] = HUSK__KIND_ROW(device),
    [HUSK_BACKEND_IDMAP] = HUSK__KIND_ROW(idmap),     [HUSK_BACKEND_STORAGE] = HUSK__KIND_ROW(storage),
    [HUSK_BACKEND_SECCOMP] = HUSK__KIND_ROW(seccomp), [HUSK_BACKEND_LSM] = HUSK__KIND_ROW(lsm),
};

HUSK_API const char *husk_backend_ask(const struct husk_backends *b, enum husk_backend_kind kind, uint32_t i,
                                      const struct husk_need *need, int *score, const char **reason)
{
    const struct husk__backend_kind *k = &husk__backend_kinds[kind];
    const void *vtable = k->at(b, i);

    *score = 0;
    *reason = "it does not say why";
    if (vtable == NULL)
        return NULL;
    if (k->unusable(vtable) != NULL)
        *reason = k->unusable(vtable);
    else
        *score = k->probe(vtable, need, reason);
    return k->name(vtable);
}

HUSK_API uint32_t husk_backend_best(const struct husk_backends *b, enum husk_backend_kind kind,
                                    const struct husk_need *need, struct husk_text *reasons)
{
    const char *name, *reason;
    uint32_t best = UINT32_MAX;
    int score, top = 0;

    for (uint32_t i = 0; (name = husk_backend_ask(b, kind, i, need, &score, &reason)) != NULL; i++) {
        if (score <= 0 && reason != NULL && reasons != NULL)
            husk_textf(reasons, "%s%s: %s", reasons->len ? "; " : "", name, reason);
        if (score > top) {
            top = score;
            best = i;
        }
    }
    if (best == UINT32_MAX && reasons != NULL && reasons->len == 0)
        husk_text_str(reasons, "this build has no backend for it");
    return best;
}

HUSK_API const struct husk_cgroup_backend *husk_cgroup_backend_named(const struct husk_backends *b,
                                                                     const char *name)
{
    const struct husk_cgroup_backend *v;

    for (uint32_t i = 0; name != NULL && (v = husk__cgroup_at(b, i)) != NULL; i++)
        if (husk__cgroup_unusable(v) == NULL && strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

/* A vtable that cannot be used is its caller's mistake, and said even when another one could serve. */
static int husk__backends_check(struct husk_planner *p)
{
    const void *vtable;

    for (size_t k = 0; k < HUSK_COUNT(husk__backend_kinds); k++)
        for (uint32_t i = 0; (vtable = husk__backend_kinds[k].at(p->backends, i)) != NULL; i++)
            if (husk__backend_kinds[k].unusable(vtable) != NULL)
                return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_BACKEND, 0, NULL, "%s cannot be used: %s",
                                 husk__backend_kinds[k].name(vtable),
                                 husk__backend_kinds[k].unusable(vtable));
    return HUSK_OK;
}

/* The best of the planner's, or NULL with an error that says why none serves; none with `cannot` NULL. */
static const void *husk__backend_for(struct husk_planner *p, enum husk_backend_kind kind,
                                     const struct husk_hierarchy *h, const char *at, const char *cannot)
{
    const struct husk_need need = {p->host, h, p->spec, at};
    struct husk_text reasons = {.arena = p->arena};
    uint32_t best = husk_backend_best(p->backends, kind, &need, &reasons);

    if (best == UINT32_MAX && cannot != NULL)
        husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_BACKEND, 0, at, "%s: %s", cannot,
                  reasons.data ? reasons.data : "");
    return best == UINT32_MAX ? NULL : husk__backend_kinds[kind].at(p->backends, best);
}
#endif
