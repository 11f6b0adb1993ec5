/* manage.c - the commands for a container that exists: state, kill, delete, pause, resume; and list. */
#include "cli.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int command_state(struct cli *c)
{
    struct husk_text text = {.arena = &c->arena};
    struct husk_container container;
    struct husk_err err;

    if (container_open(c, &container, &err) != 0)
        return fail(c, &err);
    husk_state_print(&container.state, husk_container_status(&container), "", "  ", &text);
    print_text(&text);
    husk_container_close(&container);
    return 0;
}

int command_kill(struct cli *c)
{
    const char *name = c->n_args > 1 ? c->args[1] : "SIGTERM";
    int signo = husk_signal_parse(name);
    struct husk_container container;
    struct husk_err err;

    if (signo < 0)
        return failf(c, "unknown signal \"%s\"", name);
    if (container_open(c, &container, &err) != 0 || husk_container_kill(&container, signo, c->all, &err) != 0)
        return fail(c, &err);
    husk_container_close(&container);
    return 0;
}

static int open_and_delete(struct cli *c, struct husk_err *err)
{
    struct husk_container container;
    int rc = container_open_for_hooks(c, &container, err);

    if (rc != 0)
        return rc;
    if (!c->force && husk_container_status(&container) == HUSK_CREATED) /* engines do so after a failed start */
        log_warn("%s is deleted though it was never started; the specification asks for --force", c->args[0]);
    rc = husk_container_delete(&container, c->force, err);
    husk_container_close(&container);
    return rc;
}

static int delete_one(struct cli *c)
{
    struct husk_container container;
    struct husk_err err, not_cleaned;
    int rc = open_and_delete(c, &err);

    /* A directory without a readable state is what a crash left, or what a create has just begun. */
    if (rc != 0 && (err.diag == HUSK_DIAG_ABSENT || (err.diag == HUSK_DIAG_STATE_FILE && c->force))) {
        container_init(c, &container);
        if (husk_container_clean(&container, c->args[0], &not_cleaned) == 0)
            rc = err.diag == HUSK_DIAG_STATE_FILE ? 0 : rc;
        else if (not_cleaned.diag == HUSK_DIAG_EXISTS)
            rc = open_and_delete(c, &err);
    }
    if (rc != 0 && err.diag == HUSK_DIAG_ABSENT && c->force)
        rc = 0;
    if (rc == 0)
        notify_remove(c, c->args[0]);
    return rc ? fail(c, &err) : 0;
}

struct matching {
    struct cli *c;
    regex_t regex;
    int rc;
};

static int delete_matching(void *ctx, const char *id, struct husk_err *err)
{
    struct matching *m = ctx;

    (void)err;
    m->c->args[0] = id;
    if (regexec(&m->regex, id, 0, NULL, 0) == 0 && delete_one(m->c) != 0)
        m->rc = m->c->command->failure; /* said; the others go */
    return 0;
}

int command_delete(struct cli *c)
{
    struct matching m = {.c = c};
    struct husk_err err;
    char why[128];
    int rc;

    if (!c->regex)
        return delete_one(c);
    rc = regcomp(&m.regex, c->args[0], REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        regerror(rc, &m.regex, why, sizeof why);
        return failf(c, "regular expression \"%.128s\": %s", c->args[0], why);
    }
    rc = husk_state_each(c->root, &c->arena, delete_matching, &m, &err);
    regfree(&m.regex);
    return rc ? fail(c, &err) : m.rc;
}

int command_pause(struct cli *c)
{
    struct husk_container container;
    struct husk_err err;

    if (container_open(c, &container, &err) != 0 || husk_container_pause(&container, &err) != 0)
        return fail(c, &err);
    husk_container_close(&container);
    return 0;
}

int command_resume(struct cli *c)
{
    struct husk_container container;
    struct husk_err err;

    if (container_open(c, &container, &err) != 0 || husk_container_resume(&container, &err) != 0)
        return fail(c, &err);
    husk_container_close(&container);
    return 0;
}

