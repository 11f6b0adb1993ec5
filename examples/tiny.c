/* tiny.c - a sandbox in one file, without JSON, configuration files or a state directory.
 *
 *     tiny ROOTFS COMMAND [ARGUMENT...]
 *
 * Runs COMMAND in the directory ROOTFS: alone in its own namespaces, without network, capabilities and
 * devices, with at most 64 MiB of memory and 32 processes. Needs root, and the memory and pids controllers.
 *
 *     cc -D_GNU_SOURCE -Iinclude -o tiny examples/tiny.c build/libhusk.a -lcjson -lseccomp
 */
#include "husk.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the sandbox is: the same structures that config.json is read into. Members that are not named are
 * absent. (Lists made at file scope live as long as the program, in a function only as long as its block.) */
static const struct husk_spec sandbox = {
    .root = {.readonly = true},
    .hostname = "tiny",
    .mounts = HUSK_ARRAY(struct husk_mount,
        {.destination = "/proc", .type = "proc", .source = "proc", .flags_set = MS_NOSUID | MS_NODEV},
        {.destination = "/dev", .type = "tmpfs", .source = "tmpfs", .flags_set = MS_NOSUID},
        {.destination = "/tmp", .type = "tmpfs", .source = "tmpfs", .data = "size=16m"}),
    .linux_ = {
        .namespaces = HUSK_ARRAY(struct husk_namespace,
            {.type = CLONE_NEWNS}, {.type = CLONE_NEWPID}, {.type = CLONE_NEWNET}, {.type = CLONE_NEWIPC},
            {.type = CLONE_NEWUTS}),
        .resources = {
            .memory = {.limit_bytes = HUSK_SOME(64 << 20)},
            .pids_limit = HUSK_SOME(32),
            .devices = HUSK_ARRAY(struct husk_device_rule,
                {.allow = false, .type = 'a', .major = -1, .minor = -1, .access = 7}),
        },
        .masked_paths = HUSK_STRS("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"),
        .readonly_paths = HUSK_STRS("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"),
    },
};

static int report(const char *doing, const struct husk_err *err)
{
    fprintf(stderr, "tiny: %s: %s%s%s\n", doing, err->at, err->at[0] ? ": " : "", err->msg);
    return 125;
}

int main(int argc, char **argv)
{
    char id[32], rootfs[4096], undo[] = "/tmp/tiny-undo-XXXXXX";
    struct husk_arena arena = {0};
    struct husk_plan plan;
    struct husk_host host;
    struct husk_err err;
    int status = 0;

    if (argc < 3 || realpath(argv[1], rootfs) == NULL) {
        fprintf(stderr, "usage: tiny ROOTFS COMMAND [ARGUMENT...]\n");
        return 125;
    }
    snprintf(id, sizeof id, "tiny-%d", getpid());

    /* Stage 1: what is wanted. */
    struct husk_process process = {
        .cwd = "/",
        .args = {(const char *const *)(argv + 2), (uint32_t)argc - 2, true},
        .env = HUSK_STRS("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb"),
        .caps = {.set = true},
        .no_new_privileges = true,
    };
    struct husk_spec spec = sandbox;
    spec.root.path = rootfs;
    spec.process = &process;
    if (husk_spec_check(&spec, NULL, NULL, &err))
        return report("bad specification", &err);

    /* Stage 2: what is to be done for that on this machine. Plain data, which could be printed here. */
    struct husk_request request = {.action = HUSK_RUN, .id = id, .bundle = "/"};
    if (husk_host_probe(&host, &arena, &err))
        return report("cannot look at this machine", &err);
    if (husk_plan_make(&plan, &arena, &spec, &host, &request, &err))
        return report("cannot be done here", &err);

    /* Stage 3: do it. When it fails, nothing is left. */
    struct husk_apply apply = {.plan = &plan, .state_fd = -1, .target_fd = -1, .undo_fd = mkstemp(undo)};
    if (husk_apply(&apply, &err)) {
        unlink(undo);
        return report("cannot start", &err);
    }
    while (waitpid(apply.pid, &status, 0) < 0)
        ;
    husk_apply_fini(&apply);
    unlink(undo);
    if (husk_undo_fd(apply.undo_fd, &err)) /* what outlives the process: its cgroups */
        return report("cannot clean up", &err);
    close(apply.undo_fd);
    husk_arena_fini(&arena);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
