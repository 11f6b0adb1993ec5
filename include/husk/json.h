/* husk/json.h - the seam to the JSON library (cJSON), and the JSON writer.
 *
 * The reader keeps what OCI needs and most libraries lose: the exact text of each number, every
 * duplicate member, and the place of each value. It accepts RFC 8259 and nothing else: UTF-8 only, no NUL
 * inside a string, no text after the value, at most HUSK_JSON_DEPTH levels.
 * Without cJSON (WITH_CJSON=0) husk_json_parse() fails with HUSK_DIAG_NOT_BUILT; the writer always works.
 */
#ifndef HUSK_JSON_H
#define HUSK_JSON_H

#include "husk/arena.h"
#include "husk/err.h"

#define HUSK_JSON_DEPTH 100

enum husk_json_type {
    HUSK_JSON_NULL, HUSK_JSON_BOOL, HUSK_JSON_NUMBER, HUSK_JSON_STRING, HUSK_JSON_ARRAY, HUSK_JSON_OBJECT
};

struct husk_json {
    enum husk_json_type type;
    bool boolean;
    const char *name;        /* member name, or NULL in an array */
    const char *text;        /* a string's value, or a number exactly as written */
    size_t offset;           /* of the value, in bytes from the start of the text */
    uint32_t count;          /* of children */
    struct husk_json *child; /* first child, in the order of the text */
    struct husk_json *next;
};

HUSK_BEGIN_DECLS

/* Everything in **out lives in *arena. Errors: HUSK_ESPEC with line and column; HUSK_EHOST when not built. */
HUSK_API HUSK_MUST_USE int husk_json_parse(const struct husk_json **out, struct husk_arena *arena,
                                           const char *text, size_t len, struct husk_err *err);
/* The last member of that name that is not null, or NULL. */
HUSK_API const struct husk_json *husk_json_get(const struct husk_json *object, const char *name);
/* The value at a JSON pointer (RFC 6901), or NULL; of duplicate members the last one. */
HUSK_API const struct husk_json *husk_json_at(const struct husk_json *root, const char *pointer);
/* Exact conversions: false for fractions, exponents and anything out of range. */
HUSK_API bool husk_json_i64(const struct husk_json *number, int64_t *out);
HUSK_API bool husk_json_u64(const struct husk_json *number, uint64_t *out);
/* 1-based line and byte column of an offset. */
HUSK_API void husk_json_line(const char *text, size_t len, size_t offset, uint32_t *line, uint32_t *column);

/* Writer: appends a quoted, escaped string. Invalid UTF-8 becomes U+FFFD. */
HUSK_API void husk_json_quote(struct husk_text *t, const char *s);
HUSK_API void husk_json_quote_n(struct husk_text *t, const char *s, size_t len);

/* Writer of nested values. `indent` is put once a level, or NULL for one line ("{"a":1}", no blanks). `key`
 * is NULL in an array and for the outermost value. */
struct husk_json_out {
    struct husk_text *text;
    const char *indent;
    uint32_t depth;
    bool comma;
};
HUSK_API void husk_json_begin(struct husk_json_out *o, const char *key, char bracket); /* '{' or '[' */
HUSK_API void husk_json_end(struct husk_json_out *o, char bracket);                    /* '}' or ']' */
HUSK_API void husk_json_put_str(struct husk_json_out *o, const char *key, const char *value); /* NULL: null */
HUSK_API void husk_json_put_i64(struct husk_json_out *o, const char *key, int64_t value);
HUSK_API void husk_json_put_u64(struct husk_json_out *o, const char *key, uint64_t value);
HUSK_API void husk_json_put_bool(struct husk_json_out *o, const char *key, bool value);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_JSON_IMPLEMENTED)
#define HUSK_JSON_IMPLEMENTED
#include <string.h>

