/* Device rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, for cgroup v2.
 *
 * The kernel calls it once a request with the wanted accesses, and 1 grants all of them. Accesses that are
 * still undecided stay as bits in r2, whose low half is the device's type. Rules run from the last to the
 * first: an allow clears its bits, and grants the request when none is left; a deny refuses when one of its
 * bits is left.
 *
 *     r2 = access << 16 | type     r3 = major     r4 = minor
 *
 * The verifier's time grows with each instruction (about 5 us), so neighbouring rules of one verdict, whose
 * order does not matter, are sorted to share the tests of type and major. <linux/bpf.h> is all that is
 * needed; the program is bytes in the plan, and apply loads it with bpf(2).
 */
#include "device_rules.h"
#include <linux/bpf.h>
#include <string.h>

#define MOST 4096    /* instructions that every kernel takes (BPF_MAXINSNS) */
#define ALLOW 0x7ffe /* targets of jumps until the ends are known */
#define DENY 0x7fff

_Static_assert((int)HUSK__BLOCK == (int)BPF_DEVCG_DEV_BLOCK && (int)HUSK__CHAR == (int)BPF_DEVCG_DEV_CHAR,
               "the kernel's numbers");

struct program {
    struct husk_arena *arena;
    struct bpf_insn *v;
    uint32_t n, cap;
    uint32_t left; /* accesses, in the kernel's bits, that can still be undecided here */
    bool base;     /* what holds for those that no rule decides */
};

/* The configuration's r, w, m in the kernel's order of bits. */
static uint32_t kernel_access(uint32_t access)
{
    return (access & HUSK_DEV_READ ? BPF_DEVCG_ACC_READ : 0u) |
           (access & HUSK_DEV_WRITE ? BPF_DEVCG_ACC_WRITE : 0u) |
           (access & HUSK_DEV_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0u);
}

/* Returns the instruction's index, for set_target. */
static uint32_t emit(struct program *g, int code, int dst, int off, int64_t imm)
{
    if (g->n == g->cap) {
        uint32_t cap = g->cap ? 2 * g->cap : 64;
        struct bpf_insn *v = husk_arena_grow(g->arena, g->v, g->n * sizeof *v, cap * sizeof *v);
        if (v == NULL)
            return 0;
        g->v = v;
        g->cap = cap;
    }
    g->v[g->n] = (struct bpf_insn){
        .code = (uint8_t)code, .dst_reg = (uint8_t)(dst & 15), .off = (int16_t)off, .imm = (int32_t)imm};
    return g->n++;
}

static uint32_t jump(struct program *g, int test, int reg, int64_t imm, int target)
{
    return emit(g, BPF_JMP | test | BPF_K, reg, target, imm);
}

/* A forward jump goes to the next instruction that is emitted. */
static void set_target(struct program *g, uint32_t from)
{
    if (from < g->n)
        g->v[from].off = (int16_t)(g->n - from - 1);
}

static void load(struct program *g, int reg, size_t offset)
{
    if (emit(g, BPF_LDX | BPF_MEM | BPF_W, reg, (int)offset, 0) < g->n)
        g->v[g->n - 1].src_reg = BPF_REG_1;
}

/* The device is the rule's: decide. */
static void emit_verdict(struct program *g, const struct husk__rule *r, uint32_t access)
{
    bool wide = r->types == HUSK__ANY_TYPE && r->major == -1 && r->minor == -1;

    if (access == g->left && wide) {
        g->base = r->allow; /* and no rule follows that could still say something */
    } else if (access == g->left) {
        jump(g, BPF_JA, 0, 0, r->allow ? ALLOW : DENY);
    } else if (r->allow) {
        emit(g, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, (int32_t) ~(access << 16));
        jump(g, BPF_JLE, BPF_REG_2, 0xffff, ALLOW);
    } else {
        jump(g, BPF_JSET, BPF_REG_2, (int64_t)access << 16, DENY);
    }
    if (wide)
        g->left &= ~access;
}

static void emit_rule(struct program *g, const struct husk__rule *r)
{
    uint32_t access = kernel_access(r->access) & g->left, skip;

    if (access == 0)
        return;
    if (r->minor == -1) {
        emit_verdict(g, r, access);
    } else if (access == g->left) {
        jump(g, BPF_JEQ, BPF_REG_4, r->minor, r->allow ? ALLOW : DENY);
    } else {
        skip = jump(g, BPF_JNE, BPF_REG_4, r->minor, 0);
        emit_verdict(g, r, access);
        set_target(g, skip);
    }
}

