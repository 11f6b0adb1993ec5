/* husk/impl/apply_undo.h - what outlives a container is written down before it is made, and taken back from the
 * end. Part of apply.h's implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_UNDO_IMPLEMENTED)
#define HUSK_APPLY_UNDO_IMPLEMENTED

#include "husk/apply.h"
#include "husk/backends.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HUSK__UNDO_MSEC 5000u /* for all waits together */

/* A line of the log: VERB "PATH", with \ before " and \, and newline as \n. */
static void husk__undo_line(struct husk_text *t, const char *verb, const char *dir, const char *name)
{
    const char *part[] = {dir, "/", name};

    husk_textf(t, "%s \"", verb);
    for (size_t i = dir[0] == '/' && dir[1] == '\0' ? 1 : 0; i < HUSK_COUNT(part); i++)
        for (const char *s = part[i]; *s != '\0'; s++) {
            if (*s == '"' || *s == '\\')
                husk_text_str(t, "\\");
            if (*s == '\n')
                husk_text_str(t, "\\n");
            else
                husk_text_add(t, s, 1);
        }
    husk_text_str(t, "\"\n");
}

/* What becomes of the path. rmdir is the container's own directory, prune one above it, which others may use
 * by now, keep takes back the line before it: that was not ours to make. */
enum husk__verb { HUSK__RMDIR, HUSK__PRUNE, HUSK__UNLINK, HUSK__KEEP, HUSK__NO_VERB };

/* The inverse, for the line [s, end). */
static enum husk__verb husk__undo_parse(const char *s, const char *end, char path[PATH_MAX])
{
    static const char *const verbs[] = {"rmdir", "prune", "unlink", "keep"};
    size_t n = 0, v = 0, k = 0;

    while (s + v < end && s[v] != ' ')
        v++;
    while (k < HUSK__NO_VERB && (strlen(verbs[k]) != v || memcmp(s, verbs[k], v) != 0))
        k++;
    if (k == HUSK__NO_VERB || (size_t)(end - s) < v + 3 || s[v + 1] != '"' || end[-1] != '"')
        return HUSK__NO_VERB;
    for (s += v + 2, end--; s < end && n < PATH_MAX - 1; s++) {
        char c = *s;
        if (c == '\\' && s + 1 < end)
            c = *++s == 'n' ? '\n' : *s;
        path[n++] = c;
    }
    path[n] = '\0';
    return s == end && path[0] == '/' ? (enum husk__verb)k : HUSK__NO_VERB;
}

/* A cgroup stays busy until the last process in it is through with exiting, shortly after it was reaped. */
static int husk__rmdir(const char *path, uint64_t until_msec)
{
    char events[PATH_MAX + 32], text[64];
    int r, fd, pause_msec = 1;

    while ((r = rmdir(path) < 0 ? errno : 0) == EBUSY && husk__now_msec() < until_msec) {
        snprintf(events, sizeof events, "%s/cgroup.events", path);
        fd = open(events, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, text, sizeof text) > 0) {
            struct pollfd p = {fd, POLLPRI, 0};
            (void)poll(&p, 1, pause_msec);
        } else {
            struct timespec t = {0, pause_msec * 1000000L};
            nanosleep(&t, NULL);
        }
        husk__close(fd);
        pause_msec = pause_msec < 50 ? pause_msec * 2 : pause_msec;
    }
    return r;
}

/* keep: the path of the line after this one, when that was a keep. */
static int husk__undo_one(const char *line, const char *end, uint64_t until_msec, char keep[PATH_MAX],
                          struct husk_err *err)
{
    char path[PATH_MAX];
    enum husk__verb verb = husk__undo_parse(line, end, path);
    bool kept = verb != HUSK__NO_VERB && strcmp(path, keep) == 0;
    int sys = 0;

