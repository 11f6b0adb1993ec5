/* husk/impl/apply_error.h - the text of a failed operation. Part of apply.h's implementation.
 *
 * Engines match on the texts for a missing program and for hooks; they are those of runc.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_ERROR_IMPLEMENTED)
#define HUSK_APPLY_ERROR_IMPLEMENTED

#include "husk/apply.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What failed, where. */
struct husk__failure {
    uint32_t op;
    bool in_child;
    int sys;
    int64_t detail; /* a hook's wait status */
    const struct husk_hook_output *output;
};

/* The last path is what is acted on; NULL for a kind without one. */
static const struct husk_path *husk__path_of(const struct husk_op *op)
{
    const struct husk_path *path = NULL;

    for (const struct husk__field *f = husk__fields_of(op->kind); f->name != NULL; f++)
        if (f->type == HUSK__PATH)
            path = husk__field_at(op, f);
    return path;
}

/* As its reader knows it: absolute on the host, absolute in the container, else with the slot. */
static const char *husk__path_text(const struct husk_path *p, char *to, size_t size)
{
    const char *rel = p->rel ? p->rel : "";
    char slot[24];

    if (p->slot == HUSK_SLOT_HOST)
        snprintf(to, size, "%.300s", rel);
    else if (p->slot == HUSK_SLOT_ROOTFS)
        snprintf(to, size, "/%.300s", rel + strspn(rel, "/"));
    else
        snprintf(to, size, "%s%s%.300s", husk_slot_name(p->slot, slot), rel[0] ? "/" : "", rel);
    return to;
}

/* "mount proc on /proc", "write "64" to @cg.3/pids.max". */
static void husk__what(const struct husk_op *op, char *to, size_t size)
{
    static const char *const texts[] = {
#define X(id, name, member, text) text,
        HUSK_OPS(X)
#undef X
    };
    const struct husk_path *path = husk__path_of(op);
    const char *subject;
    char on[320], from[320];

    if (path == NULL)
        subject = husk_op_subject(op);
    else
        subject = husk__path_text(path, on, sizeof on);
    if (op->kind == HUSK_OP_MOUNT)
        snprintf(to, size, "mount %s on %s",
                 op->u.mount.fstype ? op->u.mount.fstype
                                    : husk__path_text(&op->u.mount.source, from, sizeof from),
                 on);
    else if (op->kind == HUSK_OP_WRITE)
        snprintf(to, size, "write \"%.80s\" to %s", op->u.write.data, on);
    else if (op->kind == HUSK_OP_CHECK)
        snprintf(to, size, "compare \"%.80s\" with %s", op->u.check.text, on);
    else
        snprintf(to, size, "%s%s%s", texts[op->kind], subject[0] ? " " : "", subject);
    for (char *s = to; *s != '\0'; s++) /* one line, whatever the configuration holds */
        if (iscntrl((unsigned char)*s))
            *s = ' ';
}

/* strerror(3) as Go writes it: "no such file or directory". */
static const char *husk__lower_error(int sys, char *to, size_t size)
{
    snprintf(to, size, "%s", strerror(sys));
    if (isupper((unsigned char)to[0]) && islower((unsigned char)to[1]))
        to[0] = (char)tolower((unsigned char)to[0]);
    return to;
}

static int husk__fail_lookup(const struct husk_op *op, const struct husk__failure *f, struct husk_err *err)
{
    const char *name = op->u.lookup.name;
    char text[128];

    husk__lower_error(f->sys, text, sizeof text);
    if (f->sys != ENOENT)
        return husk_fail(err, HUSK_ESYS, HUSK_DIAG_NOT_FOUND, f->sys, op->why, "exec: \"%s\": %s", name,
                         text);
    if (strchr(name, '/') != NULL)
        return husk_fail(err, HUSK_ESYS, HUSK_DIAG_NOT_FOUND, f->sys, op->why, "exec: \"%s\": stat %s: %s",
                         name, name, text);
    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_NOT_FOUND, f->sys, op->why,
                     "exec: \"%s\": executable file not found in $PATH", name);
}

/* "createRuntime hook #0", from why, "/hooks/createRuntime/0". */
static void husk__hook_name(const struct husk_op *op, char *to, size_t size)
{
    const char *kind = husk_hook_kind_name((enum husk_hook_kind)op->u.hook.kind),
               *number = op->why ? strrchr(op->why, '/') : NULL;

    if (number != NULL && isdigit((unsigned char)number[1]))
        snprintf(to, size, "%s hook #%s", kind, number + 1);
    else
        snprintf(to, size, "%s hook %.100s", kind, op->u.hook.path);
}

