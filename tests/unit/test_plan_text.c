/* The text form of a plan: what is printed is parsed back, for every field of every operation; errors name
 * the line. */

/* The implementation, to walk its table of fields: a new field is tested by being there. Planning is not
 * needed. */
#define HUSK_IMPLEMENTATION
#define HUSK_PLAN_MAKE_IMPLEMENTED
#include "husk/plan.h"

#include "tap.h"

static uint64_t state = 88172645463325252u; /* xorshift: the same values in every run */

static uint64_t number(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? state % below : state;
}

/* ---- values for fields ---- */

static const char *some_string(struct husk_arena *a)
{
    static const char *const pieces[] = {"a",
                                         "/",
                                         "-",
                                         "=",
                                         " ",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\t",
                                         "\r",
                                         "\x01",
                                         "\x7f",
                                         "@",
                                         "[",
                                         "]",
                                         "(",
                                         ",",
                                         "|",
                                         "#",
                                         "\xc3\xa4",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x90\xa7",
                                         "\xff",
                                         "\xc3",
                                         "\xc2\x85",
                                         "\xe2\x80\xae",
                                         "\xed\xa0\x80",
                                         "\xc0\x80",
                                         "none",
                                         "0x1f",
                                         "name",
                                         "why=x"};
    struct husk_text t = {.arena = a};

    husk_text_str(&t, "");
    for (uint64_t n = number(6); n > 0; n--)
        husk_text_str(&t, pieces[number(HUSK_COUNT(pieces))]);
    return t.data;
}

static uint64_t some_value(const struct husk__field *f)
{
    uint64_t v, count = 0, max = f->size == 4 ? UINT32_MAX : UINT64_MAX;

    switch (f->type) {
    case HUSK__BOOL:
        return 1;
    case HUSK__MODE:
        v = number(3);
        return (v == 0 ? 0u : v == 1 ? S_IFCHR : S_IFIFO) | (1 + number(07777));
    case HUSK__ENUM:
    case HUSK__OPTION:
        while (husk__word(f->words, (uint32_t)count, &v) != NULL)
            count++;
        husk__word(f->words, (uint32_t)number(count), &v);
        return number(8) ? v : 1 + number(1000);
    case HUSK__SLOT:
    case HUSK__NEW_SLOT:
        return 1 + number(HUSK_SLOT_COUNT - 1);
    case HUSK__ID:
    case HUSK__UMASK:
        return number(max); /* below the value that means absent */
    case HUSK__LIMIT:
        return number(3) ? number(0) & max : max;
    default:
        v = number(4) ? UINT64_C(1) << number(f->size * 8) : number(0) & max;
        return v ? v : 1;
    }
}

static void set_field(struct husk_arena *a, void *base, const struct husk__field *f)
{
    void *at = (char *)base + f->offset;
    uint32_t n = 1 + (uint32_t)number(9), *nums;
    struct husk_op *op = base;
    const char *s = some_string(a), **strings;
    uint8_t *bytes;

    switch (f->type) {
    case HUSK__PATH:
        *(struct husk_path *)at = (struct husk_path){(enum husk_slot)number(HUSK_SLOT_COUNT), s};
        break;
    case HUSK__STR:
        memcpy(at, &s, sizeof s);
        break;
    case HUSK__LIST:
        strings = husk_arena_alloc(a, (n + 1) * sizeof *strings);
        for (uint32_t i = 0; i < n; i++)
            strings[i] = some_string(a);
        *(struct husk_list *)at = (struct husk_list){strings, n};
        break;
    case HUSK__BYTES:
        bytes = husk_arena_alloc(a, n);
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)number(256);
        *(struct husk_bytes *)at = (struct husk_bytes){bytes, n};
        break;
    case HUSK__NUMS:
        nums = husk_arena_alloc(a, n * sizeof *nums);
        for (uint32_t i = 0; i < n; i++)
            nums[i] = (uint32_t)(number(2) ? number(0) : number(20));
        *(struct husk_u32s *)at = (struct husk_u32s){nums, n};
        break;
    case HUSK__ON_FAIL:
        op->on_fail = number(2) ? HUSK_ELSE : HUSK_IGNORE;
        op->skip = op->on_fail == HUSK_ELSE ? 1 + (uint32_t)number(60000) : 0;
        for (uint64_t i = number(HUSK_COUNT(op->errnos) + 1); i > 0; i--)
            op->errnos[i - 1] = 1 + (int32_t)number(140);
        break;
    default:
        husk__field_set_num(base, f, some_value(f));
    }
}

