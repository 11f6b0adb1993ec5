/* husk/impl/spec_check.h - contradictions and impossible values inside a spec. Included by spec.h, never alone.
 *
 * Everything here holds on every host; what depends on one is the plan's to refuse. A spec may come from
 * designated initialisers, so any string can be NULL.
 */
#ifndef HUSK_SPEC_CHECK_H
#define HUSK_SPEC_CHECK_H

#define HUSK__PATH_MAX 4096u
#define HUSK__IDMAP_MAX 340u /* lines, in the kernel since 4.15 */

static bool husk__is_absolute(const char *path)
{
    return path != NULL && path[0] == '/';
}

static void husk__want_absolute(struct husk__report *r, const struct husk__at *at, const char *path)
{
    if (path == NULL || path[0] == '\0')
        husk__complain(r, HUSK_DIAG_MISSING, at, "expected an absolute path");
    else if (!husk__is_absolute(path))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "expected an absolute path, got %s", HUSK__SHOW(path));
    else if (strlen(path) >= HUSK__PATH_MAX)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "longer than %u bytes", HUSK__PATH_MAX - 1);
}

/* path as seen from "/" without ".", ".." and double slashes, symlinks not considered; false when it is too
 * long. */
static bool husk__clean_path(const char *path, char out[HUSK__PATH_MAX])
{
    size_t len = 0, n;

    if (strlen(path) + 2 > HUSK__PATH_MAX)
        return false;
    for (const char *s = path + strspn(path, "/"); *s != '\0'; s += n, s += strspn(s, "/")) {
        n = strcspn(s, "/");
        if (n == 2 && s[0] == '.' && s[1] == '.') {
            while (len > 0 && out[--len] != '/')
                ;
        } else if (n != 1 || s[0] != '.') {
            out[len++] = '/';
            memcpy(out + len, s, n);
            len += n;
        }
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return true;
}

/* Digits at *s become *value; false without any, and above max. */
static bool husk__scan_number(const char **s, uint32_t max, uint32_t *value)
{
    uint64_t v = 0;
    const char *from = *s;

    for (; **s >= '0' && **s <= '9' && v <= max; ++*s)
        v = v * 10 + (uint64_t)(**s - '0');
    *value = (uint32_t)v;
    return *s > from && v <= max;
}

static void husk__set_bits(struct husk_bits *bits, uint32_t first, uint32_t last)
{
    for (uint32_t i = first / 64; i <= last / 64; i++)
        bits->v[i] |= (i == first / 64 ? UINT64_MAX << first % 64 : UINT64_MAX) &
                      (i == last / 64 ? UINT64_MAX >> (63 - last % 64) : UINT64_MAX);
}

/* Blanks are tolerated around numbers, and a newline at the end. */
HUSK_API bool husk_list_bits(const char *list, struct husk_bits *bits)
{
    uint32_t first, last;

    memset(bits, 0, sizeof *bits);
    for (const char *s = list;; s++) {
        s += strspn(s, " ");
        if (!husk__scan_number(&s, HUSK_MASK_BITS - 1, &first))
            return false;
        s += strspn(s, " ");
        last = first;
        if (*s == '-') {
            s += 1 + strspn(s + 1, " ");
            if (!husk__scan_number(&s, HUSK_MASK_BITS - 1, &last) || last < first)
                return false;
            s += strspn(s, " ");
        }
        husk__set_bits(bits, first, last);
        if (*s != ',')
            return *s == '\0' || (*s == '\n' && s[1] == '\0');
    }
}

/* Semantic Versioning 2.0.0: three numbers, then perhaps -alpha.1 and +build. */
static bool husk__scan_version(const char *s, uint32_t version[3])
{
    for (int i = 0; i < 3; i++) {
        const char *digits = s;
        if (!husk__scan_number(&s, 1000000, &version[i]) || (*digits == '0' && s - digits > 1))
            return false;
        if (i < 2 && *s++ != '.')
            return false;
    }
    for (int part = 0; part < 2; part++) {
        if (*s != "-+"[part])
            continue;
        do {
            const char *from = ++s, *end = from + strspn(from, "0123456789");
            if (part == 0 && *from == '0' && end - from > 1 && strchr(".+", *end)) /* strchr: or the end */
                return false;
            while ((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                   *s == '-')
                s++;
            if (s == from)
                return false;
        } while (*s == '.');
    }
    return *s == '\0';
}

static void husk__check_version(struct husk__report *r, const char *version)
{
    const struct husk__at *at = HUSK__IN(NULL, "ociVersion");
    uint32_t v[3], newest[3];

    if (version == NULL)
        return;
    if (!husk__scan_version(version, v) || !husk__scan_version(HUSK_OCI_VERSION, newest))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "expected a semantic version, got %s",
                       HUSK__SHOW(version));
    else if (v[0] != newest[0] || v[1] > newest[1])
        husk__complain(r, HUSK_DIAG_VERSION, at,
                       "expected a version from " HUSK_OCI_VERSION_MIN " to %u.%u, got %s", newest[0],
                       newest[1], HUSK__SHOW(version));
}

/* The kernel's bounds: runtimes are counted in units of 1024 ns, and the times are signed there; sched_setattr(2). */
static bool husk__is_deadline(const struct husk_scheduler *s)
{
    uint64_t period = s->period_nsec ? s->period_nsec : s->deadline_nsec;

    return s->runtime_nsec >= 1024 && s->runtime_nsec <= s->deadline_nsec && s->deadline_nsec <= period &&
           period <= INT64_MAX;
}

static void husk__check_scheduler(struct husk__report *r, const struct husk__at *at,
                                  const struct husk_scheduler *s)
{
    enum { FIFO = 1, RR = 2, DEADLINE = 6 }; /* of names.h */
    bool realtime = s->policy == FIFO || s->policy == RR;
    const char *policy = husk_name_of(HUSK_TABLE_SCHED_POLICY, s->policy);

    if (policy == NULL) {
        policy = "this policy";
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "policy"), "unknown scheduler policy %u", s->policy);
    }
    if (realtime ? s->priority < 1 || s->priority > 99 : s->priority != 0)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "priority"), "%s takes %s, got %d", policy,
                       realtime ? "a priority from 1 to 99" : "no priority", (int)s->priority);
    if (s->nice < -20 || s->nice > 19)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "nice"), "expected -20 to 19, got %d",
                       (int)s->nice);
    if (s->policy != DEADLINE && (s->runtime_nsec || s->deadline_nsec || s->period_nsec))
        husk__complain(r, HUSK_DIAG_CONFLICT, at, "runtime, deadline and period are for SCHED_DEADLINE, not %s",
                       policy);
    if (s->policy == DEADLINE && !husk__is_deadline(s))
        husk__complain(r, HUSK_DIAG_CONFLICT, at,
                       "SCHED_DEADLINE needs 1024 <= runtime <= deadline <= period < 2^63");
}

