/* faults.h - for tests that let the library's own plans fail: a bundle, configurations, and a look at what is
 * left.
 *
 * What a program does: configuration → husk_plan_make() with this machine's facts → husk_apply(). Nothing is
 * written by hand.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "kit.h"
#include <ftw.h>

static char faults_id[64], faults_bundle[96], faults_state[96], faults_socket[104], faults_pidfile[104],
    faults_net[104];
static int faults_listener = -1;
static struct husk_arena faults_arena;
static struct husk_host faults_host;

/* A configuration and what is wanted of it. */
struct subject {
    const char *name;
    struct husk_spec spec;
    struct husk_process process;
    struct husk_host host;
    struct husk_request req;
    struct husk_plan plan;
    int target;        /* exec: /proc/PID of the container, else -1 */
    int32_t container; /* exec: its pid, else 0 */
    void (*prepare)(void); /* before each run, or NULL */
};

/* All that the model offers and this machine can do; the holes: noNewPrivileges, mounts, namespaces and mappings, seccomp. */
static const char faults_rich[] =
    "{'ociVersion':'1.2.0',"
    "'process':{'terminal':true,'consoleSize':{'height':25,'width':80},'user':{'uid':1,'gid':1,'umask':63,'"
    "additionalGids':[5,6]},"
    "'args':['sleep','100'],'env':['PATH=/bin:/usr/bin'],'cwd':'/tmp/deep/er','oomScoreAdj':500,%s"
    "'scheduler':{'policy':'SCHED_BATCH','nice':5},'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':7},"
    "'execCPUAffinity':{'initial':'0-8191','final':'0-8191'},"
    "'capabilities':{'bounding':['CAP_KILL','CAP_CHOWN'],'effective':['CAP_KILL'],'permitted':['CAP_KILL'],"
    "'inheritable':['CAP_KILL'],'ambient':['CAP_KILL']},"
    "'rlimits':[{'type':'RLIMIT_NOFILE','soft':512,'hard':512},{'type':'RLIMIT_CORE','soft':0,'hard':0}]},"
    "'root':{'path':'rootfs','readonly':true},'hostname':'faulty','domainname':'example',"
    "'mounts':[{'destination':'/proc','type':'proc','source':'proc'},"
    "{'destination':'/dev','type':'tmpfs','source':'tmpfs','options':['nosuid','mode=755']},"
    "{'destination':'/dev/"
    "pts','type':'devpts','source':'devpts','options':['newinstance','ptmxmode=0666','mode=0620']},"
    "{'destination':'/sys','type':'sysfs','source':'sysfs','options':['ro']},"
    "{'destination':'/sys/fs/cgroup','type':'cgroup','source':'cgroup','options':['ro','nosuid']},"
    "{'destination':'/tmp','type':'tmpfs','source':'tmpfs','options':['mode=1777','rprivate','tmpcopyup']},"
    "{'destination':'/ro','type':'tmpfs','source':'tmpfs','options':['ro']},"
    "{'destination':'/ro/etc','source':'/etc','options':['rbind','ro','rnoexec','slave']},"
    "{'destination':'/tmp','options':['remount','noexec']}%s],"
    "'hooks':{'prestart':[{'path':'/bin/true'}],'createRuntime':[{'path':'/bin/true','timeout':5}],"
    "'createContainer':[{'path':'/bin/true','args':['true','x'],'env':['A=b']}],'startContainer':[{'path':'/"
    "bin/true'}],"
    "'poststart':[{'path':'/bin/true'}],'poststop':[{'path':'/bin/true'}]},'annotations':{'a':'b'},"
    "'linux':{%s%s'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0'},'personality':{'domain':'LINUX'},"
    "'sysctl':{'net.ipv4.ip_forward':'1','kernel.shm_rmid_forced':'1'},"
    "'devices':[{'type':'p','path':'/dev/fifo'},{'type':'c','path':'/dev/"
    "null','major':1,'minor':3,'fileMode':438}],"
    "'resources':{'devices':[{'allow':false,'access':'rwm'},{'allow':true,'type':'c','major':10,'minor':200,'"
    "access':'rw'}],"
    "'memory':{'limit':268435456,'reservation':134217728},'cpu':{'shares':512,'quota':50000,'period':100000},"
    "'pids':{'limit':64}},"
    "'rootfsPropagation':'slave','maskedPaths':['/proc/kcore','/proc/scsi','/sys/"
    "firmware'],'readonlyPaths':['/proc/sys','/nowhere']}}";

