/* husk/impl/spec_read.h - the reader: fills structs from JSON as tables of members tell. Included by spec.h only.
 *
 * A table row says what a member is called, what it must be, and where it goes; spec_members.h has the rows.
 */
#ifndef HUSK_SPEC_READ_H
#define HUSK_SPEC_READ_H

#include <stdlib.h>

#define HUSK__MANY_MAX 65536u /* a short text cannot ask for much memory by [0,0,0 ... */

struct husk__reader {
    struct husk__report report;
    struct husk_note *notes;
    uint32_t n_notes, cap_notes;
};

enum husk__kind {
    HUSK__K_STR,    /* const char * */
    HUSK__K_BOOL,   /* bool */
    HUSK__K_INT,    /* an integer of `size` bytes, from min to max */
    HUSK__K_NAME,   /* a name of `table`, kept as an integer of `size` bytes */
    HUSK__K_OBJECT, /* a struct of `size` bytes, by `rows` */
    HUSK__K_NEW,    /* the same, through a pointer */
    HUSK__K_CUSTOM, /* whatever `read` makes of it */
};
enum husk__many {
    HUSK__ONE,
    HUSK__ARRAY, /* into { v, n }, elements of `size` bytes */
    HUSK__MAP,   /* the same from an object: an element begins with the key */
    HUSK__ORED, /* an array of names, their values or-ed */
};
enum husk__need { HUSK__MAY, HUSK__MUST };

struct husk__row {
    const char *name; /* NULL ends a table */
    enum husk__need need;
    enum husk__kind kind;
    enum husk__many many;
    enum husk_table table;
    bool key_is_name;         /* HUSK__MAP: the key is a name of `table`, kept as uint32_t */
    size_t at, value_at;      /* offset in the struct; HUSK__MAP: of the value in the element */
    size_t set_at;            /* offset of the `set` flag, plus 1; 0: there is none */
    size_t size;
    int64_t min, absent;      /* absent: an integer to store when the member is not there; 0 already is */
    uint64_t max;
    const struct husk__row *rows;
    /* HUSK__K_CUSTOM: reads the value into the struct at base. HUSK__K_OBJECT: has the last word on it. */
    void (*read)(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v, void *base,
                 const struct husk__row *row);
};

static void husk__note(struct husk__reader *r, const struct husk__at *at, const char *msg)
{
    struct husk_arena *arena = r->report.arena;
    char where[256];

    if (r->n_notes == r->cap_notes) {
        uint32_t cap = r->cap_notes ? r->cap_notes * 2 : 8;
        size_t one = sizeof *r->notes;
        void *bigger = husk_arena_grow(arena, r->notes, r->n_notes * one, cap * one);
        if (bigger == NULL)
            return;
        r->notes = bigger;
        r->cap_notes = cap;
    }
    husk__at_print(at, where, sizeof where);
    r->notes[r->n_notes++] = (struct husk_note){ husk_strdup(arena, where), msg };
}

static void husk__mistyped(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                           const char *expected)
{
    static const char *const kinds[] = {
        [HUSK_JSON_NULL] = "null", [HUSK_JSON_ARRAY] = "an array", [HUSK_JSON_OBJECT] = "an object"
    };
    const char *got = v->type == HUSK_JSON_BOOL     ? (v->boolean ? "true" : "false")
                      : v->type == HUSK_JSON_NUMBER ? v->text
                      : v->type == HUSK_JSON_STRING ? HUSK__SHOW(v->text)
                                                    : kinds[v->type];

    husk__complain(&r->report, HUSK_DIAG_JSON_TYPE, at, "expected %s, got %s", expected, got);
}

static bool husk__is(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                     enum husk_json_type type, const char *expected)
{
    if (v->type != type)
        husk__mistyped(r, at, v, expected);
    return v->type == type;
}

