/* linux.resources as files of cgroups: see husk/backend/resources.h. */
#include "husk.h"
#include "husk/backend/resources.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AT "/linux/resources"

/* NEEDS collects controllers, CHECK looks for what no hierarchy holds, LIFT and WRITE append operations. */
enum mode { NEEDS, CHECK, LIFT, WRITE };

struct husk_resource_visit {
    struct husk_planner *p;
    const struct husk_resources *r;
    const struct husk_resource_row *row;
    const char *controller;         /* the row's, or the one that a key of `unified` names */
    const struct husk_hierarchy *h; /* the one with the row's controller that the container is in, or NULL */
    enum husk_slot slot;
    enum mode mode;
    uint64_t needs;
    int rc;
};

/* 0 on v1, 1 on v2; without a hierarchy values read as on v2, which is what such a host lacks. */
static unsigned version(const struct husk_resource_visit *v)
{
    return v->h == NULL || v->h->version == 2;
}

static const void *value(const struct husk_resource_visit *v)
{
    return (const char *)v->r + v->row->offset;
}

#define TEXT(v, ...) ((v)->mode == WRITE ? husk_plan_str((v)->p, __VA_ARGS__) : "")

static int controller_index(const struct husk_hierarchy *h, const char *name, size_t len)
{
    for (uint32_t i = 0; i < h->n_controllers && i < 64; i++)
        if (strlen(h->controllers[i]) == len && memcmp(h->controllers[i], name, len) == 0)
            return (int)i;
    return -1;
}

/* "cgroup v1 offers: cpu, memory; cgroup v2 at /sys/fs/cgroup offers: hugetlb" */
static const char *offers(struct husk_planner *p)
{
    struct husk_text t = {.arena = p->arena};
    const struct husk_hierarchy *h = p->host->hierarchies, *end = h + p->host->n_hierarchies;

    for (; h < end; h++)
        for (uint32_t k = 0; h->version == 1 && k < h->n_controllers; k++)
            if (strncmp(h->controllers[k], "name=", 5) != 0)
                husk_textf(&t, "%s%s", t.len ? ", " : "cgroup v1 offers: ", h->controllers[k]);
    for (h = p->host->hierarchies; h < end; h++) {
        if (h->version != 2)
            continue;
        husk_textf(&t, "%scgroup v2 at %s offers: ", t.len ? "; " : "", h->mountpoint);
        for (uint32_t k = 0; k < h->n_controllers; k++)
            husk_textf(&t, "%s%s", k ? ", " : "", h->controllers[k]);
        husk_text_str(&t, h->n_controllers ? "" : "none");
    }
    return t.data ? t.data : "no cgroup hierarchy is mounted";
}

/* "memory limit" from /linux/resources/memory/limit. */
static const char *spoken(const char *at, char *text, size_t size)
{
    snprintf(text, size, "%s", at + sizeof AT);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '/')
            *c = ' ';
    return text;
}

static bool served(const struct husk_planner *p, const struct husk_hierarchy *h, struct husk_text *reasons)
{
    const struct husk_need need = {.host = p->host, .hierarchy = h, .spec = p->spec};

    return husk_backend_best(p->backends, HUSK_BACKEND_CGROUP, &need, reasons) != UINT32_MAX;
}

static void refuse(struct husk_resource_visit *v, const char *at)
{
    char what[256];
    struct husk_text reasons = {.arena = v->p->arena};
    const struct husk_host *host = v->p->host;
    int there = husk_host_controller(host, v->controller);

    if (there < 0 && v->row->controller[0] != NULL && v->controller == v->row->controller[1])
        there = husk_host_controller(host, v->row->controller[0]);
    spoken(v->row->at, what, sizeof what);
    if (v->h != NULL && v->row->file[version(v)] == NULL)
        v->rc = husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, at,
                          "cannot set %s: cgroup v%u has nothing like it", what, version(v) + 1);
    else if (there >= 0 && v->h == NULL && !served(v->p, &host->hierarchies[there], &reasons))
        v->rc = husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_BACKEND, 0, at,
                          "cannot set %s: no backend serves %s, which has the %s controller: %s", what,
                          host->hierarchies[there].mountpoint, v->controller, reasons.data ? reasons.data : "");
    else if (there >= 0 && v->h == NULL)
        v->rc =
            husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, 0, at,
                      "cannot set %s: this user may not make a cgroup below %s, which has the %s controller",
                      what, host->hierarchies[there].mountpoint, v->controller);
    else
        v->rc = husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, at,
                          "cannot set %s: this host has no %s controller (%s)", what, v->controller,
                          offers(v->p));
}

