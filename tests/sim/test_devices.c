/* Device rules: hundreds of random lists, each compiled to eBPF and run in a small simulator against the
 * meaning of the list, for every device and access that could tell them apart; the same for lines of cgroup
 * v1 against a model of the kernel's controller; and where this machine lets us, the real kernel takes each
 * program and denies and grants real devices. */
#include "husk.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTS 600
#define MOST 14 /* rules in a list */

/* The meaning: each access by the last rule that names the device and has it; none: denied. */
static bool meaning(const struct husk_device_rule *v, uint32_t n, char type, int64_t major, int64_t minor,
                    uint32_t access)
{
    for (uint32_t bit = 1; bit <= 4; bit <<= 1) {
        bool allow = false;
        for (uint32_t i = 0; i < n; i++)
            if ((v[i].type == 'a' || v[i].type == type) && (v[i].major == -1 || v[i].major == major) &&
                (v[i].minor == -1 || v[i].minor == minor) && (v[i].access & bit))
                allow = v[i].allow;
        if ((access & bit) && !allow)
            return false;
    }
    return true;
}

/* ---- the simulator: the instructions that the compiler uses, everything else is a failure (-1) ---- */

static int step_jump(const struct bpf_insn *in, const uint64_t *r)
{
    uint64_t imm = (uint64_t)(int64_t)in->imm, a = r[in->dst_reg];

    switch (BPF_OP(in->code)) {
    case BPF_JA:
        return 1;
    case BPF_JEQ:
        return a == imm;
    case BPF_JNE:
        return a != imm;
    case BPF_JLE:
        return a <= imm;
    case BPF_JSET:
        return (a & imm) != 0;
    default:
        return -1;
    }
}

static int simulate(const struct bpf_insn *v, uint32_t n, const struct bpf_cgroup_dev_ctx *ctx)
{
    const uint32_t fields[] = {ctx->access_type, ctx->major, ctx->minor};
    uint64_t r[11] = {0};
    int jump;

    for (int64_t pc = 0; pc < n; pc++) {
        const struct bpf_insn *in = &v[pc];
        switch (in->code) {
        case BPF_LDX | BPF_MEM | BPF_W:
            if (in->src_reg != BPF_REG_1 || in->off < 0 || in->off > 8 || in->off % 4)
                return -1;
            r[in->dst_reg] = fields[in->off / 4];
            break;
        case BPF_ALU64 | BPF_MOV | BPF_K:
            r[in->dst_reg] = (uint64_t)(int64_t)in->imm;
            break;
        case BPF_ALU64 | BPF_AND | BPF_K:
            r[in->dst_reg] &= (uint64_t)(int64_t)in->imm;
            break;
        case BPF_JMP | BPF_EXIT:
            return (int)r[0];
        default:
            jump = BPF_CLASS(in->code) == BPF_JMP && BPF_SRC(in->code) == BPF_K ? step_jump(in, r) : -1;
            if (jump < 0 || in->off < 0)
                return -1;
            if (jump)
                pc += in->off;
        }
    }
    return -1;
}

/* ---- planning ---- */

struct bench {
    struct husk_arena arena;
    struct husk_spec spec;
    struct husk_host host;
    struct husk_request req;
    struct husk_err err;
    struct husk_planner p;
};

static int plan(struct bench *b, const struct husk_device_backend *backend, const struct husk_device_rule *v,
                uint32_t n)
{
    memset(b, 0, sizeof *b);
    b->p = (struct husk_planner){
        .arena = &b->arena, .spec = &b->spec, .host = &b->host, .req = &b->req, .err = &b->err};
    b->spec.linux_.resources.devices.n = n;
    return backend->plan_rules(&b->p, 0, v, n);
}

static struct husk_bytes program(const struct bench *b)
{
    return b->p.n ? b->p.ops[0].u.bpf.program : (struct husk_bytes){NULL, 0};
}

/* ---- a model of the v1 controller: security/device_cgroup.c ---- */

