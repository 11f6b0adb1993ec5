/* husk/impl/plan_text.h - a plan as text, one operation a line, for people, for diffs, and for another machine.
 *
 * Part of plan.h's implementation.
 *
 *     husk-plan 1
 *     action create
 *     id demo
 *     cgroup version=2 controllers="" path=/demo dir=/sys/fs/cgroup/demo
 *
 *     000 parent mkdir    path=/sys/fs/cgroup/demo mode=0755 undo why=/linux/cgroupsPath
 *     001 child  mount    source=proc target=@rootfs:proc fstype=proc flags=nosuid|nodev why=/mounts/0
 *
 * A value is a word or a "quoted" string with the escapes \" \\ \n \t \r \xHH. Fields that have their default
 * are absent. Empty lines, and lines that begin with #, mean nothing.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_TEXT_IMPLEMENTED)
#define HUSK_PLAN_TEXT_IMPLEMENTED
#include "husk/impl/plan_fields.h"

/* Length of the valid UTF-8 sequence at s, or 0; 0 also for what a reader of the plan would not see or be
 * misled by: controls, zero-width and direction marks. */
static size_t husk__visible_utf8(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = u[0] & (0xffu >> (n + 1));

    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c < 0xa0 || c == 0xad ||
        c == 0xfeff || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2060 && c <= 0x206f))
        return 0;
    return n;
}

