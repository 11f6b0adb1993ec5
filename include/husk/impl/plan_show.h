/* husk/impl/plan_show.h - a plan as JSON, and the difference of two plans. Part of plan.h's implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_SHOW_IMPLEMENTED)
#define HUSK_PLAN_SHOW_IMPLEMENTED

static void husk__json_words(struct husk_json_out *o, const char *key, const struct husk__words *w,
                             uint64_t value)
{
    char word[HUSK__WORD];

    husk_json_begin(o, key, '[');
    while (husk__next_flag(w, &value, word))
        husk_json_put_str(o, NULL, word);
    husk_json_end(o, ']');
}

static void husk__json_on_fail(struct husk_json_out *o, const struct husk_op *op)
{
    struct husk_text name;

    husk_json_begin(o, "on_fail", '{');
    husk_json_put_str(o, "do", op->on_fail == HUSK_ELSE ? "else" : "ignore");
    if (op->on_fail == HUSK_ELSE)
        husk_json_put_u64(o, "count", op->skip);
    husk_json_begin(o, "errnos", '[');
    for (size_t i = 0; i < HUSK_COUNT(op->errnos); i++) {
        if (op->errnos[i] == 0)
            continue;
        name = (struct husk_text){.arena = o->text->arena};
        husk__put_errno(&name, op->errnos[i]);
        husk_json_put_str(o, NULL, name.data);
    }
    husk_json_end(o, ']');
    husk_json_end(o, '}');
}

static void husk__json_value(struct husk_json_out *o, const void *base, const struct husk__field *f)
{
    const struct husk_list *l = husk__field_at(base, f);
    const struct husk_u32s *u = husk__field_at(base, f);
    const struct husk_path *p = husk__field_at(base, f);
    struct husk_text text = {.arena = o->text->arena};
    const char *s;

    switch (f->type) { /* what is not here is the text form as a string */
    case HUSK__NUM:
    case HUSK__COUNT:
    case HUSK__ID:
        husk_json_put_u64(o, f->name, husk__field_num(base, f));
        return;
    case HUSK__INT:
        husk_json_put_i64(o, f->name, husk__field_int(base, f));
        return;
    case HUSK__BOOL:
        husk_json_put_bool(o, f->name, true);
        return;
    case HUSK__FLAGS:
    case HUSK__CAPS:
        husk__json_words(o, f->name, f->words, husk__field_num(base, f));
        return;
    case HUSK__ON_FAIL:
        husk__json_on_fail(o, base);
        return;
    case HUSK__STR:
        memcpy(&s, husk__field_at(base, f), sizeof s);
        husk_json_put_str(o, f->name, s);
        return;
    case HUSK__LIST:
        husk_json_begin(o, f->name, '[');
        for (uint32_t i = 0; i < l->n; i++)
            husk_json_put_str(o, NULL, l->v[i]);
        husk_json_end(o, ']');
        return;
    case HUSK__NUMS:
        husk_json_begin(o, f->name, '[');
        for (uint32_t i = 0; i < u->n; i++) {
            if (f->words == NULL) {
                husk_json_put_u64(o, NULL, u->v[i]);
                continue;
            }
            text = (struct husk_text){.arena = o->text->arena};
            husk__put_flags(&text, f->words, u->v[i]);
            husk_json_put_str(o, NULL, text.data ? text.data : "");
        }
        husk_json_end(o, ']');
        return;
    case HUSK__PATH: /* as in the text form, but that only JSON quotes it */
        if (p->slot != HUSK_SLOT_HOST)
            husk__put_path(&text, &(struct husk_path){p->slot, NULL});
        if (p->rel != NULL && p->rel[0] != '\0')
            husk_textf(&text, "%s%s", p->slot != HUSK_SLOT_HOST ? ":" : "", p->rel);
        break;
    default:
        husk__put_value(&text, base, f);
    }
    husk_json_put_str(o, f->name, text.data ? text.data : "");
}

