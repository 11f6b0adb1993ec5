/* apply-plan.c - carry out a plan that was made elsewhere.
 *
 *     husk plan --bundle /srv/box box > box.plan       # on any machine, with --host FACTS for this one
 *     apply-plan box.plan                              # here: neither config.json nor its parser is needed
 *
 * A device that starts the same containers at each boot needs no more than this. The plan is verified before
 * it is applied, and whoever can write it can do what it says: keep it as safe as the program that runs it.
 */
#include "husk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int report(const char *doing, const struct husk_err *err)
{
    fprintf(stderr, "apply-plan: %s: %s%s%s\n", doing, err->at, err->at[0] ? ": " : "", err->msg);
    return 125;
}

static int read_all(FILE *f, struct husk_text *text)
{
    char buffer[4096];
    size_t n;

    while ((n = fread(buffer, 1, sizeof buffer, f)) > 0)
        husk_text_add(text, buffer, n);
    return ferror(f) || text->data == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct husk_arena arena = {0};
    struct husk_text text = {.arena = &arena};
    struct husk_plan plan;
    struct husk_err err;
    FILE *log = tmpfile(), *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    int status = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: apply-plan PLAN\n");
        return 125;
    }
    if (f == NULL || log == NULL || read_all(f, &text) != 0) {
        fprintf(stderr, "apply-plan: %s: %s\n", argv[1], strerror(errno));
        return 125;
    }
    fclose(f);
    if (husk_plan_parse(&plan, &arena, text.data, text.len, &err))
        return report(argv[1], &err);

    struct husk_apply apply = {.plan = &plan, .state_fd = -1, .target_fd = -1, .undo_fd = fileno(log)};
    if (husk_apply(&apply, &err))
        return report("cannot start", &err);
    while (waitpid(apply.pid, &status, 0) < 0 && errno == EINTR)
        ;
    husk_apply_fini(&apply);

    if (husk_undo_fd(fileno(log), &err)) /* what was made beside the process: its cgroups */
        return report("cannot clean up", &err);
    fclose(log);
    husk_arena_fini(&arena);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
