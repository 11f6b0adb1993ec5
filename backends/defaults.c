/* What a caller gets who names no backends, in order of preference. */
#include "husk.h"

static const struct husk_cgroup_backend *const cgroup[] = {&husk_cgroup_v2, &husk_cgroup_v1, NULL};
static const struct husk_device_backend *const device[] = {
#if HUSK_WITH_BPF
    &husk_device_bpf,
#endif
    &husk_device_v1,
    NULL,
};
static const struct husk_idmap_backend *const idmap[] = {&husk_idmap_direct, &husk_idmap_helper, NULL};
static const struct husk_storage_backend *const storage[] = {&husk_storage_bind, NULL};
static const struct husk_seccomp_backend *const seccomp[] = {
#if HUSK_WITH_SECCOMP
    &husk_seccomp_libseccomp,
#endif
    NULL,
};

static const struct husk_lsm_backend *const lsm[] = {&husk_lsm_apparmor, &husk_lsm_selinux, NULL};

const struct husk_backends husk_backends_default = {cgroup, device, idmap, storage, seccomp, lsm};
