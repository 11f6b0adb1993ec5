/* husk/backend/seccomp.h - a compiler from linux.seccomp to a classic BPF filter. All methods but the last are mandatory. */
#ifndef HUSK_BACKEND_SECCOMP_H
#define HUSK_BACKEND_SECCOMP_H

#include "husk/plan.h"

#define HUSK_SECCOMP_ABI 1u

struct husk_seccomp_backend {
    uint32_t size, abi;
    const char *name; /* "seccomp-libseccomp" */
    int (*probe)(const struct husk_host *host, const char **reason);
    /* *filter is struct sock_filter[] in the planner's arena; *flags those for seccomp(2). Pure, though the library is not ours. */
    int (*compile)(struct husk_planner *p, const struct husk_seccomp *profile, struct husk_bytes *filter, uint32_t *flags);
    bool (*knows_arch)(uint32_t arch); /* AUDIT_ARCH_*: can a profile name it? Absent: all of them */
};

#endif