#define FAULTS_IDMAP                                                                                         \
    ",{'destination':'/ids','source':'.','options':['rbind','idmap'],"                                       \
    "'uidMappings':[{'containerID':0,'hostID':5,'size':9}],'gidMappings':[{'containerID':0,'hostID':5,'size':9}]}"
#define FAULTS_USERNS                                                                                        \
    "'uidMappings':[{'containerID':0,'hostID':100000,'size':65536}],'gidMappings':[{'containerID':0,'"       \
    "hostID':100000,'size':65536}],"                                                                         \
    "'timeOffsets':{'monotonic':{'secs':10},'boottime':{'secs':20,'nanosecs':5}},"                           \
    "'namespaces':[{'type':'user'},{'type':'pid'},{'type':'network'},{'type':'ipc'},{'type':'uts'},{'type':" \
    "'mount'},{'type':'cgroup'},{'type':'time'}],"
#define FAULTS_NO_USERNS                                                                                     \
    "'namespaces':[{'type':'pid'},{'type':'network','path':'%s'},{'type':'ipc'},{'type':'uts'},{'type':'"    \
    "mount'},{'type':'cgroup'}],"
#define FAULTS_SECCOMP                                                                                       \
    "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['acct'],'action':'SCMP_ACT_ERRNO'}]}" \
    ","
/* The agent is the socket that takes descriptors. */
#define FAULTS_LISTENER                                                                                      \
    "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'%s','listenerMetadata':'m','syscalls':"     \
    "[{'names':['acct'],'action':'SCMP_ACT_NOTIFY'}]},"

/* ---- the bundle ---- */

static int faults_fill(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return lchown(path, 100000, 100000); /* the container's root may make mount points */
}

/* A network namespace to join. */
static void faults_other_net(void)
{
    pid_t pid;

    kit_write(faults_net, "", 0600);
    pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWNET) || mount("/proc/self/ns/net", faults_net, NULL, MS_BIND, NULL));
    waitpid(pid, NULL, 0);
}

