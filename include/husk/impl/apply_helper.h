/* husk/impl/apply_helper.h - programs of the host that set up the child. Part of apply.h's implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_HELPER_IMPLEMENTED)
#define HUSK_APPLY_HELPER_IMPLEMENTED

#include "husk/impl/apply_file.h"
#include "husk/impl/child_hook.h"

#define HUSK__HELPER_SEC 30u /* they do little, but may ask a directory service who the caller is */

/* As a hook is run, but without a state to read. */
static long husk__do_helper(struct husk_child *c, const struct husk_op *op)
{
    static const char *const no_env[] = {NULL};
    const struct husk_op_helper *h = &op->u.helper;
    const char **argv =
        husk_arena_grow(&husk__run(c)->arena, h->argv.v, h->argv.n * sizeof *argv, (h->argv.n + 1) * sizeof *argv);
    struct husk_op_hook hook = {
        .path = h->path, .argv = {argv, h->argv.n}, .envp = {no_env, 0}, .timeout_sec = HUSK__HELPER_SEC};
    char pid[24];
    long fd, r;

    if (argv == NULL)
        return -ENOMEM;
    husk__decimal(pid, c->pid);
    argv[h->pid_at] = pid;
    fd = husk__sys(__NR_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
    r = fd < 0 ? fd : husk__hook_run(c, &hook, (int)fd);
    husk__close((int)fd);
    return r;
}
#endif
