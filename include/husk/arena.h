/* husk/arena.h - memory for one stage, released in one call, and text built in it.
 *
 *     struct husk_arena arena = {0};             // grows by malloc; or husk_arena_fixed() for a buffer of yours
 *     ...
 *     husk_arena_fini(&arena);
 *
 * Running out is sticky: `failed` stays set, later allocations return NULL, and a stage checks it
 * once, at its end (HUSK_ENOMEM). The only place of husk that calls malloc.
 */
#ifndef HUSK_ARENA_H
#define HUSK_ARENA_H

#include "husk/base.h"

struct husk_arena_block;
struct husk_arena {
    char *at, *end;                 /* free part of the newest block */
    struct husk_arena_block *block; /* NULL with a fixed buffer */
    bool fixed, failed;
};

/* Text that grows in an arena; NUL-terminated once anything was added. All-zero but `arena` is empty. */
struct husk_text {
    struct husk_arena *arena;
    char *data;
    size_t len, cap;
};

HUSK_BEGIN_DECLS

/* Use the caller's buffer and never malloc. The buffer must outlive the arena. */
HUSK_API void husk_arena_fixed(struct husk_arena *a, void *buffer, size_t size_bytes);
HUSK_API void husk_arena_fini(struct husk_arena *a);
/* Zeroed, aligned for any type; NULL when out of memory. */
HUSK_API void *husk_arena_alloc(struct husk_arena *a, size_t size_bytes);
/* A copy of old[0..old_bytes) in new_bytes of fresh memory (the old one stays until fini). */
HUSK_API void *husk_arena_grow(struct husk_arena *a, const void *old, size_t old_bytes, size_t new_bytes);
HUSK_API char *husk_strndup(struct husk_arena *a, const char *s, size_t len);
HUSK_API char *husk_strdup(struct husk_arena *a, const char *s);
/* Formatted string; NULL when out of memory. */
HUSK_API char *husk_strf(struct husk_arena *a, const char *fmt, ...) HUSK_PRINTF(2, 3);

HUSK_API void husk_text_add(struct husk_text *t, const char *s, size_t len);
HUSK_API void husk_text_str(struct husk_text *t, const char *s);
HUSK_API void husk_textf(struct husk_text *t, const char *fmt, ...) HUSK_PRINTF(2, 3);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_ARENA_IMPLEMENTED)
#define HUSK_ARENA_IMPLEMENTED
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct husk_arena_block {
    struct husk_arena_block *next;
    max_align_t data[];
};

#define HUSK__ARENA_BLOCK 65536u
#define HUSK__ARENA_ALIGN _Alignof(max_align_t)

HUSK_API void husk_arena_fixed(struct husk_arena *a, void *buffer, size_t size_bytes)
{
    size_t skip = (size_t)(-(uintptr_t)buffer & (HUSK__ARENA_ALIGN - 1));

    memset(a, 0, sizeof *a);
    a->fixed = true;
    if (skip > size_bytes)
        skip = size_bytes;
    a->at = (char *)buffer + skip;
    a->end = (char *)buffer + size_bytes;
}

HUSK_API void husk_arena_fini(struct husk_arena *a)
{
    while (a->block != NULL) {
        struct husk_arena_block *next = a->block->next;
        free(a->block);
        a->block = next;
    }
    memset(a, 0, sizeof *a);
}

HUSK_API void *husk_arena_alloc(struct husk_arena *a, size_t size_bytes)
{
    size_t need = (size_bytes + HUSK__ARENA_ALIGN - 1) & ~(HUSK__ARENA_ALIGN - 1), room;
    struct husk_arena_block *b;
    char *p;

    if (a->failed || need < size_bytes) {
        a->failed = true;
        return NULL;
    }
    if (need > (size_t)(a->end - a->at)) {
        room = need > HUSK__ARENA_BLOCK ? need : HUSK__ARENA_BLOCK;
        b = a->fixed || room > SIZE_MAX - sizeof *b ? NULL : malloc(sizeof *b + room);
        if (b == NULL) {
            a->failed = true;
            return NULL;
        }
        b->next = a->block;
        a->block = b;
        a->at = (char *)b->data;
        a->end = a->at + room;
    }
    p = a->at;
    a->at += need;
    memset(p, 0, need);
    return p;
}

HUSK_API void *husk_arena_grow(struct husk_arena *a, const void *old, size_t old_bytes, size_t new_bytes)
{
    void *p = husk_arena_alloc(a, new_bytes);

    if (p != NULL && old_bytes > 0)
        memcpy(p, old, old_bytes);
    return p;
}

HUSK_API char *husk_strndup(struct husk_arena *a, const char *s, size_t len)
{
    char *p = len == SIZE_MAX ? NULL : husk_arena_alloc(a, len + 1);

    if (p != NULL)
        memcpy(p, s, len);
    return p;
}

HUSK_API char *husk_strdup(struct husk_arena *a, const char *s)
{
    return s ? husk_strndup(a, s, strlen(s)) : NULL;
}

HUSK_API char *husk_strf(struct husk_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *p;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    p = n < 0 ? NULL : husk_arena_alloc(a, (size_t)n + 1);
    if (p != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

HUSK_API void husk_text_add(struct husk_text *t, const char *s, size_t len)
{
    size_t cap = t->cap ? t->cap : 256;
    char *p;

    if (len >= SIZE_MAX / 4 - t->len) {
        t->arena->failed = true;
        return;
    }
    if (t->len + len + 1 > t->cap) {
        while (cap < t->len + len + 1)
            cap *= 2;
        p = husk_arena_grow(t->arena, t->data, t->len, cap);
        if (p == NULL)
            return;
        t->data = p;
        t->cap = cap;
    }
    memcpy(t->data + t->len, s, len);
    t->len += len;
    t->data[t->len] = '\0';
}

HUSK_API void husk_text_str(struct husk_text *t, const char *s)
{
    husk_text_add(t, s, strlen(s));
}

HUSK_API void husk_textf(struct husk_text *t, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;
    int n;
    char *p;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof small) {
        husk_text_add(t, small, (size_t)n);
    } else if (n >= 0 && (p = husk_arena_alloc(t->arena, (size_t)n + 1)) != NULL) {
        vsnprintf(p, (size_t)n + 1, fmt, again);
        husk_text_add(t, p, (size_t)n);
    }
    va_end(again);
}
#endif