/* A root directory with the host's programs, a socket that takes descriptors, a place for pid files. */
KIT_UNUSED static bool faults_begin(void)
{
    static const char *const dirs[] = {"usr", "bin", "sbin", "lib", "lib64"};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct husk_err err;
    char to[64];
    ssize_t n;

    if (!kit_begin())
        return false;
    if (!HUSK_WITH_CJSON) {
        printf("1..0 # SKIP this build has no JSON library\n");
        return false;
    }
    if (husk_host_probe(&faults_host, &faults_arena, &err) != 0) {
        tap_ok(false, "probe: %s", err.msg);
        return false;
    }
    snprintf(faults_id, sizeof faults_id, "husk-faults-%d", (int)getpid());
    snprintf(faults_bundle, sizeof faults_bundle, "%s/bundle", kit_work);
    snprintf(faults_state, sizeof faults_state, "%s/state", kit_work);
    snprintf(faults_socket, sizeof faults_socket, "%s/socket", kit_work);
    snprintf(faults_net, sizeof faults_net, "%s/net", kit_work);
    snprintf(faults_pidfile, sizeof faults_pidfile, "%s/pid", kit_work);
    mkdir(faults_bundle, 0755);
    mkdir(kit_str("%s/rootfs", faults_bundle), 0755);
    for (size_t i = 0; i < HUSK_COUNT(dirs); i++) {
        const char *from = kit_str("/%s", dirs[i]), *in = kit_str("%s/rootfs/%s", faults_bundle, dirs[i]);
        if ((n = readlink(from, to, sizeof to - 1)) > 0) {
            to[n] = '\0';
            if (symlink(to, in) < 0)
                perror(in);
        } else if (access(from, F_OK) == 0 &&
                   (mkdir(in, 0755) < 0 || mount(from, in, NULL, MS_BIND, NULL) < 0)) {
            perror(in);
        }
    }
    nftw(kit_str("%s/rootfs", faults_bundle), faults_fill, 16, FTW_PHYS | FTW_MOUNT);
    faults_other_net();
    faults_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(a.sun_path, faults_socket, strlen(faults_socket) + 1);
    if (bind(faults_listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(faults_listener, 16) < 0)
        perror(faults_socket);
    n = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2((int)n, 0);
    close((int)n);
    return true;
}

/* ---- configurations ---- */

/* What this machine has no controller for is not asked of it. */
static void faults_fit(struct husk_resources *r)
{
    if (husk_host_controller(&faults_host, "devices") < 0)
        r->devices.n = 0;
    if (husk_host_controller(&faults_host, "memory") < 0)
        memset(&r->memory, 0, sizeof r->memory);
    if (husk_host_controller(&faults_host, "cpu") < 0)
        memset(&r->cpu, 0, sizeof r->cpu);
    if (husk_host_controller(&faults_host, "pids") < 0)
        r->pids_limit.set = false;
}

static bool faults_parse(struct subject *s, const char *text)
{
    struct husk_err err;

    if (husk_spec_parse(&s->spec, &faults_arena, text, strlen(text), NULL, &err) != 0)
        return tap_ok(false, "%s: %s: %s", s->name, err.at, err.msg);
    s->process = *s->spec.process;
    s->spec.process = &s->process;
    faults_fit(&s->spec.linux_.resources);
    s->host = faults_host;
    s->target = -1;
    s->req =
        (struct husk_request){.id = faults_id, .bundle = faults_bundle, .created = "2024-01-01T00:00:00Z"};
    return true;
}

/* What `husk spec` writes. */
KIT_UNUSED static bool faults_default(struct subject *s, const char *name, enum husk_action action,
                                      bool terminal)
{
    static const char *const args[] = {"sleep", "100"};
    struct husk_text text = {.arena = &faults_arena};

    memset(s, 0, sizeof *s);
    s->name = name;
    husk_spec_default(&text, false, 0, 0, false);
    if (!faults_parse(s, text.data))
        return false;
    s->process.terminal = terminal;
    s->process.args = (struct husk_strs){args, HUSK_COUNT(args), true};
    s->req.action = action;
    return true;
}

static bool faults_can_listen(void)
{
    return faults_host.features[HUSK_FEATURE_SECCOMP_LISTENER] && faults_host.features[HUSK_FEATURE_PIDFD_GETFD];
}

KIT_UNUSED static bool faults_all(struct subject *s, const char *name, enum husk_action action, bool userns)
{
    char *text;

    memset(s, 0, sizeof *s);
    s->name = name;
    text = husk_strf(&faults_arena, faults_rich, userns ? "" : "'noNewPrivileges':true,",
                     kit_maps_ids(faults_bundle) ? FAULTS_IDMAP : "",
                     userns ? FAULTS_USERNS : husk_strf(&faults_arena, FAULTS_NO_USERNS, faults_net),
                     !HUSK_WITH_SECCOMP                      ? ""
                     : userns && faults_can_listen()         ? husk_strf(&faults_arena, FAULTS_LISTENER, faults_socket)
                                                             : FAULTS_SECCOMP);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    if (!faults_parse(s, text))
        return false;
    s->req.action = action;
    s->req.console_socket = s->req.pidfd_socket = faults_socket;
    s->req.pid_file = faults_pidfile;
    return true;
}

KIT_UNUSED static bool faults_plan(struct subject *s)
{
    struct husk_err err;

    if (husk_plan_make(&s->plan, &faults_arena, &s->spec, &s->host, &s->req, &err) != 0)
        return tap_ok(false, "%s: no plan: %s: %s", s->name, err.at, err.msg);
    return true;
}

/* Calls fn in a process that has no other children; its results count here. */
KIT_UNUSED static void faults_apart(void (*fn)(struct subject *s), struct subject *s)
{
    struct {
        unsigned count, failures;
    } * shared;
    pid_t pid;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        fn(s);
        fflush(stdout);
        shared->count = tap_count;
        shared->failures = tap_failures;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    if (shared->count > tap_count) {
        tap_count = shared->count;
        tap_failures = shared->failures;
    } else {
        tap_ok(false, "%s: ended early", s->name);
    }
    munmap(shared, sizeof *shared);
}

/* ---- what is left ---- */

static char *faults_names;

static int faults_name(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)type, (void)at;
    snprintf(faults_names + strlen(faults_names), 16384 - strlen(faults_names), "%s %o\n", path,
             (unsigned)st->st_mode);
    return 0;
}

