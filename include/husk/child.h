/* husk/child.h - the half of apply that runs between clone and exec. Stage 3, the child.
 *
 * Raw system calls only: no allocation, no lock, no stdio, no environ, no locale, so that it is safe in a
 * child of a multi-threaded program. The build proves it: compiled alone, its undefined symbols are a short
 * allow-list. It reports (operation, errno) and nothing else; every text is the parent's.
 *
 * The parent carries out operations of a common kind (open, mkdir, write …) by the same functions: one
 * implementation a kind, two actors. Both work on a struct husk_child, each on its own copy.
 */
#ifndef HUSK_CHILD_H
#define HUSK_CHILD_H

#include "husk/op.h"

/* err: 0 a sync point was reached; 1 the new pid of a fork is in detail; below 0 failed with that errno.
 * detail: a hook's wait status, a pid, otherwise 0. A hook's failure is followed by a struct
 * husk_hook_output. */
struct husk_report {
    uint32_t op;
    int32_t err;
    int64_t detail;
};

/* What a hook said, as much as fits an error text. */
struct husk_hook_output {
    uint32_t out_len, err_len;
    char out[192], err[448];
};

/* Prepared by the parent before clone; the child never allocates. */
struct husk_child {
    const struct husk_op *ops;
    uint32_t n;
    uint32_t at;    /* the operation being carried out; where the child starts */
    int64_t detail; /* of the operation's report */
    int channel;    /* to the parent: a SOCK_SEQPACKET pair, after the gate the stream of `start` */
    int cwd;        /* the directory at the start, until the root changes; or -1 */
    int empty;      /* the read-only tmpfs that masks directories, or -1 */
    int slot[HUSK_SLOT_COUNT]; /* -1: not defined */
    uint32_t used_until[HUSK_SLOT_COUNT]; /* 1 + the child's last operation that uses the slot; then it is closed */
    int32_t pid;               /* parent: the child; child: 0 */
    int32_t *forked;           /* in memory of both: the pid that a fork made. NULL: the plan has no fork */
    uint32_t umask;    /* for programs: the child's own is 0, so that modes are exact; parent: HUSK_ID_KEEP */
    bool settled;      /* umask and signal mask are the program's */
    bool last_word;    /* what comes next is exec: nothing can be reported but a failure */
    const char **envp; /* exec's environment with room for HOME; the list that exec gets */
    uint32_t env_n;
    const char *program; /* found by lookup */
    char *buffer;        /* HUSK_CHILD_BUFFER bytes */
    bool in_cwd;               /* a chdir operation succeeded */
    char home[512];
    struct husk_hook_output output;
    /* Parent: called before a directory or socket `name` that outlives the container is made in dir, and with
     * "keep" when that failed; 0 or an errno below 0. */
    long (*making)(struct husk_child *c, const char *verb, int dir, const char *name);
    uint32_t fail_op; /* fault injection of tests, with fail_errno */
    int fail_errno;
};
#define HUSK_CHILD_BUFFER 16384u

HUSK_BEGIN_DECLS
/* Runs the operations from c->at on; ends by execve(2) or _exit(2). */
HUSK_API void husk_child_run(struct husk_child *c) __attribute__((noreturn));
HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_IMPLEMENTED)
#define HUSK_CHILD_IMPLEMENTED
#include "husk/impl/child_path.h"
#include "husk/impl/child_file.h"
#include "husk/impl/child_mount.h"
#include "husk/impl/child_hook.h"
#include "husk/impl/child_process.h"
#include "husk/impl/child_copyup.h"
#include "husk/impl/child_sched.h"
#include "husk/impl/child_net.h"
#include "husk/impl/child_main.h"
#endif
