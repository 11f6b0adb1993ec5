/* main.c - the husk command: global options, then one of the commands of options.c. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef HUSK_COMMIT
#define HUSK_COMMIT "unknown"
#endif

/* Our own files must not land on 0, 1 or 2, where the container's streams belong. */
static bool open_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    }
    return true;
}

static uint32_t count_inherited(void)
{
    int fd = 3;

    while (fcntl(fd, F_GETFD) >= 0)
        fd++;
    return (uint32_t)fd - 3;
}

static const struct command *find_command(const char *name)
{
    const struct command *o = commands;

    while (o->name != NULL && strcmp(o->name, name) != 0)
        o++;
    return o->name ? o : NULL;
}

static const char *default_root(struct cli *c)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR"), *user = getenv("USER"), *root = NULL;
    bool in_userns = geteuid() != 0;
    char map[64] = "";
    FILE *f;

    if (xdg == NULL || xdg[0] != '/')
        return "/run/husk";
    if (!in_userns && (user == NULL || strcmp(user, "root") != 0) &&
        (f = fopen("/proc/self/uid_map", "re")) != NULL) {
        unsigned inside, outside, size; /* the initial user namespace maps everything to itself */

        in_userns = fgets(map, sizeof map, f) == NULL ||
                    sscanf(map, "%u %u %u", &inside, &outside, &size) != 3 || size != UINT32_MAX;
        fclose(f);
    }
    if (in_userns)
        root = husk_strf(&c->arena, "%s/husk", xdg);
    return root ? root : "/run/husk";
}

static int global_check(struct cli *c, struct husk_err *err)
{
    if (c->root == NULL)
        c->root = default_root(c);
    c->root = absolute(c, c->root);
    if (c->root == NULL || c->root[strspn(c->root, "/")] == '\0')
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "--root must not be / or empty");
    if (c->rootless != NULL && strcmp(c->rootless, "auto") != 0 && strcmp(c->rootless, "true") != 0 &&
        strcmp(c->rootless, "false") != 0)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL,
                         "invalid value \"%.64s\" for --rootless: true, false or auto", c->rootless);
    if (c->cgroup_manager != NULL && strcmp(c->cgroup_manager, "systemd") == 0)
        c->systemd_cgroup = true;
    else if (c->cgroup_manager != NULL && strcmp(c->cgroup_manager, "cgroupfs") != 0 && !no_cgroup(c))
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL,
                         "invalid value \"%.64s\" for --cgroup-manager: cgroupfs, systemd or disabled",
                         c->cgroup_manager);
    if (c->systemd_cgroup)
        return husk_fail(
            err, HUSK_EHOST, HUSK_DIAG_NOT_BUILT, 0, NULL,
            "systemd cgroup flag passed, but systemd support for managing cgroups is not available");
    return 0;
}

/* The caller used a command or option wrongly: the help goes to stdout, the reason to the log. */
static int usage(struct cli *c, const char *reason)
{
    printf("Incorrect Usage: %s\n\n", reason);
    options_help(c->command);
    fflush(stdout);
    return failf(c, "%s", reason);
}

static int check_arguments(struct cli *c)
{
    const struct command *o = c->command;
    char reason[256];

    if (c->n_args >= o->min && (o->max < 0 || c->n_args <= o->max))
        return 0;
    snprintf(reason, sizeof reason, "husk: \"%s\" requires %s %d argument(s)", o->name,
             o->min == o->max     ? "exactly"
             : c->n_args < o->min ? "a minimum of"
                                  : "a maximum of",
             c->n_args < o->min ? o->min : o->max);
    return usage(c, reason);
}

static int run_command(struct cli *c, const char *const *argv)
{
    char reason[256];
    int used, rc;

    c->command = find_command(argv[0]);
    if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "h") == 0) {
        c->command = argv[1] ? find_command(argv[1]) : NULL;
        if (argv[1] == NULL || c->command != NULL) {
            options_help(c->command);
            return 0;
        }
        argv++;
    }
    if (c->command == NULL) {
        fprintf(stderr, "No help topic for '%s'\n", argv[0]);
        return 3;
    }
    used = options_parse(c, c->command->options, argv + 1, reason);
    if (used < 0)
        return usage(c, reason);
    if (c->help) {
        options_help(c->command);
        return 0;
    }
    c->args = (const char **)(uintptr_t)(argv + 1 + used);
    while (c->args[c->n_args] != NULL)
        c->n_args++;
    if ((rc = check_arguments(c)) != 0)
        return rc;
    log_debug("husk %s", c->command->name);
    return c->command->run(c);
}

int main(int argc, char **argv)
{
    struct cli c = {.document = "config.json"};
    const char *const *rest;
    struct husk_err err;
    char reason[256];
    int used, rc;

    /* Not made for it: options, environment and configuration are all trusted. */
    if (getauxval(AT_SECURE) != 0) {
        fputs("husk: refusing to run set-uid, set-gid or with file capabilities\n", stderr);
        return 1;
    }
    if (argc < 1 || !open_standard_streams())
        return 1;
    signal(SIGCHLD, SIG_DFL); /* a caller that ignores it would make us lose our children's status */
    c.inherited_fds = count_inherited();
    c.argv = argv;
    prctl(PR_SET_NAME, "husk"); /* protect.c executes a descriptor, which has no name of its own */
    rest = (const char *const *)(uintptr_t)argv;
    used = options_parse(&c, global_options, rest + 1, reason);
    if (used < 0)
        return usage(&c, reason);
    rest += 1 + used;
    if (c.version) {
        printf("husk version %s\ncommit: %s\nspec: %s\n", HUSK_VERSION, HUSK_COMMIT, HUSK_OCI_VERSION);
        return 0;
    }
    if (c.help || rest[0] == NULL) {
        options_help(NULL);
        return 0;
    }
    if (log_open(&c, &err) != 0 || global_check(&c, &err) != 0) {
        rc = fail(&c, &err);
    } else {
        rc = run_command(&c, rest);
        if (rc == 0)
            log_commit();
    }
    if (fflush(stdout) != 0 && rc == 0)
        rc = 1;
    husk_arena_fini(&c.arena);
    return rc;
}
