/* A config.json from anywhere: the reader and the planner never crash, and say why when they refuse. A plan that
 * they make is one that verify accepts, that reads back from its text as the same plan, and that is the same when
 * it is made again.
 *
 * The first byte chooses the recorded host, the action and the request; the configuration follows. In a file that
 * begins with '{' all is configuration, and its bytes choose. HOSTS, or tests/golden/host, has the hosts.
 */
#include "husk/backends.h"
#include "husk/plan.h"

#define FUZZ_ROUNDS 60
#define FUZZ_CHANGE change
#define FUZZ_WORDS                                                                                                     \
    "null", "true", "[]", "{}", "\"\"", "-1", "0", "4294967295", "18446744073709551615", "1e3", ",",                   \
        "\"path\":", "\"type\":", "\"options\":", "\"bind\"", "\"user\"", "/../", "SCMP_ACT_NOTIFY", "\\u0000"
#ifndef HUSK_FUZZER
static size_t change(char *text, size_t len, size_t room);
#endif
#include "driver.h"
#include "mutate_json.h"

static const char *const host_names[] = {"v2",          "hybrid",        "v1",         "old-4.9",
                                         "rootless",    "nested-userns", "v2-systemd", "rootless-delegated",
                                         "v2-apparmor", "v2-selinux"};
#define HOSTS (sizeof host_names / sizeof host_names[0])

