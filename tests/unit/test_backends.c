/* Backends and the planner: every cgroup backend on every recorded host, tables that cannot be used, who is
 * chosen, a recorded cgroup's backend, and that each resource of the specification has its file. This
 * program implements husk itself, and takes the backends alone from the library. */
#define HUSK_IMPLEMENTATION
#include "husk.h"
#include "husk/backend/resources.h"
#include "tap.h"
#include <dirent.h>

#define HOSTS "tests/golden/host"

extern const struct husk_cgroup_backend husk_cgroup_skeleton;
extern const struct husk_lsm_backend husk_lsm_skeleton;

struct bench {
    struct husk_arena arena;
    struct husk_host host;
    struct husk_spec spec;
    struct husk_request req;
    struct husk_backends backends;
    struct husk_plan plan;
    struct husk_err err;
};

static char *read_file(struct husk_arena *arena, const char *path, size_t *len)
{
    static const size_t most = 1 << 20;
    FILE *f = fopen(path, "r");
    char *text = husk_arena_alloc(arena, most);

    *len = f != NULL && text != NULL ? fread(text, 1, most, f) : 0;
    if (f != NULL)
        fclose(f);
    return text;
}

/* A container in namespaces of its own, in a user namespace where the host's user needs one. */
static bool set_up(struct bench *b, const char *host)
{
    static const char config[] =
        "{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"/\",\"args\":[\"x\"]},\"root\":{\"path\":\"r\"},"
        "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]}}";
    static const char rootless[] =
        "{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"/\",\"args\":[\"x\"]},\"root\":{\"path\":\"r\"},"
        "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"user\"}],"
        "\"uidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}],"
        "\"gidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}]}}";
    const char *text;
    size_t len;

    memset(b, 0, sizeof *b);
    text = read_file(&b->arena, husk_strf(&b->arena, HOSTS "/%s", host), &len);
    if (husk_host_parse(&b->host, &b->arena, text, len, &b->err) != 0)
        return tap_ok(false, "%s: %s", host, b->err.msg);
    text = b->host.euid == 0 ? config : husk_strf(&b->arena, rootless, b->host.euid, b->host.egid);
    if (husk_spec_parse(&b->spec, &b->arena, text, strlen(text), NULL, &b->err) != 0)
        return tap_ok(false, "%s: %s: %s", host, b->err.at, b->err.msg);
    b->backends = husk_backends_default;
    b->req = (struct husk_request){.action = HUSK_RUN, .id = "x", .bundle = "/b", .backends = &b->backends};
    return true;
}

static int make(struct bench *b)
{
    int rc = husk_plan_make(&b->plan, &b->arena, &b->spec, &b->host, &b->req, &b->err);

    return rc ? rc : husk_plan_verify(&b->plan, &b->err);
}

static void test_fixture(const char *host, const struct husk_cgroup_backend *cgroup)
{
    const struct husk_cgroup_backend *const list[] = {cgroup, NULL};
    static const char *const actions[] = {"create", "run", "exec"};
    struct bench b;
    int rc;

    for (int action = HUSK_CREATE; set_up(&b, host) && action <= HUSK_EXEC; action++) {
        b.backends.cgroup = list;
        b.req.action = action == HUSK_EXEC ? HUSK_RUN : (enum husk_action)action;
        rc = make(&b);
        if (rc == 0 && action == HUSK_EXEC) {
            b.req.action = HUSK_EXEC;
            b.req.cgroups = b.plan.cgroups;
            b.req.n_cgroups = b.plan.n_cgroups;
            rc = make(&b);
        }
        for (uint32_t i = 0; rc == 0 && i < b.plan.n_cgroups; i++)
            rc = strcmp(b.plan.cgroups[i].backend, cgroup->name);
        tap_ok(rc == 0, "%s on %s: %s%s%s", cgroup->name, host, actions[action], rc ? ": " : "",
               rc ? b.err.msg : "");
        husk_arena_fini(&b.arena);
    }
    husk_arena_fini(&b.arena);
}

