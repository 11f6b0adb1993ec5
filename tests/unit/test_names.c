/* The tables of names: against the kernel's numbers, both ways, and complete. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "husk/names.h"
#include "tap.h"

static unsigned length(enum husk_table table)
{
    unsigned n = 0;

    while (husk_table(table)[n].name != NULL)
        n++;
    return n;
}

static void test_lengths(void)
{
    static const struct { enum husk_table table; unsigned n; } lengths[] = {
        { HUSK_TABLE_CAPABILITY, 41 },    { HUSK_TABLE_RLIMIT, 16 },       { HUSK_TABLE_NAMESPACE, 8 },
        { HUSK_TABLE_SECCOMP_ACTION, 9 }, { HUSK_TABLE_SECCOMP_OP, 7 },    { HUSK_TABLE_SECCOMP_ARCH, 23 },
        { HUSK_TABLE_SECCOMP_FLAG, 4 },   { HUSK_TABLE_SCHED_POLICY, 7 },  { HUSK_TABLE_SCHED_FLAG, 7 },
        { HUSK_TABLE_IOPRIO_CLASS, 3 },   { HUSK_TABLE_MEMPOLICY_MODE, 7 }, { HUSK_TABLE_MEMPOLICY_FLAG, 3 },
        { HUSK_TABLE_PERSONALITY, 2 },    { HUSK_TABLE_PROPAGATION, 8 },   { HUSK_TABLE_CLOCK, 2 },
        { HUSK_TABLE_DEVICE_TYPE, 4 },
    };

    for (size_t i = 0; i < HUSK_COUNT(lengths); i++)
        tap_equal(length(lengths[i].table), lengths[i].n, husk_table_noun(lengths[i].table));
}

/* Every name leads to its value, and every value back to a name of that value. */
static void test_round_trips(void)
{
    for (int t = 0; t < HUSK_TABLE_COUNT; t++) {
        enum husk_table table = (enum husk_table)t;
        const char *wrong = NULL;
        for (const struct husk_name *n = husk_table(table); n->name != NULL; n++) {
            uint64_t value = ~n->value, back;
            const char *name;
            if (!husk_name_value(table, n->name, &value) || value != n->value)
                wrong = n->name;
            name = husk_name_of(table, n->value);
            if (name == NULL || !husk_name_value(table, name, &back) || back != n->value)
                wrong = n->name;
        }
        tap_same(wrong, NULL, husk_table_noun(table));
    }
}

static void test_values(void)
{
#define ROW(table, symbol) { HUSK_TABLE_##table, #symbol, (uint64_t)symbol }
    static const struct { enum husk_table table; const char *name; uint64_t value; } values[] = {
        ROW(CAPABILITY, CAP_CHOWN), ROW(CAPABILITY, CAP_SETPCAP), ROW(CAPABILITY, CAP_SYS_ADMIN),
        ROW(CAPABILITY, CAP_MKNOD), ROW(CAPABILITY, CAP_SETFCAP), ROW(CAPABILITY, CAP_SYSLOG),
        ROW(CAPABILITY, CAP_AUDIT_READ), ROW(CAPABILITY, CAP_SYS_TTY_CONFIG), ROW(CAPABILITY, CAP_NET_RAW),
        ROW(RLIMIT, RLIMIT_NOFILE), ROW(RLIMIT, RLIMIT_AS), ROW(RLIMIT, RLIMIT_NPROC),
        ROW(RLIMIT, RLIMIT_MEMLOCK),
        ROW(SIGNAL, SIGKILL), ROW(SIGNAL, SIGSYS), ROW(SIGNAL, SIGCHLD), ROW(SIGNAL, SIGPWR),
        { HUSK_TABLE_CAPABILITY, "CAP_CHECKPOINT_RESTORE", 40 },
        { HUSK_TABLE_NAMESPACE, "mount", CLONE_NEWNS }, { HUSK_TABLE_NAMESPACE, "network", CLONE_NEWNET },
        { HUSK_TABLE_NAMESPACE, "time", 0x80 }, { HUSK_TABLE_SECCOMP_ACTION, "SCMP_ACT_KILL", 0 },
        { HUSK_TABLE_SECCOMP_ACTION, "SCMP_ACT_KILL_PROCESS", 0x80000000 },
        { HUSK_TABLE_SECCOMP_ACTION, "SCMP_ACT_NOTIFY", 0x7fc00000 },
        { HUSK_TABLE_SECCOMP_ARCH, "SCMP_ARCH_X86_64", 0xc000003e },
        { HUSK_TABLE_SECCOMP_ARCH, "SCMP_ARCH_X32", 0x4000003e },
        { HUSK_TABLE_SECCOMP_ARCH, "SCMP_ARCH_AARCH64", 0xc00000b7 },
        { HUSK_TABLE_SECCOMP_ARCH, "SCMP_ARCH_MIPSEL64N32", 0xe0000008 },
        { HUSK_TABLE_SECCOMP_ARCH, "SCMP_ARCH_LOONGARCH64", 0xc0000102 },
        { HUSK_TABLE_SECCOMP_FLAG, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 32 },
        { HUSK_TABLE_PROPAGATION, "runbindable", MS_UNBINDABLE | MS_REC },
        { HUSK_TABLE_DEVICE_TYPE, "u", S_IFCHR },
        { HUSK_TABLE_PERSONALITY, "LINUX32", 8 }, { HUSK_TABLE_CLOCK, "boottime", 7 },
        { HUSK_TABLE_MEMPOLICY_FLAG, "MPOL_F_STATIC_NODES", 0x8000 },
    };
    uint64_t value;

    for (size_t i = 0; i < HUSK_COUNT(values); i++)
        tap_ok(husk_name_value(values[i].table, values[i].name, &value) && value == values[i].value, "%s",
               values[i].name);
    tap_ok(!husk_name_value(HUSK_TABLE_CAPABILITY, "CAP_NOTHING", &value) &&
               !husk_name_value(HUSK_TABLE_CAPABILITY, "cap_chown", &value) &&
               !husk_name_value(HUSK_TABLE_CAPABILITY, "", &value),
           "names that are none");
    tap_same(husk_name_of(HUSK_TABLE_CAPABILITY, 41), NULL, "value without a name");
    tap_same(husk_name_of(HUSK_TABLE_DEVICE_TYPE, S_IFCHR), "c", "the first of two names is printed");
}

