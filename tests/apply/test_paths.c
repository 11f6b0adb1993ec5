/* Path resolution in hostile trees: openat2(2) and the walk that stands in for it give the same, and neither
 * leaves the slot. And the small parts of the child that parse. Works on the child's own functions.
 */
#define HUSK_STATIC
#define HUSK_IMPLEMENTATION
#include "husk/child.h"
#include "tap.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

static char work[64], root[96], outside[96];
static struct husk_child child;
static bool have_openat2;

static const char *str(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *str(const char *fmt, ...)
{
    static char text[8][8192];
    static unsigned turn;
    char *to = text[turn++ % 8];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(to, sizeof text[0], fmt, ap);
    va_end(ap);
    return to;
}

static void file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0)
        perror(path);
    close(fd);
}

static void must(int r, const char *what)
{
    if (r == 0)
        return;
    perror(what);
    exit(1);
}

static void make_tree(void)
{
    static const char *const dirs[] = {"a", "a/b", "etc", "dir", "proc", "V", "V/a"};
    static const char *const links[][2] = {
        {"/a", "abs"},
        {"../../../../a", "up"},
        {"/../../../../etc", "esc"},
        {"loop", "loop"},
        {"../abs/b", "dir/link"},
        {"/new/place", "dangling"},
        {"../../../new2", "dangling-up"},
        {"/new/file", "dangling-file"},
        {"a/b/file/", "slash"},
        {"proc/self/root", "to-magic"},
        {"", ""},
    };

    snprintf(work, sizeof work, "/tmp/husk-paths-%d", (int)getpid());
    must(unshare(CLONE_NEWNS), "unshare");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    must(mkdir(work, 0755), work);
    must(mount("tmpfs", work, "tmpfs", 0, NULL), "tmpfs");
    snprintf(root, sizeof root, "%s/root", work);
    snprintf(outside, sizeof outside, "%s/outside", work);
    must(mkdir(root, 0755) || mkdir(outside, 0755), root);
    for (size_t i = 0; i < HUSK_COUNT(dirs); i++)
        must(mkdir(str("%s/%s", root, dirs[i]), 0755), dirs[i]);
    for (size_t i = 0; links[i][1][0] != '\0'; i++)
        must(symlink(links[i][0], str("%s/%s", root, links[i][1])), links[i][1]);
    must(symlink(outside, str("%s/out", root)), "out");
    for (int i = 0; i < 45; i++)
        must(symlink(i == 44 ? "a" : str("chain%d", i + 1), str("%s/chain%d", root, i)), "chain");
    file(str("%s/a/b/file", root));
    file(str("%s/etc/passwd", root));
    file(str("%s/V/a/canary", root));
    file(str("%s/canary", outside));
    must(mount("/proc", str("%s/proc", root), NULL, MS_BIND, NULL), "proc");
}

/* Both ways, the one by hand first. */
static int resolve(bool by_hand, enum husk_resolve how, const char *path, struct husk__want *want)
{
    int base = child.slot[how == HUSK_RESOLVE_IN_ROOT ? HUSK_SLOT_ROOTFS : HUSK_SLOT_STATE];

    if (by_hand)
        return husk__walk(&child, base, how, path, want);
    return husk__open(
        &child, &(struct husk_path){how == HUSK_RESOLVE_IN_ROOT ? HUSK_SLOT_ROOTFS : HUSK_SLOT_STATE, path},
        want);
}

