/* features.c - the command `features`: what this build understands, from the tables that the parser uses.
 * Specification: features.md and features-linux.md. */
#include "cli.h"

#include <string.h>

static void put_table(struct husk_json_out *o, const char *key, enum husk_table table)
{
    husk_json_begin(o, key, '[');
    for (const struct husk_name *n = husk_table(table); n->name != NULL; n++)
        husk_json_put_str(o, NULL, n->name);
    husk_json_end(o, ']');
}

static void put_enabled(struct husk_json_out *o, const char *key, bool enabled)
{
    husk_json_begin(o, key, '{');
    husk_json_put_bool(o, "enabled", enabled);
    husk_json_end(o, '}');
}

static void put_mount_options(struct husk_json_out *o)
{
    husk_json_begin(o, "mountOptions", '[');
    for (const struct husk_mount_option *m = husk_mount_options(); m->name != NULL; m++)
        husk_json_put_str(o, NULL, m->name);
    husk_json_end(o, ']');
}

/* The flags of the parser's table that this machine's kernel takes. */
static void put_filter_flags(struct husk_json_out *o, const struct husk_host *host)
{
    static const struct {
        const char *flag;
        enum husk_feature feature;
    } needs[] = {
        {"SECCOMP_FILTER_FLAG_TSYNC", HUSK_FEATURE_SECCOMP_FILTER},
        {"SECCOMP_FILTER_FLAG_LOG", HUSK_FEATURE_SECCOMP_LOG},
        {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", HUSK_FEATURE_SECCOMP_SPEC_ALLOW},
        {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", HUSK_FEATURE_SECCOMP_WAIT_KILLABLE},
    };

    husk_json_begin(o, "supportedFlags", '[');
    for (const struct husk_name *n = husk_table(HUSK_TABLE_SECCOMP_FLAG); n->name != NULL; n++) {
        bool works = false;

        for (size_t i = 0; i < HUSK_COUNT(needs); i++)
            works = works || (strcmp(needs[i].flag, n->name) == 0 && host->features[needs[i].feature]);
        if (works)
            husk_json_put_str(o, NULL, n->name);
    }
    husk_json_end(o, ']');
}

/* The architectures of the parser's table that a profile can name: a library may be older than the table. */
static void put_archs(struct husk_json_out *o, const struct husk_seccomp_backend *b)
{
    husk_json_begin(o, "archs", '[');
    for (const struct husk_name *n = husk_table(HUSK_TABLE_SECCOMP_ARCH); n->name != NULL; n++)
        if (!HUSK_HAS(b, knows_arch) || b->knows_arch((uint32_t)n->value))
            husk_json_put_str(o, NULL, n->name);
    husk_json_end(o, ']');
}

static void put_seccomp(struct husk_json_out *o, const struct husk_host *host)
{
    bool enabled = husk_backends_default.seccomp != NULL && husk_backends_default.seccomp[0] != NULL;

    husk_json_begin(o, "seccomp", '{');
    husk_json_put_bool(o, "enabled", enabled);
    if (enabled) {
        put_table(o, "actions", HUSK_TABLE_SECCOMP_ACTION);
        put_table(o, "operators", HUSK_TABLE_SECCOMP_OP);
        put_archs(o, husk_backends_default.seccomp[0]);
        put_table(o, "knownFlags", HUSK_TABLE_SECCOMP_FLAG);
        put_filter_flags(o, host);
    }
    husk_json_end(o, '}');
}

static bool has_cgroup(const struct husk_cgroup_backend *wanted)
{
    const struct husk_cgroup_backend *const *b = husk_backends_default.cgroup;

    while (b != NULL && *b != NULL && *b != wanted)
        b++;
    return b != NULL && *b != NULL;
}

/* Is there a backend for the label that this member of a configuration asks for? */
static bool has_lsm(const char *at)
{
    const struct husk_lsm_backend *const *b = husk_backends_default.lsm;

    while (b != NULL && *b != NULL && strcmp((*b)->at, at) != 0)
        b++;
    return b != NULL && *b != NULL;
}

/* Of the build, not of this machine. */
static void put_linux(struct husk_json_out *o, const struct husk_host *host)
{
    husk_json_begin(o, "linux", '{');
    put_table(o, "namespaces", HUSK_TABLE_NAMESPACE);
    put_table(o, "capabilities", HUSK_TABLE_CAPABILITY);
    husk_json_begin(o, "cgroup", '{');
    husk_json_put_bool(o, "v1", has_cgroup(&husk_cgroup_v1));
    husk_json_put_bool(o, "v2", has_cgroup(&husk_cgroup_v2));
    husk_json_put_bool(o, "systemd", false);
    husk_json_put_bool(o, "systemdUser", false);
    husk_json_put_bool(o, "rdma", true);
    husk_json_end(o, '}');
    put_seccomp(o, host);
    put_enabled(o, "apparmor", has_lsm("/process/apparmorProfile"));
    put_enabled(o, "selinux", has_lsm("/process/selinuxLabel"));
    husk_json_begin(o, "memoryPolicy", '{');
    put_table(o, "modes", HUSK_TABLE_MEMPOLICY_MODE);
    put_table(o, "flags", HUSK_TABLE_MEMPOLICY_FLAG);
    husk_json_end(o, '}');
    husk_json_begin(o, "intelRdt", '{');
    husk_json_put_bool(o, "enabled", true);
    husk_json_put_bool(o, "schemata", true);
    husk_json_put_bool(o, "monitoring", true);
    husk_json_end(o, '}');
    husk_json_begin(o, "mountExtensions", '{');
    put_enabled(o, "idmap", true);
    husk_json_end(o, '}');
    put_enabled(o, "netDevices", true);
    husk_json_end(o, '}');
}

int command_features(struct cli *c)
{
    struct husk_text text = {.arena = &c->arena};
    struct husk_json_out o = {.text = &text, .indent = "    "};
    struct husk_host host;
    struct husk_err err;

    if (husk_host_probe(&host, &c->arena, &err) != 0)
        return fail(c, &err);
    husk_json_begin(&o, NULL, '{');
    husk_json_put_str(&o, "ociVersionMin", HUSK_OCI_VERSION_MIN);
    husk_json_put_str(&o, "ociVersionMax", HUSK_OCI_VERSION);
    husk_json_begin(&o, "hooks", '[');
    for (int kind = 0; kind < HUSK_HOOK_KINDS; kind++)
        husk_json_put_str(&o, NULL, husk_hook_kind_name((enum husk_hook_kind)kind));
    husk_json_end(&o, ']');
    put_mount_options(&o);
    put_linux(&o, &host);
    husk_json_begin(&o, "annotations", '{');
    husk_json_put_str(&o, "husk.version", HUSK_VERSION);
    husk_json_put_str(&o, "husk.build.cjson", HUSK_WITH_CJSON ? "true" : "false");
    husk_json_put_str(&o, "husk.build.seccomp", HUSK_WITH_SECCOMP ? "true" : "false");
    husk_json_put_str(&o, "husk.build.bpf", HUSK_WITH_BPF ? "true" : "false");
    husk_json_put_str(&o, "org.opencontainers.runc.checkpoint.enabled",
                      "false"); /* podman and buildah ask for this one */
    husk_json_end(&o, '}');
    husk_json_begin(&o, "potentiallyUnsafeConfigAnnotations", '['); /* those that husk obeys */
    husk_json_put_str(&o, NULL, "run.oci.keep_original_groups");
    husk_json_end(&o, ']');
    husk_json_end(&o, '}');
    husk_text_str(&text, "\n");
    print_text(&text);
    return 0;
}
