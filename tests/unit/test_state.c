/* The state directory: ids, exclusive creation, files, the lock, and a status that is derived. */
#include "husk.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];
static struct husk_arena arena;

static const char *at(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *to = path[turn++ % 4];

    snprintf(to, sizeof path[0], "%s/%s", root, name);
    return to;
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void test_ids(void)
{
    static const char *const good[] = {"a", "A_b-c+d.e", "a..", "-x", "0"};
    static const char *const bad[] = {"", ".", "..", ".a", "a/b", "/", "a b", "a\n", "\303\251", "a:b", "a@b"};
    char longest[HUSK_ID_MAX + 1];

    for (size_t i = 0; i < HUSK_COUNT(good); i++)
        tap_ok(husk_id_check(good[i], NULL) == 0, "id %s", good[i]);
    for (size_t i = 0; i < HUSK_COUNT(bad); i++)
        tap_ok(husk_id_check(bad[i], NULL) == HUSK_EARG, "no id: number %zu", i);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    tap_ok(husk_id_check(longest, NULL) == HUSK_EARG, "no id: too long");
}

static struct husk_state example(const char *id)
{
    static const struct husk_pair notes[] = {{"org.example/a", "b \"c\"\n"}, {"empty", ""}};
    static const struct husk_cgroup_place places[] = {{"cgroup-v1", 1, 7, "cpu,cpuacct", "/x/y", "/sys/fs/cgroup/cpu/x/y"},
                                                      {"cgroup-v2", 2, 3, "", "/x/y", "/sys/fs/cgroup/unified/x/y"}};

    return (struct husk_state){.id = id,
                               .bundle = "/b",
                               .rootfs = "/b/rootfs",
                               .created = "2026-01-02T03:04:05.6Z",
                               .status = HUSK_CREATED,
                               .pid = 42,
                               .start_ticks = UINT64_MAX,
                               .annotations = {notes, 2},
                               .cgroups = places,
                               .n_cgroups = 2,
                               .pid_namespace = true,
                               .no_new_keyring = true};
}

static void test_round_trip(void)
{
    struct husk_state_dir d;
    struct husk_state s = example("round"), got;
    struct husk_err err;

    tap_equal(husk_state_create(&d, root, "round", &err), 0, "create");
    tap_equal(mode_of(root), 0700, "the root is private");
    tap_equal(mode_of(at("round")), 0711, "mode of the directory");
    tap_equal(husk_state_load(&d, &arena, &got, &err), HUSK_ESTATE, "no state yet");
    tap_equal(err.diag, HUSK_DIAG_ABSENT, "which is absence");
    tap_equal(husk_state_save(&d, &s, &err), 0, "save");
    tap_equal(mode_of(at("round/state.json")), 0600, "mode of the file");
    tap_equal(husk_state_load(&d, &arena, &got, &err), 0, "load");
    tap_ok(got.start_ticks == UINT64_MAX && got.pid == 42 && got.status == HUSK_CREATED &&
               got.pid_namespace && got.no_new_keyring && !got.poststop,
           "numbers survive exactly");
    tap_same(got.annotations.v[0].value, "b \"c\"\n", "annotations survive");
    tap_ok(got.n_cgroups == 2 && got.cgroups[0].version == 1 && got.cgroups[1].version == 2,
           "places survive");
    tap_same(got.cgroups[1].backend, "cgroup-v2", "their backends");
    tap_same(got.cgroups[0].controllers, "cpu,cpuacct", "their controllers");
    tap_same(got.cgroups[1].dir, "/sys/fs/cgroup/unified/x/y", "their directories");
    tap_equal(husk_state_remove(&d, &err), 0, "remove");
    tap_equal(mode_of(at("round")), 0, "it is gone");
    husk_state_close(&d);
}

static void test_exclusive(void)
{
    struct husk_state_dir d, other;
    struct husk_err err;

    tap_equal(husk_state_create(&d, root, "one", &err), 0, "create once");
    tap_equal(husk_state_create(&other, root, "one", &err), HUSK_ESTATE, "not twice");
    tap_equal(err.diag, HUSK_DIAG_EXISTS, "since it exists");
    tap_equal(husk_state_open(&other, root, "one", &err), 0, "another opens it");
    tap_ok(husk_state_busy(&other), "and sees that it is busy");
    husk_state_unlock(&d);
    tap_ok(!husk_state_busy(&other), "until it is unlocked");
    tap_equal(husk_state_lock(&other, true, &err), 0, "a shared lock");
    tap_equal(husk_state_lock(&d, true, &err), 0, "and another");
    husk_state_unlock(&d);
    husk_state_unlock(&other);
    tap_equal(husk_state_remove(&d, &err), 0, "removed");
    tap_equal(husk_state_lock(&other, false, &err), HUSK_ESTATE, "who locks it now learns");
    tap_equal(err.diag, HUSK_DIAG_ABSENT, "that it is gone");
    husk_state_close(&d);
    husk_state_close(&other);
}

static void test_hostile(void)
{
    struct husk_state_dir d;
    struct husk_err err;
    const char *text;
    size_t len;

    tap_equal(husk_state_open(&d, root, "none", &err), HUSK_ESTATE, "a missing one");
    if (symlink("/etc", at("link")) != 0)
        abort();
    tap_equal(husk_state_open(&d, root, "link", &err), HUSK_ESTATE, "a symlink is no directory");
    tap_equal(husk_state_create(&d, root, "h", &err), 0, "create");
    if (symlink("/etc/hostname", at("h/config.json")) != 0 || symlink("/etc/passwd", at("h/state.json")) != 0)
        abort();
    tap_ok(husk_state_get(&d, "config.json", &arena, &text, &len, &err) != 0, "a symlink is not read");
    tap_equal(husk_state_put(&d, "config.json", "new", 3, &err), 0, "and is replaced, not written through");
    tap_ok(husk_state_get(&d, "config.json", &arena, &text, &len, &err) == 0 && len == 3, "as a file");
    close(open(at("h/foreign"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    tap_equal(husk_state_remove(&d, &err), HUSK_ESYS, "a foreign file keeps the directory");
    tap_equal(mode_of(at("h/state.json")), 0, "though not the symlink");
    tap_ok(access("/etc/passwd", F_OK) == 0 && access(at("h/foreign"), F_OK) == 0,
           "nothing else was removed");
    unlink(at("h/foreign"));
    unlink(at("link"));
    tap_equal(husk_state_remove(&d, &err), 0, "then it goes");
    husk_state_close(&d);
}

/* Whoever could prepare the files could have anything done with our rights. */
static void test_trust(void)
{
    static const struct {
        const char *dir;
        mode_t mode;
        uid_t owner;
    } bad[] = {{"", 0720, 0},      {"", 0702, 0},      {"", 0700, 1000},
               {"trust", 0731, 0}, {"trust", 0713, 0}, {"trust", 0711, 1000}};
    struct husk_state_dir d;
    struct husk_err err;

    if (husk_state_create(&d, root, "trust", &err) != 0)
        abort();
    husk_state_close(&d);
    for (size_t i = 0; i < HUSK_COUNT(bad); i++) {
        const char *dir = at(bad[i].dir);
        mode_t mode = (mode_t)mode_of(dir);

        if (bad[i].owner != 0 && geteuid() != 0)
            continue; /* nobody can give his directory away */
        if (chmod(dir, bad[i].mode) != 0 || (bad[i].owner != 0 && chown(dir, bad[i].owner, 0) != 0))
            abort();
        tap_ok(husk_state_open(&d, root, "trust", &err) == HUSK_ESTATE && err.diag == HUSK_DIAG_STATE_FILE,
               "refused: \"%s\" with mode %o and owner %u", bad[i].dir, bad[i].mode, bad[i].owner);
        if (chmod(dir, mode) != 0 || (bad[i].owner != 0 && chown(dir, 0, 0) != 0))
            abort();
    }
    if (chmod(root, 0702) != 0)
        abort();
    tap_equal(husk_state_create(&d, root, "more", &err), HUSK_ESTATE, "such a root is not used");
    tap_equal(mode_of(at("more")), 0, "and nothing is left there");
    if (chmod(root, 0700) != 0)
        abort();
    tap_equal(husk_state_open(&d, root, "trust", &err), 0, "then it is trusted again");
    tap_equal(husk_state_remove(&d, &err), 0, "and removed");
    husk_state_close(&d);
}

static void test_damaged(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"id\": 5}",
        "{\"id\":\"d\"}",
        "{\"ociVersion\":\"1.3.0\",\"id\":\"d\",\"pid\":-1,\"status\":\"created\"}"};
    struct husk_state_dir d;
    struct husk_state s;
    struct husk_err err;

    if (husk_state_create(&d, root, "d", &err) != 0)
        abort();
    for (size_t i = 0; i < HUSK_COUNT(texts); i++) {
        if (husk_state_put(&d, "state.json", texts[i], strlen(texts[i]), &err) != 0)
            abort();
        tap_ok(husk_state_load(&d, &arena, &s, &err) == HUSK_ESTATE && err.diag == HUSK_DIAG_STATE_FILE,
               "damaged: %s", texts[i]);
    }
    s = example("other");
    if (husk_state_save(&d, &s, &err) != 0)
        abort();
    tap_equal(husk_state_load(&d, &arena, &s, &err), HUSK_ESTATE, "the state of another id is refused");
    if (husk_state_remove(&d, &err) != 0)
        abort();
    husk_state_close(&d);
}

static uint64_t start_of(pid_t pid)
{
    uint64_t ticks = 0;
    char path[32];
    int fd;

    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    husk_process_start(fd, &ticks);
    close(fd);
    return ticks;
}

static void test_status(void)
{
    struct husk_state_dir d;
    struct husk_state s = example("s");
    struct husk_err err;
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    if (husk_state_create(&d, root, "s", &err) != 0)
        abort();
    husk_state_unlock(&d);
    s.pid = pid;
    s.start_ticks = start_of(pid);
    tap_ok(s.start_ticks > 0, "a start time");
    tap_equal(husk_state_status(&d, &s), HUSK_RUNNING, "no gate: running");
    if (husk_state_put(&d, "gate", "", 0, &err) != 0)
        abort();
    tap_equal(husk_state_status(&d, &s), HUSK_CREATED, "with its gate: created");
    s.start_ticks++;
    tap_equal(husk_state_status(&d, &s), HUSK_STOPPED, "another process with the same pid: stopped");
    s.start_ticks--;
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
    tap_equal(husk_state_status(&d, &s), HUSK_STOPPED, "a zombie: stopped");
    waitpid(pid, NULL, 0);
    tap_equal(husk_state_status(&d, &s), HUSK_STOPPED, "no process: stopped");
    s.pid = 0;
    s.status = HUSK_CREATING;
    tap_equal(husk_state_status(&d, &s), HUSK_STOPPED, "creating, but nobody does it: stopped");
    if (husk_state_remove(&d, &err) != 0)
        abort();
    husk_state_close(&d);
}

static void test_print(void)
{
    struct husk_state s = example("p");
    struct husk_text text = {.arena = &arena};

    s.annotations.n = 0;
    husk_state_print(&s, HUSK_RUNNING, "", NULL, &text);
    tap_same(text.data,
             "{\"ociVersion\":\"" HUSK_OCI_VERSION
             "\",\"id\":\"p\",\"pid\":42,\"status\":\"running\",\"bundle\":\"/b\","
             "\"rootfs\":\"/b/rootfs\",\"created\":\"2026-01-02T03:04:05.6Z\",\"owner\":\"\"}",
             "what callers read");
    text.len = 0;
    husk_state_print(&s, HUSK_STOPPED, NULL, NULL, &text);
    tap_ok(strstr(text.data, "\"pid\":0") != NULL && strstr(text.data, "owner") == NULL,
           "stopped: no pid; no owner unless wanted");
}

static int collect(void *ctx, const char *id, struct husk_err *err)
{
    (void)err;
    husk_textf(ctx, "%s ", id);
    return 0;
}

static void test_each(void)
{
    struct husk_text text = {.arena = &arena};
    struct husk_state_dir d;
    struct husk_err err;
    static const char *const ids[] = {"b", "a", "c"};

    for (size_t i = 0; i < HUSK_COUNT(ids); i++) {
        if (husk_state_create(&d, root, ids[i], &err) != 0)
            abort();
        husk_state_close(&d);
    }
    tap_equal(husk_state_each(root, &arena, collect, &text, &err), 0, "each");
    tap_same(text.data, "a b c ", "in the order of names");
    tap_equal(husk_state_each("/no/such/root", &arena, collect, &text, &err), 0, "a missing root has none");
    for (size_t i = 0; i < HUSK_COUNT(ids); i++)
        rmdir(at(ids[i]));
}

static void test_time(void)
{
    char text[40];
    unsigned year, month, day, hour, minute, second;

    husk_time_now(text, true);
    tap_ok(sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u.", &year, &month, &day, &hour, &minute, &second) == 6 &&
               strlen(text) == 30 && year >= 2024 && month - 1 < 12 && day - 1 < 31 && hour < 24 &&
               minute < 60 && second < 61 && text[29] == 'Z',
           "a time: %s", text);
    husk_time_now(text, false);
    tap_ok(strlen(text) == 20, "without nanoseconds: %s", text);
}

int main(void)
{
    snprintf(root, sizeof root, "/tmp/husk-test-state-%d", (int)getpid());
    test_ids();
    test_round_trip();
    test_exclusive();
    test_hostile();
    test_trust();
#if HUSK_WITH_CJSON
    test_damaged();
#endif
    test_status();
    test_print();
    test_each();
    test_time();
    rmdir(root);
    tap_equal(access(root, F_OK), -1, "nothing is left");
    husk_arena_fini(&arena);
    return tap_done();
}