/* The length of the UTF-8 sequence at s, or 0: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t husk__utf8(const char *s, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
    uint32_t code = c & (n == 4 ? 0x07u : n == 3 ? 0x0fu : 0x1fu);

    if (n < 2 || n > len || c >= 0xf8)
        return n == 1 ? 1 : 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)s[i] & 0x3fu);
    }
    return code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : n;
}

HUSK_API void husk_json_line(const char *text, size_t len, size_t offset, uint32_t *line, uint32_t *column)
{
    size_t start = 0;

    *line = 1;
    for (size_t i = 0; i < offset && i < len; i++) {
        if (text[i] == '\n') {
            ++*line;
            start = i + 1;
        }
    }
    *column = (uint32_t)(offset - start) + 1;
}

HUSK_API const struct husk_json *husk_json_get(const struct husk_json *object, const char *name)
{
    const struct husk_json *found = NULL;

    for (const struct husk_json *m = object->type == HUSK_JSON_OBJECT ? object->child : NULL; m != NULL;
         m = m->next)
        if (m->type != HUSK_JSON_NULL && strcmp(m->name, name) == 0)
            found = m;
    return found;
}

/* Does the pointer's first segment, of len bytes and escaped, mean this name? */
static bool husk__json_segment_is(const char *segment, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++, name++) {
        char c = segment[i];
        if (c == '~' && i + 1 < len)
            c = segment[++i] == '1' ? '/' : '~';
        if (*name != c || c == '\0')
            return false;
    }
    return *name == '\0';
}

HUSK_API const struct husk_json *husk_json_at(const struct husk_json *root, const char *pointer)
{
    while (root != NULL && *pointer == '/') {
        size_t len = strcspn(++pointer, "/"), index = 0;
        const struct husk_json *child = root->child, *found = NULL;

        if (root->type == HUSK_JSON_ARRAY) {
            for (size_t i = 0; i < len && index <= root->count; i++)
                index = pointer[i] >= '0' && pointer[i] <= '9' ? index * 10 + (size_t)(pointer[i] - '0')
                                                               : SIZE_MAX;
            if (len > 0 && (len == 1 || *pointer != '0') && index < root->count)
                for (found = child; index > 0; index--)
                    found = found->next;
        } else if (root->type == HUSK_JSON_OBJECT) {
            for (; child != NULL; child = child->next)
                if (husk__json_segment_is(pointer, len, child->name))
                    found = child;
        }
        root = found;
        pointer += len;
    }
    return *pointer == '\0' ? root : NULL;
}

