/* husk/backends.h - the backends of this build, and their default order.
 *
 * Registration is data: fill a struct husk_backends of your own and point struct husk_request at it. For each need the
 * backend with the best score wins, the earlier one on a tie. A vtable that is made for another version of its interface,
 * or lacks a mandatory method, declines.
 *
 *     static const struct husk_lsm_backend *const lsms[] = {&my_lsm, &husk_lsm_apparmor, NULL};
 *     struct husk_backends mine = husk_backends_default;
 *     mine.lsm = lsms;
 *     request.backends = &mine;
 */
#ifndef HUSK_BACKENDS_H
#define HUSK_BACKENDS_H

#include "husk/backend/cgroup.h"
#include "husk/backend/device.h"
#include "husk/backend/idmap.h"
#include "husk/backend/lsm.h"
#include "husk/backend/seccomp.h"
#include "husk/backend/storage.h"

struct husk_backends {
    const struct husk_cgroup_backend *const *cgroup; /* each list ends with NULL, or is NULL */
    const struct husk_device_backend *const *device;
    const struct husk_idmap_backend *const *idmap;
    const struct husk_storage_backend *const *storage;
    const struct husk_seccomp_backend *const *seccomp;
    const struct husk_lsm_backend *const *lsm;
};

enum husk_backend_kind {
    HUSK_BACKEND_CGROUP, HUSK_BACKEND_DEVICE, HUSK_BACKEND_IDMAP, HUSK_BACKEND_STORAGE, HUSK_BACKEND_SECCOMP,
    HUSK_BACKEND_LSM
};

/* What a backend is to serve. */
struct husk_need {
    const struct husk_host *host;
    const struct husk_hierarchy *hierarchy; /* cgroup, device */
    const struct husk_spec *spec;           /* idmap, storage */
    const char *at;                         /* lsm: the member that holds the label */
};

HUSK_BEGIN_DECLS

extern const struct husk_cgroup_backend husk_cgroup_v1, husk_cgroup_v2;
extern const struct husk_device_backend husk_device_v1, husk_device_bpf;
extern const struct husk_idmap_backend husk_idmap_direct, husk_idmap_helper;
extern const struct husk_storage_backend husk_storage_bind;
extern const struct husk_seccomp_backend husk_seccomp_libseccomp;
extern const struct husk_lsm_backend husk_lsm_apparmor, husk_lsm_selinux;

extern const struct husk_backends husk_backends_default;

/* Which of a kind serves the need best: its index, or UINT32_MAX when none does. The reasons of all that decline are appended
 * to *reasons, which may be NULL. */
HUSK_API uint32_t husk_backend_best(const struct husk_backends *b, enum husk_backend_kind kind, const struct husk_need *need,
                                    struct husk_text *reasons);
/* What the i-th of a kind says to that: its name, and the score, or 0 and *reason, which is NULL when it is not concerned: a
 * module with labels of another member. NULL after the last. */
HUSK_API const char *husk_backend_ask(const struct husk_backends *b, enum husk_backend_kind kind, uint32_t i,
                                      const struct husk_need *need, int *score, const char **reason);
/* The one that made a container's recorded cgroup; NULL when it is not here, or not usable. */
HUSK_API const struct husk_cgroup_backend *husk_cgroup_backend_named(const struct husk_backends *b, const char *name);

HUSK_END_DECLS
#endif