static void husk__json_fields(struct husk_json_out *o, const void *base, const struct husk__field *f)
{
    for (; f->name != NULL; f++)
        if (!husk__field_absent(base, f))
            husk__json_value(o, base, f);
}

/* One object a line, so that line tools can work on it: objects in the array that `name` opens. */
static void husk__json_rows(struct husk_text *out, const char *name, const void *rows, uint32_t n,
                            size_t size, void (*put)(struct husk_json_out *o, const void *row, uint32_t i))
{
    husk_textf(out, ",\n  \"%s\": [", name);
    for (uint32_t i = 0; i < n; i++) {
        struct husk_json_out o = {.text = out};
        husk_text_str(out, i ? ",\n    " : "\n    ");
        husk_json_begin(&o, NULL, '{');
        put(&o, (const char *)rows + i * size, i);
        husk_json_end(&o, '}');
    }
    husk_text_str(out, n ? "\n  ]" : "]");
}

static void husk__json_place(struct husk_json_out *o, const void *row, uint32_t i)
{
    (void)i;
    husk__json_fields(o, row, husk__place_fields);
}

static void husk__json_note(struct husk_json_out *o, const void *row, uint32_t i)
{
    (void)i;
    husk__json_fields(o, row, husk__note_fields);
}

static void husk__json_op(struct husk_json_out *o, const void *row, uint32_t i)
{
    const struct husk_op *op = row;
    char who[HUSK__WORD];

    husk__word_of(&husk__who_words, op->who, who);
    husk_json_put_u64(o, "op", i);
    husk_json_put_str(o, "who", who);
    husk_json_put_str(o, "do", husk_op_name(op->kind));
    husk__json_fields(o, op, husk__fields_of(op->kind));
    husk__json_fields(o, op, husk__common_fields);
}

HUSK_API void husk_plan_print_json(const struct husk_plan *plan, struct husk_text *out)
{
    char action[HUSK__WORD];

    husk__word_of(&husk__action_words, plan->action, action);
    husk_textf(out, "{\n  \"plan\": 1,\n  \"action\": \"%s\",\n  \"id\": ", action);
    husk_json_quote(out, plan->id ? plan->id : "");
    husk__json_rows(out, "cgroups", plan->cgroups, plan->n_cgroups, sizeof *plan->cgroups, husk__json_place);
    husk__json_rows(out, "notes", plan->notes.v, plan->notes.n, sizeof *plan->notes.v, husk__json_note);
    husk__json_rows(out, "ops", plan->ops, plan->n, sizeof *plan->ops, husk__json_op);
    husk_text_str(out, "\n}\n");
}

/* Difference. Two operations are the same when their printed lines are, since printing is exact. */
struct husk__line {
    const char *s;
    size_t len;
    uint64_t hash;
};
struct husk__lines {
    struct husk__line *v;
    uint32_t n;
};

#define HUSK__DIFF_CELLS (4u << 20) /* of two bytes: bounds the table of the longest common subsequence */
#define HUSK__DIFF_CONTEXT 3u

static struct husk__lines husk__plan_lines(struct husk_arena *arena, const struct husk_plan *plan)
{
    struct husk_text t = {.arena = arena};
    struct husk__lines lines = {NULL, 0};
    uint32_t n = 0;

    husk__put_header(&t, plan);
    for (uint32_t i = 0; i < plan->n; i++) {
        husk__put_op(&t, &plan->ops[i], 6, 8);
        husk_text_str(&t, "\n");
    }
    for (size_t i = 0; i < t.len; i++)
        n += t.data[i] == '\n';
    lines.v = husk_arena_alloc(arena, n * sizeof *lines.v);
    if (lines.v == NULL)
        return lines;
    for (size_t i = 0; i < t.len; i++) {
        struct husk__line *l = &lines.v[lines.n++];
        *l = (struct husk__line){t.data + i, 0, UINT64_C(14695981039346656037)}; /* FNV-1a */
        for (; t.data[i] != '\n'; i++, l->len++)
            l->hash = (l->hash ^ (unsigned char)t.data[i]) * UINT64_C(1099511628211);
    }
    return lines;
}

