/* probe - print what a process can see of its own container, as sorted `key=value` lines.
 *
 *     probe                 observe, print, exit 0
 *     probe exit N          exit with N            probe kill N     die of signal N
 *     probe pause           stay until killed      probe mark FILE NAME    (a hook) append a line to FILE
 *
 * What it cannot know by itself it reads from /.probe, written by the runner, one line each:
 *     ns TYPE NAME INODE    call this namespace NAME (else it is "new")
 *     path PATH             type, mode, owner and reachability of PATH
 *     read PATH             the content of PATH
 *     keyring SERIAL        the session keyring of the runner
 *
 * One static program without dependencies: it must run in an empty rootfs, as any user, under any filter.
 * It needs no /proc for what system calls can tell.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { MAX_LINES = 4000, MAX_TEXT = 1 << 20, MAX_FILE = 1 << 16, MAX_DEPTH = 4, MAX_FD = 1024 };

static char text[MAX_TEXT];
static size_t text_len;
static char *lines[MAX_LINES];
static size_t line_count;
static char questions[MAX_FILE];
static char **arguments;
extern char **environ;

/* ---- output ---- */

static void append(char c)
{
    if (text_len + 5 < sizeof text) text[text_len++] = c;
}

static void append_escaped(const char *from)
{
    for (; *from != '\0'; from++) {
        unsigned char c = *from == '\t' ? ' ' : (unsigned char)*from;
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            append((char)c);
        } else {
            append('\\');
            append("0123456789abcdef"[c >> 4]);
            append("0123456789abcdef"[c & 15]);
        }
    }
}

static int same_key(const char *line, const char *key, size_t len)
{
    return strncmp(line, key, len) == 0 && (line[len] == '=' || line[len] == '#');
}

/* One line; a key that was seen before gets #2, #3 ..., so that the order of equals stays visible. */
__attribute__((format(printf, 3, 4))) static void put(const char *prefix, const char *name,
                                                      const char *format, ...)
{
    static char value[MAX_FILE];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (line_count == MAX_LINES) return;

    char *start = text + text_len;
    append_escaped(prefix);
    append_escaped(name);
    size_t len = (size_t)(text + text_len - start), seen = 1;
    for (size_t i = 0; i < line_count; i++)
        if (same_key(lines[i], start, len)) seen++;
    if (seen > 1) {
        char number[24];
        snprintf(number, sizeof number, "#%zu", seen);
        append_escaped(number);
    }
    append('=');
    append_escaped(value);
    text[text_len++] = '\0';
    lines[line_count++] = start;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_all(void)
{
    qsort(lines, line_count, sizeof lines[0], compare);
    for (size_t i = 0; i < line_count; i++) printf("%s\n", lines[i]);
    fflush(stdout);
}

/* ---- small helpers ---- */

static const char *error_name(int err)
{
    const char *name = err ? strerrorname_np(err) : "ok";
    return name ? name : "E?";
}

static int read_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return -errno;
    size_t len = 0;
    ssize_t n = 0;
    while (len + 1 < size && (n = read(fd, buffer + len, size - 1 - len)) > 0) len += (size_t)n;
    int err = n < 0 ? errno : 0;
    close(fd);
    buffer[len] = '\0';
    return err ? -err : (int)len;
}

static void put_file(const char *prefix, const char *name, const char *path)
{
    static char content[MAX_FILE];
    int n = read_file(path, content, sizeof content);
    while (n > 0 && content[n - 1] == '\n') content[--n] = '\0';
    if (n < 0)
        put(prefix, name, "!%s", error_name(-n));
    else
        put(prefix, name, "%s", content);
}

static const char *type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "dir";
    case S_IFREG: return "file";
    case S_IFLNK: return "link";
    case S_IFCHR: return "chr";
    case S_IFBLK: return "blk";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "sock";
    default: return "other";
    }
}

static void put_node(const char *prefix, const char *name, int dir, const char *path)
{
    struct stat st;
    char target[PATH_MAX] = "", number[32] = "";
    if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        put(prefix, name, "!%s", error_name(errno));
        return;
    }
    if (S_ISLNK(st.st_mode) && readlinkat(dir, path, target, sizeof target - 1) < 0) target[0] = '?';
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        snprintf(number, sizeof number, " %u:%u", major(st.st_rdev), minor(st.st_rdev));
    put(prefix, name, "%s%s %04o %u:%u%s%s", type_name(st.st_mode), number, (unsigned)(st.st_mode & 07777),
        st.st_uid, st.st_gid, target[0] ? " -> " : "", target);
}