static bool husk__is_word(const char *s)
{
    if (*s == '\0' || *s == '@' || *s == '[')
        return false;
    while (*s != '\0') {
        size_t n = (unsigned char)*s >= 0x80 ? husk__visible_utf8(s)
                                             : *s > ' ' && *s != 0x7f && *s != '"' && *s != '\\';
        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

static void husk__put_quoted(struct husk_text *t, const char *s)
{
    husk_text_str(t, "\"");
    while (*s != '\0') {
        size_t n = (unsigned char)*s >= 0x80 ? husk__visible_utf8(s)
                                             : *s >= ' ' && *s != 0x7f && *s != '"' && *s != '\\';
        if (n != 0) {
            husk_text_add(t, s, n);
            s += n;
            continue;
        }
        switch (*s) {
        case '"':
            husk_text_str(t, "\\\"");
            break;
        case '\\':
            husk_text_str(t, "\\\\");
            break;
        case '\n':
            husk_text_str(t, "\\n");
            break;
        case '\t':
            husk_text_str(t, "\\t");
            break;
        case '\r':
            husk_text_str(t, "\\r");
            break;
        default:
            husk_textf(t, "\\x%02x", (unsigned)(unsigned char)*s);
        }
        s++;
    }
    husk_text_str(t, "\"");
}

static void husk__put_string(struct husk_text *t, const char *s)
{
    if (husk__is_word(s))
        husk_text_str(t, s);
    else
        husk__put_quoted(t, s);
}

static void husk__put_path(struct husk_text *t, const struct husk_path *p)
{
    char buffer[24];

    if (p->slot != HUSK_SLOT_HOST)
        husk_text_str(t, husk_slot_name(p->slot, buffer));
    if (p->slot != HUSK_SLOT_HOST && p->rel != NULL && p->rel[0] != '\0')
        husk_text_str(t, ":");
    if (p->rel != NULL && (p->rel[0] != '\0' || p->slot == HUSK_SLOT_HOST))
        husk__put_string(t, p->rel);
}

static const char husk__base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void husk__put_base64(struct husk_text *t, const struct husk_bytes *b)
{
    for (uint32_t i = 0; i < b->n; i += 3) {
        uint32_t left = b->n - i, v = (uint32_t)b->v[i] << 16;
        char four[4];
        v |= left > 1 ? (uint32_t)b->v[i + 1] << 8 : 0;
        v |= left > 2 ? b->v[i + 2] : 0u;
        for (int k = 0; k < 4; k++)
            four[k] = (uint32_t)k <= left ? husk__base64[v >> (18 - 6 * k) & 63] : '=';
        husk_text_add(t, four, 4);
    }
}

static void husk__put_flags(struct husk_text *t, const struct husk__words *w, uint64_t value)
{
    const char *separator = "";
    char word[HUSK__WORD];

    while (husk__next_flag(w, &value, word)) {
        husk_textf(t, "%s%s", separator, word);
        separator = "|";
    }
}

static void husk__put_mode(struct husk_text *t, uint32_t mode)
{
    uint32_t type = mode & ~(uint32_t)07777;
    const char *letter = type == S_IFCHR ? "c" : type == S_IFBLK ? "b" : type == S_IFIFO ? "p" : "";

    husk_textf(t, "%s%#o", letter, (unsigned)(letter[0] ? mode & 07777 : mode));
}

static void husk__put_nums(struct husk_text *t, const struct husk__field *f, const struct husk_u32s *u)
{
    husk_text_str(t, "[");
    for (uint32_t i = 0; i < u->n; i++) {
        husk_text_str(t, i ? "," : "");
        if (f->words != NULL && u->v[i] != 0)
            husk__put_flags(t, f->words, u->v[i]);
        else
            husk_textf(t, "%u", (unsigned)u->v[i]);
    }
    husk_text_str(t, "]");
}

static void husk__put_list(struct husk_text *t, const struct husk_list *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        husk_text_str(t, i ? "," : "[");
        husk__put_quoted(t, l->v[i] ? l->v[i] : "");
    }
    husk_text_str(t, "]");
}

static void husk__put_errno(struct husk_text *t, int32_t sys)
{
    const char *name = husk_errno_name(sys);

    if (name[1] == '?')
        husk_textf(t, "%d", (int)sys);
    else
        husk_text_str(t, name);
}

static void husk__put_on_fail(struct husk_text *t, const struct husk_op *op)
{
    const char *separator = "(";

    husk_text_str(t, op->on_fail == HUSK_ELSE ? "else" : "ignore");
    if (op->on_fail == HUSK_ELSE) {
        husk_textf(t, "(%u", (unsigned)op->skip);
        separator = ",";
    }
    for (size_t i = 0; i < HUSK_COUNT(op->errnos); i++) {
        if (op->errnos[i] == 0)
            continue;
        husk_text_str(t, separator);
        husk__put_errno(t, op->errnos[i]);
        separator = ",";
    }
    if (separator[0] == ',')
        husk_text_str(t, ")");
}

static bool husk__field_absent(const void *base, const struct husk__field *f)
{
    const struct husk_path *path;
    const char *s;

    switch (f->type) {
    case HUSK__COUNT:
    case HUSK__LIMIT:
    case HUSK__ENUM:
    case HUSK__CAPS:
        return false;
    case HUSK__ID:
    case HUSK__UMASK:
        return husk__field_num(base, f) == HUSK_ID_KEEP;
    case HUSK__PATH:
        path = husk__field_at(base, f);
        return path->slot == HUSK_SLOT_HOST && path->rel == NULL;
    case HUSK__STR:
        memcpy(&s, husk__field_at(base, f), sizeof s);
        return s == NULL;
    case HUSK__LIST:
        return ((const struct husk_list *)husk__field_at(base, f))->n == 0;
    case HUSK__BYTES:
        return ((const struct husk_bytes *)husk__field_at(base, f))->n == 0;
    case HUSK__NUMS:
        return ((const struct husk_u32s *)husk__field_at(base, f))->n == 0;
    default:
        return husk__field_num(base, f) == 0;
    }
}

static void husk__put_value(struct husk_text *t, const void *base, const struct husk__field *f)
{
    const void *at = husk__field_at(base, f);
    char buffer[HUSK__WORD];
    const char *s;

    switch (f->type) {
    case HUSK__NUM:
    case HUSK__COUNT:
    case HUSK__ID:
    case HUSK__BOOL:
    case HUSK__LIMIT:
        if (f->type == HUSK__LIMIT && husk__field_num(base, f) == UINT64_MAX)
            husk_text_str(t, "unlimited");
        else
            husk_textf(t, "%llu", (unsigned long long)husk__field_num(base, f));
        break;
    case HUSK__INT:
        husk_textf(t, "%lld", (long long)husk__field_int(base, f));
        break;
    case HUSK__UMASK:
        husk_textf(t, "%#o", (unsigned)husk__field_num(base, f));
        break;
    case HUSK__MODE:
        husk__put_mode(t, (uint32_t)husk__field_num(base, f));
        break;
    case HUSK__ENUM:
    case HUSK__OPTION:
        husk__word_of(f->words, husk__field_num(base, f), buffer);
        husk_text_str(t, buffer);
        break;
    case HUSK__FLAGS:
    case HUSK__CAPS:
        if (husk__field_num(base, f) == 0)
            husk_text_str(t, "none");
        husk__put_flags(t, f->words, husk__field_num(base, f));
        break;
    case HUSK__SLOT:
    case HUSK__NEW_SLOT:
        husk_text_str(t, husk_slot_name((enum husk_slot)husk__field_num(base, f), buffer));
        break;
    case HUSK__PATH:
        husk__put_path(t, at);
        break;
    case HUSK__STR:
        memcpy(&s, at, sizeof s);
        husk__put_string(t, s);
        break;
    case HUSK__LIST:
        husk__put_list(t, at);
        break;
    case HUSK__BYTES:
        husk__put_base64(t, at);
        break;
    case HUSK__NUMS:
        husk__put_nums(t, f, at);
        break;
    case HUSK__ON_FAIL:
        husk__put_on_fail(t, base);
        break;
    }
}

static void husk__put_fields(struct husk_text *t, const void *base, const struct husk__field *f)
{
    for (; f->name != NULL; f++) {
        if (husk__field_absent(base, f))
            continue;
        husk_text_str(t, " ");
        husk_text_str(t, f->name);
        if (f->type == HUSK__BOOL)
            continue;
        husk_text_str(t, "=");
        husk__put_value(t, base, f);
    }
}

static void husk__put_op(struct husk_text *t, const struct husk_op *op, int who_width, int kind_width)
{
    char who[HUSK__WORD];

    husk__word_of(&husk__who_words, op->who, who);
    husk_textf(t, "%-*s %-*s", who_width, who, kind_width, husk_op_name(op->kind));
    husk__put_fields(t, op, husk__fields_of(op->kind));
    husk__put_fields(t, op, husk__common_fields);
    while (t->len > 0 && t->data[t->len - 1] == ' ')
        t->data[--t->len] = '\0';
}

HUSK_API void husk_op_print(const struct husk_op *op, struct husk_text *out)
{
    husk__put_op(out, op, 0, 0);
}

static void husk__put_header(struct husk_text *t, const struct husk_plan *plan)
{
    char word[HUSK__WORD];

    husk__word_of(&husk__action_words, plan->action, word);
    husk_textf(t, "action %s\n", word);
    if (plan->id != NULL) {
        husk_text_str(t, "id ");
        husk__put_string(t, plan->id);
        husk_text_str(t, "\n");
    }
    for (uint32_t i = 0; i < plan->n_cgroups; i++) {
        husk_text_str(t, "cgroup");
        husk__put_fields(t, &plan->cgroups[i], husk__place_fields);
        husk_text_str(t, "\n");
    }
    for (uint32_t i = 0; i < plan->notes.n; i++) {
        husk_text_str(t, "note");
        husk__put_fields(t, &plan->notes.v[i], husk__note_fields);
        husk_text_str(t, "\n");
    }
}

HUSK_API void husk_plan_print(const struct husk_plan *plan, struct husk_text *out)
{
    husk_text_str(out, "husk-plan 1\n");
    husk__put_header(out, plan);
    husk_text_str(out, "\n");
    for (uint32_t i = 0; i < plan->n; i++) {
        husk_textf(out, "%03u ", (unsigned)i);
        husk__put_op(out, &plan->ops[i], 6, 8);
        husk_text_str(out, "\n");
    }
}

/* The last path; else the first string; else what is acted on. */
HUSK_API const char *husk_op_subject(const struct husk_op *op)
{
    const char *path = NULL, *text = NULL, *other = NULL, *s;
    const struct husk_path *p;
    const struct husk_list *l;
    char buffer[24];
    uint64_t v;

    for (const struct husk__field *f = husk__fields_of(op->kind); f->name != NULL; f++) {
        const void *at = husk__field_at(op, f);
        if (f->type == HUSK__PATH && (p = at)->rel != NULL && p->rel[0] != '\0') {
            path = p->rel;
        } else if (f->type == HUSK__PATH && p->slot < HUSK_SLOT_COUNT) {
            path = husk_slot_name(p->slot, buffer);
        } else if (f->type == HUSK__STR && text == NULL) {
            memcpy(&s, at, sizeof s);
            text = s;
        } else if (f->type == HUSK__LIST && other == NULL) {
            l = at;
            other = l->n ? l->v[0] : NULL;
        } else if ((f->type == HUSK__SLOT || f->type == HUSK__NEW_SLOT) && f->must &&
                   husk__field_num(op, f) < HUSK_SLOT_COUNT) {
            other = other ? other : husk_slot_name((enum husk_slot)husk__field_num(op, f), buffer);
        } else if (f->type == HUSK__ENUM && f->words != NULL && other == NULL) {
            for (uint32_t i = 0; (s = husk__word(f->words, i, &v)) != NULL && other == NULL; i++)
                other = v == husk__field_num(op, f) ? s : NULL;
        }
    }
    return path ? path : text ? text : other ? other : "";
}

#include "husk/impl/plan_parse.h"
#include "husk/impl/plan_show.h"
#endif
