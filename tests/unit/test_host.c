/* Host facts: the readers of mountinfo, cgroup, subuid and passwd as functions of text; recorded hosts; the
 * probe itself. */
#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/wait.h>

/* The implementation, to reach its private functions. */
#define HUSK_IMPLEMENTATION
#include "husk/host.h"
#include "tap.h"

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* ---- text of the kernel ---- */

static void test_mountinfo(void)
{
    static const char text[] = "22 1 0:21 / /proc rw,relatime - proc proc rw\n"
                               "31 23 0:28 / /mnt/a\\040b\\134c\\012d rw,relatime shared:7 master:3 - tmpfs "
                               "some\\011thing rw,mode=755\n"
                               "32 31 0:29 /x /sys/fs/cgroup rw - cgroup2  rw,nsdelegate\n"
                               "33 31 0:30 / /no/separator rw,relatime shared:1 cgroup cgroup rw\n"
                               "x 31 0:30 / /no/number rw - cgroup cgroup rw\n"
                               "34 31 0:30 relative /point rw - cgroup cgroup rw\n"
                               "35\n"
                               "\n"
                               "36 31 0:30 / /last\\400\\0 rw - cgroup cgroup rw,cpu";
    struct husk_arena arena = { 0 };
    struct husk__mount *m;
    uint32_t n = husk__mounts_parse(husk_strdup(&arena, text), &arena, &m);

    tap_ok(n == 4, "mountinfo: four of nine lines are mounts, got %u", n);
    tap_ok(n > 0 && m[0].id == 22 && m[0].parent == 1 && same(m[0].type, "proc"), "mountinfo: ids and type");
    tap_ok(n > 1 && same(m[1].point, "/mnt/a b\\c\nd") && same(m[1].options, "rw,mode=755"),
           "mountinfo: escapes, tags");
    tap_ok(n > 2 && same(m[2].root, "/x") && same(m[2].type, "cgroup2") &&
               same(m[2].options, "rw,nsdelegate"),
           "mountinfo: an empty source");
    tap_ok(n > 3 && same(m[3].point, "/last\\400\\0") && same(m[3].options, "rw,cpu"),
           "mountinfo: not an escape; no newline");
    husk_arena_fini(&arena);
}

static void test_hidden(void)
{
    /* 27 lies over 1, and 24 was moved below it, as by switch_root; 40 lies over 30, 41 over the directory
     * of 31. */
    static const char text[] = "1 1 0:2 / / rw - rootfs rootfs rw\n"
                               "24 27 0:20 / /sys rw - sysfs sysfs rw\n"
                               "20 1 0:19 / /proc rw - proc proc rw\n"
                               "27 1 8:1 / / rw - ext4 /dev/sda rw\n"
                               "29 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                               "30 29 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                               "31 29 0:28 / /sys/fs/cgroup/a/memory rw - cgroup cgroup rw,memory\n"
                               "32 29 0:29 / /sys/fs/cgroup/cpus rw - cgroup cgroup rw,cpuset\n"
                               "40 30 0:40 / /sys/fs/cgroup/cpu rw - tmpfs tmpfs rw\n"
                               "41 29 0:41 / /sys/fs/cgroup/a rw - tmpfs tmpfs rw\n";
    static const bool hidden[] = { true, false, true, false, false, true, true, false, false, false };
    struct husk_arena arena = { 0 };
    struct husk__mount *m;
    uint32_t n = husk__mounts_parse(husk_strdup(&arena, text), &arena, &m), i;

    for (i = 0; i < n && i < HUSK_COUNT(hidden); i++)
        tap_ok(husk__mount_hidden(m, n, i) == hidden[i], "hidden: mount %u at %s is %s", m[i].id, m[i].point,
               hidden[i] ? "covered" : "in sight");
    tap_ok(n == HUSK_COUNT(hidden), "hidden: all lines were read");
    husk_arena_fini(&arena);
}

struct hierarchy_case {
    const char *name, *mountinfo, *cgroup;
    const char
        *want; /* for each "version mountpoint root own controllers flags own-directory;" "in place;" */
};