/* The line after the one that starts with `word `, copied without that word; NULL at the end. */
static char *next_question(char **cursor, const char *word, char *out, size_t size)
{
    size_t len = strlen(word);
    while (**cursor != '\0') {
        char *line = *cursor, *end = strchrnul(line, '\n');
        *cursor = *end ? end + 1 : end;
        if (strncmp(line, word, len) != 0 || line[len] != ' ') continue;
        snprintf(out, size, "%.*s", (int)(end - line - (ptrdiff_t)len - 1), line + len + 1);
        return out;
    }
    return NULL;
}

/* ---- what system calls tell ---- */

static void see_ids(void)
{
    uid_t ruid = 0, euid = 0, suid = 0;
    gid_t rgid = 0, egid = 0, sgid = 0, groups[256];
    getresuid(&ruid, &euid, &suid);
    getresgid(&rgid, &egid, &sgid);
    put("", "uid", "%u %u %u", ruid, euid, suid);
    put("", "gid", "%u %u %u", rgid, egid, sgid);

    char list[4096] = "";
    int n = getgroups((int)COUNT(groups), groups);
    for (int i = 0; i < n; i++) snprintf(list + strlen(list), 16, " %u", groups[i]);
    put("", "groups", "%d:%s", n, list);

    mode_t mask = umask(0);
    umask(mask);
    put("", "umask", "%04o", (unsigned)mask);
    put("", "pid.is-1", "%d", getpid() == 1);
    put("", "ppid.is-0", "%d", getppid() == 0);
    put("", "sid.is-self", "%d", getsid(0) == getpid());
    put("", "pgid.is-self", "%d", getpgid(0) == getpid());
    put("", "at-secure", "%lu", getauxval(AT_SECURE));
    put("", "random.given", "%d", getauxval(AT_RANDOM) != 0);
}

static void see_prctl(void)
{
    static const struct {
        const char *name;
        int option;
    } options[] = {
        {"dumpable", PR_GET_DUMPABLE},         {"keepcaps", PR_GET_KEEPCAPS},
        {"no-new-privs", PR_GET_NO_NEW_PRIVS}, {"securebits", PR_GET_SECUREBITS},
        {"timerslack", PR_GET_TIMERSLACK},     {"seccomp", PR_GET_SECCOMP},
        {"thp-disable", PR_GET_THP_DISABLE},   {"io-flusher", PR_GET_IO_FLUSHER},
    };
    for (size_t i = 0; i < COUNT(options); i++) {
        int value = prctl(options[i].option, 0, 0, 0, 0);
        if (value < 0)
            put("prctl.", options[i].name, "!%s", error_name(errno));
        else
            put("prctl.", options[i].name, "%d", value);
    }
    int value = 0;
    prctl(PR_GET_PDEATHSIG, &value);
    put("prctl.", "pdeathsig", "%d", value);
    prctl(PR_GET_CHILD_SUBREAPER, &value);
    put("prctl.", "subreaper", "%d", value);
}

static void see_scheduling(void)
{
    struct sched_param param = {0};
    int policy = sched_getscheduler(0);
    sched_getparam(0, &param);
    put("", "sched.policy", "%d", policy);
    put("", "sched.priority", "%d", param.sched_priority);
    put("", "sched.nice", "%d", getpriority(PRIO_PROCESS, 0));
    long prio = syscall(SYS_ioprio_get, 1, 0);
    put("", "sched.ioprio", "%ld:%ld", prio >> 13, prio & 0x1fff);

    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t prio;
        uint64_t run, dead, per;
    } attr = {0};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) == 0)
        put("", "sched.attr", "flags=%#llx runtime=%llu deadline=%llu period=%llu",
            (unsigned long long)attr.flags, (unsigned long long)attr.run, (unsigned long long)attr.dead,
            (unsigned long long)attr.per);

    cpu_set_t cpus;
    char list[4096] = "";
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        for (size_t i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &cpus)) snprintf(list + strlen(list), 24, " %zu", i);
    put("", "sched.affinity", "%s", list);
    put("", "personality", "%#x", (unsigned)personality(0xffffffff));

    int mode = 0;
    unsigned long nodes[16] = {0};
    if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * CHAR_BIT, NULL, 0) == 0)
        put("", "mempolicy", "%d %#lx", mode, nodes[0]);
}

