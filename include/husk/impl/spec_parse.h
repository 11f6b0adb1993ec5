/* husk/impl/spec_parse.h - from text to spec: the entry points of the reader. Included by spec.h, never alone. */
#ifndef HUSK_SPEC_PARSE_H
#define HUSK_SPEC_PARSE_H

/* What JSON alone can show: remarks about values that are legal, but may not be meant. */
static void husk__spec_notes(struct husk__reader *r, const struct husk_spec *spec)
{
    const struct husk__at *mounts = HUSK__IN(NULL, "mounts"), *linux_ = HUSK__IN(NULL, "linux");
    const char *l3 = spec->linux_.intel_rdt.l3_schema;

    for (uint32_t i = 0; i < spec->mounts.n; i++)
        if (spec->mounts.v[i].destination[0] != '/')
            husk__note(r, HUSK__IN(HUSK__NTH(mounts, i), "destination"),
                       "relative destination, taken from \"/\"");
    if (l3 != NULL && (strncmp(l3, "L3:", 3) != 0 || strchr(l3, '\n') != NULL))
        husk__note(r, HUSK__IN(HUSK__IN(linux_, "intelRdt"), "l3CacheSchema"),
                   "expected one line beginning with L3:");
}

/* A text on its way to a struct. What could be read only in part is checked when all errors are wanted, and only
 * for bad values: that something is missing or contradicts itself may be due to what could not be read. */
struct husk__document {
    const char *text;
    size_t len;
    const struct husk_json *root;
    struct husk__reader reader;
};

static int husk__document_read(struct husk__document *d, struct husk_arena *arena, struct husk_errs *all,
                               struct husk_err *err, const struct husk__row *rows, void *to)
{
    struct husk_err syntax;
    int code = husk_json_parse(&d->root, arena, d->text, d->len, &syntax);

    d->reader.report = (struct husk__report){ .arena = arena, .all = all, .err = err, .code = code };
    if (code != HUSK_OK) {
        if (err != NULL)
            *err = syntax;
        if (all != NULL && (all->v = husk_arena_grow(arena, &syntax, sizeof syntax, sizeof syntax)) != NULL)
            all->n = all->cap = 1;
        return code;
    }
    husk__find_duplicates(&d->reader, NULL, d->root);
    if (husk__is(&d->reader, NULL, d->root, HUSK_JSON_OBJECT, "an object"))
        husk__read_object(&d->reader, NULL, d->root, rows, to);
    return d->reader.report.code;
}

static int husk__document_end(struct husk__document *d)
{
    struct husk__report *r = &d->reader.report;

    if (r->arena->failed)
        return husk_fail(r->err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "", "out of memory");
    if (d->root == NULL)
        return r->code;
    if (r->code != HUSK_OK && r->err != NULL)
        husk__locate(r->err, d->root, d->text, d->len);
    for (uint32_t i = 0; r->all != NULL && i < r->all->n; i++)
        husk__locate(&r->all->v[i], d->root, d->text, d->len);
    return r->code;
}

HUSK_API int husk_spec_parse(struct husk_spec *spec, struct husk_arena *arena, const char *text, size_t len,
                             struct husk_errs *all, struct husk_err *err)
{
    struct husk__document d = { .text = text, .len = len };
    int code;

    memset(spec, 0, sizeof *spec);
    if (all != NULL)
        memset(all, 0, sizeof *all);
    code = husk__document_read(&d, arena, all, err, husk__spec_rows, spec);
    if (code != HUSK_OK && all != NULL && d.root != NULL && !arena->failed) {
        d.reader.report.unread = all->n;
        husk__check_spec(&d.reader.report, spec);
    }
    if (code == HUSK_OK && !arena->failed) {
        husk__check_spec(&d.reader.report, spec);
        husk__spec_notes(&d.reader, spec);
        spec->notes.v = d.reader.notes;
        spec->notes.n = d.reader.n_notes;
    }
    return husk__document_end(&d);
}

HUSK_API int husk_process_parse(struct husk_process *process, struct husk_arena *arena, const char *text,
                                size_t len, struct husk_err *err)
{
    struct husk__document d = { .text = text, .len = len };

    memset(process, 0, sizeof *process);
    if (husk__document_read(&d, arena, NULL, err, husk__process_rows, process) == HUSK_OK && !arena->failed)
        husk__check_process(&d.reader.report, NULL, process);
    return husk__document_end(&d);
}

HUSK_API int husk_resources_parse(struct husk_resources *res, struct husk_arena *arena, const char *text,
                                  size_t len, struct husk_err *err)
{
    struct husk__document d = { .text = text, .len = len };

    memset(res, 0, sizeof *res);
    if (husk__document_read(&d, arena, NULL, err, husk__resources_rows, res) == HUSK_OK && !arena->failed)
        husk__check_resources(&d.reader.report, NULL, res);
    return husk__document_end(&d);
}
#endif