static void test_fixtures(void)
{
    static const struct husk_cgroup_backend *const all[] = {&husk_cgroup_v1, &husk_cgroup_v2,
                                                            &husk_cgroup_skeleton};
    DIR *d = opendir(HOSTS);
    const struct dirent *e;
    unsigned n = 0;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (strstr(e->d_name, ".json") != NULL)
            for (size_t i = 0; i < HUSK_COUNT(all); i++, n++)
                test_fixture(e->d_name, all[i]);
    if (d != NULL)
        closedir(d);
    tap_ok(n > 0, "hosts in " HOSTS);
}

static int probe_hosts(const struct husk_host *host, const struct husk_spec *spec, const char **reason)
{
    (void)host, (void)spec;
    *reason = "not today";
    return 0;
}

static int probe_better(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason)
{
    (void)host, (void)h, (void)reason;
    return 5;
}

static int probe_silent(const struct husk_host *host, const char **reason)
{
    (void)host, (void)reason;
    return 0;
}

/* The error that planning gives, or "". */
static const char *refused(struct bench *b)
{
    b->err = (struct husk_err){0};
    return make(b) == 0 ? "" : b->err.code == HUSK_EHOST ? b->err.msg : "another code than HUSK_EHOST";
}

static void test_unusable(void)
{
    struct husk_cgroup_backend cgroup = husk_cgroup_v2;
    struct husk_storage_backend storage = husk_storage_bind, other = husk_storage_bind;
    const struct husk_cgroup_backend *cgroups[] = {&cgroup, NULL};
    const struct husk_storage_backend *storages[] = {&storage, &other, NULL};
    struct bench b;

    if (!set_up(&b, "v2.json"))
        return;
    b.backends.cgroup = cgroups;
    tap_same(refused(&b), "", "a copy of a table serves");
    cgroup.abi++;
    tap_same(refused(&b), "a cgroup backend cannot be used: it is made for another version of this interface",
             "wrong abi");
    tap_ok(husk_cgroup_backend_named(&b.backends, "cgroup-v2") == NULL, "nor is it found by its name");
    cgroup = husk_cgroup_v2;
    cgroup.remove = NULL;
    tap_same(refused(&b), "cgroup-v2 cannot be used: its table lacks remove", "a method is NULL");
    cgroup = husk_cgroup_v2;
    cgroup.size = (uint32_t)offsetof(struct husk_cgroup_backend, kill_all);
    tap_same(refused(&b), "cgroup-v2 cannot be used: its table lacks kill_all",
             "a table that ends too early");
    cgroup = husk_cgroup_v2;
    cgroup.size = (uint32_t)offsetof(struct husk_cgroup_backend, oom_kills);
    tap_same(refused(&b), "", "a table without the optional last method");
    cgroup.name = NULL;
    tap_same(refused(&b), "a cgroup backend cannot be used: its table lacks name", "no name");
    b.backends.cgroup = husk_backends_default.cgroup;

    b.backends.storage = storages;
    storage.plan_root = NULL;
    tap_same(refused(&b), "storage-bind cannot be used: its table lacks plan_root",
             "storage without its method");
    storage = husk_storage_bind;
    storage.probe = other.probe = probe_hosts;
    other.name = "other";
    tap_same(refused(&b), "no storage for the root filesystem: storage-bind: not today; other: not today",
             "the reasons of all");
    b.backends = (struct husk_backends){0};
    tap_same(refused(&b), "no storage for the root filesystem: this build has no backend for it",
             "no lists at all");
    b.backends.storage = husk_backends_default.storage;
    tap_same(refused(&b), "", "a container without cgroups needs no backend for them");
    b.spec.linux_.resources.pids_limit = (struct husk_opt_i64)HUSK_SOME(5);
    tap_same(refused(&b),
             "cannot set pids limit: no backend serves /sys/fs/cgroup, which has the pids controller: "
             "this build has no backend for it",
             "its limits do");
    husk_arena_fini(&b.arena);
}

