/* husk/impl/host_probe.h - husk_host_probe(): asks the running kernel. Implementation only; include husk/host.h.
 *
 * Quick, because it runs before every container, and harmless in any program: no fork, no signal, no
 * namespace is entered, nothing is created. A system call counts as known when its errno can come from
 * nowhere but its own code: each trial passes arguments that this code must refuse. What text files say is
 * read by functions of text alone, which tests call.
 *
 * Two facts have no harmless trial and fall back on the kernel's release: files of a cgroup2 that only a
 * cgroup below the root has, when the caller is in the root; and the nosymfollow flag, as mount(2) ignores
 * flags that it does not know.
 */
#ifndef HUSK_HOST_PROBE_H
#define HUSK_HOST_PROBE_H

#include "husk/host.h"

#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_HOST_PROBE_IMPLEMENTED)
#define HUSK_HOST_PROBE_IMPLEMENTED
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "husk/impl/sys.h"

/* ---- functions of text ---- */

/* One line of mountinfo. Strings are in the text that was parsed, octal escapes undone. */
struct husk__mount {
    uint32_t id, parent;
    const char *root, *point, *type, *options; /* options: of the filesystem, the last field */
};

/* Cuts *at at the next `stop`, moves *at past it and returns the part before; NULL at the end of the text. */
static char *husk__cut(char **at, char stop)
{
    char *s = *at, *end;

    if (s == NULL || *s == '\0')
        return NULL;
    end = strchr(s, stop);
    if (end != NULL)
        *end = '\0';
    *at = end ? end + 1 : s + strlen(s);
    return s;
}

static bool husk__digits(const char *s, uint32_t *out)
{
    uint64_t n = 0;

    if (s == NULL || *s == '\0')
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || (n = n * 10 + (uint64_t)(*s - '0')) > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* mountinfo writes blanks, tabs, newlines, '#' and backslashes as \ooo. */
static void husk__octal(char *s)
{
    char *to = s;

    for (; *s; to++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
            s[3] <= '7') {
            *to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *to = *s++;
        }
    }
    *to = '\0';
}

static bool husk__mount_line(char *line, struct husk__mount *m)
{
    char *id = husk__cut(&line, ' '), *parent = husk__cut(&line, ' '), *device = husk__cut(&line, ' ');
    char *root = husk__cut(&line, ' '), *point = husk__cut(&line, ' '), *flags = husk__cut(&line, ' ');
    char *field, *type, *last;

    do
        field = husk__cut(&line, ' '); /* any number of optional fields, then "-" */
    while (field != NULL && strcmp(field, "-") != 0);
    type = husk__cut(&line, ' ');
    if (device == NULL || flags == NULL || type == NULL || *root != '/' || *point != '/' ||
        !husk__digits(id, &m->id) || !husk__digits(parent, &m->parent))
        return false;
    last = strrchr(line, ' '); /* the source between may be empty */
    husk__octal(root);
    husk__octal(point);
    m->root = root;
    m->point = point;
    m->type = type;
    m->options = last ? last + 1 : line;
    return true;
}

