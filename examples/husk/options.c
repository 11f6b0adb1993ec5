/* options.c - the table of commands and options, and the one parser that reads them.
 *
 * The rules are those that callers of OCI runtimes rely on: `--x v`, `--x=v`, one dash or two, the first
 * argument ends the options (what follows belongs to the program in the container), `--` is skipped once.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(name, letter, kind, member, value, about)                                                        \
    {                                                                                                        \
        name, letter, OPTION_##kind, offsetof(struct cli, member), value, about                              \
    }

static const struct option none[] = {OPTION_END};

const struct option global_options[] = {
    ROW("root", 0, TEXT, root, "DIR",
        "directory of the containers' state (default /run/husk, or below XDG_RUNTIME_DIR)"),
    ROW("log", 0, TEXT, log, "[file:]FILE", "append messages to FILE instead of writing them to stderr"),
    ROW("log-format", 0, TEXT, log_format, "FORMAT", "text or json"),
    ROW("debug", 0, BOOL, debug, NULL, "log more"),
    ROW("systemd-cgroup", 0, BOOL, systemd_cgroup, NULL, "not available in this version"),
    ROW("cgroup-manager", 0, TEXT, cgroup_manager, "MANAGER",
        "cgroupfs, systemd (as --systemd-cgroup), or disabled: no cgroup of its own"),
    ROW("rootless", 0, TEXT, rootless, "WHEN", "true, false or auto: go on where cgroups cannot be written"),
    ROW("version", 'v', BOOL, version, NULL, "print the version"),
    OPTION_END,
};

#define CREATE_OPTIONS                                                                                       \
    ROW("bundle", 'b', TEXT, bundle, "DIR", "directory of the bundle (default: the current one)"),           \
        ROW("config", 'f', TEXT, config, "FILE",                                                             \
            "configuration file (default config.json), relative to the bundle")
#define PROCESS_OPTIONS                                                                                      \
    ROW("console-socket", 0, TEXT, console_socket, "PATH", "socket that receives the terminal"),             \
        ROW("pidfd-socket", 0, TEXT, pidfd_socket, "PATH", "socket that receives a pidfd of the process"),   \
        ROW("pid-file", 0, TEXT, pid_file, "FILE", "write the process id to FILE"),                          \
        ROW("preserve-fds", 0, NUMBER, preserve_fds, "N",                                                    \
            "pass N more descriptors than 0, 1, 2 (and LISTEN_FDS)")
#define SETUP_OPTIONS                                                                                        \
    ROW("no-pivot", 0, BOOL, no_pivot, NULL, "move the mount instead of pivot_root(2)"),                     \
        ROW("no-new-keyring", 0, BOOL, no_new_keyring, NULL, "keep the caller's session keyring")

static const struct option create_options[] = {CREATE_OPTIONS, PROCESS_OPTIONS, SETUP_OPTIONS, OPTION_END};
static const struct option run_options[] = {
    CREATE_OPTIONS,
    PROCESS_OPTIONS,
    SETUP_OPTIONS,
    ROW("detach", 'd', BOOL, detach, NULL, "return when the program runs"),
    ROW("keep", 0, BOOL, keep, NULL, "do not delete the container when it has ended"),
    ROW("no-subreaper", 0, BOOL, no_subreaper, NULL, "do not adopt orphans of the container"),
    OPTION_END,
};
static const struct option exec_options[] = {
    ROW("process", 'p', TEXT, process, "FILE", "process object to run, instead of CMD and most options"),
    ROW("cwd", 0, TEXT, cwd, "DIR", "working directory"),
    ROW("env", 'e', LIST, env, "K=V", "add to the environment"),
    ROW("tty", 't', BOOL, tty, NULL, "with a terminal"),
    ROW("user", 'u', TEXT, user, "UID[:GID]", "as this user"),
    ROW("additional-gids", 'g', LIST, gids, "GID", "with this group, too"),
    ROW("cap", 'c', LIST, caps, "CAP", "with this capability, too"),
    ROW("no-new-privs", 0, BOOL, no_new_privs, NULL, "set no_new_privs"),
    ROW("process-label", 0, TEXT, process_label, "LABEL", "SELinux label"),
    ROW("apparmor", 0, TEXT, apparmor, "PROFILE", "AppArmor profile"),
    ROW("cgroup", 0, TEXT, cgroup, "[CTRL,...:]PATH", "in this sub-cgroup of the container's"),
    ROW("ignore-paused", 0, BOOL, ignore_paused, NULL,
        "also in a paused container; waits until it is resumed"),
    ROW("detach", 'd', BOOL, detach, NULL, "return when the program runs"),
    ROW("no-subreaper", 0, BOOL, no_subreaper, NULL, NULL),
    PROCESS_OPTIONS,
    OPTION_END,
};
static const struct option kill_options[] = {ROW("all", 'a', BOOL, all, NULL, NULL), OPTION_END};
static const struct option delete_options[] = {
    ROW("force", 'f', BOOL, force, NULL, "kill it when it runs; no error when it does not exist"),
    ROW("regex", 'r', BOOL, regex, NULL, "ID is an extended regular expression: all that match"), OPTION_END};
static const struct option list_options[] = {ROW("format", 'f', TEXT, format, "FORMAT", "table or json"),
                                             ROW("quiet", 'q', BOOL, quiet, NULL, "ids only"), OPTION_END};
static const struct option ps_options[] = {ROW("format", 'f', TEXT, format, "FORMAT", "table or json"),
                                           OPTION_END};
static const struct option spec_options[] = {
    ROW("bundle", 'b', TEXT, bundle, "DIR", "where to write config.json (default: the current directory)"),
    ROW("rootless", 0, BOOL, spec_rootless, NULL, "for a caller who is not root"),
    OPTION_END,
};
static const struct option update_options[] = {
    ROW("resources", 'r', TEXT, update.resources, "FILE",
        "linux.resources as JSON; - is standard input; no other option counts then"),
    ROW("memory", 0, TEXT, update.memory, "BYTES", "memory; 50M and the like are taken, -1 is no limit"),
    ROW("memory-swap", 0, TEXT, update.memory_swap, "BYTES", "memory and swap together"),
    ROW("memory-reservation", 0, TEXT, update.memory_reservation, "BYTES",
        "memory that is taken away last"),
    ROW("cpu-share", 0, TEXT, update.cpu_share, "N", "weight of 2 to 262144 against other cgroups"),
    ROW("cpu-shares", 0, TEXT, update.cpu_share, NULL, NULL),
    ROW("cpu-quota", 0, TEXT, update.cpu_quota, "USEC", "time on processors in each period, -1 is no limit"),
    ROW("cpu-period", 0, TEXT, update.cpu_period, "USEC", "period of the quota"),
    ROW("cpu-burst", 0, TEXT, update.cpu_burst, "USEC", "unused quota that may be used later"),
    ROW("cpu-idle", 0, TEXT, update.cpu_idle, "0|1", "1: run only when nothing else wants to"),
    ROW("cpu-rt-period", 0, TEXT, update.cpu_rt_period, "USEC", "period of real-time processes"),
    ROW("cpu-rt-runtime", 0, TEXT, update.cpu_rt_runtime, "USEC", "real-time processes' share of it"),
    ROW("cpuset-cpus", 0, TEXT, update.cpuset_cpus, "LIST", "processors to run on"),
    ROW("cpuset-mems", 0, TEXT, update.cpuset_mems, "LIST", "memory nodes to use"),
    ROW("pids-limit", 0, TEXT, update.pids_limit, "N", "number of processes, -1 is no limit"),
    ROW("blkio-weight", 0, TEXT, update.blkio_weight, "N", "weight of 10 to 1000 against other cgroups"),
    ROW("l3-cache-schema", 0, TEXT, update.l3_cache_schema, "SCHEMA", "of intelRdt; counts beside --resources, too"),
    ROW("mem-bw-schema", 0, TEXT, update.mem_bw_schema, "SCHEMA", "of intelRdt; counts beside --resources, too"),
    ROW("kernel-memory", 0, TEXT, update.kernel_memory, NULL, NULL), /* no kernel has it any more */
    ROW("kernel-memory-tcp", 0, TEXT, update.kernel_memory, NULL, NULL),
    OPTION_END,
};
static const struct option plan_options[] = {
    CREATE_OPTIONS,
    ROW("host", 0, TEXT, host, "FACTS",
        "for the machine that this file describes (see husk-probe), not for this one"),
    ROW("json", 0, BOOL, json, NULL, "print JSON"),
    ROW("diff", 0, TEXT, diff, "OTHER",
        "compare with a saved plan or another configuration; exit status 1 when they differ"),
    SETUP_OPTIONS,
    OPTION_END,
};
static const struct option check_options[] = {
    CREATE_OPTIONS, ROW("host", 0, TEXT, host, "FACTS", "for the machine that this file describes"),
    OPTION_END};