/* The first that would do is not the one that is taken, for every kind by the same function. */
static void test_best(void)
{
    struct husk_device_backend low = husk_device_v1, high = husk_device_v1;
    struct husk_seccomp_backend mute = {
        .size = sizeof mute, .abi = HUSK_SECCOMP_ABI, .name = "mute", .probe = probe_silent};
    const struct husk_device_backend *devices[] = {&low, &high, &high, NULL};
    const struct husk_seccomp_backend *seccomps[] = {&mute, NULL};
    struct husk_backends all = {.device = devices, .seccomp = seccomps};
    static const char *const controllers[] = {"devices"};
    const struct husk_hierarchy h = {.version = 1, .controllers = controllers, .n_controllers = 1};
    const struct husk_need need = {.hierarchy = &h};
    struct husk_arena arena = {0};
    struct husk_text reasons = {.arena = &arena};

    high.probe = probe_better;
    tap_equal(husk_backend_best(&all, HUSK_BACKEND_DEVICE, &need, &reasons), 1,
              "best score, the first of equals");
    tap_ok(husk_backend_best(&all, HUSK_BACKEND_SECCOMP, &need, &reasons) == UINT32_MAX, "none");
    tap_same(reasons.data, "mute: its table lacks compile", "why");
    husk_arena_fini(&arena);
}

/* "FILE WHAT" of the operations that write labels, in order, and "keyring". */
static const char *labels_of(struct bench *b)
{
    struct husk_text t = {.arena = &b->arena};
    static const char proc[] = "self/attr/";

    if (make(b) != 0)
        return b->err.msg;
    for (uint32_t i = 0; i < b->plan.n; i++) {
        const struct husk_op *op = &b->plan.ops[i];
        const struct husk_op_write *w = &op->u.write;
        if (op->kind == HUSK_OP_KEYRING)
            husk_text_str(&t, "keyring, ");
        if (op->kind == HUSK_OP_WRITE && w->path.slot == HUSK_SLOT_PROC &&
            strncmp(w->path.rel, proc, strlen(proc)) == 0)
            husk_textf(&t, "%s %s, ", w->path.rel + strlen(proc), w->data);
    }
    return t.data ? t.data : "";
}

/* A module is asked about labels of its own member alone, and one that cannot be given is an error at its place. */
static void test_lsm(void)
{
    struct husk_lsm_backend lsm = husk_lsm_selinux;
    const struct husk_lsm_backend *const lsms[] = {&lsm, NULL}, *const smack[] = {&husk_lsm_skeleton, NULL};
    struct husk_process process;
    struct bench b;

    if (!set_up(&b, "v2.json"))
        return;
    process = *b.spec.process;
    b.spec.process = &process;
    process.apparmor_profile = process.selinux_label = "";
    tap_same(labels_of(&b), "keyring, ", "empty labels are none");
    process.selinux_label = "a:b:c:s0";
    tap_same(refused(&b), "cannot set the label: lsm-selinux: SELinux is not enabled on this host", "no SELinux");
    tap_same(b.err.at, "/process/selinuxLabel", "its place");
    process.apparmor_profile = "box";
    tap_same(refused(&b), "cannot set the label: lsm-apparmor: AppArmor is not enabled on this host", "no AppArmor");
    b.host.features[HUSK_FEATURE_APPARMOR] = b.host.features[HUSK_FEATURE_SELINUX] = true;
    tap_same(labels_of(&b),
             "keycreate a:b:c:s0, keyring, apparmor/exec exec box, exec exec box, exec a:b:c:s0, ", "both");
    b.req.no_new_keyring = true;
    process.apparmor_profile = NULL;
    tap_same(labels_of(&b), "exec a:b:c:s0, ", "SELinux without a new keyring");
    b.req.no_new_keyring = false;
    b.backends.lsm = lsms;
    lsm.size = (uint32_t)offsetof(struct husk_lsm_backend, plan_keyring);
    tap_same(labels_of(&b), "keyring, exec a:b:c:s0, ", "a table without plan_keyring");
    lsm.plan_exec = NULL;
    tap_same(refused(&b), "lsm-selinux cannot be used: its table lacks plan_exec", "without plan_exec");
    b.backends.lsm = smack;
    tap_same(labels_of(&b), "keyring, smack/current a:b:c:s0, ", "the skeleton");
    b.backends.lsm = NULL;
    tap_same(refused(&b), "cannot set the label: this build has no backend for it", "no module");
    husk_arena_fini(&b.arena);
}

