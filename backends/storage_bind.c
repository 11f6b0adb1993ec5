/* The root directory as it is: bound on itself, which pivot_root(2) asks for. */
#include "husk.h"
#include <fcntl.h>
#include <sys/mount.h>

static int probe(const struct husk_host *host, const struct husk_spec *spec, const char **reason)
{
    (void)host, (void)spec, (void)reason;
    return 1;
}

static int plan_root(struct husk_planner *p, const char *path)
{
    struct husk_op *op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, "/root/path");

    op->u.mount = (struct husk_op_mount){
        .source = {HUSK_SLOT_HOST, path}, .target = {HUSK_SLOT_HOST, path}, .flags = MS_BIND | MS_REC};
    husk_add_open(p, HUSK_CHILD, HUSK_SLOT_ROOTFS, HUSK_SLOT_HOST, path, O_PATH | O_DIRECTORY | O_NOFOLLOW,
                  HUSK_EXPECT_DIR, "/root/path");
    return HUSK_OK;
}

const struct husk_storage_backend husk_storage_bind = {
    .size = sizeof husk_storage_bind,
    .abi = HUSK_STORAGE_ABI,
    .name = "storage-bind",
    .probe = probe,
    .plan_root = plan_root,
};
