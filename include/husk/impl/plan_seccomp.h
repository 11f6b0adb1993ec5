/* husk/impl/plan_seccomp.h - the filter, and its listener for the calls that a seccomp agent decides.
 * Part of plan.h's implementation; see plan_process.h for where it comes in the order.
 *
 * A profile that asks an agent is in force before the gate, so it has to let husk itself come to the program: read,
 * write, close, accept4, execve; without noNewPrivileges also capset and prctl. The agent may decide all but write.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_SECCOMP_IMPLEMENTED)
#define HUSK_PLAN_SECCOMP_IMPLEMENTED
#include <linux/capability.h>
#include <linux/seccomp.h>
#include "husk/impl/sys.h"

/* Without such a rule listenerPath is ignored: config-linux.md. */
static bool husk__notifies(const struct husk_seccomp *profile)
{
    for (uint32_t i = 0; profile->set && i < profile->rules.n; i++)
        if (profile->rules.v[i].action == SECCOMP_RET_USER_NOTIF)
            return true;
    return false;
}

/* The parent takes the listener with pidfd_getfd(2), which asks for the same rights as ptrace(2). Who has no
 * CAP_SYS_PTRACE needs a child that is dumpable: harmless as long as nobody else is in its container yet. */
static bool husk__takes_from_dumpable(const struct husk_planner *p)
{
    return !husk_host_has_cap(p->host, CAP_SYS_PTRACE);
}

/* Before anything is made, so that an agent that is not there is a clean error. */
static int husk__plan_agent(struct husk_planner *p)
{
    static const char at[] = "/linux/seccomp/listenerPath";
    const struct husk_seccomp *profile = &p->spec->linux_.seccomp;
    const bool *has = p->host->features;
    struct husk_op *op;

    if (!husk__notifies(profile))
        return HUSK_OK;
    if (!has[HUSK_FEATURE_SECCOMP_LISTENER] || !has[HUSK_FEATURE_PIDFD_GETFD])
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, at, "this kernel has no %s",
                         has[HUSK_FEATURE_SECCOMP_LISTENER] ? "pidfd_getfd(2)" : "seccomp listeners");
    if (husk__takes_from_dumpable(p) && (p->req->action == HUSK_EXEC || (p->join_ns & CLONE_NEWPID)))
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, 0, at,
                         "the listener of a process among others can be taken with CAP_SYS_PTRACE only");
    op = husk_add(p, HUSK_OP_SOCKET, HUSK_PARENT, at);
    op->u.socket = (struct husk_op_socket){HUSK_SLOT_LISTENER_SOCKET, {HUSK_SLOT_HOST, profile->listener_path}, false};
    return HUSK_OK;
}

/* The container process state, config-linux.md: to the agent, whose listener it is from then on. The child waits until
 * the parent has it, and calls nothing but write(2) and read(2) meanwhile. */
static void husk__plan_listener(struct husk_planner *p)
{
    static const char at[] = "/linux/seccomp/listenerPath";
    const char *metadata = p->spec->linux_.seccomp.listener_metadata;
    struct husk_text head = {.arena = p->arena}, middle = {.arena = p->arena}, tail = {.arena = p->arena};
    enum husk_slot state = husk__new_aux(p);
    struct husk_op *op;

    op = husk_add(p, HUSK_OP_GIVE, HUSK_BOTH, at);
    op->u.give = (struct husk_op_give){HUSK_SLOT_LISTENER, true};
    husk_textf(&head, "{\"ociVersion\":\"%s\",\"fds\":[\"seccompFd\"],\"pid\":", HUSK_OCI_VERSION);
    if (metadata != NULL) {
        husk_text_str(&middle, ",\"metadata\":");
        husk_json_quote(&middle, metadata);
    }
    husk_text_str(&middle, ",\"state\":");
    husk__state_text(p, p->req->action == HUSK_EXEC ? "running" : "creating", &middle, &tail);
    husk_text_str(&tail, "}\n");
    husk_add(p, HUSK_OP_MEMFD, HUSK_PARENT, at)->u.memfd.slot = state;
    op = husk_add(p, HUSK_OP_FILL, HUSK_PARENT, at);
    op->u.fill = (struct husk_op_fill){state, head.data, middle.data, tail.data, false};
    op = husk_add(p, HUSK_OP_SEND, HUSK_PARENT, at);
    op->u.send = (struct husk_op_send){HUSK_SLOT_LISTENER_SOCKET, HUSK_SLOT_LISTENER, NULL, state};
    husk__sync(p, HUSK_PARENT, "listener-sent");
}

static int husk__plan_seccomp(struct husk_planner *p)
{
    const struct husk_seccomp *profile = &p->spec->linux_.seccomp;
    const struct husk_seccomp_backend *b =
        husk__backend_for(p, HUSK_BACKEND_SECCOMP, NULL, "/linux/seccomp", "cannot load a filter");
    bool notify = husk__notifies(profile);
    struct husk_bytes filter;
    struct husk_op *op;
    uint32_t flags;
    int r;

    if (b == NULL)
        return HUSK_EHOST;
    if ((r = b->compile(p, profile, &filter, &flags)) != 0)
        return r;
    if (notify) /* the child is one thread; and the kernel does not take both */
        flags = (flags & ~HUSK__FILTER_TSYNC) | HUSK__FILTER_NEW_LISTENER;
    else if (flags & HUSK__FILTER_WAIT_KILLABLE_RECV) /* refused by the kernel, and without meaning */
        flags &= ~HUSK__FILTER_WAIT_KILLABLE_RECV;
    if (notify && husk__takes_from_dumpable(p))
        husk_add(p, HUSK_OP_PRCTL, HUSK_CHILD, "/linux/seccomp/listenerPath")->u.prctl =
            (struct husk_op_prctl){PR_SET_DUMPABLE, 1};
    op = husk_add(p, HUSK_OP_SECCOMP, HUSK_CHILD, "/linux/seccomp");
    op->u.seccomp = (struct husk_op_seccomp){flags, filter};
    if (notify)
        husk__plan_listener(p);
    return HUSK_OK;
}
#endif