static void bad(struct husk_resource_visit *v, enum husk_diag diag, const char *at, const char *msg)
{
    if (v->rc == 0)
        v->rc = husk_fail(v->p->err, HUSK_ESPEC, diag, 0, at, "%s", msg);
}

/* One value for one file. `holds`: it says what is so anyway in a cgroup without that file, or without that
 * controller. Returns the operation when one was added, else NULL. */
static struct husk_op *put(struct husk_resource_visit *v, const char *at, const char *file, const char *data,
                           bool holds)
{
    const char *lift = v->row->lift[version(v)];
    struct husk_op *op;
    int bit;

    if (v->rc != 0)
        return NULL;
    if (v->mode == CHECK && !holds && (v->h == NULL || file == NULL))
        refuse(v, at);
    bit = v->mode == NEEDS && !holds && v->h != NULL
              ? controller_index(v->h, v->controller, strlen(v->controller))
              : -1;
    if (bit >= 0)
        v->needs |= UINT64_C(1) << bit;
    if ((v->mode != WRITE && (v->mode != LIFT || lift == NULL)) || file == NULL)
        return NULL;
    if (v->h->noprefix && strncmp(file, "cpuset.", 7) == 0)
        file += 7;
    op = husk_add_write(v->p, HUSK_PARENT, v->slot, file, v->mode == LIFT ? lift : data, at);
    if (v->mode == LIFT || holds)
        op->on_fail = HUSK_IGNORE;
    if (v->mode == WRITE && holds)
        op->errnos[0] = ENOENT;
    return op;
}

static void put_row(struct husk_resource_visit *v, const char *data, bool holds)
{
    put(v, v->row->at, v->row->file[version(v)], data, holds);
}

/* Bytes: 0 is "not set", below 0 "no limit". */
static void put_limit(struct husk_resource_visit *v)
{
    const struct husk_opt_i64 *o = value(v);

    if (o->set && o->v < 0)
        put_row(v, version(v) ? "max" : "-1", true);
    else if (o->set && o->v > 0)
        put_row(v, TEXT(v, "%lld", (long long)o->v), false);
}

static void put_i64(struct husk_resource_visit *v)
{
    const struct husk_opt_i64 *o = value(v);

    if (o->set && o->v != 0)
        put_row(v, TEXT(v, "%lld", (long long)o->v), false);
}

static void put_u64(struct husk_resource_visit *v)
{
    const struct husk_opt_u64 *o = value(v);

    if (o->set && o->v != 0)
        put_row(v, TEXT(v, "%llu", (unsigned long long)o->v), false);
}

static void put_u32(struct husk_resource_visit *v)
{
    const struct husk_opt_u32 *o = value(v);

    if (o->set && o->v != 0)
        put_row(v, TEXT(v, "%u", (unsigned)o->v), false);
}

static void put_string(struct husk_resource_visit *v)
{
    const char *s;

    memcpy(&s, value(v), sizeof s);
    if (s != NULL && s[0] != '\0')
        put_row(v, s, false);
}

static void put_use_hierarchy(struct husk_resource_visit *v)
{
    const struct husk_opt_bool *o = value(v);

    if (o->set) /* v2, and v1 since Linux 5.11, always account the tree */
        put_row(v, o->v ? "1" : "0", o->v);
}

static void put_oom(struct husk_resource_visit *v)
{
    const struct husk_opt_bool *o = value(v);

    if (o->set && o->v)
        put_row(v, "1", false);
}

