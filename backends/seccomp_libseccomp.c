/* linux.seccomp through libseccomp: rules in, classic BPF out. The plan then carries the bytes, so that whoever applies it
 * needs no compiler. Before the library's filter stands a short one of ours: system calls newer than every one that the
 * profile names give ENOSYS, as on a kernel without them, so that libc falls back instead of failing.
 */
#include "husk.h"
#if HUSK_WITH_SECCOMP
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1u << 2)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1u << 5)
#endif
#ifndef SECCOMP_RET_ACTION_FULL
#define SECCOMP_RET_ACTION_FULL 0xffff0000u
#endif

#define X32_BIT 0x40000000u
#define MAX_ARCHS 24

static int probe(const struct husk_host *host, const char **reason)
{
    if (!host->features[HUSK_FEATURE_SECCOMP_FILTER]) {
        *reason = "this kernel has no seccomp filters";
        return 0;
    }
    return 1;
}

/* The kernel's action word; libseccomp's are the same numbers. errnoRet is EPERM when not given (config-linux.md). */
static uint32_t action_of(uint32_t action, const struct husk_opt_u32 *errno_ret)
{
    if (action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE)
        return action | (errno_ret->set ? errno_ret->v & 0xffffu : (uint32_t)EPERM);
    return action;
}

static const enum scmp_compare compare_of[] = {
    [HUSK_SECCOMP_NE] = SCMP_CMP_NE,
    [HUSK_SECCOMP_LT] = SCMP_CMP_LT,
    [HUSK_SECCOMP_LE] = SCMP_CMP_LE,
    [HUSK_SECCOMP_EQ] = SCMP_CMP_EQ,
    [HUSK_SECCOMP_GE] = SCMP_CMP_GE,
    [HUSK_SECCOMP_GT] = SCMP_CMP_GT,
    [HUSK_SECCOMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

static struct scmp_arg_cmp arg_of(const struct husk_seccomp_arg *a)
{
    bool masked = a->op == HUSK_SECCOMP_MASKED_EQ;

    return (struct scmp_arg_cmp){
        .arg = a->index, .op = compare_of[a->op], .datum_a = a->value, .datum_b = masked ? a->value_two : 0};
}

/* What is wanted where the mask has no bit is never there; libseccomp would not look at it. */
static bool can_hold(const struct husk_seccomp_arg *a)
{
    return a->op != HUSK_SECCOMP_MASKED_EQ || (a->value_two & ~a->value) == 0;
}

/* All arguments of a rule must match; libseccomp takes one condition an argument, so those that share one become rules
 * of their own, as runc and crun do it. */
static int add_rule(scmp_filter_ctx ctx, uint32_t action, int nr, const struct husk_seccomp_rule *rule)
{
    struct scmp_arg_cmp args[6];
    uint32_t seen = 0;
    bool shared = false, possible = true;
    int r = 0;

    for (uint32_t i = 0; i < rule->args.n; i++) {
        possible = possible && can_hold(&rule->args.v[i]);
        shared = shared || (seen & (1u << rule->args.v[i].index));
        seen |= 1u << rule->args.v[i].index;
        if (i < HUSK_COUNT(args))
            args[i] = arg_of(&rule->args.v[i]);
    }
    if (!shared)
        return possible ? seccomp_rule_add_array(ctx, action, nr, rule->args.n, args) : 0;
    for (uint32_t i = 0; i < rule->args.n && r == 0; i++) {
        args[0] = arg_of(&rule->args.v[i]);
        if (can_hold(&rule->args.v[i]))
            r = seccomp_rule_add_array(ctx, action, nr, 1, args);
    }
    return r;
}

/* Profiles name calls that this library is too old to know; crun's annotation wants to hear of them. */
static bool unknown_fails(const struct husk_spec *spec)
{
    for (uint32_t i = 0; i < spec->annotations.n; i++)
        if (strcmp(spec->annotations.v[i].name, "run.oci.seccomp_fail_unknown_syscall") == 0)
            return strcmp(spec->annotations.v[i].value, "0") != 0;
    return false;
}

static int add_rules(struct husk_planner *p, scmp_filter_ctx ctx, const struct husk_seccomp *profile,
                     uint32_t default_action)
{
    for (uint32_t i = 0; i < profile->rules.n; i++) {
        const struct husk_seccomp_rule *rule = &profile->rules.v[i];
        uint32_t action = action_of(rule->action, &rule->errno_ret);
        for (uint32_t k = 0; k < rule->names.n && action != default_action; k++) {
            int nr = seccomp_syscall_resolve_name(rule->names.v[k]), r;
            if (nr == __NR_SCMP_ERROR && !unknown_fails(p->spec))
                continue;
            if (nr == __NR_SCMP_ERROR)
                return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_UNKNOWN_VALUE, 0,
                                 husk_plan_str(p, "/linux/seccomp/syscalls/%u/names/%u", i, k),
                                 "unknown system call %s", rule->names.v[k]);
            if ((r = add_rule(ctx, action, nr, rule)) != 0)
                return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_BAD_VALUE, -r,
                                 husk_plan_str(p, "/linux/seccomp/syscalls/%u", i), "no rule can be made for %s: %s",
                                 rule->names.v[k], strerror(-r));
        }
    }
    return HUSK_OK;
}

