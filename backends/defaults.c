/* What a caller gets who names no backends, in order of preference. */
#include "husk.h"

static const struct husk_cgroup_backend *const cgroup[] = { &husk_cgroup_v2, &husk_cgroup_v1, NULL };
static const struct husk_device_backend *const device[] = {
#if HUSK_WITH_BPF
    &husk_device_bpf,
#endif
    &husk_device_v1, NULL,
};
static const struct husk_idmap_backend *const idmap[] = { &husk_idmap_direct, NULL };
static const struct husk_storage_backend *const storage[] = { &husk_storage_bind, NULL };
static const struct husk_seccomp_backend *const seccomp[] = {
#if HUSK_WITH_SECCOMP
    &husk_seccomp_libseccomp,
#endif
    NULL,
};

const struct husk_backends husk_backends_default = { cgroup, device, idmap, storage, seccomp };

HUSK_API const struct husk_cgroup_backend *husk_cgroup_backend_for(const struct husk_backends *b, const struct husk_host *host,
                                                                   const struct husk_hierarchy *h, const char **reason)
{
    const struct husk_cgroup_backend *best = NULL;
    int score, top = 0;

    *reason = "no backend is registered";
    for (const struct husk_cgroup_backend *const *v = b->cgroup; *v != NULL; v++) {
        score = (*v)->probe(host, h, reason);
        if (score > top) {
            top = score;
            best = *v;
        }
    }
    return best;
}

HUSK_API const struct husk_cgroup_backend *husk_cgroup_backend_of(const struct husk_backends *b, uint32_t version)
{
    const struct husk_hierarchy any = { .version = version };
    const char *reason;

    return husk_cgroup_backend_for(b, NULL, &any, &reason);
}