/* Rules of one verdict, type and major. */
static void emit_major(struct program *g, const struct husk__rule *v, uint32_t n)
{
    uint32_t skip;

    if (v->major != -1 && n == 1 && v->minor == -1 && (kernel_access(v->access) & g->left) == g->left) {
        jump(g, BPF_JEQ, BPF_REG_3, v->major, v->allow ? ALLOW : DENY);
        return;
    }
    skip = v->major == -1 ? UINT32_MAX : jump(g, BPF_JNE, BPF_REG_3, v->major, 0);
    for (uint32_t i = 0; i < n; i++)
        emit_rule(g, &v[i]);
    set_target(g, skip);
}

/* Rules of one verdict, sorted. */
static void emit_run(struct program *g, const struct husk__rule *v, uint32_t n)
{
    for (uint32_t i = 0, end; i < n; i = end) {
        uint32_t types = v[i].types, skip = UINT32_MAX;
        for (end = i; end < n && v[end].types == types; end++)
            ;
        if (types != HUSK__ANY_TYPE)
            skip = jump(g, BPF_JSET, BPF_REG_2, HUSK__ANY_TYPE & ~types, 0);
        for (uint32_t k = i, next; k < end; k = next) {
            for (next = k; next < end && v[next].major == v[k].major; next++)
                ;
            emit_major(g, v + k, next - k);
        }
        set_target(g, skip);
    }
}

/* Wide ones first: those of any type shrink what is left to decide. */
static bool before(const struct husk__rule *a, const struct husk__rule *b)
{
    return a->types != b->types   ? a->types > b->types
           : a->major != b->major ? a->major < b->major
                                  : a->minor < b->minor;
}

static void sort(struct husk__rule *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct husk__rule r = v[i];
        uint32_t k = i;
        for (; k > 0 && before(&r, &v[k - 1]); k--)
            v[k] = v[k - 1];
        v[k] = r;
    }
}

/* What falls out of the rules is the base's. The other verdict stands behind it, when something jumps there:
 * the verifier wants no unreachable instruction. */
static void emit_ends(struct program *g)
{
    uint32_t same = g->n, end = g->n;
    bool used = false;

    emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, g->base);
    emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0);
    for (uint32_t i = 0; i < end; i++) {
        struct bpf_insn *in = &g->v[i];
        bool other = in->off == (g->base ? DENY : ALLOW);
        if (BPF_CLASS(in->code) != BPF_JMP || (in->off != ALLOW && in->off != DENY))
            continue;
        in->off = (int16_t)((other ? same + 2 : same) - i - 1);
        used = used || other;
    }
    if (!used)
        return;
    emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, !g->base);
    emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

static void emit_program(struct program *g, const struct husk__rules *l)
{
    bool majors = false, minors = false;

    g->base = l->base;
    g->left = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    for (uint32_t i = 0; i < l->n; i++) {
        majors = majors || l->v[i].major != -1;
        minors = minors || l->v[i].minor != -1;
    }
    if (l->n > 0)
        load(g, BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    if (majors)
        load(g, BPF_REG_3, offsetof(struct bpf_cgroup_dev_ctx, major));
    if (minors)
        load(g, BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, minor));
    for (uint32_t end = l->n, start; end > 0 && g->n <= MOST; end = start) {
        for (start = end - 1; start > 0 && l->v[start - 1].allow == l->v[end - 1].allow; start--)
            ;
        sort(l->v + start, end - start);
        emit_run(g, l->v + start, end - start);
    }
    emit_ends(g);
}

static int probe(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason)
{
    if (h->version != 2) {
        *reason = "not a cgroup2 hierarchy";
        return 0;
    }
    if (!host->features[HUSK_FEATURE_BPF_CGROUP_DEVICE]) {
        *reason = "this kernel does not let us load device programs (BPF_PROG_TYPE_CGROUP_DEVICE)";
        return 0;
    }
    return 1;
}

static int plan_rules(struct husk_planner *p, uint32_t place, const struct husk_device_rule *rules,
                      uint32_t n)
{
    struct program g = {.arena = p->arena};
    struct husk__rules l;
    struct husk_op *op;
    int rc = husk__device_rules(p, rules, n, &l);

    (void)place; /* a container has one cgroup of v2 */
    if (rc != 0)
        return rc;
    if (l.n == 0 && l.base)
        return HUSK_OK;
    emit_program(&g, &l);
    if (g.n > MOST)
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, "/linux/resources/devices",
                         "the device rules make a program of more than %d instructions", MOST);
    op = husk_add(p, HUSK_OP_BPF, HUSK_PARENT, "/linux/resources/devices");
    op->u.bpf.slot = (enum husk_slot)(HUSK_SLOT_CG + place);
    op->u.bpf.program = (struct husk_bytes){(const uint8_t *)g.v, g.n * (uint32_t)sizeof *g.v};
    husk__rule_may_fail(p, op);
    return HUSK_OK;
}

const struct husk_device_backend husk_device_bpf = {
    .size = sizeof husk_device_bpf,
    .abi = HUSK_DEVICE_ABI,
    .name = "device-bpf",
    .probe = probe,
    .plan_rules = plan_rules,
};