/* Rewrites `text`. Lines that are not mountinfo are left out. */
static uint32_t husk__mounts_parse(char *text, struct husk_arena *arena, struct husk__mount **out)
{
    uint32_t n = 0, lines = 1;
    const char *p;
    char *line;

    for (p = text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    *out = husk_arena_alloc(arena, lines * sizeof **out);
    if (*out == NULL)
        return 0;
    while ((line = husk__cut(&text, '\n')) != NULL)
        n += husk__mount_line(line, *out + n);
    return n;
}

/* Is `path` the directory `top` or below it? Then *rest is what follows, "" or "/...". */
static bool husk__path_below(const char *path, const char *top, const char **rest)
{
    size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);

    if (strncmp(path, top, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return false;
    *rest = path + len;
    return true;
}

/* Does another mount lie over this one, or over a directory on the way to it? */
static bool husk__mount_hidden(const struct husk__mount *m, uint32_t n, uint32_t which)
{
    uint32_t chain[64], depth = 1, i, k; /* ids of the mount and of those that it is mounted on */
    const char *rest;

    chain[0] = m[which].id;
    for (i = which; depth < HUSK_COUNT(chain) && m[i].parent != m[i].id; depth++) {
        chain[depth] = m[i].parent;
        for (i = 0; i < n && m[i].id != chain[depth]; i++)
            ;
        if (i == n)
            break;
    }
    for (i = 0; i < n; i++) {
        if (!husk__path_below(m[which].point, m[i].point, &rest))
            continue;
        for (k = 0; k < depth && chain[k] != m[i].id; k++)
            ;
        if (k < depth)
            continue; /* it is on the chain itself */
        for (k = 0; k < depth && chain[k] != m[i].parent; k++)
            ;
        if (k < depth)
            return true;
    }
    return false;
}

static bool husk__has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    const char *p = list;

    while (p != NULL) {
        if (strncmp(p, word, len) == 0 && (p[len] == ',' || p[len] == '\0'))
            return true;
        p = strchr(p, ',');
        p = p ? p + 1 : NULL;
    }
    return false;
}

/* The words of a text, cut at any of `stops`; *n of them. Rewrites `text`. */
static const char *const *husk__split(char *text, const char *stops, struct husk_arena *arena, uint32_t *n)
{
    uint32_t most = 0;
    const char **v;
    char *p, *save = NULL;

    *n = 0;
    for (p = text; *p; p++)
        most += strchr(stops, *p) != NULL;
    v = husk_arena_alloc(arena, (most + 1) * sizeof *v);
    if (v == NULL)
        return NULL;
    for (p = strtok_r(text, stops, &save); p != NULL; p = strtok_r(NULL, stops, &save))
        v[(*n)++] = p;
    return *n ? v : NULL;
}

/* The mount of the hierarchy that has `controller` (NULL: of cgroup2), or -1. Of several that are in sight
 * the one below /sys/fs/cgroup, then the one that shows all of the hierarchy, then the last. */
static int husk__cgroup_mount(const struct husk__mount *m, uint32_t n, const char *controller)
{
    int best = -1, best_score = 0, score;
    const char *rest;
    uint32_t i;

    for (i = 0; i < n; i++) {
        if (strcmp(m[i].type, controller ? "cgroup" : "cgroup2") != 0 ||
            (controller && !husk__has_word(m[i].options, controller)) || husk__mount_hidden(m, n, i))
            continue;
        score = 1 + (husk__path_below(m[i].point, "/sys/fs/cgroup", &rest) ? 2 : 0) +
                (strcmp(m[i].root, "/") == 0);
        if (score >= best_score) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}

/* The hierarchies of /proc/self/cgroup that are mounted, in its order. Rewrites `text`; `writable` and what
 * cgroup2's files say are not filled. */
static uint32_t husk__hierarchies_parse(char *text, const struct husk__mount *mounts, uint32_t n_mounts,
                                        struct husk_arena *arena, struct husk_hierarchy **out)
{
    struct husk_hierarchy *h;
    uint32_t n = 0, lines = 1;
    char *line, *id, *controllers, *p;
    const char *first;
    int mount;

    for (p = text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    *out = husk_arena_alloc(arena, lines * sizeof **out);
    if (*out == NULL)
        return 0;
    while ((line = husk__cut(&text, '\n')) != NULL) {
        id = husk__cut(&line, ':');
        controllers = husk__cut(&line, ':'); /* what is left is the path, which may have colons */
        if (id == NULL || controllers == NULL || *line != '/')
            continue;
        h = &(*out)[n];
        h->controllers = husk__split(controllers, ",", arena, &h->n_controllers);
        first = h->n_controllers ? h->controllers[0] : NULL;
        mount = arena->failed ? -1 : husk__cgroup_mount(mounts, n_mounts, first);
        if (mount < 0) {
            memset(h, 0, sizeof *h);
            continue;
        }
        h->version = h->n_controllers ? 1 : 2;
        h->mountpoint = mounts[mount].point;
        h->mount_root = mounts[mount].root;
        h->own_path = line;
        h->noprefix = h->version == 1 && husk__has_word(mounts[mount].options, "noprefix");
        h->nsdelegate = h->version == 2 && husk__has_word(mounts[mount].options, "nsdelegate");
        n++;
    }
    return n;
}

/* The caller's own cgroup as a directory in the mount, or NULL when the mount does not show it. */
static const char *husk__own_dir(const struct husk_hierarchy *h, struct husk_arena *arena)
{
    const char *rest;

    if (!husk__path_below(h->own_path, h->mount_root, &rest) || strstr(h->own_path, "/..") != NULL)
        return NULL;
    return husk_strf(arena, "%s%s", h->mountpoint, strcmp(rest, "/") == 0 ? "" : rest);
}

/* Where a relative cgroup path starts: below the own cgroup, on v2 beside it, since there a cgroup with
 * processes takes no controllers below it. NULL when it is out of sight. */
static const char *husk__place_dir(const struct husk_hierarchy *h, struct husk_arena *arena, const char *own)
{
    if (own == NULL || h->version == 1 || strcmp(own, h->mountpoint) == 0)
        return own;
    return husk_strndup(arena, own, (size_t)(strrchr(own, '/') - own));
}

/* Ranges of the user (NULL: known by number alone) in the text of /etc/subuid or /etc/subgid, which has lines
 * "name-or-uid:start:count". Rewrites `text`. */
static struct husk_subids husk__subids_parse(char *text, const char *user, uint32_t uid,
                                             struct husk_arena *arena)
{
    struct husk_subids r = { 0 };
    struct husk_subid *v, one;
    uint32_t number;
    char *line, *owner, *start, *length;

    while ((line = husk__cut(&text, '\n')) != NULL) {
        owner = husk__cut(&line, ':');
        start = husk__cut(&line, ':');
        length = husk__cut(&line, ':');
        if (!husk__digits(start, &one.start) || !husk__digits(length, &one.count) || one.count == 0 ||
            one.count > UINT32_MAX - one.start)
            continue;
        if ((user == NULL || strcmp(owner, user) != 0) && !(husk__digits(owner, &number) && number == uid))
            continue;
        v = husk_arena_grow(arena, r.v, r.n * sizeof *v, (r.n + 1) * sizeof *v);
        if (v == NULL)
            return r;
        v[r.n++] = one;
        r.v = v;
    }
    return r;
}

/* The first user of that number in the text of /etc/passwd, or NULL. Rewrites `text`. */
static const char *husk__passwd_name(char *text, uint32_t uid)
{
    char *line, *name, *password;
    uint32_t number;

    while ((line = husk__cut(&text, '\n')) != NULL) {
        name = husk__cut(&line, ':');
        password = husk__cut(&line, ':');
        if (password != NULL && husk__digits(husk__cut(&line, ':'), &number) && number == uid)
            return name;
    }
    return NULL;
}

static bool husk__release_at_least(const char *release, unsigned major, unsigned minor)
{
    unsigned a = 0, b = 0;

    return sscanf(release, "%u.%u", &a, &b) >= 1 && (a > major || (a == major && b >= minor));
}

/* ---- files ---- */

/* All of a file, NUL-terminated, or NULL. */
static char *husk__read_text(struct husk_arena *arena, int dir, const char *path)
{
    size_t size = 4096, len = 0;
    char *text = NULL;
    ssize_t got = 1;
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return NULL;
    text = husk_arena_alloc(arena, size);
    while (text != NULL && (got = read(fd, text + len, size - len - 1)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        len += got > 0 ? (size_t)got : 0;
        if (size - len == 1) {
            text = husk_arena_grow(arena, text, len, size * 2);
            size *= 2;
        }
    }
    close(fd);
    return got < 0 ? NULL : text;
}

static bool husk__accessible(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

/* A file of a cgroup directory as words; none when it cannot be read. */
static const char *const *husk__cgroup_words(struct husk_arena *arena, const char *dir, const char *file,
                                             uint32_t *n)
{
    char *path = husk_strf(arena, "%s/%s", dir, file);
    char *text = path ? husk__read_text(arena, AT_FDCWD, path) : NULL;

    *n = 0;
    return text ? husk__split(text, " \n", arena, n) : NULL;
}

static const char *husk__in_path(struct husk_arena *arena, const char *program)
{
    const char *path = getenv("PATH"), *end;
    char name[PATH_MAX];
    int n;

    for (path = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *path; path = *end ? end + 1 : end) {
        end = strchr(path, ':');
        end = end ? end : path + strlen(path);
        n = snprintf(name, sizeof name, "%.*s/%s", (int)(end - path), path, program);
        if (*path == '/' && n > 0 && (size_t)n < sizeof name && husk__accessible(name, X_OK))
            return husk_strdup(arena, name);
    }
    return NULL;
}

/* ---- the parts of the facts ---- */

/* base: the directory that `writable` is about; own: the caller's. */
static void husk__probe_cgroup2(struct husk_host *host, struct husk_hierarchy *h, struct husk_arena *arena,
                                const char *base, const char *own)
{
    static const struct {
        enum husk_feature feature;
        const char *file;
        unsigned major, minor;
    } files[] = {
        { HUSK_FEATURE_CGROUP_FREEZE, "cgroup.freeze", 5, 2 },
        { HUSK_FEATURE_CGROUP_KILL, "cgroup.kill", 5, 14 },
    };
    const char *here = own ? own : h->mountpoint, *path;
    bool below_root;
    size_t i;

    h->controllers = husk__cgroup_words(arena, base, "cgroup.controllers", &h->n_controllers);
    h->enabled = husk__cgroup_words(arena, base, "cgroup.subtree_control", &h->n_enabled);
    path = husk_strf(arena, "%s/cgroup.events", here); /* every cgroup has it but the root */
    below_root = path != NULL && husk__accessible(path, F_OK);
    for (i = 0; i < HUSK_COUNT(files); i++) {
        path = below_root ? husk_strf(arena, "%s/%s", here, files[i].file) : NULL;
        host->features[files[i].feature] =
            path ? husk__accessible(path, F_OK)
                 : husk__release_at_least(host->release, files[i].major, files[i].minor);
    }
}

static int husk__probe_cgroups(struct husk_host *host, struct husk_arena *arena, int proc,
                               struct husk_err *err)
{
    char *mountinfo = husk__read_text(arena, proc, "mountinfo"), *cgroup;
    struct husk_hierarchy *h = NULL;
    struct husk__mount *m = NULL;
    uint32_t n, i;
    const char *own, *place;

    if (mountinfo == NULL && !arena->failed)
        return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, errno, "host",
                         "cannot read /proc/self/mountinfo");
    if (mountinfo == NULL)
        return HUSK_OK; /* out of memory; the caller looks */
    n = husk__mounts_parse(mountinfo, arena, &m);
    for (i = 0; i < n; i++) {
        if (strcmp(m[i].type, "resctrl") == 0 && strcmp(m[i].point, "/sys/fs/resctrl") == 0)
            host->features[HUSK_FEATURE_RESCTRL] = true;
        if (strcmp(m[i].type, "selinuxfs") == 0)
            host->features[HUSK_FEATURE_SELINUX] = true;
    }
    cgroup = husk__read_text(arena, proc, "cgroup");
    if (cgroup != NULL) /* absent in a kernel without cgroups */
        host->n_hierarchies = husk__hierarchies_parse(cgroup, m, n, arena, &h);
    host->hierarchies = h;
    for (i = 0; i < host->n_hierarchies; i++) {
        own = husk__own_dir(&h[i], arena);
        h[i].writable = husk__accessible(h[i].mountpoint, W_OK);
        place = husk__place_dir(&h[i], arena, own);
        h[i].delegated = !h[i].writable && place != NULL && husk__accessible(place, W_OK);
        h[i].writable |= h[i].delegated;
        if (h[i].version == 2)
            husk__probe_cgroup2(host, &h[i], arena, h[i].delegated ? place : h[i].mountpoint, own);
    }
    return HUSK_OK;
}

#define HUSK__ATTR_IDMAP 0x00100000u

/* The errno of a system call that must fail, 0 when it did not. */
#define HUSK__TRY(...) (syscall(__VA_ARGS__) < 0 ? errno : 0)

static bool husk__try_seccomp(unsigned flags)
{
    /* SECCOMP_SET_MODE_FILTER: unknown flags are EINVAL, and only then the missing filter is EFAULT. */
    return HUSK__TRY(__NR_seccomp, 1, flags, NULL) == EFAULT;
}

static int husk__try_mount_setattr(uint64_t attr)
{
    struct husk__mount_attr args = { .attr_set = attr, .userns_fd = INT_MAX };

    return HUSK__TRY(__NR_mount_setattr, -1, ".", 0, &args, sizeof args);
}

/* Calls of new kernels. */
static void husk__probe_calls(struct husk_host *host)
{
    struct husk__clone_args args = { .exit_signal = UINT64_MAX, .cgroup = 1 };
    struct husk__open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = HUSK__RESOLVE_IN_ROOT };
    bool *has = host->features;
    uint32_t i;
    int e;

    /* Such a signal is EINVAL always; a cgroup is E2BIG where the structure has no place for it yet. */
    e = HUSK__TRY(__NR_clone3, &args, sizeof args);
    has[HUSK_FEATURE_CLONE3] = e == EINVAL || e == E2BIG;
    for (i = 0; i < host->n_hierarchies; i++)
        has[HUSK_FEATURE_CLONE_INTO_CGROUP] |= e == EINVAL && host->hierarchies[i].version == 2;
    has[HUSK_FEATURE_OPENAT2] = HUSK__TRY(__NR_openat2, -1, ".", &how, sizeof how) == EBADF;
    has[HUSK_FEATURE_PIDFD] = HUSK__TRY(__NR_pidfd_open, -1, 0) == EINVAL &&
                              HUSK__TRY(__NR_pidfd_send_signal, -1, 0, NULL, 0) == EBADF;
    has[HUSK_FEATURE_PIDFD_GETFD] = HUSK__TRY(__NR_pidfd_getfd, -1, 0, 0) == EBADF;
    /* On the one descriptor that cannot be open: an invalid range would give EINVAL, like an unknown flag. */
    has[HUSK_FEATURE_CLOSE_RANGE] =
        HUSK__TRY(__NR_close_range, UINT_MAX, UINT_MAX, HUSK__CLOSE_RANGE_CLOEXEC) == 0;
    e = HUSK__TRY(__NR_move_mount, -1, "", -1, "", 0);
    has[HUSK_FEATURE_OPEN_TREE] = HUSK__TRY(__NR_open_tree, -1, ".", 0) == EBADF && e != ENOSYS;
    has[HUSK_FEATURE_MOUNT_SETATTR] = HUSK__TRY(__NR_mount_setattr, -1, ".", 0, NULL, 0) == EINVAL;
    e = husk__try_mount_setattr(HUSK__ATTR_IDMAP); /* EPERM comes before attributes are looked at */
    has[HUSK_FEATURE_MOUNT_IDMAP] = has[HUSK_FEATURE_MOUNT_SETATTR] && (e == EBADF || e == EPERM);
    has[HUSK_FEATURE_NOSYMFOLLOW] = husk__try_mount_setattr(HUSK__ATTR_NOSYMFOLLOW) == EBADF ||
                                    husk__release_at_least(host->release, 5, 10);
    /* MFD_CLOEXEC | MFD_ALLOW_SEALING: flags come before the name. */
    has[HUSK_FEATURE_MEMFD] = HUSK__TRY(__NR_memfd_create, NULL, 3) == EFAULT;
}

/* The first disk says which schedulers there are: "[none] mq-deadline bfq". */
static bool husk__has_bfq(struct husk_arena *arena)
{
    int fd = open("/sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t buffer[512];
    char path[300], *text = NULL;
    long got = fd < 0 ? 0 : syscall(__NR_getdents64, fd, buffer, sizeof buffer), at = 0;

    while (at < got && text == NULL) {
        const char *entry = (const char *)buffer + at; /* as in husk__probe_hugepages */
        uint16_t length;

        memcpy(&length, entry + 16, sizeof length);
        at += length;
        snprintf(path, sizeof path, "%.255s/queue/scheduler", entry + 19);
        text = entry[19] == '.' ? NULL : husk__read_text(arena, fd, path);
    }
    if (fd >= 0)
        close(fd);
    return text != NULL && strstr(text, "bfq") != NULL;
}

static void husk__probe_features(struct husk_host *host, struct husk_arena *arena, int proc)
{
    uint32_t query[8] = { UINT32_MAX, 6 }; /* no cgroup; BPF_CGROUP_DEVICE */
    bool *has = host->features;
    char *text;

    /* BPF_PROG_QUERY: EINVAL without this attach type or without cgroup BPF; and EPERM without the privileges
     * that loading asks for. So no program needs to be verified to know. */
    has[HUSK_FEATURE_BPF_CGROUP_DEVICE] = HUSK__TRY(__NR_bpf, 16, query, sizeof query) == EBADF;
    has[HUSK_FEATURE_SECCOMP_FILTER] = husk__try_seccomp(0);
    has[HUSK_FEATURE_SECCOMP_LOG] = husk__try_seccomp(1u << 1);
    has[HUSK_FEATURE_SECCOMP_SPEC_ALLOW] = husk__try_seccomp(1u << 2);
    has[HUSK_FEATURE_SECCOMP_LISTENER] = husk__try_seccomp(HUSK__FILTER_NEW_LISTENER);
    /* WAIT_KILLABLE_RECV is valid only with a listener. */
    has[HUSK_FEATURE_SECCOMP_WAIT_KILLABLE] = husk__try_seccomp(HUSK__FILTER_WAIT_KILLABLE_RECV | HUSK__FILTER_NEW_LISTENER);
    has[HUSK_FEATURE_NUMA] = HUSK__TRY(__NR_set_mempolicy, 100, NULL, 0) == EINVAL;
    has[HUSK_FEATURE_KEYRINGS] = HUSK__TRY(__NR_keyctl, INT_MAX, 0, 0, 0, 0) == EOPNOTSUPP;
    has[HUSK_FEATURE_KCORE] = husk__accessible("/proc/kcore", F_OK);
    has[HUSK_FEATURE_SYSTEMD] = husk__accessible("/run/systemd/system", F_OK);
    has[HUSK_FEATURE_BFQ] = husk__has_bfq(arena);
    text = husk__read_text(arena, AT_FDCWD, "/sys/module/apparmor/parameters/enabled");
    has[HUSK_FEATURE_APPARMOR] = text != NULL && *text == 'Y';
    /* selinuxfs without a policy: the label of every process is "kernel". */
    text = has[HUSK_FEATURE_SELINUX] ? husk__read_text(arena, proc, "attr/current") : NULL;
    has[HUSK_FEATURE_SELINUX] = text != NULL && *text != '\0' && strcmp(text, "kernel") != 0;
}

static void husk__probe_caller(struct husk_host *host, struct husk_arena *arena, int proc)
{
    static const struct {
        uint64_t type;
        const char *file;
    } ns[] = {
        { CLONE_NEWNS, "ns/mnt" },        { CLONE_NEWUTS, "ns/uts" },   { CLONE_NEWIPC, "ns/ipc" },
        { CLONE_NEWUSER, "ns/user" },     { CLONE_NEWPID, "ns/pid" },   { CLONE_NEWNET, "ns/net" },
        { CLONE_NEWCGROUP, "ns/cgroup" }, { CLONE_NEWTIME, "ns/time" },
    };
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct caps[2] = { 0 };
    char *subuid, *subgid, *passwd;
    const char *user = NULL;
    struct stat st;
    uint32_t i;
    int set;

    host->euid = geteuid();
    host->egid = getegid();
    for (i = 0; i < HUSK_COUNT(ns); i++)
        host->namespaces |= faccessat(proc, ns[i].file, F_OK, 0) == 0 ? ns[i].type : 0;
    /* USER_NS_INIT_INO; a full uid_map would not tell, since a child namespace can have one. */
    host->in_userns = fstatat(proc, "ns/user", &st, 0) == 0 && st.st_ino != 0xEFFFFFFDu;
    if (syscall(__NR_capget, &head, caps) == 0)
        host->caps_effective = caps[0].effective | (uint64_t)caps[1].effective << 32;
    for (i = 0; i < 64 && (set = prctl(PR_CAPBSET_READ, i, 0, 0, 0)) >= 0; i++) {
        host->caps_bounding |= (uint64_t)(set > 0) << i;
        host->cap_last = i;
    }
    host->newuidmap = husk__in_path(arena, "newuidmap");
    host->newgidmap = husk__in_path(arena, "newgidmap");
    subuid = husk__read_text(arena, AT_FDCWD, "/etc/subuid");
    subgid = husk__read_text(arena, AT_FDCWD, "/etc/subgid"); /* it, too, lists users */
    if ((subuid && *subuid) || (subgid && *subgid)) {
        passwd = husk__read_text(arena, AT_FDCWD, "/etc/passwd");
        user = passwd ? husk__passwd_name(passwd, host->euid) : NULL;
    }
    if (subuid != NULL)
        host->subuids = husk__subids_parse(subuid, user, host->euid, arena);
    if (subgid != NULL)
        host->subgids = husk__subids_parse(subgid, user, host->euid, arena);
}

/* /sys/kernel/mm/hugepages has a directory "hugepages-2048kB" for each size; hugetlb files call it "2MB". */
static void husk__probe_hugepages(struct husk_host *host, struct husk_arena *arena)
{
    int fd = open("/sys/kernel/mm/hugepages", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t sizes[16], kb, buffer[512];
    const char **names;
    uint32_t n = 0, i;
    long got, at;

    if (fd < 0)
        return;
    while ((got = syscall(__NR_getdents64, fd, buffer, sizeof buffer)) > 0) {
        for (at = 0; at < got;) {
            /* Of an entry: 8 bytes inode, 8 offset, 2 length, 1 type, then the name. */
            const char *entry = (const char *)buffer + at;
            uint16_t length;

            memcpy(&length, entry + 16, sizeof length);
            at += length;
            if (n == HUSK_COUNT(sizes) || sscanf(entry + 19, "hugepages-%" SCNu64 "kB", &kb) != 1)
                continue;
            for (i = n++; i > 0 && sizes[i - 1] > kb; i--)
                sizes[i] = sizes[i - 1];
            sizes[i] = kb;
        }
    }
    close(fd);
    names = husk_arena_alloc(arena, (n + 1) * sizeof *names);
    for (i = 0; i < n && names != NULL; i++) {
        unsigned unit = sizes[i] >= 1u << 20 ? 2 : sizes[i] >= 1u << 10 ? 1 : 0;
        names[i] = husk_strf(arena, "%" PRIu64 "%cB", sizes[i] >> (unit * 10), "KMG"[unit]);
    }
    host->hugepage_sizes = n ? names : NULL;
    host->n_hugepage_sizes = n;
}

HUSK_API int husk_host_probe(struct husk_host *host, struct husk_arena *arena, struct husk_err *err)
{
    static const char *const delegate[] = { "cgroup.procs", "cgroup.subtree_control", "cgroup.threads" };
    int proc, code, saved = errno;
    struct utsname uts;
    char *text;

    memset(host, 0, sizeof *host);
    uname(&uts);
    host->machine = husk_strdup(arena, uts.machine);
    host->release = husk_strdup(arena, uts.release);
    /* The thread's own view, since each may have its own namespaces; thread-self came with Linux 3.17. */
    proc = open("/proc/thread-self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, errno, "host",
                         "cannot read /proc/self: is it mounted?");
    code = arena->failed ? HUSK_OK : husk__probe_cgroups(host, arena, proc, err);
    if (code == HUSK_OK && !arena->failed) {
        husk__probe_calls(host);
        husk__probe_features(host, arena, proc);
        husk__probe_caller(host, arena, proc);
        husk__probe_hugepages(host, arena);
        text = husk__read_text(arena, AT_FDCWD, "/sys/kernel/cgroup/delegate");
        host->delegate = text ? husk__split(text, "\n", arena, &host->n_delegate) : delegate;
        host->n_delegate = text ? host->n_delegate : (uint32_t)HUSK_COUNT(delegate);
    }
    close(proc);
    errno = saved;
    if (code == HUSK_OK && arena->failed)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "host", "out of memory");
    return code;
}
#undef HUSK__TRY
#endif