static void put_swappiness(struct husk_resource_visit *v)
{
    const struct husk_opt_u64 *o = value(v);

    if (!o->set || o->v == UINT64_MAX) /* engines send -1 as unsigned for "as it is" */
        return;
    if (o->v > 100)
        bad(v, HUSK_DIAG_BAD_VALUE, v->row->at, "memory swappiness is 0 to 100");
    put_row(v, TEXT(v, "%llu", (unsigned long long)o->v), false);
}

/* The configuration's value is memory + swap, as on v1; memory.swap.max counts swap alone. A kernel without
 * accounting of swap has no file, and none or all of it is what it gives. No limit for memory means none for
 * swap when nothing is said of it. */
static void put_swap(struct husk_resource_visit *v)
{
    int64_t limit = v->r->memory.limit_bytes.set ? v->r->memory.limit_bytes.v : 0;
    int64_t swap = v->r->memory.swap_bytes.set ? v->r->memory.swap_bytes.v : 0;

    if (swap < 0 || (swap == 0 && limit < 0)) {
        put_row(v, version(v) ? "max" : "-1", true);
        return;
    }
    if (swap == 0)
        return;
    if (limit <= 0)
        bad(v, HUSK_DIAG_CONFLICT, v->row->at,
            "a limit for memory and swap together needs a limit for memory");
    else if (swap < limit)
        bad(v, HUSK_DIAG_CONFLICT, v->row->at,
            "the limit for memory and swap together is below the limit for memory");
    else if (version(v))
        put_row(v, TEXT(v, "%lld", (long long)(swap - limit)), swap == limit);
    else
        put_row(v, TEXT(v, "%lld", (long long)swap), false);
}

static void put_shares(struct husk_resource_visit *v)
{
    const struct husk_opt_u64 *o = value(v);

    if (!o->set || o->v == 0)
        return;
    if (v->r->cpu.idle.set && v->r->cpu.idle.v == 1)
        bad(v, HUSK_DIAG_CONFLICT, v->row->at, "a cgroup that gets only idle time has no shares");
    if (version(v) == 0 && (o->v < 2 || o->v > 262144)) /* the kernel would take the nearest and not tell */
        bad(v, HUSK_DIAG_BAD_VALUE, v->row->at, "cpu shares are 2 to 262144");
    put_row(v,
            version(v) ? TEXT(v, "%u", (unsigned)husk_cpu_weight(o->v))
                       : TEXT(v, "%llu", (unsigned long long)o->v),
            false);
}

static void put_idle(struct husk_resource_visit *v)
{
    const struct husk_opt_i64 *o = value(v);

    if (o->set)
        put_row(v, TEXT(v, "%lld", (long long)o->v), o->v == 0);
}

/* v2 has one file for both: a quota brings its period along. */
static void put_period(struct husk_resource_visit *v)
{
    const struct husk_cpu *c = &v->r->cpu;

    if (!c->period_usec.set || c->period_usec.v == 0)
        return;
    if (version(v) == 0)
        put_u64(v);
    else if (!c->quota_usec.set || c->quota_usec.v == 0)
        put_row(v, TEXT(v, "max %llu", (unsigned long long)c->period_usec.v), true);
}

static void put_quota(struct husk_resource_visit *v)
{
    const struct husk_cpu *c = &v->r->cpu;
    uint64_t period = c->period_usec.set && c->period_usec.v ? c->period_usec.v : 100000;

    if (!c->quota_usec.set || c->quota_usec.v == 0)
        return;
    if (version(v) == 0)
        put_limit(v);
    else if (c->quota_usec.v < 0)
        put_row(v, TEXT(v, "max %llu", (unsigned long long)period), true);
    else
        put_row(v, TEXT(v, "%lld %llu", (long long)c->quota_usec.v, (unsigned long long)period), false);
}

static void put_burst(struct husk_resource_visit *v)
{
    const struct husk_opt_u64 *o = value(v);

    if (o->set)
        put_row(v, TEXT(v, "%llu", (unsigned long long)o->v), o->v == 0);
}

/* 0 is a limit since 1.3 of the specification; older configurations say "none" with it. Kernels and systemd
 * refuse a cgroup for no process at all, so it becomes 1, as in runc 1.4. */
