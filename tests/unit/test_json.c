/* The JSON reader and writer: what RFC 8259 allows, what it does not, and where an error is. */
#include <stdlib.h>

#include "husk/json.h"
#include "tap.h"

static struct husk_arena arena;

static const struct husk_json *parse(const char *text)
{
    const struct husk_json *v;

    return husk_json_parse(&v, &arena, text, strlen(text), NULL) == HUSK_OK ? v : NULL;
}

/* `len` 0: up to the NUL. Copied into memory of exactly that size, so that a sanitizer sees each byte read
 * too far. */
static void test_errors(void)
{
    static const struct {
        const char *name, *text;
        size_t len;
        uint32_t line, column;
        const char *msg;
    } bad[] = {
        { "empty text", "", 0, 1, 1, "the text is empty" },
        { "only blanks", " \n ", 0, 2, 2, "the text is empty" },
        { "open object", "{", 0, 1, 2, "the text ends inside an object" },
        { "open array", "[1,", 0, 1, 4, "the text ends inside an array" },
        { "comma at the end of the text", "{\"1\":1,", 0, 1, 8, "the text ends inside an object" },
        { "comma before ]", "[1,]", 0, 1, 4, "not valid JSON here" },
        { "comma before }", "{\"a\":1,}", 0, 1, 8, "not valid JSON here" },
        { "missing comma", "[1 2]", 0, 1, 4, "not valid JSON here" },
        { "missing colon", "{\"a\" 1}", 0, 1, 6, "not valid JSON here" },
        { "missing value", "{\"a\":}", 0, 1, 6, "not valid JSON here" },
        { "number as name", "{1:2}", 0, 1, 3, "not valid JSON here" },
        { "wrong bracket", "{\"a\":[1}", 0, 1, 8, "a closing bracket that matches no opening one" },
        { "closing first", "]", 0, 1, 1, "a closing bracket that matches no opening one" },
        { "text after the value", "{}\n x", 0, 2, 2, "expected a JSON value" },
        { "second value", "{} {}", 0, 1, 4, "text after the JSON value" },
        { "comma after the value", "1,", 0, 1, 2, "text after the JSON value" },
        { "leading zero", "[01]", 0, 1, 2, "not a JSON number" },
        { "minus and leading zero", "[-01]", 0, 1, 2, "not a JSON number" },
        { "lone minus", "[-]", 0, 1, 2, "not a JSON number" },
        { "plus", "[+1]", 0, 1, 2, "expected a JSON value" },
        { "point at the end", "[1.]", 0, 1, 2, "not a JSON number" },
        { "point at the start", "[.5]", 0, 1, 2, "expected a JSON value" },
        { "exponent without digits", "[1e]", 0, 1, 2, "not a JSON number" },
        { "exponent with sign only", "[1e+]", 0, 1, 2, "not a JSON number" },
        { "two points", "[1.2.3]", 0, 1, 2, "not a JSON number" },
        { "hexadecimal", "[0x10]", 0, 1, 3, "expected a JSON value" },
        { "NaN", "[NaN]", 0, 1, 2, "expected a JSON value" },
        { "Infinity", "[-Infinity]", 0, 1, 2, "not a JSON number" },
        { "number of 64 characters", "[1111111111222222222233333333334444444444555555555566666666667777]", 0,
          1, 2,
          "a number of more than 63 characters" },
        { "single quotes", "['a']", 0, 1, 2, "expected a JSON value" },
        { "word in capitals", "[True]", 0, 1, 2, "expected a JSON value" },
        { "cut word", "[nul]", 0, 1, 2, "expected a JSON value" },
        { "word and more", "[nullx]", 0, 1, 6, "expected a JSON value" },
        { "comment", "{} // x", 0, 1, 4, "expected a JSON value" },
        { "byte order mark", "\xef\xbb\xbf{}", 0, 1, 1, "expected a JSON value" },
        { "form feed as blank", "\f{}", 0, 1, 1, "expected a JSON value" },
        { "NUL between values", "[1,\0 2]", 7, 1, 4, "expected a JSON value" },
        { "NUL after the value", "{}\0", 3, 1, 3, "expected a JSON value" },
        { "NUL in a string", "\"a\0b\"", 5, 1, 3, "control character in a string" },
        { "line end in a string", "[\"a\nb\"]", 0, 1, 4, "control character in a string" },
        { "tab in a string", "[\"\t\"]", 0, 1, 3, "control character in a string" },
        { "control character in a name", "{\"\001\":1}", 0, 1, 3, "control character in a string" },
        { "open string", "[\"abc", 0, 1, 6, "the text ends inside a string" },
        { "open string after \\", "\"abc\\", 0, 1, 5, "unknown escape in a string" },
        { "escaped quote at the end", "\"abc\\\"", 0, 1, 7, "the text ends inside a string" },
        { "unknown escape", "\"\\x41\"", 0, 1, 2, "unknown escape in a string" },
        { "\\u0000", "\"a\\u0000\"", 0, 1, 3, "expected \\u and four hexadecimal digits, not all 0" },
        { "\\u with letters", "\"\\u00g0\"", 0, 1, 2, "expected \\u and four hexadecimal digits, not all 0" },
        { "cut \\u", "\"\\u00\"", 0, 1, 2, "expected \\u and four hexadecimal digits, not all 0" },
        { "first half of a pair", "\"\\ud83d\"", 0, 1, 2, "half of a surrogate pair in a string" },
        { "second half of a pair", "\"\\ude00\"", 0, 1, 2, "half of a surrogate pair in a string" },
        { "two first halves", "\"\\ud83d\\ud83d\"", 0, 1, 2, "half of a surrogate pair in a string" },
        { "first half and text", "\"\\ud83dabcdef\"", 0, 1, 2, "half of a surrogate pair in a string" },
        { "Latin 1", "\"caf\xe9\"", 0, 1, 5, "invalid UTF-8 in a string" },
        { "lone continuation byte", "\"\x80\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "overlong /", "\"\xc0\xaf\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "overlong in three bytes", "\"\xe0\x80\xaf\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "overlong NUL", "\"\xc0\x80\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "surrogate in UTF-8", "\"\xed\xa0\x80\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "above U+10FFFF", "\"\xf4\x90\x80\x80\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "five bytes", "\"\xf8\x88\x80\x80\x80\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "cut sequence", "\"\xe2\x82\"", 0, 1, 2, "invalid UTF-8 in a string" },
        { "cut sequence at the end", "\"\xe2\x82", 0, 1, 2, "invalid UTF-8 in a string" },
        { "UTF-8 outside a string", "[\xc3\xa9]", 0, 1, 2, "expected a JSON value" },
        { "UTF-16", "{\0}\0", 4, 1, 2, "expected a JSON value" },
    };

    for (size_t i = 0; i < HUSK_COUNT(bad); i++) {
        size_t len = bad[i].len ? bad[i].len : strlen(bad[i].text);
        char *copy = malloc(len + (len == 0));
        const struct husk_json *v;
        struct husk_err err = { 0 };
        int code;
        memcpy(copy, bad[i].text, len);
        code = husk_json_parse(&v, &arena, copy, len, &err);
        tap_ok(code == HUSK_ESPEC && v == NULL && err.diag == HUSK_DIAG_JSON_SYNTAX &&
                   err.line == bad[i].line && err.column == bad[i].column && strcmp(err.msg, bad[i].msg) == 0,
               "refused: %s (%u:%u %s)", bad[i].name, err.line, err.column, err.msg);
        free(copy);
    }
}

