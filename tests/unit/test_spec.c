/* Stage 1: what config.json may say, where each error is, and what becomes of valid ones. */
#include <dirent.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "husk/spec.h"
#include "tap.h"

static struct husk_arena arena;

/* The path of a file named from the directory of this source. */
static const char *beside(const char *name)
{
    return husk_strf(&arena, "%.*s%s", (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__, name);
}

static char *load(const char *name, size_t *len)
{
    FILE *f = fopen(beside(name), "rb");
    char *text = NULL;
    long size;

    *len = 0;
    if (f != NULL && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0 && fseek(f, 0, SEEK_SET) == 0) {
        text = malloc((size_t)size + 1);
        *len = fread(text, 1, (size_t)size, f);
        text[*len] = '\0';
    }
    if (f != NULL)
        fclose(f);
    return text;
}

/* ---- spec_cases.txt: a member, and what becomes of it ---- */

/* A text with a hole (%) for the member. */
static struct { char name[16]; const char *text; } documents[16];
static size_t n_documents;

/* The member in its document. A @ in it is left out: it marks the place of the error. */
static char *fill(const char *name, const char *member, size_t *place)
{
    for (size_t i = 0; i < n_documents; i++) {
        const char *text = documents[i].text;
        int before = (int)strcspn(text, "%");
        char *made, *mark;
        if (strcmp(documents[i].name, name) != 0)
            continue;
        made = husk_strf(&arena, "%.*s%s%s", before, text, member, text + before + 1);
        mark = strchr(made, '@');
        *place = mark ? (size_t)(mark - made) : SIZE_MAX;
        if (mark != NULL)
            memmove(mark, mark + 1, strlen(mark));
        return made;
    }
    return NULL;
}

/* expected: "ok", or "diagnosis pointer" and perhaps " | message". */
static void test_case(const char *name, const char *member, char *expected)
{
    struct husk_spec spec;
    struct husk_err err = { 0 };
    size_t place;
    const char *text = fill(name, member, &place);
    char *msg = strstr(expected, " | "), *at = strchr(expected, ' ');
    bool good;
    int code;

    if (text == NULL) {
        tap_ok(false, "no document %s", name);
        return;
    }
    code = husk_spec_parse(&spec, &arena, text, strlen(text), NULL, &err);
    if (strcmp(expected, "ok") == 0) {
        tap_ok(code == HUSK_OK, "%s is allowed%s%s", member, code ? ": " : "", err.msg);
        return;
    }
    if (msg != NULL) {
        *msg = '\0';
        msg += 3;
    }
    if (at != NULL)
        *at++ = '\0';
    good = code == HUSK_ESPEC && err.code == code && strcmp(husk_diag_name(err.diag), expected) == 0 &&
           at != NULL && strcmp(err.at, at) == 0 && (msg == NULL || strcmp(err.msg, msg) == 0) &&
           err.line == 1 && (place == SIZE_MAX ? err.column > 0 : err.column == place + 1);
    tap_ok(good, "%s: %s at %u:%u %s: %s", member, husk_diag_name(err.diag), err.line, err.column, err.at,
           err.msg);
}

static void test_cases(void)
{
    size_t len;
    char *text = load("spec_cases.txt", &len), *next;
    char *name = NULL, *member = NULL;

    tap_ok(text != NULL, "spec_cases.txt");
    for (char *line = text; line != NULL && *line != '\0'; line = next) {
        next = line + strcspn(line, "\n");
        if (*next != '\0')
            *next++ = '\0';
        if (line[0] == ' ') {
            test_case(name ? name : "", member, line + strspn(line, " "));
        } else if (line[0] != '#' && line[0] != '\0') {
            name = line;
            member = line + strcspn(line, " ");
            *member++ = '\0';
            if (strcmp(name, "document") == 0 && n_documents < HUSK_COUNT(documents)) {
                size_t n = strcspn(member, " ");
                snprintf(documents[n_documents].name, sizeof documents[0].name, "%.*s", (int)n, member);
                documents[n_documents++].text = husk_strdup(&arena, member + n + 1);
            }
        }
    }
    free(text);
}

/* ---- the corpus ---- */

static int is_json(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static uint32_t random_next(void)
{
    static uint32_t x = 2463534242u; /* the same in every run */

    x ^= x << 13;
    x ^= x >> 17;
    return x ^= x << 5;
}

static bool is_one_line(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20)
            return false;
    return true;
}

/* A few random bytes changed, or the end cut off: an error has a place and fits one line, and nothing else
 * happens. */
static unsigned mutate(const char *text, size_t len, unsigned rounds)
{
    static const char bytes[] = "\"\\{}[]:,0-9.e\x01\x80\xff\0tn /";
    unsigned wrong = 0;

    for (unsigned i = 0; i < rounds; i++) {
        struct husk_arena own = { 0 };
        struct husk_spec spec;
        struct husk_errs all;
        struct husk_err err = { 0 };
        size_t cut = random_next() % 4 == 0 ? random_next() % len : len;
        char *copy = malloc(cut + (cut == 0));
        int code;
        memcpy(copy, text, cut);
        for (uint32_t k = random_next() % 4; cut > 0 && k > 0; k--)
            copy[random_next() % cut] = bytes[random_next() % (sizeof bytes - 1)];
        code = husk_spec_parse(&spec, &own, copy, cut, i % 2 ? &all : NULL, &err);
        if (code != HUSK_OK)
            wrong += err.line == 0 || err.column == 0 || err.msg[0] == '\0' || !is_one_line(err.msg) ||
                     !is_one_line(err.at) || (i % 2 && all.n == 0);
        husk_arena_fini(&own);
        free(copy);
    }
    return wrong;
}

static void test_corpus(void)
{
    const char *dir = beside("../golden/spec");
    struct dirent **files;
    int n = scandir(dir, &files, is_json, alphasort);

    tap_ok(n >= 12, "the corpus has %d documents", n);
    for (int i = 0; i < n; i++) {
        const char *name = husk_strf(&arena, "../golden/spec/%s", files[i]->d_name);
        struct husk_spec spec;
        struct husk_err err = { 0 };
        size_t len;
        char *text = load(name, &len);
        int code = text ? husk_spec_parse(&spec, &arena, text, len, NULL, &err) : HUSK_EARG;
        tap_ok(code == HUSK_OK && strcmp(spec.root.path, "rootfs") == 0, "%s%s%s", files[i]->d_name,
               code ? ": " : "", err.msg);
        if (text != NULL)
            tap_equal(mutate(text, len, 100), 0, husk_strf(&arena, "%s, mutated", files[i]->d_name));
        free(text);
        free(files[i]);
    }
    if (n >= 0)
        free(files);
}

static bool is_masked_exactly(const struct husk_caps *c)
{
    uint64_t kill = UINT64_C(1) << CAP_KILL;

    return c->set && c->bounding == (UINT64_C(1) << 41) - 1 && c->effective == kill && c->permitted == kill &&
           c->inheritable == kill && c->ambient == kill && c->unknown.n == 1 &&
           strcmp(c->unknown.v[0], "CAP_FUTURE") == 0;
}

static void test_everything_process(const struct husk_process *p)
{
    tap_ok(p->terminal && p->console_size.set && p->console_size.height == 25 && p->console_size.width == 80,
           "terminal");
    tap_ok(p->user.uid == 1 && p->user.gid == 2 && p->user.umask.set && p->user.umask.v == 077 &&
               p->user.additional_gids.n == 2 && p->user.additional_gids.v[1] == 4,
           "user");
    tap_ok(p->args.n == 4 && strcmp(p->args.v[3], "") == 0 && p->env.n == 3 &&
               strcmp(p->env.v[2], "TWO=a=b") == 0,
           "args and env");
    tap_ok(is_masked_exactly(&p->caps), "capabilities");
    tap_ok(p->rlimits.n == 16 && p->rlimits.v[9].type == RLIMIT_NOFILE && p->rlimits.v[9].soft == 10 &&
               p->rlimits.v[9].hard == UINT64_MAX,
           "rlimits");
    tap_ok(p->no_new_privileges && p->oom_score_adj.set && p->oom_score_adj.v == -500,
           "no_new_privileges, oom_score_adj");
    tap_ok(strcmp(p->apparmor_profile, "profile") == 0 && strncmp(p->selinux_label, "system_u", 8) == 0,
           "labels");
    tap_ok(p->scheduler.set && p->scheduler.policy == 6 && p->scheduler.flags == 3 &&
               p->scheduler.runtime_nsec == 10000000 && p->scheduler.period_nsec == 30000000,
           "scheduler");
    tap_ok(p->io_priority.set && p->io_priority.class_ == 3 && p->io_priority.priority.v == 7, "io_priority");
    tap_ok(strcmp(p->exec_cpu_affinity.initial, "0-3, 7") == 0 &&
               strcmp(p->exec_cpu_affinity.final, "1") == 0,
           "affinity");
}

static void test_everything_resources(const struct husk_resources *r)
{
    tap_ok(r->devices.n == 5 && r->devices.v[0].type == 'a' && r->devices.v[0].major == -1 &&
               !r->devices.v[0].allow && r->devices.v[0].access == 7 && r->devices.v[2].type == 'b' &&
               r->devices.v[2].major == 8 && r->devices.v[2].minor == -1 &&
               r->devices.v[2].access == HUSK_DEV_READ && r->devices.v[2].allow,
           "device rules");
    tap_ok(r->memory.limit_bytes.v == 67108864 && r->memory.kernel_bytes.set &&
               r->memory.kernel_bytes.v == -1 && r->memory.swappiness.set && r->memory.swappiness.v == 0 &&
               r->memory.disable_oom_killer.set && !r->memory.disable_oom_killer.v &&
               r->memory.check_before_update.v,
           "memory");
    tap_ok(r->cpu.shares.v == 1024 && r->cpu.realtime_runtime_usec.set && r->cpu.idle.set &&
               r->cpu.idle.v == 0 && strcmp(r->cpu.mems, "0") == 0,
           "cpu");
    tap_ok(r->pids_limit.set && r->pids_limit.v == 32 && r->net_class_id.v == 1048577 &&
               r->net_priorities.n == 2 && r->net_priorities.v[1].priority == 1000,
           "pids and network");
    tap_ok(r->block_io.weight.v == 100 && r->block_io.weight_device.n == 2 &&
               !r->block_io.weight_device.v[1].leaf_weight.set &&
               r->block_io.read_iops.v[0].rate == UINT64_MAX && r->block_io.write_iops.n == 1,
           "block_io");
    tap_ok(r->hugepages.n == 2 && strcmp(r->hugepages.v[1].page_size, "64KB") == 0 && r->rdma.n == 2 &&
               strcmp(r->rdma.v[1].device, "mlx4_0") == 0 && !r->rdma.v[1].handles.set &&
               r->rdma.v[1].objects.v == 1000,
           "hugepages and rdma");
    tap_ok(r->unified.n == 2 && strcmp(r->unified.v[0].name, "memory.high") == 0 &&
               strcmp(r->unified.v[0].value, "60000000") == 0,
           "unified");
}

static void test_everything_linux(const struct husk_linux *l)
{
    const struct husk_seccomp *s = &l->seccomp;

    tap_ok(l->set && l->namespaces.n == 8 && l->namespaces.v[0].type == CLONE_NEWPID &&
               l->namespaces.v[0].path == NULL,
           "namespaces");
    tap_ok(l->uid_mappings.v[0].host_id == 100000 && l->gid_mappings.n == 2 && l->gid_mappings.v[1].size == 1,
           "mappings");
    tap_ok(l->time_offsets.n == 2 && l->time_offsets.v[0].clock == 1 && l->time_offsets.v[0].secs == -86400 &&
               l->time_offsets.v[1].clock == 7 && l->time_offsets.v[1].nanosecs == 999999999,
           "time_offsets");
    tap_ok(l->devices.n == 4 && l->devices.v[0].mode.v == 0666 && !l->devices.v[1].mode.set &&
               l->devices.v[2].type == S_IFCHR && l->devices.v[3].type == S_IFIFO && l->devices.v[0].uid.set,
           "devices");
    tap_ok(l->net_devices.n == 3 && strcmp(l->net_devices.v[0].host_name, "eth0") == 0 &&
               strcmp(l->net_devices.v[0].name, "container_eth0") == 0 && l->net_devices.v[1].name == NULL,
           "net_devices");
    tap_ok(l->intel_rdt.set && l->intel_rdt.enable_monitoring && l->intel_rdt.schemata.n == 1, "intel_rdt");
    tap_ok(l->memory_policy.set && l->memory_policy.mode == 2 && l->memory_policy.flags == 1 << 15,
           "memory_policy");
    tap_ok(l->sysctl.n == 6 && strcmp(l->sysctl.v[2].name, "net/ipv4/conf/eth0.1/forwarding") == 0, "sysctl");
    tap_ok(s->set && s->default_action == 0x7fff0000 && s->archs.n == 3 && s->archs.v[2] == HUSK_ARCH_X32 &&
               s->flags_set && s->flags == 2 && strcmp(s->listener_metadata, "demo") == 0,
           "seccomp");
    tap_ok(s->rules.n == 4 && s->rules.v[1].args.n == 2 && s->rules.v[1].args.v[0].value == UINT64_MAX &&
               s->rules.v[1].args.v[1].op == HUSK_SECCOMP_MASKED_EQ && s->rules.v[1].errno_ret.v == 38 &&
               !s->rules.v[0].errno_ret.set,
           "seccomp rules");
    tap_ok(l->rootfs_propagation.set && l->rootfs_propagation.v == MS_SLAVE && l->personality.set &&
               l->personality.v == 8,
           "rootfs_propagation and personality");
    tap_ok(l->masked_paths.n == 1 && l->readonly_paths.set && strcmp(l->cgroups_path, "/demo/resources") == 0,
           "paths");
}

static void test_everything(void)
{
    struct husk_spec spec = { 0 };
    struct husk_err err = { 0 };
    size_t len;
    char *text = load("../golden/spec/everything.json", &len);
    int code = text ? husk_spec_parse(&spec, &arena, text, len, NULL, &err) : HUSK_EARG;

    free(text); /* nothing may point into it */
    if (!tap_equal(code, HUSK_OK, "everything.json"))
        return;
    tap_ok(strcmp(spec.hostname, "every") == 0 && strcmp(spec.domainname, "example.org") == 0 &&
               spec.root.readonly,
           "root, names");
    tap_ok(spec.annotations.n == 3 && strcmp(spec.annotations.v[1].value, "") == 0, "annotations");
    tap_ok(spec.hooks[HUSK_HOOK_POSTSTART].n == 2 &&
               spec.hooks[HUSK_HOOK_POSTSTART].v[0].timeout_sec.v == 9 &&
               !spec.hooks[HUSK_HOOK_POSTSTART].v[1].env.set && spec.hooks[HUSK_HOOK_PRESTART].v[0].env.set,
           "hooks");
    tap_ok(spec.notes.n == 2 && strcmp(spec.notes.v[0].at, "/process/capabilities/effective/1") == 0,
           "notes");
    test_everything_process(spec.process);
    test_everything_resources(&spec.linux_.resources);
    test_everything_linux(&spec.linux_);
    tap_ok(husk_spec_namespace(&spec, CLONE_NEWTIME) == &spec.linux_.namespaces.v[7] &&
               husk_spec_namespace(&spec, 1) == NULL,
           "husk_spec_namespace");
}

static void test_mount_options(void)
{
    static const struct {
        const char *options;
        uint64_t set, clear, rec_set, rec_clear;
        const char *data;
    } rows[] = {
        { "\"ro\",\"rw\"", 0, MS_RDONLY, 0, 0, NULL },
        { "\"rw\",\"ro\",\"nosuid\"", MS_RDONLY | MS_NOSUID, 0, 0, 0, NULL },
        { "\"size=1\",\"nodev\",\"mode=755,uid=1\"", MS_NODEV, 0, 0, 0, "size=1,mode=755,uid=1" },
        { "\"rbind\",\"loud\"", MS_BIND | MS_REC, MS_SILENT, 0, 0, NULL },
        { "\"rro\",\"rrw\"", 0, 0, 0, MOUNT_ATTR_RDONLY, NULL },
        { "\"rrw\",\"rro\"", 0, 0, MOUNT_ATTR_RDONLY, 0, NULL },
        { "\"rnoatime\"", 0, 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, NULL },
        { "\"rnoatime\",\"rstrictatime\"", 0, 0, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, NULL },
        { "\"rnoatime\",\"rrelatime\"", 0, 0, 0, MOUNT_ATTR__ATIME, NULL },
        { "\"rnodiratime\",\"ratime\"", 0, 0, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR__ATIME, NULL },
        { "\"defaults\"", 0, 0, 0, 0, NULL },
    };

    for (size_t i = 0; i < HUSK_COUNT(rows); i++) {
        struct husk_spec spec;
        size_t place;
        const char *member = husk_strf(&arena, "\"destination\":\"/a\",\"type\":\"tmpfs\",\"source\":\"/b\","
                                               "\"options\":[%s]", rows[i].options);
        const char *text = fill("MOUNT", member, &place);
        const struct husk_mount *m;
        if (!tap_equal(husk_spec_parse(&spec, &arena, text, strlen(text), NULL, NULL), HUSK_OK,
                       rows[i].options))
            continue;
        m = &spec.mounts.v[0];
        tap_ok(m->has_options && m->flags_set == rows[i].set && m->flags_clear == rows[i].clear &&
                   m->rec_set == rows[i].rec_set && m->rec_clear == rows[i].rec_clear,
               "flags of %s", rows[i].options);
        tap_same(m->data, rows[i].data, "data");
    }
}

/* ---- the rest of the interface ---- */

static void test_all_errors(void)
{
    static const char text[] =
        "{\n  \"ociVersion\": \"1.0.0\",\n  \"root\": { \"path\": 1 },\n  \"mounts\": [\n"
        "    { \"destination\": 2 },\n    3\n  ],\n  \"hostname\": \"h\",\n"
        "  \"process\": { \"args\": [5], \"cwd\": \"here\" }\n}\n";
    static const struct { const char *at; uint32_t line, column; } expected[] = {
        { "/process/args/0", 9, 25 }, { "/root/path", 3, 21 }, { "/mounts/0/destination", 5, 22 },
        { "/mounts/1", 6, 5 }, { "/process/cwd", 9, 36 } /* checked after all was read */
    };
    struct husk_spec spec;
    struct husk_errs all;
    struct husk_err err;
    struct husk_text many = { .arena = &arena };

    tap_equal(husk_spec_parse(&spec, &arena, text, sizeof text - 1, &all, &err), HUSK_ESPEC, "five errors");
    tap_same(err.at, "/process/args/0", "the first");
    if (tap_equal(all.n, HUSK_COUNT(expected), "all of them, and none that only follows"))
        for (size_t i = 0; i < HUSK_COUNT(expected); i++)
            tap_ok(strcmp(all.v[i].at, expected[i].at) == 0 && all.v[i].line == expected[i].line &&
                       all.v[i].column == expected[i].column,
                   "error %zu: %u:%u %s", i, all.v[i].line, all.v[i].column, all.v[i].at);

    husk_text_str(&many, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"mounts\":[0");
    for (int i = 1; i < 1000; i++)
        husk_textf(&many, ",%d", i);
    husk_text_str(&many, "]}");
    tap_equal(husk_spec_parse(&spec, &arena, many.data, many.len, &all, &err), HUSK_ESPEC,
              "a thousand errors");
    tap_ok(all.n == HUSK_ERRS_MAX && strcmp(all.v[99].at, "/mounts/99") == 0, "are a hundred");
    tap_ok(husk_spec_parse(&spec, &arena, "{", 1, &all, NULL) == HUSK_ESPEC && all.n == 1 &&
               all.v[0].column == 2,
           "an error of syntax is one too, and nobody need ask for the first");
}

static void test_long_places(void)
{
    struct husk_text t = { .arena = &arena };
    struct husk_spec spec;
    struct husk_err err = { 0 };
    int code;

    husk_text_str(&t, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"annotations\":{\"");
    for (int i = 0; i < 300; i++)
        husk_text_str(&t, "~");
    husk_text_str(&t, "\":1}}");
    code = husk_spec_parse(&spec, &arena, t.data, t.len, NULL, &err);
    tap_ok(code == HUSK_ESPEC && strcmp(err.at, "/annotations") == 0 && err.column == 57,
           "a pointer too long is that of the enclosing value: %u %s", err.column, err.at);
    t.len = 0;
    husk_text_str(&t, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"mounts\":[null");
    for (int i = 0; i < 65536; i++)
        husk_text_str(&t, ",0");
    husk_text_str(&t, "]}");
    code = husk_spec_parse(&spec, &arena, t.data, t.len, NULL, &err);
    tap_ok(code == HUSK_ESPEC && err.diag == HUSK_DIAG_JSON_RANGE, "a list too long: %s", err.msg);
}

static void test_parts(void)
{
    static const struct { bool process; const char *text; const char *at; uint32_t line, column; } parts[] = {
        { true, "{\"args\":[\"a\"],\"cwd\":\"/\",\n\"env\":[\"x\"]}", "/env/0", 2, 8 },
        { true, "{\"args\":[\"a\"],\"cwd\":\"/\"}", NULL, 0, 0 },
        { false, "{\"cpu\":{\"shares\":\"2\"}}", "/cpu/shares", 1, 18 },
        { false, "{\"memory\":{\"limit\":2,\"swap\":1}}", "/memory/swap", 1, 29 },
        { false, "{\"pids\":{\"limit\":0}}", NULL, 0, 0 },
        { false, "", "", 1, 1 },
    };

    for (size_t i = 0; i < HUSK_COUNT(parts); i++) {
        struct husk_process p;
        struct husk_resources r;
        struct husk_err err = { 0 };
        size_t len = strlen(parts[i].text);
        int code = parts[i].process ? husk_process_parse(&p, &arena, parts[i].text, len, &err)
                                    : husk_resources_parse(&r, &arena, parts[i].text, len, &err);
        tap_ok((code == HUSK_OK) == (parts[i].at == NULL) &&
                   strcmp(err.at, parts[i].at ? parts[i].at : "") == 0 && err.line == parts[i].line &&
                   err.column == parts[i].column,
               "a part alone, %zu: %u:%u %s", i, err.line, err.column, err.msg);
    }
}

static void test_locate(void)
{
    static const char text[] = "{\n \"a\": [\n  1,\n  { \"b/c\": 2 } ]\n}";
    static const struct { const char *at; uint32_t line, column; } places[] = {
        { "", 0, 0 }, { "/a", 2, 7 }, { "/a/0", 3, 3 }, { "/a/1/b~1c", 4, 12 }, { "/a/1/x/y", 4, 3 },
        { "/a/7", 2, 7 }, { "host", 0, 0 },
    };

    for (size_t i = 0; i < HUSK_COUNT(places); i++) {
        struct husk_err err = { 0 };
        strcpy(err.at, places[i].at);
        husk_err_locate(&err, text, sizeof text - 1);
        tap_ok(err.line == places[i].line && err.column == places[i].column, "\"%s\" is at %u:%u",
               places[i].at, err.line, err.column);
    }
}

/* Every range that begins or ends near the edge of a word has exactly its numbers. */
static void test_lists(void)
{
    static const uint32_t edges[] = {0, 1, 62, 63, 64, 65, 127, 128, 129, 8190, 8191};
    uint32_t good = 0, n = 0;
    struct husk_bits bits;
    char list[64];

    for (size_t a = 0; a < HUSK_COUNT(edges); a++)
        for (size_t z = a; z < HUSK_COUNT(edges); z++, n++) {
            bool right;
            snprintf(list, sizeof list, "%s%u - %u%s", a % 2 ? " " : "", edges[a], edges[z], z % 2 ? " \n" : "");
            right = husk_list_bits(list, &bits);
            for (uint32_t i = 0; i < HUSK_MASK_BITS; i++)
                right = right && (bits.v[i / 64] >> i % 64 & 1) == (i >= edges[a] && i <= edges[z]);
            good += right;
        }
    tap_equal(good, n, "ranges have their numbers and no others");
    tap_ok(husk_list_bits("5,2-3,2", &bits) && bits.v[0] == 0x2c, "numbers of a list, in any order");
    tap_ok(!husk_list_bits("", &bits) && !husk_list_bits("0\n1", &bits) && !husk_list_bits("8192", &bits) &&
               !husk_list_bits("1-8192", &bits) && !husk_list_bits("4294967296", &bits),
           "what is no list");
}

static void test_initialisers(void)
{
    struct husk_spec nothing = { 0 };
    struct husk_spec good = {
        .root = { .path = "/srv/rootfs" },
        .process = &(struct husk_process){ .cwd = "/", .args = HUSK_STRS("sh", "-c", "id") },
        .linux_ = { .namespaces = HUSK_ARRAY(struct husk_namespace, { .type = CLONE_NEWNS },
                                             { .type = CLONE_NEWPID }),
                    .resources = { .memory = { .limit_bytes = HUSK_SOME(64 << 20) } } } };
    struct husk_spec bad = {
        .process = &(struct husk_process){ .user = { .uid = UINT32_MAX }, .env = HUSK_STRS("novalue") },
        .mounts = HUSK_ARRAY(struct husk_mount, { .flags_set = MS_BIND }),
        .linux_ = { .namespaces = HUSK_ARRAY(struct husk_namespace, { .type = 1 }),
                    .seccomp = { .set = true,
                                 .rules = HUSK_ARRAY(struct husk_seccomp_rule, { .action = 0 }) } } };
    struct husk_errs all;
    struct husk_err err = { 0 };

    tap_equal(husk_spec_check(&nothing, NULL, NULL, &err), HUSK_OK, "an all-zero spec");
    tap_equal(husk_spec_check(&good, NULL, NULL, &err), HUSK_OK, "a spec of initialisers");
    tap_equal(husk_spec_check(&bad, NULL, NULL, &err), HUSK_ESPEC, "a bad one");
    tap_same(err.at, "/process/args", "its first error");
    tap_equal(husk_spec_check(&bad, &arena, &all, NULL), HUSK_ESPEC, "the same, all errors");
    tap_equal(all.n, 9, "as many as it has");
}

static void test_default(void)
{
    for (int kind = 0; kind < 4; kind++) {
        bool rootless = kind & 1, cgroup = kind & 2;
        struct husk_text t = { .arena = &arena };
        struct husk_spec spec;
        struct husk_err err = { 0 };
        husk_spec_default(&t, rootless, 1000, 1001, cgroup);
        if (!tap_equal(husk_spec_parse(&spec, &arena, t.data, t.len, NULL, &err), HUSK_OK,
                       rootless ? "default for rootless" : "default"))
            continue;
        tap_ok(spec.notes.n == 0 && spec.mounts.n == 7 && spec.linux_.masked_paths.n == 10 &&
                   spec.process->caps.ambient == 0 && spec.process->caps.inheritable == 0 &&
                   spec.process->no_new_privileges,
               "its contents");
        tap_ok((husk_spec_namespace(&spec, CLONE_NEWCGROUP) != NULL) == cgroup &&
                   (husk_spec_namespace(&spec, CLONE_NEWUSER) != NULL) == rootless &&
                   (husk_spec_namespace(&spec, CLONE_NEWNET) == NULL) == rootless,
               "its namespaces");
        tap_ok(!rootless || (spec.linux_.uid_mappings.v[0].host_id == 1000 &&
                             spec.linux_.gid_mappings.v[0].host_id == 1001),
               "its mappings");
    }
}

static void test_memory(void)
{
    size_t len, size, failed = 0;
    char *text = load("../golden/spec/everything.json", &len), *buffer = malloc(1 << 18);
    int code = HUSK_ENOMEM;

    for (size = 0; text != NULL && size < 1 << 18 && code == HUSK_ENOMEM; size += 509) {
        struct husk_arena fixed;
        struct husk_spec spec;
        struct husk_err err = { 0 };
        husk_arena_fixed(&fixed, buffer, size);
        code = husk_spec_parse(&spec, &fixed, text, len, NULL, &err);
        failed += code == HUSK_ENOMEM && err.diag == HUSK_DIAG_NO_MEMORY;
    }
    tap_ok(code == HUSK_OK && failed == size / 509 - 1 && failed > 20,
           "out of memory in %zu sizes of a buffer", failed);
    free(buffer);
    free(text);
}

int main(void)
{
    test_cases();
    test_corpus();
    test_everything();
    test_mount_options();
    test_all_errors();
    test_long_places();
    test_parts();
    test_locate();
    test_lists();
    test_initialisers();
    test_default();
    test_memory();
    husk_arena_fini(&arena);
    return tap_done();
}