static const struct hierarchy_case hierarchy_cases[] = {
    { "v1, named, co-mounted, one not mounted",
      "30 1 0:1 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "31 1 0:2 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
      "4:net_cls,net_prio:/\n3:cpu,cpuacct:/a\n1:name=systemd:/user.slice/x:y\n",
      "1 /sys/fs/cgroup/cpu,cpuacct / /a cpu,cpuacct - /sys/fs/cgroup/cpu,cpuacct/a;"
      "1 /sys/fs/cgroup/systemd / /user.slice/x:y name=systemd - /sys/fs/cgroup/systemd/user.slice/x:y;" },
    { "cpu is not cpuset", "30 1 0:1 / /cpuset rw - cgroup cgroup rw,cpuset\n", "2:cpu:/\n1:cpuset:/\n",
      "1 /cpuset / / cpuset - /cpuset;" },
    { "hybrid with nsdelegate",
      "30 1 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
      "31 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n",
      "1:pids:/\n0::/init.scope\n",
      "1 /sys/fs/cgroup/pids / / pids - /sys/fs/cgroup/pids;"
      "2 /sys/fs/cgroup/unified / /init.scope  nsdelegate /sys/fs/cgroup/unified/init.scope;in "
      "/sys/fs/cgroup/unified;" },
    { "Android's cpuset",
      "30 1 0:1 / /dev/cpuset rw - cgroup none rw,cpuset,noprefix,release_agent=/sbin/x\n",
      "3:cpuset:/foreground\n0::/\n", "1 /dev/cpuset / /foreground cpuset noprefix /dev/cpuset/foreground;" },
    { "two mounts, one elsewhere and later",
      "30 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 1 0:1 / /mnt/cg rw - cgroup2 cgroup2 rw\n",
      "0::/\n", "2 /sys/fs/cgroup / /  - /sys/fs/cgroup;" },
    { "two mounts, the whole one is preferred",
      "30 1 0:1 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n31 1 0:1 /a /sys/fs/cgroup/b rw - cgroup2 c rw\n",
      "0::/\n", "2 /sys/fs/cgroup/unified / /  - /sys/fs/cgroup/unified;" },
    { "a container that sees its own cgroup only",
      "30 1 0:1 / /sys/fs/cgroup rw - cgroup2 c rw\n31 30 0:1 /docker/1 /sys/fs/cgroup rw - cgroup2 c rw\n",
      "0::/docker/1\n", "2 /sys/fs/cgroup /docker/1 /docker/1  - /sys/fs/cgroup;" },
    { "a container below its mount's root", "31 1 0:1 /docker/1 /sys/fs/cgroup rw - cgroup2 c rw\n",
      "0::/docker/1/x\n", "2 /sys/fs/cgroup /docker/1 /docker/1/x  - /sys/fs/cgroup/x;in /sys/fs/cgroup;" },
    { "own cgroup out of sight", "31 1 0:1 /docker/1 /sys/fs/cgroup rw - cgroup2 c rw\n", "0::/docker/12\n",
      "2 /sys/fs/cgroup /docker/1 /docker/12  - (none);" },
    { "own cgroup above the namespace's root", "31 1 0:1 / /sys/fs/cgroup rw - cgroup2 c rw\n",
      "0::/../other\n", "2 /sys/fs/cgroup / /../other  - (none);" },
    { "malformed lines", "31 1 0:1 / /c rw - cgroup cgroup rw,cpu\n",
      "\n:\n1\n1:cpu\n1:cpu:\n1:cpu:relative\n2:cpu:/", "1 /c / / cpu - /c;" },
    { "nothing", "", "", "" },
};

static void test_hierarchies(void)
{
    size_t i;

    for (i = 0; i < HUSK_COUNT(hierarchy_cases); i++) {
        const struct hierarchy_case *c = &hierarchy_cases[i];
        struct husk_arena arena = { 0 };
        struct husk_text got = { .arena = &arena };
        struct husk_hierarchy *h;
        struct husk__mount *m;
        uint32_t n = husk__mounts_parse(husk_strdup(&arena, c->mountinfo), &arena, &m), k, j;

        n = husk__hierarchies_parse(husk_strdup(&arena, c->cgroup), m, n, &arena, &h);
        husk_text_str(&got, "");
        for (k = 0; k < n; k++) {
            const char *own = husk__own_dir(&h[k], &arena), *place = husk__place_dir(&h[k], &arena, own);

            husk_textf(&got, "%u %s %s %s ", h[k].version, h[k].mountpoint, h[k].mount_root, h[k].own_path);
            for (j = 0; j < h[k].n_controllers; j++)
                husk_textf(&got, "%s%s", j ? "," : "", h[k].controllers[j]);
            husk_textf(&got, " %s %s;",
                       h[k].noprefix     ? "noprefix"
                       : h[k].nsdelegate ? "nsdelegate"
                                         : "-",
                       own ? own : "(none)");
            if (!same(own, place))
                husk_textf(&got, "in %s;", place);
        }
        tap_same(got.data, c->want, husk_strf(&arena, "hierarchies: %s", c->name));
        husk_arena_fini(&arena);
    }
}