static void see_rlimits(void)
{
    static const char *const names[] = {"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                        "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                        "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
            put("rlimit.", names[i], "%lld %lld", (long long)limit.rlim_cur, (long long)limit.rlim_max);
    }
}

static void see_identity(void)
{
    struct utsname uts;
    char cwd[PATH_MAX], name[16];
    uname(&uts);
    put("uts.", "hostname", "%s", uts.nodename);
    put("uts.", "domainname", "%s", uts.domainname);
    put("uts.", "machine", "%s", uts.machine);
    put("", "cwd", "%s", syscall(SYS_getcwd, cwd, sizeof cwd) > 0 ? cwd : error_name(errno));
    for (int i = 0; arguments[i]; i++) {
        snprintf(name, sizeof name, "%02d", i);
        put("argv.", name, "%s", arguments[i]);
    }
    char order[8192] = "";
    for (int i = 0; environ[i]; i++) {
        size_t len = (size_t)(strchrnul(environ[i], '=') - environ[i]);
        char variable[256];
        snprintf(variable, sizeof variable, "%.*s", (int)len, environ[i]);
        put("env:", variable, "%s", environ[i][len] ? environ[i] + len + 1 : "(no =)");
        snprintf(order + strlen(order), sizeof order - strlen(order), " %s", variable);
    }
    put("", "env.order", "%s", order);
}

static void see_fds(void)
{
    for (int fd = 0; fd < MAX_FD; fd++) {
        struct stat st;
        char name[16], device[32] = "";
        if (fstat(fd, &st) != 0) continue;
        if (S_ISCHR(st.st_mode))
            snprintf(device, sizeof device, " %u:%u", major(st.st_rdev), minor(st.st_rdev));
        snprintf(name, sizeof name, "%d", fd);
        static const char *const access_names[] = {"r", "w", "rw", "?"};
        int flags = fcntl(fd, F_GETFL), close_on_exec = fcntl(fd, F_GETFD);
        put("fd.", name, "%s%s %s%s", type_name(st.st_mode), device, access_names[flags & O_ACCMODE],
            (flags & O_NONBLOCK) ? " nonblock" : "");
        if (fd < 3) put("fd.owner.", name, "%u:%u", st.st_uid, st.st_gid);
        if (close_on_exec & FD_CLOEXEC) put("fd.cloexec.", name, "1");
    }
}

static void see_tty(void)
{
    struct winsize size = {0};
    char name[PATH_MAX];
    for (int fd = 0; fd < 3; fd++) {
        char number[4];
        snprintf(number, sizeof number, "%d", fd);
        const char *found = ttyname_r(fd, name, sizeof name) == 0 ? name : "nameless";
        put("tty.", number, "%s", isatty(fd) ? found : "no");
    }
    if (isatty(0) && ioctl(0, TIOCGWINSZ, &size) == 0) put("tty.", "size", "%u %u", size.ws_row, size.ws_col);
    if (isatty(0)) put("tty.", "sid.is-self", "%d", tcgetsid(0) == getpid());
    if (isatty(0)) put("tty.", "foreground.is-self", "%d", tcgetpgrp(0) == getpid());
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    put("tty.", "controlling", "%s", error_name(fd < 0 ? errno : 0));
    if (fd >= 0) close(fd);
}

static void see_keyring(void)
{
    char description[256] = "", *cursor = questions, host[64] = "0";
    next_question(&cursor, "keyring", host, sizeof host);
    long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    if (id < 0) {
        put("", "keyring", "!%s", error_name(errno));
        return;
    }
    put("", "keyring", "%s", id == strtol(host, NULL, 10) ? "host" : "new");
    if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, description, sizeof description) < 0)
        snprintf(description, sizeof description, "!%s", error_name(errno));
    put("", "keyring.description", "%s", description);
}

static void see_network(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        put("", "net", "!%s", error_name(errno));
        return;
    }
    for (int i = 1; i < 64; i++) {
        struct ifreq request = {.ifr_ifindex = i};
        if (ioctl(fd, SIOCGIFNAME, &request) != 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) continue;
        put("net.", request.ifr_name, "%s", (request.ifr_flags & IFF_UP) ? "up" : "down");
    }
    close(fd);
}

/* ---- what /proc and the file system tell ---- */

