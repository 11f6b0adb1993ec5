/* Trees that the parent clones for the child, the user namespaces whose maps hold on them, and copies of what a mount
 * covers: how each can go wrong, what is left of it, and that a host of many threads does not mind.
 */
#include "kit.h"
#include <pthread.h>
#include <sys/sysmacros.h>

static bool can_map;

/* A plan up to the place for mounts: what is shown comes below /mnt. */
static void begin(struct kit *k)
{
    kit_init(k, "run");
    kit_add_spawn(k, "mount|pid");
    kit_add_root(k);
}

static bool finish(struct kit *k, const char *script)
{
    kit_add_process(k, 0, false);
    kit_op(k, "child fds");
    kit_op(k, "both sync from=child name=ready");
    kit_add_exec(k, script);
    return kit_run(k);
}

static const char *volume(const char *name)
{
    const char *path = kit_str("%s/%s", kit_work, name);

    mkdir(path, 0755);
    kit_write(kit_str("%s/file", path), "content", 0644);
    return path;
}

static void test_move(void)
{
    struct kit_sight before;
    struct kit k;

    kit_look(&before);
    begin(&k);
    kit_op(&k, "both tree slot=@aux.1 source=%s", volume("moved"));
    kit_op(&k, "child mount source=@aux.1 target=@rootfs:mnt flags=move set=ro|nosuid propagation=[rslave] "
               "create=like-source");
    kit_op(&k, "both tree slot=@aux.1 source=%s/moved/file", kit_work);
    kit_op(&k, "child mount source=@aux.1 target=@rootfs:one flags=move create=like-source");
    if (finish(&k, "cat /mnt/file /one; grep /mnt /proc/self/mounts")) {
        tap_ok(k.code == 0, "trees are moved into place%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
        kit_has(&k, "contentcontent", "a directory, and a file");
        kit_has(&k, " ro,nosuid", "with options");
    }
    tap_same(kit_left(&k, &before), "", "a tree leaves nothing");
    kit_fini(&k);
}

/* The first number: an operation that fails; its words. */
static void fails(struct kit *k, uint32_t at, int sys, const char *words)
{
    struct kit_sight before;

    kit_look(&before);
    if (!finish(k, "true"))
        return;
    tap_ok(k->code == HUSK_ESYS && k->err.op == at && k->err.sys == sys && strstr(k->err.msg, words) != NULL,
           "%s (%s)%s%s", words, husk_errno_name(sys), k->code ? ": " : "", k->code ? k->err.msg : ": works");
    tap_same(kit_left(k, &before), "", kit_str("%s: nothing is left", words));
    kit_fini(k);
}

static void test_errors(void)
{
    struct kit k;
    uint32_t at;

    begin(&k);
    at = kit_op(&k, "both tree slot=@aux.1 source=/nowhere/at/all");
    fails(&k, at, ENOENT, "clone mount /nowhere/at/all: in the parent");
    begin(&k);
    kit_op(&k, "parent userns slot=@aux.2 uid_map=`0 0 10` gid_map=`0 0 10`");
    at = kit_op(&k, "both tree slot=@aux.1 source=/proc userns=@aux.2");
    fails(&k, at, EINVAL, "clone mount /proc: in the parent");
    begin(&k);
    at = kit_op(&k, "parent userns slot=@aux.2 uid_map=`0 0 0` gid_map=`0 0 1`");
    fails(&k, at, EINVAL, "make user namespace 0 0 0: in the parent");
    begin(&k);
    at = kit_op(&k, "parent userns slot=@aux.2 uid_map=`0 0 1` gid_map=`nonsense`");
    fails(&k, at, EINVAL, "make user namespace 0 0 1: in the parent");
    begin(&k);
    kit_op(&k, "both tree slot=@aux.1 source=%s", volume("twice"));
    kit_op(&k, "child mount source=@aux.1 target=@rootfs:mnt flags=move create=dir");
    at = kit_op(&k, "child mount source=@aux.1 target=@rootfs:mnt flags=move");
    fails(&k, at, ELOOP, "mount @aux.1 on /mnt: in the child");
}

/* Where the child is, with what it mounted there, and with the locks of its user namespace; the caller's stay out. */
static void test_inside(void)
{
    struct kit_sight before;
    struct kit k;
    uint32_t at;

    kit_look(&before);
    begin(&k);
    volume("inside");
    kit_op(&k, "child mount source=tmpfs target=%s/inside fstype=tmpfs", kit_work);
    kit_op(&k, "child mkdir path=%s/inside/of-child mode=0755", kit_work);
    kit_op(&k, "both tree slot=@aux.1 source=%s/inside inside", kit_work);
    kit_op(&k, "child mount source=@aux.1 target=@rootfs:mnt flags=move create=like-source");
    symlink("inside", kit_str("%s/link", kit_work));
    kit_op(&k, "both tree slot=@aux.1 source=%s/link inside nofollow", kit_work);
    kit_op(&k, "child mount source=@aux.1 target=@rootfs:link flags=move create=like-source");
    if (finish(&k, "ls /mnt; readlink /link")) {
        tap_ok(k.code == 0, "a tree is cloned inside%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
        tap_same(k.output, "of-child\ninside\n", "as the child sees it, and a symlink itself");
    }
    tap_same(kit_left(&k, &before), "", "who looked inside leaves nothing");
    kit_fini(&k);
    begin(&k);
    at = kit_op(&k, "both tree slot=@aux.1 source=/nowhere/at/all inside");
    fails(&k, at, ENOENT, "clone mount /nowhere/at/all: in the parent");
}

/* A child that is killed while the parent works for it. */
static void test_child_dies(bool inside)
{
    struct kit_sight before;
    struct kit k;
    uint32_t at;

    kit_look(&before);
    begin(&k);
    at = kit_op(&k, "child open slot=@aux.3 path=/nowhere flags=path expect=any");
    kit_op(&k, "both tree slot=@aux.1 source=%s%s", kit_work, inside ? " inside" : "");
    for (int i = 0; i < 40; i++) /* more than a socket holds */
        kit_op(&k, "both tree slot=@aux.1 source=%s", kit_work);
    if (finish(&k, "true"))
        tap_ok(k.code == HUSK_ESYS && k.err.op == at && k.err.sys == ENOENT,
               "what the child said before it died is told%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
    tap_same(kit_left(&k, &before), "", "and nothing is left of the trees it did not take");
    kit_fini(&k);
}

static void test_ids(void)
{
    struct kit_sight before;
    struct kit k;

    kit_look(&before);
    begin(&k);
    chown(kit_str("%s/file", volume("mapped")), 3, 4);
    kit_op(&k, "parent userns slot=@aux.2 uid_map=`3 1000 1\\n7 2000 2\\n` gid_map=`4 1001 1`");
    kit_op(&k, "both tree slot=@aux.1 source=%s/mapped userns=@aux.2 recursive idmap_recursive", kit_work);
    kit_op(&k, "child mount source=@aux.1 target=@rootfs:mnt flags=move create=dir");
    if (finish(&k, "stat -c %u:%g /mnt/file; stat -c %u /mnt")) {
        tap_ok(k.code == 0, "ids of a tree are mapped%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
        tap_same(k.output, "1000:1001\n65534\n", "as the map says");
    }
    tap_same(kit_left(&k, &before), "", "a user namespace leaves no process");
    kit_fini(&k);
}

/* The helper of a user namespace is cloned out of a process in which others hold locks and open files. */
static void *noise(void *stop)
{
    while (!*(volatile bool *)stop)
        free(malloc(5000));
    return NULL;
}

static void test_threads(void)
{
    pthread_t thread[3];
    bool stop = false;
    unsigned good = 0;

    for (int i = 0; i < 3; i++)
        if (pthread_create(&thread[i], NULL, noise, &stop) != 0)
            abort();
    for (int i = 0; i < 10; i++) {
        struct kit k;
        begin(&k);
        kit_op(&k, "parent userns slot=@aux.2 uid_map=`0 5 10` gid_map=`0 5 10`");
        kit_op(&k, "both tree slot=@aux.1 source=%s userns=@aux.2", kit_work);
        kit_op(&k, "child mount source=@aux.1 target=@rootfs:mnt flags=move create=dir");
        good += finish(&k, "stat -c %u /mnt") && k.code == 0 && strcmp(k.output, "5\n") == 0;
        kit_fini(&k);
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    tap_ok(good == 10, "ten times beside three busy threads: %u", good);
}

/* ---- copies ---- */

static void begin_copy(struct kit *k, const char *options)
{
    begin(k);
    mkdir(kit_str("%s/data", k->root), 0750);
    kit_op(k, "child open slot=@aux.1 path=@rootfs:data flags=path|directory expect=dir");
    kit_op(k, "child mount source=tmpfs target=@rootfs:data fstype=tmpfs %s", options);
}

static void test_copy(void)
{
    const char *deep;
    struct kit_sight before;
    struct kit k;

    kit_look(&before);
    begin_copy(&k, "");
    kit_op(&k, "child copyup from=@aux.1 to=@rootfs:data");
    deep = kit_str("%s/data", k.root);
    for (int i = 0; i < 100; i++) {
        deep = kit_str("%s/d", deep);
        mkdir(deep, 0711);
        kit_write(kit_str("%s/f", deep), "x", 0604);
    }
    if (finish(&k, "find /data | wc -l; find /data -type d -perm 711 | wc -l; find /data -type f -perm 604 | wc -l")) {
        tap_ok(k.code == 0, "a deep directory is copied%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
        tap_same(k.output, "201\n100\n100\n", "all of it");
    }
    tap_same(kit_left(&k, &before), "", "a copy leaves nothing open");
    kit_fini(&k);
}

static void test_copy_errors(void)
{
    const char *deep;
    struct kit k;
    uint32_t at;

    begin_copy(&k, "");
    at = kit_op(&k, "child copyup from=@aux.1 to=@rootfs:data");
    deep = kit_str("%s/data", k.root);
    for (int i = 0; i < 130; i++)
        mkdir(deep = kit_str("%s/d", deep), 0755);
    fails(&k, at, ENAMETOOLONG, "copy the covered directory to /data");

    begin_copy(&k, "data=size=16k");
    at = kit_op(&k, "child copyup from=@aux.1 to=@rootfs:data");
    truncate(kit_str("%s/data/large", k.root), 0);
    kit_write(kit_str("%s/data/large", k.root), kit_read("/proc/self/maps"), 0644);
    truncate(kit_str("%s/data/large", k.root), 100000);
    fails(&k, at, ENOSPC, "copy the covered directory to /data");

    begin(&k); /* nothing is mounted there: it would be copied into itself */
    mkdir(kit_str("%s/data", k.root), 0750);
    kit_op(&k, "child open slot=@aux.1 path=@rootfs:data flags=path|directory expect=dir");
    at = kit_op(&k, "child copyup from=@aux.1 to=@rootfs:data");
    fails(&k, at, EAGAIN, "copy the covered directory to /data");

    begin_copy(&k, "");
    kit_op(&k, "child mkdir path=@rootfs:data/dir mode=0755 uid=0 gid=0");
    at = kit_op(&k, "child copyup from=@aux.1 to=@rootfs:data");
    mkdir(kit_str("%s/data/dir", k.root), 0755);
    fails(&k, at, EEXIST, "copy the covered directory to /data");
}

/* What an image may hold to have a host's file read, written, or the copy wait for ever. */
static void test_hostile_copy(void)
{
    char host[80], data[160];
    struct stat st;
    struct kit k;

    snprintf(host, sizeof host, "%s/secret", kit_work);
    kit_write(host, "secret", 0600);
    begin_copy(&k, "");
    kit_op(&k, "child copyup from=@aux.1 to=@rootfs:data");
    snprintf(data, sizeof data, "%s/data", k.root);
    symlink(host, kit_str("%s/absolute", data));
    symlink("../../secret", kit_str("%s/relative", data));
    symlink("/proc/self/exe", kit_str("%s/magic", data));
    mkfifo(kit_str("%s/fifo", data), 0600);
    mknod(kit_str("%s/device", data), S_IFBLK | 0600, makedev(8, 0));
    mkdir(kit_str("%s/dir", data), 0755);
    symlink("/", kit_str("%s/dir/root", data));
    if (finish(&k,
               "cd /data; readlink absolute relative magic dir/root; test -p fifo && test -b device && echo kinds")) {
        tap_ok(k.code == 0, "links, a fifo, a device are copied as such%s%s", k.code ? ": " : "",
               k.code ? k.err.msg : "");
        tap_same(k.output, kit_str("%s\n../../secret\n/proc/self/exe\n/\nkinds\n", host), "and lead where they led");
    }
    tap_ok(stat(host, &st) == 0 && st.st_size == 6 && st.st_uid == 0, "the host's file is as it was");
    kit_fini(&k);
}

int main(void)
{
    if (!kit_begin())
        return 0;
    if (syscall(__NR_open_tree, -1, "", 0) < 0 && errno == ENOSYS) {
        tap_ok(true, "trees # SKIP no open_tree(2)");
    } else {
        can_map = kit_maps_ids(kit_work);
        test_move();
        test_errors();
        test_inside();
        test_child_dies(false);
        test_child_dies(true);
        if (can_map)
            test_ids();
        if (can_map)
            test_threads();
        if (!can_map)
            tap_ok(true, "ids # SKIP tmpfs cannot be mapped here");
    }
    test_copy();
    test_copy_errors();
    test_hostile_copy();
    return tap_done();
}
