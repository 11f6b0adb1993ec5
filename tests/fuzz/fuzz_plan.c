/* Plan text from anywhere: parse never crashes, and what it accepts is printed in a form that it reads back
 * as the same plan; verify, lint, diff, JSON take whatever was parsed.
 *
 * With libFuzzer: clang -DHUSK_FUZZER -fsanitize=fuzzer,address,undefined. Without: replays the files that it
 * is given, and ROUNDS mutations of each, always the same ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "husk/plan.h"

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "fuzz_plan: not so: %s\n", #condition);                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

#ifndef HUSK_FUZZER
#define ROUNDS 300
#define ROOM 65536u

static uint64_t state = 88172645463325252u;

static size_t number(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? (size_t)(state % below) : 0;
}

/* One change: a byte, a cut, a piece copied to elsewhere, or a word that means something. */
static size_t mutate(char *text, size_t len)
{
    static const char *const words[] = {
        "@rootfs:", "\"", "\\x00", "[",    "]", "on_fail=else(1)",      "undo",
        " child ",  "\n", "0x",    "none", "=", "99999999999999999999", "both gate",
        "..",       "|"};
    const char *word = words[number(sizeof words / sizeof words[0])];
    size_t at = number(len + 1), n = number(40), from = number(len + 1);

    switch (number(4)) {
    case 0:
        if (at < len)
            text[at] = (char)number(256);
        return len;
    case 1:
        n = n < len - at ? n : len - at;
        memmove(text + at, text + at + n, len - at - n);
        return len - n;
    case 2:
        n = n < len - from ? n : len - from;
        if (at + n > len)
            return len;
        memmove(text + at, text + from, n);
        return len;
    default:
        n = strlen(word);
        memmove(text + at + n, text + at, len - at);
        memcpy(text + at, word, n);
        return len + n;
    }
}

static bool replay(const char *path)
{
    static char original[ROOM], text[ROOM + 4096];
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(original, 1, sizeof original, f) : 0, n;

    if (f == NULL || ferror(f) || fclose(f) != 0)
        return false;
    LLVMFuzzerTestOneInput((const uint8_t *)original, len);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(text, original, len);
        n = len;
        for (size_t changes = 1 + number(8); changes > 0; changes--)
            n = mutate(text, n);
        LLVMFuzzerTestOneInput((const uint8_t *)text, n);
    }
    return true;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++) { /* a failed check aborts: the runner sees the signal */
        bool good = replay(argv[i]);
        printf("%s - %s and %d mutations\n", good ? "ok" : "not ok", argv[i], ROUNDS);
        failed |= !good;
    }
    printf("1..%d\n", argc - 1);
    return failed;
}
#endif