HUSK_API bool husk_json_u64(const struct husk_json *number, uint64_t *out)
{
    const char *s = number->text;
    uint64_t v = 0;

    if (number->type != HUSK_JSON_NUMBER)
        return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        unsigned digit = (unsigned)(*s - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return *s == '\0';
}

HUSK_API bool husk_json_i64(const struct husk_json *number, int64_t *out)
{
    bool minus = number->type == HUSK_JSON_NUMBER && *number->text == '-';
    struct husk_json digits = *number;
    uint64_t v;

    if (minus)
        digits.text++;
    if (!husk_json_u64(&digits, &v) || v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? -(int64_t)(v - (v > 0)) - (v > 0) : (int64_t)v; /* -2^63 has no positive twin */
    return true;
}

#if defined(HUSK_WITH_CJSON) && HUSK_WITH_CJSON
#include <cjson/cJSON.h>

/* cJSON knows the grammar but is lax about what a token is, and forgets where things were. So one lexer with
 * the exact rules runs twice: over the whole text first, then along cJSON's tree to place its values. */
struct husk__lexer {
    const char *text;
    size_t len, start, at; /* the newest token is text[start..at) */
    const char *wrong;     /* why there is no token at `at` */
};

static size_t husk__lex_wrong(struct husk__lexer *x, const char *why)
{
    x->wrong = why;
    return 0;
}

/* The code unit of "\uXXXX" at offset i, or 0. */
static uint32_t husk__lex_unit(const struct husk__lexer *x, size_t i)
{
    uint32_t unit = 0;

    if (x->len - i < 6 || x->text[i] != '\\' || x->text[i + 1] != 'u')
        return 0;
    for (size_t k = i + 2; k < i + 6; k++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = x->text[k] != '\0' ? strchr(digits, x->text[k]) : NULL;
        if (digit == NULL)
            return 0;
        unit = unit << 4 | ((uint32_t)(digit - digits) & 15u);
    }
    return unit;
}

/* Length of the escape at x->at. */
static size_t husk__lex_escape(struct husk__lexer *x)
{
    char c = x->at + 1 < x->len ? x->text[x->at + 1] : '\0';
    uint32_t unit, low;

    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) ? 2 : husk__lex_wrong(x, "unknown escape in a string");
    unit = husk__lex_unit(x, x->at);
    if (unit == 0)
        return husk__lex_wrong(x, "expected \\u and four hexadecimal digits, not all 0");
    if (unit < 0xd800 || unit > 0xdfff)
        return 6;
    low = unit < 0xdc00 ? husk__lex_unit(x, x->at + 6) : 0;
    return low >= 0xdc00 && low <= 0xdfff ? 12 : husk__lex_wrong(x, "half of a surrogate pair in a string");
}

static void husk__lex_string(struct husk__lexer *x)
{
    size_t n;

    for (x->at++; x->at < x->len && x->text[x->at] != '"'; x->at += n) {
        unsigned char c = (unsigned char)x->text[x->at];
        n = c == '\\'  ? husk__lex_escape(x)
            : c < 0x20 ? husk__lex_wrong(x, "control character in a string")
                       : husk__utf8(x->text + x->at, x->len - x->at);
        if (n == 0) {
            if (x->wrong == NULL)
                x->wrong = "invalid UTF-8 in a string";
            return;
        }
    }
    if (x->at >= x->len)
        x->wrong = "the text ends inside a string";
    else
        x->at++;
}

static size_t husk__lex_digits(struct husk__lexer *x)
{
    size_t from = x->at;

    while (x->at < x->len && x->text[x->at] >= '0' && x->text[x->at] <= '9')
        x->at++;
    return x->at - from;
}

static bool husk__lex_skip(struct husk__lexer *x, const char *chars)
{
    bool found = x->at < x->len && x->text[x->at] != '\0' && strchr(chars, x->text[x->at]) != NULL;

    x->at += found;
    return found;
}

static void husk__lex_number(struct husk__lexer *x)
{
    bool zero, good;

    husk__lex_skip(x, "-");
    zero = x->at < x->len && x->text[x->at] == '0';
    good = zero ? husk__lex_digits(x) == 1 : husk__lex_digits(x) > 0;
    if (good && husk__lex_skip(x, "."))
        good = husk__lex_digits(x) > 0;
    if (good && husk__lex_skip(x, "eE")) {
        husk__lex_skip(x, "+-");
        good = husk__lex_digits(x) > 0;
    }
    if (!good || husk__lex_skip(x, "0123456789+-.eE")) {
        x->at = x->start;
        x->wrong = "not a JSON number";
    } else if (x->at - x->start > 63) { /* cJSON's buffer */
        x->at = x->start;
        x->wrong = "a number of more than 63 characters";
    }
}

/* False at the end of the text, and where there is no token (x->wrong). */
static bool husk__lex(struct husk__lexer *x)
{
    static const char *const words[] = { "true", "false", "null" };
    char c;

    while (husk__lex_skip(x, " \t\r\n"))
        ;
    x->start = x->at;
    if (x->at >= x->len)
        return false;
    c = x->text[x->at];
    if (c == '"') {
        husk__lex_string(x);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        husk__lex_number(x);
    } else if (!husk__lex_skip(x, "{}[],:")) {
        for (size_t i = 0; i < HUSK_COUNT(words); i++) {
            size_t n = strlen(words[i]);
            if (n <= x->len - x->at && memcmp(x->text + x->at, words[i], n) == 0)
                x->at += n;
        }
        if (x->at == x->start)
            x->wrong = "expected a JSON value";
    }
    return x->wrong == NULL;
}

/* Everything that cJSON would let pass, or would recurse for. Also sees that brackets match: cJSON 1.7.15
 * reads one byte too far when the text ends after a comma. */
static const char *husk__lex_all(struct husk__lexer *x)
{
    char open[HUSK_JSON_DEPTH];
    size_t depth = 0;
    bool any = false;

    while (husk__lex(x)) {
        char c = x->text[x->start];
        any = true;
        if (c != '{' && c != '[' && c != '}' && c != ']')
            continue;
        if (c == '{' || c == '[') {
            if (depth == HUSK_JSON_DEPTH)
                x->wrong = "too many levels of nesting";
            else
                open[depth++] = c;
        } else if (depth == 0 || open[--depth] != (c == '}' ? '{' : '[')) {
            x->wrong = "a closing bracket that matches no opening one";
        }
        if (x->wrong != NULL) {
            x->at = x->start;
            return x->wrong;
        }
    }
    if (x->wrong == NULL && !any)
        x->wrong = "the text is empty";
    if (x->wrong == NULL && depth > 0)
        x->wrong = open[depth - 1] == '{' ? "the text ends inside an object"
                                          : "the text ends inside an array";
    return x->wrong;
}

/* cJSON has the names and values in the order of the text, so the next token that is no punctuation is the
 * next of them. */
static char husk__lex_value(struct husk__lexer *x)
{
    while (husk__lex(x) && strchr("]},:", x->text[x->start]))
        ;
    return x->start < x->len ? x->text[x->start] : '\0';
}

/* The depth of the recursion is that of the text, which was checked. NULL when out of memory. */
static struct husk_json *husk__json_build(struct husk__lexer *x, struct husk_arena *arena, const cJSON *from)
{
    struct husk_json *v = husk_arena_alloc(arena, sizeof *v), **tail;
    char c;

    if (v == NULL)
        return NULL;
    if (from->string != NULL) {
        husk__lex_value(x);
        v->name = husk_strdup(arena, from->string);
    }
    c = husk__lex_value(x);
    v->offset = x->start;
    v->boolean = c == 't';
    v->type = c == '{'               ? HUSK_JSON_OBJECT
              : c == '['             ? HUSK_JSON_ARRAY
              : c == '"'             ? HUSK_JSON_STRING
              : c == 't' || c == 'f' ? HUSK_JSON_BOOL
              : c == 'n'             ? HUSK_JSON_NULL
                                     : HUSK_JSON_NUMBER;
    if (v->type == HUSK_JSON_STRING)
        v->text = husk_strdup(arena, from->valuestring);
    else if (v->type == HUSK_JSON_NUMBER)
        v->text = husk_strndup(arena, x->text + x->start, x->at - x->start);
    tail = &v->child;
    for (const cJSON *c_child = from->child; c_child != NULL && !arena->failed; c_child = c_child->next) {
        *tail = husk__json_build(x, arena, c_child);
        if (*tail != NULL)
            tail = &(*tail)->next;
        v->count++;
    }
    return arena->failed ? NULL : v;
}

static int husk__json_fail(struct husk_err *err, const char *text, size_t len, size_t offset, const char *why)
{
    int code = husk_fail(err, HUSK_ESPEC, HUSK_DIAG_JSON_SYNTAX, 0, "", "%s", why);

    if (err != NULL)
        husk_json_line(text, len, offset, &err->line, &err->column);
    return code;
}

HUSK_API int husk_json_parse(const struct husk_json **out, struct husk_arena *arena, const char *text,
                             size_t len, struct husk_err *err)
{
    struct husk__lexer x = { .text = text, .len = len };
    const char *end = NULL;
    cJSON *tree;

    *out = NULL;
    if (husk__lex_all(&x) != NULL)
        return husk__json_fail(err, text, len, x.at, x.wrong);
    tree = cJSON_ParseWithLengthOpts(text, len, &end, false);
    x.at = end != NULL ? (size_t)(end - text) : 0;
    if (tree == NULL)
        return husk__json_fail(err, text, len, x.at, "not valid JSON here");
    if (husk__lex(&x)) {
        cJSON_Delete(tree);
        return husk__json_fail(err, text, len, x.start, "text after the JSON value");
    }
    x = (struct husk__lexer){ .text = text, .len = len };
    *out = husk__json_build(&x, arena, tree);
    cJSON_Delete(tree);
    return *out != NULL ? HUSK_OK : husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
}
#else
HUSK_API int husk_json_parse(const struct husk_json **out, struct husk_arena *arena, const char *text,
                             size_t len, struct husk_err *err)
{
    (void)arena, (void)text, (void)len;
    *out = NULL;
    return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NOT_BUILT, 0, "",
                     "this build cannot read JSON (built without cJSON)");
}
#endif

