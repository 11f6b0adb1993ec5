/* The least that a cgroup backend needs, and at the end one for a security module: copy this file to begin one.
 *
 * It keeps a container's processes together in a directory of its own on cgroup2, so that they can be found
 * and killed, and limits nothing. It is compiled and tested, but not in husk_backends_default: a caller puts
 * it into a struct husk_backends of its own.
 */
#include "husk/backend/cgroup.h"
#include "husk/backend/lsm.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Backends have no registry: who wants this one declares it and puts it into his list. */
extern const struct husk_cgroup_backend husk_cgroup_skeleton;
extern const struct husk_lsm_backend husk_lsm_skeleton;

/* Which hierarchies can we serve? The best score wins. To decline is possible only here. Pure. */
static int probe(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason)
{
    (void)host;
    if (h->version == 2)
        return 1;
    *reason = "the skeleton works on cgroup2";
    return 0;
}

/* Plans make nothing: they say what is to be made. Each operation has a reason, the JSON pointer of what
 * asked for it, and `undo` when it outlives the container. @cg.N and @join.N are our slots: @cg.N
 * must be opened, join.N is for plan_join. exec finds the cgroup as create left it. */
static int plan_create(struct husk_planner *p, uint32_t place)
{
    const char *dir = p->cgroups[place].dir, *why = "/linux/cgroupsPath";
    struct husk_op *op;

    if (p->req->action != HUSK_EXEC) {
        op = husk_add(p, HUSK_OP_MKDIR, HUSK_PARENT, why);
        op->u.mkdir = (struct husk_op_mkdir){{HUSK_SLOT_HOST, dir}, 0755, HUSK_ID_KEEP, HUSK_ID_KEEP, false};
        op->undo = true;
    }
    husk_add_open(p, HUSK_PARENT, (enum husk_slot)(HUSK_SLOT_CG + place), HUSK_SLOT_HOST, dir,
                  O_PATH | O_DIRECTORY, HUSK_EXPECT_CGROUPFS, why);
    husk_add_open(p, HUSK_PARENT, (enum husk_slot)(HUSK_SLOT_JOIN + place),
                  (enum husk_slot)(HUSK_SLOT_CG + place), "cgroup.procs", O_WRONLY, HUSK_EXPECT_CGROUPFS,
                  why);
    return HUSK_OK;
}

/* The child, which inherited the open file, moves itself. */
static int plan_join(struct husk_planner *p, uint32_t place)
{
    husk_add_write(p, HUSK_CHILD, (enum husk_slot)(HUSK_SLOT_JOIN + place), "", "0", "/linux/cgroupsPath");
    return HUSK_OK;
}

/* husk_resources_check() refuses configurations with limits when this finds no controllers; a real backend
 * writes its controllers' files here, by husk_resources_plan() if they have the kernel's names. */
static int plan_limits(struct husk_planner *p, uint32_t place)
{
    (void)p, (void)place;
    return HUSK_OK;
}

static int plan_mount(struct husk_planner *p, const struct husk_mount *mount, const char *why)
{
    husk_plan_note(p, why, "this backend shows no cgroups: %s is left out", mount->destination);
    return HUSK_OK;
}

/* Actions get the open directory and return a negative errno. */
static int each_pid(int dir, husk_pid_fn *fn, void *ctx)
{
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), rc = 0, pid;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

    if (f == NULL)
        return errno == ENOENT ? 0 : -errno;
    while (rc == 0 && fscanf(f, "%d", &pid) == 1)
        if (pid > 0) /* 0: of another pid namespace; kill(0) would be our own group */
            rc = fn(ctx, pid);
    fclose(f);
    return rc;
}

static int kill_one(void *ctx, int32_t pid)
{
    (void)ctx;
    return kill(pid, SIGKILL) == 0 || errno == ESRCH ? 0 : -errno;
}

static int kill_all(int dir)
{
    return each_pid(dir, kill_one, NULL);
}

/* A cgroup stays busy until the last process has left it: wait a little, not for ever. */
static int remove_dir(int dir, const char *path)
{
    (void)dir;
    for (int i = 0; rmdir(path) != 0; i++) {
        if (errno == ENOENT)
            return 0;
        if (errno != EBUSY || i == 200)
            return -errno;
        usleep(10000);
    }
    return 0;
}

/* `size` tells husk which methods this table has, so that it still fits when later versions add some at the
 * end. Methods that only some hierarchies have may stay NULL: freeze, is_frozen and oom_kills. */
const struct husk_cgroup_backend husk_cgroup_skeleton = {
    .size = sizeof husk_cgroup_skeleton,
    .abi = HUSK_CGROUP_ABI,
    .name = "cgroup-skeleton",
    .probe = probe,
    .plan_create = plan_create,
    .plan_join = plan_join,
    .plan_limits = plan_limits,
    .plan_mount = plan_mount,
    .each_pid = each_pid,
    .kill_all = kill_all,
    .remove = remove_dir,
};

/* ---- a security module ---- */

/* Smack, of which the facts about a host say nothing: whoever lists this backend knows that the host has it. */
static int lsm_probe(const struct husk_host *host, const char **reason)
{
    (void)host, (void)reason;
    return 1;
}

/* @proc is open whenever there is a label. A module that labels at exec leaves our own process as it is meanwhile; Smack
 * knows only the label of now, which exec keeps. */
static int lsm_plan_exec(struct husk_planner *p, const char *label)
{
    husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, "self/attr/smack/current", label, "/process/selinuxLabel");
    return HUSK_OK;
}

const struct husk_lsm_backend husk_lsm_skeleton = {
    .size = sizeof husk_lsm_skeleton,
    .abi = HUSK_LSM_ABI,
    .name = "lsm-skeleton",
    .at = "/process/selinuxLabel",
    .probe = lsm_probe,
    .plan_exec = lsm_plan_exec,
};
