/* husk/impl/spec_check_linux.h - the part of spec_check.h about members of linux. Included by it, never alone. */
#ifndef HUSK_SPEC_CHECK_LINUX_H
#define HUSK_SPEC_CHECK_LINUX_H

static bool husk__is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What the kernel takes as the name of a network device. template: it may have "%d", for which the kernel finds a number; any
 * other '%' is refused only after the device was moved. */
static bool husk__is_interface(const char *name, bool template)
{
    const char *percent = name != NULL ? strchr(name, '%') : NULL;

    if (percent != NULL && (!template || percent[1] != 'd' || strchr(percent + 1, '%') != NULL))
        return false;
    if (name == NULL || name[0] == '\0' || strlen(name) > 15 || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return false;
    for (; *name != '\0'; name++)
        if (*name == '/' || *name == ':' || husk__is_blank(*name))
            return false;
    return true;
}

static void husk__check_devices(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk__at *devices = HUSK__IN(&husk__linux_at, "devices");
    const struct husk__at *net_devices = HUSK__IN(&husk__linux_at, "netDevices");

    for (uint32_t i = 0; i < spec->linux_.devices.n; i++)
        husk__want_absolute(r, HUSK__IN(HUSK__NTH(devices, i), "path"), spec->linux_.devices.v[i].path);
    if (spec->linux_.net_devices.n > 0 && !husk__has_namespace(spec, CLONE_NEWNET))
        husk__complain(r, HUSK_DIAG_CONFLICT, net_devices, "netDevices without a network namespace");
    for (uint32_t i = 0; i < spec->linux_.net_devices.n; i++) {
        const struct husk_net_device *d = &spec->linux_.net_devices.v[i];
        const struct husk__at *at = HUSK__IN(net_devices, d->host_name);
        if (!husk__is_interface(d->host_name, false))
            husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "no name of a network device: %s",
                           HUSK__SHOW(d->host_name));
        if (d->name != NULL && !husk__is_interface(d->name, true))
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "name"), "no name of a network device: %s",
                           HUSK__SHOW(d->name));
    }
}

static void husk__check_device_rules(struct husk__report *r, const struct husk__at *at,
                                     const struct husk_resources *res)
{
    for (uint32_t i = 0; i < res->devices.n; i++) {
        const struct husk_device_rule *d = &res->devices.v[i];
        if (d->access == 0)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(HUSK__NTH(at, i), "access"), "must not be empty");
        else if (d->type == 'a' && (d->major != -1 || d->minor != -1 ||
                                    d->access != (HUSK_DEV_READ | HUSK_DEV_WRITE | HUSK_DEV_MKNOD)))
            husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__NTH(at, i),
                           "type \"a\" is for all devices and all access, without numbers");
    }
}

/* 0 is not set; the kernel knows 10 to 1000. */
static void husk__check_weight(struct husk__report *r, const struct husk__at *at, struct husk_opt_u32 weight)
{
    if (weight.set && weight.v != 0 && (weight.v < 10 || weight.v > 1000))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "expected a weight from 10 to 1000, got %u", weight.v);
}

static void husk__check_block_io(struct husk__report *r, const struct husk__at *at,
                                 const struct husk_block_io *io)
{
    const struct husk__at *devices = HUSK__IN(at, "weightDevice");

    husk__check_weight(r, HUSK__IN(at, "weight"), io->weight);
    husk__check_weight(r, HUSK__IN(at, "leafWeight"), io->leaf_weight);
    for (uint32_t i = 0; i < io->weight_device.n; i++) {
        const struct husk_block_weight *d = &io->weight_device.v[i];
        const struct husk__at *place = HUSK__NTH(devices, i);
        if (!d->weight.set && !d->leaf_weight.set)
            husk__complain(r, HUSK_DIAG_MISSING, place, "needs weight or leafWeight");
        husk__check_weight(r, HUSK__IN(place, "weight"), d->weight);
        husk__check_weight(r, HUSK__IN(place, "leafWeight"), d->leaf_weight);
    }
}

/* "2MB": a number without leading zeros, then KB, MB or GB. */
static bool husk__is_page_size(const char *s)
{
    uint32_t number;

    return s != NULL && *s != '0' && husk__scan_number(&s, 1u << 30, &number) && *s != '\0' &&
           strchr("KMG", *s) != NULL && strcmp(s + 1, "B") == 0;
}