static void test_users(void)
{
    static const char subuid[] =
        "root:1:2\nuser:100000:65536\n1000:300000:10\nuser:0:0\nuser:4294967295:1\nuser:5\n"
        "user:4294967295:0\nusers:7:7\nuser:x:1\nuser:400000:1:junk\n:1:1\nuser:500000:2";
    static const char passwd[] =
        "root:x:0:0:root:/root:/bin/sh\nbad\n:x:\nuser:x:1000:1000::/:\nagain:x:1000:1000::/:\n";
    struct husk_arena arena = { 0 };
    struct husk_subids s = husk__subids_parse(husk_strdup(&arena, subuid), "user", 1000, &arena);

    tap_ok(s.n == 4 && s.v[0].start == 100000 && s.v[0].count == 65536 && s.v[1].start == 300000 &&
               s.v[2].start == 400000 && s.v[3].count == 2,
           "subuid: by name and by number, bad lines left out, got %u", s.n);
    s = husk__subids_parse(husk_strdup(&arena, subuid), NULL, 1000, &arena);
    tap_ok(s.n == 1 && s.v[0].count == 10, "subuid: by number alone");
    tap_ok(same(husk__passwd_name(husk_strdup(&arena, passwd), 1000), "user"),
           "passwd: the first of that number");
    tap_ok(husk__passwd_name(husk_strdup(&arena, passwd), 7) == NULL, "passwd: nobody");
    tap_ok(husk__release_at_least("5.14.0-1-amd64", 5, 14) && husk__release_at_least("6.1.0", 5, 14) &&
               husk__release_at_least("10.0", 5, 14) && !husk__release_at_least("5.4.0", 5, 14) &&
               !husk__release_at_least("4.19", 5, 2) && !husk__release_at_least("odd", 0, 0),
           "release: compared as numbers");
    husk_arena_fini(&arena);
}

/* ---- recorded hosts ---- */

static const char *fixture(struct husk_arena *arena, const char *name, size_t *len)
{
    const char *dir = husk_strf(arena, "%.*s../golden/host/%s", (int)(strrchr(__FILE__, '/') + 1 - __FILE__),
                                __FILE__, name);
    char *text = husk__read_text(arena, AT_FDCWD, dir);

    *len = text ? strlen(text) : 0;
    return text ? text : "";
}

static const char *print(const struct husk_host *host, struct husk_arena *arena)
{
    struct husk_text t = { .arena = arena };

    husk_host_print(host, &t);
    return t.data;
}

static void test_fixtures(void)
{
    struct husk_arena arena = { 0 };
    const char *dir =
        husk_strf(&arena, "%.*s../golden/host", (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__);
    DIR *d = opendir(dir);
    struct dirent *entry;
    unsigned found = 0;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        struct husk_host host;
        struct husk_err err = { 0 };
        const char *text;
        size_t len = strlen(entry->d_name);

        if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0)
            continue;
        found++;
        text = fixture(&arena, entry->d_name, &len);
        if (husk_host_parse(&host, &arena, text, len, &err) != HUSK_OK)
            tap_ok(false, "fixture %s: %s: %s", entry->d_name, err.at, err.msg);
        else
            tap_ok(same(print(&host, &arena), text), "fixture %s: prints as it was recorded", entry->d_name);
    }
    tap_ok(found >= 19, "fixtures: %u files in %s", found, dir);
    if (d != NULL)
        closedir(d);
    husk_arena_fini(&arena);
}

