/* raw.h - what floor.c needs in place of libc: system calls, a start, numbers, paths, a way to give up. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H
#ifndef __x86_64__
#error "written for x86-64; bench/run leaves the floor out elsewhere"
#endif
#include <asm/unistd.h>
#include <linux/sched.h>

#define RAW_PATH 512

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#define SYS(...) SYS_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define SYS_(n, a, b, c, d, e, f, ...) \
    sys6(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* clone3 whose child calls a function, which must not return, on the stack that args names. */
static inline long raw_clone(struct clone_args *args, void (*child)(void))
{
    long result;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tcall *%%rbx\n1:"
                     : "=a"(result) : "a"(__NR_clone3), "D"(args), "S"(sizeof *args), "b"(child)
                     : "rcx", "r11", "memory");
    return result;
}

int raw_main(long argc, const char *const *argv);
void raw_start(const long *stack);
void _start(void);

void raw_start(const long *start)
{
    SYS(exit_group, raw_main(start[0], (const char *const *)(start + 1)));
}

__attribute__((naked, noreturn)) void _start(void)
{
    __asm__("mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall raw_start\n\thlt");
}

static inline long length(const char *s)
{
    long n = 0;
    while (s[n])
        n++;
    return n;
}

static inline int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* Decimal digits of n, without an end; returns how many. */
static inline int digits(char *to, long n)
{
    char reversed[24];
    int used = 0, at = 0;
    do
        reversed[used++] = (char)('0' + n % 10);
    while (n /= 10);
    while (used)
        to[at++] = reversed[--used];
    return at;
}

static inline void join(char to[RAW_PATH], const char *a, const char *b, const char *c)
{
    const char *const parts[] = { a, b, c };
    int at = 0;
    for (int i = 0; i < 3; i++)
        for (const char *s = parts[i]; *s && at < RAW_PATH - 1; s++)
            to[at++] = *s;
    to[at] = 0;
}

static inline const char *last_part(const char *path)
{
    const char *last = path;
    for (; *path; path++)
        if (*path == '/')
            last = path + 1;
    return last;
}

/* A result that is no error, or the end: "step: errno". */
static inline long must(const char *step, long result)
{
    char number[26] = ": ";
    if (result >= 0)
        return result;
    int n = 2 + digits(number + 2, -result);
    number[n++] = '\n';
    SYS(write, 2, step, length(step));
    SYS(write, 2, number, n);
    SYS(exit_group, 99);
    __builtin_unreachable();
}

#endif
