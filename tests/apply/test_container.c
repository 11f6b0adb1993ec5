/* The OCI operations from C, without the command and without JSON: what a program that embeds husk does. */
#include "kit.h"

static char state_root[128];
static struct husk_arena arena;
static struct husk_host host;
static unsigned warnings;

static void count_warning(void *ctx, const struct husk_err *err)
{
    (void)ctx;
    printf("# warning: %s: %s\n", err->at, err->msg);
    warnings++;
}

static struct husk_container handle(void)
{
    return (struct husk_container){.arena = &arena, .root = state_root, .warn = count_warning};
}

/* The host's /usr, so that its shell runs. */
static const struct husk_spec base = {
    .mounts = HUSK_ARRAY(
        struct husk_mount,
        {.destination = "/usr", .type = "none", .source = "/usr", .flags_set = MS_BIND | MS_REC | MS_RDONLY},
        {.destination = "/proc", .type = "proc", .source = "proc"}),
    .linux_ = {.namespaces =
                   HUSK_ARRAY(struct husk_namespace, {.type = CLONE_NEWNS}, {.type = CLONE_NEWPID})},
};

/* At file scope: a list that is made in a function ends with its block. */
static const struct husk_process plain = {
    .cwd = "/", .env = HUSK_STRS("PATH=/usr/bin:/bin"), .caps = {.set = true}};

static struct husk_process shell(const char *const *args, uint32_t n)
{
    struct husk_process process = plain;

    process.args = (struct husk_strs){args, n, true};
    return process;
}

static struct husk_launch launch(const struct husk_spec *spec, enum husk_action action)
{
    return (struct husk_launch){
        .spec = spec, .host = &host, .request = {.action = action, .id = "box", .bundle = kit_work}};
}

/* A result, with the error's text when it is not the one that is wanted. */
static void result(int got, int want, const struct husk_err *err, const char *name)
{
    if (!tap_equal(got, want, name) && got != 0)
        printf("# %s: %s\n", err->at, err->msg);
}

static void test_life(struct husk_spec *spec)
{
    static const char *const args[] = {"sh", "-c", "exec sleep 1000", NULL};
    static const char *const more[] = {"sh", "-c", "test $$ -gt 1 && exit 23", NULL};
    struct husk_process process = shell(args, 3), second = shell(more, 3);
    struct husk_container c = handle(), other = handle();
    struct husk_launch l = launch(spec, HUSK_CREATE), e = launch(spec, HUSK_EXEC);
    const int32_t *pids;
    struct husk_err err;
    int status;
    uint32_t n;

    spec->process = &process;
    result(husk_container_create(&c, &l, &err), 0, &err, "create");
    tap_equal(husk_container_status(&c), HUSK_CREATED, "it is created");
    tap_equal(husk_container_create(
                  &other, &(struct husk_launch){.spec = spec, .host = &host, .request = l.request}, &err),
              HUSK_ESTATE, "its id is taken");
    result(husk_container_clean(&other, "box", &err), HUSK_ESTATE, &err, "it is no left-over");
    tap_equal(err.diag, HUSK_DIAG_EXISTS, "since it exists");
    result(husk_container_open(&other, "box", &err), 0, &err, "another handle opens it");
    result(husk_container_start(&other, &err), 0, &err, "and starts it");
    result(husk_container_start(&c, &err), HUSK_ESTATE, &err, "not twice");
    tap_equal(husk_container_status(&c), HUSK_RUNNING, "it runs");
    result(husk_container_delete(&c, false, &err), HUSK_ESTATE, &err, "delete is refused");
    e.request.process = &second;
    result(husk_container_exec(&other, &e, &err), 0, &err, "exec");
    tap_ok(waitpid(e.pid, &status, 0) == e.pid && WIFEXITED(status) && WEXITSTATUS(status) == 23,
           "its status is the caller's");
    husk_launch_close(&e);
    result(husk_container_pids(&c, &pids, &n, &err), 0, &err, "processes");
    tap_ok(n == 1 && pids[0] == l.pid, "init alone");
    result(husk_container_kill(&c, SIGKILL, false, &err), 0, &err, "kill");
    tap_ok(waitpid(l.pid, &status, 0) == l.pid && WIFSIGNALED(status), "it is our child");
    tap_equal(husk_container_status(&c), HUSK_STOPPED, "stopped");
    result(husk_container_kill(&c, SIGTERM, false, &err), HUSK_ESTATE, &err, "nobody to signal");
    result(husk_container_exec(&other, &e, &err), HUSK_ESTATE, &err, "no exec");
    result(husk_container_delete(&c, false, &err), 0, &err, "delete");
    result(husk_container_delete(&other, false, &err), HUSK_ESTATE, &err, "once");
    husk_launch_close(&l);
    husk_container_close(&c);
    husk_container_close(&other);
    result(husk_container_open(&other, "box", &err), HUSK_ESTATE, &err, "absent");
}

static void test_run(struct husk_spec *spec)
{
    static const char *const args[] = {"sh", "-c", "exit 9", NULL};
    struct husk_process process = shell(args, 3);
    struct husk_container c = handle();
    struct husk_launch l = launch(spec, HUSK_RUN);
    struct husk_err err;
    int status;

    spec->process = &process;
    result(husk_container_create(&c, &l, &err), 0, &err, "run");
    tap_ok(waitpid(l.pid, &status, 0) == l.pid && WIFEXITED(status) && WEXITSTATUS(status) == 9,
           "its status");
    result(husk_container_delete(&c, false, &err), 0, &err, "delete");
    husk_launch_close(&l);
    husk_container_close(&c);
}

