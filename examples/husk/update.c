/* update.c - the command `update`: new limits for a container, from options or as linux.resources. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum unit { PLAIN, BYTES };

/* Each option with a number, and where it goes. -1 is "no limit". */
static const struct {
    const char *name;
    size_t text; /* in struct cli */
    size_t to;   /* a husk_opt_i64, or _u64, in struct husk_resources */
    enum unit unit;
    int64_t min;
} numbers[] = {
#define NUMBER(name, field, member, unit, min)                                                                         \
    {                                                                                                                  \
        name, offsetof(struct cli, update.field), offsetof(struct husk_resources, member), unit, min                   \
    }
    NUMBER("cpu-burst", cpu_burst, cpu.burst_usec, PLAIN, 0),
    NUMBER("cpu-idle", cpu_idle, cpu.idle, PLAIN, 0),
    NUMBER("cpu-period", cpu_period, cpu.period_usec, PLAIN, 0),
    NUMBER("cpu-quota", cpu_quota, cpu.quota_usec, PLAIN, -1),
    NUMBER("cpu-rt-period", cpu_rt_period, cpu.realtime_period_usec, PLAIN, 0),
    NUMBER("cpu-rt-runtime", cpu_rt_runtime, cpu.realtime_runtime_usec, PLAIN, -1),
    NUMBER("cpu-share", cpu_share, cpu.shares, PLAIN, 0),
    NUMBER("memory", memory, memory.limit_bytes, BYTES, -1),
    NUMBER("memory-reservation", memory_reservation, memory.reservation_bytes, BYTES, -1),
    NUMBER("memory-swap", memory_swap, memory.swap_bytes, BYTES, -1),
    NUMBER("pids-limit", pids_limit, pids_limit, PLAIN, -1),
#undef NUMBER
};
_Static_assert(sizeof(struct husk_opt_i64) == sizeof(struct husk_opt_u64) &&
                   offsetof(struct husk_opt_i64, set) == offsetof(struct husk_opt_u64, set),
               "one way to store both");

/* "-1", "1024", and for bytes "50M", "1.5g", "2GiB": powers of 1024. */
static bool read_number(const char *text, enum unit unit, int64_t *out)
{
    static const char units[] = "bkmgtp";
    const char *u;
    double whole;
    char *end;
    int shift = 0;

    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end == text || errno != 0)
        return false;
    if (*end == '\0')
        return true;
    if (unit != BYTES || *out < 0)
        return false;
    whole = strtod(text, &end);
    for (u = units; *u != '\0' && *u != (*end | 0x20); u++)
        shift += 10;
    if (*u == '\0')
        return false;
    end += end[1] == 'i' && u > units ? 2 : 1;
    end += *end == 'b' || *end == 'B';
    for (; shift > 0; shift -= 10)
        whole *= 1024;
    *out = (int64_t)whole;
    return *end == '\0' && whole < 9e18;
}

static int bad(struct husk_err *err, const char *option, const char *value)
{
    return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "invalid value \"%.64s\" for --%s", value, option);
}

static int from_options(const struct cli *c, struct husk_resources *r, struct husk_err *err)
{
    int64_t v;

    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < HUSK_COUNT(numbers); i++) {
        const char *text = *(const char *const *)(const void *)((const char *)c + numbers[i].text);

        if (text == NULL || text[0] == '\0')
            continue;
        if (!read_number(text, numbers[i].unit, &v) || v < numbers[i].min)
            return bad(err, numbers[i].name, text);
        *(struct husk_opt_i64 *)(void *)((char *)r + numbers[i].to) = (struct husk_opt_i64)HUSK_SOME(v);
    }
    if (c->update.blkio_weight != NULL) {
        if (!read_number(c->update.blkio_weight, PLAIN, &v) || v < 0 || v > 1000)
            return bad(err, "blkio-weight", c->update.blkio_weight);
        r->block_io.weight = (struct husk_opt_u32)HUSK_SOME((uint32_t)v);
    }
    if (c->update.kernel_memory != NULL)
        log_warn("--kernel-memory is ignored: no kernel limits it any more");
    if (r->pids_limit.set && r->pids_limit.v == 0)
        r->pids_limit.v = 1; /* as good as none; a 0 in a configuration may mean that it says nothing */
    r->cpu.cpus = c->update.cpuset_cpus;
    r->cpu.mems = c->update.cpuset_mems;
    return 0;
}

/* Errors of the file have its lines: what the library calls /linux/resources is its top. */
static void locate(struct husk_err *err, const char *text, size_t len)
{
    static const char top[] = "/linux/resources";

    if (strncmp(err->at, top, sizeof top - 1) == 0)
        memmove(err->at, err->at + sizeof top - 1, strlen(err->at) - sizeof top + 2);
    husk_err_locate(err, text, len);
}

int command_update(struct cli *c)
{
    const char *file = c->update.resources, *text = NULL;
    struct husk_container container;
    struct husk_linux wanted = {0};
    struct husk_host host;
    struct husk_err err;
    size_t len = 0;
    int rc;

    if (file != NULL) {
        c->document = strcmp(file, "-") == 0 ? "standard input" : file;
        rc = read_file(c, strcmp(file, "-") == 0 ? "/dev/stdin" : file, true, &text, &len, &err);
        if (rc == 0)
            rc = husk_resources_parse(&wanted.resources, &c->arena, text, len, &err);
    } else {
        rc = from_options(c, &wanted.resources, &err);
    }
    wanted.intel_rdt.l3_schema = c->update.l3_cache_schema;
    wanted.intel_rdt.mem_bw_schema = c->update.mem_bw_schema;
    wanted.intel_rdt.set = wanted.intel_rdt.l3_schema != NULL || wanted.intel_rdt.mem_bw_schema != NULL;
    if (rc != 0 || container_open(c, &container, &err) != 0 || husk_host_probe(&host, &c->arena, &err) != 0)
        return fail(c, &err);
    rc = husk_container_update(&container, &host, &wanted, &err);
    husk_container_close(&container);
    if (rc != 0 && text != NULL)
        locate(&err, text, len);
    return rc ? fail(c, &err) : 0;
}