    keep[0] = '\0';
    if (verb == HUSK__NO_VERB)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_BAD_VALUE, 0, NULL, "undo log: cannot read line: %.*s",
                         (int)(end - line), line);
    if (verb == HUSK__KEEP)
        memcpy(keep, path, sizeof path);
    else if (kept)
        return HUSK_OK;
    else if (verb == HUSK__UNLINK)
        sys = unlink(path) < 0 ? errno : 0;
    else
        sys = husk__rmdir(path, verb == HUSK__PRUNE ? 0 : until_msec);
    if (sys == 0 || sys == ENOENT ||
        (verb == HUSK__PRUNE && (sys == EBUSY || sys == ENOTEMPTY || sys == EEXIST)))
        return HUSK_OK;
    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, sys, NULL, "cannot remove %s: %s (%s)", path,
                     husk_errno_name(sys), strerror(sys));
}

HUSK_API int husk_undo(const char *log, size_t len, struct husk_err *err)
{
    uint64_t until_msec = husk__now_msec() + HUSK__UNDO_MSEC;
    const char *end = log + len, *line;
    char keep[PATH_MAX] = "";
    struct husk_err one;
    int first = HUSK_OK, r;

    while (end > log) {
        if (end[-1] == '\n')
            end--;
        for (line = end; line > log && line[-1] != '\n'; line--)
            ;
        r = line < end ? husk__undo_one(line, end, until_msec, keep, &one) : HUSK_OK;
        if (r != 0 && first == 0) {
            first = r;
            if (err != NULL)
                *err = one;
        }
        end = line;
    }
    return first;
}

/* Was this directory made by us, for nobody else? */
static bool husk__undo_has(const struct husk_text *log, const char *dir)
{
    char path[PATH_MAX];
    bool has = false;

    for (size_t at = 0, end; at < log->len; at = end + 1) {
        for (end = at; log->data[end] != '\n'; end++)
            ;
        enum husk__verb verb = husk__undo_parse(log->data + at, log->data + end, path);
        if (verb != HUSK__NO_VERB && strcmp(path, dir) == 0)
            has = verb == HUSK__RMDIR;
    }
    return has;
}

/* The cgroup's directory, or -1: whatever else may be at that path by now, no process is looked for there. */
static int husk__cgroup_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || husk__expect(fd, HUSK_EXPECT_CGROUPFS) == 0)
        return fd;
    close(fd);
    return -1;
}

/* What ran in a cgroup that we made goes with it, though the container had no pid namespace that takes all
 * along. First kill everywhere: a frozen process dies by its freezer's hierarchy alone, and until then all
 * are busy. */
static void husk__undo_cgroups(const struct husk_plan *plan, const struct husk_backends *backends,
                               const struct husk_text *log)
{
    uint64_t until_msec = husk__now_msec() + HUSK__UNDO_MSEC;
    const struct husk_cgroup_backend *b;
    int dir;

    for (uint32_t i = 2 * plan->n_cgroups; i > 0; i--) {
        const struct husk_cgroup_place *place = &plan->cgroups[(i - 1) % plan->n_cgroups];
        if (!husk__undo_has(log, place->dir))
            continue;
        b = husk_cgroup_backend_named(backends ? backends : &husk_backends_default, place->backend);
        dir = husk__cgroup_open(place->dir);
        if (b != NULL && dir >= 0 && HUSK_HAS(b, kill_all) && i > plan->n_cgroups)
            (void)b->kill_all(dir);
        else if (b != NULL && dir >= 0 && HUSK_HAS(b, remove) && husk__now_msec() < until_msec)
            (void)b->remove(dir, place->dir);
        husk__close(dir);
    }
}
HUSK_API int husk_undo_fd(int fd, struct husk_err *err)
{
    struct husk_arena arena = {0};
    struct husk_text log = {.arena = &arena};
    char part[4096];
    ssize_t n;
    int code;

    while ((n = pread(fd, part, sizeof part, (off_t)log.len)) > 0 && !arena.failed)
        husk_text_add(&log, part, (size_t)n);
    if (n < 0 || arena.failed)
        code = husk_fail(err, n < 0 ? HUSK_ESYS : HUSK_ENOMEM, HUSK_DIAG_OP_FAILED, n < 0 ? errno : 0, NULL, "cannot read the undo log");
    else
        code = husk_undo(log.data ? log.data : "", log.len, err);
    husk_arena_fini(&arena);
    return code;
}

#endif
