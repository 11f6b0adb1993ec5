/* faults_host.h - plans that need something of the host beside kernel and cgroups: network devices, groups of resctrl,
 * helpers that write id maps, a cgroup that is given away. Private network and mounts; only the last is the host's. */
#ifndef FAULTS_HOST_H
#define FAULTS_HOST_H

#include "faults.h"
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#define FAULTS_RESCTRL "/sys/fs/resctrl"

/* ---- network devices ---- */

/* A device of that name, as it was the last time: what was moved died with its container's namespace. */
static void faults_tap(void)
{
    struct ifreq q = {.ifr_name = "husk0", .ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0 || ioctl(fd, TUNSETIFF, &q) || ioctl(fd, TUNSETPERSIST, 1))
        perror("/dev/net/tun");
    close(fd);
}

KIT_UNUSED static bool faults_has_tap(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    close(fd);
    return fd >= 0;
}

KIT_UNUSED static bool faults_net_device(struct subject *s, enum husk_action action)
{
    static const struct husk_net_device devices[] = {{"husk0", "eth%d"}};

    if (!faults_default(s, "network device", action, false))
        return false;
    s->spec.linux_.net_devices.v = devices;
    s->spec.linux_.net_devices.n = 1;
    s->prepare = faults_tap;
    return unshare(CLONE_NEWNET) == 0 || tap_ok(false, "a network namespace: %s", strerror(errno));
}

/* ---- resctrl ---- */

/* A group that is there already. */
static void faults_group(const char *dir)
{
    mkdir(dir, 0755);
    kit_write(kit_str("%s/schemata", dir), "    MB:0=  20;1= 100\n    L3:0=007ff;1=000f0\n", 0600);
    kit_write(kit_str("%s/tasks", dir), "", 0600);
}

/* A tmpfs that looks like resctrl with one group, "shared". What is below /sys/fs stays where it is. */
KIT_UNUSED static bool faults_resctrl(void)
{
    const char *old = kit_str("%s/fs", kit_work);

    if (access(FAULTS_RESCTRL, F_OK) == 0)
        return false; /* a real one */
    mkdir(old, 0755);
    if (mount("/sys/fs", old, NULL, MS_BIND | MS_REC, NULL) || mount("tmpfs", "/sys/fs", "tmpfs", 0, "mode=755") ||
        mkdir("/sys/fs/cgroup", 0755) ||
        mount(kit_str("%s/cgroup", old), "/sys/fs/cgroup", NULL, MS_BIND | MS_REC, NULL) || umount2(old, MNT_DETACH))
        return tap_ok(false, "a tree like resctrl: %s", strerror(errno));
    faults_group(FAULTS_RESCTRL);
    faults_group(FAULTS_RESCTRL "/shared");
    return true;
}

KIT_UNUSED static bool faults_rdt(struct subject *s, const char *clos_id, const char *l3, const char *bandwidth)
{
    if (!faults_default(s, "resctrl", HUSK_RUN, false))
        return false;
    s->host.features[HUSK_FEATURE_RESCTRL] = true;
    s->spec.linux_.intel_rdt =
        (struct husk_intel_rdt){.set = true, .clos_id = clos_id, .l3_schema = l3, .mem_bw_schema = bandwidth};
    return true;
}

/* ---- helpers ---- */

/* The plan is an ordinary user's, who runs it as root here; the helpers are scripts that do what newuidmap does. */
KIT_UNUSED static bool faults_helper(struct subject *s, enum husk_action action)
{
    static const struct husk_subid ids = {100000, 65536};
    static const struct husk_idmap map = {0, 100000, 65536};
    static const char script[] =
        "#!/bin/sh\np=$1; shift\nwhile [ $# -gt 0 ]; do echo \"$1 $2 $3\"; shift 3; done >/proc/$p/%s\n";
    static struct husk_namespace namespaces[16];
    const struct husk_linux *l = &s->spec.linux_;
    const char *uids = husk_strf(&faults_arena, "%s/newuidmap", kit_work),
               *gids = husk_strf(&faults_arena, "%s/newgidmap", kit_work);

    kit_write(uids, kit_str(script, "uid_map"), 0755);
    kit_write(gids, kit_str(script, "gid_map"), 0755);
    if (!faults_default(s, "helpers", action, false))
        return false;
    s->host.euid = s->host.egid = 1000;
    s->host.newuidmap = uids;
    s->host.newgidmap = gids;
    s->host.subuids = s->host.subgids = (struct husk_subids){&ids, 1};
    memcpy(namespaces, l->namespaces.v, l->namespaces.n * sizeof *namespaces);
    namespaces[l->namespaces.n] = (struct husk_namespace){.type = CLONE_NEWUSER};
    s->spec.linux_.namespaces.v = namespaces;
    s->spec.linux_.namespaces.n++;
    s->spec.linux_.uid_mappings = s->spec.linux_.gid_mappings = (struct husk_idmaps){&map, 1};
    return true;
}

/* ---- a cgroup that is given away ---- */

/* On cgroup2 alone: user 1 owns the cgroup, whose namespace and writable mount he has. */
KIT_UNUSED static bool faults_owner(struct subject *s, enum husk_action action)
{
    static struct husk_namespace namespaces[16];
    static struct husk_mount mounts[16];
    struct husk_linux *l = &s->spec.linux_;

    if (!faults_default(s, "owner of the cgroup", action, false))
        return false;
    memcpy(namespaces, l->namespaces.v, l->namespaces.n * sizeof *namespaces);
    namespaces[l->namespaces.n] = (struct husk_namespace){.type = CLONE_NEWCGROUP};
    l->namespaces.v = namespaces;
    l->namespaces.n++;
    memcpy(mounts, s->spec.mounts.v, s->spec.mounts.n * sizeof *mounts);
    for (uint32_t i = 0; i < s->spec.mounts.n; i++)
        if (strcmp(mounts[i].destination, "/sys/fs/cgroup") == 0)
            mounts[i].flags_set &= ~(uint64_t)MS_RDONLY;
    s->spec.mounts.v = mounts;
    s->process.user.uid = 1;
    return true;
}
#endif