struct exception {
    char type;
    int64_t major, minor;
    uint32_t access;
};
struct v1 {
    bool allow;
    struct exception v[64];
    uint32_t n;
};

static void v1_write(struct v1 *m, const char *file, const char *data)
{
    bool allow = strcmp(file, "devices.allow") == 0;
    struct exception e = {.major = -1, .minor = -1};
    char major[24], minor[24], access[8] = "";
    uint32_t i = 0;

    if (data[0] == 'a') {
        *m = (struct v1){.allow = allow};
        return;
    }
    if (sscanf(data, "%c %23[^:]:%23s %7s", &e.type, major, minor, access) != 4) {
        m->n = 1000; /* the kernel would refuse it: nothing fits any more */
        return;
    }
    e.major = major[0] == '*' ? -1 : atoll(major);
    e.minor = minor[0] == '*' ? -1 : atoll(minor);
    for (const char *c = access; *c; c++)
        e.access |= *c == 'r' ? HUSK_DEV_READ : *c == 'w' ? HUSK_DEV_WRITE : HUSK_DEV_MKNOD;
    for (; i < m->n; i++)
        if (m->v[i].type == e.type && m->v[i].major == e.major && m->v[i].minor == e.minor)
            break;
    if (allow == m->allow) { /* takes an exception back */
        if (i < m->n && (m->v[i].access &= ~e.access) == 0)
            m->v[i] = m->v[--m->n];
    } else if (i < m->n) {
        m->v[i].access |= e.access;
    } else {
        m->v[m->n++] = e;
    }
}

static bool v1_allows(const struct v1 *m, char type, int64_t major, int64_t minor, uint32_t access)
{
    for (uint32_t i = 0; i < m->n && m->n < 1000; i++) {
        const struct exception *e = &m->v[i];
        if (e->type != type || (e->major != -1 && e->major != major) || (e->minor != -1 && e->minor != minor))
            continue;
        if (m->allow && (access & e->access))
            return false;
        if (!m->allow && (access & ~e->access) == 0)
            return true;
    }
    return m->allow;
}

/* ---- random lists ---- */

static uint64_t seed = 20240229;
static uint32_t pick(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % n;
}

/* Few numbers, so that rules meet; and one that no device has. */
static const int64_t numbers[] = {-1, -1, 1, 3, 5, 8, 136, 200, 4095, INT64_C(4294967295)};
static const int64_t probes[] = {0, 1, 3, 5, 8, 136, 200, 4095};

static uint32_t random_list(struct husk_device_rule v[MOST])
{
    uint32_t n = pick(MOST), wild = pick(3);

    for (uint32_t i = 0; i < n; i++) {
        bool all = pick(12) == 0;
        v[i] = (struct husk_device_rule){pick(2), all ? 'a' : "bca"[pick(wild ? 2 : 3)],
                                         all ? -1 : numbers[pick(10)], all ? -1 : numbers[pick(10)],
                                         all && pick(2) ? 7 : 1 + pick(7)};
    }
    return n;
}

static void show(const struct husk_device_rule *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        printf("# %s %c %lld:%lld %u\n", v[i].allow ? "allow" : "deny", v[i].type, (long long)v[i].major,
               (long long)v[i].minor, (unsigned)v[i].access);
}

typedef bool decide_fn(const void *ctx, char type, int64_t major, int64_t minor, uint32_t access);

/* The kernel asks for r, w, rw and m only; that is all that v1's exceptions promise. */
static bool agrees(const struct husk_device_rule *v, uint32_t n, decide_fn *decide, const void *ctx,
                   bool every_access)
{
    static const uint32_t accesses[] = {1, 2, 3, 4, 5, 6, 7};

    for (const char *type = "bc"; *type; type++)
        for (size_t i = 0; i < HUSK_COUNT(probes); i++)
            for (size_t k = 0; k < HUSK_COUNT(probes); k++)
                for (size_t a = 0; a < (every_access ? 7u : 4u); a++) {
                    bool want = meaning(v, n, *type, probes[i], probes[k], accesses[a]);
                    if (decide(ctx, *type, probes[i], probes[k], accesses[a]) == want)
                        continue;
                    printf("# %c %lld:%lld access %u should be %s\n", *type, (long long)probes[i],
                           (long long)probes[k], (unsigned)accesses[a], want ? "granted" : "denied");
                    show(v, n);
                    return false;
                }
    return true;
}