/* The name of a uid from /etc/passwd, without the name service switch and what it would load. */
static const char *owner_name(struct cli *c, uint32_t uid)
{
    char line[1024];
    const char *name = NULL;
    FILE *f = fopen("/etc/passwd", "re");

    while (f != NULL && name == NULL && fgets(line, sizeof line, f) != NULL) {
        char *second = strchr(line, ':'), *third = second ? strchr(second + 1, ':') : NULL, *end;

        if (third != NULL && strtoul(third + 1, &end, 10) == uid && *end == ':' && end > third + 1)
            name = husk_strndup(&c->arena, line, (size_t)(second - line));
    }
    if (f != NULL)
        fclose(f);
    return name ? name : husk_strf(&c->arena, "#%u", uid);
}

enum { ID, PID, STATUS, BUNDLE, CREATED, OWNER, COLUMNS };
struct row {
    const char *v[COLUMNS];
};
struct listing {
    struct cli *c;
    struct husk_text json;
    struct row *rows;
    uint32_t n, cap;
};

static int list_one(void *ctx, const char *id, struct husk_err *err)
{
    struct listing *l = ctx;
    struct cli *c = l->c;
    struct husk_container container;
    enum husk_status status;
    struct row *row;

    container_init(c, &container);
    if (husk_container_open(&container, id, err) != 0) {
        if (err->diag != HUSK_DIAG_ABSENT) /* deleted just now */
            fprintf(stderr, "load container %s: %s\n", id, err->msg);
        return 0;
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->rows = husk_arena_grow(&c->arena, l->rows, l->n * sizeof *row, l->cap * sizeof *row);
    }
    if (l->rows != NULL) {
        status = husk_container_status(&container);
        row = &l->rows[l->n++];
        row->v[ID] = id;
        row->v[PID] = husk_strf(&c->arena, "%d", status == HUSK_STOPPED ? 0 : container.state.pid);
        row->v[STATUS] = husk_status_name(status);
        row->v[BUNDLE] = container.state.bundle;
        row->v[CREATED] = container.state.created;
        row->v[OWNER] = owner_name(c, container.dir.owner);
        husk_text_str(&l->json, l->n > 1 ? "," : "[");
        husk_state_print(&container.state, status, row->v[OWNER], NULL, &l->json);
    }
    husk_container_close(&container);
    return c->arena.failed ? husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory") : 0;
}

/* Columns of at least 12, three blanks between them, none after the last. */
static void print_table(const struct row *rows, uint32_t n)
{
    static const struct row head = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    size_t width[COLUMNS], len;

    for (uint32_t k = 0; k < COLUMNS; k++) {
        width[k] = 12;
        for (uint32_t i = 0; i <= n; i++) {
            len = strlen((i ? &rows[i - 1] : &head)->v[k]) + 3;
            width[k] = len > width[k] ? len : width[k];
        }
    }
    for (uint32_t i = 0; i <= n; i++) {
        for (uint32_t k = 0; k < COLUMNS; k++)
            printf("%-*s", k == OWNER ? 0 : (int)width[k], (i ? &rows[i - 1] : &head)->v[k]);
        printf("\n");
    }
}

int command_list(struct cli *c)
{
    struct listing l = {.c = c, .json = {.arena = &c->arena}};
    const char *format = c->format ? c->format : "table";
    struct husk_err err;

    if (strcmp(format, "table") != 0 && strcmp(format, "json") != 0)
        return failf(c, "invalid format option");
    if (husk_state_each(c->root, &c->arena, list_one, &l, &err) != 0)
        return fail(c, &err);
    if (c->quiet) {
        for (uint32_t i = 0; i < l.n; i++)
            printf("%s\n", l.rows[i].v[ID]);
    } else if (strcmp(format, "json") == 0) {
        printf("%s%s\n", l.n ? l.json.data : "null", l.n ? "]" : "");
    } else {
        print_table(l.rows, l.n);
    }
    return 0;
}
