/* husk/names.h - one table for each set of names that the specification and the kernel share.
 * The parser, the printer, `husk features` and the tests all read these.
 */
#ifndef HUSK_NAMES_H
#define HUSK_NAMES_H

#include "husk/base.h"

struct husk_name {
    const char *name;
    uint64_t value;
};

/* A table ends with a NULL name. Where several names have one value, the first is the one that is printed. */
enum husk_table {
    HUSK_TABLE_CAPABILITY,     /* "CAP_CHOWN" → bit number */
    HUSK_TABLE_SIGNAL,         /* "SIGKILL" → number, and SIGRTMIN, SIGRTMAX */
    HUSK_TABLE_RLIMIT,         /* "RLIMIT_NOFILE" → RLIMIT_* */
    HUSK_TABLE_NAMESPACE,      /* "pid" → CLONE_NEWPID */
    HUSK_TABLE_SECCOMP_ACTION, /* "SCMP_ACT_ERRNO" → SECCOMP_RET_*; KILL = KILL_THREAD */
    HUSK_TABLE_SECCOMP_OP,     /* "SCMP_CMP_EQ" → enum husk_seccomp_op */
    HUSK_TABLE_SECCOMP_ARCH,   /* "SCMP_ARCH_X86_64" → AUDIT_ARCH_* where one exists (X32: HUSK_ARCH_X32) */
    HUSK_TABLE_SECCOMP_FLAG,   /* "SECCOMP_FILTER_FLAG_LOG" → SECCOMP_FILTER_FLAG_* */
    HUSK_TABLE_SCHED_POLICY,   /* "SCHED_OTHER" → SCHED_* */
    HUSK_TABLE_SCHED_FLAG,     /* "SCHED_FLAG_RESET_ON_FORK" → SCHED_FLAG_* */
    HUSK_TABLE_IOPRIO_CLASS,   /* "IOPRIO_CLASS_BE" → 2 */
    HUSK_TABLE_MEMPOLICY_MODE, /* "MPOL_BIND" → 2 */
    HUSK_TABLE_MEMPOLICY_FLAG, /* "MPOL_F_STATIC_NODES" → 1 << 15 */
    HUSK_TABLE_PERSONALITY,    /* "LINUX" → PER_LINUX, "LINUX32" → PER_LINUX32 */
    HUSK_TABLE_PROPAGATION,    /* "rprivate" → MS_PRIVATE | MS_REC; what rootfsPropagation takes */
    HUSK_TABLE_CLOCK,          /* "monotonic" → CLOCK_MONOTONIC, "boottime" */
    HUSK_TABLE_DEVICE_TYPE,    /* "c" → S_IFCHR; "u" = c, "b", "p" */
    HUSK_TABLE_COUNT
};

#define HUSK_ARCH_X32 0x4000003eu /* AUDIT_ARCH_X86_64 has no x32 twin of its own */

enum husk_seccomp_op {
    HUSK_SECCOMP_NE = 1, HUSK_SECCOMP_LT, HUSK_SECCOMP_LE, HUSK_SECCOMP_EQ, HUSK_SECCOMP_GE, HUSK_SECCOMP_GT,
    HUSK_SECCOMP_MASKED_EQ,
};

/* What one mount option does. `set`/`clear` are MS_* for this mount; recursive ones are MOUNT_ATTR_*. */
enum husk_mount_option_kind {
    HUSK_MOPT_FLAG,        /* MS_* flag: value is the bit, `on` tells set or clear */
    HUSK_MOPT_PROPAGATION, /* MS_SHARED … with or without MS_REC */
    HUSK_MOPT_RECURSIVE,   /* MOUNT_ATTR_* for the whole tree by mount_setattr */
    HUSK_MOPT_NOTHING,     /* defaults */
    HUSK_MOPT_TMPCOPYUP,
    HUSK_MOPT_IDMAP,       /* value: 1 when recursive */
    HUSK_MOPT_NOFOLLOW,    /* a symlink at the end of the source is what is mounted, or (1) of the destination what is covered */
};
struct husk_mount_option {
    const char *name;
    enum husk_mount_option_kind kind;
    bool on;
    uint64_t value;
};

HUSK_BEGIN_DECLS
HUSK_API const struct husk_name *husk_table(enum husk_table table);
HUSK_API bool husk_name_value(enum husk_table table, const char *name, uint64_t *value);
/* What one entry of the table is called in an error: "signal". */
HUSK_API const char *husk_table_noun(enum husk_table table);
/* NULL when the table has no such value. */
HUSK_API const char *husk_name_of(enum husk_table table, uint64_t value);
/* All of specification 1.3 and its text's omissions (rnodev), and crun's own of kind NOFOLLOW; sorted; ends with a NULL name. */
HUSK_API const struct husk_mount_option *husk_mount_options(void);
HUSK_API const struct husk_mount_option *husk_mount_option_find(const char *name);
/* Signal by number or name, with or without "SIG", any case, "SIGRTMIN+3"; -1 when unknown. */
HUSK_API int husk_signal_parse(const char *text);
HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_NAMES_IMPLEMENTED)
#define HUSK_NAMES_IMPLEMENTED
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "husk/impl/names_tables.h"

HUSK_API const struct husk_name *husk_table(enum husk_table table)
{
    return husk__tables[table].names;
}

HUSK_API const char *husk_table_noun(enum husk_table table)
{
    return husk__tables[table].noun;
}

HUSK_API bool husk_name_value(enum husk_table table, const char *name, uint64_t *value)
{
    for (const struct husk_name *n = husk__tables[table].names; n->name != NULL; n++) {
        if (strcmp(n->name, name) == 0) {
            *value = n->value;
            return true;
        }
    }
    return false;
}

HUSK_API const char *husk_name_of(enum husk_table table, uint64_t value)
{
    for (const struct husk_name *n = husk__tables[table].names; n->name != NULL; n++)
        if (n->value == value)
            return n->name;
    return NULL;
}

HUSK_API const struct husk_mount_option *husk_mount_options(void)
{
    return husk__mount_options;
}

static int husk__mount_option_order(const void *name, const void *option)
{
    return strcmp(name, ((const struct husk_mount_option *)option)->name);
}

HUSK_API const struct husk_mount_option *husk_mount_option_find(const char *name)
{
    return bsearch(name, husk__mount_options, HUSK_COUNT(husk__mount_options) - 1,
                   sizeof husk__mount_options[0], husk__mount_option_order);
}

/* A decimal number from 0 to max that is all of s, or -1. */
static int husk__small_number(const char *s, int max)
{
    int v = 0;

    if (*s == '\0')
        return -1;
    for (; *s >= '0' && *s <= '9' && v <= max; s++)
        v = v * 10 + (*s - '0');
    return *s == '\0' && v <= max ? v : -1;
}

HUSK_API int husk_signal_parse(const char *text)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    int n = husk__small_number(text, HUSK__SIGRTMAX);

    if (n >= 0)
        return n;
    for (const struct husk_name *s = husk__signals; s->name != NULL; s++)
        if (strcasecmp(s->name + 3, name) == 0)
            return (int)s->value;
    if (strncasecmp(name, "RTMIN+", 6) == 0) {
        n = husk__small_number(name + 6, HUSK__SIGRTMAX - HUSK__SIGRTMIN);
        return n >= 0 ? HUSK__SIGRTMIN + n : -1;
    }
    if (strncasecmp(name, "RTMAX-", 6) == 0) {
        n = husk__small_number(name + 6, HUSK__SIGRTMAX - HUSK__SIGRTMIN);
        return n >= 0 ? HUSK__SIGRTMAX - n : -1;
    }
    return -1;
}
#endif
