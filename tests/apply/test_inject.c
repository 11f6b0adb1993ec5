/* Each operation of a rich plan fails in turn, in the actor that runs it: the error names it, and nothing is
 * left. */
#include "kit.h"

static void make_plan(struct kit *k, const char *action)
{
    kit_init(k, action);
    kit_op(k, "parent open slot=@proc path=/proc flags=path|directory expect=procfs");
    kit_op(k, "parent memfd slot=@hook-state");
    kit_op(k, "parent memfd slot=@hook-create");
    if (strcmp(action, "create") == 0)
        kit_op(k, "parent socket slot=@gate path=@state:gate listen undo");
    kit_add_spawn(k, "mount|uts|ipc|network");
    kit_op(k, "child unshare flags=cgroup");
    kit_op(k, "child unshare flags=pid");
    kit_op(k, "both fork");
    kit_op(k, "parent write path=@task:oom_score_adj data=500");
    kit_op(k, "parent rlimit type=nofile soft=512 hard=1024");
    kit_op(k, "both sync from=parent name=prepared");
    kit_op(k, "child keyring name=_ses.kit");
    kit_op(k, "child ifup name=lo");
    kit_add_root(k);
    kit_op(k,
           "child mount source=%s target=@rootfs:again flags=rbind rec_set=nodev create=dir "
           "propagation=[private] on_fail=ignore(ENOSYS)",
           k->state);
    kit_op(k, "child pty uid=0");
    kit_op(k, "child mount source=@tty target=@rootfs:dev/console flags=bind create=file");
    kit_op(k, "both sync from=child name=mounted");
    kit_op(k, "parent record status=creating");
    kit_op(k, "parent fill slot=@hook-state head=a tail=b");
    kit_op(k, "parent fill slot=@hook-create head=a tail=b");
    kit_op(k,
           "parent hook kind=createRuntime path=/bin/true argv=[`true`] envp=[] why=/hooks/createRuntime/0");
    kit_op(k, "both sync from=parent name=hooks-done");
    kit_op(
        k,
        "child hook kind=createContainer path=/bin/true argv=[`true`] envp=[] why=/hooks/createContainer/0");
    kit_op(k, "child write path=@proc:sys/net/ipv4/ip_forward data=1");
    kit_op(k, "child copy from=@rootfs:bin/sh to=@proc:sys/net/ipv4/ip_forward");
    kit_op(k, "child hostname name=kitchen");
    kit_op(k, "child mkdir path=@rootfs:var/lib/deep mode=0750 uid=1 gid=1");
    kit_op(k, "child open slot=@devnull path=/dev/null flags=path|nofollow expect=null");
    kit_op(k, "child mask path=@rootfs:proc/fs");
    kit_op(k, "child mask path=@rootfs:proc/cpuinfo");
    kit_op(k, "child rlimit type=core soft=0 hard=0");
    kit_add_process(k, 0, true);
    kit_op(k, "both give slot=@console");
    kit_op(k, "child fds");
    kit_op(k, "both sync from=child name=ready");
    kit_op(k, "parent pidfile path=%s/pid", kit_work);
    kit_op(k, "parent record status=created");
    if (strcmp(action, "create") == 0)
        kit_op(k, "both gate");
    kit_op(k, "child seccomp filter=BgAAAAAA/38=");
    kit_add_exec(k, "sleep 20");
    kit_op(k, "parent record status=running");
}