/* exec finds who made the cgroup by its name, and refuses what nobody here can serve. */
static void test_recorded(void)
{
    struct husk_cgroup_place place = {"cgroup-v2", 2, 0, "", "/x", "/sys/fs/cgroup/x"};
    struct bench b;

    if (!set_up(&b, "v2.json"))
        return;
    b.req.action = HUSK_EXEC;
    b.req.cgroups = &place;
    b.req.n_cgroups = 1;
    tap_same(refused(&b), "", "exec into a recorded cgroup");
    place.backend = "cgroup-other";
    tap_same(refused(&b),
             "the container's cgroup /sys/fs/cgroup/x was made by a backend that is not here: cgroup-other",
             "a backend that is not here");
    place.backend = NULL;
    tap_ok(strstr(refused(&b), "not here: unknown") != NULL, "no backend at all");
    place = (struct husk_cgroup_place){"cgroup-v2", 2, 0, "", "/x", "/sys/fs/cgroup2/x"};
    tap_same(refused(&b), "the container's cgroup /sys/fs/cgroup2/x is on no hierarchy of this host",
             "a directory that only begins like a mount point");
    husk_arena_fini(&b.arena);
}

static bool has_row(const char *at)
{
    for (uint32_t i = 0; i < husk_resource_rows_n; i++)
        if (strcmp(husk_resource_rows[i].at, at) == 0)
            return true;
    return false;
}

/* Members of objects are values; a list, and an object with any keys, are one value. */
static void walk_members(struct husk_arena *arena, const struct husk__row *rows, const char *at)
{
    static const char *const no_file[] = {"/linux/resources/devices",
                                          "/linux/resources/memory/checkBeforeUpdate"};
    bool known;

    for (; rows->name != NULL; rows++) {
        const char *member = husk_strf(arena, "%s/%s", at, rows->name);
        if (rows->kind == HUSK__K_OBJECT && rows->many == HUSK__ONE) {
            walk_members(arena, rows->rows, member);
            continue;
        }
        known = has_row(member);
        for (size_t i = 0; i < HUSK_COUNT(no_file); i++)
            known = known || strcmp(no_file[i], member) == 0;
        tap_ok(known, "%s has a row in the table of files", member);
    }
}

/* Says what it does not do, and escapes what a pointer cannot hold. */
static void test_resources(void)
{
    static const char limits[] =
        "{\"memory\":{\"checkBeforeUpdate\":true},\"rdma\":{\"a/b\":{\"hcaHandles\":1}}}";
    struct bench b;

    if (!set_up(&b, "v2.json"))
        return;
    walk_members(&b.arena, husk__resources_rows, "/linux/resources");
    if (husk_resources_parse(&b.spec.linux_.resources, &b.arena, limits, strlen(limits), &b.err) != 0)
        tap_ok(false, "%s", b.err.msg);
    b.spec.linux_.resources.rdma.n = 0;
    tap_same(refused(&b), "", "checkBeforeUpdate is no error");
    tap_same(b.plan.notes.n == 1 ? b.plan.notes.v[0].at : "", "/linux/resources/memory/checkBeforeUpdate",
             "but a note");
    b.spec.linux_.resources.rdma.n = 1;
    b.host.n_hierarchies = 0;
    (void)refused(&b);
    tap_same(b.err.at, "/linux/resources/rdma/a~1b", "a name with a slash");
    husk_arena_fini(&b.arena);
}

int main(void)
{
    test_fixtures();
    test_unusable();
    test_best();
    test_lsm();
    test_recorded();
    test_resources();
    return tap_done();
}
