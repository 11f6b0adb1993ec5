/* husk/apply.h - carry a plan out. Stage 3, the parent's half.
 *
 *     struct husk_apply a = { .plan = &plan, .state_fd = -1, .target_fd = -1, .undo_fd = -1 };
 *     if (husk_apply(&a, &err)) return report(&err);    // nothing is left behind
 *     wait for a.pid ... husk_apply_fini(&a); husk_undo_fd(a.undo_fd, &err)  // what outlived it, cgroups
 *
 * Makes no decision: every step is in the plan. Verifies the plan first. Errors: HUSK_ESYS with op, errno,
 * the place in config.json and one line of text; then the child is dead and reaped and what was made is
 * undone. Threads: may be called from any thread of any program, in several at once. All signals are blocked
 * in the calling thread while it clones; the program starts with none blocked and none ignored. Descriptors 0
 * to 2 must be open, and SIGCHLD must not be ignored (hooks are waited for).
 */
#ifndef HUSK_APPLY_H
#define HUSK_APPLY_H

#include "husk/child.h"
#include "husk/plan.h"

struct husk_apply {
    const struct husk_plan *plan;
    int state_fd;  /* @state: the state directory (borrowed), or -1 when the plan does not use it */
    int target_fd; /* @target: /proc/PID of the container (borrowed), or -1 */
    int undo_fd;   /* file that gets one line before each thing that outlives the container (borrowed), or -1:
                      memory only */
    const struct husk_backends *backends; /* for undo; NULL: the default ones */
    /* Called by record operations, may be NULL. Returns 0 or a negative code with *err filled. */
    int (*record)(void *ctx, const char *status, int32_t pid, struct husk_err *err);
    /* Called when the child ended without a word, before anything is undone: may put a better reason into
     * *err, which is filled. status: as of wait(2), -1 when it was not ours to wait for. May be NULL. */
    void (*died)(void *ctx, int status, struct husk_err *err);
    void *ctx;
    uint32_t fail_op; /* tests: operation to fail with fail_errno instead of doing it, in whichever actor runs
                         it */
    int fail_errno;   /* 0: none */
    bool spare[2];    /* tests: of an operation that both run, the half of this enum husk_who does not fail */

    /* Results; pid is given to husk_apply_start(). */
    int32_t pid;
    int pidfd;      /* -1 where the kernel has none; owned by the struct */
    int console_fd; /* @console when it was not sent away; owned by the struct, take it by setting -1 */
    uint32_t gate;  /* index of the gate operation that create stopped at, or HUSK_NO_OP */
};

#ifdef __cplusplus /* where -Wshadow calls a function of the same name a constructor's shadow */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
HUSK_BEGIN_DECLS

/* Up to the gate (create), or to the end, when the program was executed. */
HUSK_API HUSK_MUST_USE int husk_apply(struct husk_apply *a, struct husk_err *err);
/* The other side of the gate: opens it (@state is needed), runs the parent operations after it, and returns
 * when the program was executed. a->pid must be the container's, and the gate's file is gone then. Errors
 * name the operation of the child, too; the container is killed, and the rest is left to delete. HUSK_ESTATE:
 * nobody waits at the gate. */
HUSK_API HUSK_MUST_USE int husk_apply_start(struct husk_apply *a, struct husk_err *err);
/* Close what a call of the two left in the struct. The container goes on. */
HUSK_API void husk_apply_fini(struct husk_apply *a);

/* Undo log: lines `rmdir "PATH"`, `unlink "PATH"`, `prune "PATH"` (rmdir, unless others use it by now) and
 * `keep "PATH"` (the line before it is void). Undone backwards; what is gone already is fine. Goes on after a
 * failure, returns the first. Waits a short while for a cgroup whose last process is on its way out.
 */
HUSK_API HUSK_MUST_USE int husk_undo(const char *log, size_t len, struct husk_err *err);
/* The same with what a file holds, such as the one that undo_fd was. The descriptor is borrowed. */
HUSK_API HUSK_MUST_USE int husk_undo_fd(int fd, struct husk_err *err);

/* Run one hook in the caller's namespaces with the state text on stdin: what delete needs for poststop.
 * Bounded output goes into err->msg. */
HUSK_API HUSK_MUST_USE int husk_hook_run(const struct husk_op_hook *hook, const char *state, size_t len,
                                         const char *why, struct husk_err *err);

HUSK_END_DECLS
#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_IMPLEMENTED)
#define HUSK_APPLY_IMPLEMENTED
#include "husk/impl/apply_error.h"
#include "husk/impl/apply_undo.h"
#include "husk/impl/apply_file.h"
#include "husk/impl/apply_parent.h"
#include "husk/impl/apply_run.h"
#endif