static void husk__check_resource_lists(struct husk__report *r, const struct husk__at *at,
                                       const struct husk_resources *res)
{
    const struct husk__at *pages = HUSK__IN(at, "hugepageLimits"), *unified = HUSK__IN(at, "unified");
    const struct husk__at *network = HUSK__IN(at, "network"), *priorities = HUSK__IN(network, "priorities");
    const struct husk__at *rdma = HUSK__IN(at, "rdma");

    for (uint32_t i = 0; i < res->hugepages.n; i++)
        if (!husk__is_page_size(res->hugepages.v[i].page_size))
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(HUSK__NTH(pages, i), "pageSize"),
                           "expected a size such as 64KB, 2MB or 1GB");
    for (uint32_t i = 0; i < res->net_priorities.n; i++)
        if (!husk__is_interface(res->net_priorities.v[i].name, false))
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(HUSK__NTH(priorities, i), "name"),
                           "no name of a network device");
    for (uint32_t i = 0; i < res->rdma.n; i++) {
        const struct husk_rdma *d = &res->rdma.v[i];
        if (!d->handles.set && !d->objects.set)
            husk__complain(r, HUSK_DIAG_MISSING, HUSK__IN(rdma, d->device), "needs hcaHandles or hcaObjects");
        if (d->device[0] == '\0' || strcspn(d->device, " \t\r\n") != strlen(d->device))
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(rdma, d->device), "no name of an rdma device");
    }
    for (uint32_t i = 0; i < res->unified.n; i++) {
        const char *key = res->unified.v[i].name;
        if (key[0] == '\0' || key[0] == '.' || strchr(key, '/') != NULL)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(unified, key), "no file name of a cgroup: %s",
                           HUSK__SHOW(key));
    }
}

static void husk__check_resources(struct husk__report *r, const struct husk__at *at,
                                  const struct husk_resources *res)
{
    const struct husk__at *memory = HUSK__IN(at, "memory"), *cpu = HUSK__IN(at, "cpu");
    struct husk_opt_i64 limit = res->memory.limit_bytes, swap = res->memory.swap_bytes,
                        quota = res->cpu.quota_usec;

    husk__check_device_rules(r, HUSK__IN(at, "devices"), res);
    husk__check_block_io(r, HUSK__IN(at, "blockIO"), &res->block_io);
    husk__check_resource_lists(r, at, res);
    if (limit.set && swap.set && swap.v > 0 && swap.v < limit.v)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(memory, "swap"),
                       "memory and swap together, so not less than limit: %lld < %lld", (long long)swap.v,
                       (long long)limit.v);
    if (res->memory.swappiness.set && res->memory.swappiness.v > 100)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(memory, "swappiness"), "expected 0 to 100");
    if (res->cpu.burst_usec.set && quota.set && quota.v > 0 && res->cpu.burst_usec.v > (uint64_t)quota.v)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(cpu, "burst"), "greater than quota: %llu > %lld",
                       (unsigned long long)res->cpu.burst_usec.v, (long long)quota.v);
}

/* The namespace that a sysctl belongs to, 0: none. `path` has slashes. */
static uint64_t husk__sysctl_namespace(const char *path)
{
    static const struct { const char *prefix; uint64_t type; } table[] = { /* ending in '/': all below */
        { "kernel/msgmax", CLONE_NEWIPC },     { "kernel/msgmnb", CLONE_NEWIPC },
        { "kernel/msgmni", CLONE_NEWIPC },     { "kernel/sem", CLONE_NEWIPC },
        { "kernel/shmall", CLONE_NEWIPC },     { "kernel/shmmax", CLONE_NEWIPC },
        { "kernel/shmmni", CLONE_NEWIPC },     { "kernel/shm_rmid_forced", CLONE_NEWIPC },
        { "kernel/domainname", CLONE_NEWUTS }, { "fs/mqueue/", CLONE_NEWIPC },
        { "net/", CLONE_NEWNET },              { "user/", CLONE_NEWUSER },
    };

    for (size_t i = 0; i < HUSK_COUNT(table); i++) {
        size_t len = strlen(table[i].prefix);
        if (strncmp(path, table[i].prefix, len) == 0 && (path[len] == '\0' || path[len - 1] == '/'))
            return table[i].type;
    }
    return 0;
}

/* The key as a path below /proc/sys, as sysctl.d(5) reads it: the separator that comes first is the
 * separator, the other one is a letter of a name ("net.ipv4.conf.eth0/1"). False for what is not plainly
 * below. */