static void husk__check_io_priority(struct husk__report *r, const struct husk__at *at, const struct husk_process *p)
{
    enum { IDLE = 3 }; /* of names.h; the kernel has one level of it */

    if (husk_name_of(HUSK_TABLE_IOPRIO_CLASS, p->io_priority.class_) == NULL)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "class"), "unknown I/O priority class %u",
                       p->io_priority.class_);
    else if (!p->io_priority.priority.set && p->io_priority.class_ != IDLE)
        husk__complain(r, HUSK_DIAG_MISSING, HUSK__IN(at, "priority"), "a priority from 0 to 7 is needed");
    if (p->io_priority.priority.v > 7)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "priority"), "expected 0 to 7, got %u",
                       p->io_priority.priority.v);
}

static void husk__check_env(struct husk__report *r, const struct husk__at *at, struct husk_strs env)
{
    for (uint32_t i = 0; i < env.n; i++)
        if (strchr(env.v[i], '=') == NULL || env.v[i][0] == '=')
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__NTH(at, i), "expected NAME=value, got %s",
                           HUSK__SHOW(env.v[i]));
}

static void husk__check_rlimits(struct husk__report *r, const struct husk__at *at, struct husk_rlimits limits)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < limits.n; i++) {
        const struct husk_rlimit *l = &limits.v[i];
        const struct husk__at *place = HUSK__NTH(at, i);
        uint64_t bit = UINT64_C(1) << (l->type & 63);
        const char *name = husk_name_of(HUSK_TABLE_RLIMIT, l->type);
        if (name == NULL)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(place, "type"), "unknown resource limit %u",
                           l->type);
        else if (seen & bit)
            husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(place, "type"), "%s is given twice", name);
        seen |= bit;
        if (l->soft > l->hard)
            husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(place, "soft"), "greater than hard: %llu > %llu",
                           (unsigned long long)l->soft, (unsigned long long)l->hard);
    }
}