static void see_namespaces(void)
{
    static const char *const types[] = {
        "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
    for (size_t i = 0; i < COUNT(types); i++) {
        char path[64], line[256], *cursor = questions;
        struct stat st;
        snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
        if (stat(path, &st) != 0) {
            put("ns.", types[i], "!%s", error_name(errno));
            continue;
        }
        char type[32], name[64] = "new";
        unsigned long long inode = 0;
        while (next_question(&cursor, "ns", line, sizeof line))
            if (sscanf(line, "%31s %63s %llu", type, name, &inode) == 3 && strcmp(type, types[i]) == 0 &&
                inode == st.st_ino)
                break;
            else
                strcpy(name, "new");
        put("ns.", types[i], "%s", name);
    }
}

static void see_status(void)
{
    static const char fields[] =
        " CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters SigPnd ShdPnd"
        " SigBlk SigIgn SigCgt Threads Speculation_Store_Bypass"
        " SpeculationIndirectBranch Cpus_allowed_list Mems_allowed_list TracerPid"
        " THP_enabled ";
    static char content[MAX_FILE];
    if (read_file("/proc/self/status", content, sizeof content) < 0) return;
    char *save = NULL;
    for (char *line = strtok_r(content, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *colon = strchr(line, ':'), word[64];
        if (!colon) continue;
        *colon = '\0';
        snprintf(word, sizeof word, " %s ", line);
        if (!strstr(fields, word)) continue;
        if (strncmp(line, "Sig", 3) == 0) /* 32 and 33 are libc's own: posix_spawn(3) of some callers leaves them ignored */
            put("status.", line, "%016llx", strtoull(colon + 1, NULL, 16) & ~0x180000000ULL);
        else
            put("status.", line, "%s", colon + 1 + strspn(colon + 1, " \t"));
    }
}

/* "36 35 98:0 /root /mount opts shared:1 master:2 - fstype source super": no numbers, which differ by run. */
static void see_mount(char *line)
{
    char *field[32], *save = NULL;
    size_t n = 0, dash = 6;
    for (char *word = strtok_r(line, " ", &save); word && n < COUNT(field); word = strtok_r(NULL, " ", &save))
        field[n++] = word;
    char propagation[128] = "";
    for (; dash < n && strcmp(field[dash], "-") != 0; dash++)
        snprintf(propagation + strlen(propagation), sizeof propagation - strlen(propagation), "%s%.*s",
                 propagation[0] ? "," : "", (int)strcspn(field[dash], ":"), field[dash]);
    if (dash + 3 >= n) return;
    put("mount:", field[4], "%s root=%s opts=%s propagation=%s source=%s super=%s", field[dash + 1], field[3],
        field[5], propagation[0] ? propagation : "private", field[dash + 2], field[dash + 3]);
}

static void see_mounts(void)
{
    static char content[MAX_FILE * 4];
    if (read_file("/proc/self/mountinfo", content, sizeof content) < 0) {
        put("", "mountinfo", "absent");
        return;
    }
    char *save = NULL;
    for (char *line = strtok_r(content, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        see_mount(line);
}

/* "4:pids:/some/path", one key a hierarchy. */
static void see_cgroups(void)
{
    static char content[MAX_FILE];
    if (read_file("/proc/self/cgroup", content, sizeof content) < 0) return;
    char *save = NULL;
    for (char *line = strtok_r(content, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *name = strchrnul(line, ':'), *path = *name ? strchr(name + 1, ':') : NULL;
        if (!path) continue;
        *path++ = '\0';
        name += strncmp(name, ":name=", 6) == 0 ? 6 : 1;
        put("self.cgroup:", *name ? name : "v2", "%s", path);
    }
}

static void see_proc(void)
{
    static const char *const files[] = {"oom_score_adj",   "uid_map",     "gid_map",   "setgroups",
                                        "timens_offsets",  "loginuid",    "sessionid", "comm",
                                        "coredump_filter", "attr/current"};
    static const char *const sysctls[] = {"kernel/msgmax",
                                          "kernel/msgmni",
                                          "kernel/shmmax",
                                          "kernel/shm_rmid_forced",
                                          "kernel/sem",
                                          "kernel/domainname",
                                          "kernel/cap_last_cap",
                                          "fs/mqueue/msg_max",
                                          "fs/mqueue/queues_max",
                                          "net/ipv4/ip_forward",
                                          "net/ipv4/ping_group_range",
                                          "net/core/somaxconn",
                                          "net/ipv4/ip_unprivileged_port_start"};
    char path[128], target[PATH_MAX] = "";
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "/proc/self/%s", files[i]);
        put_file("self.", files[i], path);
    }
    for (size_t i = 0; i < COUNT(sysctls); i++) {
        snprintf(path, sizeof path, "/proc/sys/%s", sysctls[i]);
        put_file("sysctl.", sysctls[i], path);
    }
    put("self.", "exe", "%s", readlink("/proc/self/exe", target, sizeof target - 1) > 0 ? target : "absent");

    int pids = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        pids += entry->d_name[0] > '0' && entry->d_name[0] <= '9';
    if (dir) closedir(dir);
    if (getpid() == 1) put("", "processes", "%d", pids);
}

/* Below `path`, without the many regular files of /sys/fs/cgroup. */
static void walk(const char *prefix, const char *path, int depth, int files)
{
    DIR *dir = opendir(path);
    if (!dir) {
        put(prefix, path, "!%s", error_name(errno));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char child[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (entry->d_type == DT_REG && !files) continue;
        snprintf(child, sizeof child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
        put_node(prefix, child, AT_FDCWD, child);
        if (entry->d_type == DT_DIR && depth > 1) walk(prefix, child, depth - 1, files);
    }
    closedir(dir);
}

static void see_reach(const char *path)
{
    static const struct {
        const char *name;
        int flags;
    } ways[] = {{"read", O_RDONLY}, {"write", O_WRONLY}};
    struct stat st;
    char result[256] = "";
    for (size_t i = 0; i < COUNT(ways); i++) {
        int fd = open(path, ways[i].flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        snprintf(result + strlen(result), 48, "%s=%s ", ways[i].name, error_name(fd < 0 ? errno : 0));
        if (fd >= 0) close(fd);
    }
    snprintf(result + strlen(result), 48, "access=%s", error_name(access(path, W_OK) ? errno : 0));
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        int entries = -2;
        DIR *dir = opendir(path);
        while (dir && readdir(dir)) entries++;
        if (dir) closedir(dir);
        snprintf(result + strlen(result), 48, " entries=%d", entries < 0 ? -1 : entries > 0);
    }
    put("reach:", path, "%s", result);
}

static void see_paths(void)
{
    char path[PATH_MAX], *cursor = questions;
    while (next_question(&cursor, "path", path, sizeof path)) {
        put_node("path:", path, AT_FDCWD, path);
        see_reach(path);
    }
    cursor = questions;
    while (next_question(&cursor, "read", path, sizeof path)) put_file("read:", path, path);
    walk("dev:", "/dev", MAX_DEPTH, 1);
    walk("cgroup:", "/sys/fs/cgroup", 1, 0);
    walk("root:", "/", 1, 1);
}

/* ---- seccomp: what a call answers, each in a child of its own, since the answer may be a signal ---- */

struct call {
    const char *name;
    long number, a, b, c;
};

static const struct call calls[] = {
    {"getpid", SYS_getpid, 0, 0, 0},
    {"getppid", SYS_getppid, 0, 0, 0},
    {"getcwd", SYS_getcwd, 0, 0, 0},
    {"uname", SYS_uname, 0, 0, 0},
    {"personality-query", SYS_personality, 0xffffffff, 0, 0},
    {"personality-8", SYS_personality, 8, 0, 0},
    {"mkdirat", SYS_mkdirat, -1, 0, 0},
    {"fchmodat", SYS_fchmodat, -1, 0, 0},
    {"fchmod", SYS_fchmod, -1, 0, 0},
    {"fchown", SYS_fchown, -1, 0, 0},
    {"ptrace", SYS_ptrace, 0x7777, 0, 0},
    {"unshare-0", SYS_unshare, 0, 0, 0},
    {"unshare-ns", SYS_unshare, CLONE_NEWUTS, 0, 0},
    {"setns", SYS_setns, -1, 0, 0},
    {"mount", SYS_mount, 0, 0, 0},
    {"umount2", SYS_umount2, 0, 0, 0},
    {"keyctl", SYS_keyctl, 9999, 0, 0},
    {"add_key", SYS_add_key, 0, 0, 0},
    {"bpf", SYS_bpf, 9999, 0, 0},
    {"kexec_load", SYS_kexec_load, 0, 999, 0},
    {"socket-unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0},
    {"socket-netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0},
    {"socket-vsock", SYS_socket, 40, SOCK_STREAM, 0},
    {"sethostname", SYS_sethostname, 0, -1, 0},
    {"setdomainname", SYS_setdomainname, 0, -1, 0},
    {"sched_yield", SYS_sched_yield, 0, 0, 0},
    {"getpriority", SYS_getpriority, 0, 0, 0},
    {"sync", SYS_syncfs, -1, 0, 0},
    {"clone3", SYS_clone3, 0, 0, 0},
    {"openat2", SYS_openat2, -1, 0, 0},
    {"faccessat2", 439, -1, 0, 0},
    {"landlock", 444, 0, 0, 0},
    {"unassigned", 1023, 0, 0, 0},
};

static void put_outcome(const char *prefix, const char *name, int status)
{
    if (WIFSIGNALED(status))
        put(prefix, name, "signal %d", WTERMSIG(status));
    else
        put(prefix, name, "%s", error_name(WEXITSTATUS(status)));
}

static void see_calls(void)
{
    fflush(stdout);
    for (size_t i = 0; i < COUNT(calls); i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid < 0) {
            put("sys.", calls[i].name, "!fork %s", error_name(errno));
            continue;
        }
        if (pid == 0) {
            errno = 0;
            _exit(syscall(calls[i].number, calls[i].a, calls[i].b, calls[i].c, 0, 0, 0) < 0 ? errno & 0xff
                                                                                            : 0);
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        put_outcome("sys.", calls[i].name, status);
    }
}

/* The 32-bit entry of a 64-bit kernel: a filter that forgets the other architectures is open here. */
static void see_calls_32(void)
{
#ifdef __x86_64__
    static const struct {
        const char *name;
        int number;
    } calls_32[] = {{"getpid", 20}, {"sched_yield", 158}, {"mkdir", 39}};
    for (size_t i = 0; i < COUNT(calls_32); i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            int result;
            __asm__ volatile("int $0x80"
                             : "=a"(result)
                             : "a"(calls_32[i].number), "b"(0), "c"(0), "d"(0)
                             : "memory");
            _exit(result < 0 ? -result & 0xff : 0);
        }
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (pid > 0) put_outcome("sys32.", calls_32[i].name, status);
    }
#endif
}

/* ---- the other modes ---- */

static int mark(const char *file, const char *name)
{
    static char state[MAX_FILE];
    size_t len = 0;
    for (ssize_t n; len + 1 < sizeof state && (n = read(0, state + len, sizeof state - 1 - len)) > 0;)
        len += (size_t)n;
    char *status = strstr(state, "\"status\""), value[32] = "none", cwd[PATH_MAX] = "?";
    if (status) sscanf(status + 8, " : \"%31[a-z]", value);
    char *pid = strstr(state, "\"pid\"");
    int number = 0, variables = 0;
    if (pid) sscanf(pid + 5, " : %d", &number);
    if (!getcwd(cwd, sizeof cwd)) strcpy(cwd, "?");
    while (environ[variables]) variables++;

    FILE *out = fopen(file, "a");
    if (!out) return 1;
    fprintf(out, "%s status=%s pid=%s uid=%u cwd=%s env=%d argv0=%s alive=%d\n", name, value,
            number > 1    ? "host"
            : number == 1 ? "1"
                          : "none",
            getuid(), cwd, variables, arguments[0], number > 0 && (kill(number, 0) == 0 || errno == EPERM));
    return fclose(out) != 0;
}

int main(int argc, char **argv)
{
    arguments = argv;
    if (argc == 3 && strcmp(argv[1], "exit") == 0) return atoi(argv[2]);
    if (argc == 3 && strcmp(argv[1], "kill") == 0) {
        /* As pid 1 a signal without a handler would be ignored; only the kernel's own faults are not. */
        raise(atoi(argv[2]));
        __builtin_trap();
    }
    if (argc == 2 && strcmp(argv[1], "pause") == 0)
        for (;;) pause();
    if (argc == 4 && strcmp(argv[1], "mark") == 0) return mark(argv[2], argv[3]);

    see_fds();
    see_ids();
    if (read_file("/.probe", questions, sizeof questions) < 0) put("", "questions", "absent");
    see_prctl();
    see_scheduling();
    see_rlimits();
    see_identity();
    see_tty();
    see_keyring();
    see_network();
    see_namespaces();
    see_status();
    see_mounts();
    see_cgroups();
    see_proc();
    see_paths();
    see_calls();
    see_calls_32();
    put("", "~end", "%d", line_count < MAX_LINES && text_len + 8192 < sizeof text);
    print_all();
    return 0;
}
