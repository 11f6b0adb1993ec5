/* cli.h - what the files of the command share. The command only reads options, prints, and calls husk's
 * functions. */
#ifndef CLI_H
#define CLI_H

#include "husk.h"

struct texts {
    const char **v;
    uint32_t n;
};

/* One invocation: every option of every command, each filled by its row in an option table. */
struct cli {
    /* before the command */
    const char *root, *log, *log_format, *rootless, *cgroup_manager;
    bool debug, systemd_cgroup, version, help;
    /* create, run, exec */
    const char *bundle, *config, *console_socket, *pid_file, *pidfd_socket;
    uint64_t preserve_fds;
    bool detach, keep, no_pivot, no_new_keyring, no_subreaper;
    /* exec */
    const char *process, *cwd, *user, *process_label, *apparmor, *cgroup;
    struct texts env, gids, caps;
    bool tty, no_new_privs, ignore_paused;
    /* update: texts, since units and -1 are allowed, and none is not 0 */
    struct {
        const char *resources, *blkio_weight, *cpu_burst, *cpu_idle, *cpu_period, *cpu_quota, *cpu_rt_period,
            *cpu_rt_runtime, *cpu_share, *cpuset_cpus, *cpuset_mems, *memory, *memory_reservation,
            *memory_swap, *kernel_memory, *pids_limit, *l3_cache_schema,
            *mem_bw_schema;
    } update;
    /* the others */
    const char *format, *host, *diff;
    bool all, force, regex, quiet, json;
    bool spec_rootless;

    char **argv; /* of the whole process */
    const struct command *command;
    const char **args; /* what follows the options; args[n_args] is NULL */
    int n_args;
    uint32_t inherited_fds; /* open descriptors from 3 on, without a gap, that the caller left us */
    struct husk_arena arena;
    const char *document; /* name of the text that an error's line and column are about */
};

/* options.c */
enum option_kind { OPTION_BOOL, OPTION_TEXT, OPTION_NUMBER, OPTION_LIST };
struct option {
    const char *name;
    char letter;
    enum option_kind kind;
    size_t at;         /* offset in struct cli */
    const char *value; /* the value's name for the help text */
    const char *about; /* NULL: accepted, not shown */
};
#define OPTION_END                                                                                           \
    {                                                                                                        \
        NULL, 0, OPTION_BOOL, 0, NULL, NULL                                                                  \
    }

struct command {
    const char *name, *arguments, *about;
    int min, max; /* number of arguments; max -1: any */
    int failure;  /* exit status of an error */
    const struct option *options;
    int (*run)(struct cli *c);
};
extern const struct command commands[]; /* ends with a NULL name */
extern const struct option global_options[];

/* Reads options up to the first argument; returns how many of argv were used, or -1 with the reason. */
int options_parse(struct cli *c, const struct option *table, const char *const *argv, char reason[256]);
void options_help(const struct command *command); /* NULL: of the program */

/* log.c */
int log_open(const struct cli *c, struct husk_err *err);
void log_error(const char *msg); /* and to stderr, when the log is a file */
void log_debug(const char *fmt, ...) HUSK_PRINTF(1, 2);
void log_warn(const char *fmt, ...)
    HUSK_PRINTF(1, 2); /* kept back until log_commit(): engines want one object per failure */
void log_commit(void);
void log_lend(bool lent); /* stderr is a container's, too: warnings are not for it */
/* Reports, and returns the command's failure status. */
int fail(struct cli *c, const struct husk_err *err);
int failf(struct cli *c, const char *fmt, ...) HUSK_PRINTF(2, 3);
/* "config.json:4:9: /process/cwd: ..." */
void error_text(const struct cli *c, const struct husk_err *err, char *out, size_t size);

/* common.c */
const char *absolute(struct cli *c, const char *path); /* NULL stays NULL */
int read_file(struct cli *c, const char *path, bool pipe, const char **text, size_t *len,
              struct husk_err *err);
/* Enters the bundle, reads its configuration into *text. */
int bundle_read(struct cli *c, const char **text, size_t *len, struct husk_err *err);
int bundle_load(struct cli *c, struct husk_spec *spec, const char **text, size_t *len, struct husk_err *err);
bool no_cgroup(const struct cli *c); /* --cgroup-manager disabled */
int request_fill(struct cli *c, struct husk_request *r, struct husk_err *err);
/* Are the terminal's options as the process needs them? */
int terminal_check(const struct cli *c, bool terminal, bool detached, struct husk_err *err);
/* Opens the container that args[0] names. */
int container_open(struct cli *c, struct husk_container *container, struct husk_err *err);
/* And enters its bundle, where hooks run; they run elsewhere when it is gone. */
int container_open_for_hooks(struct cli *c, struct husk_container *container, struct husk_err *err);
void container_init(struct cli *c, struct husk_container *container);
bool write_all(int fd, const char *data, size_t len);
void print_text(const struct husk_text *text); /* to stdout */

/* foreground.c: make a process and stay with it */
struct foreground {
    int host_tty, signals;
};
/* Before the process is made. Opens the host's terminal when the process gets one; its size goes into
 * *process. */
int foreground_prepare(struct foreground *f, struct husk_process *process, struct husk_err *err);
/* Relays and forwards until the process ends; returns its exit status as a shell would show it. */
int foreground_wait(struct foreground *f, int32_t pid, int console_fd);

/* tty.c */
int tty_host(void); /* a descriptor of the caller's terminal, or -1 with errno */
bool tty_raw(int fd);
void tty_restore(void);
void tty_resize(int host, int console);

/* notify.c */
struct notify {
    const char *host; /* NOTIFY_SOCKET; NULL: nothing to do */
    const char *dir;  /* of the container's socket */
    size_t root_len;
    bool made; /* dir was not there before */
    int fd;
};
/* For the container that args[0] names. */
int notify_open(struct cli *c, struct notify *n, struct husk_err *err);
/* Makes the directory; adds its mount and the variable. */
int notify_mount(struct cli *c, struct notify *n, struct husk_spec *spec, struct husk_process *process,
                 struct husk_err *err);
int notify_listen(struct notify *n, struct husk_err *err);
/* Until the program is ready, and that is passed on, or until it has ended. */
void notify_wait(struct notify *n, const struct husk_container *container, int32_t main_pid);
bool notify_wait_aside(struct notify *n, const struct husk_container *container); /* in a process of its own */
void notify_close(struct notify *n);
void notify_remove(const struct cli *c, const char *id);

/* protect.c */
int protect(const struct cli *c,
            struct husk_err *err); /* returns only when nothing is left to do, or it failed */

int command_create(struct cli *c), command_run(struct cli *c), command_start(struct cli *c);
int command_state(struct cli *c), command_kill(struct cli *c), command_delete(struct cli *c),
    command_list(struct cli *c);
int command_pause(struct cli *c), command_resume(struct cli *c), command_exec(struct cli *c),
    command_ps(struct cli *c);
int command_update(struct cli *c), command_spec(struct cli *c), command_features(struct cli *c);
int command_plan(struct cli *c), command_check(struct cli *c);

#endif