static void test_controllers(void)
{
    static const struct {
        const char *file, *controller, *mountpoint;
    } cases[] = {
        { "hybrid.json", "memory", "/sys/fs/cgroup/memory" },
        { "hybrid.json", "devices", "/sys/fs/cgroup/devices" },
        { "hybrid.json", "freezer", "/sys/fs/cgroup/freezer" },
        { "hybrid.json", "hugetlb", "/sys/fs/cgroup/unified" },
        { "hybrid.json", "name=systemd", "/sys/fs/cgroup/systemd" },
        { "hybrid.json", "io", NULL },
        { "v1.json", "hugetlb", NULL },
        { "v2-bare.json", "devices", "/sys/fs/cgroup" },
        { "v2-bare.json", "memory", NULL },
        { "v2.json", "memory", "/sys/fs/cgroup" },
        { "v2.json", "io", "/sys/fs/cgroup" },
        { "v2.json", "blkio", NULL },
        { "v2.json", "freezer", "/sys/fs/cgroup" },
        { "hybrid-5.4.json", "cpuacct", "/sys/fs/cgroup/cpu,cpuacct" },
        { "hybrid-5.4.json", "net_prio", "/sys/fs/cgroup/net_cls,net_prio" },
        { "android-4.14.json", "cpuset", "/dev/cpuset" },
        { "android-4.14.json", "devices", "/dev/cg2_bpf" },
        { "no-cgroups.json", "devices", NULL },
        { "no-cgroups.json", "pids", NULL },
    };
    size_t i, len;

    for (i = 0; i < HUSK_COUNT(cases); i++) {
        struct husk_arena arena = { 0 };
        struct husk_host host;
        const char *text = fixture(&arena, cases[i].file, &len), *got = "(unreadable)";
        int at;

        if (husk_host_parse(&host, &arena, text, len, NULL) == HUSK_OK) {
            at = husk_host_controller(&host, cases[i].controller);
            got = at < 0 ? NULL : host.hierarchies[at].mountpoint;
        }
        tap_ok(same(got, cases[i].mountpoint), "controller %s of %s is at %s", cases[i].controller,
               cases[i].file, got ? got : "(none)");
        husk_arena_fini(&arena);
    }
}

#define FACTS(more) "{\"machine\":\"m\",\"release\":\"r\"" more "}"
#define HIERARCHY(version, point)                                                                            \
    FACTS(",\"hierarchies\":[{\"version\":" version ",\"mountpoint\":" point                                 \
          ",\"mount_root\":\"/\",\"own_path\":\"/\"}]")

static void test_malformed(void)
{
    static const struct {
        const char *text, *at;
        enum husk_diag diag;
    } cases[] = {
        { "", "", HUSK_DIAG_JSON_SYNTAX },
        { "{\"machine\":\"m\",", "", HUSK_DIAG_JSON_SYNTAX },
        { "[]", "", HUSK_DIAG_JSON_TYPE },
        { "{}", "/machine", HUSK_DIAG_MISSING },
        { "{\"machine\":null,\"release\":\"r\"}", "/machine", HUSK_DIAG_MISSING },
        { "{\"machine\":1,\"release\":\"r\"}", "/machine", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"euid\":-1"), "/euid", HUSK_DIAG_JSON_RANGE },
        { FACTS(",\"euid\":4294967296"), "/euid", HUSK_DIAG_JSON_RANGE },
        { FACTS(",\"euid\":1.5"), "/euid", HUSK_DIAG_JSON_RANGE },
        { FACTS(",\"euid\":\"0\""), "/euid", HUSK_DIAG_JSON_RANGE },
        { FACTS(",\"in_userns\":1"), "/in_userns", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"caps_effective\":\"1f\""), "/caps_effective", HUSK_DIAG_BAD_VALUE },
        { FACTS(",\"caps_effective\":\"0x\""), "/caps_effective", HUSK_DIAG_BAD_VALUE },
        { FACTS(",\"caps_effective\":\"0x1G\""), "/caps_effective", HUSK_DIAG_BAD_VALUE },
        { FACTS(",\"caps_effective\":\"0x11111111111111111\""), "/caps_effective", HUSK_DIAG_BAD_VALUE },
        { FACTS(",\"caps_effective\":31"), "/caps_effective", HUSK_DIAG_BAD_VALUE },
        { FACTS(",\"namespaces\":[\"pid\",\"pids\"]"), "/namespaces", HUSK_DIAG_UNKNOWN_VALUE },
        { FACTS(",\"namespaces\":\"pid\""), "/namespaces", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"features\":{\"clone3\":1}"), "/features", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"features\":[]"), "/features", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"delegate\":[\"a\",1]"), "/delegate/1", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"delegate\":{}"), "/delegate", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"hierarchies\":[1]"), "/hierarchies/0", HUSK_DIAG_JSON_TYPE },
        { FACTS(",\"hierarchies\":[{}]"), "/hierarchies/0/mountpoint", HUSK_DIAG_MISSING },
        { HIERARCHY("3", "\"/c\""), "/hierarchies/0", HUSK_DIAG_BAD_VALUE },
        { HIERARCHY("1", "\"c\""), "/hierarchies/0", HUSK_DIAG_BAD_VALUE },
        { HIERARCHY("1", "\"\""), "/hierarchies/0", HUSK_DIAG_BAD_VALUE },
        { FACTS(",\"subuids\":[{\"start\":0,\"count\":1},{\"start\":\"\"}]"), "/subuids/1/start",
          HUSK_DIAG_JSON_RANGE },
    };
    size_t i;

    for (i = 0; i < HUSK_COUNT(cases); i++) {
        struct husk_arena arena = { 0 };
        struct husk_host host;
        struct husk_err err = { 0 };
        int code = husk_host_parse(&host, &arena, cases[i].text, strlen(cases[i].text), &err);

        tap_ok(code == HUSK_EARG && err.code == HUSK_EARG && err.diag == cases[i].diag && err.line == 1 &&
                   (cases[i].at[0] == '\0' || same(err.at, cases[i].at)),
               "malformed: %s: %s at \"%s\"", cases[i].text, husk_diag_name(err.diag), err.at);
        husk_arena_fini(&arena);
    }
}

