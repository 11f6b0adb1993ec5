/* husk/impl/plan_parse.h - plan text back into a plan. Part of plan.h's implementation; the form is described in
 * plan_text.h.
 *
 * Strict: unknown or repeated fields, wrong numbering and bad values are errors with line and column. What a
 * plan means is husk_plan_verify()'s business, not the parser's.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_PARSE_IMPLEMENTED)
#define HUSK_PLAN_PARSE_IMPLEMENTED
#include <stdarg.h>

#define HUSK__PLAN_MAX_OPS 65536u
#define HUSK__PLAN_MAX_TEXT (64u << 20)

/* husk__pt_*: each reads one thing of the text and moves on. */
struct husk__plan_text {
    const char *p, *end, *line_start;
    uint32_t line;
    uint32_t op; /* being read, or HUSK_NO_OP */
    struct husk_arena *arena;
    struct husk_err *err;
};

static int husk__pt_bad(struct husk__plan_text *r, const char *at, const char *fmt, ...) HUSK_PRINTF(3, 4);
static int husk__pt_bad(struct husk__plan_text *r, const char *at, const char *fmt, ...)
{
    char msg[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    husk_fail(r->err, HUSK_EARG, HUSK_DIAG_PLAN_SYNTAX, 0, "", "%s", msg);
    if (r->err != NULL) {
        r->err->line = r->line;
        r->err->column = (uint32_t)(at - r->line_start) + 1;
        r->err->op = r->op;
    }
    return HUSK_EARG;
}

static bool husk__pt_at_blank(const struct husk__plan_text *r)
{
    return r->p < r->end && (*r->p == ' ' || *r->p == '\t');
}

static bool husk__pt_at_end(const struct husk__plan_text *r)
{
    return r->p == r->end || *r->p == '\n';
}

static void husk__pt_skip_blanks(struct husk__plan_text *r)
{
    while (husk__pt_at_blank(r))
        r->p++;
}

static void husk__pt_next_line(struct husk__plan_text *r)
{
    while (!husk__pt_at_end(r))
        r->p++;
    if (r->p < r->end) {
        r->p++;
        r->line++;
        r->line_start = r->p;
    }
}

/* Up to a blank or one of `stop`; *len is 0 when there is nothing. */
static const char *husk__pt_token(struct husk__plan_text *r, const char *stop, size_t *len)
{
    const char *s = r->p;

    while (!husk__pt_at_end(r) && !husk__pt_at_blank(r) && (*r->p == '\0' || strchr(stop, *r->p) == NULL))
        r->p++;
    *len = (size_t)(r->p - s);
    return s;
}

static int husk__pt_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* After a backslash. */
static int husk__pt_escape(struct husk__plan_text *r, char *out)
{
    static const char from[] = "\"\\ntr", to[] = "\"\\\n\t\r";
    const char *k;
    int high, low;

    if (r->p == r->end || *r->p == '\0')
        return husk__pt_bad(r, r->p, "a string that does not end");
    if ((k = strchr(from, *r->p)) != NULL) {
        *out = to[k - from];
        r->p++;
        return HUSK_OK;
    }
    if (*r->p != 'x' || r->end - r->p < 3)
        return husk__pt_bad(r, r->p, "no such escape");
    high = husk__pt_hex_digit(r->p[1]);
    low = husk__pt_hex_digit(r->p[2]);
    if (high < 0 || low < 0 || high + low == 0)
        return husk__pt_bad(r, r->p, "\\x needs two hex digits that are not 00");
    *out = (char)(high * 16 + low);
    r->p += 3;
    return HUSK_OK;
}

static int husk__pt_quoted(struct husk__plan_text *r, const char **out)
{
    const char *q = r->p + 1;
    size_t n = 0;
    char *s;
    int e;

    while (q < r->end && *q != '"' && *q != '\n')
        q += *q == '\\' && q + 1 < r->end ? 2 : 1;
    *out = s = husk_arena_alloc(r->arena, (size_t)(q - r->p) + 1);
    if (s == NULL)
        return husk_fail(r->err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
    for (r->p++; r->p < r->end && *r->p != '"';) {
        if ((unsigned char)*r->p < ' ' || *r->p == 0x7f)
            return husk__pt_bad(
                r, r->p, *r->p == '\n' ? "a string that does not end" : "a control character in a string");
        if (*r->p != '\\') {
            s[n++] = *r->p++;
            continue;
        }
        r->p++;
        if ((e = husk__pt_escape(r, &s[n++])) != 0)
            return e;
    }
    if (r->p == r->end)
        return husk__pt_bad(r, r->p, "a string that does not end");
    r->p++;
    s[n] = '\0';
    return HUSK_OK;
}

static int husk__pt_string(struct husk__plan_text *r, const char **out)
{
    size_t len;
    const char *s;

    if (r->p < r->end && *r->p == '"')
        return husk__pt_quoted(r, out);
    s = husk__pt_token(r, "\"\\", &len);
    if (len == 0)
        return husk__pt_bad(r, r->p, "a value is missing");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            return husk__pt_bad(r, &s[i], "a control character in a word");
    if (!husk__pt_at_end(r) && !husk__pt_at_blank(r))
        return husk__pt_bad(r, r->p, "a word with \" or \\ must be quoted");
    *out = husk_strndup(r->arena, s, len);
    return *out ? HUSK_OK : husk_fail(r->err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
}

/* Digits of base 8, 10 or 16 that are all of s. */
static bool husk__pt_digits(const char *s, size_t len, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len; i++) {
        int d = husk__pt_hex_digit(s[i]);
        if (d < 0 || (unsigned)d >= base || v > (max - (unsigned)d) / base)
            return false;
        v = v * base + (unsigned)d;
    }
    *out = v;
    return len > 0;
}

static uint64_t husk__pt_field_max(const struct husk__field *f)
{
    return f->size == 4 ? UINT32_MAX : f->size == 1 ? 1 : UINT64_MAX;
}

/* word|word|0x40, or none */
static int husk__pt_flags(struct husk__plan_text *r, const struct husk__words *w, uint64_t max, uint64_t *out)
{
    uint64_t one;
    size_t len;
    const char *s;

    *out = 0;
    for (;;) {
        s = husk__pt_token(r, "|,]", &len);
        if (len == 4 && memcmp(s, "none", 4) == 0)
            one = 0;
        else if (len > 2 && s[0] == '0' && s[1] == 'x'
                     ? !husk__pt_digits(s + 2, len - 2, 16, UINT64_MAX, &one)
                     : !husk__word_value(w, s, len, &one))
            return husk__pt_bad(r, s, "no such flag: '%.*s'", (int)(len < 60 ? len : 60), s);
        if (one > max)
            return husk__pt_bad(r, s, "a flag that is out of range");
        *out |= one;
        if (r->p == r->end || *r->p != '|')
            return HUSK_OK;
        r->p++;
    }
}

static int husk__pt_number(struct husk__plan_text *r, const struct husk__field *f, uint64_t *out)
{
    uint64_t max = husk__pt_field_max(f);
    size_t len;
    const char *s = husk__pt_token(r, ",)]", &len);
    uint32_t type = 0;
    bool ok;

    if (f->type == HUSK__MODE && len > 0 && strchr("cbp", s[0]) != NULL) {
        type = s[0] == 'c' ? S_IFCHR : s[0] == 'b' ? S_IFBLK : S_IFIFO;
        ok = husk__pt_digits(s + 1, len - 1, 8, 07777, out);
        *out |= type;
    } else if (f->type == HUSK__MODE || f->type == HUSK__UMASK) {
        ok = husk__pt_digits(s, len, 8, max, out);
    } else if (f->type == HUSK__INT && len > 0 && s[0] == '-') {
        ok = husk__pt_digits(s + 1, len - 1, 10, max / 2 + 1, out);
        *out = (0 - *out) & max;
    } else if (f->type == HUSK__LIMIT && len == 9 && memcmp(s, "unlimited", 9) == 0) {
        *out = max;
        ok = true;
    } else {
        ok = husk__pt_digits(s, len, 10, max, out);
        if (!ok && (f->type == HUSK__ENUM || f->type == HUSK__OPTION))
            ok = husk__word_value(f->words, s, len, out) && *out <= max;
    }
    if (!ok)
        return husk__pt_bad(r, s, "bad value for %s: '%.*s'", f->name, (int)(len < 60 ? len : 60), s);
    return HUSK_OK;
}

static int husk__pt_slot(struct husk__plan_text *r, uint64_t *slot)
{
    size_t len;
    const char *s = husk__pt_token(r, ":", &len);

    for (*slot = 0; *slot < HUSK_SLOT_COUNT; ++*slot)
        if (strlen(husk__slot_names[*slot]) == len && memcmp(husk__slot_names[*slot], s, len) == 0)
            return HUSK_OK;
    return husk__pt_bad(r, s, "no such slot: '%.*s'", (int)(len < 60 ? len : 60), s);
}

static int husk__pt_path(struct husk__plan_text *r, struct husk_path *path)
{
    uint64_t slot = HUSK_SLOT_HOST;
    int e;

    path->rel = NULL;
    if (r->p < r->end && *r->p == '@') {
        if ((e = husk__pt_slot(r, &slot)) != 0)
            return e;
        path->slot = (enum husk_slot)slot;
        path->rel = "";
        if (r->p == r->end || *r->p != ':')
            return HUSK_OK;
        r->p++;
    }
    path->slot = (enum husk_slot)slot;
    return husk__pt_string(r, &path->rel);
}

/* [item,item]: `each` reads one into item number n, for which the array has room. */
static int husk__pt_items(struct husk__plan_text *r, const struct husk__field *f, void **array, uint32_t *n,
                          size_t size,
                          int (*each)(struct husk__plan_text *, const struct husk__field *, void *item))
{
    uint32_t cap = 0;
    int e;

    *n = 0;
    *array = NULL;
    if (r->p == r->end || *r->p != '[')
        return husk__pt_bad(r, r->p, "%s must be a list: [...]", f->name);
    do {
        if (*n + 1 >= cap) { /* one more is left zero: a list ends with NULL */
            *array = husk_arena_grow(r->arena, *array, *n * size, (cap = cap ? 2 * cap : 8) * size);
            if (*array == NULL)
                return husk_fail(r->err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
        }
        r->p++;
        husk__pt_skip_blanks(r);
        if (*n == 0 && r->p < r->end && *r->p == ']')
            break;
        if ((e = each(r, f, (char *)*array + (*n)++ * size)) != 0)
            return e;
        husk__pt_skip_blanks(r);
    } while (r->p < r->end && *r->p == ',');
    if (r->p == r->end || *r->p != ']')
        return husk__pt_bad(r, r->p, "%s: ',' or ']' expected", f->name);
    r->p++;
    return HUSK_OK;
}

static int husk__pt_list_item(struct husk__plan_text *r, const struct husk__field *f, void *item)
{
    if (r->p == r->end || *r->p != '"')
        return husk__pt_bad(r, r->p, "%s: a quoted string expected", f->name);
    return husk__pt_quoted(r, item);
}

static int husk__pt_nums_item(struct husk__plan_text *r, const struct husk__field *f, void *item)
{
    const struct husk__field plain = {f->name, HUSK__NUM, false, 0, 4, NULL};
    uint32_t *out = item;
    uint64_t v;
    int e;

    if (f->words != NULL && r->p < r->end &&
        (*r->p < '0' || *r->p > '9' || (r->end - r->p > 1 && r->p[1] == 'x')))
        e = husk__pt_flags(r, f->words, UINT32_MAX, &v);
    else
        e = husk__pt_number(r, &plain, &v);
    if (e == 0)
        *out = (uint32_t)v;
    return e;
}

static int husk__pt_bytes(struct husk__plan_text *r, const struct husk__field *f, struct husk_bytes *b)
{
    size_t len, n = 0;
    const char *s = husk__pt_token(r, "", &len), *k;
    uint8_t *v = len % 4 ? NULL : husk_arena_alloc(r->arena, len / 4 * 3 + 1);
    uint32_t group = 0;
    size_t pad = len >= 1 && s[len - 1] == '=' ? len >= 2 && s[len - 2] == '=' ? 2 : 1 : 0;

    if (len == 0 || len % 4 != 0)
        return husk__pt_bad(r, s, "%s: not base64", f->name);
    if (v == NULL)
        return husk_fail(r->err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
    for (size_t i = 0; i < len; i++) {
        bool padding = i >= len - pad;
        k = s[i] == '\0' ? NULL : strchr(husk__base64, padding ? 'A' : s[i]);
        if (k == NULL)
            return husk__pt_bad(r, s, "%s: not base64", f->name);
        group = group << 6 | (uint32_t)(k - husk__base64);
        if (i % 4 == 3)
            for (int shift = 16; shift >= 0; shift -= 8)
                v[n++] = (uint8_t)(group >> shift);
    }
    for (size_t i = n - pad; i < n; i++)
        if (v[i] != 0) /* one text for one value */
            return husk__pt_bad(r, s, "%s: not base64", f->name);
    *b = (struct husk_bytes){v, (uint32_t)(n - pad)};
    return HUSK_OK;
}

static int husk__pt_on_fail(struct husk__plan_text *r, struct husk_op *op)
{
    size_t len, n = 0;
    const char *s = husk__pt_token(r, "(", &len);
    uint64_t v;
    int sys;

    op->on_fail = len == 4 && memcmp(s, "else", 4) == 0 ? HUSK_ELSE : HUSK_IGNORE;
    if (op->on_fail == HUSK_IGNORE && (len != 6 || memcmp(s, "ignore", 6) != 0))
        return husk__pt_bad(r, s, "on_fail is ignore(ERRNO,...) or else(COUNT,ERRNO,...)");
    if (r->p == r->end || *r->p != '(')
        return op->on_fail == HUSK_IGNORE ? HUSK_OK : husk__pt_bad(r, r->p, "else needs a count");
    for (bool count = op->on_fail == HUSK_ELSE; !husk__pt_at_end(r) && *r->p != ')'; count = false) {
        r->p++;
        s = husk__pt_token(r, ",)", &len);
        if (count && husk__pt_digits(s, len, 10, HUSK__PLAN_MAX_OPS, &v)) {
            op->skip = (uint32_t)v;
            continue;
        }
        sys = count ? 0 : husk_errno_value(s, len);
        if (sys == 0 && !count && husk__pt_digits(s, len, 10, 4095, &v))
            sys = (int)v;
        if (sys == 0 || n == HUSK_COUNT(op->errnos))
            return husk__pt_bad(r, s, sys ? "at most four errnos" : "bad count or errno: '%.*s'",
                                (int)(len < 60 ? len : 60), s);
        op->errnos[n++] = sys;
    }
    if (husk__pt_at_end(r))
        return husk__pt_bad(r, r->p, "on_fail: ')' expected");
    r->p++;
    return HUSK_OK;
}

static int husk__pt_value(struct husk__plan_text *r, void *base, const struct husk__field *f)
{
    void *at = (char *)base + f->offset, *array;
    const char *s = NULL;
    uint64_t v = 0;
    uint32_t n;
    int e;

    switch (f->type) {
    case HUSK__PATH:
        return husk__pt_path(r, at);
    case HUSK__BYTES:
        return husk__pt_bytes(r, f, at);
    case HUSK__ON_FAIL:
        return husk__pt_on_fail(r, base);
    case HUSK__STR:
        e = husk__pt_string(r, &s);
        memcpy(at, &s, sizeof s);
        return e;
    case HUSK__LIST:
        e = husk__pt_items(r, f, &array, &n, sizeof(char *), husk__pt_list_item);
        if (e == 0)
            *(struct husk_list *)at = (struct husk_list){array, n};
        return e;
    case HUSK__NUMS:
        e = husk__pt_items(r, f, &array, &n, sizeof(uint32_t), husk__pt_nums_item);
        if (e == 0)
            *(struct husk_u32s *)at = (struct husk_u32s){array, n};
        return e;
    case HUSK__SLOT:
    case HUSK__NEW_SLOT:
        e = husk__pt_slot(r, &v);
        break;
    case HUSK__FLAGS:
    case HUSK__CAPS:
        e = husk__pt_flags(r, f->words, husk__pt_field_max(f), &v);
        break;
    default:
        e = husk__pt_number(r, f, &v);
    }
    husk__field_set_num(base, f, v);
    return e;
}

static void husk__pt_field_default(void *base, const struct husk__field *f)
{
    static const char *const no_strings[] = {NULL};

    if (f->type == HUSK__ID || f->type == HUSK__UMASK)
        husk__field_set_num(base, f, HUSK_ID_KEEP);
    else if (f->type == HUSK__LIST)
        *(struct husk_list *)(void *)((char *)base + f->offset) = (struct husk_list){no_strings, 0};
}

/* The rest of the line: fields of either list in any order, each at most once. */
static int husk__pt_fields(struct husk__plan_text *r, void *base, const struct husk__field *own,
                           const struct husk__field *common)
{
    const struct husk__field *f, *lists[2] = {own, common};
    uint64_t seen = 0, bit;
    const char *name;
    size_t len;
    int e;

    for (f = own; f->name != NULL; f++)
        husk__pt_field_default(base, f);
    for (husk__pt_skip_blanks(r); !husk__pt_at_end(r); husk__pt_skip_blanks(r)) {
        name = husk__pt_token(r, "=", &len);
        bit = 1;
        f = NULL;
        for (int i = 0; i < 2 && (f == NULL || f->name == NULL); i++)
            for (f = lists[i]; f != NULL && f->name != NULL; f++, bit <<= 1)
                if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
                    break;
        if (f == NULL || f->name == NULL)
            return husk__pt_bad(r, name, "no such field here: '%.*s'", (int)(len < 60 ? len : 60), name);
        if (seen & bit)
            return husk__pt_bad(r, name, "%s is given twice", f->name);
        seen |= bit;
        if (f->type == HUSK__BOOL) {
            husk__field_set_num(base, f, 1);
        } else {
            if (r->p == r->end || *r->p != '=')
                return husk__pt_bad(r, name, "%s needs a value", f->name);
            r->p++;
            if ((e = husk__pt_value(r, base, f)) != 0)
                return e;
        }
        if (!husk__pt_at_end(r) && !husk__pt_at_blank(r))
            return husk__pt_bad(r, r->p, "unexpected text after %s", f->name);
    }
    return HUSK_OK;
}

static int husk__pt_op(struct husk__plan_text *r, struct husk_op *op)
{
    uint64_t number, v;
    size_t len;
    const char *s = husk__pt_token(r, "", &len);

    if (!husk__pt_digits(s, len, 10, UINT32_MAX, &number) || number != r->op)
        return husk__pt_bad(r, s, "operation %u expected", (unsigned)r->op);
    husk__pt_skip_blanks(r);
    s = husk__pt_token(r, "", &len);
    if (!husk__word_value(&husk__who_words, s, len, &v))
        return husk__pt_bad(r, s, "parent, child or both expected, not '%.*s'", (int)(len < 60 ? len : 60),
                            s);
    op->who = (enum husk_who)v;
    husk__pt_skip_blanks(r);
    s = husk__pt_token(r, "", &len);
    for (v = 0; v < HUSK_OP_COUNT; v++)
        if (strlen(husk_op_name((enum husk_op_kind)v)) == len &&
            memcmp(husk_op_name((enum husk_op_kind)v), s, len) == 0)
            break;
    if (v == HUSK_OP_COUNT)
        return husk__pt_bad(r, s, "no such operation: '%.*s'", (int)(len < 60 ? len : 60), s);
    op->kind = (enum husk_op_kind)v;
    return husk__pt_fields(r, op, husk__fields_of(op->kind), husk__common_fields);
}

/* action, id, cgroup and note lines. */
static int husk__pt_header(struct husk__plan_text *r, struct husk_plan *plan, uint32_t *seen)
{
    static const struct husk__field action = {"action", HUSK__ENUM, true, 0, 4, &husk__action_words};
    static const char *const words[] = {"action", "id", "cgroup", "note"};
    struct husk_cgroup_place *places;
    struct husk_note *notes;
    uint32_t what = 0;
    uint64_t v;
    size_t len;
    const char *s = husk__pt_token(r, "", &len);
    int e;

    while (what < HUSK_COUNT(words) && (strlen(words[what]) != len || memcmp(words[what], s, len) != 0))
        what++;
    if (what == HUSK_COUNT(words))
        return husk__pt_bad(r, s, "an operation, or action, id, cgroup or note expected");
    if (what < 2 && *seen & 1u << what)
        return husk__pt_bad(r, s, "%s is given twice", words[what]);
    *seen |= 1u << what;
    husk__pt_skip_blanks(r);
    if (what == 0) {
        if ((e = husk__pt_number(r, &action, &v)) == 0)
            plan->action = (enum husk_action)v;
    } else if (what == 1) {
        e = husk__pt_string(r, &plan->id);
    } else if (what == 2) {
        places = husk_arena_grow(r->arena, plan->cgroups, plan->n_cgroups * sizeof *places,
                                 (plan->n_cgroups + 1) * sizeof *places);
        if ((plan->cgroups = places) == NULL || plan->n_cgroups == HUSK_SLOT_FAMILY)
            return husk__pt_bad(r, r->p, "too many cgroups");
        e = husk__pt_fields(r, &places[plan->n_cgroups++], husk__place_fields, NULL);
    } else {
        if (plan->notes.n == 1024)
            return husk__pt_bad(r, r->p, "too many notes");
        notes = husk_arena_grow(r->arena, plan->notes.v, plan->notes.n * sizeof *notes,
                                (plan->notes.n + 1) * sizeof *notes);
        if (notes == NULL)
            return HUSK_ENOMEM; /* said at the end */
        plan->notes.v = notes;
        e = husk__pt_fields(r, &notes[plan->notes.n++], husk__note_fields, NULL);
    }
    husk__pt_skip_blanks(r);
    return e == 0 && !husk__pt_at_end(r) ? husk__pt_bad(r, r->p, "unexpected text after %s", words[what]) : e;
}

static int husk__pt_plan(struct husk__plan_text *r, struct husk_plan *plan)
{
    struct husk_op *ops = NULL;
    uint32_t cap = 0, seen = 0;
    bool first = true;
    int e = HUSK_OK;

    for (; e == 0 && r->p < r->end; husk__pt_next_line(r)) {
        husk__pt_skip_blanks(r);
        if (husk__pt_at_end(r) || *r->p == '#')
            continue;
        if (first) {
            size_t len;
            const char *s = husk__pt_token(r, "", &len);
            if (len != 9 || memcmp(s, "husk-plan", 9) != 0)
                return husk__pt_bad(r, s, "a plan begins with 'husk-plan 1'");
            husk__pt_skip_blanks(r);
            s = husk__pt_token(r, "", &len);
            husk__pt_skip_blanks(r);
            if (len != 1 || *s != '1' || !husk__pt_at_end(r))
                return husk__pt_bad(r, s, "this is a plan of another version");
            first = false;
        } else if (*r->p < '0' || *r->p > '9') {
            e = plan->n ? husk__pt_bad(r, r->p, "operation %u expected", (unsigned)plan->n)
                        : husk__pt_header(r, plan, &seen);
        } else {
            if (plan->n == HUSK__PLAN_MAX_OPS)
                return husk__pt_bad(r, r->p, "more than %u operations", HUSK__PLAN_MAX_OPS);
            if (plan->n == cap) {
                plan->ops = ops = husk_arena_grow(r->arena, ops, plan->n * sizeof *ops,
                                                  (cap = cap ? 2 * cap : 64) * sizeof *ops);
                if (ops == NULL)
                    return HUSK_ENOMEM;
            }
            r->op = plan->n;
            e = husk__pt_op(r, &ops[plan->n++]);
        }
        if (e != 0)
            return e;
    }
    r->op = HUSK_NO_OP;
    return (seen & 3) == 3 ? HUSK_OK
                           : husk__pt_bad(r, r->p, first ? "not a plan: empty" : "action or id is missing");
}

HUSK_API int husk_plan_parse(struct husk_plan *plan, struct husk_arena *arena, const char *text, size_t len,
                             struct husk_err *err)
{
    struct husk__plan_text r = {text, text + len, text, 1, HUSK_NO_OP, arena, err};
    int e;

    memset(plan, 0, sizeof *plan);
    e = len > HUSK__PLAN_MAX_TEXT ? husk__pt_bad(&r, r.p, "a plan of more than %u bytes", HUSK__PLAN_MAX_TEXT)
                                  : husk__pt_plan(&r, plan);
    if (arena->failed)
        e = husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
    if (e != 0)
        memset(plan, 0, sizeof *plan);
    return e;
}
#endif
