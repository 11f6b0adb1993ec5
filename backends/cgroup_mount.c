/* What a mount of type "cgroup" becomes in the container.
 *
 * cgroup2 alone: one mount. With v1 hierarchies: a tmpfs with one directory a hierarchy, named as on the host
 * (cgroup2's is "unified" there), and a symlink for each of several controllers that share one. Each shows
 * the container's own cgroup and what is below: with a cgroup namespace of its own by a fresh mount, which
 * that namespace confines; else by a bind of the cgroup's directory, never of the host's root. (A fresh mount
 * in the initial namespace would also wait 10 ms for the kernel.)
 */
#include "cgroup_common.h"
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

struct layout {
    struct husk_planner *p;
    const struct husk_mount *m;
    const char *why, *at; /* at: the destination, relative to the root */
    uint64_t set;         /* MS_* that each mount gets */
};

/* Fresh mounts of v1 name their hierarchy by its controllers. */
static const char *v1_data(struct husk_planner *p, const char *controllers)
{
    return strncmp(controllers, "name=", 5) == 0 ? husk_plan_str(p, "none,%s", controllers) : controllers;
}

static struct husk_op *show(const struct layout *l, uint32_t place, const char *at, bool fresh)
{
    const struct husk_cgroup_place *c = &l->p->cgroups[place];
    struct husk_op *op = husk_add(l->p, HUSK_OP_MOUNT, HUSK_CHILD, l->why);
    struct husk_op_mount *o = &op->u.mount;

    o->target = (struct husk_path){HUSK_SLOT_ROOTFS, at};
    o->create = HUSK_CREATE_DIR;
    if (fresh) {
        o->source = (struct husk_path){HUSK_SLOT_HOST, "cgroup"};
        o->fstype = c->version == 2 ? "cgroup2" : "cgroup";
        o->data = c->version == 2 ? l->m->data : v1_data(l->p, c->controllers);
        o->flags = l->set;
    } else {
        o->source = (struct husk_path){HUSK_SLOT_HOST, c->dir};
        o->flags = MS_BIND;
        o->set = l->set;
        o->clear = l->m->flags_clear & ~l->set;
    }
    return op;
}

/* A fresh cgroup2 is refused where the mounts below have one already, such as a bind of the host's /sys. */
static void show_v2(const struct layout *l)
{
    const struct husk_mount *m = l->m;
    struct husk_op *op;

    for (int fresh = l->p->new_cgroupns; fresh >= 0; fresh--) {
        op = show(l, 0, l->at, fresh);
        op->u.mount.rec_set = m->rec_set;
        op->u.mount.rec_clear = m->rec_clear;
        op->u.mount.propagation = (struct husk_u32s){m->propagation.v, m->propagation.n};
        if (!fresh)
            continue;
        op->on_fail = HUSK_ELSE;
        op->skip = 1;
        op->errnos[0] = EBUSY;
        op->errnos[1] = EPERM;
    }
}

static void show_v1(const struct layout *l, uint32_t place)
{
    const struct husk_hierarchy *h = &l->p->host->hierarchies[l->p->cgroups[place].hierarchy];
    const char *slash = strrchr(h->mountpoint, '/'), *name = slash ? slash + 1 : h->mountpoint;

    show(l, place, husk_plan_str(l->p, "%s/%s", l->at, name), l->p->new_cgroupns);
    for (uint32_t i = 0; i < h->n_controllers && h->n_controllers > 1; i++)
        if (strcmp(h->controllers[i], name) != 0 && strncmp(h->controllers[i], "name=", 5) != 0)
            husk_add(l->p, HUSK_OP_SYMLINK, HUSK_CHILD, l->why)->u.symlink = (struct husk_op_symlink){
                {HUSK_SLOT_ROOTFS, husk_plan_str(l->p, "%s/%s", l->at, h->controllers[i])}, name};
}

static void show_all(const struct layout *l)
{
    const struct husk_mount *m = l->m;
    struct husk_op_mount *o = &husk_add(l->p, HUSK_OP_MOUNT, HUSK_CHILD, l->why)->u.mount;
    struct husk_op_attr *a;

    *o = (struct husk_op_mount){.source = {HUSK_SLOT_HOST, "tmpfs"},
                                .target = {HUSK_SLOT_ROOTFS, l->at},
                                .fstype = "tmpfs",
                                .data = "mode=755",
                                .flags = l->set & ~(uint64_t)MS_RDONLY,
                                .create = HUSK_CREATE_DIR};
    for (uint32_t i = 0; i < l->p->n_cgroups; i++)
        show_v1(l, i);
    if (!(l->set & MS_RDONLY) && !m->rec_set && !m->rec_clear && m->propagation.n == 0)
        return;
    a = &husk_add(l->p, HUSK_OP_ATTR, HUSK_CHILD, l->why)->u.attr;
    *a = (struct husk_op_attr){.target = {HUSK_SLOT_ROOTFS, l->at},
                               .set = l->set & MS_RDONLY,
                               .rec_set = m->rec_set,
                               .rec_clear = m->rec_clear,
                               .propagation = {m->propagation.v, m->propagation.n}};
}

int husk__cgroup_plan_mount(struct husk_planner *p, const struct husk_mount *mount, const char *why)
{
    struct layout l = {p, mount, why, mount->destination + strspn(mount->destination, "/"),
                       mount->flags_set & ~(uint64_t)(MS_BIND | MS_REC)};

    if (p->userns && !p->new_cgroupns) /* the container's root could lift its limits where the host's user may */
        l.set |= MS_RDONLY;
    if (p->n_cgroups != 1 || p->cgroups[0].version != 2) {
        show_all(&l);
        return HUSK_OK;
    }
    show_v2(&l);
    return HUSK_OK;
}