static void husk__check_process(struct husk__report *r, const struct husk__at *at,
                                const struct husk_process *p)
{
    const struct husk__at *user = HUSK__IN(at, "user"), *affinity = HUSK__IN(at, "execCPUAffinity");
    const char *const lists[] = { p->exec_cpu_affinity.initial, p->exec_cpu_affinity.final };
    static const char *const names[] = { "initial", "final" };
    struct husk_bits bits;

    if (p->args.n == 0)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "args"), "must not be empty");
    husk__want_absolute(r, HUSK__IN(at, "cwd"), p->cwd);
    husk__check_env(r, HUSK__IN(at, "env"), p->env);
    /* For setresuid(2) this id means "do not change": the program would keep root. */
    if (p->user.uid == UINT32_MAX || p->user.gid == UINT32_MAX)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(user, p->user.uid == UINT32_MAX ? "uid" : "gid"),
                       "4294967295 is no id");
    husk__check_rlimits(r, HUSK__IN(at, "rlimits"), p->rlimits);
    if (p->scheduler.set)
        husk__check_scheduler(r, HUSK__IN(at, "scheduler"), &p->scheduler);
    if (p->io_priority.set)
        husk__check_io_priority(r, HUSK__IN(at, "ioPriority"), p);
    for (size_t i = 0; i < HUSK_COUNT(lists); i++)
        if (lists[i] != NULL && !husk_list_bits(lists[i], &bits))
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(affinity, names[i]),
                           "expected a list such as 0-3,7, got %s", HUSK__SHOW(lists[i]));
}

static void husk__check_hooks(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk__at *hooks = HUSK__IN(NULL, "hooks");

    for (int kind = 0; kind < HUSK_HOOK_KINDS; kind++) {
        const struct husk__at *at = HUSK__IN(hooks, husk_hook_kind_name((enum husk_hook_kind)kind));
        for (uint32_t i = 0; i < spec->hooks[kind].n; i++) {
            const struct husk_hook *h = &spec->hooks[kind].v[i];
            const struct husk__at *place = HUSK__NTH(at, i);
            husk__want_absolute(r, HUSK__IN(place, "path"), h->path);
            husk__check_env(r, HUSK__IN(place, "env"), h->env);
            if (h->timeout_sec.set && h->timeout_sec.v == 0)
                husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(place, "timeout"), "must be greater than 0");
        }
    }
}

/* Only what lxcfs and the engines put there: anything else in /proc could fool the runtime itself, which
 * writes labels and sysctls through it. `path` is clean. */
