/* husk/impl/spec_members.h - every member of config.json that husk reads, a row each. Included by spec.h only. */
#ifndef HUSK_SPEC_MEMBERS_H
#define HUSK_SPEC_MEMBERS_H

/* Rows. S: the struct, without that word; f: the member of it that takes the value. With _AS the compiler
 * refuses a member of another type than the row would store. */
#define HUSK__M_ROW(n, must, k, ...) { .name = n, .need = HUSK__##must, .kind = HUSK__K_##k, __VA_ARGS__ }
#define HUSK__M_AT(S, f) .at = offsetof(struct S, f), .size = sizeof(((struct S *)0)->f)
#define HUSK__M_AS(T, S, f) .at = offsetof(struct S, f) + 0 * sizeof((T *)0 == &((struct S *)0)->f)
#define HUSK__M_EACH(S, f) .at = offsetof(struct S, f), .size = sizeof(*((struct S *)0)->f.v)
#define HUSK__M_IF_SET(S, f) .set_at = offsetof(struct S, f.set) + 1

#define HUSK__M_STR(n, must, S, f) HUSK__M_ROW(n, must, STR, HUSK__M_AS(const char *, S, f))
#define HUSK__M_BOOL(n, must, S, f) HUSK__M_ROW(n, must, BOOL, HUSK__M_AS(bool, S, f))
#define HUSK__M_INT(n, must, S, f, lo, hi) HUSK__M_ROW(n, must, INT, HUSK__M_AT(S, f), .min = lo, .max = hi)
#define HUSK__M_NAME(n, must, S, f, t) HUSK__M_ROW(n, must, NAME, HUSK__M_AT(S, f), .table = HUSK_TABLE_##t)
#define HUSK__M_FLAGS(n, must, S, f, t)                                                                      \
    HUSK__M_ROW(n, must, NAME, .many = HUSK__ORED, HUSK__M_AT(S, f), .table = HUSK_TABLE_##t)

/* The same for struct husk_opt_*. */
#define HUSK__M_OPT_BOOL(n, S, f) HUSK__M_ROW(n, MAY, BOOL, HUSK__M_AS(bool, S, f.v), HUSK__M_IF_SET(S, f))
#define HUSK__M_OPT_INT(n, S, f, lo, hi)                                                                     \
    HUSK__M_ROW(n, MAY, INT, HUSK__M_AT(S, f.v), HUSK__M_IF_SET(S, f), .min = lo, .max = hi)
#define HUSK__M_OPT_NAME(n, S, f, t)                                                                         \
    HUSK__M_ROW(n, MAY, NAME, HUSK__M_AT(S, f.v), HUSK__M_IF_SET(S, f), .table = HUSK_TABLE_##t)

/* A struct; one with `set`; an object whose members are kept in the struct around it, also with `set`. */
#define HUSK__M_OBJECT(n, must, S, f, r) HUSK__M_ROW(n, must, OBJECT, .at = offsetof(struct S, f), .rows = r)
#define HUSK__M_SET_OBJECT(n, S, f, r)                                                                       \
    HUSK__M_ROW(n, MAY, OBJECT, .at = offsetof(struct S, f), HUSK__M_IF_SET(S, f), .rows = r)
#define HUSK__M_INLINE(n, r) HUSK__M_ROW(n, MAY, OBJECT, .rows = r)
#define HUSK__M_SET_INLINE(n, S, f, r) HUSK__M_ROW(n, MAY, OBJECT, HUSK__M_IF_SET(S, f), .rows = r)
#define HUSK__M_CUSTOM(n, must, fn) HUSK__M_ROW(n, must, CUSTOM, .read = fn)

/* Lists: { v, n } in the struct. */
#define HUSK__M_LIST(n, must, S, f, r)                                                                       \
    HUSK__M_ROW(n, must, OBJECT, .many = HUSK__ARRAY, HUSK__M_EACH(S, f), .rows = r)
#define HUSK__M_MAPPED(n, S, f, r)                                                                           \
    HUSK__M_ROW(n, MAY, OBJECT, .many = HUSK__MAP, HUSK__M_EACH(S, f), .rows = r)
#define HUSK__M_STRS(n, must, S, f)                                                                          \
    HUSK__M_ROW(n, must, STR, .many = HUSK__ARRAY, HUSK__M_EACH(S, f), HUSK__M_IF_SET(S, f))
#define HUSK__M_PAIRS(n, S, f)                                                                               \
    HUSK__M_ROW(n, MAY, STR, .many = HUSK__MAP, HUSK__M_EACH(S, f),                                          \
                .value_at = offsetof(struct husk_pair, value))
#define HUSK__M_END { .name = NULL }

#define HUSK__ID_MAX (UINT32_MAX - 1) /* 4294967295 means "no change" to the kernel */

static const struct husk__row husk__user_rows[] = {
    HUSK__M_INT("uid", MAY, husk_user, uid, 0, HUSK__ID_MAX),
    HUSK__M_INT("gid", MAY, husk_user, gid, 0, HUSK__ID_MAX),
    HUSK__M_OPT_INT("umask", husk_user, umask, 0, 0777),
    HUSK__M_ROW("additionalGids", MAY, INT, .many = HUSK__ARRAY, HUSK__M_EACH(husk_user, additional_gids),
                .max = HUSK__ID_MAX),
    HUSK__M_END
};

/* One of the five lists, into the mask at row->at. */
static void husk__read_caps(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                            void *base, const struct husk__row *row)
{
    struct husk_caps *caps = base;
    const char **unknown = NULL;
    uint64_t mask = 0, bit;
    uint32_t i = 0;

    if (!husk__is(r, at, v, HUSK_JSON_ARRAY, "an array"))
        return;
    for (const struct husk_json *c = v->child; c != NULL; c = c->next, i++) {
        const struct husk__at *place = HUSK__NTH(at, i);
        if (!husk__is(r, place, c, HUSK_JSON_STRING, "a string"))
            continue;
        if (husk_name_value(HUSK_TABLE_CAPABILITY, c->text, &bit)) {
            mask |= UINT64_C(1) << bit;
            continue;
        }
        husk__note(r, place, husk_strf(r->report.arena, "unknown capability %s, ignored", HUSK__SHOW(c->text)));
        if (unknown == NULL) {
            unknown = husk_arena_grow(r->report.arena, caps->unknown.v, caps->unknown.n * sizeof *unknown,
                                      (caps->unknown.n + v->count) * sizeof *unknown);
            if (unknown == NULL)
                return;
            caps->unknown.v = unknown;
            caps->unknown.set = true;
        }
        unknown[caps->unknown.n++] = c->text;
    }
    husk__store((char *)base + row->at, sizeof mask, mask);
}

#define HUSK__M_CAPS(n, f)                                                                             \
    HUSK__M_ROW(n, MAY, CUSTOM, .at = offsetof(struct husk_caps, f), .read = husk__read_caps)
static const struct husk__row husk__caps_rows[] = {
    HUSK__M_CAPS("bounding", bounding),
    HUSK__M_CAPS("effective", effective),
    HUSK__M_CAPS("permitted", permitted),
    HUSK__M_CAPS("inheritable", inheritable),
    HUSK__M_CAPS("ambient", ambient),
    HUSK__M_END
};

static const struct husk__row husk__rlimit_rows[] = {
    HUSK__M_NAME("type", MUST, husk_rlimit, type, RLIMIT),
    HUSK__M_INT("soft", MUST, husk_rlimit, soft, 0, UINT64_MAX),
    HUSK__M_INT("hard", MUST, husk_rlimit, hard, 0, UINT64_MAX),
    HUSK__M_END
};

static const struct husk__row husk__scheduler_rows[] = {
    HUSK__M_NAME("policy", MUST, husk_scheduler, policy, SCHED_POLICY),
    HUSK__M_INT("nice", MAY, husk_scheduler, nice, -20, 19),
    HUSK__M_INT("priority", MAY, husk_scheduler, priority, INT32_MIN, INT32_MAX),
    HUSK__M_FLAGS("flags", MAY, husk_scheduler, flags, SCHED_FLAG),
    HUSK__M_INT("runtime", MAY, husk_scheduler, runtime_nsec, 0, UINT64_MAX),
    HUSK__M_INT("deadline", MAY, husk_scheduler, deadline_nsec, 0, UINT64_MAX),
    HUSK__M_INT("period", MAY, husk_scheduler, period_nsec, 0, UINT64_MAX),
    HUSK__M_END
};

static const struct husk__row husk__console_size_rows[] = {
    HUSK__M_INT("height", MUST, husk_process, console_size.height, 0, UINT16_MAX),
    HUSK__M_INT("width", MUST, husk_process, console_size.width, 0, UINT16_MAX),
    HUSK__M_END
};

static const struct husk__row husk__io_priority_rows[] = {
    HUSK__M_NAME("class", MUST, husk_process, io_priority.class_, IOPRIO_CLASS),
    HUSK__M_OPT_INT("priority", husk_process, io_priority.priority, 0, 7),
    HUSK__M_END
};

static const struct husk__row husk__affinity_rows[] = {
    HUSK__M_STR("initial", MAY, husk_process, exec_cpu_affinity.initial),
    HUSK__M_STR("final", MAY, husk_process, exec_cpu_affinity.final),
    HUSK__M_END
};

static const struct husk__row husk__process_rows[] = {
    HUSK__M_BOOL("terminal", MAY, husk_process, terminal),
    HUSK__M_SET_INLINE("consoleSize", husk_process, console_size, husk__console_size_rows),
    HUSK__M_OBJECT("user", MAY, husk_process, user, husk__user_rows),
    HUSK__M_STRS("args", MUST, husk_process, args),
    HUSK__M_STRS("env", MAY, husk_process, env),
    HUSK__M_STR("cwd", MUST, husk_process, cwd),
    HUSK__M_SET_OBJECT("capabilities", husk_process, caps, husk__caps_rows),
    HUSK__M_LIST("rlimits", MAY, husk_process, rlimits, husk__rlimit_rows),
    HUSK__M_BOOL("noNewPrivileges", MAY, husk_process, no_new_privileges),
    HUSK__M_STR("apparmorProfile", MAY, husk_process, apparmor_profile),
    HUSK__M_STR("selinuxLabel", MAY, husk_process, selinux_label),
    HUSK__M_OPT_INT("oomScoreAdj", husk_process, oom_score_adj, -1000, 1000),
    HUSK__M_SET_OBJECT("scheduler", husk_process, scheduler, husk__scheduler_rows),
    HUSK__M_SET_INLINE("ioPriority", husk_process, io_priority, husk__io_priority_rows),
    HUSK__M_INLINE("execCPUAffinity", husk__affinity_rows),
    HUSK__M_END
};

static const struct husk__row husk__root_rows[] = {
    HUSK__M_STR("path", MUST, husk_root, path),
    HUSK__M_BOOL("readonly", MAY, husk_root, readonly),
    HUSK__M_END
};

static const struct husk__row husk__idmap_rows[] = {
    HUSK__M_INT("containerID", MUST, husk_idmap, container_id, 0, HUSK__ID_MAX),
    HUSK__M_INT("hostID", MUST, husk_idmap, host_id, 0, HUSK__ID_MAX),
    HUSK__M_INT("size", MUST, husk_idmap, size, 1, UINT32_MAX),
    HUSK__M_END
};

/* Later options override earlier ones of their group. */
static void husk__mount_option_apply(struct husk_mount *m, const struct husk_mount_option *o,
                                     uint32_t *propagation)
{
    uint64_t *set = o->kind == HUSK_MOPT_RECURSIVE ? &m->rec_set : &m->flags_set;
    uint64_t *clear = o->kind == HUSK_MOPT_RECURSIVE ? &m->rec_clear : &m->flags_clear;
    uint64_t group = o->value;

    switch (o->kind) {
    case HUSK_MOPT_RECURSIVE:
        if (o->value & MOUNT_ATTR__ATIME) /* one field, not bits: the kernel wants it cleared as a whole */
            group = MOUNT_ATTR__ATIME;
        *set &= ~group;
        *clear = o->on && group == o->value ? *clear & ~group : *clear | group;
        *set |= o->on ? o->value : 0;
        break;
    case HUSK_MOPT_FLAG:
        *set = o->on ? *set | group : *set & ~group;
        *clear = o->on ? *clear & ~group : *clear | group;
        break;
    case HUSK_MOPT_PROPAGATION:
        propagation[m->propagation.n++] = (uint32_t)o->value;
        break;
    case HUSK_MOPT_TMPCOPYUP:
        m->tmpcopyup = true;
        break;
    case HUSK_MOPT_IDMAP:
        *(o->value ? &m->ridmap : &m->idmap) = true;
        break;
    case HUSK_MOPT_NOFOLLOW:
        *(o->value ? &m->destination_nofollow : &m->source_nofollow) = true;
        break;
    case HUSK_MOPT_NOTHING:
        break;
    }
}

static void husk__read_mount_options(struct husk__reader *r, const struct husk__at *at,
                                     const struct husk_json *v, void *base, const struct husk__row *row)
{
    struct husk_mount *m = base;
    struct husk_text data = { .arena = r->report.arena };
    uint32_t *propagation, i = 0;

    (void)row;
    if (!husk__is(r, at, v, HUSK_JSON_ARRAY, "an array"))
        return;
    propagation = husk_arena_alloc(r->report.arena, v->count * sizeof *propagation);
    if (propagation == NULL)
        return;
    m->has_options = true;
    m->propagation.v = propagation;
    for (const struct husk_json *c = v->child; c != NULL; c = c->next, i++) {
        const struct husk_mount_option *option;
        if (!husk__is(r, HUSK__NTH(at, i), c, HUSK_JSON_STRING, "a string"))
            continue;
        option = husk_mount_option_find(c->text);
        if (option != NULL) {
            husk__mount_option_apply(m, option, propagation);
        } else if (c->text[0] != '\0') {
            if (data.len > 0)
                husk_text_str(&data, ",");
            husk_text_str(&data, c->text);
        }
    }
    if (data.len > 0 && (m->flags_set & MS_BIND))
        husk__complain(&r->report, HUSK_DIAG_BAD_VALUE, at, "a bind mount cannot take an option for a filesystem: %s", data.data);
    else
        m->data = data.data;
}

static const struct husk__row husk__mount_rows[] = {
    HUSK__M_STR("destination", MUST, husk_mount, destination),
    HUSK__M_STR("type", MAY, husk_mount, type),
    HUSK__M_STR("source", MAY, husk_mount, source),
    HUSK__M_CUSTOM("options", MAY, husk__read_mount_options),
    HUSK__M_LIST("uidMappings", MAY, husk_mount, uid_mappings, husk__idmap_rows),
    HUSK__M_LIST("gidMappings", MAY, husk_mount, gid_mappings, husk__idmap_rows),
    HUSK__M_END
};

static const struct husk__row husk__hook_rows[] = {
    HUSK__M_STR("path", MUST, husk_hook, path),
    HUSK__M_STRS("args", MAY, husk_hook, args),
    HUSK__M_STRS("env", MAY, husk_hook, env),
    HUSK__M_OPT_INT("timeout", husk_hook, timeout_sec, 1, INT32_MAX),
    HUSK__M_END
};

static const struct husk__row husk__hooks_rows[] = {
    HUSK__M_LIST("prestart", MAY, husk_spec, hooks[HUSK_HOOK_PRESTART], husk__hook_rows),
    HUSK__M_LIST("createRuntime", MAY, husk_spec, hooks[HUSK_HOOK_CREATE_RUNTIME], husk__hook_rows),
    HUSK__M_LIST("createContainer", MAY, husk_spec, hooks[HUSK_HOOK_CREATE_CONTAINER], husk__hook_rows),
    HUSK__M_LIST("startContainer", MAY, husk_spec, hooks[HUSK_HOOK_START_CONTAINER], husk__hook_rows),
    HUSK__M_LIST("poststart", MAY, husk_spec, hooks[HUSK_HOOK_POSTSTART], husk__hook_rows),
    HUSK__M_LIST("poststop", MAY, husk_spec, hooks[HUSK_HOOK_POSTSTOP], husk__hook_rows),
    HUSK__M_END
};

static const struct husk__row husk__namespace_rows[] = {
    HUSK__M_NAME("type", MUST, husk_namespace, type, NAMESPACE),
    HUSK__M_STR("path", MAY, husk_namespace, path),
    HUSK__M_END
};

static const struct husk__row husk__time_offset_rows[] = {
    HUSK__M_INT("secs", MAY, husk_time_offset, secs, INT64_MIN, INT64_MAX),
    HUSK__M_INT("nanosecs", MAY, husk_time_offset, nanosecs, 0, 999999999),
    HUSK__M_END
};

/* major and minor: 12 and 20 bits are all that the kernel's dev_t has. */
static const struct husk__row husk__device_rows[] = {
    HUSK__M_NAME("type", MUST, husk_device, type, DEVICE_TYPE),
    HUSK__M_STR("path", MUST, husk_device, path),
    HUSK__M_INT("major", MAY, husk_device, major, 0, 0xfff),
    HUSK__M_INT("minor", MAY, husk_device, minor, 0, 0xfffff),
    HUSK__M_OPT_INT("fileMode", husk_device, mode, 0, 0177777),
    HUSK__M_OPT_INT("uid", husk_device, uid, 0, HUSK__ID_MAX),
    HUSK__M_OPT_INT("gid", husk_device, gid, 0, HUSK__ID_MAX),
    HUSK__M_END
};

static void husk__read_device(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                              void *base, const struct husk__row *row)
{
    static const char *const numbers[] = { "major", "minor" };
    struct husk_device *d = base;

    (void)row;
    d->mode.v &= 07777; /* some engines leave the bits of the file's type in it */
    for (size_t i = 0; i < HUSK_COUNT(numbers) && d->type != S_IFIFO; i++)
        if (husk_json_get(v, numbers[i]) == NULL)
            husk__complain(&r->report, HUSK_DIAG_MISSING, HUSK__IN(at, numbers[i]),
                           "required member is missing");
}

static const struct husk__row husk__net_device_rows[] = {
    HUSK__M_STR("name", MAY, husk_net_device, name),
    HUSK__M_END
};

static void husk__read_rule_type(struct husk__reader *r, const struct husk__at *at, const struct husk_json *v,
                                 void *base, const struct husk__row *row)
{
    struct husk_device_rule *rule = base;

    (void)row;
    if (!husk__is(r, at, v, HUSK_JSON_STRING, "a string"))
        return;
    if (v->text[0] == '\0')
        rule->type = 'a';
    else if (strchr("abc", v->text[0]) == NULL || v->text[1] != '\0')
        husk__complain(&r->report, HUSK_DIAG_UNKNOWN_VALUE, at, "expected \"a\", \"b\" or \"c\", got %s",
                       HUSK__SHOW(v->text));
    else
        rule->type = v->text[0];
}

static void husk__read_rule_access(struct husk__reader *r, const struct husk__at *at,
                                   const struct husk_json *v, void *base, const struct husk__row *row)
{
    static const char letters[] = "rwm"; /* in the order of HUSK_DEV_* */
    struct husk_device_rule *rule = base;

    (void)row;
    if (!husk__is(r, at, v, HUSK_JSON_STRING, "a string"))
        return;
    for (const char *s = v->text; *s != '\0'; s++) {
        const char *letter = strchr(letters, *s);
        if (letter == NULL) {
            husk__complain(&r->report, HUSK_DIAG_UNKNOWN_VALUE, at, "expected letters of \"rwm\", got %s",
                           HUSK__SHOW(v->text));
            return;
        }
        rule->access |= 1u << (letter - letters);
    }
}

#define HUSK__M_WILDCARD(n, S, f)                                                                            \
    HUSK__M_ROW(n, MAY, INT, HUSK__M_AT(S, f), .min = -1, .max = UINT32_MAX, .absent = -1)
static const struct husk__row husk__device_rule_rows[] = {
    HUSK__M_BOOL("allow", MUST, husk_device_rule, allow),
    HUSK__M_ROW("type", MAY, CUSTOM, HUSK__M_AT(husk_device_rule, type), .absent = 'a',
                .read = husk__read_rule_type),
    HUSK__M_WILDCARD("major", husk_device_rule, major),
    HUSK__M_WILDCARD("minor", husk_device_rule, minor),
    HUSK__M_CUSTOM("access", MUST, husk__read_rule_access),
    HUSK__M_END
};

static const struct husk__row husk__memory_rows[] = {
    HUSK__M_OPT_INT("limit", husk_memory, limit_bytes, -1, INT64_MAX),
    HUSK__M_OPT_INT("reservation", husk_memory, reservation_bytes, -1, INT64_MAX),
    HUSK__M_OPT_INT("swap", husk_memory, swap_bytes, -1, INT64_MAX),
    HUSK__M_OPT_INT("kernel", husk_memory, kernel_bytes, -1, INT64_MAX),
    HUSK__M_OPT_INT("kernelTCP", husk_memory, kernel_tcp_bytes, -1, INT64_MAX),
    HUSK__M_OPT_INT("swappiness", husk_memory, swappiness, 0, 100),
    HUSK__M_OPT_BOOL("disableOOMKiller", husk_memory, disable_oom_killer),
    HUSK__M_OPT_BOOL("useHierarchy", husk_memory, use_hierarchy),
    HUSK__M_OPT_BOOL("checkBeforeUpdate", husk_memory, check_before_update),
    HUSK__M_END
};

static const struct husk__row husk__cpu_rows[] = {
    HUSK__M_OPT_INT("shares", husk_cpu, shares, 0, UINT64_MAX),
    HUSK__M_OPT_INT("quota", husk_cpu, quota_usec, INT64_MIN, INT64_MAX),
    HUSK__M_OPT_INT("burst", husk_cpu, burst_usec, 0, UINT64_MAX),
    HUSK__M_OPT_INT("period", husk_cpu, period_usec, 0, UINT64_MAX),
    HUSK__M_OPT_INT("realtimeRuntime", husk_cpu, realtime_runtime_usec, INT64_MIN, INT64_MAX),
    HUSK__M_OPT_INT("realtimePeriod", husk_cpu, realtime_period_usec, 0, UINT64_MAX),
    HUSK__M_OPT_INT("idle", husk_cpu, idle, 0, 1),
    HUSK__M_STR("cpus", MAY, husk_cpu, cpus),
    HUSK__M_STR("mems", MAY, husk_cpu, mems),
    HUSK__M_END
};

static const struct husk__row husk__pids_rows[] = {
    HUSK__M_OPT_INT("limit", husk_resources, pids_limit, INT64_MIN, INT64_MAX),
    HUSK__M_END
};

#define HUSK__M_DEVICE_NUMBERS(S)                                                                      \
    HUSK__M_INT("major", MUST, S, major, 0, UINT32_MAX), HUSK__M_INT("minor", MUST, S, minor, 0, UINT32_MAX)

static const struct husk__row husk__block_weight_rows[] = {
    HUSK__M_DEVICE_NUMBERS(husk_block_weight),
    HUSK__M_OPT_INT("weight", husk_block_weight, weight, 0, 1000),
    HUSK__M_OPT_INT("leafWeight", husk_block_weight, leaf_weight, 0, 1000),
    HUSK__M_END
};

static const struct husk__row husk__block_rate_rows[] = {
    HUSK__M_DEVICE_NUMBERS(husk_block_rate),
    HUSK__M_INT("rate", MUST, husk_block_rate, rate, 0, UINT64_MAX),
    HUSK__M_END
};

static const struct husk__row husk__block_io_rows[] = {
    HUSK__M_OPT_INT("weight", husk_block_io, weight, 0, 1000),
    HUSK__M_OPT_INT("leafWeight", husk_block_io, leaf_weight, 0, 1000),
    HUSK__M_LIST("weightDevice", MAY, husk_block_io, weight_device, husk__block_weight_rows),
    HUSK__M_LIST("throttleReadBpsDevice", MAY, husk_block_io, read_bps, husk__block_rate_rows),
    HUSK__M_LIST("throttleWriteBpsDevice", MAY, husk_block_io, write_bps, husk__block_rate_rows),
    HUSK__M_LIST("throttleReadIOPSDevice", MAY, husk_block_io, read_iops, husk__block_rate_rows),
    HUSK__M_LIST("throttleWriteIOPSDevice", MAY, husk_block_io, write_iops, husk__block_rate_rows),
    HUSK__M_END
};

static const struct husk__row husk__hugepage_rows[] = {
    HUSK__M_STR("pageSize", MUST, husk_hugepage, page_size),
    HUSK__M_INT("limit", MUST, husk_hugepage, limit_bytes, 0, UINT64_MAX),
    HUSK__M_END
};

static const struct husk__row husk__net_priority_rows[] = {
    HUSK__M_STR("name", MUST, husk_net_priority, name),
    HUSK__M_INT("priority", MUST, husk_net_priority, priority, 0, UINT32_MAX),
    HUSK__M_END
};

static const struct husk__row husk__network_rows[] = {
    HUSK__M_OPT_INT("classID", husk_resources, net_class_id, 0, UINT32_MAX),
    HUSK__M_LIST("priorities", MAY, husk_resources, net_priorities, husk__net_priority_rows),
    HUSK__M_END
};

static const struct husk__row husk__rdma_rows[] = {
    HUSK__M_OPT_INT("hcaHandles", husk_rdma, handles, 0, UINT32_MAX),
    HUSK__M_OPT_INT("hcaObjects", husk_rdma, objects, 0, UINT32_MAX),
    HUSK__M_END
};

static const struct husk__row husk__resources_rows[] = {
    HUSK__M_LIST("devices", MAY, husk_resources, devices, husk__device_rule_rows),
    HUSK__M_OBJECT("memory", MAY, husk_resources, memory, husk__memory_rows),
    HUSK__M_OBJECT("cpu", MAY, husk_resources, cpu, husk__cpu_rows),
    HUSK__M_INLINE("pids", husk__pids_rows),
    HUSK__M_OBJECT("blockIO", MAY, husk_resources, block_io, husk__block_io_rows),
    HUSK__M_LIST("hugepageLimits", MAY, husk_resources, hugepages, husk__hugepage_rows),
    HUSK__M_INLINE("network", husk__network_rows),
    HUSK__M_MAPPED("rdma", husk_resources, rdma, husk__rdma_rows),
    HUSK__M_PAIRS("unified", husk_resources, unified),
    HUSK__M_END
};

static const struct husk__row husk__seccomp_arg_rows[] = {
    HUSK__M_INT("index", MUST, husk_seccomp_arg, index, 0, 5),
    HUSK__M_INT("value", MUST, husk_seccomp_arg, value, 0, UINT64_MAX),
    HUSK__M_INT("valueTwo", MAY, husk_seccomp_arg, value_two, 0, UINT64_MAX),
    HUSK__M_NAME("op", MUST, husk_seccomp_arg, op, SECCOMP_OP),
    HUSK__M_END
};

static const struct husk__row husk__seccomp_rule_rows[] = {
    HUSK__M_STRS("names", MUST, husk_seccomp_rule, names),
    HUSK__M_NAME("action", MUST, husk_seccomp_rule, action, SECCOMP_ACTION),
    HUSK__M_OPT_INT("errnoRet", husk_seccomp_rule, errno_ret, 0, UINT16_MAX),
    HUSK__M_LIST("args", MAY, husk_seccomp_rule, args, husk__seccomp_arg_rows),
    HUSK__M_END
};

static const struct husk__row husk__seccomp_rows[] = {
    HUSK__M_NAME("defaultAction", MUST, husk_seccomp, default_action, SECCOMP_ACTION),
    HUSK__M_OPT_INT("defaultErrnoRet", husk_seccomp, default_errno_ret, 0, UINT16_MAX),
    HUSK__M_ROW("architectures", MAY, NAME, .many = HUSK__ARRAY, HUSK__M_EACH(husk_seccomp, archs),
                .table = HUSK_TABLE_SECCOMP_ARCH),
    HUSK__M_ROW("flags", MAY, NAME, .many = HUSK__ORED, HUSK__M_AT(husk_seccomp, flags),
                .table = HUSK_TABLE_SECCOMP_FLAG,
                .set_at = offsetof(struct husk_seccomp, flags_set) + 1),
    HUSK__M_STR("listenerPath", MAY, husk_seccomp, listener_path),
    HUSK__M_STR("listenerMetadata", MAY, husk_seccomp, listener_metadata),
    HUSK__M_LIST("syscalls", MAY, husk_seccomp, rules, husk__seccomp_rule_rows),
    HUSK__M_END
};

static const struct husk__row husk__intel_rdt_rows[] = {
    HUSK__M_STR("closID", MAY, husk_intel_rdt, clos_id),
    HUSK__M_STR("l3CacheSchema", MAY, husk_intel_rdt, l3_schema),
    HUSK__M_STR("memBwSchema", MAY, husk_intel_rdt, mem_bw_schema),
    HUSK__M_STRS("schemata", MAY, husk_intel_rdt, schemata),
    HUSK__M_BOOL("enableMonitoring", MAY, husk_intel_rdt, enable_monitoring),
    HUSK__M_END
};

static const struct husk__row husk__memory_policy_rows[] = {
    HUSK__M_NAME("mode", MUST, husk_linux, memory_policy.mode, MEMPOLICY_MODE),
    HUSK__M_STR("nodes", MAY, husk_linux, memory_policy.nodes),
    HUSK__M_FLAGS("flags", MAY, husk_linux, memory_policy.flags, MEMPOLICY_FLAG),
    HUSK__M_END
};

/* The specification has the member and not one valid value for it. */
static void husk__read_personality_flags(struct husk__reader *r, const struct husk__at *at,
                                         const struct husk_json *v, void *base, const struct husk__row *row)
{
    (void)base, (void)row;
    if (husk__is(r, at, v, HUSK_JSON_ARRAY, "an array") && v->count > 0)
        husk__complain(&r->report, HUSK_DIAG_UNKNOWN_VALUE, HUSK__NTH(at, 0),
                       "no personality flag is supported");
}

static const struct husk__row husk__personality_rows[] = {
    HUSK__M_OPT_NAME("domain", husk_linux, personality, PERSONALITY),
    HUSK__M_CUSTOM("flags", MAY, husk__read_personality_flags),
    HUSK__M_END
};

static const struct husk__row husk__linux_rows[] = {
    HUSK__M_LIST("namespaces", MAY, husk_linux, namespaces, husk__namespace_rows),
    HUSK__M_LIST("uidMappings", MAY, husk_linux, uid_mappings, husk__idmap_rows),
    HUSK__M_LIST("gidMappings", MAY, husk_linux, gid_mappings, husk__idmap_rows),
    HUSK__M_ROW("timeOffsets", MAY, OBJECT, .many = HUSK__MAP, HUSK__M_EACH(husk_linux, time_offsets),
                .rows = husk__time_offset_rows, .key_is_name = true, .table = HUSK_TABLE_CLOCK),
    HUSK__M_ROW("devices", MAY, OBJECT, .many = HUSK__ARRAY, HUSK__M_EACH(husk_linux, devices),
                .rows = husk__device_rows, .read = husk__read_device),
    HUSK__M_MAPPED("netDevices", husk_linux, net_devices, husk__net_device_rows),
    HUSK__M_STR("cgroupsPath", MAY, husk_linux, cgroups_path),
    HUSK__M_OBJECT("resources", MAY, husk_linux, resources, husk__resources_rows),
    HUSK__M_SET_OBJECT("intelRdt", husk_linux, intel_rdt, husk__intel_rdt_rows),
    HUSK__M_SET_INLINE("memoryPolicy", husk_linux, memory_policy, husk__memory_policy_rows),
    HUSK__M_PAIRS("sysctl", husk_linux, sysctl),
    HUSK__M_SET_OBJECT("seccomp", husk_linux, seccomp, husk__seccomp_rows),
    HUSK__M_OPT_NAME("rootfsPropagation", husk_linux, rootfs_propagation, PROPAGATION),
    HUSK__M_STRS("maskedPaths", MAY, husk_linux, masked_paths),
    HUSK__M_STRS("readonlyPaths", MAY, husk_linux, readonly_paths),
    HUSK__M_STR("mountLabel", MAY, husk_linux, mount_label),
    HUSK__M_INLINE("personality", husk__personality_rows),
    HUSK__M_END
};

static const struct husk__row husk__spec_rows[] = {
    HUSK__M_STR("ociVersion", MUST, husk_spec, oci_version),
    HUSK__M_ROW("process", MAY, NEW, .at = offsetof(struct husk_spec, process), .rows = husk__process_rows,
                .size = sizeof(struct husk_process)),
    HUSK__M_OBJECT("root", MUST, husk_spec, root, husk__root_rows),
    HUSK__M_STR("hostname", MAY, husk_spec, hostname),
    HUSK__M_STR("domainname", MAY, husk_spec, domainname),
    HUSK__M_LIST("mounts", MAY, husk_spec, mounts, husk__mount_rows),
    HUSK__M_INLINE("hooks", husk__hooks_rows),
    HUSK__M_PAIRS("annotations", husk_spec, annotations),
    HUSK__M_SET_OBJECT("linux", husk_spec, linux_, husk__linux_rows),
    HUSK__M_END
};
#endif
