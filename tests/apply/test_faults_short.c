/* What really runs out, or is in the way: descriptors, processes, memory of the container and of the caller,
 * inodes, room, a state directory that cannot be written, a cgroup that others use. create fails with the
 * kernel's errno and leaves nothing.
 */
#include "faults.h"
#include <sys/resource.h>

static char root[104];    /* of the state directories */
static char few_dir[200]; /* cgroup with a limit of processes */

/* create, and delete when it went well. Returns create's code. */
static int create(struct subject *s, const char *state_root, struct husk_err *err)
{
    struct husk_arena arena = {0};
    struct husk_container c = {.arena = &arena, .root = state_root};
    struct husk_launch l = {.spec = &s->spec, .host = &s->host, .request = s->req};
    struct husk_err end;
    siginfo_t info = {0};
    int code = husk_container_create(&c, &l, err);

    if (code == 0) {
        if (husk_container_delete(&c, true, &end) != 0)
            tap_ok(false, "%s: delete: %s", s->name, end.msg);
        else if (waitid(P_PID, (id_t)l.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            tap_ok(false, "%s: delete leaves the container alive", s->name);
        kill(l.pid, SIGKILL);
        while (waitpid(l.pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        husk_launch_close(&l);
        husk_container_close(&c);
    }
    unlink(faults_pidfile);
    husk_arena_fini(&arena);
    return code;
}

/* "" when neither the kernel nor the state directory's root shows anything. */
static const char *left_by(const struct subject *s, const struct kit_sight *before, const char *state_root)
{
    const char *left = faults_left(s, before);

    if (left[0] == '\0' && access(kit_str("%s/%s", state_root, faults_id), F_OK) == 0)
        left = "the state directory";
    faults_wipe(kit_str("%s/%s", state_root, faults_id));
    return left;
}

/* An attempt with a growing number of descriptors. Each that is too low fails, with EMFILE. */
static void few_descriptors(struct subject *s,
                            int (*attempt)(struct subject *s, const char *state_root, struct husk_err *err))
{
    struct rlimit own, few;
    struct kit_sight before;
    struct husk_err err;
    uint32_t failed = 0, good = 0;
    const char *left;
    int code = -1;

    kit_look(&before);
    getrlimit(RLIMIT_NOFILE, &own);
    few = own;
    for (few.rlim_cur = 3; few.rlim_cur < 128 && code != 0; few.rlim_cur++, failed += code != 0) {
        setrlimit(RLIMIT_NOFILE, &few);
        code = attempt(s, root, &err);
        setrlimit(RLIMIT_NOFILE, &own);
        left = left_by(s, &before, root);
        if (left[0] == '\0' && code == HUSK_ESYS && err.sys == EMFILE)
            good++;
        else if (left[0] != '\0' || code != 0)
            tap_ok(false, "%s, %u descriptors: code %d, errno %d: %s%s%s", s->name, (unsigned)few.rlim_cur,
                   code, err.sys, code ? err.msg : "works", left[0] ? "; leaves " : "", left);
    }
    tap_ok(code == 0 && failed > 5 && good == failed,
           "%s: %u limits of descriptors are too low, %u of them fail cleanly", s->name, (unsigned)failed,
           (unsigned)good);
}

static int join(struct subject *s, const char *state_root, struct husk_err *err)
{
    struct husk_arena arena = {0};
    struct husk_container c = {.arena = &arena, .root = state_root};
    struct husk_launch l = {.spec = &s->spec, .host = &s->host, .request = s->req};
    int code = husk_container_open(&c, "box", err);

    if (code == 0) {
        code = husk_container_exec(&c, &l, err);
        husk_container_close(&c);
    }
    if (code == 0) {
        kill(l.pid, SIGKILL);
        while (waitpid(l.pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        husk_launch_close(&l);
    }
    husk_arena_fini(&arena);
    return code;
}

/* What cannot be found out for want of descriptors must not be taken for the container's end. */
static void few_to_delete(const struct subject *s)
{
    struct rlimit own, few;
    uint32_t deleted = 0, unknown = 0, wrong_state = 0;

    getrlimit(RLIMIT_NOFILE, &own);
    few = own;
    for (few.rlim_cur = 3; few.rlim_cur < 64; few.rlim_cur++) {
        struct husk_arena arena = {0};
        struct husk_container c = {.arena = &arena, .root = root};
        struct husk_err err;
        int code;
        setrlimit(RLIMIT_NOFILE, &few);
        code = husk_container_open(&c, "box", &err);
        if (code == 0) {
            code = husk_container_delete(&c, false, &err);
            husk_container_close(&c);
        }
        setrlimit(RLIMIT_NOFILE, &own);
        husk_arena_fini(&arena);
        deleted += code == 0;
        unknown += code == HUSK_ESYS && err.sys == EMFILE;
        wrong_state += code == HUSK_ESTATE;
    }
    tap_ok(deleted == 0 && unknown > 3 && wrong_state > 3,
           "delete of a running container: %u times too few descriptors, %u times refused", (unsigned)unknown,
           (unsigned)wrong_state);
    tap_ok(kill(s->container, 0) == 0, "it lives");
}

static void few_to_join(struct subject *s)
{
    few_descriptors(s, join);
    few_to_delete(s);
}

static void test_descriptors(void)
{
    static struct subject s;
    struct husk_container c = {.arena = &faults_arena, .root = root};
    struct husk_launch l = {0};
    struct husk_err err;

    if (faults_default(&s, "default, create", HUSK_CREATE, true) && faults_plan(&s))
        few_descriptors(&s, create);
    if (faults_default(&s, "default, run", HUSK_RUN, false) && faults_plan(&s))
        few_descriptors(&s, create);
    if (faults_all(&s, "everything, create", HUSK_CREATE, true) && faults_plan(&s))
        few_descriptors(&s, create);
    if (!faults_default(&s, "default, exec", HUSK_RUN, false))
        return;
    l = (struct husk_launch){.spec = &s.spec, .host = &s.host, .request = s.req};
    l.request.id = "box";
    if (!tap_ok(husk_container_create(&c, &l, &err) == 0, "a container to join"))
        return;
    s.container = l.pid;
    s.process.terminal = true;
    s.req.process = &s.process;
    faults_apart(few_to_join, &s);
    tap_ok(husk_container_delete(&c, true, &err) == 0, "and its end");
    waitpid(l.pid, NULL, 0);
    husk_launch_close(&l);
    husk_container_close(&c);
}

/* A state directory's file system that has too little of something, until it has enough. */
static void test_full(const char *what, const char *option, unsigned step, unsigned end)
{
    static struct subject s;
    struct kit_sight before;
    struct husk_err err;
    const char *left;
    char full[96];
    uint32_t failed = 0, good = 0;
    int code = -1;

    if (!faults_all(&s, what, HUSK_CREATE, true) || !faults_plan(&s))
        return;
    snprintf(full, sizeof full, "%s/full", kit_work);
    mkdir(full, 0755);
    for (unsigned n = step; n <= end && code != 0; n += step) {
        if (mount("tmpfs", full, "tmpfs", 0, kit_str(option, n)) < 0) {
            tap_ok(false, "%s: tmpfs with %u: %s", what, n, strerror(errno));
            break;
        }
        kit_look(&before);
        code = create(&s, full, &err);
        failed += code != 0;
        left = left_by(&s, &before, full);
        good += left[0] == '\0' && (code == 0 || (code == HUSK_ESYS && err.sys == ENOSPC));
        if (left[0] != '\0' || (code != 0 && err.sys != ENOSPC))
            tap_ok(false, "%s, %u: code %d, errno %d: %s%s%s", what, n, code, err.sys,
                   code ? err.msg : "works", left[0] ? "; leaves " : "", left);
        umount(full);
    }
    rmdir(full);
    tap_ok(code == 0 && failed > 1 && good == failed + 1, "%s: %u times too little, then enough", what,
           (unsigned)failed);
}

static void test_readonly(void)
{
    static struct subject s;
    struct kit_sight before;
    struct husk_err err;
    char ro[96];
    int code;

    if (!faults_default(&s, "read-only", HUSK_CREATE, false) || !faults_plan(&s))
        return;
    snprintf(ro, sizeof ro, "%s/ro", kit_work);
    mkdir(ro, 0755);
    mount("tmpfs", ro, "tmpfs", MS_RDONLY, NULL);
    kit_look(&before);
    code = create(&s, ro, &err);
    tap_ok(code == HUSK_ESYS && err.sys == EROFS, "a read-only root of state directories: %s", err.msg);
    tap_same(left_by(&s, &before, ro), "", "nothing is left");
    code = create(&s, kit_str("%s/below", ro), &err);
    tap_ok(code == HUSK_ESYS && err.sys == EROFS, "one that cannot be made: %s", err.msg);
    code = create(&s, "/proc/husk", &err);
    tap_ok(code == HUSK_ESYS && err.sys == ENOENT, "one in a place for nobody: %s", err.msg);
    tap_same(left_by(&s, &before, ro), "", "nothing is left");
    umount(ro);
    rmdir(ro);
}

/* The container's cgroup is there. With somebody in it, it is refused; empty, it is used. What others made
 * stays, whether create works or not. */
static void test_busy_cgroup(void)
{
    static const char *const nothing[] = {"/nowhere"};
    static struct subject s;
    struct kit_sight before;
    struct husk_err err;
    const char *dir;
    int32_t other;

    if (!faults_default(&s, "busy", HUSK_CREATE, false) || !faults_plan(&s))
        return;
    if (s.plan.n_cgroups == 0) {
        tap_ok(true, "a cgroup in use # SKIP no cgroups here");
        return;
    }
    kit_look(&before);
    dir = s.plan.cgroups[s.plan.n_cgroups - 1].dir;
    other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    if (other < 0)
        abort(); /* kill(-1) would be everybody's end */
    mkdir(dir, 0755);
    kit_write(kit_str("%s/cgroup.procs", dir), kit_str("%d", (int)other), 0644);
    tap_ok(create(&s, root, &err) == HUSK_ESYS && err.sys == EBUSY, "a cgroup in use: %s", err.msg);
    tap_ok(waitpid(other, NULL, WNOHANG) == 0, "who was in it lives");
    tap_same(kit_read(kit_str("%s/cgroup.procs", dir)), kit_str("%d\n", (int)other), "and is there alone");
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    for (int i = 0; i < 100 && kit_read(kit_str("%s/cgroup.procs", dir))[0] != '\0'; i++)
        usleep(10000);
    tap_ok(create(&s, root, &err) == 0 && access(dir, F_OK) == 0, "an empty one is used, and stays");
    s.process.args = (struct husk_strs){nothing, 1, true};
    tap_ok(create(&s, root, &err) == HUSK_ESYS && err.sys == ENOENT && access(dir, F_OK) == 0,
           "also when create fails: %s", err.msg);
    tap_ok(rmdir(dir) == 0, "it is empty again");
    tap_same(left_by(&s, &before, root), "", "nothing is left");
}

/* No pid namespace takes along what a hook left behind in the container's cgroup. */
static void test_left_behind(void)
{
    static const char *const nothing[] = {"/nowhere"}, *const script[] = {"sh", "-c", "sleep 100 & echo $!"};
    static const struct husk_hook hook = {.path = "/bin/sh", .args = {script, HUSK_COUNT(script), true}};
    static struct husk_namespace kept[16];
    static struct subject s;
    struct kit_sight before;
    struct husk_err err;
    uint32_t n = 0;

    if (!faults_default(&s, "left behind", HUSK_CREATE, false))
        return;
    for (uint32_t i = 0; i < s.spec.linux_.namespaces.n; i++)
        if (s.spec.linux_.namespaces.v[i].type != CLONE_NEWPID)
            kept[n++] = s.spec.linux_.namespaces.v[i];
    s.spec.linux_.namespaces.v = kept;
    s.spec.linux_.namespaces.n = n;
    s.spec.hooks[HUSK_HOOK_CREATE_CONTAINER].v = &hook;
    s.spec.hooks[HUSK_HOOK_CREATE_CONTAINER].n = 1;
    if (!faults_plan(&s))
        return;
    if (s.plan.n_cgroups == 0) {
        tap_ok(true, "a hook's process # SKIP no cgroups here");
        return;
    }
    kit_look(&before);
    tap_ok(create(&s, root, &err) == 0, "a hook's process does not hinder delete");
    tap_same(left_by(&s, &before, root), "", "nothing is left");
    s.process.args = (struct husk_strs){nothing, 1, true};
    tap_ok(create(&s, root, &err) == HUSK_ESYS && err.sys == ENOENT, "nor a create that fails: %s", err.msg);
    tap_same(left_by(&s, &before, root), "", "nothing is left");
}

/* The child is killed for its memory somewhere on its way. */
static void test_container_memory(void)
{
    static struct subject s;
    struct kit_sight before;
    struct husk_err err;
    const char *left;
    uint32_t failed = 0, good = 0, n = 0;

    if (!faults_default(&s, "memory", HUSK_CREATE, false))
        return;
    if (husk_host_controller(&s.host, "memory") < 0) {
        tap_ok(true, "too little memory # SKIP no memory controller here");
        return;
    }
    kit_look(&before);
    for (int64_t kib = 4; kib <= 4096; kib *= 2, n++) {
        int code;
        s.spec.linux_.resources.memory.limit_bytes.set = true;
        s.spec.linux_.resources.memory.limit_bytes.v = kib << 10;
        if (!faults_plan(&s))
            return;
        code = create(&s, root, &err);
        left = left_by(&s, &before, root);
        failed += code != 0;
        good += left[0] == '\0' && (code == 0 || (code == HUSK_ESYS && err.diag == HUSK_DIAG_CHILD_DIED));
        if (left[0] != '\0')
            tap_ok(false, "%d KiB: leaves %s", (int)kib, left);
    }
    tap_ok(good == n && failed > 0 && failed < n,
           "limits of memory: %u of %u are too low, %u are left cleanly", (unsigned)failed, (unsigned)n,
           (unsigned)good);
}

/* In a cgroup of our own that may have so many processes: us, the child, the child's sibling, a hook. */
static void few_processes(struct subject *s)
{
    const char *name = s->name, *left;
    bool userns = s->req.action == HUSK_CREATE;
    struct kit_sight before;
    struct husk_err err = {0};
    uint32_t failed = 0, good = 0;
    char limit[256];
    int code = -1;

    snprintf(limit, sizeof limit, "%s/pids.max", few_dir);
    kit_write(kit_str("%s/cgroup.procs", few_dir), "0", 0644);
    if (husk_host_probe(&faults_host, &faults_arena, &err) != 0 ||
        !faults_all(s, name, s->req.action, userns) || !faults_plan(s))
        return;
    kit_look(&before);
    for (unsigned n = 1; n < 8 && code != 0; n++, failed += code != 0) {
        kit_write(limit, kit_str("%u", n), 0644);
        code = create(s, root, &err);
        left = left_by(s, &before, root);
        good += left[0] == '\0' && code == HUSK_ESYS && err.sys == EAGAIN;
        if (left[0] != '\0' || (code != 0 && err.sys != EAGAIN))
            tap_ok(false, "%s, %u processes: code %d: %s, leaves %s", name, n, code, err.msg, left);
    }
    tap_ok(code == 0 && failed == 2 && good == failed, "%s: one process is too few, and two", name);
}

static void test_processes(void)
{
    static struct subject s;
    const struct husk_hierarchy *h;
    int at = husk_host_controller(&faults_host, "pids");

    h = at < 0 ? NULL : &faults_host.hierarchies[at];
    if (h == NULL || h->version != 1) {
        tap_ok(true, "too few processes # SKIP no pids hierarchy of its own here");
        return;
    }
    snprintf(few_dir, sizeof few_dir, "%s/%s-few", h->mountpoint, faults_id);
    mkdir(few_dir, 0755);
    s.name = "everything"; /* with a fork */
    s.req.action = HUSK_CREATE;
    faults_apart(few_processes, &s);
    s.name = "everything without user namespace"; /* the next process is a hook's */
    s.req.action = HUSK_RUN;
    faults_apart(few_processes, &s);
    for (int i = 0; i < 100 && rmdir(few_dir) < 0 && errno == EBUSY; i++)
        usleep(10000);
}

/* Spec and plan in buffers of every size: they run out of memory, or are whole. */
static void test_memory(void)
{
    struct husk_text text = {.arena = &faults_arena}, want = {.arena = &faults_arena};
    static struct subject s;
    static char buffer[1 << 20];
    struct husk_err err;
    uint32_t failed = 0, good = 0;
    bool whole = false;

    if (!faults_default(&s, "memory", HUSK_RUN, true) || !faults_plan(&s))
        return;
    husk_spec_default(&text, false, 0, 0, false);
    husk_plan_print(&s.plan, &want);
    for (size_t size = 16; size < sizeof buffer && !whole; size += 1361) {
        struct husk_arena arena;
        struct husk_text got = {.arena = &faults_arena};
        struct husk_spec spec;
        struct husk_plan plan;
        int code;
        husk_arena_fixed(&arena, buffer, size);
        code = husk_spec_parse(&spec, &arena, text.data, text.len, NULL, &err);
        faults_fit(&spec.linux_.resources);
        if (code == 0)
            code = husk_plan_make(&plan, &arena, &spec, &s.host, &s.req, &err);
        whole = code == 0;
        if (whole)
            husk_plan_print(&plan, &got);
        failed += code != 0;
        good += whole ? strstr(got.data, "husk-plan 1") != NULL
                      : code == HUSK_ENOMEM && err.diag == HUSK_DIAG_NO_MEMORY;
        if (code != 0 && code != HUSK_ENOMEM)
            tap_ok(false, "spec and plan in %zu bytes: %s", size, err.msg);
    }
    tap_ok(whole && failed > 20 && good == failed + 1, "spec and plan: %u buffers are too small",
           (unsigned)failed);
}

int main(void)
{
    if (!faults_begin())
        return 0;
    snprintf(root, sizeof root, "%s/states", kit_work);
    mkdir(root, 0700);
    test_descriptors();
    test_full("inodes", "mode=755,nr_inodes=%u", 1, 16);
    test_full("room", "mode=755,size=%uk", 4, 128);
    test_readonly();
    test_busy_cgroup();
    test_left_behind();
    test_container_memory();
    test_processes();
    test_memory();
    tap_same(faults_cgroups(), "", "no cgroup anywhere");
    husk_arena_fini(&faults_arena);
    close(faults_listener);
    return tap_done();
}
