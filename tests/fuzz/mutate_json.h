/* Changes of a JSON text that leave it JSON: what gets past the reader, to the checks and the planner. */
#ifndef HUSK_FUZZ_MUTATE_JSON_H
#define HUSK_FUZZ_MUTATE_JSON_H

#include "husk/json.h"

#define TREE_MOST 4096u

struct tree {
    struct husk_arena arena;
    struct husk_json *all[TREE_MOST]; /* the root first */
    uint32_t n;
};

static const char tree_removed[] = "";

static void tree_list(struct tree *t, struct husk_json *v)
{
    if (t->n < TREE_MOST)
        t->all[t->n++] = v;
    for (struct husk_json *c = v->child; c != NULL; c = c->next)
        tree_list(t, c);
}

/* False: not JSON, or not an object. */
static bool tree_read(struct tree *t, const char *text, size_t len)
{
    const struct husk_json *root;
    struct husk_err err;

    if (husk_json_parse(&root, &t->arena, text, len, &err) != 0 || root->type != HUSK_JSON_OBJECT)
        return false;
    tree_list(t, (struct husk_json *)root); /* ours: it lives in our arena */
    return true;
}

/* False: too deep, since a change made a value its own part. */
static bool tree_print(struct husk_text *out, const struct husk_json *v, unsigned depth)
{
    bool map = v->type == HUSK_JSON_OBJECT, first = true;

    if (v->type == HUSK_JSON_STRING)
        husk_json_quote(out, v->text);
    else if (v->type < HUSK_JSON_ARRAY)
        husk_text_str(out, v->type == HUSK_JSON_NUMBER ? v->text
                           : v->type == HUSK_JSON_NULL ? "null"
                           : v->boolean                ? "true"
                                                       : "false");
    else if (depth == HUSK_JSON_DEPTH)
        return false;
    else {
        husk_text_str(out, map ? "{" : "[");
        for (const struct husk_json *c = v->child; c != NULL; c = c->next) {
            if (c->text == tree_removed)
                continue;
            husk_text_str(out, first ? "" : ",");
            first = false;
            if (map) {
                husk_json_quote(out, c->name ? c->name : "");
                husk_text_str(out, ":");
            }
            if (out->len > TREE_MOST * 16 || !tree_print(out, c, depth + 1))
                return false;
        }
        husk_text_str(out, map ? "}" : "]");
    }
    return true;
}

static void tree_assign(struct husk_json *to, const struct husk_json *from)
{
    to->type = from->type;
    to->boolean = from->boolean;
    to->text = from->text;
    to->child = from->child;
}

static void tree_literal(struct husk_json *v)
{
    static const struct husk_json literals[] = {
        {.type = HUSK_JSON_NULL},
        {.type = HUSK_JSON_BOOL},
        {.type = HUSK_JSON_BOOL, .boolean = true},
        {.type = HUSK_JSON_NUMBER, .text = "0"},
        {.type = HUSK_JSON_NUMBER, .text = "1"},
        {.type = HUSK_JSON_NUMBER, .text = "-1"},
        {.type = HUSK_JSON_NUMBER, .text = "10"},
        {.type = HUSK_JSON_NUMBER, .text = "1000"},
        {.type = HUSK_JSON_NUMBER, .text = "4294967294"},
        {.type = HUSK_JSON_NUMBER, .text = "4294967295"},
        {.type = HUSK_JSON_NUMBER, .text = "9223372036854775807"},
        {.type = HUSK_JSON_NUMBER, .text = "-9223372036854775808"},
        {.type = HUSK_JSON_NUMBER, .text = "18446744073709551615"},
        {.type = HUSK_JSON_STRING, .text = "/"},
        {.type = HUSK_JSON_STRING, .text = "/a/../b"},
        {.type = HUSK_JSON_STRING, .text = "a\n\"\\ =[]"},
        {.type = HUSK_JSON_STRING, .text = "0-1,3"},
        {.type = HUSK_JSON_ARRAY},
        {.type = HUSK_JSON_OBJECT},
    };

    tree_assign(v, &literals[fuzz_number(HUSK_COUNT(literals))]);
}

/* Another value of the same type; with luck one that means something here. */
static const struct husk_json *tree_like(const struct tree *t, const struct husk_json *v)
{
    const struct husk_json *other = v;

    for (int tries = 0; tries < 16 && (other == v || other->type != v->type); tries++)
        other = t->all[fuzz_number(t->n)];
    return other;
}

static void tree_change(struct tree *t)
{
    struct husk_json *v = t->all[t->n > 1 ? 1 + fuzz_number(t->n - 1) : 0], *copy;

    if (t->n < 2)
        return;
    switch (fuzz_number(6)) {
    case 0:
        tree_literal(v);
        break;
    case 1:
    case 2:
        tree_assign(v, tree_like(t, v));
        break;
    case 3:
        v->text = tree_removed;
        break;
    case 4:
        copy = husk_arena_alloc(&t->arena, sizeof *copy);
        if (copy == NULL)
            break;
        *copy = *v;
        v->next = copy;
        break;
    default:
        v->name = v->name ? tree_like(t, v)->name : NULL;
        break;
    }
}

/* A member of the donor takes its place in the tree. */
static void tree_graft(struct tree *t, const struct tree *donor)
{
    struct husk_json *at = t->all[0], *found;
    const struct husk_json *from = donor->all[0], *pick;

    for (;;) {
        size_t n = 0;
        pick = NULL;
        for (const struct husk_json *c = from->child; c != NULL; c = c->next)
            if (fuzz_number(++n) == 0)
                pick = c;
        if (pick == NULL || pick->name == NULL)
            return;
        for (found = at->child; found != NULL && (found->name == NULL || strcmp(found->name, pick->name) != 0);)
            found = found->next;
        if (found == NULL)
            break;
        if (found->type != HUSK_JSON_OBJECT || pick->type != HUSK_JSON_OBJECT || fuzz_number(4) == 0) {
            tree_assign(found, pick);
            return;
        }
        at = found;
        from = pick;
    }
    found = husk_arena_alloc(&t->arena, sizeof *found);
    if (found == NULL)
        return;
    *found = *pick;
    found->next = at->child;
    at->child = found;
}

/* The configuration in `text` changed, perhaps with something of the donor. Returns its new length, 0 when it cannot be done. */
static size_t mutate_json(char *text, size_t len, size_t room, const char *donor, size_t donor_len)
{
    static struct tree t, d;
    struct husk_text out = {.arena = &t.arena};
    size_t n = 0;

    t.n = d.n = 0;
    if (tree_read(&t, text, len)) {
        if (donor != NULL && tree_read(&d, donor, donor_len))
            for (size_t grafts = 1 + fuzz_number(3); grafts > 0; grafts--)
                tree_graft(&t, &d);
        else
            for (size_t changes = 1 + fuzz_number(3); changes > 0; changes--)
                tree_change(&t);
        if (tree_print(&out, t.all[0], 0) && out.data != NULL && out.len <= room)
            memcpy(text, out.data, n = out.len);
    }
    husk_arena_fini(&t.arena);
    husk_arena_fini(&d.arena);
    return n;
}
#endif
