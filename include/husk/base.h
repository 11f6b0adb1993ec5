/* husk/base.h - version, visibility and result codes; every other header starts here.
 *
 * Every function of husk returns HUSK_OK (0) or one of the negative codes below, fills the caller's
 * struct husk_err when it fails, and neither prints nor keeps global state.
 */
#ifndef HUSK_BASE_H
#define HUSK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUSK_VERSION "0.1.0"
#define HUSK_OCI_VERSION "1.3.0"     /* newest config version that is understood, and what state reports */
#define HUSK_OCI_VERSION_MIN "1.0.0"

#ifndef HUSK_API
#  ifdef HUSK_STATIC
#    define HUSK_API static
#  else
#    define HUSK_API extern
#  endif
#endif

#define HUSK_MUST_USE __attribute__((warn_unused_result))
#define HUSK_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* A vtable made against an older header is shorter: ask before calling a method that came later. */
#define HUSK_HAS(vt, method)                                                                        \
    ((vt) != NULL && (vt)->size >= offsetof(__typeof__(*(vt)), method) + sizeof((vt)->method) &&   \
     (vt)->method != NULL)

#define HUSK_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HUSK_MASK_BITS 8192u /* processors and memory nodes have numbers below that; the kernel's largest NR_CPUS */

#ifdef __cplusplus
#  define HUSK_BEGIN_DECLS extern "C" {
#  define HUSK_END_DECLS }
#else
#  define HUSK_BEGIN_DECLS
#  define HUSK_END_DECLS
#endif

enum husk_code {
    HUSK_OK = 0,
    HUSK_ESPEC = -1,  /* the configuration is wrong: correct config.json */
    HUSK_EHOST = -2,  /* this host or build lacks what the configuration needs */
    HUSK_ESYS = -3,   /* the kernel refused a step while it was carried out */
    HUSK_ENOMEM = -4, /* out of memory, or a fixed buffer was too small */
    HUSK_ESTATE = -5, /* the container is not in a state that allows this, or does not exist */
    HUSK_EARG = -6,   /* a bad argument: container id, request, plan text */
};

#endif