static bool husk__sysctl_path(const char *key, char *out, size_t size)
{
    bool dots = key[strcspn(key, "./")] == '.';
    size_t len = 0;

    for (; *key != '\0'; key++) {
        if (len + 1 >= size || husk__is_blank(*key))
            return false;
        out[len++] = *key == '.' && dots ? '/' : *key == '/' && dots ? '.' : *key;
    }
    out[len] = '\0';
    if (len == 0 || out[0] == '/' || out[len - 1] == '/' || strstr(out, "//") != NULL)
        return false;
    for (const char *s = out; s != NULL; s = strchr(s, '/')) {
        s += *s == '/';
        if (*s == '.' && (s[1] == '/' || s[1] == '\0' || (s[1] == '.' && (s[2] == '/' || s[2] == '\0'))))
            return false;
    }
    return true;
}

static void husk__check_sysctl(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk__at *sysctls = HUSK__IN(&husk__linux_at, "sysctl");
    char path[256];

    for (uint32_t i = 0; i < spec->linux_.sysctl.n; i++) {
        const struct husk_pair *p = &spec->linux_.sysctl.v[i];
        const struct husk__at *at = HUSK__IN(sysctls, p->name);
        uint64_t type;
        if (!husk__sysctl_path(p->name, path, sizeof path)) {
            husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "no name of a sysctl: %s", HUSK__SHOW(p->name));
            continue;
        }
        type = husk__sysctl_namespace(path);
        if (strcmp(path, "kernel/hostname") == 0)
            husk__complain(r, HUSK_DIAG_CONFLICT, at, "use the member hostname instead");
        else if (type == 0)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "belongs to no namespace, it would change the host");
        else if (!husk__has_namespace(spec, type))
            husk__complain(r, HUSK_DIAG_CONFLICT, at,
                           "needs %s namespace of its own, it would change the host",
                           type == CLONE_NEWIPC   ? "an ipc"
                           : type == CLONE_NEWNET ? "a network"
                           : type == CLONE_NEWUTS ? "a uts"
                                                  : "a user");
        else if (type == CLONE_NEWUTS && spec->domainname != NULL && strcmp(spec->domainname, p->value) != 0)
            husk__complain(r, HUSK_DIAG_CONFLICT, at, "differs from the member domainname");
    }
}

static void husk__check_seccomp_return(struct husk__report *r, const struct husk__at *at, uint32_t action,
                                       struct husk_opt_u32 ret)
{
    if (!ret.set)
        return;
    if (action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_TRACE)
        husk__complain(r, HUSK_DIAG_CONFLICT, at, "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a number");
    else if (ret.v > (action == SECCOMP_RET_ERRNO ? 4095u : 65535u))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "%u is greater than the kernel can return", ret.v);
}

/* A listener that is asked about write(2) could not be reached: the runtime itself has to write to tell of
 * it. */
static bool husk__check_seccomp_rule(struct husk__report *r, const struct husk__at *at,
                                     const struct husk_seccomp_rule *rule)
{
    bool notify = rule->action == SECCOMP_RET_USER_NOTIF;
    const struct husk__at *names = HUSK__IN(at, "names"), *args = HUSK__IN(at, "args");

    if (rule->names.n == 0)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, names, "must not be empty");
    for (uint32_t i = 0; notify && i < rule->names.n; i++)
        if (strcmp(rule->names.v[i], "write") == 0)
            husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__NTH(names, i),
                           "SCMP_ACT_NOTIFY on write would block for ever");
    for (uint32_t i = 0; i < rule->args.n; i++)
        if (rule->args.v[i].index > 5)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(HUSK__NTH(args, i), "index"),
                           "expected 0 to 5, got %u", rule->args.v[i].index);
    husk__check_seccomp_return(r, HUSK__IN(at, "errnoRet"), rule->action, rule->errno_ret);
    return notify;
}

static void husk__check_seccomp(struct husk__report *r, const struct husk_seccomp *s)
{
    const struct husk__at *at = HUSK__IN(&husk__linux_at, "seccomp"), *syscalls = HUSK__IN(at, "syscalls");
    bool notify = s->default_action == SECCOMP_RET_USER_NOTIF;

    if (notify)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "defaultAction"),
                       "SCMP_ACT_NOTIFY for every call would block for ever");
    husk__check_seccomp_return(r, HUSK__IN(at, "defaultErrnoRet"), s->default_action, s->default_errno_ret);
    for (uint32_t i = 0; i < s->rules.n; i++)
        notify |= husk__check_seccomp_rule(r, HUSK__NTH(syscalls, i), &s->rules.v[i]);
    if (notify && s->listener_path == NULL)
        husk__complain(r, HUSK_DIAG_MISSING, HUSK__IN(at, "listenerPath"),
                       "SCMP_ACT_NOTIFY needs a listener");
    else if (notify)
        husk__want_absolute(r, HUSK__IN(at, "listenerPath"), s->listener_path);
    if (s->listener_metadata != NULL && s->listener_path == NULL)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "listenerMetadata"),
                       "metadata without listenerPath");
}