static void put_pids(struct husk_resource_visit *v)
{
    const struct husk_opt_i64 *o = value(v);
    const char *spec = v->p->spec->oci_version;
    unsigned major, minor;

    if (!o->set)
        return;
    if (o->v == 0 && spec != NULL && sscanf(spec, "%u.%u", &major, &minor) == 2 && major == 1 && minor < 3)
        return;
    put_row(v, o->v < 0 ? "max" : TEXT(v, "%lld", (long long)(o->v ? o->v : 1)), o->v < 0);
}

/* One weight, for the disk scheduler that this kernel has: BFQ takes it as it is. `device` is "MAJ:MIN ", or
 * "". */
static void put_io_weight(struct husk_resource_visit *v, const char *at, const char *device, uint32_t weight)
{
    unsigned ver = version(v);
    bool other = v->row->other[ver] != NULL && !v->p->host->features[HUSK_FEATURE_BFQ];
    uint32_t number = other && ver ? husk_io_weight(weight) : weight;

    if (weight < 10 || weight > 1000)
        bad(v, HUSK_DIAG_BAD_VALUE, at, "a block IO weight is 10 to 1000");
    put(v, at, other ? v->row->other[ver] : v->row->file[ver], TEXT(v, "%s%u", device, (unsigned)number),
        false);
}

static void put_weight(struct husk_resource_visit *v)
{
    const struct husk_opt_u32 *o = value(v);

    if (o->set && o->v != 0)
        put_io_weight(v, v->row->at, "", o->v);
}

/* Both rows of weightDevice; `key` is the member. */
static void put_weight_devices(struct husk_resource_visit *v)
{
    bool leaf = strcmp(v->row->key, "leafWeight") == 0;

    for (uint32_t i = 0; i < v->r->block_io.weight_device.n; i++) {
        const struct husk_block_weight *w = &v->r->block_io.weight_device.v[i];
        const struct husk_opt_u32 *o = leaf ? &w->leaf_weight : &w->weight;
        if (o->set && o->v != 0)
            put_io_weight(v, husk_plan_str(v->p, "%s/%u/%s", v->row->at, i, v->row->key),
                          TEXT(v, "%lld:%lld ", (long long)w->major, (long long)w->minor), o->v);
    }
}

static void put_rates(struct husk_resource_visit *v)
{
    const struct husk_block_rates *l = value(v);

    for (uint32_t i = 0; i < l->n; i++) {
        const struct husk_block_rate *r = &l->v[i];
        const char *key = version(v) ? v->row->key : "", *equals = version(v) ? "=" : "";
        const char *rate = r->rate == 0 && version(v) ? "max" : TEXT(v, "%llu", (unsigned long long)r->rate);
        put(v, husk_plan_str(v->p, "%s/%u", v->row->at, i), v->row->file[version(v)],
            TEXT(v, "%lld:%lld %s%s%s", (long long)r->major, (long long)r->minor, key, equals, rate),
            r->rate == 0);
    }
}

static void put_hugepages(struct husk_resource_visit *v)
{
    const char *suffix = v->row->file[version(v)];
    bool known;
    struct husk_op *op;

    for (uint32_t i = 0; i < v->r->hugepages.n && v->rc == 0; i++) {
        const struct husk_hugepage *g = &v->r->hugepages.v[i];
        const char *at = husk_plan_str(v->p, "%s/%u", v->row->at, i);
        known = v->mode != CHECK || v->h == NULL;
        for (uint32_t k = 0; k < v->p->host->n_hugepage_sizes && !known; k++)
            known = strcmp(v->p->host->hugepage_sizes[k], g->page_size) == 0;
        if (!known) {
            v->rc = husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, at,
                              "this kernel has no huge pages of %s", g->page_size);
            return;
        }
        /* Reservations are limited where the kernel counts them; what is in use is limited always. */
        op = put(v, at, TEXT(v, "hugetlb.%s.rsvd.%s", g->page_size, suffix),
                 TEXT(v, "%llu", (unsigned long long)g->limit_bytes), false);
        if (op != NULL) {
            op->on_fail = HUSK_IGNORE;
            op->errnos[0] = ENOENT;
        }
        put(v, at, TEXT(v, "hugetlb.%s.%s", g->page_size, suffix),
            TEXT(v, "%llu", (unsigned long long)g->limit_bytes), false);
    }
}

