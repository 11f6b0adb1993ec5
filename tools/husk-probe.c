/* husk-probe - what husk knows about a machine, as JSON to save or as lines to read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "husk/host.h"
#include "husk/names.h"

static const char usage[] =
    "Usage: husk-probe [--explain] [FILE]\n"
    "\n"
    "Print the facts about this host that plans are made from, as JSON. `husk plan --host` reads them.\n"
    "With FILE, which may be -, take facts recorded elsewhere instead of probing.\n"
    "\n"
    "  -e, --explain  print lines for people: what is there, what is not, and what it would need\n"
    "  -h, --help     print this\n";

/* What a missing feature needs, in the order of HUSK_FEATURES. */
static const char *const needs[HUSK_FEATURE_COUNT] = {
    [HUSK_FEATURE_CLONE3] = "Linux 5.3, and no seccomp filter that hides it",
    [HUSK_FEATURE_CLONE_INTO_CGROUP] = "Linux 5.7 and a mounted cgroup2",
    [HUSK_FEATURE_OPENAT2] = "Linux 5.6",
    [HUSK_FEATURE_PIDFD] = "Linux 5.3",
    [HUSK_FEATURE_CLOSE_RANGE] = "Linux 5.11",
    [HUSK_FEATURE_OPEN_TREE] = "Linux 5.2",
    [HUSK_FEATURE_MOUNT_SETATTR] = "Linux 5.12",
    [HUSK_FEATURE_MOUNT_IDMAP] = "Linux 5.12",
    [HUSK_FEATURE_CGROUP_KILL] = "Linux 5.14 and a mounted cgroup2",
    [HUSK_FEATURE_CGROUP_FREEZE] = "Linux 5.2 and a mounted cgroup2",
    [HUSK_FEATURE_BPF_CGROUP_DEVICE] =
        "Linux 4.15, CONFIG_CGROUP_BPF, and root's rights outside of user namespaces",
    [HUSK_FEATURE_SECCOMP_FILTER] = "CONFIG_SECCOMP_FILTER",
    [HUSK_FEATURE_SECCOMP_LOG] = "Linux 4.14",
    [HUSK_FEATURE_SECCOMP_SPEC_ALLOW] = "Linux 4.17",
    [HUSK_FEATURE_SECCOMP_LISTENER] = "Linux 5.0",
    [HUSK_FEATURE_SECCOMP_WAIT_KILLABLE] = "Linux 5.19",
    [HUSK_FEATURE_NOSYMFOLLOW] = "Linux 5.10",
    [HUSK_FEATURE_MEMFD] = "Linux 3.17",
    [HUSK_FEATURE_KCORE] = "CONFIG_PROC_KCORE",
    [HUSK_FEATURE_NUMA] = "CONFIG_NUMA",
    [HUSK_FEATURE_KEYRINGS] = "CONFIG_KEYS",
    [HUSK_FEATURE_APPARMOR] = "CONFIG_SECURITY_APPARMOR, and apparmor in the kernel's list of LSMs",
    [HUSK_FEATURE_SELINUX] = "a loaded SELinux policy and a mounted selinuxfs",
    [HUSK_FEATURE_RESCTRL] = "a processor with resource control, CONFIG_X86_CPU_RESCTRL, and the mount",
    [HUSK_FEATURE_SYSTEMD] = "systemd as the first process",
    [HUSK_FEATURE_BFQ] = "CONFIG_BFQ_GROUP_IOSCHED",
    [HUSK_FEATURE_PIDFD_GETFD] = "Linux 5.6",
};

/* Controllers that a configuration can ask for, and the versions of cgroup that have them; 3 is both. */
static const struct {
    const char *name;
    uint32_t versions;
} controllers[] = {
    { "cpu", 3 },     { "cpuacct", 1 },  { "cpuset", 3 },  { "memory", 3 },  { "pids", 3 },
    { "blkio", 1 },   { "io", 2 },       { "devices", 3 }, { "freezer", 3 }, { "hugetlb", 3 },
    { "net_cls", 1 }, { "net_prio", 1 }, { "rdma", 3 },    { "misc", 3 },
};

static const char *text_of_feature(size_t i)
{
    static const char *const texts[] = {
#define X(id, name, text) text,
        HUSK_FEATURES(X)
#undef X
    };
    return texts[i];
}