static int husk__fail_hook(const struct husk_op *op, const struct husk__failure *f, struct husk_err *err)
{
    const struct husk_hook_output *o = f->output;
    int status = (int)f->detail;
    char name[160], how[256], text[96];

    husk__hook_name(op, name, sizeof name);
    husk__lower_error(f->sys, text, sizeof text);
    if (f->sys == ETIMEDOUT)
        snprintf(how, sizeof how, "hook ran past specified timeout of %u.0s",
                 (unsigned)op->u.hook.timeout_sec);
    else if (status == 0)
        snprintf(how, sizeof how, "fork/exec %.120s: %s", op->u.hook.path, text);
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "signal: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_HOOK_FAILED, status == 0 || f->sys == ETIMEDOUT ? f->sys : 0,
                     op->why, "error running %s: %s, stdout: %.*s, stderr: %.*s", name, how,
                     o ? (int)o->out_len : 0, o ? o->out : "", o ? (int)o->err_len : 0, o ? o->err : "");
}

/* What the kernel means, where its errno does not tell. */
static const char *husk__meaning(const struct husk_op *op, int sys)
{
    static const struct {
        enum husk_op_kind kind;
        int sys;
        const char *file, *text;
    } table[] = {
        {HUSK_OP_SPAWN, EBUSY, "", ": its cgroup hands controllers down, and takes no processes then"},
        {HUSK_OP_SPAWN, EOPNOTSUPP, "", ": its cgroup is below a threaded one"},
        {HUSK_OP_CHECK, EEXIST, "", ": it says something else"},
        {HUSK_OP_TREE, EINVAL, "",
         ": not every file system can map ids; a user namespace has to take what is mounted below it"},
        {HUSK_OP_WRITE, EBUSY, "cgroup.subtree_control", ": a cgroup with processes in it hands no controllers down"},
        {HUSK_OP_WRITE, EBUSY, "memory.limit_in_bytes", ": more than that is in use"},
        {HUSK_OP_WRITE, EBUSY, "memory.memsw.limit_in_bytes", ": more than that is in use"},
    };
    const char *file = op->kind == HUSK_OP_WRITE && op->u.write.path.rel ? op->u.write.path.rel : "";

    file = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    for (size_t i = 0; i < HUSK_COUNT(table); i++)
        if (table[i].kind == op->kind && table[i].sys == sys && strcmp(table[i].file, file) == 0)
            return table[i].text;
    return "";
}

/* Fills *err; returns HUSK_ESYS. */
static int husk__fail_op(const struct husk_plan *plan, const struct husk__failure *f, struct husk_err *err)
{
    const struct husk_op *op = &plan->ops[f->op];
    char what[512], text[128];
    int r;

    if (op->kind == HUSK_OP_LOOKUP) {
        r = husk__fail_lookup(op, f, err);
    } else if (op->kind == HUSK_OP_HOOK) {
        r = husk__fail_hook(op, f, err);
    } else if (op->kind == HUSK_OP_EXEC) {
        r = husk_fail(err, HUSK_ESYS, HUSK_DIAG_NOT_FOUND, f->sys, op->why, "exec %s: %s",
                      op->u.exec.argv.n ? op->u.exec.argv.v[0] : "",
                      husk__lower_error(f->sys, text, sizeof text));
    } else {
        husk__what(op, what, sizeof what);
        bool said = op->kind == HUSK_OP_HELPER && f->output != NULL && f->output->err_len > 0;
        r = husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, f->sys, op->why, "%s: in the %s: %s (%s)%s%s%.*s", what,
                      f->in_child ? "child" : "parent", husk_errno_name(f->sys), strerror(f->sys),
                      husk__meaning(op, f->sys), said ? ": " : "", said ? (int)f->output->err_len : 0,
                      said ? f->output->err : "");
    }
    if (err != NULL)
        err->op = f->op;
    return r;
}

/* The child ended without a report; status as of wait(2), or -1 when it was not ours to wait for. */
static int husk__fail_died(const struct husk_plan *plan, uint32_t reached, int status, struct husk_err *err)
{
    const struct husk_op *op = &plan->ops[reached];
    char how[128], what[512];
    int r;

    husk__what(op, what, sizeof what);
    if (status == -1)
        snprintf(how, sizeof how, "ended");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    r = husk_fail(
        err, HUSK_ESYS, HUSK_DIAG_CHILD_DIED, 0, op->why,
        "the container's first process %s before it executed its program; it had reached operation %u (%s)",
        how, (unsigned)reached, what);
    if (err != NULL)
        err->op = reached;
    return r;
}
#endif