static void test_values(void)
{
    const struct husk_json *v =
        parse(" { \"n\" : null , \"t\":true,\"f\":false,\r\n\t\"s\":\"\\u00e9\\ud83d\\ude00\\n\\/\xc3\xa9\","
              "\"a\":[1,-0.5e+10,[],{}],\"a\":2,\"\":{\"/~\":3} } ");
    const struct husk_json *s;

    if (!tap_ok(v != NULL && v->type == HUSK_JSON_OBJECT, "an object of everything"))
        return;
    tap_equal(v->count, 7, "members, duplicates too");
    tap_equal((long long)v->offset, 1, "offset of the value itself");
    tap_ok(husk_json_get(v, "n") == NULL, "null is as absent");
    tap_ok(husk_json_at(v, "/n") != NULL && husk_json_at(v, "/n")->type == HUSK_JSON_NULL, "but has a place");
    tap_ok(husk_json_get(v, "t")->boolean && !husk_json_get(v, "f")->boolean, "true and false");
    tap_same(husk_json_get(v, "s")->text, "\xc3\xa9\xf0\x9f\x98\x80\n/\xc3\xa9", "escapes and UTF-8");
    tap_same(husk_json_get(v, "a")->text, "2", "the last of two wins");
    tap_ok(husk_json_get(v, "missing") == NULL, "no such member");
    s = v->child->next->next->next->next;
    tap_ok(s->type == HUSK_JSON_ARRAY && s->count == 4 && strcmp(s->name, "a") == 0,
           "the first is there too");
    tap_same(s->child->next->text, "-0.5e+10", "a number as it was written");
    tap_ok(s->child->name == NULL, "elements have no name");
    tap_same(husk_json_at(v, "//~1~0") ? husk_json_at(v, "//~1~0")->text : NULL, "3",
             "pointer with escapes, empty name");
    tap_ok(husk_json_at(v, "") == v, "empty pointer");
    tap_ok(husk_json_at(v, "/s/0") == NULL && husk_json_at(v, "x") == NULL && husk_json_at(v, "/a/0") == NULL,
           "pointers to nothing");
    v = parse("[[10,11,12,13,14,15,16,17,18,19,20]]");
    tap_same(husk_json_at(v, "/0/10")->text, "20", "index of two digits");
    tap_ok(husk_json_at(v, "/0/11") == NULL && husk_json_at(v, "/0/01") == NULL &&
               husk_json_at(v, "/0/-1") == NULL && husk_json_at(v, "/0/") == NULL &&
               husk_json_at(v, "/0/99999999999999999999") == NULL,
           "indices that are none");
    tap_ok(parse("1") != NULL && parse("\"\"") != NULL && parse("null") != NULL, "scalars alone");
    tap_ok(husk_json_get(parse("[]"), "a") == NULL, "no members in an array");
}

