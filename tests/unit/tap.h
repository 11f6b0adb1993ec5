/* tap.h - results of a test program, in the form that tests/run counts. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failures;

__attribute__((format(printf, 2, 3))) static bool tap_ok(bool good, const char *fmt, ...)
{
    va_list ap;

    printf("%s - ", good ? "ok" : "not ok");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    tap_count++;
    tap_failures += !good;
    return good;
}

/* What was got is shown when it is not what was wanted. NULL is a value too. */
static inline bool tap_same(const char *got, const char *want, const char *name)
{
    if (got == want || (got != NULL && want != NULL && strcmp(got, want) == 0))
        return tap_ok(true, "%s", name);
    return tap_ok(false, "%s: got %s, expected %s", name, got ? got : "NULL", want ? want : "NULL");
}

static inline bool tap_equal(long long got, long long want, const char *name)
{
    if (got == want)
        return tap_ok(true, "%s", name);
    return tap_ok(false, "%s: got %lld, expected %lld", name, got, want);
}

static inline int tap_done(void)
{
    printf("1..%u\n", tap_count);
    return tap_failures > 0;
}
#endif