static const struct row {
    enum husk_resolve how;
    const char *path;
    int flags;
    bool no_symlinks;
    int error; /* or 0 and the file */
    const char *file;
} rows[] = {
    {HUSK_RESOLVE_IN_ROOT, "a/b/file", O_RDONLY, false, 0, "a/b/file"},
    {HUSK_RESOLVE_IN_ROOT, "/a//b/./file", O_RDONLY, false, 0, "a/b/file"},
    {HUSK_RESOLVE_IN_ROOT, "abs/b/file", O_PATH, false, 0, "a/b/file"},
    {HUSK_RESOLVE_IN_ROOT, "abs", O_PATH | O_DIRECTORY, false, 0, "a"},
    {HUSK_RESOLVE_IN_ROOT, "up/b", O_RDONLY | O_DIRECTORY, false, 0, "a/b"},
    {HUSK_RESOLVE_IN_ROOT, "esc/passwd", O_RDONLY, false, 0, "etc/passwd"},
    {HUSK_RESOLVE_IN_ROOT, "../../../a", O_PATH, false, 0, "a"},
    {HUSK_RESOLVE_IN_ROOT, "..", O_PATH, false, 0, ""},
    {HUSK_RESOLVE_IN_ROOT, "a/../../..", O_RDONLY, false, 0, ""},
    {HUSK_RESOLVE_IN_ROOT, "a/b/../b/../../a/b", O_PATH, false, 0, "a/b"},
    {HUSK_RESOLVE_IN_ROOT, "dir/link/file", O_RDONLY, false, 0, "a/b/file"},
    {HUSK_RESOLVE_IN_ROOT, "dir/link/../../a", O_PATH, false, 0, "a"},
    {HUSK_RESOLVE_IN_ROOT, "chain5", O_PATH, false, 0, "a"},
    {HUSK_RESOLVE_IN_ROOT, "chain4", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "loop", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "loop/x", O_RDONLY, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "abs", O_PATH | O_NOFOLLOW, false, 0, "abs"},
    {HUSK_RESOLVE_IN_ROOT, "abs", O_RDONLY | O_NOFOLLOW, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "abs/b", O_PATH | O_NOFOLLOW, false, 0, "a/b"},
    {HUSK_RESOLVE_IN_ROOT, "abs", O_PATH, true, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "abs/b", O_PATH, true, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "a/b", O_PATH, true, 0, "a/b"},
    {HUSK_RESOLVE_IN_ROOT, "a/b/file/..", O_PATH, false, ENOTDIR, NULL},
    {HUSK_RESOLVE_IN_ROOT, "a/b/file/x", O_PATH, false, ENOTDIR, NULL},
    {HUSK_RESOLVE_IN_ROOT, "a/b/file", O_PATH | O_DIRECTORY, false, ENOTDIR, NULL},
    {HUSK_RESOLVE_IN_ROOT, "nothing", O_PATH, false, ENOENT, NULL},
    {HUSK_RESOLVE_IN_ROOT, "nothing/more", O_RDONLY, false, ENOENT, NULL},
    {HUSK_RESOLVE_IN_ROOT, "dangling", O_PATH, false, ENOENT, NULL},
    {HUSK_RESOLVE_IN_ROOT, "out/canary", O_RDONLY, false, ENOENT, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/root", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/root/etc", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/exe", O_RDONLY, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/cwd", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/ns/mnt", O_RDONLY, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/fd/1", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "to-magic/etc", O_PATH, false, ELOOP, NULL},
    {HUSK_RESOLVE_IN_ROOT, "proc/self/status", O_RDONLY, false, 0, "proc/self/status"},
    {HUSK_RESOLVE_IN_ROOT, "proc/mounts", O_PATH, false, 0, "proc/mounts"},
    {HUSK_RESOLVE_BENEATH, "a/b/file", O_RDONLY, false, 0, "a/b/file"},
    {HUSK_RESOLVE_BENEATH, "a/../a/b", O_PATH, false, 0, "a/b"},
    {HUSK_RESOLVE_BENEATH, "dir/link/file", O_RDONLY, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "chain10/b", O_PATH, false, 0, "a/b"},
    {HUSK_RESOLVE_BENEATH, "abs", O_PATH, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "up", O_PATH, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "..", O_PATH, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "a/../..", O_PATH, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "proc/version", O_RDONLY, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "proc", O_PATH, false, EXDEV, NULL},
    {HUSK_RESOLVE_BENEATH, "nothing", O_PATH, false, ENOENT, NULL},
};

static void test_rows(bool by_hand)
{
    const char *way = by_hand ? "by hand" : "husk__open";

    for (size_t i = 0; i < HUSK_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct husk__want want = {.flags = row->flags, .no_symlinks = row->no_symlinks};
        int fd = resolve(by_hand, row->how, row->path, &want);
        struct stat got = {0}, wanted = {0};
        bool good = fd == -row->error;

        if (row->error == 0) {
            int host = open(str("%s/%s", root, row->file), O_PATH | O_CLOEXEC | (row->flags & O_NOFOLLOW));
            good = fd >= 0 && fstat(fd, &got) == 0 && fstat(host, &wanted) == 0 &&
                   got.st_ino == wanted.st_ino && got.st_dev == wanted.st_dev;
            close(host);
        }
        tap_ok(good, "%s, %s: %s%s gives %s%s", way, row->how == HUSK_RESOLVE_IN_ROOT ? "in root" : "beneath",
               row->path, row->flags & O_NOFOLLOW ? " (nofollow)" : "",
               row->error ? strerror(row->error) : row->file,
               good ? "" : str(", not %s", fd < 0 ? strerror(-fd) : "that"));
        husk__close(fd);
    }
}