HUSK_API void husk_json_quote_n(struct husk_text *t, const char *s, size_t len)
{
    static const char *const named[0x20] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"
    };

    husk_text_str(t, "\"");
    for (size_t i = 0, n; i < len; i += n) {
        unsigned char c = (unsigned char)s[i];
        n = husk__utf8(s + i, len - i);
        if (n == 0) {
            husk_text_str(t, "\xef\xbf\xbd");
            n = 1;
        } else if (c == '"' || c == '\\') {
            husk_textf(t, "\\%c", c);
        } else if (c < 0x20 && named[c] != NULL) {
            husk_text_str(t, named[c]);
        } else if (c < 0x20) {
            husk_textf(t, "\\u%04x", c);
        } else {
            husk_text_add(t, s + i, n);
        }
    }
    husk_text_str(t, "\"");
}

HUSK_API void husk_json_quote(struct husk_text *t, const char *s)
{
    husk_json_quote_n(t, s, strlen(s));
}

static void husk__json_newline(struct husk_json_out *o)
{
    if (o->indent == NULL)
        return;
    husk_text_str(o->text, "\n");
    for (uint32_t i = 0; i < o->depth; i++)
        husk_text_str(o->text, o->indent);
}

/* What precedes every value: the comma, the place, the name. */
static void husk__json_key(struct husk_json_out *o, const char *key)
{
    if (o->comma)
        husk_text_str(o->text, ",");
    if (o->depth > 0)
        husk__json_newline(o);
    if (key != NULL) {
        husk_json_quote(o->text, key);
        husk_text_str(o->text, o->indent ? ": " : ":");
    }
    o->comma = true;
}

