/* husk-plan - look at plans without carrying them out: print, diff, lint, explain. Needs no privilege. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "husk/backends.h"

static const char usage[] =
    "Usage: husk-plan [print] [--json | --short | --why] PLAN\n"
    "       husk-plan diff A B\n"
    "       husk-plan lint PLAN\n"
    "       husk-plan explain PLAN\n"
    "\n"
    "A plan is the ordered list of operations that make a container. PLAN is a file with plan text, or - "
    "for\n"
    "standard input, or is made here:\n"
    "\n"
    "  --config FILE      from this config.json\n"
    "  --host FILE        for the machine whose facts husk-probe recorded here; without it for this machine\n"
    "  --id ID            container id (demo)\n"
    "  --bundle DIR       absolute path of the bundle (/bundle)\n"
    "  --action ACTION    create, run (the default) or exec\n"
    "  --process FILE     exec: the process object; without it the configuration's process\n"
    "  --console-socket PATH, --pidfd-socket PATH, --pid-file PATH, --preserve-fds N, --no-pivot, "
    "--no-new-keyring\n"
    "\n"
    "diff takes two plans, or --config or --host twice: the second plan uses the second one. Status 1: they "
    "differ.\n"
    "\n"
    "  --json   print as JSON\n"
    "  --short  cut long lines\n"
    "  --why    show which backends serve this configuration on this host, and why others do not\n"
    "  --help   print this\n";

#define SHORT_COLUMNS 150u

struct source {
    const char *config, *host, *plan;
};

struct options {
    const char *command;
    struct source source[2];
    unsigned configs, hosts, plans;
    const char *process;
    struct husk_request request;
    bool json, brief, why;
};

/* What a source turned out to be; spec and host only when it was made here. */
struct loaded {
    struct husk_arena arena;
    struct husk_spec spec;
    struct husk_host host;
    struct husk_process process;
    struct husk_request request;
    struct husk_plan plan;
    bool made;
};

static int complain(const char *where, const struct husk_err *err)
{
    fprintf(stderr, "husk-plan: %s", where);
    if (err->line != 0)
        fprintf(stderr, ":%u:%u", (unsigned)err->line, (unsigned)err->column);
    if (err->at[0] != '\0')
        fprintf(stderr, ": %s", err->at);
    fprintf(stderr, ": %s [%s]\n", err->msg, husk_diag_name(err->diag));
    return 1;
}

static int misuse(const char *what, const char *about)
{
    fprintf(stderr, "husk-plan: %s%s\nTry husk-plan --help.\n", what, about);
    return 2;
}