static bool husk__same_line(const struct husk__line *a, const struct husk__line *b)
{
    return a->hash == b->hash && a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

/* What to do with the next lines: one character a step, ' ' both, '-' of a, '+' of b. NULL when out of
 * memory. */
static char *husk__edit_script(struct husk_arena *arena, const struct husk__lines *a,
                               const struct husk__lines *b)
{
    uint32_t head = 0, tail = 0, rows, cols, i, k;
    char *script = husk_arena_alloc(arena, (size_t)a->n + b->n + 1), *s = script;
    uint16_t *common = NULL; /* common[i * (cols + 1) + k]: length for what is left from (i, k) */

    while (head < a->n && head < b->n && husk__same_line(&a->v[head], &b->v[head]))
        head++;
    while (tail < a->n - head && tail < b->n - head &&
           husk__same_line(&a->v[a->n - 1 - tail], &b->v[b->n - 1 - tail]))
        tail++;
    rows = a->n - head - tail;
    cols = b->n - head - tail;
    if (rows < UINT16_MAX && cols < UINT16_MAX && (uint64_t)(rows + 1) * (cols + 1) <= HUSK__DIFF_CELLS)
        common = husk_arena_alloc(arena, (size_t)(rows + 1) * (cols + 1) * sizeof *common);
    if (script == NULL || arena->failed)
        return NULL;
    for (i = rows; common != NULL && i-- > 0;)
        for (k = cols; k-- > 0;) {
            uint16_t *at = &common[i * (cols + 1) + k], down = at[cols + 1], right = at[1];
            *at = husk__same_line(&a->v[head + i], &b->v[head + k]) ? (uint16_t)(at[cols + 2] + 1)
                  : down >= right                                   ? down
                                                                    : right;
        }
    memset(s, ' ', head);
    s += head;
    for (i = k = 0; i < rows || k < cols;) { /* without a table: everything out, then everything in */
        const uint16_t *at = common ? &common[i * (cols + 1) + k] : NULL;
        if (at != NULL && i < rows && k < cols && husk__same_line(&a->v[head + i], &b->v[head + k])) {
            *s++ = ' ';
            i++, k++;
        } else if (i < rows && (k == cols || at == NULL || at[cols + 1] >= at[1])) {
            *s++ = '-';
            i++;
        } else {
            *s++ = '+';
            k++;
        }
    }
    memset(s, ' ', tail);
    return script;
}

HUSK_API uint32_t husk_plan_diff(const struct husk_plan *a, const struct husk_plan *b, struct husk_text *out)
{
    struct husk__lines la = husk__plan_lines(out->arena, a), lb = husk__plan_lines(out->arena, b);
    char *script = out->arena->failed ? NULL : husk__edit_script(out->arena, &la, &lb);
    uint32_t changed = 0, i = 0, k = 0, near = 0; /* near: unchanged lines still to show */
    bool gap = false;

    for (char *s = script; s != NULL && *s != '\0'; s++) {
        const struct husk__line *line = *s == '+' ? &lb.v[k] : &la.v[i];
        if (*s != ' ') {
            near = HUSK__DIFF_CONTEXT;
            changed++;
        } else if (near > 0) {
            near--;
        } else if (strcspn(s, "-+") > HUSK__DIFF_CONTEXT || s[strcspn(s, "-+")] == '\0') {
            gap = true;
            i++, k++;
            continue;
        }
        if (gap && changed + near > 0 && out->len > 0)
            husk_text_str(out, "  ...\n");
        gap = false;
        husk_text_add(out, s, 1);
        husk_text_str(out, " ");
        husk_text_add(out, line->s, line->len);
        husk_text_str(out, "\n");
        i += *s != '+';
        k += *s != '-';
    }
    return changed;
}
#endif
