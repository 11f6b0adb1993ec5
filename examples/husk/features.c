/* features.c - the command `features`: what this build understands, from the tables that the parser uses.
 * Specification: features.md and features-linux.md. */
#include "cli.h"

#include <linux/seccomp.h>
#include <stdio.h>

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

/* Only what a configuration can use: what this version parses but cannot carry out is left out. */
static void put_mount_options(struct husk_json_out *o)
{
    husk_json_begin(o, "mountOptions", '[');
    for (const struct husk_mount_option *m = husk_mount_options(); m->name != NULL; m++) {
        if (m->kind != HUSK_MOPT_TMPCOPYUP && m->kind != HUSK_MOPT_IDMAP)
            husk_json_put_str(o, NULL, m->name);
    }
    husk_json_end(o, ']');
}

static void put_seccomp(struct husk_json_out *o, const struct husk_host *host)
{
    static const struct {
        uint64_t flag;
        enum husk_feature feature;
    } probed[] = {
        {SECCOMP_FILTER_FLAG_LOG, HUSK_FEATURE_SECCOMP_LOG},
        {SECCOMP_FILTER_FLAG_SPEC_ALLOW, HUSK_FEATURE_SECCOMP_SPEC_ALLOW},
    }; /* WAIT_KILLABLE_RECV goes with a listener only */

    husk_json_begin(o, "seccomp", '{');
    husk_json_put_bool(o, "enabled", HUSK_WITH_SECCOMP);
    if (HUSK_WITH_SECCOMP) {
        husk_json_begin(o, "actions", '[');
        for (const struct husk_name *n = husk_table(HUSK_TABLE_SECCOMP_ACTION); n->name != NULL; n++) {
            if (n->value != SECCOMP_RET_USER_NOTIF) /* needs listenerPath, which the plan refuses */
                husk_json_put_str(o, NULL, n->name);
        }
        husk_json_end(o, ']');
        put_table(o, "operators", HUSK_TABLE_SECCOMP_OP);
        put_table(o, "archs", HUSK_TABLE_SECCOMP_ARCH);
        put_table(o, "knownFlags", HUSK_TABLE_SECCOMP_FLAG);
        husk_json_begin(o, "supportedFlags", '[');
        for (const struct husk_name *n = husk_table(HUSK_TABLE_SECCOMP_FLAG); n->name != NULL; n++) {
            bool works = n->value == SECCOMP_FILTER_FLAG_TSYNC;

            for (size_t i = 0; i < HUSK_COUNT(probed); i++)
                works = works || (probed[i].flag == n->value && host->features[probed[i].feature]);
            if (works)
                husk_json_put_str(o, NULL, n->name);
        }
        husk_json_end(o, ']');
    }
    husk_json_end(o, '}');
}

static void put_linux(struct husk_json_out *o, const struct husk_host *host)
{
    husk_json_begin(o, "linux", '{');
    put_table(o, "namespaces", HUSK_TABLE_NAMESPACE);
    put_table(o, "capabilities", HUSK_TABLE_CAPABILITY);
    husk_json_begin(o, "cgroup", '{');
    husk_json_put_bool(o, "v1", true);
    husk_json_put_bool(o, "v2", true);
    husk_json_put_bool(o, "systemd", false);
    husk_json_put_bool(o, "systemdUser", false);
    husk_json_put_bool(o, "rdma", true);
    husk_json_end(o, '}');
    put_seccomp(o, host);
    put_enabled(o, "apparmor", false);
    put_enabled(o, "selinux", false);
    put_enabled(o, "intelRdt", false);
    husk_json_begin(o, "mountExtensions", '{');
    put_enabled(o, "idmap", false);
    husk_json_end(o, '}');
    put_enabled(o, "netDevices", false);
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
    husk_json_begin(&o, "potentiallyUnsafeConfigAnnotations", '[');
    husk_json_end(&o, ']');
    husk_json_end(&o, '}');
    husk_text_str(&text, "\n");
    print_text(&text);
    return 0;
}