/* All that is in the root directory itself, without what is mounted there. */
KIT_UNUSED static void faults_files(char list[16384])
{
    list[0] = '\0';
    faults_names = list;
    nftw(kit_str("%s/rootfs", faults_bundle), faults_name, 16, FTW_PHYS | FTW_MOUNT);
}

static int faults_cgroup(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    if (type == FTW_D && strncmp(path + at->base, faults_id, strlen(faults_id)) == 0)
        snprintf(faults_names, 256, "%s", path);
    return faults_names[0] != '\0';
}

/* A cgroup of ours, wherever; "" when there is none. */
KIT_UNUSED static const char *faults_cgroups(void)
{
    static char found[256];

    found[0] = '\0';
    faults_names = found;
    for (uint32_t i = 0; i < faults_host.n_hierarchies && found[0] == '\0'; i++)
        nftw(faults_host.hierarchies[i].mountpoint, faults_cgroup, 16, FTW_PHYS | FTW_MOUNT);
    return found;
}

/* Connections that wait would keep descriptors, and in the end make connect(2) wait. */
static void faults_drain(void)
{
    int fd;

    while ((fd = accept4(faults_listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        close(fd);
}

/* So that what one failure left does not disturb the next. */
static bool faults_wipe(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool found = false;

    while (d != NULL && (e = readdir(d)) != NULL)
        found = (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                 unlinkat(dirfd(d), e->d_name, 0) == 0) ||
                found;
    if (d != NULL)
        closedir(d);
    rmdir(dir);
    return found;
}

/* "" when all is as it was. */
KIT_UNUSED static const char *faults_left(const struct subject *s, const struct kit_sight *before)
{
    static struct kit_sight now;
    const char *procs;
    bool file = faults_wipe(faults_state);

    faults_drain();
    kit_look(&now);
    if (file)
        return "a file in the state directory";
    if (strcmp(before->fds, now.fds) != 0)
        return kit_str("descriptors, before: %s after: %s", before->fds, now.fds);
    if (strcmp(before->mounts, now.mounts) != 0)
        return "mounts";
    if (waitpid(-1, NULL, WNOHANG | __WALL) >= 0 || errno != ECHILD)
        return "a process";
    for (uint32_t i = 0; i < s->plan.n_cgroups; i++) {
        if (s->container == 0 && access(s->plan.cgroups[i].dir, F_OK) == 0)
            return kit_str("the cgroup %s", s->plan.cgroups[i].dir);
        procs = s->container == 0 ? "" : kit_read(kit_str("%s/cgroup.procs", s->plan.cgroups[i].dir));
        if (s->container != 0 && strcmp(procs, kit_str("%d\n", (int)s->container)) != 0)
            return kit_str("in %s not the container alone, but %s", s->plan.cgroups[i].dir, procs);
    }
    return unlink(faults_pidfile) == 0 ? "the pid file" : "";
}
#endif
