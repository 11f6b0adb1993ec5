/* Groups of resctrl: which one the child joins, and what has to be in it. No machine here has Intel RDT, so a tmpfs
 * stands for resctrl: a new group has none of the files there that the kernel would make.
 */
#include "faults_host.h"

struct want {
    const char *name, *clos_id, *l3, *bandwidth;
    bool monitoring;
    int sys;            /* 0: it works */
    const char *at;     /* where not */
    const char *joined; /* the group whose tasks the child is among, or NULL */
    const char *made;   /* a directory that is there afterwards, though it was not before; or NULL */
    const char *gone;   /* one that is not */
};

#define CLOSID "/linux/intelRdt/closID"

static const struct want wants[] = {
    {.name = "no closID, no directory: made, and removed again",
     .sys = ENOENT,
     .at = "/linux/intelRdt",
     .gone = FAULTS_RESCTRL "/%s"},
    {.name = "a class, with what it has",
     .clos_id = "shared",
     .l3 = "L3:0=7ff;1=f0",
     .bandwidth = "MB:0=20;1=100",
     .joined = "/shared"},
    {.name = "a class, written differently",
     .clos_id = "shared",
     .l3 = "L3: 1=F0; 0=0007FF",
     .bandwidth = "MB:1=100;",
     .joined = "/shared"},
    {.name = "a class, a line of the bandwidth among the cache's",
     .clos_id = "shared",
     .l3 = "MB:0=99\nL3:0=7ff",
     .joined = "/shared"},
    {.name = "a class with another cache", .clos_id = "shared", .l3 = "L3:0=7fe", .sys = EEXIST, .at = CLOSID},
    {.name = "a class with more", .clos_id = "shared", .l3 = "L3:0=7ff;2=1", .sys = EEXIST, .at = CLOSID},
    {.name = "a class with another bandwidth",
     .clos_id = "shared",
     .l3 = "L3:0=7ff",
     .bandwidth = "MB:0=2",
     .sys = EEXIST,
     .at = CLOSID},
    {.name = "a class, numbers run together",
     .clos_id = "shared",
     .bandwidth = "MB:0=20 1",
     .sys = EEXIST,
     .at = CLOSID},
    {.name = "a class without a schema", .clos_id = "shared", .joined = "/shared"},
    {.name = "everybody's group", .clos_id = "/", .l3 = "L3:0=7ff", .joined = ""},
    {.name = "everybody's group with something else", .clos_id = "/", .l3 = "L3:0=1", .sys = EEXIST, .at = CLOSID},
    {.name = "no such class, no schema",
     .clos_id = "missing",
     .sys = ENOENT,
     .at = CLOSID,
     .gone = FAULTS_RESCTRL "/missing"},
    {.name = "no such class: made",
     .clos_id = "fresh",
     .bandwidth = "MB:0=5",
     .sys = ENOENT,
     .at = "/linux/intelRdt",
     .made = FAULTS_RESCTRL "/fresh"},
    {.name = "monitoring: made, and removed again",
     .clos_id = "shared",
     .monitoring = true,
     .sys = ENOENT,
     .at = "/linux/intelRdt/enableMonitoring",
     .gone = FAULTS_RESCTRL "/shared/mon_groups/%s"},
};

static bool exists(const char *path)
{
    return access(kit_str(path, faults_id), F_OK) == 0; /* NOLINT */
}

/* To the program and back. */
static int go(struct subject *s, struct husk_err *err)
{
    int log = memfd_create("undo", MFD_CLOEXEC);
    struct husk_apply a = {.plan = &s->plan, .state_fd = -1, .target_fd = -1, .undo_fd = log};
    const char *text;
    struct husk_err undone;
    int code = husk_apply(&a, err);

    if (code == 0) {
        kill(a.pid, SIGKILL);
        waitpid(a.pid, NULL, 0);
        text = kit_read(kit_str("/proc/self/fd/%d", log));
        if (husk_undo(text, strlen(text), &undone) != 0)
            tap_ok(false, "undo: %s", undone.msg);
    }
    husk_apply_fini(&a);
    close(log);
    return code;
}

static void try(const struct want *w)
{
    const char *joined = w->joined ? w->joined : "/shared";
    struct subject s;
    struct husk_err err = {.sys = 0};
    bool good;

    kit_write(kit_str("%s%s/tasks", FAULTS_RESCTRL, joined), "", 0600);
    if (!faults_rdt(&s, w->clos_id, w->l3, w->bandwidth))
        return;
    s.spec.linux_.intel_rdt.enable_monitoring = w->monitoring;
    if (!faults_plan(&s))
        return;
    good =
        go(&s, &err) == (w->sys ? HUSK_ESYS : 0) && err.sys == w->sys && (w->at == NULL || strcmp(err.at, w->at) == 0);
    tap_ok(good, "%s%s%s", w->name, good ? "" : ": ", good ? "" : err.msg);
    tap_same(kit_read(kit_str("%s%s/tasks", FAULTS_RESCTRL, joined)), w->joined ? "0" : "", w->name);
    if (w->made != NULL)
        tap_ok(exists(w->made), "%s: it stays", w->name);
    if (w->gone != NULL)
        tap_ok(!exists(w->gone), "%s: nothing is left", w->name);
}

/* Its own group may be there already, but then it is not ours to remove. */
static void test_own(void)
{
    const char *own = husk_strf(&faults_arena, FAULTS_RESCTRL "/%s", faults_id);
    struct subject s;
    struct husk_err err;

    faults_group(own);
    if (!faults_rdt(&s, NULL, "L3:0=3", NULL) || !faults_plan(&s))
        return;
    tap_ok(go(&s, &err) == 0, "a directory of the container's name is used");
    tap_same(kit_read(kit_str("%s/tasks", own)), "0", "and joined");
    tap_ok(strncmp(kit_read(kit_str("%s/schemata", own)), "L3:0=3\n", 7) == 0, "and written to");
    tap_ok(exists(own), "and left");
}

int main(void)
{
    if (!faults_begin())
        return 0;
    if (!faults_resctrl()) {
        tap_ok(true, "resctrl # SKIP this machine has a real one");
    } else {
        for (size_t i = 0; i < HUSK_COUNT(wants); i++)
            try(&wants[i]);
        test_own();
    }
    husk_arena_fini(&faults_arena);
    close(faults_listener);
    return tap_done();
}