static void test_failures(struct husk_spec *spec)
{
    static const char *const args[] = {"/no/such/program", NULL};
    static const char *const hook_args[] = {"sh", "-c", "cat >> poststop; exit 3", NULL};
    static const struct husk_hook hooks[] = {{.path = "/bin/sh", .args = {hook_args, 3, true}},
                                             {.path = "/bin/sh", .args = {hook_args, 3, true}}};
    struct husk_process process = shell(args, 1);
    struct husk_container c = handle();
    struct husk_launch l = launch(spec, HUSK_CREATE);
    struct husk_spec with_hooks = *spec;
    struct husk_err err;

    with_hooks.process = &process;
    with_hooks.hooks[HUSK_HOOK_POSTSTOP] = (struct husk_hook_list){hooks, 2};
    l.spec = &with_hooks;
    if (chdir(kit_work) != 0)
        abort();
    warnings = 0;
    result(husk_container_create(&c, &l, &err), HUSK_ESYS, &err, "a create that fails");
    tap_equal(err.diag, HUSK_DIAG_NOT_FOUND, "says why");
    tap_equal(warnings, 2, "its poststop hooks ran, both, and their failures are warnings");
    tap_ok(strstr(kit_read("poststop"), "\"status\":\"stopped\"") != NULL, "they read the state");
    result(husk_container_open(&c, "box", &err), HUSK_ESTATE, &err, "nothing is left");
    result(husk_container_clean(&c, "box", &err), 0, &err, "cleaning nothing is fine");
    l.request.id = "../box";
    result(husk_container_create(&c, &l, &err), HUSK_EARG, &err, "a bad id");
    if (mkdir(kit_str("%s/stray", state_root), 0711) != 0)
        abort();
    result(husk_container_open(&c, "stray", &err), HUSK_ESTATE, &err,
           "a directory without a state is no container");
    result(husk_container_clean(&c, "stray", &err), 0, &err, "clean");
    tap_equal(access(kit_str("%s/stray", state_root), F_OK), -1, "removes it");
}

/* A state whose cgroup is a directory of another kind: what is written there names nobody to signal or kill. */
static void test_no_cgroup(void)
{
    struct husk_container c = handle();
    char dir[128], state[160];
    const int32_t *pids;
    struct husk_err err;
    pid_t pid = fork();
    uint32_t n = 0;

    snprintf(dir, sizeof dir, "%s/forged", kit_work);
    snprintf(state, sizeof state, "%s/forged", state_root);
    if (pid == 0)
        for (;;)
            pause();
    if (pid < 0 || mkdir(dir, 0755) != 0 || mkdir(state, 0711) != 0)
        abort();
    kit_write(kit_str("%s/cgroup.procs", dir), kit_str("%d\n", (int)pid), 0644);
    kit_write(kit_str("%s/undo", state), kit_str("rmdir \"%s\"\n", dir), 0600);
    kit_write(
        kit_str("%s/state.json", state),
        kit_str(
            "{\"ociVersion\":\"1.2.0\",\"id\":\"forged\",\"pid\":0,\"status\":\"created\",\"bundle\":\"/\","
            "\"rootfs\":\"/\",\"created\":\"\",\"startTicks\":0,\"pidNamespace\":false,\"cgroups\":["
            "{\"backend\":\"cgroup-v1\",\"version\":1,\"controllers\":\"freezer\",\"path\":\"/"
            "forged\",\"dir\":\"%s\"}]}",
            dir),
        0600);
    result(husk_container_open(&c, "forged", &err), 0, &err, "a state with a forged cgroup");
    tap_ok(husk_container_pids(&c, &pids, &n, &err) != 0 || n == 0, "it has no processes");
    if (husk_container_kill(&c, SIGKILL, true, &err) != 0)
        printf("# %s\n", err.msg);
    tap_ok(husk_container_delete(&c, true, &err) != 0, "delete says what is in the way: %s", err.msg);
    usleep(20000);
    tap_equal(waitpid(pid, NULL, WNOHANG), 0, "the process that it names lives");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(kit_str("%s/cgroup.procs", dir));
    result(husk_container_delete(&c, true, &err), 0, &err, "delete");
    husk_container_close(&c);
}

int main(void)
{
    struct husk_spec spec = base;
    struct husk_err err;

    if (!kit_begin())
        return 0;
    snprintf(state_root, sizeof state_root, "%s/state", kit_work);
    spec.root.path = kit_str("%s/rootfs", kit_work);
    spec.linux_.cgroups_path = kit_str("/husk-container-%d", (int)getpid());
    if (mkdir(spec.root.path, 0755) != 0 || symlink("usr/bin", kit_str("%s/bin", spec.root.path)) != 0 ||
        symlink("usr/lib", kit_str("%s/lib", spec.root.path)) != 0 ||
        symlink("usr/lib64", kit_str("%s/lib64", spec.root.path)) != 0 ||
        husk_host_probe(&host, &arena, &err) != 0)
        abort();
#if HUSK_WITH_CJSON
    test_life(&spec);
    test_run(&spec);
#endif
    test_failures(&spec);
#if HUSK_WITH_CJSON
    test_no_cgroup();
#endif
    husk_arena_fini(&arena);
    return tap_done();
}