static bool decide_bpf(const void *ctx, char type, int64_t major, int64_t minor, uint32_t access)
{
    const struct husk_bytes *code = ctx;
    uint32_t kernel = (access & HUSK_DEV_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0u) |
                      (access & HUSK_DEV_READ ? BPF_DEVCG_ACC_READ : 0u) |
                      (access & HUSK_DEV_WRITE ? BPF_DEVCG_ACC_WRITE : 0u);
    struct bpf_cgroup_dev_ctx dev = {kernel << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
                                     (uint32_t)major, (uint32_t)minor};
    int r = code->n == 0 ? 1 : simulate((const struct bpf_insn *)(const void *)code->v, code->n / 8, &dev);

    if (r != 0 && r != 1)
        printf("# the simulator stopped: %d\n", r);
    return r == 1;
}

static bool decide_v1(const void *ctx, char type, int64_t major, int64_t minor, uint32_t access)
{
    return v1_allows(ctx, type, major, minor, access);
}

/* ---- the kernel ---- */

static int bpf(int cmd, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, cmd, attr, sizeof *attr);
}

static int load(const struct husk_bytes *code, char *log, size_t size)
{
    union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                           .insn_cnt = code->n / 8,
                           .insns = (uintptr_t)code->v,
                           .license = (uintptr_t) "",
                           .log_buf = (uintptr_t)log,
                           .log_size = log ? (uint32_t)size : 0,
                           .log_level = log ? 1 : 0};

    return bpf(BPF_PROG_LOAD, &attr);
}

/* Does the kernel give this process what the list grants? Nodes are made in a tmpfs of a private mount
 * namespace. */
static int ask_kernel(const struct husk_device_rule *v, uint32_t n, const char *dir)
{
    static const struct {
        char type;
        uint32_t major, minor;
    } nodes[] = {{'c', 1, 3}, {'c', 1, 5}, {'c', 1, 8}, {'c', 5, 0}, {'b', 7, 0}, {'b', 7, 1}};
    char path[64];

    for (size_t i = 0; i < HUSK_COUNT(nodes); i++) {
        mode_t type = nodes[i].type == 'c' ? S_IFCHR : S_IFBLK;
        for (uint32_t access = 1; access <= 4; access++) {
            bool want = meaning(v, n, nodes[i].type, nodes[i].major, nodes[i].minor, access), got;
            int fd = -1;
            if (access == HUSK_DEV_MKNOD) {
                snprintf(path, sizeof path, "%s/new", dir);
                got =
                    mknod(path, type | 0600, makedev(nodes[i].major, nodes[i].minor)) == 0 || errno != EPERM;
                unlink(path);
            } else {
                snprintf(path, sizeof path, "%s/%c%u.%u", dir, nodes[i].type, nodes[i].major, nodes[i].minor);
                fd = open(path, (access == 1   ? O_RDONLY
                                 : access == 2 ? O_WRONLY
                                               : O_RDWR) |
                                    O_NONBLOCK | O_NOCTTY);
                got =
                    fd >= 0 || errno != EPERM; /* /dev/tty without a terminal: ENXIO, asked after the rules */
            }
            if (fd >= 0)
                close(fd);
            if (got != want)
                return (int)(i * 10 + access + 1);
        }
    }
    return 0;
}

