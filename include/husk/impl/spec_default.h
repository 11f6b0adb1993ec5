/* husk/impl/spec_default.h - the configuration that `husk spec` writes. Included by spec.h, never alone. */
#ifndef HUSK_SPEC_DEFAULT_H
#define HUSK_SPEC_DEFAULT_H

static void husk__default_strs(struct husk_json_out *o, const char *key, const char *const *strs)
{
    husk_json_begin(o, key, '[');
    for (; *strs != NULL; strs++)
        husk_json_put_str(o, NULL, *strs);
    husk_json_end(o, ']');
}

static void husk__default_process(struct husk_json_out *o)
{
    static const char *const args[] = { "sh", NULL };
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL
    };
    static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL };
    /* Not inheritable and ambient: a program that is no longer root would get them back. */
    static const char *const sets[] = { "bounding", "effective", "permitted" };

    husk_json_begin(o, "process", '{');
    husk_json_put_bool(o, "terminal", true);
    husk_json_begin(o, "user", '{');
    husk_json_put_u64(o, "uid", 0);
    husk_json_put_u64(o, "gid", 0);
    husk_json_end(o, '}');
    husk__default_strs(o, "args", args);
    husk__default_strs(o, "env", env);
    husk_json_put_str(o, "cwd", "/");
    husk_json_begin(o, "capabilities", '{');
    for (size_t i = 0; i < HUSK_COUNT(sets); i++)
        husk__default_strs(o, sets[i], caps);
    husk_json_end(o, '}');
    husk_json_begin(o, "rlimits", '[');
    husk_json_begin(o, NULL, '{');
    husk_json_put_str(o, "type", "RLIMIT_NOFILE");
    husk_json_put_u64(o, "hard", 1024);
    husk_json_put_u64(o, "soft", 1024);
    husk_json_end(o, '}');
    husk_json_end(o, ']');
    husk_json_put_bool(o, "noNewPrivileges", true);
    husk_json_end(o, '}');
}

static void husk__default_mounts(struct husk_json_out *o, bool rootless)
{
    enum { ALWAYS, ROOT, ROOTLESS };
    static const struct { int when; const char *destination, *type, *source, *options[8]; } mounts[] = {
        { ALWAYS, "/proc", "proc", "proc", { NULL } },
        { ALWAYS, "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
        { ROOT, "/dev/pts", "devpts", "devpts",
          { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
        { ROOTLESS, "/dev/pts", "devpts", "devpts", /* group 5 is not mapped */
          { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
        { ALWAYS, "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
        { ALWAYS, "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
        { ROOT, "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
        { ROOTLESS, "/sys", "none", "/sys", /* sysfs needs a network namespace of one's own */
          { "rbind", "nosuid", "noexec", "nodev", "ro" } },
        { ALWAYS, "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
    };

    husk_json_begin(o, "mounts", '[');
    for (size_t i = 0; i < HUSK_COUNT(mounts); i++) {
        if (mounts[i].when == (rootless ? ROOT : ROOTLESS))
            continue;
        husk_json_begin(o, NULL, '{');
        husk_json_put_str(o, "destination", mounts[i].destination);
        husk_json_put_str(o, "type", mounts[i].type);
        husk_json_put_str(o, "source", mounts[i].source);
        if (mounts[i].options[0] != NULL)
            husk__default_strs(o, "options", mounts[i].options);
        husk_json_end(o, '}');
    }
    husk_json_end(o, ']');
}

static void husk__default_mapping(struct husk_json_out *o, const char *key, uint32_t host_id)
{
    husk_json_begin(o, key, '[');
    husk_json_begin(o, NULL, '{');
    husk_json_put_u64(o, "containerID", 0);
    husk_json_put_u64(o, "hostID", host_id);
    husk_json_put_u64(o, "size", 1);
    husk_json_end(o, '}');
    husk_json_end(o, ']');
}

static void husk__default_linux(struct husk_json_out *o, bool rootless, uint32_t uid, uint32_t gid,
                                bool cgroup_namespace)
{
    const struct { const char *type; bool wanted; } namespaces[] = {
        { "pid", true }, { "network", !rootless }, { "ipc", true },     { "uts", true },
        { "mount", true }, { "user", rootless },   { "cgroup", cgroup_namespace },
    };
    static const char *const masked[] = {
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi", NULL
    };
    static const char *const readonly[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL
    };

    husk_json_begin(o, "linux", '{');
    if (rootless) {
        husk__default_mapping(o, "uidMappings", uid);
        husk__default_mapping(o, "gidMappings", gid);
    } else {
        husk_json_begin(o, "resources", '{');
        husk_json_begin(o, "devices", '[');
        husk_json_begin(o, NULL, '{');
        husk_json_put_bool(o, "allow", false);
        husk_json_put_str(o, "access", "rwm");
        husk_json_end(o, '}');
        husk_json_end(o, ']');
        husk_json_end(o, '}');
    }
    husk_json_begin(o, "namespaces", '[');
    for (size_t i = 0; i < HUSK_COUNT(namespaces); i++) {
        if (!namespaces[i].wanted)
            continue;
        husk_json_begin(o, NULL, '{');
        husk_json_put_str(o, "type", namespaces[i].type);
        husk_json_end(o, '}');
    }
    husk_json_end(o, ']');
    husk__default_strs(o, "maskedPaths", masked);
    husk__default_strs(o, "readonlyPaths", readonly);
    husk_json_end(o, '}');
}

HUSK_API void husk_spec_default(struct husk_text *out, bool rootless, uint32_t uid, uint32_t gid,
                                bool cgroup_namespace)
{
    struct husk_json_out o = { .text = out, .indent = "\t" };

    husk_json_begin(&o, NULL, '{');
    husk_json_put_str(&o, "ociVersion", HUSK_OCI_VERSION);
    husk__default_process(&o);
    husk_json_begin(&o, "root", '{');
    husk_json_put_str(&o, "path", "rootfs");
    husk_json_put_bool(&o, "readonly", true);
    husk_json_end(&o, '}');
    husk_json_put_str(&o, "hostname", "husk");
    husk__default_mounts(&o, rootless);
    husk__default_linux(&o, rootless, uid, gid, cgroup_namespace);
    husk_json_end(&o, '}');
}
#endif