static const struct husk_host *host_load(size_t i)
{
    static struct husk_arena arenas[HOSTS]; /* the facts live as long as the process */
    static struct husk_host hosts[HOSTS];
    static bool loaded[HOSTS];
    static char text[65536];
    const char *dir = getenv("HOSTS");
    struct husk_err err;
    char path[4096];
    FILE *f;

    if (loaded[i])
        return &hosts[i];
    snprintf(path, sizeof path, "%s/%s.json", dir ? dir : "tests/golden/host", host_names[i]);
    f = fopen(path, "re");
    if (f == NULL || husk_host_parse(&hosts[i], &arenas[i], text, fread(text, 1, sizeof text, f), &err) != 0) {
        fprintf(stderr, "fuzz_config: cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    loaded[i] = true;
    return &hosts[i];
}

static struct husk_request request_of(unsigned choice)
{
    struct husk_request r = {.action = (enum husk_action)(choice / HOSTS % 3), .id = "fuzz", .bundle = "/bundle"};

    if (choice & 0x40) {
        r.console_socket = "/run/console.sock";
        r.pid_file = "/run/pid";
        r.preserve_fds = 2;
        r.ignore_cgroup_errors = true;
    }
    if (choice & 0x80)
        r.no_pivot = r.no_new_keyring = true;
    return r;
}

static bool same(const struct husk_text *a, const struct husk_text *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void check_refusal(int code, const struct husk_err *err)
{
    CHECK(code == (int)err->code && err->msg[0] != '\0');
    CHECK(err->code != HUSK_ESPEC || err->at[0] == '/' || err->at[0] == '\0');
}

static void check_plan(struct husk_arena *arena, const struct husk_plan *plan)
{
    struct husk_text once = {.arena = arena}, twice = {.arena = arena}, json = {.arena = arena};
    const struct husk_json *root;
    struct husk_plan back;
    struct husk_err err = {0};

    husk_plan_print(plan, &once);
    if (husk_plan_verify(plan, &err) != 0) {
        fprintf(stderr, "%.*sfuzz_config: verify refuses operation %u: %s\n", (int)once.len, once.data,
                (unsigned)err.op, err.msg);
        abort();
    }
    if (husk_plan_parse(&back, arena, once.data, once.len, &err) != 0) {
        fprintf(stderr, "%.*sfuzz_config: parse refuses %u:%u: %s\n", (int)once.len, once.data, (unsigned)err.line,
                (unsigned)err.column, err.msg);
        abort();
    }
    husk_plan_print(&back, &twice);
    CHECK(same(&once, &twice));
    CHECK(husk_plan_verify(&back, &err) == 0);
    if (once.len % 8 == 0) { /* reading it costs as much as all the rest */
        husk_plan_print_json(plan, &json);
        CHECK(husk_json_parse(&root, arena, json.data, json.len, &err) == 0);
    }
    for (uint32_t i = 0; i < plan->n; i++)
        CHECK(husk_op_subject(&plan->ops[i]) != NULL);
}

static void plan_spec(struct husk_arena *arena, const struct husk_spec *spec, unsigned choice)
{
    const struct husk_host *host = host_load(choice % HOSTS);
    struct husk_request request = request_of(choice), run = {.action = HUSK_RUN, .id = "fuzz", .bundle = "/bundle"};
    struct husk_text first = {.arena = arena}, again = {.arena = arena};
    struct husk_plan plan, container;
    struct husk_err err = {0};
    int code;

    if (request.action == HUSK_EXEC) { /* into the container that run would have made */
        if (husk_plan_make(&container, arena, spec, host, &run, &err) != 0)
            return;
        request.cgroups = container.cgroups;
        request.n_cgroups = container.n_cgroups;
    }
    code = husk_plan_make(&plan, arena, spec, host, &request, &err);
    if (code != 0) {
        check_refusal(code, &err);
        return;
    }
    check_plan(arena, &plan);
    husk_plan_print(&plan, &first);
    CHECK(husk_plan_make(&plan, arena, spec, host, &request, &err) == 0);
    husk_plan_print(&plan, &again);
    CHECK(same(&first, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct husk_arena arena = {0};
    struct husk_spec spec, other;
    struct husk_err err = {0};
    struct husk_errs all = {0};
    bool bare = size > 0 && data[0] == '{';
    const char *text = (const char *)data + !bare;
    unsigned choice = size > 0 ? data[0] : 0;
    size_t len;
    int code;

    if (size == 0)
        return 0;
    for (size_t i = 0; bare && i < size; i++)
        choice += data[i];
    len = size - !bare;
    code = husk_spec_parse(&spec, &arena, text, len, NULL, &err);
    CHECK(husk_spec_parse(&other, &arena, text, len, &all, &err) == code || code != 0);
    CHECK((all.n > 0) == (code != 0));
    for (uint32_t i = 0; i < all.n; i++)
        check_refusal((int)all.v[i].code, &all.v[i]);
    if (code == 0) {
        CHECK(husk_spec_check(&spec, NULL, NULL, &err) == 0);
        plan_spec(&arena, &spec, choice);
    } else {
        check_refusal(code, &err);
    }
    husk_arena_fini(&arena);
    return 0;
}

/* The first byte is no JSON, unless it begins the configuration. */
static size_t change_json(char *text, size_t len, size_t room, const char *donor, size_t donor_len)
{
    size_t skip = len > 0 && text[0] != '{', donor_skip = donor_len > 0 && donor[0] != '{';
    size_t n = len > skip ? mutate_json(text + skip, len - skip, room - skip, donor ? donor + donor_skip : NULL,
                                        donor_len - donor_skip)
                          : 0;

    return n > 0 ? skip + n : 0;
}

#ifndef HUSK_FUZZER
static size_t change(char *text, size_t len, size_t room)
{
    size_t n = fuzz_number(4) > 0 ? change_json(text, len, room, NULL, 0) : 0;

    if (n > 0 && text[0] != '{')
        text[0] = (char)fuzz_number(256);
    return n > 0 ? n : fuzz_bytes(text, len, room);
}
#else
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t room, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    size_t n;

    fuzz_state = (uint64_t)seed << 20 | 1;
    n = fuzz_number(3) > 0 ? change_json((char *)data, size, room, NULL, 0) : 0;
    return n > 0 ? n : LLVMFuzzerMutate(data, size, room);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t room, unsigned seed)
{
    size_t n = a_size < room ? a_size : room, changed;

    fuzz_state = (uint64_t)seed << 20 | 1;
    memcpy(out, a, n);
    changed = change_json((char *)out, n, room, (const char *)b, b_size);
    return changed > 0 ? changed : n;
}
#endif