static void husk__check_proc_mount(struct husk__report *r, const struct husk__at *at,
                                   const struct husk_mount *m, const char *path)
{
    static const char *const allowed[] = {
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
        "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
    };
    char source[HUSK__PATH_MAX];

    if (strncmp(path, "/proc", 5) != 0 || (path[5] != '\0' && path[5] != '/'))
        return;
    for (size_t i = 0; path[5] == '/' && i < HUSK_COUNT(allowed); i++)
        if (strcmp(path + 6, allowed[i]) == 0)
            return;
    if (path[5] == '/')
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "destination"),
                       "nothing may be mounted on this place in /proc: %s", HUSK__SHOW(path));
    else if (m->flags_set & MS_BIND
                 ? !m->source || !husk__clean_path(m->source, source) || strcmp(source, "/proc") != 0
                 : !m->type || strcmp(m->type, "proc") != 0)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "destination"),
                       "only procfs may be mounted on /proc");
}

static void husk__check_idmaps(struct husk__report *r, const struct husk__at *at, struct husk_idmaps maps)
{
    if (maps.n > HUSK__IDMAP_MAX) {
        husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "more than %u mappings", HUSK__IDMAP_MAX);
        return;
    }
    for (uint32_t i = 0; i < maps.n; i++) {
        const struct husk_idmap *a = &maps.v[i];
        if (a->size == 0 || a->size > UINT32_MAX - a->container_id || a->size > UINT32_MAX - a->host_id) {
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(HUSK__NTH(at, i), "size"),
                           "%u ids from %u and from %u leave the range of ids", a->size, a->container_id,
                           a->host_id);
            continue;
        }
        for (uint32_t k = 0; k < i; k++) {
            const struct husk_idmap *b = &maps.v[k];
            if ((a->container_id < b->container_id + b->size &&
                 b->container_id < a->container_id + a->size) ||
                (a->host_id < b->host_id + b->size && b->host_id < a->host_id + a->size)) {
                husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__NTH(at, i), "overlaps mapping %u", k);
                break;
            }
        }
    }
}

static void husk__check_mount(struct husk__report *r, const struct husk__at *at, const struct husk_mount *m,
                              bool user_namespace)
{
    bool bind = (m->flags_set & MS_BIND) != 0;
    char path[HUSK__PATH_MAX];

    if (m->destination == NULL || m->destination[0] == '\0')
        husk__complain(r, HUSK_DIAG_MISSING, HUSK__IN(at, "destination"), "required member is missing");
    else if (!husk__clean_path(m->destination, path))
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "destination"), "longer than %u bytes",
                       HUSK__PATH_MAX - 2);
    else if (strcmp(path, "/") == 0)
        husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(at, "destination"), "nothing may be mounted on /");
    else
        husk__check_proc_mount(r, at, m, path);

    if (bind && (m->source == NULL || m->source[0] == '\0'))
        husk__complain(r, HUSK_DIAG_MISSING, HUSK__IN(at, "source"), "a bind mount needs a source");
    if (!bind && m->type != NULL && strcmp(m->type, "bind") == 0)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "type"),
                       "type bind means nothing without the option bind or rbind");
    if (!bind && !(m->flags_set & MS_REMOUNT) && (m->type == NULL || m->type[0] == '\0'))
        husk__complain(r, HUSK_DIAG_MISSING, HUSK__IN(at, "type"),
                       "a mount that is no bind mount needs a type");
    if (m->tmpcopyup &&
        (m->flags_set & (MS_BIND | MS_REMOUNT) || m->type == NULL || strcmp(m->type, "tmpfs") != 0))
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "options"), "tmpcopyup is for a new mount of type tmpfs");

    husk__check_idmaps(r, HUSK__IN(at, "uidMappings"), m->uid_mappings);
    husk__check_idmaps(r, HUSK__IN(at, "gidMappings"), m->gid_mappings);
    if ((m->uid_mappings.n == 0) != (m->gid_mappings.n == 0))
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, m->uid_mappings.n ? "gidMappings" : "uidMappings"),
                       "uidMappings and gidMappings come together");
    else if ((m->idmap || m->ridmap) && m->uid_mappings.n == 0 && !user_namespace)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "options"),
                       "idmap needs uidMappings and gidMappings, or a user namespace");
}