static bool same_string(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_field(const void *a, const void *b, const struct husk__field *f)
{
    const void *va = husk__field_at(a, f), *vb = husk__field_at(b, f);
    const struct husk_path *pa = va, *pb = vb;
    const struct husk_list *la = va, *lb = vb;
    const struct husk_bytes *ba = va, *bb = vb;
    const struct husk_u32s *na = va, *nb = vb;
    const struct husk_op *oa = a, *ob = b;
    const char *sa, *sb;

    switch (f->type) {
    case HUSK__PATH:
        return pa->slot == pb->slot && same_string(pa->rel, pb->rel);
    case HUSK__STR:
        memcpy(&sa, va, sizeof sa);
        memcpy(&sb, vb, sizeof sb);
        return same_string(sa, sb);
    case HUSK__LIST:
        for (uint32_t i = 0; i < la->n && la->n == lb->n; i++)
            if (!same_string(la->v[i], lb->v[i]))
                return false;
        return la->n == lb->n && lb->v != NULL && lb->v[lb->n] == NULL;
    case HUSK__BYTES:
        return ba->n == bb->n && (ba->n == 0 || memcmp(ba->v, bb->v, ba->n) == 0);
    case HUSK__NUMS:
        return na->n == nb->n && (na->n == 0 || memcmp(na->v, nb->v, na->n * sizeof *na->v) == 0);
    case HUSK__ON_FAIL:
        return oa->on_fail == ob->on_fail && oa->skip == ob->skip &&
               memcmp(oa->errnos, ob->errnos, sizeof oa->errnos) == 0;
    default:
        return husk__field_num(a, f) == husk__field_num(b, f);
    }
}

static struct husk_op plain_op(enum husk_op_kind kind)
{
    struct husk_op op = {.kind = kind, .who = HUSK_CHILD};

    for (const struct husk__field *f = husk__fields_of(kind); f->name != NULL; f++)
        husk__pt_field_default(&op, f);
    return op;
}

/* NULL, or what differs after print and parse. */
static const char *lost_field(struct husk_arena *a, const struct husk_op *op)
{
    struct husk_plan plan = {.ops = op, .n = 1, .id = "x"}, back;
    struct husk_text once = {.arena = a}, twice = {.arena = a};
    struct husk_err err = {0};

    husk_plan_print(&plan, &once);
    if (husk_plan_parse(&back, a, once.data, once.len, &err) != 0) {
        printf("# %u:%u: %s\n# %s", err.line, err.column, err.msg, once.data);
        return "the text";
    }
    husk_plan_print(&back, &twice);
    if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
        return "the second text";
    if (back.n != 1 || back.ops->kind != op->kind || back.ops->who != op->who)
        return "the kind";
    for (const struct husk__field *f = husk__fields_of(op->kind); f->name != NULL; f++)
        if (!same_field(op, back.ops, f))
            return f->name;
    for (const struct husk__field *f = husk__common_fields; f->name != NULL; f++)
        if (!same_field(op, back.ops, f))
            return f->name;
    return NULL;
}

static void test_round_trips(void)
{
    for (uint32_t kind = 0; kind < HUSK_OP_COUNT; kind++) {
        const char *lost = NULL;
        for (int round = 0; round < 300 && lost == NULL; round++) {
            struct husk_arena a = {0};
            struct husk_op op = plain_op((enum husk_op_kind)kind);
            for (const struct husk__field *f = husk__fields_of(op.kind); f->name != NULL && round > 0; f++)
                if (round == 1 || number(3))
                    set_field(&a, &op, f);
            for (const struct husk__field *f = husk__common_fields; f->name != NULL && round > 0; f++)
                if (round == 1 || number(3))
                    set_field(&a, &op, f);
            lost = lost_field(&a, &op);
            husk_arena_fini(&a);
        }
        tap_ok(lost == NULL, "%s: print and parse keep every field%s%s",
               husk_op_name((enum husk_op_kind)kind), lost ? ": lost " : "", lost ? lost : "");
    }
}

/* A field that op.h has and the table has not shows as bytes of the struct that no row covers. Padding is
 * below 8 bytes. */
static void test_every_field_has_a_row(void)
{
    static const size_t sizes[] = {
#define X(id, name, member, text) sizeof(struct husk_op_##member),
        HUSK_OPS(X)
#undef X
    };

    for (uint32_t kind = 0; kind < HUSK_OP_COUNT; kind++) {
        bool covered[sizeof(struct husk_op)] = {false};
        size_t begin = offsetof(struct husk_op, u), hole = 0, widest = 0, rows = 0;
        for (const struct husk__field *f = husk__fields_of((enum husk_op_kind)kind); f->name != NULL;
             f++, rows++)
            memset(covered + f->offset, 1, f->size);
        for (size_t k = begin; k < begin + sizes[kind]; k++) {
            hole = covered[k] ? 0 : hole + 1;
            widest = hole > widest ? hole : widest;
        }
        tap_ok((rows > 0 || kind == HUSK_OP_GATE) && widest < 8, "%s: every field has a row in the table",
               husk_op_name((enum husk_op_kind)kind));
    }
}

/* ---- errors ---- */

#define HEAD "husk-plan 1\naction run\nid x\n"

static const struct {
    const char *text;
    uint32_t line, column;
    const char *message;
} malformed[] = {
    {"", 1, 1, "empty"},
    {"\n\n# only remarks\n", 4, 1, "empty"},
    {"nonsense\n", 1, 1, "begins with"},
    {"husk-plan 2\n", 1, 11, "another version"},
    {"husk-plan 1 x\n", 1, 11, "another version"},
    {"husk-plan 1\naction run\n", 3, 1, "missing"},
    {"husk-plan 1\nid x\n", 3, 1, "missing"},
    {"husk-plan 1\naction jump\n", 2, 8, "bad value for action"},
    {HEAD "action run\n", 4, 1, "twice"},
    {HEAD "id y\n", 4, 1, "twice"},
    {"husk-plan 1\naction run\nid\n", 3, 3, "value is missing"},
    {"husk-plan 1\naction run\nid a b\n", 3, 6, "unexpected text after id"},
    {HEAD "size 5\n", 4, 1, "expected"},
    {HEAD "cgroup version=1 version=1\n", 4, 18, "twice"},
    {HEAD "note colour=red\n", 4, 6, "no such field"},
    {HEAD "1 child gate\n", 4, 1, "operation 0 expected"},
    {HEAD "0 child gate\n2 child gate\n", 5, 1, "operation 1 expected"},
    {HEAD "0 child gate\nid y\n", 5, 1, "operation 1 expected"},
    {HEAD "99999999999999999999 child gate\n", 4, 1, "operation 0 expected"},
    {HEAD "0 nobody gate\n", 4, 3, "parent, child or both"},
    {HEAD "0 child dance\n", 4, 9, "no such operation"},
    {HEAD "0 child\n", 4, 8, "no such operation"},
    {HEAD "0 child gate now\n", 4, 14, "no such field"},
    {HEAD "0 child chdir path\n", 4, 15, "needs a value"},
    {HEAD "0 child chdir path=\n", 4, 20, "value is missing"},
    {HEAD "0 child chdir path=/a path=/b\n", 4, 23, "twice"},
    {HEAD "0 child chdir path=\"/a\n", 4, 23, "does not end"},
    {HEAD "0 child chdir path=\"/a", 4, 23, "does not end"},
    {HEAD "0 child chdir path=\"/a\\", 4, 24, "does not end"},
    {HEAD "0 child chdir path=\"/a\\q\"\n", 4, 24, "escape"},
    {HEAD "0 child chdir path=\"/a\\x00\"\n", 4, 24, "not 00"},
    {HEAD "0 child chdir path=\"/a\\xg1\"\n", 4, 24, "hex digits"},
    {HEAD "0 child chdir path=\"/a\"b\n", 4, 24, "unexpected text"},
    {HEAD "0 child chdir path=/a\"b\n", 4, 22, "must be quoted"},
    {HEAD "0 child chdir path=/a\\b\n", 4, 22, "must be quoted"},
    {HEAD "0 child chdir path=/a\x01\n", 4, 22, "control character"},
    {HEAD "0 child chdir path=\"/a\t\"\n", 4, 23, "control character"},
    {HEAD "0 child chdir path=/a\r\n", 4, 22, "control character"},
    {HEAD "0 child mask path=@nowhere:x\n", 4, 19, "no such slot"},
    {HEAD "0 child mask path=@cg.16\n", 4, 19, "no such slot"},
    {HEAD "0 child mask path=@rootfs:\n", 4, 27, "value is missing"},
    {HEAD "0 child mask path=@rootfsx\n", 4, 19, "no such slot"},
    {HEAD "0 child unshare flags=pid|moon\n", 4, 27, "no such flag"},
    {HEAD "0 child unshare flags=pid|\n", 4, 27, "no such flag"},
    {HEAD "0 child unshare flags=0x\n", 4, 23, "no such flag"},
    {HEAD "0 child unshare flags=0x10000000000000000\n", 4, 23, "no such flag"},
    {HEAD "0 child seccomp flags=0x100000000\n", 4, 23, "out of range"},
    {HEAD "0 child fds preserve=-1\n", 4, 22, "bad value"},
    {HEAD "0 child fds preserve=4294967296\n", 4, 22, "bad value"},
    {HEAD "0 child fds preserve=\n", 4, 22, "bad value"},
    {HEAD "0 child rlimit type=nofiles\n", 4, 21, "bad value"},
    {HEAD "0 child mkdir path=/a mode=0888\n", 4, 28, "bad value"},
    {HEAD "0 child mknod path=/a mode=c10000\n", 4, 28, "bad value"},
    {HEAD "0 both exec argv=sh\n", 4, 18, "must be a list"},
    {HEAD "0 both exec argv=[sh]\n", 4, 19, "quoted string"},
    {HEAD "0 both exec argv=[\"sh\"\n", 4, 23, "',' or ']'"},
    {HEAD "0 both exec argv=[\"sh\",]\n", 4, 24, "quoted string"},
    {HEAD "0 both exec argv=[\"sh\" \"-c\"]\n", 4, 24, "',' or ']'"},
    {HEAD "0 child user groups=[1,x]\n", 4, 24, "bad value"},
    {HEAD "0 child user groups=[4294967296]\n", 4, 22, "bad value"},
    {HEAD "0 child seccomp filter=AAA\n", 4, 24, "base64"},
    {HEAD "0 child seccomp filter=A===\n", 4, 24, "base64"},
    {HEAD "0 child seccomp filter=AB==\n", 4, 24, "base64"},
    {HEAD "0 child seccomp filter=AA=A\n", 4, 24, "base64"},
    {HEAD "0 child ifup name=lo on_fail=retry\n", 4, 30, "on_fail is"},
    {HEAD "0 child ifup name=lo on_fail=else\n", 4, 34, "needs a count"},
    {HEAD "0 child ifup name=lo on_fail=else(ENOENT)\n", 4, 35, "bad count"},
    {HEAD "0 child ifup name=lo on_fail=ignore(ENOSUCH)\n", 4, 37, "bad count or errno"},
    {HEAD "0 child ifup name=lo on_fail=ignore(4096)\n", 4, 37, "bad count or errno"},
    {HEAD "0 child ifup name=lo on_fail=ignore(1,2,3,4,5)\n", 4, 45, "at most four"},
    {HEAD "0 child ifup name=lo on_fail=ignore(ENOENT\n", 4, 43, "')' expected"},
};

static void test_malformed(void)
{
    for (size_t i = 0; i < HUSK_COUNT(malformed); i++) {
        struct husk_arena a = {0};
        struct husk_plan plan;
        struct husk_err err = {0};
        const char *text = malformed[i].text;
        int e = husk_plan_parse(&plan, &a, text, strlen(text), &err);
        tap_ok(e == HUSK_EARG && err.code == HUSK_EARG && err.diag == HUSK_DIAG_PLAN_SYNTAX &&
                   err.line == malformed[i].line && err.column == malformed[i].column &&
                   strstr(err.msg, malformed[i].message) != NULL && plan.n == 0,
               "malformed %zu: %u:%u %s (want %u:%u ...%s...)", i, err.line, err.column, err.msg,
               malformed[i].line, malformed[i].column, malformed[i].message);
        husk_arena_fini(&a);
    }
    {
        struct husk_arena a = {0};
        struct husk_plan plan;
        struct husk_err err = {0};
        static const char zero[] = HEAD "0 child chdir path=/a\0b\n";
        tap_ok(husk_plan_parse(&plan, &a, zero, sizeof zero - 1, &err) == HUSK_EARG && err.line == 4,
               "a NUL byte: %s", err.msg);
        husk_arena_fini(&a);
    }
}

/* ---- the form itself ---- */

static const char sample[] =
    "husk-plan 1\n"
    "action create\n"
    "id demo\n"
    "cgroup backend=cgroup-v1 version=1 controllers=cpu,cpuacct path=/demo dir=/sys/fs/cgroup/cpu/demo\n"
    "cgroup backend=cgroup-v2 version=2 controllers=\"\" path=/demo dir=/sys/fs/cgroup/unified/demo\n"
    "note at=/process/capabilities msg=\"CAP_BPF cannot be granted here\"\n"
    "\n"
    "000 parent mkdir    path=/sys/fs/cgroup/cpu/demo mode=0755 undo why=/linux/cgroupsPath\n"
    "001 parent open     slot=@cg.0 path=/sys/fs/cgroup/cpu/demo flags=path|directory expect=cgroupfs\n"
    "002 parent write    path=@cg.0:cpu.shares data=1024 on_fail=else(2,ENOENT,EACCES) "
    "why=/linux/resources/cpu/shares\n"
    "003 both   spawn    flags=pid|mount cgroup=@cg.0\n"
    "004 child  attr     target=/ propagation=[rslave]\n"
    "005 child  mount    source=tmpfs target=@rootfs:dev fstype=tmpfs flags=nosuid|strictatime "
    "data=mode=755,size=65536k create=dir\n"
    "006 child  mount    source=@tty target=@rootfs:dev/console flags=bind set=ro create=file\n"
    "007 child  mknod    path=@rootfs:dev/null mode=c0666 major=1 minor=3 uid=0 gid=0 why=default\n"
    "008 child  rlimit   type=core soft=0 hard=unlimited\n"
    "009 child  prctl    option=no_new_privs value=1\n"
    "010 child  caps     effective=kill|sys_admin permitted=kill|sys_admin inheritable=none ambient=none\n"
    "011 child  user     uid=0 gid=5 umask=022 no_setgroups groups=[1,2]\n"
    "012 child  hook     kind=createContainer path=/bin/x argv=[\"x\",\"a b\",\"\"] timeout_sec=5\n"
    "013 child  seccomp  flags=log|0x400 filter=BgAAAAAA/38=\n"
    "014 both   exec     argv=[\"sh\",\"-c\",\"echo \\\"hi\\\"\\n\\x1b\\xff\"] "
    "envp=[\"HOME=\",\"NAME=\xc3\xa4\"]\n";

static void test_form(void)
{
    static const char hand[] = "# by hand\n\n  husk-plan   1  \nid\tx\naction exec\n\n\t0  child   chdir  "
                               "why=\"/process/cwd\"   path=\"/\"  \n"
                               "#\n1 child unshare flags=none|0x20000000|pid\n2 child user uid=007 gid=0\n"
                               "0003 both exec argv=[ \"a\" , \"b\" ] envp=[]";
    static const char neat[] =
        "husk-plan 1\naction exec\nid x\n\n000 child  chdir    path=/ why=/process/cwd\n"
        "001 child  unshare  flags=pid\n002 child  user     uid=7 gid=0\n003 both   exec     "
        "argv=[\"a\",\"b\"]\n";
    struct husk_arena a = {0};
    struct husk_text t = {.arena = &a}, u = {.arena = &a};
    struct husk_plan plan;
    struct husk_err err = {0};

    tap_ok(husk_plan_parse(&plan, &a, sample, sizeof sample - 1, &err) == 0, "the sample is parsed: %u:%u %s",
           err.line, err.column, err.msg);
    husk_plan_print(&plan, &t);
    tap_ok(t.len == sizeof sample - 1 && memcmp(t.data, sample, t.len) == 0,
           "the sample is printed as it was");
    tap_ok(plan.action == HUSK_CREATE && strcmp(plan.id, "demo") == 0 && plan.n_cgroups == 2 &&
               plan.notes.n == 1 && plan.n == 15 && plan.ops[2].skip == 2 && plan.ops[2].errnos[1] == 13 &&
               plan.ops[7].u.mknod.mode == (S_IFCHR | 0666) && plan.ops[8].u.rlimit.hard == UINT64_MAX &&
               plan.ops[10].u.caps.permitted == (1u << 5 | 1u << 21) &&
               plan.ops[13].u.seccomp.filter.n == 8 && plan.ops[6].u.mount.source.slot == HUSK_SLOT_TTY,
           "and means what it says");
    tap_ok(husk_plan_parse(&plan, &a, hand, sizeof hand - 1, &err) == 0,
           "blanks, remarks and any order are fine: %s", err.msg);
    husk_plan_print(&plan, &u);
    tap_ok(u.len == sizeof neat - 1 && memcmp(u.data, neat, u.len) == 0, "and printed in the one form");
    husk_arena_fini(&a);
}

static void test_subjects(void)
{
    static const char *const want[] = {"/sys/fs/cgroup/cpu/demo",
                                       "/sys/fs/cgroup/cpu/demo",
                                       "cpu.shares",
                                       "",
                                       "/",
                                       "dev",
                                       "dev/console",
                                       "dev/null",
                                       "CORE",
                                       "no_new_privs",
                                       "",
                                       "",
                                       "/bin/x",
                                       "",
                                       "sh"};
    struct husk_arena a = {0};
    struct husk_plan plan;
    struct husk_err err = {0};
    struct husk_op join = {.kind = HUSK_OP_WRITE, .u.write = {{HUSK_SLOT_JOIN + 3, ""}, "0"}};

    if (husk_plan_parse(&plan, &a, sample, sizeof sample - 1, &err) != 0)
        plan.n = 0;
    for (uint32_t i = 0; i < HUSK_COUNT(want) && i < plan.n; i++)
        tap_ok(strcmp(husk_op_subject(&plan.ops[i]), want[i]) == 0, "subject of %s: '%s'",
               husk_op_name(plan.ops[i].kind), husk_op_subject(&plan.ops[i]));
    tap_ok(strcmp(husk_op_subject(&join), "@join.3") == 0, "subject of a slot's own file: '%s'",
           husk_op_subject(&join));
    for (uint32_t kind = 0; kind < HUSK_OP_COUNT; kind++) {
        struct husk_op empty = {.kind = (enum husk_op_kind)kind};
        if (husk_op_subject(&empty) == NULL)
            tap_ok(false, "subject of an empty %s", husk_op_name((enum husk_op_kind)kind));
    }
    husk_arena_fini(&a);
}

static void test_slots(void)
{
    char buffer[24], other[24];
    bool unique = true;

    for (uint32_t i = 0; i < HUSK_SLOT_COUNT; i++)
        for (uint32_t k = 0; k < i; k++)
            unique = unique && strcmp(husk_slot_name((enum husk_slot)i, buffer),
                                      husk_slot_name((enum husk_slot)k, other)) != 0;
    tap_ok(unique, "slots have names of their own");
    tap_ok(strcmp(husk_slot_name(HUSK_SLOT_CG + 3, buffer), "@cg.3") == 0 &&
               strcmp(husk_slot_name(HUSK_SLOT_AUX + 15, buffer), "@aux.15") == 0 &&
               strcmp(husk_slot_name((enum husk_slot)999, buffer), "@?999") == 0,
           "numbered slots");
    tap_ok(husk_slot_resolve(HUSK_SLOT_HOST) == HUSK_RESOLVE_PLAIN &&
               husk_slot_resolve(HUSK_SLOT_ROOTFS) == HUSK_RESOLVE_IN_ROOT &&
               husk_slot_resolve(HUSK_SLOT_TARGET) == HUSK_RESOLVE_MAGIC &&
               husk_slot_resolve(HUSK_SLOT_TTY) == HUSK_RESOLVE_NONE &&
               husk_slot_resolve(HUSK_SLOT_CG + 15) == HUSK_RESOLVE_BENEATH &&
               husk_slot_resolve(HUSK_SLOT_JOIN) == HUSK_RESOLVE_NONE &&
               husk_slot_resolve(HUSK_SLOT_AUX + 15) == HUSK_RESOLVE_BENEATH &&
               husk_slot_resolve(HUSK_SLOT_COUNT) == HUSK_RESOLVE_NONE,
           "how names below slots are resolved");
    tap_ok(strcmp(husk_op_name(HUSK_OP_EXEC), "exec") == 0 && strcmp(husk_op_name(HUSK_OP_COUNT), "?") == 0,
           "names of operations");
}

/* ---- difference ---- */

static struct husk_plan parse(struct husk_arena *a, const char *text)
{
    struct husk_plan plan;
    struct husk_err err = {0};

    if (husk_plan_parse(&plan, a, text, strlen(text), &err) != 0)
        tap_ok(false, "%s", err.msg);
    return plan;
}

static void test_diff(void)
{
    struct husk_arena a = {0};
    struct husk_text none = {.arena = &a}, some = {.arena = &a}, far = {.arena = &a}, huge = {.arena = &a};
    struct husk_plan one =
        parse(&a, HEAD
              "0 child chdir path=/a\n1 child chdir path=/b\n2 child ifup name=lo\n3 child chdir path=/c\n");
    struct husk_plan two =
        parse(&a, HEAD
              "0 child chdir path=/b\n1 child ifup name=eth0\n2 child ifup name=lo\n3 child chdir path=/c\n");
    struct husk_op *many = husk_arena_alloc(&a, 6000 * sizeof *many);
    struct husk_plan left = {.ops = many, .n = 3000, .id = "x"},
                     right = {.ops = many + 3000, .n = 3000, .id = "x"};

    tap_ok(husk_plan_diff(&one, &one, &none) == 0 && none.len == 0, "a plan does not differ from itself");
    tap_equal(husk_plan_diff(&one, &two, &some), 2, "two lines differ");
    tap_same(some.data,
             "  action run\n  id x\n- child  chdir    path=/a\n  child  chdir    path=/b\n+ child  ifup     "
             "name=eth0\n"
             "  child  ifup     name=lo\n  child  chdir    path=/c\n",
             "and are shown with what is around them");
    for (uint32_t i = 0; i < 6000; i++) {
        many[i].kind = HUSK_OP_CHDIR;
        many[i].u.chdir.path = i % 3000 == 0 || i % 3000 == 2999 ? i < 3000 ? "/left" : "/right" : "/same";
    }
    tap_ok(husk_plan_diff(&left, &right, &huge) == 6000, "without room for a table all lines differ");
    left.n = right.n = 20;
    many[19].u.chdir.path = "/end";
    tap_ok(husk_plan_diff(&left, &right, &far) == 4 && strstr(far.data, "/same\n  ...\n") != NULL &&
               far.len < 700,
           "what is far from a difference is left out");
    husk_arena_fini(&a);
}

/* ---- memory ---- */

static void test_memory(void)
{
    static _Alignas(16) char room[1 << 16];
    struct husk_arena a;
    struct husk_plan plan;
    struct husk_err err = {0};
    size_t size, refused = 0;
    bool good = true;

    for (size = 0; size < sizeof room && good; size += 64) {
        struct husk_text t = {.arena = &a};
        husk_arena_fixed(&a, room, size);
        if (husk_plan_parse(&plan, &a, sample, sizeof sample - 1, &err) != 0) {
            good = err.code == HUSK_ENOMEM && plan.n == 0;
            refused++;
            continue;
        }
        husk_plan_print(&plan, &t);
        if (a.failed)
            refused++;
        else
            good = t.len == sizeof sample - 1;
    }
    tap_ok(good && refused > 10 && refused < size / 64,
           "a small buffer is HUSK_ENOMEM and nothing else (%zu sizes refused)", refused);
}

int main(void)
{
    test_round_trips();
    test_every_field_has_a_row();
    test_malformed();
    test_form();
    test_subjects();
    test_slots();
    test_diff();
    test_memory();
    return tap_done();
}