static void make_nodes(const char *dir)
{
    static const char *const names[] = {"c1.3", "c1.5", "c1.8", "c5.0", "b7.0", "b7.1"};
    char path[64], type;
    unsigned major, minor;

    for (size_t i = 0; i < HUSK_COUNT(names); i++)
        if (sscanf(names[i], "%c%u.%u", &type, &major, &minor) == 3) {
            snprintf(path, sizeof path, "%s/%s", dir, names[i]);
            (void)!mknod(path, (type == 'c' ? S_IFCHR : S_IFBLK) | 0600, makedev(major, minor));
        }
}

/* cgroup2, wherever it is mounted; or "". */
static void find_mount(const char *want, const char *option, char *path, size_t size)
{
    char line[1024], at[512], type[64], opts[256];
    FILE *f = fopen("/proc/self/mounts", "r");

    path[0] = '\0';
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%*s %511s %63s %255s", at, type, opts) == 3 && strcmp(type, want) == 0 &&
            (option == NULL || strstr(opts, option) != NULL))
            snprintf(path, size, "%s", at);
    if (f != NULL)
        fclose(f);
}

static bool write_file(const char *dir, const char *file, const char *data)
{
    char path[640];
    int fd;
    bool good;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    good = fd >= 0 && write(fd, data, strlen(data)) == (ssize_t)strlen(data);
    if (fd >= 0)
        close(fd);
    return good;
}

/* A child joins the cgroup and asks; 0: all as the list means. */
static int ask_in(const char *cgroup, const struct husk_device_rule *v, uint32_t n, const char *nodes)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(write_file(cgroup, "cgroup.procs", "0") ? ask_kernel(v, n, nodes) : 255);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

static int in_force_bpf(const char *root, const struct husk_bytes *code, const struct husk_device_rule *v,
                        uint32_t n, const char *nodes)
{
    char cgroup[600];
    int dir, prog = -1, rc = 253;

    snprintf(cgroup, sizeof cgroup, "%s/husk-test-%d", root, (int)getpid());
    if (mkdir(cgroup, 0755) != 0)
        return 252;
    dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    prog = load(code, NULL, 0);
    union bpf_attr attr = {.target_fd = (uint32_t)dir,
                           .attach_bpf_fd = (uint32_t)prog,
                           .attach_type = BPF_CGROUP_DEVICE,
                           .attach_flags = BPF_F_ALLOW_MULTI};
    if (dir >= 0 && prog >= 0 && bpf(BPF_PROG_ATTACH, &attr) == 0)
        rc = ask_in(cgroup, v, n, nodes);
    if (prog >= 0)
        close(prog);
    if (dir >= 0)
        close(dir);
    for (int i = 0; rmdir(cgroup) != 0 && errno == EBUSY && i < 500; i++)
        usleep(2000);
    return rc;
}

static int in_force_v1(const char *root, const struct husk_planner *p, const struct husk_device_rule *v,
                       uint32_t n, const char *nodes)
{
    char cgroup[600];
    int rc = 0;

    snprintf(cgroup, sizeof cgroup, "%s/husk-test-%d", root, (int)getpid());
    if (mkdir(cgroup, 0755) != 0)
        return 252;
    for (uint32_t i = 0; i < p->n && rc == 0; i++)
        if (!write_file(cgroup, p->ops[i].u.write.path.rel, p->ops[i].u.write.data))
            rc = 253;
    if (rc == 0)
        rc = ask_in(cgroup, v, n, nodes);
    for (int i = 0; rmdir(cgroup) != 0 && errno == EBUSY && i < 500; i++)
        usleep(2000);
    return rc;
}

/* ---- the tests ---- */

