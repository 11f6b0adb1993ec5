/* husk/err.h - the one error type. Fixed size, owned by the caller, nothing to free.
 *
 *     struct husk_err err = {0};
 *     if (husk_spec_parse(...)) fprintf(stderr, "%s: %s\n", err.at, err.msg);
 *
 * Match on `diag`, never on text. `at` is a JSON pointer into config.json, "default" or "host".
 */
#ifndef HUSK_ERR_H
#define HUSK_ERR_H

#include "husk/base.h"

#define HUSK_NO_OP UINT32_MAX

/* X(enum suffix, stable id). Append only. */
#define HUSK_DIAGS(X)                                                                               \
    X(NONE, "none")                                                                                 \
    X(JSON_SYNTAX, "json-syntax")                                                                   \
    X(JSON_TYPE, "json-type")                                                                       \
    X(JSON_RANGE, "json-range")                                                                     \
    X(JSON_DUPLICATE, "json-duplicate")                                                             \
    X(MISSING, "missing-member")                                                                    \
    X(UNKNOWN_VALUE, "unknown-value")                                                               \
    X(BAD_VALUE, "bad-value")                                                                       \
    X(CONFLICT, "conflict")                                                                         \
    X(VERSION, "unsupported-version")                                                               \
    X(NOT_BUILT, "not-in-this-build")                                                               \
    X(NO_CONTROLLER, "no-cgroup-controller")                                                        \
    X(NO_FEATURE, "no-kernel-feature")                                                              \
    X(NO_PERMISSION, "no-permission")                                                               \
    X(NO_BACKEND, "no-backend")                                                                     \
    X(OP_FAILED, "operation-failed")                                                                \
    X(NOT_FOUND, "executable-not-found")                                                            \
    X(HOOK_FAILED, "hook-failed")                                                                   \
    X(CHILD_DIED, "child-died")                                                                     \
    X(PLAN_SYNTAX, "plan-syntax")                                                                   \
    X(PLAN_UNSAFE, "plan-unsafe")                                                                   \
    X(NO_MEMORY, "no-memory")                                                                       \
    X(ID, "bad-id")                                                                                 \
    X(EXISTS, "container-exists")                                                                   \
    X(ABSENT, "container-absent")                                                                   \
    X(WRONG_STATE, "wrong-state")                                                                   \
    X(STATE_FILE, "state-file")                                                                     \
    X(USAGE, "usage")

enum husk_diag {
#define X(id, text) HUSK_DIAG_##id,
    HUSK_DIAGS(X)
#undef X
        HUSK_DIAG_COUNT
};

struct husk_err {
    enum husk_code code;
    enum husk_diag diag;
    int sys;         /* errno, or 0 */
    uint32_t op;     /* index into the plan, or HUSK_NO_OP */
    uint32_t line;   /* in config.json, 1-based; 0 when not known */
    uint32_t column; /* in bytes, 1-based */
    char at[256];
    char msg[768];
};

HUSK_BEGIN_DECLS

/* Fills *err (which may be NULL) and returns code, so that callers write `return husk_fail(...)`. `at` may be NULL. */
HUSK_API int husk_fail(struct husk_err *err, enum husk_code code, enum husk_diag diag, int sys, const char *at,
                       const char *fmt, ...) HUSK_PRINTF(6, 7);
HUSK_API const char *husk_diag_name(enum husk_diag diag);
/* The errno's symbol, "EPERM"; "E?" for an unknown one. */
HUSK_API const char *husk_errno_name(int sys);
/* 0 for an unknown symbol. */
HUSK_API int husk_errno_value(const char *name, size_t len);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_ERR_IMPLEMENTED)
#define HUSK_ERR_IMPLEMENTED
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

HUSK_API int husk_fail(struct husk_err *err, enum husk_code code, enum husk_diag diag, int sys, const char *at,
                       const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    memset(err, 0, sizeof *err);
    err->code = code;
    err->diag = diag;
    err->sys = sys;
    err->op = HUSK_NO_OP;
    snprintf(err->at, sizeof err->at, "%s", at ? at : "");
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return code;
}

HUSK_API const char *husk_diag_name(enum husk_diag diag)
{
    static const char *const names[] = {
#define X(id, text) text,
        HUSK_DIAGS(X)
#undef X
    };
    return diag < HUSK_DIAG_COUNT ? names[diag] : "unknown";
}

/* The errnos that plans mention and that the kernel gives for what plans do. */
#define HUSK__ERRNOS(X)                                                                             \
    X(EPERM) X(ENOENT) X(ESRCH) X(EINTR) X(EIO) X(ENXIO) X(E2BIG) X(ENOEXEC) X(EBADF) X(ECHILD)    \
    X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) X(ENOTBLK) X(EBUSY) X(EEXIST) X(EXDEV) X(ENODEV)       \
    X(ENOTDIR) X(EISDIR) X(EINVAL) X(ENFILE) X(EMFILE) X(ENOTTY) X(ETXTBSY) X(EFBIG) X(ENOSPC)     \
    X(ESPIPE) X(EROFS) X(EMLINK) X(EPIPE) X(EDOM) X(ERANGE) X(EDEADLK) X(ENAMETOOLONG) X(ENOSYS)   \
    X(ENOTEMPTY) X(ELOOP) X(ENODATA) X(EOVERFLOW) X(EILSEQ) X(EUSERS) X(ENOTSOCK) X(EPROTO)        \
    X(EPROTOTYPE) X(EOPNOTSUPP) X(EAFNOSUPPORT) X(EADDRINUSE) X(ECONNREFUSED) X(ECONNRESET)        \
    X(ETIMEDOUT) X(ESTALE) X(EDQUOT) X(ECANCELED) X(ELIBBAD) X(ENOKEY) X(EKEYREJECTED) X(ENOTCONN) \
    X(ENETUNREACH) X(ENOBUFS) X(EHOSTUNREACH) X(EALREADY) X(EISCONN) X(EMSGSIZE)

HUSK_API const char *husk_errno_name(int sys)
{
    switch (sys) {
#define X(e) case e: return #e;
        HUSK__ERRNOS(X)
#undef X
    default: return "E?";
    }
}

HUSK_API int husk_errno_value(const char *name, size_t len)
{
#define X(e) if (len == sizeof #e - 1 && memcmp(name, #e, len) == 0) return e;
    HUSK__ERRNOS(X)
#undef X
    return 0;
}
#endif