/* Operation `at` fails with an errno that nothing else gives. */
static bool fail_one(const char *action, uint32_t at, uint32_t *n)
{
    static struct kit_sight before;
    struct kit k;
    const char *left;
    bool good;

    make_plan(&k, action);
    *n = k.n;
    kit_look(&before);
    k.fail_op = at;
    k.fail_errno = EDOM;
    if (!kit_parse(&k))
        return false;
    kit_apply(&k, false);
    good = k.code == HUSK_ESYS && k.err.op == at &&
           (k.err.sys == EDOM || k.err.diag == HUSK_DIAG_HOOK_FAILED) &&
           strcmp(k.err.at, k.plan.ops[at].why) == 0;
    if (!good)
        tap_ok(false, "%s, operation %u (%s): code %d, op %u, errno %d: %s", action, (unsigned)at,
               husk_op_name(k.plan.ops[at].kind), k.code, (unsigned)k.err.op, k.err.sys, k.err.msg);
    if (strstr(k.err.msg, "in the ") != NULL && k.plan.ops[at].who != HUSK_BOTH &&
        strstr(k.err.msg, k.plan.ops[at].who == HUSK_CHILD ? "in the child" : "in the parent") == NULL)
        good = tap_ok(false, "%s, operation %u: the wrong actor: %s", action, (unsigned)at, k.err.msg);
    if (k.code == 0) { /* a later part of the plan was not reached: what is there has to go before the next */
        kill(k.pid, SIGKILL);
        waitpid(k.pid, NULL, 0);
    }
    left = kit_left(&k, &before);
    if (left[0] != '\0')
        good = tap_ok(false, "%s, operation %u (%s) leaves %s", action, (unsigned)at,
                      husk_op_name(k.plan.ops[at].kind), left);
    kit_fini(&k);
    return good;
}

/* The same plan works when nothing is made to fail. */
static void fail_none(void)
{
    struct kit_sight before;
    struct kit k;
    struct husk_err err;

    kit_look(&before);
    make_plan(&k, "run");
    if (!kit_parse(&k))
        return;
    kit_apply(&k, false);
    tap_ok(k.code == 0, "without a failure it works%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
    if (k.code == 0) {
        kill(k.pid, SIGKILL);
        waitpid(k.pid, NULL, 0);
        close(k.console);
        k.console = -1;
        tap_ok(husk_undo(k.undo, strlen(k.undo), &err) == 0, "and is undone");
    }
    tap_same(kit_left(&k, &before), "", "nothing is left");
    kit_fini(&k);
}

/* Behind the gate the failures are for start to see: test_start. */
static void fail_all(const char *action)
{
    struct kit k;
    uint32_t n = 1, end = UINT32_MAX, good = 0, done = 0;

    make_plan(&k, action);
    if (!kit_parse(&k))
        return;
    for (uint32_t i = 0; i < k.n; i++)
        if (k.plan.ops[i].kind == HUSK_OP_GATE)
            end = i + 1;
    for (uint32_t i = 0; i < n && i < end; i++, done++)
        good += fail_one(action, i, &n);
    tap_ok(good == done && done > 50, "%s: %u of %u operations fail as they should", action, (unsigned)good,
           (unsigned)done);
    kit_fini(&k);
}

/* Kernel's own failures where only some actor can notice: the program that reports is dead. */
static void test_nobody_tells(void)
{
    struct kit k;
    struct kit_sight before;

    kit_look(&before);
    kit_init(&k, "run");
    kit_op(&k, "parent memfd slot=@hook-state");
    kit_add_spawn(&k, "mount|pid");
    kit_op(&k, "both sync from=child name=there");
    kit_op(&k, "parent fill slot=@hook-state head=`` tail=``");
    kit_op(
        &k,
        "parent hook kind=createRuntime path=/bin/sh argv=[`sh`,`-c`,`kill -9 $(cat)`] envp=[`PATH=/bin`]");
    kit_op(&k, "parent write path=@task:oom_score_adj data=500");
    kit_op(&k, "both sync from=parent name=go");
    kit_add_root(&k);
    kit_add_process(&k, 0, false);
    kit_op(&k, "child fds");
    kit_add_exec(&k, "true");
    kit_run(&k);
    tap_ok(k.code == HUSK_ESYS && k.err.diag == HUSK_DIAG_CHILD_DIED,
           "an operation on a child that was killed: %s", k.err.msg);
    tap_same(kit_left(&k, &before), "", "nothing is left");
    kit_fini(&k);
}

int main(void)
{
    if (!kit_begin())
        return 0;
    fail_none();
    fail_all("run");
    fail_all("create");
    test_nobody_tells();
    return tap_done();
}