static void put_net_priorities(struct husk_resource_visit *v)
{
    for (uint32_t i = 0; i < v->r->net_priorities.n; i++) {
        const struct husk_net_priority *n = &v->r->net_priorities.v[i];
        put(v, husk_plan_str(v->p, "%s/%u", v->row->at, i), v->row->file[version(v)],
            TEXT(v, "%s %u", n->name, (unsigned)n->priority), false);
    }
}

static void put_rdma(struct husk_resource_visit *v)
{
    for (uint32_t i = 0; i < v->r->rdma.n; i++) {
        const struct husk_rdma *d = &v->r->rdma.v[i];
        const char *handles = d->handles.set ? TEXT(v, " hca_handle=%u", (unsigned)d->handles.v) : "";
        const char *objects = d->objects.set ? TEXT(v, " hca_object=%u", (unsigned)d->objects.v) : "";
        if (d->handles.set || d->objects.set)
            put(v, husk_plan_member(v->p, v->row->at, d->device), v->row->file[version(v)],
                TEXT(v, "%s%s%s", d->device, handles, objects), false);
    }
}

/* The value of each key goes line by line into the file of that name; what stands before its first dot is its
 * controller, but for the core's own "cgroup.". */
static void put_unified(struct husk_resource_visit *v)
{
    for (uint32_t i = 0; i < v->r->unified.n && v->rc == 0; i++) {
        const struct husk_pair *u = &v->r->unified.v[i];
        const char *at = husk_plan_member(v->p, v->row->at, u->name), *line = u->value, *end;
        size_t prefix = strcspn(u->name, ".");
        if (strchr(u->name, '/') != NULL || u->name[prefix] == '\0') {
            bad(v, HUSK_DIAG_BAD_VALUE, at, "a key of unified is the name of a file of the cgroup");
            return;
        }
        v->controller = husk_plan_str(v->p, "%.*s", (int)prefix, u->name);
        if (v->mode == CHECK && v->h == NULL)
            v->rc = husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, at,
                              "cannot set %s: the container has no cgroup of v2 (%s)", u->name, offers(v->p));
        else if (v->mode == CHECK && strcmp(v->controller, "cgroup") != 0 &&
                 controller_index(v->h, v->controller, prefix) < 0)
            v->rc = husk_fail(v->p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, at,
                              "cannot set %s: this host has no %s controller (%s)", u->name, v->controller,
                              offers(v->p));
        do {
            end = strchr(line, '\n');
            put(v, at, u->name, end ? TEXT(v, "%.*s", (int)(end - line), line) : line, false);
            line = end ? end + 1 : line;
        } while (end != NULL && *line != '\0');
    }
}