static void test_signals(void)
{
    static const struct { const char *text; int value; } signals[] = {
        { "9", 9 }, { "0", 0 }, { "64", 64 }, { "KILL", SIGKILL }, { "SIGKILL", SIGKILL },
        { "sigterm", SIGTERM }, { "Hup", SIGHUP }, { "SIGIOT", SIGABRT }, { "POLL", SIGIO },
        { "CLD", SIGCHLD }, { "STKFLT", 16 }, { "SIGRTMIN", 34 }, { "RTMIN+3", 37 }, { "sigrtmin+30", 64 },
        { "RTMAX", 64 }, { "SIGRTMAX-14", 50 },
        { "RTMAX-30", 34 }, { "", -1 }, { "SIG", -1 }, { "65", -1 }, { "-9", -1 }, { "+9", -1 }, { "9x", -1 },
        { " 9", -1 }, { "FOO", -1 }, { "SIGSIGKILL", -1 }, { "SIG9", -1 }, { "RTMIN+31", -1 },
        { "RTMAX-31", -1 }, { "RTMIN-1", -1 }, { "RTMIN+", -1 }, { "99999999999999999999", -1 },
    };

    for (size_t i = 0; i < HUSK_COUNT(signals); i++)
        tap_ok(husk_signal_parse(signals[i].text) == signals[i].value, "signal \"%s\" is %d", signals[i].text,
               signals[i].value);
}

static void test_mount_options(void)
{
    const struct husk_mount_option *o = husk_mount_options();
    unsigned n = 0;
    bool sorted = true, found = true;

    for (; o[n].name != NULL; n++) {
        sorted = sorted && (n == 0 || strcmp(o[n - 1].name, o[n].name) < 0);
        found = found && husk_mount_option_find(o[n].name) == &o[n];
    }
    tap_equal(n, 62 + 2, "mount options, of the specification and of crun");
    tap_ok(sorted, "mount options are sorted");
    tap_ok(found, "each mount option is found");
    tap_ok(husk_mount_option_find("size=1m") == NULL && husk_mount_option_find("") == NULL &&
               husk_mount_option_find("RO") == NULL,
           "what is no mount option");
    o = husk_mount_option_find("rw");
    tap_ok(o->kind == HUSK_MOPT_FLAG && !o->on && o->value == MS_RDONLY, "rw clears ro");
    o = husk_mount_option_find("loud");
    tap_ok(o->kind == HUSK_MOPT_FLAG && !o->on && o->value == MS_SILENT, "loud clears silent");
    o = husk_mount_option_find("rbind");
    tap_ok(o->kind == HUSK_MOPT_FLAG && o->on && o->value == (MS_BIND | MS_REC), "rbind");
    o = husk_mount_option_find("rslave");
    tap_ok(o->kind == HUSK_MOPT_PROPAGATION && o->value == (MS_SLAVE | MS_REC), "rslave");
    o = husk_mount_option_find("rnosuid");
    tap_ok(o->kind == HUSK_MOPT_RECURSIVE && o->on && o->value == MOUNT_ATTR_NOSUID, "rnosuid");
    tap_ok(husk_mount_option_find("ridmap")->value == 1 && husk_mount_option_find("idmap")->value == 0,
           "idmap and ridmap");
}

int main(void)
{
    test_lengths();
    test_round_trips();
    test_values();
    test_signals();
    test_mount_options();
    return tap_done();
}