static const struct {
    const char *path;
    enum husk_create make;
    int error;
    const char *file; /* that is there then */
} makes[] = {
    {"x/y/z", HUSK_CREATE_DIR, 0, "x/y/z"},
    {"x/y/f", HUSK_CREATE_FILE, 0, "x/y/f"},
    {"dangling/sub", HUSK_CREATE_DIR, 0, "new/place/sub"},
    {"dangling-file", HUSK_CREATE_FILE, 0, "new/file"},
    {"dangling-up/q", HUSK_CREATE_DIR, 0, "new2/q"},
    {"esc/made", HUSK_CREATE_DIR, 0, "etc/made"},
    {"../../../escaped", HUSK_CREATE_DIR, 0, "escaped"},
    {"abs/b/c/../d", HUSK_CREATE_DIR, 0, "a/b/d"},
    {"a/b/file/x", HUSK_CREATE_DIR, ENOTDIR, NULL},
    {"a/b/file", HUSK_CREATE_DIR, ENOTDIR, NULL},
    {"loop/x", HUSK_CREATE_DIR, ELOOP, NULL},
    {"proc/self/root/tmp/x", HUSK_CREATE_DIR, ELOOP, NULL},
    {"to-magic/x", HUSK_CREATE_FILE, ELOOP, NULL},
};

static void test_make(bool by_hand)
{
    for (size_t i = 0; i < HUSK_COUNT(makes); i++) {
        struct husk__want want = {.flags = O_PATH | (makes[i].make == HUSK_CREATE_DIR ? O_DIRECTORY : 0),
                                  .make = makes[i].make,
                                  .mode = 0711};
        int fd = resolve(by_hand, HUSK_RESOLVE_IN_ROOT, makes[i].path, &want);
        struct stat st;
        bool good = fd == -makes[i].error;

        if (makes[i].error == 0)
            good = fd >= 0 && want.made && lstat(str("%s/%s", root, makes[i].file), &st) == 0 &&
                   (st.st_mode & 0777) == 0711 && S_ISDIR(st.st_mode) == (makes[i].make == HUSK_CREATE_DIR);
        tap_ok(good, "%s: making %s%s", by_hand ? "by hand" : "husk__open", makes[i].path,
               good ? "" : str(": %d", fd));
        husk__close(fd);
        if (makes[i].error == 0 && rmdir(str("%s/%s", root, makes[i].file)) < 0)
            unlink(str("%s/%s", root, makes[i].file));
    }
    tap_ok(rmdir(str("%s/x/y", root)) == 0 && rmdir(str("%s/x", root)) == 0 &&
               rmdir(str("%s/new/place", root)) == 0 && rmdir(str("%s/new", root)) == 0 &&
               rmdir(str("%s/new2", root)) == 0 && rmdir(str("%s/a/b/c", root)) == 0,
           "the parents are where they belong");
}

static char made_log[256];

/* Somebody is faster between the line of the log and mkdirat(2). */
static long be_faster(struct husk_child *c, const char *verb, int dir, const char *name)
{
    size_t n = strlen(made_log);

    (void)c;
    snprintf(made_log + n, sizeof made_log - n, "%s %s\n", verb, name);
    return name[0] == 'w' && verb[0] != 'k' ? mkdirat(dir, name, 0755) : 0;
}

static void test_making(void)
{
    struct husk__want want = {.flags = O_PATH | O_DIRECTORY, .make = HUSK_CREATE_DIR, .mode = 0755};
    int fd;

    child.making = be_faster;
    fd = resolve(true, HUSK_RESOLVE_IN_ROOT, "v/w/x", &want);
    tap_ok(fd >= 0 && want.made, "a parent that came meanwhile serves");
    husk__close(fd);
    fd = resolve(true, HUSK_RESOLVE_IN_ROOT, "v/w2", &want);
    tap_ok(fd >= 0 && !want.made, "so does the directory itself");
    husk__close(fd);
    tap_same(made_log, "prune v\nprune w\nkeep w\nrmdir x\nrmdir w2\nkeep w2\n", "and is not taken for ours");
    child.making = NULL;
    must(rmdir(str("%s/v/w/x", root)) || rmdir(str("%s/v/w", root)) || rmdir(str("%s/v/w2", root)) ||
             rmdir(str("%s/v", root)),
         "rmdir");
}