static const char *read_file(struct husk_arena *arena, const char *path, size_t *len)
{
    struct husk_text text = {.arena = arena};
    char block[65536];
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t n;

    if (f == NULL) {
        fprintf(stderr, "husk-plan: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    husk_text_add(&text, "", 0);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        husk_text_add(&text, block, n);
    if (ferror(f) || arena->failed) {
        fprintf(stderr, "husk-plan: %s: %s\n", path, ferror(f) ? strerror(errno) : "out of memory");
        text.data = NULL;
    }
    if (f != stdin)
        fclose(f);
    *len = text.len;
    return text.data;
}

static bool flush(struct husk_text *text)
{
    bool good =
        !text->arena->failed && text->data != NULL && fwrite(text->data, 1, text->len, stdout) == text->len;

    if (fflush(stdout) != 0 || !good)
        fprintf(stderr, "husk-plan: %s\n", text->arena->failed ? "out of memory" : "cannot write");
    return good;
}

/* ---- sources ---- */

static int load_inputs(struct loaded *l, const struct source *s, const struct options *o, const char **config,
                       size_t *config_len)
{
    struct husk_err err = {0};
    const char *text;
    size_t len;

    if ((*config = read_file(&l->arena, s->config, config_len)) == NULL)
        return 1;
    if (husk_spec_parse(&l->spec, &l->arena, *config, *config_len, NULL, &err) != 0)
        return complain(s->config, &err);
    if (s->host == NULL) {
        if (husk_host_probe(&l->host, &l->arena, &err) != 0)
            return complain("this machine", &err);
    } else if ((text = read_file(&l->arena, s->host, &len)) == NULL) {
        return 1;
    } else if (husk_host_parse(&l->host, &l->arena, text, len, &err) != 0) {
        return complain(s->host, &err);
    }
    if (o->process == NULL)
        return 0;
    if ((text = read_file(&l->arena, o->process, &len)) == NULL)
        return 1;
    if (husk_process_parse(&l->process, &l->arena, text, len, &err) != 0)
        return complain(o->process, &err);
    l->request.process = &l->process;
    return 0;
}

static int make(struct loaded *l, const struct source *s, const struct options *o)
{
    struct husk_err err = {0};
    struct husk_plan container;
    const char *config;
    size_t len;
    int rc;

    l->made = true;
    l->request = o->request;
    if (load_inputs(l, s, o, &config, &len) != 0)
        return 1;
    if (o->why) /* of use above all where no plan can be made */
        return 0;
    if (l->request.action == HUSK_EXEC) { /* into the container that run would have made */
        struct husk_request run = {.action = HUSK_RUN, .id = o->request.id, .bundle = o->request.bundle};
        rc = husk_plan_make(&container, &l->arena, &l->spec, &l->host, &run, &err);
        if (rc == 0) {
            l->request.cgroups = container.cgroups;
            l->request.n_cgroups = container.n_cgroups;
        }
    } else {
        rc = 0;
    }
    if (rc == 0)
        rc = husk_plan_make(&l->plan, &l->arena, &l->spec, &l->host, &l->request, &err);
    if (rc != 0) {
        husk_err_locate(&err, config, len);
        return complain(s->config, &err);
    }
    return 0;
}

static int load(struct loaded *l, const struct source *s, const struct options *o)
{
    struct husk_err err = {0};
    const char *text;
    size_t len;

    if (s->config != NULL)
        return make(l, s, o);
    if ((text = read_file(&l->arena, s->plan, &len)) == NULL)
        return 1;
    if (husk_plan_parse(&l->plan, &l->arena, text, len, &err) != 0)
        return complain(s->plan, &err);
    return 0;
}

/* ---- backends ---- */

static void row(struct husk_text *t, const char *place, const char *name, int score, const char *reason,
                bool chosen)
{
    husk_textf(t, "%-36s %-20s ", place, name);
    if (score > 0)
        husk_textf(t, "%s (score %d)\n", chosen ? "chosen" : "would do", score);
    else
        husk_textf(t, "no: %s\n", reason);
}

/* All of a kind, and which of them the planner takes. */
static void show_kind(const struct loaded *l, struct husk_text *t, enum husk_backend_kind kind, const char *place,
                      const struct husk_hierarchy *h, const char *at)
{
    const struct husk_backends *b = l->request.backends ? l->request.backends : &husk_backends_default;
    const struct husk_need need = {&l->host, h, &l->spec, at};
    uint32_t best = husk_backend_best(b, kind, &need, NULL);
    const char *name, *reason;
    int score;

    for (uint32_t i = 0; (name = husk_backend_ask(b, kind, i, &need, &score, &reason)) != NULL; i++)
        if (score > 0 || reason != NULL)
            row(t, place, name, score, reason, i == best);
    if (husk_backend_ask(b, kind, 0, &need, &score, &reason) == NULL)
        husk_textf(t, "%-36s none in this build\n", place);
}

static void show_backends(const struct loaded *l, struct husk_text *t)
{
    const struct husk_host *host = &l->host;
    int devices = husk_host_controller(host, "devices");

    for (uint32_t i = 0; i < host->n_hierarchies; i++) {
        const char *place = husk_strf(t->arena, "cgroup %s", host->hierarchies[i].mountpoint);
        show_kind(l, t, HUSK_BACKEND_CGROUP, place ? place : "cgroup", &host->hierarchies[i], NULL);
    }
    if (devices >= 0)
        show_kind(l, t, HUSK_BACKEND_DEVICE, "devices", &host->hierarchies[devices], NULL);
    else
        husk_textf(t, "%-36s this host has no device controller\n", "devices");
    show_kind(l, t, HUSK_BACKEND_IDMAP, "id maps", NULL, NULL);
    show_kind(l, t, HUSK_BACKEND_STORAGE, "storage", NULL, NULL);
    show_kind(l, t, HUSK_BACKEND_SECCOMP, "seccomp", NULL, NULL);
    show_kind(l, t, HUSK_BACKEND_LSM, "AppArmor profile", NULL, "/process/apparmorProfile");
    show_kind(l, t, HUSK_BACKEND_LSM, "SELinux label", NULL, "/process/selinuxLabel");
}

/* ---- explain ---- */

/* {field} is replaced by its text; a part in [] is left out when one of its fields is absent. */
static const struct {
    const char *what, *needs;
} sentences[HUSK_OP_COUNT] = {
    [HUSK_OP_OPEN] = {"opens {path} and calls it {slot}[, if it is what was expected: {expect}]", NULL},
    [HUSK_OP_MKDIR] = {"makes the directory {path}[ with mode {mode}] where it is missing[{excl}]", NULL},
    [HUSK_OP_WRITE] = {"writes {data} to {path}", NULL},
    [HUSK_OP_SYMLINK] = {"makes {path} a symbolic link to {target}", NULL},
    [HUSK_OP_MKNOD] = {"makes the device {path}, number {major}:{minor}[, mode {mode}]",
                       "CAP_MKNOD in the initial user namespace, unless it is a fifo"},
    [HUSK_OP_MOUNT] =
        {"mounts[ a file system of type {fstype}][ from {source}] at {target}[, {flags}][, then sets {set}]"
         "[, then clears {clear}][, on the whole tree sets {rec_set}][, clears {rec_clear}][, with options "
         "{data}]"
         "[, propagation {propagation}][; makes the mount point when missing: {create}]",
         "CAP_SYS_ADMIN over its mount namespace"},
    [HUSK_OP_ATTR] =
        {"changes the mount at {target}[: sets {set}][, clears {clear}][, sets {rec_set} on the whole tree]"
         "[, clears {rec_clear} there][: propagation {propagation}]",
         "CAP_SYS_ADMIN over its mount namespace"},
    [HUSK_OP_MASK] = {"hides {path}: a directory behind an empty one, a file behind /dev/null",
                      "CAP_SYS_ADMIN over its mount namespace"},
    [HUSK_OP_ROOT] = {"makes @rootfs the root directory and lets go of the old one ({how})",
                      "CAP_SYS_ADMIN over its mount namespace, or CAP_SYS_CHROOT"},
    [HUSK_OP_SPAWN] = {"creates the child process[, with new namespaces: {flags}][, inside {cgroup}]",
                       "CAP_SYS_ADMIN for namespaces but user"},
    [HUSK_OP_FORK] = {"clone the child once more, as a sibling that goes on in its place[, with {flags}]",
                      NULL},
    [HUSK_OP_SETNS] = {"joins the {type} namespace of {slot}", "CAP_SYS_ADMIN over that namespace"},
    [HUSK_OP_UNSHARE] = {"moves to new namespaces: {flags}", "CAP_SYS_ADMIN for namespaces but user"},
    [HUSK_OP_SYNC] = {"meet: the {from} has come to {name}, the other one waits for that", NULL},
    [HUSK_OP_PTY] =
        {"opens a terminal of the container's devpts, and calls its ends @console and @tty[; {rows} rows]"
         "[, {cols} columns][, owned by {uid}]",
         "a devpts mounted at /dev/pts"},
    [HUSK_OP_GIVE] = {"hand {slot} from the child to the parent[{by_number}]", NULL},
    [HUSK_OP_SEND] = {"sends {slot}[ with the text {data}][ with what is in {content}] over {socket} and closes that",
                      NULL},
    [HUSK_OP_STDIO] =
        {"begins a session and sets up standard input, output and error[{terminal}][, owned by {uid}]", NULL},
    [HUSK_OP_HOSTNAME] = {"sets the host name to {name}[{domain}]", "CAP_SYS_ADMIN over its UTS namespace"},
    [HUSK_OP_IFUP] = {"brings the network interface {name} up", "CAP_NET_ADMIN over its network namespace"},
    [HUSK_OP_RLIMIT] = {"limits the resource {type} to {soft}, and at most {hard}",
                        "CAP_SYS_RESOURCE to raise the hard limit"},
    [HUSK_OP_KEYRING] = {"joins a new session keyring[ named {name}]", NULL},
    [HUSK_OP_USER] = {"becomes user {uid}, group {gid}[, with groups {groups}][, umask {umask}]",
                      "CAP_SETUID and CAP_SETGID"},
    [HUSK_OP_BOUND] = {"keeps in the bounding set: {keep}", "CAP_SETPCAP"},
    [HUSK_OP_CAPS] = {"sets capabilities: effective {effective}; permitted {permitted}; inheritable "
                      "{inheritable}; ambient {ambient}",
                      NULL},
    [HUSK_OP_PRCTL] = {"sets the process attribute {option} to {value}", NULL},
    [HUSK_OP_SECCOMP] = {"loads the seccomp filter[, {flags}]", "no-new-privs, or CAP_SYS_ADMIN"},
    [HUSK_OP_CHDIR] = {"goes to the directory {path}, which must be inside the root", NULL},
    [HUSK_OP_HOME] = {"looks up the home directory of user {uid} for HOME", NULL},
    [HUSK_OP_LOOKUP] = {"finds the program {name}: the first of {candidates} that can be executed", NULL},
    [HUSK_OP_SOCKET] = {"opens the socket {path} and calls it {slot}[{listen}]", NULL},
    [HUSK_OP_GATE] = {"wait until start is called; what the parent does after this, start does", NULL},
    [HUSK_OP_MEMFD] = {"makes a file in memory and calls it {slot}", NULL},
    [HUSK_OP_FILL] = {"writes the container's state with its pid to {slot}", NULL},
    [HUSK_OP_HOOK] = {"runs the {kind} hook {path}[ as {argv}][, for at most {timeout_sec} seconds]", NULL},
    [HUSK_OP_BPF] = {"attaches the device program to {slot}",
                     "CAP_BPF or CAP_SYS_ADMIN in the initial user namespace"},
    [HUSK_OP_RECORD] = {"records the state {status}", NULL},
    [HUSK_OP_PIDFILE] = {"writes the pid to {path}", NULL},
    [HUSK_OP_FDS] = {"sees to it that no descriptor[ but the {preserve} after standard error] survives exec",
                     NULL},
    [HUSK_OP_EXEC] = {"becomes the program[ {argv}]", NULL},
    [HUSK_OP_COPY] = {"copies what {from} says to {to}", NULL},
    [HUSK_OP_COPYUP] = {"copies the directory {from}, which a mount covers, to {to}", NULL},
    [HUSK_OP_TREE] = {"clone the mount at {source}[ with all below it ({recursive})][ as the child sees it ({inside})]"
                      "[, not following it ({nofollow})][, map its ids as in {userns}]"
                      "[, on the whole tree ({idmap_recursive})]"
                      ", and the child calls it {slot}",
                      "CAP_SYS_ADMIN over the mount namespace; inside: CAP_SYS_CHROOT and CAP_SYS_PTRACE"},
    [HUSK_OP_USERNS] = {"makes a user namespace with the maps {uid_map} and {gid_map} and calls it {slot}",
                        "CAP_SETUID and CAP_SETGID for more than one's own id"},
    [HUSK_OP_NETDEV] = {"move the host's network device {name} into the container[ as {new_name}]", "CAP_NET_ADMIN"},
    [HUSK_OP_SCHED] = {"sets the scheduler to {policy}[ with {flags}][, nice {nice}][, priority {priority}]"
                       "[, runtime {runtime} ns][, deadline {deadline} ns][, period {period} ns]",
                       "CAP_SYS_NICE for real-time policies and negative nice"},
    [HUSK_OP_IOPRIO] = {"sets the I/O priority of its process group to class {class_}, level {level}",
                        "CAP_SYS_ADMIN or CAP_SYS_NICE for class rt"},
    [HUSK_OP_MEMPOLICY] = {"sets the memory policy {mode}[ with {flags}][ for the nodes {nodes}]", NULL},
    [HUSK_OP_PERSONALITY] = {"becomes a process of the personality {domain}", NULL},
    [HUSK_OP_AFFINITY] = {"runs on the processors {cpus} only", NULL},
    [HUSK_OP_CHOWN] = {"gives {path} to[ user {uid}][ group {gid}]", "CAP_CHOWN"},
    [HUSK_OP_CHECK] = {"compares: {path} must say {text}", NULL},
    [HUSK_OP_HELPER] = {"runs {path} as {argv}, with the pid as argument {pid_at}", NULL},
};

/* The value of a field in a printed operation; NULL when it is absent. A flag's value is its name. */
static const char *find_value(const char *line, const char *field, size_t field_len, size_t *len)
{
    for (const char *p = line; *p != '\0';) {
        const char *name = p, *value;
        bool quoted = false;
        p += strcspn(p, " =");
        value = *p == '=' ? p + 1 : NULL;
        while (*p != '\0' && (*p != ' ' || quoted)) {
            if (*p == '\\' && quoted && p[1] != '\0')
                p++;
            else if (*p == '"')
                quoted = !quoted;
            p++;
        }
        if (strncmp(name, field, field_len) == 0 &&
            (name[field_len] == '=' || name[field_len] == ' ' || name[field_len] == '\0')) {
            *len = (size_t)(p - (value ? value : name));
            return value ? value : name;
        }
        p += strspn(p, " ");
    }
    return NULL;
}

/* One template up to `end`; false when a field of it is absent. */
static bool put_part(struct husk_text *t, const char *from, const char *end, const char *line)
{
    for (const char *p = from; p < end;) {
        const char *close, *value;
        struct husk_text part = {.arena = t->arena};
        size_t len;
        if (*p == '{') {
            close = strchr(p, '}');
            value = find_value(line, p + 1, (size_t)(close - p - 1), &len);
            if (value == NULL)
                return false;
            if (close - p - 1 == (ptrdiff_t)len && strncmp(p + 1, value, len) == 0)
                husk_textf(t, " (%.*s)", (int)len, value);
            else
                husk_text_add(t, value, len);
            p = close + 1;
        } else if (*p == '[') {
            close = strchr(p, ']');
            if (put_part(&part, p + 1, close, line) && part.data != NULL)
                husk_text_add(t, part.data, part.len);
            p = close + 1;
        } else {
            husk_text_add(t, p++, 1);
        }
    }
    return true;
}

static void explain_failure(struct husk_text *t, const struct husk_op *op)
{
    const char *separator = " with ";

    husk_text_str(t, op->on_fail == HUSK_IGNORE ? " That may fail" : " If that fails");
    for (size_t i = 0; i < HUSK_COUNT(op->errnos); i++) {
        if (op->errnos[i] == 0)
            continue;
        husk_textf(t, "%s%s", separator, husk_errno_name(op->errnos[i]));
        separator = " or ";
    }
    if (op->on_fail == HUSK_IGNORE)
        husk_text_str(t, ".");
    else
        husk_textf(t, ", the next %u are done instead, otherwise left out.", (unsigned)op->skip);
}

static void explain_op(struct husk_text *t, const struct husk_op *op, uint32_t i)
{
    static const char *const names[] = {"The parent", "The child", "Parent and child"};
    enum husk_who who = op->kind == HUSK_OP_SPAWN  ? HUSK_PARENT
                        : op->kind == HUSK_OP_EXEC ? HUSK_CHILD
                                                   : op->who;
    struct husk_text line = {.arena = t->arena};
    const char *template = op->kind < HUSK_OP_COUNT ? sentences[op->kind].what : NULL;
    size_t before = t->len;

    husk_op_print(op, &line);
    if (line.data == NULL)
        return;
    husk_textf(t, "%3u. %s ", (unsigned)i, names[who]);
    if (template == NULL || !put_part(t, template, template + strlen(template), line.data))
        husk_textf(t, "(%s)", line.data);
    husk_text_str(t, ".");
    if (op->on_fail != HUSK_ABORT)
        explain_failure(t, op);
    if (op->undo)
        husk_text_str(t, " Undone by delete.");
    if (t->len - before > 400 && t->data != NULL) { /* a filter or an environment says little here */
        t->len = before + 400;
        husk_text_str(t, "...");
    }
    if (template != NULL && sentences[op->kind].needs != NULL)
        husk_textf(t, "\n     Needs %s.", sentences[op->kind].needs);
    if (op->why != NULL && strcmp(op->why, "default") == 0)
        husk_text_str(t, "\n     Every container has this.");
    else if (op->why != NULL && strcmp(op->why, "host") == 0)
        husk_text_str(t, "\n     This host asks for it.");
    else if (op->why != NULL)
        husk_textf(t, "\n     Because of %s.", op->why);
    husk_text_str(t, "\n");
}

/* ---- commands ---- */

static int command_print(const struct options *o, struct loaded *l)
{
    struct husk_text text = {.arena = &l->arena}, cut = {.arena = &l->arena};

    if (o->why && !l->made)
        return misuse("--why needs --config", "");
    if (o->why)
        show_backends(l, &text);
    else if (o->json)
        husk_plan_print_json(&l->plan, &text);
    else
        husk_plan_print(&l->plan, &text);
    if (!o->brief)
        return flush(&text) ? 0 : 1;
    for (const char *p = text.data; p != NULL && *p != '\0';) {
        size_t n = strcspn(p, "\n"), keep = n > SHORT_COLUMNS ? SHORT_COLUMNS - 3 : n;
        while (keep < n && keep > 0 && ((unsigned char)p[keep] & 0xc0) == 0x80) /* not inside a character */
            keep--;
        husk_text_add(&cut, p, keep);
        husk_text_str(&cut, keep < n ? "...\n" : "\n");
        p += n + (p[n] == '\n');
    }
    return flush(&cut) ? 0 : 1;
}

static int command_lint(const struct options *o, struct loaded *l)
{
    struct husk_errs all = {0};
    const char *where = o->source[0].plan ? o->source[0].plan : o->source[0].config;
    uint32_t n = husk_plan_lint(&l->plan, &l->arena, &all);

    for (uint32_t i = 0; i < all.n; i++)
        complain(where, &all.v[i]);
    if (n == 0)
        printf("%u operations, nothing unsafe\n", (unsigned)l->plan.n);
    return n > 0;
}

static int command_explain(struct loaded *l)
{
    struct husk_text text = {.arena = &l->arena};
    struct husk_err err = {0};

    for (uint32_t i = 0; i < l->plan.n; i++)
        explain_op(&text, &l->plan.ops[i], i);
    if (husk_plan_verify(&l->plan, &err) != 0)
        husk_textf(&text, "This plan would not be applied: %s\n", err.msg);
    return flush(&text) ? 0 : 1;
}

static int command_diff(const struct options *o, struct loaded *l)
{
    struct husk_text text = {.arena = &l[0].arena};

    if (load(&l[1], &o->source[1], o) != 0)
        return 2;
    if (husk_plan_diff(&l[0].plan, &l[1].plan, &text) == 0)
        return 0;
    return flush(&text) ? 1 : 2;
}

/* ---- options ---- */

static bool parse_action(const char *name, enum husk_action *action)
{
    static const char *const names[] = {"create", "run", "exec"};

    for (unsigned i = 0; i < HUSK_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *action = (enum husk_action)i;
            return true;
        }
    return false;
}

/* 0: taken; 1: not one of these; 2: wrong. */
static int take_value(struct options *o, const char *name, const char *value)
{
    struct husk_request *r = &o->request;
    const struct {
        const char *name, **to;
    } strings[] = {
        {"--id", &r->id},
        {"--bundle", &r->bundle},
        {"--console-socket", &r->console_socket},
        {"--pidfd-socket", &r->pidfd_socket},
        {"--pid-file", &r->pid_file},
        {"--process", &o->process},
    };
    char *end;
    unsigned long n;

    for (size_t i = 0; i < HUSK_COUNT(strings); i++)
        if (strcmp(name, strings[i].name) == 0) {
            *strings[i].to = value;
            return 0;
        }
    if (strcmp(name, "--config") == 0 || strcmp(name, "--host") == 0) {
        unsigned *count = name[2] == 'c' ? &o->configs : &o->hosts;
        if (*count == 2)
            return misuse("more than two times ", name);
        *(name[2] == 'c' ? &o->source[*count].config : &o->source[*count].host) = value;
        ++*count;
        return 0;
    }
    if (strcmp(name, "--action") == 0)
        return parse_action(value, &r->action) ? 0 : misuse("no such action: ", value);
    if (strcmp(name, "--preserve-fds") != 0)
        return 1;
    n = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || n > 1u << 20)
        return misuse("not a number of descriptors: ", value);
    r->preserve_fds = (uint32_t)n;
    return 0;
}

static int parse_options(struct options *o, int argc, char **argv)
{
    const struct {
        const char *name;
        bool *to;
    } flags[] = {
        {"--json", &o->json},
        {"--short", &o->brief},
        {"--why", &o->why},
        {"--no-pivot", &o->request.no_pivot},
        {"--no-new-keyring", &o->request.no_new_keyring},
    };
    bool taken;
    int rc;

    for (int i = 1; i < argc; i++) {
        taken = false;
        for (size_t k = 0; k < HUSK_COUNT(flags) && !taken; k++)
            if (strcmp(argv[i], flags[k].name) == 0)
                taken = *flags[k].to = true;
        if (taken)
            continue;
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (i + 1 == argc)
                return misuse("unknown option, or its value is missing: ", argv[i]);
            if ((rc = take_value(o, argv[i], argv[i + 1])) != 0)
                return rc == 1 ? misuse("unknown option: ", argv[i]) : rc;
            i++;
        } else if (o->plans == 2) {
            return misuse("too many plans: ", argv[i]);
        } else {
            o->source[o->plans++].plan = argv[i];
        }
    }
    return 0;
}

