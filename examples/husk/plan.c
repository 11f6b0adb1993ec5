/* plan.c - the commands that only look: `plan` shows what run would do, `check` lists what is wrong with a
 * bundle. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int load_host(struct cli *c, struct husk_host *host, struct husk_err *err)
{
    const char *text;
    size_t len;
    int rc;

    if (c->host == NULL)
        return husk_host_probe(host, &c->arena, err);
    rc = read_file(c, c->host, true, &text, &len, err);
    if (rc == 0 && (rc = husk_host_parse(host, &c->arena, text, len, err)) != 0)
        c->document = c->host;
    return rc;
}

static int make_plan(struct cli *c, const struct husk_spec *spec, const struct husk_host *host,
                     struct husk_plan *plan, struct husk_err *err)
{
    struct husk_request request = {.action = HUSK_RUN, .id = c->n_args > 0 ? c->args[0] : "ID"};
    int rc = husk_id_check(request.id, err);

    if (rc == 0)
        rc = request_fill(c, &request, err);
    return rc ? rc : husk_plan_make(plan, &c->arena, spec, host, &request, err);
}

/* A saved plan, or the plan of another configuration (a file, or a bundle's directory). */
static int load_other(struct cli *c, const struct husk_host *host, const char *path, struct husk_plan *plan,
                      struct husk_err *err)
{
    struct husk_spec *spec = husk_arena_alloc(&c->arena, sizeof *spec);
    const char *text;
    struct stat st;
    size_t len;
    int rc;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        c->bundle = path;
        path = husk_strf(&c->arena, "%s/config.json", path);
    }
    if (spec == NULL || path == NULL)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    c->document = path;
    rc = read_file(c, path, true, &text, &len, err);
    if (rc != 0)
        return rc;
    if (text[strspn(text, " \t\r\n")] != '{')
        return husk_plan_parse(plan, &c->arena, text, len, err);
    rc = husk_spec_parse(spec, &c->arena, text, len, NULL, err);
    if (rc == 0)
        rc = make_plan(c, spec, host, plan, err);
    if (rc != 0)
        husk_err_locate(err, text, len);
    return rc;
}

static void warn_notes(const struct husk_plan *plan)
{
    for (uint32_t i = 0; i < plan->notes.n; i++)
        log_warn("%s: %s", plan->notes.v[i].at, plan->notes.v[i].msg);
}

int command_plan(struct cli *c)
{
    struct husk_text out = {.arena = &c->arena};
    struct husk_plan plan, other;
    struct husk_spec spec;
    struct husk_host host;
    struct husk_err err;
    const char *text;
    size_t len;
    int rc = 0;

    c->host = absolute(c, c->host);
    c->diff = absolute(c, c->diff);
    if (bundle_load(c, &spec, &text, &len, &err) != 0 || load_host(c, &host, &err) != 0)
        return fail(c, &err);
    if (make_plan(c, &spec, &host, &plan, &err) != 0) {
        husk_err_locate(&err, text, len);
        return fail(c, &err);
    }
    warn_notes(&plan);
    if (c->diff != NULL) {
        if (load_other(c, &host, c->diff, &other, &err) != 0)
            return fail(c, &err);
        rc = husk_plan_diff(&other, &plan, &out) > 0;
    } else if (c->json) {
        husk_plan_print_json(&plan, &out);
    } else {
        husk_plan_print(&plan, &out);
    }
    if (c->arena.failed)
        return failf(c, "out of memory");
    print_text(&out);
    if (rc != 0)
        log_commit();
    return rc;
}

static void print_error(const struct cli *c, const struct husk_err *err)
{
    char text[1600];

    error_text(c, err, text, sizeof text);
    for (char *p = text; *p; p++) /* one line each, whatever the document holds */
        *p = (unsigned char)*p < ' ' || *p == 127 ? ' ' : *p;
    printf("%s\n", text);
}

static uint32_t check_root(const struct cli *c, const struct husk_spec *spec, const char *text, size_t len)
{
    struct husk_err err;
    struct stat st;

    if (spec->root.path == NULL || (stat(spec->root.path, &st) == 0 && S_ISDIR(st.st_mode)))
        return 0;
    (void)husk_fail(&err, HUSK_ESPEC, HUSK_DIAG_BAD_VALUE, errno, "/root/path", "%s: %s", spec->root.path,
                    stat(spec->root.path, &st) == 0 ? "not a directory" : strerror(errno));
    husk_err_locate(&err, text, len);
    print_error(c, &err);
    return 1;
}

int command_check(struct cli *c)
{
    struct husk_errs all = {0};
    struct husk_plan plan;
    struct husk_spec spec;
    struct husk_host host;
    struct husk_err err;
    const char *text;
    uint32_t bad = 0;
    size_t len;
    int rc;

    c->host = absolute(c, c->host);
    if (bundle_read(c, &text, &len, &err) != 0)
        return fail(c, &err);
    rc = husk_spec_parse(&spec, &c->arena, text, len, &all, &err);
    for (; bad < all.n; bad++)
        print_error(c, &all.v[bad]);
    if (rc != 0 && bad == 0) {
        print_error(c, &err);
        bad++;
    }
    for (uint32_t i = 0; rc == 0 && i < spec.notes.n; i++)
        log_warn("%s: %s", spec.notes.v[i].at, spec.notes.v[i].msg);
    if (rc == 0) {
        bad += check_root(c, &spec, text, len);
        if (load_host(c, &host, &err) != 0)
            return fail(c, &err);
        if (make_plan(c, &spec, &host, &plan, &err) != 0) {
            husk_err_locate(&err, text, len);
            print_error(c, &err);
            bad += err.diag != HUSK_DIAG_NO_PERMISSION; /* that is the caller's, not the bundle's */
        } else {
            warn_notes(&plan);
        }
    }
    log_commit();
    return bad ? 1 : 0;
}