static int add_archs(struct husk_planner *p, scmp_filter_ctx ctx, const struct husk_seccomp *profile)
{
    for (uint32_t i = 0; i < profile->archs.n; i++) {
        int r = seccomp_arch_add(ctx, profile->archs.v[i]);
        if (r != 0 && r != -EEXIST)
            return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NOT_BUILT, -r,
                             husk_plan_str(p, "/linux/seccomp/architectures/%u", i),
                             r == -EDOM ? "no filter is for machines of both byte orders"
                                        : "the seccomp library does not know this architecture");
    }
    return HUSK_OK;
}

/* The greatest system call number that the profile names, -1 when none is known there. */
static int64_t newest_call(const struct husk_seccomp *profile, uint32_t arch)
{
    int64_t newest = -1;

    for (uint32_t i = 0; i < profile->rules.n; i++)
        for (uint32_t k = 0; k < profile->rules.v[i].names.n; k++) {
            int nr = seccomp_syscall_resolve_name_arch(arch, profile->rules.v[i].names.v[k]);
            if (nr > newest)
                newest = nr;
        }
    return newest;
}

/* Six instructions an architecture: newer calls return ENOSYS, everything else goes on to the filter behind. */
static uint32_t put_newer(struct sock_filter *out, const struct husk_seccomp *profile, scmp_filter_ctx ctx)
{
    uint32_t archs[MAX_ARCHS], n_archs = 0, n = 0, blocks = 0;

    archs[n_archs++] = seccomp_arch_native();
    for (uint32_t i = 0; i < profile->archs.n && n_archs < MAX_ARCHS; i++)
        if (profile->archs.v[i] != archs[0] && profile->archs.v[i] != HUSK_ARCH_X32 &&
            seccomp_arch_exist(ctx, profile->archs.v[i]) == 0)
            archs[n_archs++] = profile->archs.v[i];
    out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    for (uint32_t i = 0; i < n_archs; i++) {
        int64_t newest = newest_call(profile, archs[i]);
        if (newest < 0)
            continue;
        blocks++;
        out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, archs[i], 0, 5);
        out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        out[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0); /* x32 shares x86-64's word */
        out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)newest, 0, 1);
        out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
        out[n++] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
    }
    for (uint32_t i = 0; i < blocks; i++) /* behind the last block begins the filter */
        out[1 + i * 6 + 5].k = (blocks - 1 - i) * 6;
    return blocks ? n : 0;
}