/* How many plans the options name; the second one shares what is given once. */
static unsigned count_sources(struct options *o)
{
    if (o->configs == 0)
        return o->hosts ? 0 : o->plans;
    if (o->plans > 0)
        return 0;
    if (o->configs == 1)
        o->source[1].config = o->source[0].config;
    if (o->hosts == 1)
        o->source[1].host = o->source[0].host;
    return o->configs > o->hosts ? o->configs : o->hosts;
}

int main(int argc, char **argv)
{
    static const char *const commands[] = {"print", "diff", "lint", "explain"};
    static struct loaded loaded[2];
    struct options o = {.command = "print",
                        .request = {.action = HUSK_RUN, .id = "demo", .bundle = "/bundle"}};
    unsigned want;
    int rc;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(usage, stdout) < 0;
    for (size_t i = 0; i < HUSK_COUNT(commands) && argc > 1; i++)
        if (strcmp(argv[1], commands[i]) == 0) {
            o.command = commands[i];
            argc--;
            argv++;
            break;
        }
    if ((rc = parse_options(&o, argc, argv)) != 0)
        return rc;
    want = o.command[0] == 'd' ? 2 : 1;
    if (count_sources(&o) != want)
        return misuse(want == 2 ? "diff takes two plans" : "one plan is needed", "");
    rc = load(&loaded[0], &o.source[0], &o);
    if (rc != 0)
        rc = want == 2 ? 2 : 1;
    else if (o.command[0] == 'p')
        rc = command_print(&o, &loaded[0]);
    else if (o.command[0] == 'd')
        rc = command_diff(&o, loaded);
    else if (o.command[0] == 'l')
        rc = command_lint(&o, &loaded[0]);
    else
        rc = command_explain(&loaded[0]);
    husk_arena_fini(&loaded[0].arena);
    husk_arena_fini(&loaded[1].arena);
    return rc;
}