HUSK_API void husk_json_begin(struct husk_json_out *o, const char *key, char bracket)
{
    husk__json_key(o, key);
    husk_text_add(o->text, &bracket, 1);
    o->depth++;
    o->comma = false;
}

HUSK_API void husk_json_end(struct husk_json_out *o, char bracket)
{
    o->depth--;
    if (o->comma) /* something is inside */
        husk__json_newline(o);
    husk_text_add(o->text, &bracket, 1);
    o->comma = true;
}

HUSK_API void husk_json_put_str(struct husk_json_out *o, const char *key, const char *value)
{
    husk__json_key(o, key);
    if (value != NULL)
        husk_json_quote(o->text, value);
    else
        husk_text_str(o->text, "null");
}

HUSK_API void husk_json_put_i64(struct husk_json_out *o, const char *key, int64_t value)
{
    husk__json_key(o, key);
    husk_textf(o->text, "%lld", (long long)value);
}

HUSK_API void husk_json_put_u64(struct husk_json_out *o, const char *key, uint64_t value)
{
    husk__json_key(o, key);
    husk_textf(o->text, "%llu", (unsigned long long)value);
}

HUSK_API void husk_json_put_bool(struct husk_json_out *o, const char *key, bool value)
{
    husk__json_key(o, key);
    husk_text_str(o->text, value ? "true" : "false");
}
#endif