static void test_numbers(void)
{
    static const struct { const char *text; bool i, u; int64_t iv; uint64_t uv; } numbers[] = {
        { "0", true, true, 0, 0 },
        { "-0", true, false, 0, 0 },
        { "-1", true, false, -1, 0 },
        { "9007199254740993", true, true, 9007199254740993, 9007199254740993 },
        { "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
        { "9223372036854775808", false, true, 0, (uint64_t)INT64_MAX + 1 },
        { "-9223372036854775808", true, false, INT64_MIN, 0 },
        { "-9223372036854775809", false, false, 0, 0 },
        { "18446744073709551615", false, true, 0, UINT64_MAX },
        { "18446744073709551616", false, false, 0, 0 },
        { "100000000000000000000", false, false, 0, 0 },
        { "1.0", false, false, 0, 0 },
        { "1e3", false, false, 0, 0 },
        { "\"1\"", false, false, 0, 0 },
    };

    for (size_t k = 0; k < HUSK_COUNT(numbers); k++) {
        const struct husk_json *v = parse(numbers[k].text);
        int64_t i = 0;
        uint64_t u = 0;
        bool is_i = husk_json_i64(v, &i), is_u = husk_json_u64(v, &u);
        tap_ok(is_i == numbers[k].i && is_u == numbers[k].u && (!is_i || i == numbers[k].iv) &&
                   (!is_u || u == numbers[k].uv),
               "exact number %s", numbers[k].text);
    }
}

/* Nested n times, with or without the closing half. */
static int parse_nested(size_t n, bool closed, struct husk_err *err)
{
    size_t len = closed ? 2 * n : n;
    char *text = malloc(len);
    struct husk_arena own = { 0 };
    const struct husk_json *v;
    int code;

    memset(text, '[', n);
    if (closed)
        memset(text + n, ']', n);
    code = husk_json_parse(&v, &own, text, len, err);
    husk_arena_fini(&own);
    free(text);
    return code;
}

static void test_depth(void)
{
    struct husk_err err = { 0 };
    int code;

    tap_equal(parse_nested(HUSK_JSON_DEPTH, true, &err), HUSK_OK, "the greatest depth");
    code = parse_nested(HUSK_JSON_DEPTH + 1, true, &err);
    tap_ok(code == HUSK_ESPEC && err.column == HUSK_JSON_DEPTH + 1, "one level more: %s", err.msg);
    code = parse_nested(10 << 20, false, &err);
    tap_ok(code == HUSK_ESPEC && err.column == HUSK_JSON_DEPTH + 1, "10 MB of [: %s", err.msg);
}

static void test_memory(void)
{
    static char buffer[512];
    static const char text[] = "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "\",1,2,3,{\"a\":4},5,6]";
    struct husk_arena fixed;
    const struct husk_json *v;
    int code = HUSK_OK, failures = 0;
    struct husk_err err;
    size_t size;

    for (size = 0; size <= sizeof buffer * 4; size += 8) {
        static char big[sizeof buffer * 4];
        husk_arena_fixed(&fixed, big, size);
        code = husk_json_parse(&v, &fixed, text, sizeof text - 1, &err);
        failures += code == HUSK_ENOMEM && v == NULL && err.diag == HUSK_DIAG_NO_MEMORY;
        if (code == HUSK_OK)
            break;
    }
    tap_ok(code == HUSK_OK && failures == (int)(size / 8) && failures > 10,
           "out of memory at each of %d sizes", failures);
}

static void test_writer(void)
{
    struct husk_text t = { .arena = &arena };
    struct husk_json_out one = { .text = &t }, many = { .text = &t, .indent = "  " };

    husk_json_quote(&t, "a\"\\/\n\t\b\f\r\x01\x1f\x7f\xc3\xa9");
    tap_same(t.data, "\"a\\\"\\\\/\\n\\t\\b\\f\\r\\u0001\\u001f\x7f\xc3\xa9\"", "quoted string");
    t.len = 0;
    husk_json_quote(&t, "\xff|\xc3|\xed\xa0\x80");
    tap_same(t.data, "\"\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
             "what is no UTF-8");
    t.len = 0;
    husk_json_quote_n(&t, "a\0b", 3);
    tap_same(t.data, "\"a\\u0000b\"", "a NUL");
    t.len = 0;
    husk_json_begin(&one, NULL, '{');
    husk_json_put_i64(&one, "i", INT64_MIN);
    husk_json_put_u64(&one, "u", UINT64_MAX);
    husk_json_begin(&one, "a", '[');
    husk_json_put_bool(&one, NULL, true);
    husk_json_put_str(&one, NULL, NULL);
    husk_json_end(&one, ']');
    husk_json_begin(&one, "e", '{');
    husk_json_end(&one, '}');
    husk_json_put_str(&one, "s", "x");
    husk_json_end(&one, '}');
    tap_same(t.data,
             "{\"i\":-9223372036854775808,\"u\":18446744073709551615,\"a\":[true,null],\"e\":{},\"s\":\"x\"}",
             "one line");
    t.len = 0;
    husk_json_begin(&many, NULL, '{');
    husk_json_begin(&many, "a", '[');
    husk_json_put_i64(&many, NULL, 1);
    husk_json_put_i64(&many, NULL, 2);
    husk_json_end(&many, ']');
    husk_json_begin(&many, "e", '[');
    husk_json_end(&many, ']');
    husk_json_end(&many, '}');
    tap_same(t.data, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": []\n}", "indented");
}

static void test_lines(void)
{
    static const struct { size_t offset; uint32_t line, column; } places[] = {
        { 0, 1, 1 }, { 1, 1, 2 }, { 2, 2, 1 }, { 4, 3, 2 }, { 99, 3, 97 }
    };
    uint32_t line, column;

    for (size_t i = 0; i < HUSK_COUNT(places); i++) {
        husk_json_line("a\n\nbc", 5, places[i].offset, &line, &column);
        tap_ok(line == places[i].line && column == places[i].column, "line and column of offset %zu: %u:%u",
               places[i].offset, line, column);
    }
}

int main(void)
{
    test_errors();
    test_values();
    test_numbers();
    test_depth();
    test_memory();
    test_writer();
    test_lines();
    husk_arena_fini(&arena);
    return tap_done();
}