static int export_filter(struct husk_planner *p, scmp_filter_ctx ctx, struct husk_bytes *out,
                         const struct sock_filter *head, uint32_t n_head)
{
    int fd = memfd_create("seccomp", MFD_CLOEXEC), r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
    size_t skip = n_head * sizeof *head, size = 0;
    off_t end = r == 0 ? lseek(fd, 0, SEEK_END) : 0;
    uint8_t *v = NULL;

    if (end > 0 && (v = husk_arena_alloc(p->arena, skip + (size_t)end)) != NULL) {
        memcpy(v, head, skip);
        while (size < (size_t)end) {
            ssize_t got = pread(fd, v + skip + size, (size_t)end - size, (off_t)size);
            if (got <= 0)
                break;
            size += (size_t)got;
        }
    }
    if (fd >= 0)
        close(fd);
    if (p->arena->failed)
        return husk_fail(p->err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "/linux/seccomp", "out of memory");
    if (r != 0 || end <= 0 || size != (size_t)end)
        return husk_fail(p->err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, -r, "/linux/seccomp",
                         "the seccomp library cannot write the filter");
    if ((skip + size) / sizeof *head > BPF_MAXINSNS)
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_BAD_VALUE, 0, "/linux/seccomp",
                         "the filter has more than %d instructions", BPF_MAXINSNS);
    *out = (struct husk_bytes){v, (uint32_t)(skip + size)};
    return HUSK_OK;
}

static int flags_of(struct husk_planner *p, const struct husk_seccomp *profile, uint32_t *flags)
{
    static const struct {
        uint32_t flag;
        enum husk_feature feature;
    } needs[] = {
        {SECCOMP_FILTER_FLAG_LOG, HUSK_FEATURE_SECCOMP_LOG},
        {SECCOMP_FILTER_FLAG_SPEC_ALLOW, HUSK_FEATURE_SECCOMP_SPEC_ALLOW},
        {SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, HUSK_FEATURE_SECCOMP_WAIT_KILLABLE},
    };

    *flags = profile->flags;
    if (!profile->flags_set && p->host->features[HUSK_FEATURE_SECCOMP_SPEC_ALLOW])
        *flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW; /* what engines expect of a profile that says nothing */
    for (size_t i = 0; i < HUSK_COUNT(needs); i++)
        if ((*flags & needs[i].flag) && !p->host->features[needs[i].feature])
            return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, "/linux/seccomp/flags",
                             "this kernel has no %s", husk_name_of(HUSK_TABLE_SECCOMP_FLAG, needs[i].flag));
    return HUSK_OK;
}

static int compile(struct husk_planner *p, const struct husk_seccomp *profile, struct husk_bytes *filter,
                   uint32_t *flags)
{
    uint32_t action = action_of(profile->default_action, &profile->default_errno_ret), n_head = 0;
    uint32_t class = action & SECCOMP_RET_ACTION_FULL;
    struct sock_filter head[1 + 6 * MAX_ARCHS];
    scmp_filter_ctx ctx;
    int r = flags_of(p, profile, flags);

    if (r != 0)
        return r;
    ctx = seccomp_init(action);
    if (ctx == NULL)
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_BAD_VALUE, 0, "/linux/seccomp/defaultAction",
                         "the seccomp library does not know this action");
    if ((r = add_archs(p, ctx, profile)) == 0 && (r = add_rules(p, ctx, profile, action)) == 0) {
        if ((class == SECCOMP_RET_ERRNO && action != (SECCOMP_RET_ERRNO | ENOSYS)) ||
            class == SECCOMP_RET_KILL_PROCESS || class == SECCOMP_RET_KILL_THREAD || class == SECCOMP_RET_TRAP)
            n_head = put_newer(head, profile, ctx);
        r = export_filter(p, ctx, filter, head, n_head);
    }
    seccomp_release(ctx);
    return r;
}

static bool knows_arch(uint32_t arch)
{
    return seccomp_syscall_resolve_name_arch(arch, "read") != __NR_SCMP_ERROR;
}

const struct husk_seccomp_backend husk_seccomp_libseccomp = {
    .size = sizeof husk_seccomp_libseccomp,
    .abi = HUSK_SECCOMP_ABI,
    .name = "seccomp-libseccomp",
    .probe = probe,
    .compile = compile,
    .knows_arch = knows_arch,
};
#else
typedef int husk__no_seccomp; /* an empty translation unit is not C */
#endif
