/* husk/impl/apply_tree.h - mounts that the parent clones for the child, and user namespaces for their ids. Part of
 * apply.h's implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_TREE_IMPLEMENTED)
#define HUSK_APPLY_TREE_IMPLEMENTED

#include "husk/impl/apply_file.h"

static long husk__map_ids(int tree, int userns, bool recursive)
{
    struct husk__mount_attr a = {.attr_set = HUSK__ATTR_IDMAP, .userns_fd = (uint64_t)userns};

    return husk__sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? HUSK__AT_RECURSIVE : 0), &a, sizeof a);
}

/* The source is resolved here and now, in the mount namespace of the caller, who sends it on. */
static long husk__send_tree(struct husk_child *c, const struct husk_op_tree *t)
{
    struct husk__want want = {.flags = O_PATH | (t->nofollow ? O_NOFOLLOW : 0)};
    struct husk_report rep = {c->at, 0, 0};
    int source = husk__open(c, &t->source, &want), tree, userns;
    long r;

    if (source < 0)
        return source;
    r = tree =
        (int)husk__sys(__NR_open_tree, source, "",
                       AT_EMPTY_PATH | HUSK__OPEN_TREE_CLONE | O_CLOEXEC | (t->recursive ? HUSK__AT_RECURSIVE : 0));
    husk__close(source);
    if (r >= 0 && t->userns != HUSK_SLOT_HOST) {
        userns = husk__slot(c, t->userns);
        r = userns < 0 ? userns : husk__map_ids(tree, userns, t->idmap_recursive);
    }
    if (r >= 0)
        r = husk__send_fd(c->channel, &rep, sizeof rep, tree);
    husk__close(tree);
    return r;
}

/* setns(2) leads to the namespace's root, which is not the child's when we are in a chroot. */
static long husk__enter_mounts(struct husk_child *c)
{
    int task = husk__slot(c, HUSK_SLOT_TASK), ns, root;
    long r;

    if (task < 0)
        return task;
    r = ns = (int)husk__sys(__NR_openat, task, "ns/mnt", O_RDONLY | O_CLOEXEC);
    if (r >= 0)
        r = root = (int)husk__sys(__NR_openat, task, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r >= 0)
        r = husk__sys(__NR_setns, ns, CLONE_NEWNS);
    if (r == 0)
        r = husk__sys(__NR_fchdir, root);
    return r ? r : husk__sys(__NR_chroot, ".");
}

/* By a process that enters the child's mount namespace and stays in the caller's user namespace. The child has come to
 * the operation: it has left the host's mounts by now, and is not changing its own. */
static long husk__tree_inside(struct husk_child *c, const struct husk_op_tree *t)
{
    struct husk_report rep;
    int pidfd = -1, status = 0, fd;
    uint64_t mask;
    long r = husk__wait_for(husk__run(c), c->at, &rep, &fd);

    if (r < 0)
        return r;
    husk__close(fd);
    mask = husk__set_mask(~UINT64_C(0));
    r = husk__clone(0, -1, &pidfd);
    if (r == 0) {
        r = husk__enter_mounts(c);
        husk__end((int)-(r ? r : husk__send_tree(c, t)));
    }
    husk__set_mask(mask);
    if (r < 0)
        return r;
    husk__close(pidfd);
    while (waitpid((pid_t)r, &status, __WALL) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* A child that is gone has perhaps left word why. */
static long husk__parent_tree(struct husk_child *c, const struct husk_op *op)
{
    struct husk_report rep;
    long r = op->u.tree.inside ? husk__tree_inside(c, &op->u.tree) : husk__send_tree(c, &op->u.tree);
    int fd;

    if (r != -EPIPE && r != -ECONNRESET)
        return r;
    return husk__wait_for(husk__run(c), HUSK_NO_OP, &rep, &fd) < 0 ? -EPIPE : r;
}

static long husk__write_word(int dir, const char *name, const char *text)
{
    int fd = (int)husk__sys(__NR_openat, dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    long r = fd < 0 ? fd : husk__sys(__NR_write, fd, text, husk__len(text));

    husk__close(fd);
    return r < 0 ? r : 0;
}

/* The maps of the process's namespace, and its descriptor. */
static int husk__map_process(int32_t pid, const struct husk_op_userns *u)
{
    char path[32] = "/proc/";
    int proc;
    long r;

    husk__decimal(path + 6, pid);
    r = proc = (int)husk__sys(__NR_openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r >= 0)
        r = husk__fs_type(proc, NULL) == HUSK__MAGIC_PROC ? 0 : -EINVAL;
    if (r == 0)
        r = husk__write_word(proc, "uid_map", u->uid_map);
    if (r == 0)
        r = husk__write_word(proc, "gid_map", u->gid_map);
    if (r == 0)
        r = husk__sys(__NR_openat, proc, "ns/user", O_RDONLY | O_CLOEXEC);
    husk__close(proc);
    return (int)r;
}

/* A namespace is made with a process in it. This one only waits: for its end, or for ours, which closes the pipe. */
static long husk__do_userns(struct husk_child *c, const struct husk_op *op)
{
    int pair[2], pidfd = -1, fd;
    uint64_t mask;
    char byte;
    long r = husk__sys(__NR_pipe2, pair, O_CLOEXEC);

    if (r < 0)
        return r;
    mask = husk__set_mask(~UINT64_C(0));
    r = husk__clone(CLONE_NEWUSER, -1, &pidfd);
    if (r == 0) {
        husk__close(pair[1]);
        (void)husk__sys(__NR_read, pair[0], &byte, 1);
        husk__end(0);
    }
    husk__set_mask(mask);
    husk__close(pair[0]);
    if (r > 0) {
        fd = husk__map_process((int32_t)r, &op->u.userns);
        (void)husk__sys(__NR_kill, r, SIGKILL);
        while (waitpid((pid_t)r, NULL, __WALL) < 0 && errno == EINTR)
            ;
        r = fd < 0 ? fd : 0;
        if (fd >= 0)
            husk__define(c, op->u.userns.slot, fd);
    }
    husk__close(pair[1]);
    husk__close(pidfd);
    return r;
}
#endif