static void test_defaults(void)
{
    static const char text[] =
        FACTS(",\"features\":{\"pidfd\":true,\"of_the_future\":true},\"later\":{\"x\":[1]}");
    struct husk_arena arena = { 0 };
    struct husk_host host;

    tap_ok(husk_host_parse(&host, &arena, text, strlen(text), NULL) == HUSK_OK &&
               host.features[HUSK_FEATURE_PIDFD] && !host.features[HUSK_FEATURE_CLONE3] &&
               host.n_hierarchies == 0 && host.newuidmap == NULL && host.euid == 0,
           "parse: unknown features and members are ignored, absent ones are zero");
    husk_arena_fini(&arena);
}

/* Cut and changed facts: refused, or facts that print and parse again to the same. */
static void test_mutations(void)
{
    struct husk_arena source = { 0 };
    uint32_t seed = 12345, bad = 0, accepted = 0;
    size_t len, i;
    const char *text = fixture(&source, "hybrid.json", &len);

    for (i = 0; i < 4000; i++) {
        struct husk_arena arena = { 0 };
        struct husk_host host, again;
        char *copy = husk_strndup(&arena, text, len);
        const char *one, *two;
        size_t n = len;
        int code;

        seed = seed * 1664525u + 1013904223u;
        if (i < len)
            n = i; /* every prefix once, */
        else
            copy[seed % len] = (char)(seed >> 24); /* then single bytes */
        code = husk_host_parse(&host, &arena, copy, n, NULL);
        if (code == HUSK_OK) {
            accepted++;
            one = print(&host, &arena);
            code = husk_host_parse(&again, &arena, one, strlen(one), NULL);
            two = code == HUSK_OK ? print(&again, &arena) : NULL;
            bad += !same(one, two) || (i < len && n + 1 < len);
        } else {
            bad += code != HUSK_EARG;
        }
        husk_arena_fini(&arena);
    }
    tap_ok(bad == 0 && accepted > 10, "mutations: %u wrong, %u of 4000 accepted", bad, accepted);
    husk_arena_fini(&source);
}

/* ---- the probe ---- */

static unsigned open_descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_probe(void)
{
    struct husk_arena arena = { 0 };
    struct husk_host host, again;
    struct husk_err err = { 0 };
    unsigned before = open_descriptors();
    const char *text, *twice;
    uint32_t i;
    int code;

    errno = E2BIG;
    code = husk_host_probe(&host, &arena, &err);
    tap_ok(code == HUSK_OK, "probe: %s", code == HUSK_OK ? "succeeds" : err.msg);
    tap_ok(errno == E2BIG && open_descriptors() == before, "probe: leaves errno and descriptors alone");
    if (code != HUSK_OK)
        return;
    text = print(&host, &arena);
    code = husk_host_parse(&again, &arena, text, strlen(text), &err);
    twice = code == HUSK_OK ? print(&again, &arena) : err.msg;
    tap_ok(same(text, twice), "probe: print, parse, print gives the same");
    tap_ok(host.euid == geteuid() && (host.namespaces & CLONE_NEWNS) && host.cap_last >= 37 &&
               host.n_delegate >= 3 && husk_host_has_cap(&host, 0) == (host.caps_effective & 1) &&
               !husk_host_has_cap(&host, 64),
           "probe: the caller");
    for (i = 0; i < host.n_hierarchies; i++) {
        struct stat st;
        tap_ok(stat(host.hierarchies[i].mountpoint, &st) == 0 && S_ISDIR(st.st_mode),
               "probe: hierarchy at %s", host.hierarchies[i].mountpoint);
    }
    husk_arena_fini(&arena);
}