static const struct husk__at husk__linux_at = { NULL, "linux", 0 };

/* Is a namespace of that type made or joined? */
static bool husk__has_namespace(const struct husk_spec *spec, uint64_t type)
{
    return husk_spec_namespace(spec, type) != NULL;
}

static bool husk__has_new_namespace(const struct husk_spec *spec, uint64_t type)
{
    const struct husk_namespace *ns = husk_spec_namespace(spec, type);

    return ns != NULL && ns->path == NULL;
}

static void husk__check_namespaces(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk__at *at = HUSK__IN(&husk__linux_at, "namespaces");
    uint64_t seen = 0;

    for (uint32_t i = 0; i < spec->linux_.namespaces.n; i++) {
        const struct husk_namespace *ns = &spec->linux_.namespaces.v[i];
        const struct husk__at *place = HUSK__NTH(at, i);
        const char *name = husk_name_of(HUSK_TABLE_NAMESPACE, ns->type);
        if (name == NULL)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, HUSK__IN(place, "type"), "unknown namespace type");
        else if (seen & ns->type)
            husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(place, "type"), "the %s namespace is given twice",
                           name);
        seen |= ns->type;
        if (ns->path != NULL)
            husk__want_absolute(r, HUSK__IN(place, "path"), ns->path);
    }
}

static bool husk__is_mapped(struct husk_idmaps maps, uint32_t id)
{
    for (uint32_t i = 0; i < maps.n; i++)
        if (id >= maps.v[i].container_id && id - maps.v[i].container_id < maps.v[i].size)
            return true;
    return false;
}

/* With a new user namespace the ids of the process must be among its mappings. */
static void husk__check_mapped_user(struct husk__report *r, const struct husk_user *user,
                                    const struct husk_linux *linux_)
{
    const struct husk__at *process = HUSK__IN(NULL, "process"), *at = HUSK__IN(process, "user");
    const struct husk__at *gids = HUSK__IN(at, "additionalGids");

    if (!husk__is_mapped(linux_->uid_mappings, user->uid))
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "uid"), "%u is not in linux.uidMappings",
                       user->uid);
    if (!husk__is_mapped(linux_->gid_mappings, user->gid))
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(at, "gid"), "%u is not in linux.gidMappings",
                       user->gid);
    for (uint32_t i = 0; i < user->additional_gids.n; i++)
        if (!husk__is_mapped(linux_->gid_mappings, user->additional_gids.v[i]))
            husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__NTH(gids, i), "%u is not in linux.gidMappings",
                           user->additional_gids.v[i]);
}

static void husk__check_mappings(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk_idmaps maps[] = { spec->linux_.uid_mappings, spec->linux_.gid_mappings };
    static const char *const names[] = { "uidMappings", "gidMappings" };
    bool any = husk__has_namespace(spec, CLONE_NEWUSER), made = husk__has_new_namespace(spec, CLONE_NEWUSER);

    for (size_t i = 0; i < HUSK_COUNT(maps); i++) {
        const struct husk__at *at = HUSK__IN(&husk__linux_at, names[i]);
        husk__check_idmaps(r, at, maps[i]);
        if (!any && maps[i].n > 0)
            husk__complain(r, HUSK_DIAG_CONFLICT, at, "mappings without a user namespace");
    }
    if (made && maps[0].n > 0 && maps[1].n > 0 && spec->process != NULL)
        husk__check_mapped_user(r, &spec->process->user, &spec->linux_);
}

static void husk__check_time_offsets(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk__at *at = HUSK__IN(&husk__linux_at, "timeOffsets");

    if (spec->linux_.time_offsets.n > 0 && !husk__has_new_namespace(spec, CLONE_NEWTIME))
        husk__complain(r, HUSK_DIAG_CONFLICT, at, "offsets need a new time namespace");
    for (uint32_t i = 0; i < spec->linux_.time_offsets.n; i++)
        if (spec->linux_.time_offsets.v[i].nanosecs > 999999999)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "expected nanosecs below 1000000000, got %u",
                           spec->linux_.time_offsets.v[i].nanosecs);
}

