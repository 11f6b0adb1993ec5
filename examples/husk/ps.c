/* ps.c - the command `ps`: the processes of a container, as pids or as rows of the ps program. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct pids {
    const int32_t *v;
    uint32_t n;
};

static bool has_pid(const struct pids *pids, const char *text)
{
    long pid = strtol(text, NULL, 10);

    for (uint32_t i = 0; i < pids->n; i++) {
        if (pids->v[i] == pid)
            return true;
    }
    return false;
}

/* The n-th word of a line, from 0; NULL when it has fewer. */
static const char *word(const char *line, int n)
{
    for (line += strspn(line, " \t");; n--) {
        if (*line == '\0' || *line == '\n')
            return NULL;
        if (n == 0)
            return line;
        line += strcspn(line, " \t\n");
        line += strspn(line, " \t");
    }
}

/* Header and the container's lines of what ps prints. */
static int filter(struct cli *c, FILE *in, const struct pids *pids)
{
    char *line = NULL;
    size_t size = 0;
    int column = -1, i = 0;
    const char *w;

    while (getline(&line, &size, in) > 0) {
        if (column < 0) {
            for (i = 0; (w = word(line, i)) != NULL && !(strncmp(w, "PID", 3) == 0 && strchr(" \t\n", w[3]));
                 i++)
                ;
            if (w == NULL) {
                free(line);
                return failf(c, "the output of ps has no column PID");
            }
            column = i;
            fputs(line, stdout);
        } else if ((w = word(line, column)) != NULL && has_pid(pids, w)) {
            fputs(line, stdout);
        }
    }
    free(line);
    return 0;
}

static int print_rows(struct cli *c, const struct pids *pids)
{
    static const char *const usual[] = {"ps", "-ef", NULL};
    const char **own = husk_arena_alloc(&c->arena, ((size_t)c->n_args + 1) * sizeof *own);
    int fds[2], status = 0, rc;
    pid_t pid;
    FILE *in;

    if (own == NULL || pipe2(fds, O_CLOEXEC) != 0)
        return failf(c, "cannot run ps: %s", strerror(errno));
    own[0] = "ps";
    for (int i = 1; i < c->n_args; i++)
        own[i] = c->args[i];
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        execvp("ps", (char *const *)(uintptr_t)(c->n_args > 1 ? own : usual));
        fprintf(stderr, "exec: \"ps\": executable file not found in $PATH\n");
        _exit(127);
    }
    close(fds[1]);
    in = fdopen(fds[0], "r");
    rc = pid < 0 || in == NULL ? failf(c, "cannot run ps: %s", strerror(errno)) : filter(c, in, pids);
    if (in != NULL)
        fclose(in);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status != 0 && rc == 0)
        rc = failf(c, "ps failed with status %d",
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return rc;
}

int command_ps(struct cli *c)
{
    const char *format = c->format ? c->format : "table";
    struct husk_container container;
    struct husk_err err;
    struct pids pids;

    if (strcmp(format, "table") != 0 && strcmp(format, "json") != 0)
        return failf(c, "invalid format option");
    if (container_open(c, &container, &err) != 0 ||
        husk_container_pids(&container, &pids.v, &pids.n, &err) != 0)
        return fail(c, &err);
    husk_container_close(&container);
    if (strcmp(format, "table") == 0)
        return print_rows(c, &pids);
    for (uint32_t i = 0; i < pids.n; i++)
        printf("%s%d", i ? "," : "[", pids.v[i]);
    printf("%s]\n", pids.n ? "" : "[");
    return 0;
}