const struct command commands[] = {
    {"check", "", "find everything that is wrong with a bundle", 0, 0, 1, check_options, command_check},
    {"create", "ID", "make a container; `start` lets its program run", 1, 1, 1, create_options,
     command_create},
    {"delete", "ID", "remove a stopped container", 1, 1, 1, delete_options, command_delete},
    {"exec", "ID CMD [ARG...]", "run another process in a container", 1, -1, 255, exec_options, command_exec},
    {"features", "", "show what this build and host support, as JSON", 0, 0, 1, none, command_features},
    {"kill", "ID [SIGNAL]", "send a signal (default SIGTERM) to the container's process", 1, 2, 1,
     kill_options, command_kill},
    {"list", "", "show all containers", 0, 0, 1, list_options, command_list},
    {"pause", "ID", "freeze all processes of a container", 1, 1, 1, none, command_pause},
    {"plan", "[ID]", "show what run would do here; needs no privilege and changes nothing", 0, 1, 1,
     plan_options, command_plan},
    {"ps", "ID [PS-OPTION...]", "show the processes of a container", 1, -1, 1, ps_options, command_ps},
    {"resume", "ID", "let a paused container go on", 1, 1, 1, none, command_resume},
    {"run", "ID", "create and start a container, and wait for its end", 1, 1, 1, run_options, command_run},
    {"spec", "", "write a default config.json", 0, 0, 1, spec_options, command_spec},
    {"start", "ID", "run the program of a created container", 1, 1, 1, none, command_start},
    {"state", "ID", "show the state of a container as JSON", 1, 1, 1, none, command_state},
    {"update", "ID", "give a container new limits", 1, 1, 1, update_options, command_update},
    {NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};

static bool read_bool(const char *value, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"}, *const no[] = {
                                                                                  "0",     "f",     "F",
                                                                                  "false", "FALSE", "False"};

    for (size_t i = 0; i < HUSK_COUNT(yes); i++) {
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *out = strcmp(value, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool store(struct cli *c, const struct option *o, const char *value)
{
    char *at = (char *)c + o->at, *end;
    struct texts *list = (struct texts *)(void *)at;

    switch (o->kind) {
    case OPTION_BOOL:
        return read_bool(value, (bool *)at);
    case OPTION_TEXT:
        *(const char **)(void *)at = value;
        return true;
    case OPTION_NUMBER:
        errno = 0;
        *(uint64_t *)(void *)at = strtoull(value, &end, 10);
        return value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
    case OPTION_LIST:
        list->v =
            husk_arena_grow(&c->arena, list->v, list->n * sizeof *list->v, (list->n + 1) * sizeof *list->v);
        if (list->v != NULL)
            list->v[list->n++] = value;
        return true;
    }
    return false;
}

static const struct option *find(const struct option *table, const char *name, size_t len)
{
    for (; table->name != NULL; table++) {
        if ((strncmp(table->name, name, len) == 0 && table->name[len] == '\0') ||
            (len == 1 && table->letter == name[0] && table->letter != 0))
            return table;
    }
    return NULL;
}

int options_parse(struct cli *c, const struct option *table, const char *const *argv, char reason[256])
{
    static const struct option help[] = {ROW("help", 'h', BOOL, help, NULL, NULL), OPTION_END};
    int i = 0;

    for (; argv[i] != NULL && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1), *value;
        size_t len = strcspn(name, "=");
        const struct option *o = find(table, name, len);

        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        if (o == NULL)
            o = find(help, name, len);
        value = name[len] == '=' ? name + len + 1 : o != NULL && o->kind == OPTION_BOOL ? "true" : argv[++i];
        if (o == NULL) {
            snprintf(reason, 256, "flag provided but not defined: -%.*s", len < 64 ? (int)len : 64, name);
            return -1;
        }
        if (value == NULL) {
            snprintf(reason, 256, "flag needs an argument: -%s", o->name);
            return -1;
        }
        if (!store(c, o, value)) {
            snprintf(reason, 256, "invalid value \"%.64s\" for flag -%s", value, o->name);
            return -1;
        }
    }
    return i;
}

static void help_rows(const struct option *o)
{
    for (; o->name != NULL; o++) {
        char left[64];

        if (o->about == NULL)
            continue;
        snprintf(left, sizeof left, "--%s%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "",
                 o->letter ? (char[]){',', ' ', '-', o->letter, 0} : "");
        printf("   %-28s %s\n", left, o->about);
    }
}

void options_help(const struct command *command)
{
    if (command != NULL) {
        printf("husk %s - %s\n\nUSAGE:\n   husk %s %s%s\n", command->name, command->about, command->name,
               command->options[0].name ? "[OPTION...] " : "", command->arguments);
        if (command->options[0].name != NULL)
            printf("\nOPTIONS:\n");
        help_rows(command->options);
        return;
    }
    printf("husk - run OCI containers\n\nUSAGE:\n   husk [GLOBAL OPTION...] COMMAND [OPTION...] "
           "[ARGUMENT...]\n\nCOMMANDS:\n");
    for (const struct command *o = commands; o->name != NULL; o++)
        printf("   %-10s %s\n", o->name, o->about);
    printf("\n`husk help COMMAND` shows a command's options.\n\nGLOBAL OPTIONS:\n");
    help_rows(global_options);
}
