/* Plan text from anywhere: parse never crashes, and what it accepts is printed in a form that it reads back
 * as the same plan; verify, lint, diff, JSON take whatever was parsed.
 */
#include "husk/plan.h"

#define FUZZ_ROUNDS 300
#define FUZZ_CHANGE fuzz_bytes
#define FUZZ_WORDS                                                                                                     \
    "@rootfs:", "\"", "\\x00", "[", "]", "on_fail=else(1)", "undo", " child ", "\n", "0x", "none", "=",                \
        "99999999999999999999", "both gate", "..", "|"
#include "driver.h"

static bool same(const struct husk_text *a, const struct husk_text *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct husk_arena arena = {0};
    struct husk_text once = {.arena = &arena}, twice = {.arena = &arena}, other = {.arena = &arena};
    struct husk_plan plan, back;
    struct husk_err err = {0};
    struct husk_errs all = {0};
    int code = husk_plan_parse(&plan, &arena, (const char *)data, size, &err);

    if (code != 0) {
        CHECK(code == (int)err.code && err.msg[0] != '\0' && plan.n == 0);
        CHECK(err.code != HUSK_EARG || (err.diag == HUSK_DIAG_PLAN_SYNTAX && err.line > 0 && err.column > 0));
    } else {
        code = husk_plan_verify(&plan, &err);
        CHECK((husk_plan_lint(&plan, &arena, &all) > 0) == (code != 0));
        CHECK(code == 0 || (err.diag == HUSK_DIAG_PLAN_UNSAFE && strcmp(err.msg, all.v[0].msg) == 0));
        husk_plan_print(&plan, &once);
        CHECK(husk_plan_parse(&back, &arena, once.data, once.len, &err) == 0);
        CHECK(back.n == plan.n);
        husk_plan_print(&back, &twice);
        CHECK(same(&once, &twice));
        CHECK((husk_plan_verify(&back, &err) != 0) == (code != 0));
        CHECK(husk_plan_diff(&plan, &back, &other) == 0);
        husk_plan_print_json(&plan, &other);
        for (uint32_t i = 0; i < plan.n; i++)
            CHECK(husk_op_subject(&plan.ops[i]) != NULL);
    }
    husk_arena_fini(&arena);
    return 0;
}