/* size: that of any integer type, or of an enum. */
static void husk__store(void *to, size_t size, uint64_t value)
{
    uint32_t v32 = (uint32_t)value;
    uint16_t v16 = (uint16_t)value;
    uint8_t v8 = (uint8_t)value;
    const void *from = size == 8   ? (void *)&value
                       : size == 4 ? (void *)&v32
                       : size == 2 ? (void *)&v16
                                   : (void *)&v8;

    memcpy(to, from, size);
}

static void husk__read_int(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                           const struct husk__row *row, void *to)
{
    uint64_t u = 0;
    int64_t i = 0;
    bool is_i64 = husk_json_i64(v, &i), good = is_i64 || husk_json_u64(v, &u);
    char expected[80];

    if (is_i64)
        u = (uint64_t)i;
    if (good && (is_i64 ? i >= row->min : row->min <= 0) && (i < 0 || u <= row->max)) {
        husk__store(to, row->size, u);
        return;
    }
    snprintf(expected, sizeof expected, "an integer from %lld to %llu", (long long)row->min,
             (unsigned long long)row->max);
    if (v->type == HUSK_JSON_NUMBER)
        husk__complain(&r->report, HUSK_DIAG_JSON_RANGE, at, "expected %s, got %s", expected, v->text);
    else
        husk__mistyped(r, at, v, expected);
}

static uint64_t husk__read_name(struct husk__reader *r, const struct husk__at *at, const char *name,
                                enum husk_table table)
{
    uint64_t value = 0;

    if (!husk_name_value(table, name, &value))
        husk__complain(&r->report, HUSK_DIAG_UNKNOWN_VALUE, at, "unknown %s %s", husk_table_noun(table),
                       HUSK__SHOW(name));
    return value;
}

static void husk__read_object(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                              const struct husk__row *rows, char *base);

/* One value, where `row->many` does not matter any more. */
static void husk__read_one(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                           const struct husk__row *row, char *to)
{
    const char *text;
    char *made;

    switch (row->kind) {
    case HUSK__K_STR:
        text = husk__is(r, at, v, HUSK_JSON_STRING, "a string") ? v->text
               : row->many == HUSK__ONE                         ? NULL
                                                                : ""; /* a list has no NULL */
        memcpy(to, &text, sizeof text);
        break;
    case HUSK__K_BOOL:
        if (husk__is(r, at, v, HUSK_JSON_BOOL, "true or false"))
            memcpy(to, &v->boolean, sizeof v->boolean);
        break;
    case HUSK__K_INT:
        husk__read_int(r, at, v, row, to);
        break;
    case HUSK__K_NAME:
        if (husk__is(r, at, v, HUSK_JSON_STRING, "a string"))
            husk__store(to, row->size, husk__read_name(r, at, v->text, row->table));
        break;
    case HUSK__K_OBJECT:
        if (!husk__is(r, at, v, HUSK_JSON_OBJECT, "an object"))
            break;
        husk__read_object(r, at, v, row->rows, to);
        if (row->read != NULL)
            row->read(r, at, v, to, row);
        break;
    case HUSK__K_NEW:
        made = husk_arena_alloc(r->report.arena, row->size);
        if (made != NULL && husk__is(r, at, v, HUSK_JSON_OBJECT, "an object")) {
            husk__read_object(r, at, v, row->rows, made);
            memcpy(to, &made, sizeof made);
        }
        break;
    case HUSK__K_CUSTOM:
        break;
    }
}

