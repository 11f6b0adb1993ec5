/* The root directory as it is: bound on itself, since pivot_root(2) asks for a mount. */
#include "husk.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

static int probe(const struct husk_host *host, const struct husk_spec *spec, const char **reason)
{
    (void)host, (void)spec, (void)reason;
    return 1;
}

/* It lies at its place, where hooks look for it; and where the user namespace cannot get there, on "/", where nobody
 * looks until it becomes the root. Without pivot_root(2) it has to be told from the old one by its name. */
static void plan_tree(struct husk_planner *p, struct husk_path tree, const char *path)
{
    static const uint32_t rslave[] = {MS_SLAVE | MS_REC};
    const char *const places[] = {path, "/"};
    int n = p->req->no_pivot ? 1 : 2;
    struct husk_op *op;

    husk_add_open(p, HUSK_CHILD, HUSK_SLOT_ROOTFS, tree.slot, tree.rel, O_PATH | O_DIRECTORY, HUSK_EXPECT_DIR,
                  "/root/path");
    for (int i = 0; i < n; i++) {
        op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, "/root/path");
        op->u.mount = (struct husk_op_mount){
            .source = tree, .target = {HUSK_SLOT_HOST, places[i]}, .flags = MS_MOVE, .propagation = {rslave, 1}};
        if (i + 1 < n) {
            op->on_fail = HUSK_ELSE;
            op->skip = 1;
            op->errnos[0] = EACCES;
        }
    }
}

static int plan_root(struct husk_planner *p, const char *path)
{
    struct husk_path source = {HUSK_SLOT_HOST, path};
    uint64_t flags = husk_add_source(p, &source, true, "/root/path");
    struct husk_op *op;

    if (flags == MS_MOVE) {
        plan_tree(p, source, path);
        return HUSK_OK;
    }
    op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, "/root/path");
    op->u.mount = (struct husk_op_mount){.source = source, .target = source, .flags = flags};
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