static void husk__check_intel_rdt(struct husk__report *r, const struct husk_intel_rdt *rdt)
{
    const struct husk__at *at = HUSK__IN(&husk__linux_at, "intelRdt"), *schemata = HUSK__IN(at, "schemata");
    const char *id = rdt->clos_id, *bandwidth = rdt->mem_bw_schema;

    if (id != NULL && strcmp(id, "/") != 0 &&
        (strcmp(id, ".") == 0 || strcmp(id, "..") == 0 || strchr(id, '/') != NULL))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "closID"),
                       "expected a file name or \"/\", got %s", HUSK__SHOW(id));
    if (bandwidth != NULL && (strncmp(bandwidth, "MB:", 3) != 0 || strchr(bandwidth, '\n') != NULL))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "memBwSchema"),
                       "expected one line beginning with MB:");
    for (uint32_t i = 0; i < rdt->schemata.n; i++)
        if (strchr(rdt->schemata.v[i], '\n') != NULL)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__NTH(schemata, i), "expected one line");
}

/* As set_mempolicy(2) has it, so that the place of the mistake is known. */
static void husk__check_memory_policy(struct husk__report *r, const struct husk_linux *linux_)
{
    enum { DEFAULT = 0, PREFERRED = 1, BIND = 2, LOCAL = 4, MANY = 5, BALANCING = 1 << 13 }; /* of names.h */
    const uint32_t which = 1 << 14 | 1 << 15, flags = linux_->memory_policy.flags; /* how nodes are meant */
    const struct husk__at *at = HUSK__IN(&husk__linux_at, "memoryPolicy");
    uint32_t mode = linux_->memory_policy.mode;
    const char *name = husk_name_of(HUSK_TABLE_MEMPOLICY_MODE, mode), *nodes = linux_->memory_policy.nodes;
    struct husk_bits bits;

    if (nodes != NULL && !husk_list_bits(nodes, &bits))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "nodes"), "expected a list such as 0-1,3, got %s",
                       HUSK__SHOW(nodes));
    if (name == NULL) {
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "mode"), "unknown memory policy %u", mode);
        return;
    }
    if (nodes != NULL ? mode == DEFAULT || mode == LOCAL : mode != DEFAULT && mode != LOCAL && mode != PREFERRED)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "nodes"), "%s %s", name,
                       nodes ? "takes no nodes" : "needs nodes");
    if ((flags & which) == which)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "flags"),
                       "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    else if ((flags & which) && nodes == NULL)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "flags"), "%s without nodes",
                       husk_name_of(HUSK_TABLE_MEMPOLICY_FLAG, flags & which));
    if ((flags & BALANCING) && mode != BIND && mode != MANY)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "flags"),
                       "MPOL_F_NUMA_BALANCING is for MPOL_BIND and MPOL_PREFERRED_MANY, not %s", name);
}

static void husk__check_cgroups_path(struct husk__report *r, const char *path)
{
    size_t n;

    for (const char *s = path ? path : ""; *s != '\0'; s += n + (s[n] == '/')) {
        n = strcspn(s, "/");
        if (n == 2 && s[0] == '.' && s[1] == '.') {
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(&husk__linux_at, "cgroupsPath"),
                           "must not have \"..\" in it: %s", HUSK__SHOW(path));
            return;
        }
    }
}

static void husk__check_linux(struct husk__report *r, const struct husk_spec *spec)
{
    husk__check_devices(r, spec);
    husk__check_cgroups_path(r, spec->linux_.cgroups_path);
    husk__check_resources(r, HUSK__IN(&husk__linux_at, "resources"), &spec->linux_.resources);
    if (spec->linux_.intel_rdt.set)
        husk__check_intel_rdt(r, &spec->linux_.intel_rdt);
    if (spec->linux_.memory_policy.set)
        husk__check_memory_policy(r, &spec->linux_);
    husk__check_sysctl(r, spec);
    if (spec->linux_.seccomp.set)
        husk__check_seccomp(r, &spec->linux_.seccomp);
}
#endif
