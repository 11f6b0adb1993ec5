/* husk/backends.h - the backends of this build, and their default order.
 *
 * Registration is data: fill a struct husk_backends of your own and point struct husk_request at it. For each need the
 * backend with the best score wins, the earlier one on a tie.
 */
#ifndef HUSK_BACKENDS_H
#define HUSK_BACKENDS_H

#include "husk/backend/cgroup.h"
#include "husk/backend/device.h"
#include "husk/backend/idmap.h"
#include "husk/backend/seccomp.h"
#include "husk/backend/storage.h"

struct husk_backends {
    const struct husk_cgroup_backend *const *cgroup; /* each list ends with NULL */
    const struct husk_device_backend *const *device;
    const struct husk_idmap_backend *const *idmap;
    const struct husk_storage_backend *const *storage;
    const struct husk_seccomp_backend *const *seccomp;
};

HUSK_BEGIN_DECLS

extern const struct husk_cgroup_backend husk_cgroup_v1, husk_cgroup_v2;
extern const struct husk_device_backend husk_device_v1, husk_device_bpf;
extern const struct husk_idmap_backend husk_idmap_direct;
extern const struct husk_storage_backend husk_storage_bind;
extern const struct husk_seccomp_backend husk_seccomp_libseccomp;

extern const struct husk_backends husk_backends_default;

/* The backend for a hierarchy; NULL and the reason of the last one asked when none serves it. */
HUSK_API const struct husk_cgroup_backend *husk_cgroup_backend_for(const struct husk_backends *b, const struct husk_host *host,
                                                                   const struct husk_hierarchy *h, const char **reason);
/* By version alone, for a container's recorded cgroups, when no host facts are at hand. */
HUSK_API const struct husk_cgroup_backend *husk_cgroup_backend_of(const struct husk_backends *b, uint32_t version);

HUSK_END_DECLS
#endif