static void explain_caller(const struct husk_host *host)
{
    const struct husk_name *ns;
    uint32_t i;

    printf("%s, Linux %s\n", host->machine, host->release);
    printf("caller: uid %" PRIu32 ", gid %" PRIu32 ", in %s user namespace\n", host->euid, host->egid,
           host->in_userns ? "a child" : "the initial");
    printf("capabilities:");
    if (host->caps_effective == 0)
        printf(" none");
    else
        printf(" all");
    for (i = 0; i <= host->cap_last && host->caps_effective != 0; i++) {
        const char *name = husk_name_of(HUSK_TABLE_CAPABILITY, i);
        if (!husk_host_has_cap(host, i))
            printf(" but %s", name ? name : "(one without a name)");
    }
    printf("\nnamespaces:");
    for (ns = husk_table(HUSK_TABLE_NAMESPACE); ns->name != NULL; ns++)
        printf(" %s%s", host->namespaces & ns->value ? "" : "no ", ns->name);
    printf("\nsubordinate ids: ");
    if (host->subuids.n == 0 || host->subgids.n == 0)
        printf("none for this user in /etc/subuid and /etc/subgid%s\n",
               host->euid ? ": a user namespace can map only the caller's own ids" : "");
    else
        printf("%" PRIu32 " uids, %" PRIu32 " gids from the first range on; newuidmap %s, newgidmap %s\n",
               host->subuids.v[0].count, host->subgids.v[0].count,
               host->newuidmap ? host->newuidmap : "is not in PATH",
               host->newgidmap ? host->newgidmap : "is not in PATH");
}

static void explain_controller(const struct husk_host *host, const char *name, uint32_t versions)
{
    int at = husk_host_controller(host, name);
    const struct husk_hierarchy *h = at < 0 ? NULL : &host->hierarchies[at];
    const char *root = NULL;
    uint32_t i, seen = 0;

    for (i = 0; i < host->n_hierarchies; i++) {
        seen |= host->hierarchies[i].version;
        if (host->hierarchies[i].version == 2)
            root = host->hierarchies[i].mountpoint;
    }
    printf("  %-3s %-12s ", h ? "yes" : "no", name);
    if (h != NULL)
        printf("cgroup v%" PRIu32 " at %s%s%s\n", h->version, h->mountpoint,
               h->delegated ? ", delegated around " : "",
               !h->writable   ? ", not writable"
               : h->delegated ? h->own_path
                              : "");
    else if (seen == 0)
        printf("no cgroup hierarchy is mounted\n");
    else if ((seen & versions) == 0)
        printf("only cgroup v%" PRIu32 " has it\n", versions);
    else if ((versions & 2) && root != NULL)
        printf("no v1 hierarchy has it, and cgroup.controllers of %s does not list it\n", root);
    else
        printf("no mounted v1 hierarchy has it\n");
}

static void explain(const struct husk_host *host)
{
    size_t i;

    explain_caller(host);
    printf("\ncgroup controllers:\n");
    for (i = 0; i < HUSK_COUNT(controllers); i++)
        explain_controller(host, controllers[i].name, controllers[i].versions);
    printf("\nfeatures:\n");
    for (i = 0; i < HUSK_FEATURE_COUNT; i++)
        printf("  %-3s %-22s %s%s%s\n", host->features[i] ? "yes" : "no",
               husk_feature_name((enum husk_feature)i), text_of_feature(i),
               host->features[i] ? "" : "; needs ", host->features[i] ? "" : needs[i]);
}

/* Returns 0, or -1 with errno set. */
static int read_all(const char *name, struct husk_text *text)
{
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    char part[4096];
    size_t got;
    int failed;

    if (f == NULL)
        return -1;
    while ((got = fread(part, 1, sizeof part, f)) > 0)
        husk_text_add(text, part, got);
    failed = ferror(f) ? -1 : 0;
    if (f != stdin)
        fclose(f);
    return failed;
}

static int probe(const char *file, bool lines, struct husk_arena *arena)
{
    struct husk_text in = { .arena = arena }, out = { .arena = arena };
    struct husk_err err = { 0 };
    struct husk_host host;
    int code;

    if (file != NULL && read_all(file, &in) != 0) {
        fprintf(stderr, "husk-probe: %s: %s\n", file, strerror(errno));
        return 1;
    }
    code = file ? husk_host_parse(&host, arena, in.data ? in.data : "", in.len, &err)
                : husk_host_probe(&host, arena, &err);
    if (code != HUSK_OK && err.line > 0)
        fprintf(stderr, "husk-probe: %s:%" PRIu32 ":%" PRIu32 ": %s: %s\n", file, err.line, err.column,
                err.at, err.msg);
    else if (code != HUSK_OK)
        fprintf(stderr, "husk-probe: %s: %s\n", err.at, err.msg);
    if (code != HUSK_OK)
        return 1;
    if (lines) {
        explain(&host);
    } else {
        husk_host_print(&host, &out);
        fputs(out.data ? out.data : "", stdout);
    }
    return fflush(stdout) == 0 && !arena->failed ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct husk_arena arena = { 0 };
    const char *file = NULL;
    bool lines = false;
    int i, status;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "-e") == 0 || strcmp(argv[i], "--explain") == 0) {
            lines = true;
        } else if (file == NULL && (argv[i][0] != '-' || argv[i][1] == '\0')) {
            file = argv[i];
        } else {
            fprintf(stderr, "husk-probe: unexpected argument %s\n\n%s", argv[i], usage);
            return 2;
        }
    }
    status = probe(file, lines, &arena);
    husk_arena_fini(&arena);
    return status;
}