static void test_random(void)
{
    struct husk_device_rule v[MOST];
    uint32_t wrong = 0, wrong_v1 = 0, refused = 0, on_v1 = 0, longest = 0;
    struct bench b;

    for (unsigned i = 0; i < LISTS; i++) {
        uint32_t n = random_list(v);
        if (plan(&b, &husk_device_bpf, v, n) != 0)
            wrong++;
        struct husk_bytes code = program(&b);
        longest = code.n / 8 > longest ? code.n / 8 : longest;
        wrong += !agrees(v, n, decide_bpf, &code, true);
        husk_arena_fini(&b.arena);

        if (plan(&b, &husk_device_v1, v, n) == 0) {
            struct v1 m = {.allow = true}; /* a new cgroup has its parent's list: all */
            for (uint32_t k = 0; k < b.p.n; k++)
                v1_write(&m, b.p.ops[k].u.write.path.rel, b.p.ops[k].u.write.data);
            on_v1++;
            wrong_v1 += !agrees(v, n, decide_v1, &m, false);
        } else {
            refused += b.err.code == HUSK_EHOST && strncmp(b.err.at, "/linux/resources/devices/", 25) == 0;
        }
        husk_arena_fini(&b.arena);
    }
    tap_ok(wrong == 0, "%u random lists as eBPF: %u wrong; the longest program has %u instructions", LISTS,
           wrong, longest);
    tap_ok(wrong_v1 == 0 && on_v1 > LISTS / 10, "%u of them as lines of v1: %u wrong", on_v1, wrong_v1);
    tap_ok(refused + on_v1 == LISTS, "the others are refused, naming the rule");
}

/* What engines send, and the planner's own rules behind it. */
static const struct husk_device_rule engine[] = {
    {false, 'a', -1, -1, 7}, {true, 'c', 1, 5, 7},    {true, 'c', 1, 3, 7},   {true, 'c', 1, 9, 7},
    {true, 'c', 1, 8, 7},    {true, 'c', 5, 0, 7},    {true, 'c', 5, 1, 7},   {false, 'c', 10, 229, 7},
    {true, 'c', -1, -1, 4},  {true, 'b', -1, -1, 4},  {true, 'c', 1, 3, 7},   {true, 'c', 1, 5, 7},
    {true, 'c', 1, 7, 7},    {true, 'c', 1, 8, 7},    {true, 'c', 1, 9, 7},   {true, 'c', 5, 0, 7},
    {true, 'c', 5, 2, 7},    {true, 'c', 136, -1, 7}, {true, 'c', 10, 200, 7}};

static void test_size(void)
{
    static const struct husk_device_rule all[] = {{true, 'a', -1, -1, 7}};
    static const struct husk_device_rule none[] = {{false, 'a', -1, -1, 7}};
    static const struct husk_device_rule halves[] = {{true, 'b', -1, -1, 7}, {true, 'c', -1, -1, 7}};
    struct husk_device_rule *many;
    struct bench b;

    plan(&b, &husk_device_bpf, engine, HUSK_COUNT(engine));
    struct husk_bytes code = program(&b);
    tap_ok(code.n / 8 <= 25, "the rules of an engine take %u instructions", code.n / 8);
    tap_ok(agrees(engine, HUSK_COUNT(engine), decide_bpf, &code, true), "and mean what the list means");
    husk_arena_fini(&b.arena);
    tap_ok(plan(&b, &husk_device_bpf, all, 1) == 0 && b.p.n == 0, "all devices: no program");
    husk_arena_fini(&b.arena);
    tap_ok(plan(&b, &husk_device_bpf, none, 1) == 0 && program(&b).n == 16, "no device: two instructions");
    husk_arena_fini(&b.arena);
    tap_ok(plan(&b, &husk_device_bpf, halves, 2) == 0 && program(&b).n <= 24,
           "all in two halves: no unreachable end");
    husk_arena_fini(&b.arena);

    many = calloc(5000, sizeof *many);
    for (uint32_t i = 0; i < 5000; i++)
        many[i] = (struct husk_device_rule){true, 'c', i, 1 + i % 7, 1 + i % 6};
    tap_ok(plan(&b, &husk_device_bpf, many, 4000) == HUSK_EHOST, "a program that no kernel would take: %s",
           b.err.msg);
    husk_arena_fini(&b.arena);
    tap_ok(plan(&b, &husk_device_bpf, many, 5000) == HUSK_EHOST, "too many rules: %s", b.err.msg);
    husk_arena_fini(&b.arena);
    free(many);
}