static void test_no_memory(void)
{
    static char buffer[262144];
    struct husk_arena source = { 0 };
    uint32_t wrong = 0, refused = 0;
    size_t size, len;
    const char *text = fixture(&source, "rootless-delegated.json", &len);
    struct husk_host host;

    for (size = 0; size < sizeof buffer; size += 1000) {
        struct husk_arena arena;
        int probed, parsed;

        husk_arena_fixed(&arena, buffer, size);
        probed = husk_host_probe(&host, &arena, NULL);
        husk_arena_fixed(&arena, buffer, size);
        parsed = husk_host_parse(&host, &arena, text, len, NULL);
        wrong += (probed != HUSK_OK && probed != HUSK_ENOMEM) || (parsed != HUSK_OK && parsed != HUSK_ENOMEM);
        refused += probed == HUSK_ENOMEM && parsed == HUSK_ENOMEM;
        wrong += size + 1000 >= sizeof buffer && (probed != HUSK_OK || parsed != HUSK_OK);
    }
    tap_ok(wrong == 0 && refused > 2, "memory: too small a buffer is HUSK_ENOMEM (%u times, %u wrong)",
           refused, wrong);
    husk_arena_fini(&source);
}

/* In a child: probe under a filter that answers `answer` to one system call. Returns whether the feature is
 * seen, 2 when the filter cannot be made, 3 when probing failed. */
static int probe_without(uint32_t number, uint32_t answer, enum husk_feature feature)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = HUSK_COUNT(code), .filter = code };
    struct husk_arena arena = { 0 };
    struct husk_host host;
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(2);
        _exit(husk_host_probe(&host, &arena, NULL) != HUSK_OK ? 3 : host.features[feature]);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static void test_filtered(void)
{
    static const struct {
        uint32_t number;
        enum husk_feature feature;
    } calls[] = {
        { __NR_clone3, HUSK_FEATURE_CLONE3 },
        { __NR_clone3, HUSK_FEATURE_CLONE_INTO_CGROUP },
        { __NR_openat2, HUSK_FEATURE_OPENAT2 },
        { __NR_pidfd_open, HUSK_FEATURE_PIDFD },
        { __NR_pidfd_send_signal, HUSK_FEATURE_PIDFD },
        { __NR_close_range, HUSK_FEATURE_CLOSE_RANGE },
        { __NR_pidfd_getfd, HUSK_FEATURE_PIDFD_GETFD },
        { __NR_open_tree, HUSK_FEATURE_OPEN_TREE },
        { __NR_mount_setattr, HUSK_FEATURE_MOUNT_SETATTR },
        { __NR_mount_setattr, HUSK_FEATURE_MOUNT_IDMAP },
        { __NR_bpf, HUSK_FEATURE_BPF_CGROUP_DEVICE },
        { __NR_seccomp, HUSK_FEATURE_SECCOMP_FILTER },
        { __NR_seccomp, HUSK_FEATURE_SECCOMP_LISTENER },
        { __NR_memfd_create, HUSK_FEATURE_MEMFD },
        { __NR_set_mempolicy, HUSK_FEATURE_NUMA },
        { __NR_keyctl, HUSK_FEATURE_KEYRINGS },
    };
    size_t i;

    for (i = 0; i < HUSK_COUNT(calls); i++) {
        const char *name = husk_feature_name(calls[i].feature);
        int without = probe_without(calls[i].number, ENOSYS, calls[i].feature);
        int forbidden = probe_without(calls[i].number, EPERM, calls[i].feature);

        if (without == 2)
            tap_ok(true, "filtered: %s # SKIP no seccomp filters here", name);
        else
            tap_ok(without == 0 && forbidden == 0,
                   "filtered: %s is missing under ENOSYS (%d) and EPERM (%d) of call %u", name, without,
                   forbidden, calls[i].number);
    }
    tap_ok(probe_without(UINT32_MAX, ENOSYS, HUSK_FEATURE_MEMFD) != 0,
           "filtered: another call changes nothing");
}

int main(void)
{
    test_mountinfo();
    test_hidden();
    test_hierarchies();
    test_users();
    test_fixtures();
    test_controllers();
    test_malformed();
    test_defaults();
    test_mutations();
    test_probe();
    test_no_memory();
    test_filtered();
    return tap_done();
}