static void test_limits(void)
{
    struct husk__want want = {.flags = O_PATH};
    char path[5000];
    int fd;

    memset(path, 'n', 300);
    path[300] = '\0';
    for (int by_hand = 0; by_hand < 2; by_hand++)
        tap_equal(resolve(by_hand, HUSK_RESOLVE_IN_ROOT, path, &want), -ENAMETOOLONG,
                  "a name that is too long");
    memset(path, '/', sizeof path);
    memcpy(path + 4500, "a", 2);
    for (int by_hand = 0; by_hand < 2; by_hand++)
        tap_equal(resolve(by_hand, HUSK_RESOLVE_IN_ROOT, path, &want), -ENAMETOOLONG,
                  "a path that is too long");
    memset(path, 0, sizeof path);
    for (int i = 0; i < 200; i++)
        strcat(path, "q/");
    want.make = HUSK_CREATE_DIR;
    fd = resolve(true, HUSK_RESOLVE_IN_ROOT, path, &want);
    tap_equal(fd, -ENAMETOOLONG, "a tree that is too deep");
    tap_equal(husk__open(&child, &(struct husk_path){HUSK_SLOT_DEVNULL, "x"}, &want), -EBADF,
              "a slot that is not defined");
    tap_equal(husk__open(&child, &(struct husk_path){HUSK_SLOT_HOST, "relative"}, &want), -EINVAL,
              "a relative path of the host");
    child.slot[HUSK_SLOT_TTY] = child.slot[HUSK_SLOT_ROOTFS];
    tap_equal(husk__open(&child, &(struct husk_path){HUSK_SLOT_TTY, "a"}, &want), -ENOTDIR,
              "nothing is below this slot");
    child.slot[HUSK_SLOT_TTY] = -1;
}

static void test_parent(void)
{
    static const struct {
        const char *path, *name;
        int error;
    } parents[] = {
        {"a/b/new", "new", 0},    {"new", "new", 0}, {"a/b/new///", "new", 0},
        {"abs/link/", "link", 0}, {"", "", EINVAL},  {"a/..", "", EINVAL},
        {".", "", EINVAL},        {"/", "", EINVAL}, {"no/such", "", ENOENT},
    };

    for (size_t i = 0; i < HUSK_COUNT(parents); i++) {
        char name[HUSK__NAME] = "";
        int fd =
            husk__open_parent(&child, &(struct husk_path){HUSK_SLOT_ROOTFS, parents[i].path}, false, name);
        tap_ok(parents[i].error ? fd == -parents[i].error : fd >= 0 && strcmp(name, parents[i].name) == 0,
               "the parent of \"%s\"", parents[i].path);
        husk__close(fd);
    }
}

static int count_entries(const char *path)
{
    struct husk__want want = {.flags = O_RDONLY | O_DIRECTORY};
    char list[4096];
    int fd = husk__open(&child, &(struct husk_path){HUSK_SLOT_HOST, path}, &want), n = 0;
    long len;

    while ((len = syscall(__NR_getdents64, fd, list, sizeof list)) > 0)
        for (long at = 0; at < len; n++)
            at += *(unsigned short *)(void *)(list + at + 16);
    close(fd);
    return n - 2;
}

/* Somebody swaps a directory and a symlink that leaves the root, as fast as he can: CVE-2021-30465,
 * CVE-2024-45310. */