static void husk__check_uts(struct husk__report *r, const struct husk_spec *spec)
{
    const char *const values[] = { spec->hostname, spec->domainname };
    static const char *const names[] = { "hostname", "domainname" };

    for (size_t i = 0; i < HUSK_COUNT(values); i++) {
        const struct husk__at *at = HUSK__IN(NULL, names[i]);
        if (values[i] == NULL)
            continue;
        if (!husk__has_namespace(spec, CLONE_NEWUTS))
            husk__complain(r, HUSK_DIAG_CONFLICT, at, "%s without a uts namespace", names[i]);
        if (strlen(values[i]) > 64)
            husk__complain(r, HUSK_DIAG_BAD_VALUE, at, "longer than 64 bytes");
    }
}

/* Without a mount namespace of its own the container would change the mounts of the host. */
static void husk__check_mounts(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk_strs lists[] = { spec->linux_.masked_paths, spec->linux_.readonly_paths };
    static const char *const names[] = { "maskedPaths", "readonlyPaths" };
    const struct husk__at *mounts = HUSK__IN(NULL, "mounts"), *root = HUSK__IN(NULL, "root");
    bool has_namespace = husk__has_namespace(spec, CLONE_NEWNS),
         user = husk__has_namespace(spec, CLONE_NEWUSER);

    for (uint32_t i = 0; i < spec->mounts.n; i++)
        husk__check_mount(r, HUSK__NTH(mounts, i), &spec->mounts.v[i], user);
    if (!has_namespace && spec->mounts.n > 0)
        husk__complain(r, HUSK_DIAG_CONFLICT, mounts, "mounts without a mount namespace");
    if (!has_namespace && spec->root.readonly)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(root, "readonly"),
                       "read-only root without a mount namespace");
    if (!has_namespace && spec->linux_.rootfs_propagation.set)
        husk__complain(r, HUSK_DIAG_CONFLICT, HUSK__IN(&husk__linux_at, "rootfsPropagation"),
                       "rootfsPropagation without a mount namespace");
    for (size_t k = 0; k < HUSK_COUNT(lists); k++) {
        const struct husk__at *at = HUSK__IN(&husk__linux_at, names[k]);
        if (!has_namespace && lists[k].n > 0)
            husk__complain(r, HUSK_DIAG_CONFLICT, at, "%s without a mount namespace", names[k]);
        for (uint32_t i = 0; i < lists[k].n; i++)
            husk__want_absolute(r, HUSK__NTH(at, i), lists[k].v[i]);
    }
}

#include "husk/impl/spec_check_linux.h"

static void husk__check_spec(struct husk__report *r, const struct husk_spec *spec)
{
    const struct husk__at *annotations = HUSK__IN(NULL, "annotations");

    husk__check_version(r, spec->oci_version);
    if (spec->process != NULL)
        husk__check_process(r, HUSK__IN(NULL, "process"), spec->process);
    husk__check_uts(r, spec);
    husk__check_mounts(r, spec);
    husk__check_hooks(r, spec);
    for (uint32_t i = 0; i < spec->annotations.n; i++)
        if (spec->annotations.v[i].name[0] == '\0')
            husk__complain(r, HUSK_DIAG_BAD_VALUE, annotations, "an annotation without a name");
    husk__check_namespaces(r, spec);
    husk__check_mappings(r, spec);
    husk__check_time_offsets(r, spec);
    husk__check_linux(r, spec);
}

HUSK_API int husk_spec_check(const struct husk_spec *spec, struct husk_arena *arena, struct husk_errs *all,
                             struct husk_err *err)
{
    struct husk__report r = { .arena = arena, .all = all, .err = err };

    if (all != NULL)
        memset(all, 0, sizeof *all);
    husk__check_spec(&r, spec);
    return r.code;
}
#endif
