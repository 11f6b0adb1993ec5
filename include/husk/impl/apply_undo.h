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

#define HUSK__RMDIR_MSEC 3000u

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

/* The inverse, for the line [s, end). */
static bool husk__undo_parse(const char *s, const char *end, const char *verb, char path[PATH_MAX])
{
    size_t n = 0, v = strlen(verb);

    if ((size_t)(end - s) < v + 3 || memcmp(s, verb, v) != 0 || s[v] != ' ' || s[v + 1] != '"' ||
        end[-1] != '"')
        return false;
    for (s += v + 2, end--; s < end && n < PATH_MAX - 1; s++) {
        char c = *s;
        if (c == '\\' && s + 1 < end)
            c = *++s == 'n' ? '\n' : *s;
        path[n++] = c;
    }
    path[n] = '\0';
    return s == end && path[0] == '/';
}

/* A cgroup stays busy until the last process in it is through with exiting, shortly after it was reaped. */
static int husk__rmdir(const char *path)
{
    uint64_t begin = husk__now_msec();
    char events[PATH_MAX + 32], text[64];
    int r, fd, pause_msec = 1;

    while ((r = rmdir(path) < 0 ? errno : 0) == EBUSY && husk__now_msec() - begin < HUSK__RMDIR_MSEC) {
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

static int husk__undo_one(const char *line, const char *end, struct husk_err *err)
{
    char path[PATH_MAX];
    int sys;

    if (husk__undo_parse(line, end, "rmdir", path))
        sys = husk__rmdir(path);
    else if (husk__undo_parse(line, end, "unlink", path))
        sys = unlink(path) < 0 ? errno : 0;
    else
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_BAD_VALUE, 0, NULL, "undo log: cannot read line: %.*s",
                         (int)(end - line), line);
    if (sys == 0 || sys == ENOENT)
        return HUSK_OK;
    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, sys, NULL, "cannot remove %s: %s (%s)", path,
                     husk_errno_name(sys), strerror(sys));
}

HUSK_API int husk_undo(const char *log, size_t len, struct husk_err *err)
{
    const char *end = log + len, *line;
    struct husk_err one;
    int first = HUSK_OK, r;

    while (end > log) {
        if (end[-1] == '\n')
            end--;
        for (line = end; line > log && line[-1] != '\n'; line--)
            ;
        r = line < end ? husk__undo_one(line, end, &one) : HUSK_OK;
        if (r != 0 && first == 0) {
            first = r;
            if (err != NULL)
                *err = one;
        }
        end = line;
    }
    return first;
}

/* Was this directory made by us? */
static bool husk__undo_has(const struct husk_text *log, const char *dir)
{
    char path[PATH_MAX];

    for (size_t at = 0, end; at < log->len; at = end + 1) {
        for (end = at; log->data[end] != '\n'; end++)
            ;
        if (husk__undo_parse(log->data + at, log->data + end, "rmdir", path) && strcmp(path, dir) == 0)
            return true;
    }
    return false;
}

/* What ran in a cgroup that we made goes with it, though the container had no pid namespace that takes all
 * along. */
static void husk__undo_cgroups(const struct husk_plan *plan, const struct husk_backends *backends,
                               const struct husk_text *log)
{
    const struct husk_cgroup_backend *b;
    int dir;

    for (uint32_t i = plan->n_cgroups; i > 0; i--) {
        const struct husk_cgroup_place *place = &plan->cgroups[i - 1];
        if (!husk__undo_has(log, place->dir))
            continue;
        b = husk_cgroup_backend_of(backends ? backends : &husk_backends_default, place->version);
        dir = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (b != NULL && dir >= 0 && HUSK_HAS(b, kill_all) && HUSK_HAS(b, remove)) {
            (void)b->kill_all(dir);
            (void)b->remove(dir, place->dir);
        }
        husk__close(dir);
    }
}
#endif