static void test_race(bool by_hand)
{
    const char *a = str("%s/V/a", root), *link = str("%s/V/link", root);
    struct stat canary, st;
    int escaped = 0, opened = 0, failed = 0;
    pid_t pid;

    if (lstat(link, &st) == 0 && S_ISDIR(st.st_mode)) /* as the race before left it */
        syscall(__NR_renameat2, AT_FDCWD, a, AT_FDCWD, link, 2 /* RENAME_EXCHANGE */);
    (void)unlink(link);
    must(symlink(str("../../../../../../..%s", outside), link), "link");
    must(stat(str("%s/canary", outside), &canary), "canary");
    pid = fork();
    if (pid == 0)
        for (;;)
            syscall(__NR_renameat2, AT_FDCWD, a, AT_FDCWD, link, 2);
    for (int i = 0; i < 3000; i++) {
        struct husk__want want = {.flags = O_RDONLY},
                          dir = {.flags = O_PATH | O_DIRECTORY, .make = HUSK_CREATE_DIR, .mode = 0755};
        int fd = resolve(by_hand, HUSK_RESOLVE_IN_ROOT, "V/a/canary", &want);
        if (fd >= 0 && fstat(fd, &st) == 0)
            escaped += st.st_ino == canary.st_ino && st.st_dev == canary.st_dev;
        opened += fd >= 0;
        failed += fd < 0;
        husk__close(fd);
        fd = resolve(by_hand, HUSK_RESOLVE_IN_ROOT, str("V/a/new%d", i % 50), &dir);
        husk__close(fd);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    tap_ok(escaped == 0, "%s: no file outside is opened in a race (%d opened, %d refused)",
           by_hand ? "by hand" : "husk__open", opened, failed);
    tap_equal(count_entries(outside), 1, "and nothing is made there");
}

static void test_passwd(void)
{
    static const struct {
        uint32_t uid;
        const char *home;
    } users[] = {
        {0, "HOME=/root"}, {7, "HOME=/"},      {1000, "HOME=/home/late"},
        {5, "HOME=/"},     {12, "HOME=/last"}, {42, "HOME=/after-long"},
    };
    int fd = memfd_create("passwd", MFD_CLOEXEC);
    char longest[60000];

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    dprintf(fd,
            "root:x:0:0:root:/root:/bin/sh\nbad\n::::\nx:x:5x:0::/no:/\nrel:x:7:7::home:/\nl:x:%s:0::/no:/\n",
            longest);
    dprintf(fd, "y:x:42:0::/after-long:/bin/sh\n1000:x:1:1::/one:\nlate:x:1000:1000::/home/late:/bin/"
                "sh\nlast:x:12:12::/last");
    for (size_t i = 0; i < HUSK_COUNT(users); i++) {
        lseek(fd, 0, SEEK_SET);
        strcpy(child.home, "HOME=/");
        husk__read_passwd(&child, fd, users[i].uid);
        tap_same(child.home, users[i].home, str("home of %u", (unsigned)users[i].uid));
    }
    close(fd);
}

static void test_small(void)
{
    char text[PATH_MAX], line[] = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - proc proc rw",
                         other[] = "36 35 98:0 / /x rw - ext4 /dev/root rw";
    struct husk_op op = {.on_fail = HUSK_IGNORE, .errnos = {ENOENT, EACCES}};

    husk__decimal(text, INT64_MIN);
    tap_same(text, "-9223372036854775808", "the least number");
    husk__decimal(text, 0);
    tap_same(text, "0", "zero");
    tap_ok(husk__is_kernel_mount(line, "/rootfs", text) && strcmp(text, "/mnt 2") == 0,
           "a mount of proc, its name unescaped: %s", text);
    tap_ok(!husk__is_kernel_mount(line, "/mnt 2", text), "not when it is in the root");
    tap_ok(!husk__is_kernel_mount(other, "/rootfs", text), "nor another file system");
    tap_equal(husk__device(8, 0x12345), 0x12300845, "a device number with a large minor");
    tap_ok(husk__excused(&op, -ENOENT) && husk__excused(&op, -EACCES) && !husk__excused(&op, -EPERM),
           "errnos that may be ignored");
    op.errnos[0] = op.errnos[1] = 0;
    tap_ok(husk__excused(&op, -EPERM), "any errno may be ignored");
    op.on_fail = HUSK_ABORT;
    tap_ok(!husk__excused(&op, -EPERM), "none may be ignored");
    tap_ok(husk__has_option("size=1,mode=755", "mode=") && !husk__has_option("xmode=1", "mode=") &&
               !husk__has_option(NULL, "mode="),
           "mount data");
    tap_equal((long long)husk__change_flags(MS_RELATIME | MS_NODEV, MS_NOATIME | MS_RDONLY, MS_NODEV),
              MS_NOATIME | MS_RDONLY, "mount flags");
    tap_equal((long long)husk__change_flags(MS_NOATIME, 0, MS_NOATIME), MS_RELATIME,
              "the default of access times");
}

int main(void)
{
    static char buffer[HUSK_CHILD_BUFFER];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (geteuid() != 0) {
        printf("1..0 # SKIP needs root\n");
        return 0;
    }
    make_tree();
    (void)&husk_child_run;
    child.buffer = buffer;
    for (int i = 0; i < HUSK_SLOT_COUNT; i++)
        child.slot[i] = -1;
    child.slot[HUSK_SLOT_ROOTFS] = child.slot[HUSK_SLOT_STATE] = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    have_openat2 = husk__openat2(child.slot[HUSK_SLOT_ROOTFS], HUSK_RESOLVE_IN_ROOT, "a",
                                 &(struct husk__want){.flags = O_PATH}) >= 0;
    printf("# openat2(2): %s\n", have_openat2 ? "used by husk__open" : "not here, husk__open walks");
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        test_rows(by_hand);
        test_make(by_hand);
        test_race(by_hand);
    }
    test_making();
    test_limits();
    test_parent();
    test_passwd();
    test_small();
    umount2(work, MNT_DETACH);
    rmdir(work);
    return tap_done();
}