/* clang-format off */
#define NONE NULL
#define ROW(pointer, controller1, controller2, file1, file2, member, fn, ...)                                \
    { .at = AT pointer, .controller = { controller1, controller2 }, .file = { file1, file2 },                \
      .offset = offsetof(struct husk_resources, member), .put = put_##fn, __VA_ARGS__ }

/* Rows of one controller stand in the order in which their files must be written:
 * - v1: a limit of memory must not exceed memory + swap: an old one of those is lifted, then both written;
 * - v1: the quota is lifted before the period, or an old quota with the new period might exceed the parent's;
 * - a burst must not exceed the quota: lifted before, written after;
 * - an idle group refuses a weight, so leaving idle comes first. */
const struct husk_resource_row husk_resource_rows[] = {
    ROW("/memory/useHierarchy", "memory", "memory", "memory.use_hierarchy", NONE,
        memory.use_hierarchy, use_hierarchy,),
    ROW("/memory/limit", "memory", "memory", "memory.limit_in_bytes", "memory.max",
        memory.limit_bytes, limit,),
    ROW("/memory/swap", "memory", "memory", "memory.memsw.limit_in_bytes", "memory.swap.max",
        memory.swap_bytes, swap, .lift = { "-1" }),
    ROW("/memory/reservation", "memory", "memory", "memory.soft_limit_in_bytes", "memory.low",
        memory.reservation_bytes, limit,),
    ROW("/memory/kernel", "memory", "memory", "memory.kmem.limit_in_bytes", NONE,
        memory.kernel_bytes, limit,),
    ROW("/memory/kernelTCP", "memory", "memory", "memory.kmem.tcp.limit_in_bytes", NONE,
        memory.kernel_tcp_bytes, limit,),
    ROW("/memory/swappiness", "memory", "memory", "memory.swappiness", NONE, memory.swappiness, swappiness,),
    ROW("/memory/disableOOMKiller", "memory", "memory", "memory.oom_control", NONE,
        memory.disable_oom_killer, oom,),

    ROW("/cpu/idle", "cpu", "cpu", "cpu.idle", "cpu.idle", cpu.idle, idle,),
    ROW("/cpu/shares", "cpu", "cpu", "cpu.shares", "cpu.weight", cpu.shares, shares,),
    ROW("/cpu/period", "cpu", "cpu", "cpu.cfs_period_us", "cpu.max", cpu.period_usec, period,),
    ROW("/cpu/quota", "cpu", "cpu", "cpu.cfs_quota_us", "cpu.max", cpu.quota_usec, quota, .lift = { "-1" }),
    ROW("/cpu/burst", "cpu", "cpu", "cpu.cfs_burst_us", "cpu.max.burst",
        cpu.burst_usec, burst, .lift = { "0", "0" }),
    ROW("/cpu/realtimePeriod", "cpu", "cpu", "cpu.rt_period_us", NONE, cpu.realtime_period_usec, u64,),
    ROW("/cpu/realtimeRuntime", "cpu", "cpu", "cpu.rt_runtime_us", NONE, cpu.realtime_runtime_usec, i64,),
    ROW("/cpu/cpus", "cpuset", "cpuset", "cpuset.cpus", "cpuset.cpus", cpu.cpus, string,),
    ROW("/cpu/mems", "cpuset", "cpuset", "cpuset.mems", "cpuset.mems", cpu.mems, string,),

    ROW("/pids/limit", "pids", "pids", "pids.max", "pids.max", pids_limit, pids,),

    ROW("/blockIO/weight", "blkio", "io", "blkio.bfq.weight", "io.bfq.weight", block_io.weight, weight,
        .other = { "blkio.weight", "io.weight" }),
    ROW("/blockIO/leafWeight", "blkio", "io", "blkio.leaf_weight", NONE, block_io.leaf_weight, u32,),
    ROW("/blockIO/weightDevice", "blkio", "io", "blkio.bfq.weight_device", "io.bfq.weight",
        block_io.weight_device, weight_devices, .key = "weight",
        .other = { "blkio.weight_device", "io.weight" }),
    ROW("/blockIO/weightDevice", "blkio", "io", "blkio.leaf_weight_device", NONE,
        block_io.weight_device, weight_devices, .key = "leafWeight"),
    ROW("/blockIO/throttleReadBpsDevice", "blkio", "io", "blkio.throttle.read_bps_device", "io.max",
        block_io.read_bps, rates, .key = "rbps"),
    ROW("/blockIO/throttleWriteBpsDevice", "blkio", "io", "blkio.throttle.write_bps_device", "io.max",
        block_io.write_bps, rates, .key = "wbps"),
    ROW("/blockIO/throttleReadIOPSDevice", "blkio", "io", "blkio.throttle.read_iops_device", "io.max",
        block_io.read_iops, rates, .key = "riops"),
    ROW("/blockIO/throttleWriteIOPSDevice", "blkio", "io", "blkio.throttle.write_iops_device", "io.max",
        block_io.write_iops, rates, .key = "wiops"),

    ROW("/hugepageLimits", "hugetlb", "hugetlb", "limit_in_bytes", "max", hugepages, hugepages,),
    ROW("/network/classID", "net_cls", NONE, "net_cls.classid", NONE, net_class_id, u32,),
    ROW("/network/priorities", "net_prio", NONE, "net_prio.ifpriomap", NONE, net_priorities, net_priorities,),
    ROW("/rdma", "rdma", "rdma", "rdma.max", "rdma.max", rdma, rdma,),
    ROW("/unified", NONE, "", NONE, "", unified, unified,), /* last: it has the last word */
};
/* clang-format on */
const uint32_t husk_resource_rows_n = HUSK_COUNT(husk_resource_rows);

/* The container's place that holds the row, or -1. A controller is in one hierarchy at a time. */
static int place_of(const struct husk_planner *p, const struct husk_resource_row *row)
{
    for (uint32_t i = 0; i < p->n_cgroups; i++) {
        const struct husk_hierarchy *h = &p->host->hierarchies[p->cgroups[i].hierarchy];
        const char *name = row->controller[h->version - 1];
        if (name != NULL && (name[0] == '\0' || controller_index(h, name, strlen(name)) >= 0))
            return (int)i;
    }
    return -1;
}

/* All rows, or those that one place holds. */
static int visit(struct husk_planner *p, enum mode mode, int place, uint64_t *needs)
{
    struct husk_resource_visit v = {.p = p, .r = &p->spec->linux_.resources, .mode = mode};

    for (uint32_t i = 0; i < husk_resource_rows_n && v.rc == 0; i++) {
        int at = place_of(p, &husk_resource_rows[i]);
        if (place >= 0 && at != place)
            continue;
        v.row = &husk_resource_rows[i];
        v.h = at < 0 ? NULL : &p->host->hierarchies[p->cgroups[at].hierarchy];
        v.controller = v.row->controller[version(&v)] ? v.row->controller[version(&v)] : v.row->controller[0];
        v.slot = at >= 0 ? (enum husk_slot)(HUSK_SLOT_CG + at) : HUSK_SLOT_HOST;
        v.row->put(&v);
    }
    if (needs != NULL)
        *needs = v.needs;
    return v.rc;
}

HUSK_API int husk_resources_check(struct husk_planner *p)
{
    if (p->spec->linux_.resources.memory.check_before_update.v)
        husk_plan_note(p, AT "/memory/checkBeforeUpdate", "it has no effect when a container is created");
    return visit(p, CHECK, -1, NULL);
}

HUSK_API int husk_resources_plan(struct husk_planner *p, uint32_t place)
{
    int rc = visit(p, LIFT, (int)place, NULL);

    return rc ? rc : visit(p, WRITE, (int)place, NULL);
}

HUSK_API uint64_t husk_resources_needs(struct husk_planner *p, uint32_t place)
{
    struct husk_err *err = p->err;
    uint64_t needs;

    p->err = NULL; /* what is wrong with a value is for husk_resources_check to say */
    if (visit(p, NEEDS, (int)place, &needs) != 0)
        needs = 0;
    p->err = err;
    return needs;
}

/* Squaring doubles a logarithm: each carry into the next power of two is its next binary digit. Additions and
 * multiplications of IEEE doubles give the same bits everywhere, which pow() and log2() do not promise. */
static double log2_of(double n)
{
    double log = 0;

    for (; n >= 2; n /= 2)
        log += 1;
    for (double digit = 0.5; digit > 1e-15; digit /= 2) {
        n *= n;
        if (n >= 2) {
            n /= 2;
            log += digit;
        }
    }
    return log;
}

HUSK_API uint32_t husk_cpu_weight(uint64_t shares)
{
    uint32_t low = 1, high = 10000, middle;
    double l, want;

    if (shares == 0)
        return 0;
    if (shares <= 2)
        return 1;
    if (shares >= 262144)
        return 10000;
    l = log2_of((double)shares);
    want = (l * l + 125 * l - 126) / 612 * log2_of(10);
    while (low < high) { /* the least weight that is not below 2^want */
        middle = low + (high - low) / 2;
        if (log2_of(middle) >=
            want - 1e-12) /* 1024 is exactly 100; all others keep 2e-6 from an integer, here 3e-10 */
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

HUSK_API uint32_t husk_io_weight(uint32_t weight)
{
    return weight < 10 ? 1 : weight > 1000 ? 10000 : 1 + (weight - 10) * 9999 / 990;
}
