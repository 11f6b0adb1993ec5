/* What the fuzz targets share: a check that aborts, and, where libFuzzer is not linked, a driver of their own.
 *
 * With libFuzzer: make fuzz. Without: replays the files that it is given, and changes of each, always the same ones.
 * The target says before it includes this: FUZZ_ROUNDS, how many changed texts; FUZZ_WORDS, what is worth inserting;
 * FUZZ_CHANGE, fuzz_bytes or another function that changes a text and returns its new length. */
#ifndef HUSK_FUZZ_DRIVER_H
#define HUSK_FUZZ_DRIVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t fuzz_state = 88172645463325252u;

static inline size_t fuzz_number(size_t below)
{
    fuzz_state ^= fuzz_state << 13;
    fuzz_state ^= fuzz_state >> 7;
    fuzz_state ^= fuzz_state << 17;
    return below ? (size_t)(fuzz_state % below) : 0;
}

#ifndef HUSK_FUZZER
#define FUZZ_ROOM 65536u

/* One change: a byte, a cut, a piece copied to elsewhere, or a word that means something. */
static size_t fuzz_bytes(char *text, size_t len, size_t room)
{
    static const char *const words[] = {FUZZ_WORDS};
    const char *word = words[fuzz_number(sizeof words / sizeof words[0])];
    size_t at = fuzz_number(len + 1), n = fuzz_number(40), from = fuzz_number(len + 1);

    switch (fuzz_number(4)) {
    case 0:
        if (at < len)
            text[at] = (char)fuzz_number(256);
        return len;
    case 1:
        n = n < len - at ? n : len - at;
        memmove(text + at, text + at + n, len - at - n);
        return len - n;
    case 2:
        n = n < len - from ? n : len - from;
        if (at + n > len)
            return len;
        memmove(text + at, text + from, n);
        return len;
    default:
        n = strlen(word);
        if (len + n > room)
            return len;
        memmove(text + at + n, text + at, len - at);
        memcpy(text + at, word, n);
        return len + n;
    }
}

static bool fuzz_replay(const char *path)
{
    static char original[FUZZ_ROOM], text[2 * FUZZ_ROOM];
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(original, 1, sizeof original, f) : 0, n;

    if (f == NULL || ferror(f) || fclose(f) != 0)
        return false;
    LLVMFuzzerTestOneInput((const uint8_t *)original, len);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        memcpy(text, original, len);
        n = len;
        for (size_t changes = 1 + fuzz_number(8); changes > 0; changes--)
            n = FUZZ_CHANGE(text, n, sizeof text);
        LLVMFuzzerTestOneInput((const uint8_t *)text, n);
    }
    return true;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++) { /* a failed check aborts: the runner sees the signal */
        bool good = fuzz_replay(argv[i]);
        printf("%s - %s and %d changes\n", good ? "ok" : "not ok", argv[i], FUZZ_ROUNDS);
        failed |= !good;
    }
    printf("1..%d\n", argc - 1);
    return failed;
}
#endif
#endif
