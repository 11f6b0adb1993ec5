/* log.c - messages: logfmt or JSON lines, to stderr or a file, in the forms that engines parse. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int log_fd = STDERR_FILENO;
static bool log_json, log_verbose, log_lent;
static char kept[8192]; /* warnings, each with a NUL at its end */
static size_t kept_len;

/* A symlink to a file is followed, as /dev/stderr is one; through one to nothing, nothing is made: that is a trap
 * where others may write. */
static int open_or_make(const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_SYNC | O_CLOEXEC;
    int fd = open(path, flags);

    if (fd < 0 && errno == ENOENT) {
        fd = open(path, flags | O_CREAT | O_EXCL, 0644);
        if (fd < 0 && errno == EEXIST) /* another husk made it just now */
            fd = open(path, flags);
    }
    return fd;
}

int log_open(const struct cli *c, struct husk_err *err)
{
    const char *path = c->log;

    log_verbose = c->debug;
    if (c->log_format != NULL && strcmp(c->log_format, "json") == 0)
        log_json = true;
    else if (c->log_format != NULL && strcmp(c->log_format, "text") != 0)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "invalid log-format: %s", c->log_format);
    if (path != NULL && strncmp(path, "file:", 5) == 0)
        path += 5;
    else if (path != NULL && (strncmp(path, "syslog:", 7) == 0 || strncmp(path, "journald:", 9) == 0))
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "--log %s: only a file can be written to", path);
    if (path == NULL || path[0] == '\0')
        return 0;
    log_fd = open_or_make(path);
    if (log_fd < 0) {
        log_fd = STDERR_FILENO;
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, errno, NULL, "open log %s: %s", path,
                         strerror(errno));
    }
    return 0;
}

/* One write(2) a line, so that the lines of several processes do not mix. */
static void put(const char *level, const char *msg)
{
    static _Alignas(16) char memory[32768];
    struct husk_arena arena;
    struct husk_text text = {.arena = &arena};
    char now[40];

    husk_arena_fixed(&arena, memory, sizeof memory);
    husk_time_now(now, false);
    if (log_json) {
        husk_textf(&text, "{\"level\":\"%s\",\"msg\":", level);
        husk_json_quote(&text, msg);
        husk_textf(&text, ",\"time\":\"%s\"}\n", now);
    } else {
        husk_textf(&text, "time=\"%s\" level=%s msg=", now, level);
        husk_json_quote(&text, msg);
        husk_text_str(&text, "\n");
    }
    if (text.data != NULL)
        write_all(log_fd, text.data, text.len);
}

void log_error(const char *msg)
{
    char plain[2048];
    size_t n = 0;

    put("error", msg);
    if (log_fd == STDERR_FILENO)
        return;
    for (; msg[n] != '\0' && n < sizeof plain - 2; n++)
        plain[n] = (unsigned char)msg[n] < ' ' || msg[n] == 127 ? ' ' : msg[n];
    plain[n++] = '\n';
    write_all(STDERR_FILENO, plain, n);
}

void log_debug(const char *fmt, ...)
{
    char msg[1024];
    va_list ap;

    if (!log_verbose)
        return;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    put("debug", msg);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;
    int n;

    if (kept_len >= sizeof kept - 1)
        return;
    va_start(ap, fmt);
    n = vsnprintf(kept + kept_len, sizeof kept - kept_len, fmt, ap);
    va_end(ap);
    if (n > 0)
        kept_len += strlen(kept + kept_len) + 1;
    if (log_verbose)
        log_commit();
}

void log_lend(bool lent)
{
    log_lent = lent;
}

void log_commit(void)
{
    if (log_lent && !log_verbose && log_fd == STDERR_FILENO && !isatty(log_fd))
        kept_len = 0;
    for (size_t at = 0; at < kept_len; at += strlen(kept + at) + 1)
        put("warning", kept + at);
    kept_len = 0;
}

void error_text(const struct cli *c, const struct husk_err *err, char *out, size_t size)
{
    char place[300] = "";

    if (err->line != 0)
        snprintf(place, sizeof place, "%s:%u:%u: ", c->document, err->line, err->column);
    snprintf(out, size, "%s%s%s%s", place, err->at, err->at[0] ? ": " : "", err->msg);
}

int fail(struct cli *c, const struct husk_err *err)
{
    char msg[1600];

    error_text(c, err, msg, sizeof msg);
    log_debug("failed: %s, operation %d, errno %s", husk_diag_name(err->diag), (int)err->op,
              husk_errno_name(err->sys));
    log_error(msg);
    return c->command != NULL ? c->command->failure : 1;
}

int failf(struct cli *c, const char *fmt, ...)
{
    char msg[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    log_error(msg);
    return c->command != NULL ? c->command->failure : 1;
}