static void test_verifier(void)
{
    static char log[65536];
    struct husk_device_rule v[MOST];
    uint32_t loaded = 0, asked = 0;
    struct bench b;
    int fd, e = 0;

    plan(&b, &husk_device_bpf, engine, HUSK_COUNT(engine));
    struct husk_bytes code = program(&b);
    fd = load(&code, NULL, 0);
    e = errno;
    husk_arena_fini(&b.arena);
    if (fd < 0 && (e == EPERM || e == EINVAL || e == ENOSYS)) {
        tap_ok(true, "the kernel loads the programs # SKIP bpf(2): %s", strerror(e));
        return;
    }
    close(fd);
    seed = 77;
    for (unsigned i = 0; i < LISTS / 2; i++) {
        uint32_t n = random_list(v);
        plan(&b, &husk_device_bpf, v, n);
        code = program(&b);
        if (code.n > 0) {
            asked++;
            log[0] = '\0';
            fd = load(&code, log, sizeof log);
            loaded += fd >= 0;
            if (fd >= 0) {
                close(fd);
            } else if (loaded + 1 == asked) {
                printf("# %s: %.300s\n", strerror(errno), log);
                show(v, n);
            }
        }
        husk_arena_fini(&b.arena);
    }
    tap_ok(loaded == asked, "the kernel loads %u of %u programs", loaded, asked);
}

static void test_in_force(const struct husk_device_backend *backend, const char *root, const char *nodes)
{
    struct husk_device_rule v[MOST];
    uint32_t wrong = 0, asked = 0;
    struct bench b;

    seed = 4711;
    for (unsigned i = 0; asked < 25 && i < 400; i++) {
        uint32_t n = random_list(v);
        for (uint32_t k = 0; k < n; k++) /* let them meet the nodes that are asked for */
            if (v[k].type != 'a' && v[k].major != -1 && pick(2))
                v[k].major = v[k].type == 'b' ? 7 : 1;
        int rc = plan(&b, backend, v, n);
        struct husk_bytes code =
            rc == 0 && backend == &husk_device_bpf ? program(&b) : (struct husk_bytes){NULL, 0};
        if (rc == 0 && (backend == &husk_device_v1 || code.n > 0)) {
            asked++;
            rc = backend == &husk_device_v1 ? in_force_v1(root, &b.p, v, n, nodes)
                                            : in_force_bpf(root, &code, v, n, nodes);
            if (rc != 0 && wrong++ == 0) {
                printf("# result %d\n", rc);
                show(v, n);
            }
        }
        husk_arena_fini(&b.arena);
    }
    tap_ok(asked == 25 && wrong == 0, "%s in force in the kernel: %u lists, %u wrong", backend->name, asked,
           wrong);
}

int main(void)
{
    char root[512], nodes[] = "/tmp/husk-devices-XXXXXX";
    bool own = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdtemp(nodes) != NULL;

    setbuf(stdout, NULL);
    test_random();
    test_size();
    test_verifier();
    if (own && mount("tmpfs", nodes, "tmpfs", 0, NULL) == 0) {
        make_nodes(nodes);
        find_mount("cgroup2", NULL, root, sizeof root);
        if (root[0])
            test_in_force(&husk_device_bpf, root, nodes);
        else
            tap_ok(true, "device-bpf in force in the kernel # SKIP cgroup2 is not mounted");
        find_mount("cgroup", "devices", root, sizeof root);
        if (root[0])
            test_in_force(&husk_device_v1, root, nodes);
        else
            tap_ok(true,
                   "device-v1 in force in the kernel # SKIP no devices hierarchy of cgroup v1 is mounted");
        umount2(nodes, MNT_DETACH);
    } else {
        tap_ok(true, "rules in force in the kernel # SKIP needs root");
    }
    if (own)
        rmdir(nodes);
    return tap_done();
}