static void husk__read_many(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                            const struct husk__row *row, char *to)
{
    bool map = row->many == HUSK__MAP;
    char *items, *item;
    uint32_t n = 0;

    if (!husk__is(r, at, v, map ? HUSK_JSON_OBJECT : HUSK_JSON_ARRAY, map ? "an object" : "an array"))
        return;
    if (v->count > HUSK__MANY_MAX) {
        husk__complain(&r->report, HUSK_DIAG_JSON_RANGE, at, "more than %u elements", HUSK__MANY_MAX);
        return;
    }
    items = item = husk_arena_alloc(r->report.arena, v->count * row->size);
    for (const struct husk_json *c = items ? v->child : NULL; c != NULL; c = c->next) {
        const struct husk__at *place = map ? HUSK__IN(at, c->name) : HUSK__NTH(at, n);
        if (map && c->type == HUSK_JSON_NULL)
            continue;
        if (map && row->key_is_name)
            husk__store(item, sizeof(uint32_t), husk__read_name(r, place, c->name, row->table));
        else if (map)
            memcpy(item, &c->name, sizeof c->name);
        husk__read_one(r, place, c, row, item + row->value_at);
        item += row->size;
        n++;
    }
    memcpy(to, &items, sizeof items);
    memcpy(to + sizeof items, &n, sizeof n);
}

static void husk__read_flags(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                             const struct husk__row *row, char *to)
{
    uint64_t flags = 0;
    uint32_t i = 0;

    if (!husk__is(r, at, v, HUSK_JSON_ARRAY, "an array"))
        return;
    for (const struct husk_json *c = v->child; c != NULL; c = c->next, i++)
        if (husk__is(r, HUSK__NTH(at, i), c, HUSK_JSON_STRING, "a string"))
            flags |= husk__read_name(r, HUSK__NTH(at, i), c->text, row->table);
    husk__store(to, row->size, flags);
}

/* Members that no row names are ignored, as the specification demands. */
static void husk__read_object(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                              const struct husk__row *rows, char *base)
{
    for (const struct husk__row *row = rows; row->name != NULL; row++) {
        const struct husk_json *member = husk_json_get(v, row->name);
        const struct husk__at *place = HUSK__IN(at, row->name);
        bool text = row->many == HUSK__ONE && (row->kind == HUSK__K_STR || row->kind == HUSK__K_NAME);
        bool empty = member != NULL && text && member->type == HUSK_JSON_STRING && member->text[0] == '\0';

        if (member == NULL || empty) {
            if (row->need == HUSK__MUST)
                husk__complain(&r->report, HUSK_DIAG_MISSING, place,
                               empty ? "must not be empty" : "required member is missing");
            else if (row->absent != 0)
                husk__store(base + row->at, row->size, (uint64_t)row->absent);
            continue;
        }
        if (row->kind == HUSK__K_CUSTOM)
            row->read(r, place, member, base, row);
        else if (row->many == HUSK__ORED)
            husk__read_flags(r, place, member, row, base + row->at);
        else if (row->many != HUSK__ONE)
            husk__read_many(r, place, member, row, base + row->at);
        else
            husk__read_one(r, place, member, row, base + row->at);
        if (row->set_at > 0)
            husk__store(base + row->set_at - 1, sizeof(bool), true);
    }
}

static int husk__member_order(const void *a, const void *b)
{
    const struct husk_json *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);

    return order ? order : ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

/* Sorted, so that a document of a million members takes no million times a million comparisons. */
static void husk__find_duplicates(struct husk__reader *r, const struct husk__at *at,
                                  const struct husk_json *v)
{
    const struct husk_json **sorted, *c = v->child;
    uint32_t i;

    for (i = 0; c != NULL; c = c->next, i++)
        husk__find_duplicates(r, c->name ? HUSK__IN(at, c->name) : HUSK__NTH(at, i), c);
    if (v->type != HUSK_JSON_OBJECT || v->count < 2)
        return;
    sorted = husk_arena_alloc(r->report.arena, v->count * sizeof *sorted);
    if (sorted == NULL)
        return;
    for (i = 0, c = v->child; c != NULL; c = c->next)
        sorted[i++] = c;
    qsort(sorted, v->count, sizeof *sorted, husk__member_order);
    for (i = 1; i < v->count; i++)
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
            husk__complain(&r->report, HUSK_DIAG_JSON_DUPLICATE, HUSK__IN(at, sorted[i]->name),
                           "member given twice in one object");
}
#endif
