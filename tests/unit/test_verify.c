/* husk_plan_verify: two plans that are fine, and for each rule a plan that breaks it and nothing else. */

/* The implementation, for the list of kinds that have rules. Planning is not needed. */
#define HUSK_IMPLEMENTATION
#define HUSK_PLAN_MAKE_IMPLEMENTED
#include "husk/plan.h"

#include "tap.h"
#include <time.h>

/* Operations without numbers. A change names the line that it is about by its beginning. */
static const char *const create_lines[] = {
    "parent open slot=@aux.0 path=/b/rootfs flags=path|directory expect=dir",
    "parent socket slot=@console-socket path=/run/console.sock",
    "parent socket slot=@pidfd-socket path=/run/pidfd.sock",
    "parent socket slot=@gate path=@state:gate listen",
    "parent memfd slot=@hook-create",
    "parent memfd slot=@hook-start",
    "parent open slot=@proc path=/proc flags=path|directory expect=procfs",
    "parent open slot=@ns.net path=/run/netns/x expect=other-ns",
    "parent mkdir path=/sys/fs/cgroup/x mode=0755 undo",
    "parent open slot=@cg.0 path=/sys/fs/cgroup/x flags=path|directory expect=cgroupfs",
    "parent open slot=@join.0 path=@cg.0:cgroup.procs flags=wronly expect=cgroupfs",
    "parent bpf slot=@cg.0 program=AAAAAAAAAAA=",
    "both spawn flags=user|mount|pid|uts cgroup=@cg.0",
    "parent write path=@task:uid_map data=\"0 1000 1\\n\"",
    "both sync from=parent name=ids-mapped",
    "child write path=@join.0 data=0",
    "child setns slot=@ns.net type=network",
    "child user uid=0 gid=0",
    "child unshare flags=ipc",
    "both fork",
    "child ifup name=lo",
    "child attr target=/ propagation=[rslave]",
    "child mount source=/b/rootfs target=/b/rootfs flags=rbind",
    "child open slot=@rootfs path=/b/rootfs flags=path|directory expect=dir",
    "child mount source=proc target=@rootfs:proc fstype=proc flags=nosuid create=dir",
    "child mknod path=@rootfs:dev/null mode=c0666 major=1 minor=3 uid=0 gid=0",
    "child symlink path=@rootfs:dev/fd target=/proc/self/fd on_fail=ignore(EEXIST)",
    "child pty rows=24 cols=80 uid=0",
    "child hook kind=createContainer path=/bin/hook argv=[\"hook\"]",
    "child write path=@proc:sys/net/ipv4/ip_forward data=1",
    "child hostname name=x",
    "child open slot=@devnull path=/dev/null flags=path expect=null",
    "child mask path=@rootfs:proc/kcore on_fail=ignore(ENOENT,ENOTDIR)",
    "child attr target=@rootfs set=ro",
    "child root how=pivot",
    "child rlimit type=nofile soft=10 hard=20",
    "child stdio terminal uid=5",
    "child prctl option=no_new_privs value=1",
    "child bound keep=kill",
    "child user uid=5 gid=5 umask=022 groups=[6]",
    "child caps effective=kill permitted=kill inheritable=none ambient=none",
    "child chdir path=/",
    "child home uid=5",
    "child lookup name=sh candidates=[\"/bin/sh\"]",
    "both give slot=@console",
    "parent send socket=@console-socket slot=@console data=/dev/ptmx",
    "both sync from=child name=ready",
    "parent send socket=@pidfd-socket slot=@pidfd data=x",
    "parent pidfile path=/run/x.pid undo",
    "parent record status=created",
    "both gate",
    "child hook kind=startContainer path=/bin/hook argv=[\"hook\"]",
    "child fds preserve=1",
    "child seccomp flags=log|new_listener filter=BgAAAAAA/38=",
    "both give slot=@listener by_number",
    "both sync from=parent name=listener-taken",
    "child caps effective=none permitted=none inheritable=none ambient=none",
    "both exec argv=[\"sh\"] envp=[\"HOME=\"]",
    "parent record status=running",
    "parent memfd slot=@hook-state",
    "parent fill slot=@hook-state head=a tail=b",
    "parent hook kind=poststart path=/bin/hook argv=[\"hook\"]",
};

static const char *const exec_lines[] = {
    "parent open slot=@ns.user path=@target:ns/user expect=nsfs",
    "parent open slot=@ns.mnt path=@target:ns/mnt expect=nsfs",
    "both spawn",
    "child setns slot=@ns.user type=user",
    "child setns slot=@ns.mnt type=mount",
    "both fork flags=pid",
    "child open slot=@rootfs path=/ flags=path|directory expect=dir",
    "child pty",
    "child stdio terminal",
    "child user uid=0 gid=0",
    "child caps effective=none permitted=none inheritable=none ambient=none",
    "child chdir path=/",
    "child lookup name=sh candidates=[\"/bin/sh\"]",
    "child fds",
    "both exec argv=[\"sh\"]",
};

struct script {
    const char *action;
    const char *const *lines;
    uint32_t n;
};
static const struct script create_script = {"create", create_lines, HUSK_COUNT(create_lines)};
static const struct script exec_script = {"exec", exec_lines, HUSK_COUNT(exec_lines)};

/* how: '-' without the line, '<' text before it, '>' text after it, '=' text instead of it. Several lines:
 * with '\n'. */
struct change {
    const struct script *script;
    const char *at;
    char how;
    const char *text, *message;
};

static const struct change changes[] = {
    /* who */
    {&create_script, "child hostname", '=', "parent hostname name=x", "not for that actor"},
    {&create_script, "both spawn", '=', "parent spawn", "not for that actor"},
    {&create_script, "both sync from=child", '=', "child sync from=child name=ready", "not for that actor"},
    {&create_script, "both exec", '=', "child exec argv=[\"sh\"]", "not for that actor"},
    {&create_script, "parent send socket=@console", '=', "child send socket=@console-socket slot=@console",
     "not for that actor"},
    {&create_script, "both spawn", '-', NULL, "@task is not defined"},
    {&create_script, "parent write path=@task", '>', "both spawn", "a child already"},
    {&create_script, "both spawn", '<', "child keyring", "not there yet"},
    {&create_script, "both spawn", '<', "parent rlimit type=nofile soft=1 hard=1", "not there yet"},
    {&create_script, "both spawn", '<', "parent record status=x", "not there yet"},
    {&create_script, "both spawn", '<', "parent helper path=/x argv=[\"x\",\"PID\"] pid_at=1", "not there yet"},
    {&create_script, "child ifup", '=', "child netdev name=eth0", "not for that actor"},
    {&create_script, "child ifup", '=', "child chown path=@rootfs:x uid=1", "not for that actor"},
    {&create_script, "both fork", '>', "both fork", "a fork already"},
    {&create_script, "both gate", '-', NULL, "without a gate"},
    {&create_script, "child ifup", '=', "both tree slot=@aux.5 source=@state:x inside", "a slot of the parent"},
    {&exec_script, "child setns slot=@ns.user", '<', "both tree slot=@aux.5 source=/x inside",
     "a child with a mount namespace"},
    {&create_script, "both gate", '>', "both gate", "a gate already"},
    {&exec_script, "child fds", '<', "both gate", "only create"},
    {&exec_script, "both spawn", '<', "parent open slot=@proc path=/proc flags=path|directory expect=procfs",
     "reach the host"},
    {&create_script, "both exec", '>', "child keyring", "child's last"},
    {&create_script, "both exec", '>', "both sync from=child name=late", "child's last"},
    {&exec_script, "both exec", '-', NULL, "nothing is executed"},
    {&create_script, "both sync from=child", '=', "both sync from=both name=ready",
     "from the parent or from the child"},
    {&create_script, "both sync from=child", '=', "both sync from=child name=\"\"", "has a name"},
    {&create_script, "both sync from=child", '=', "both sync from=child", "name is missing"},
    {&create_script, "child hook kind=createContainer", '=', "parent hook kind=createContainer path=/x",
     "hook of this kind"},
    {&create_script, "parent hook kind=poststart", '=', "parent hook kind=startContainer path=/x",
     "hook of this kind"},
    {&create_script, "child hook kind=createContainer", '=', "child hook kind=prestart path=/x",
     "hook of this kind"},
    /* slots */
    {&create_script, "child open slot=@rootfs", '-', NULL, "@rootfs is not defined"},
    {&create_script, "parent open slot=@cg.0", '-', NULL, "@cg.0 is not defined"},
    {&create_script, "parent open slot=@proc", '-', NULL, "@proc is not defined here in the child"},
    {&create_script, "parent open slot=@ns.net", '-', NULL, "@ns.net is not defined here in the child"},
    {&create_script, "both spawn", '>', "parent open slot=@aux.1 path=/x\nchild write path=@aux.1 data=x",
     "@aux.1 is not defined here in the child"},
    {&create_script, "child write path=@join.0", '>',
     "child open slot=@aux.1 path=/x\nparent write path=@aux.1 data=x",
     "@aux.1 is not defined here in the parent"},
    {&create_script, "child write path=@join.0", '>', "child write path=@task:x data=x",
     "@task is not defined here in the child"},
    {&create_script, "both spawn", '<', "parent write path=@task:x data=x", "@task is not defined"},
    {&create_script, "both spawn", '<', "parent open slot=@aux.2 path=@target:x", "@target is not defined"},
    {&create_script, "child open slot=@devnull", '-', NULL, "@devnull is not defined"},
    {&create_script, "child pty", '-', NULL, "not defined"},
    {&create_script, "both give slot=@console", '-', NULL, "@console is not defined here in the parent"},
    {&create_script, "parent socket slot=@gate", '-', NULL, "@gate is not defined"},
    {&create_script, "parent memfd", '-', NULL, "@hook-create is not defined"},
    {&create_script, "parent send socket=@pidfd", '>', "parent send socket=@pidfd-socket slot=@pidfd",
     "@pidfd-socket is not defined"},
    {&create_script, "both gate", '>', "parent write path=@cg.0:x data=x",
     "@cg.0 is not defined here in the parent"},
    {&create_script, "both gate", '>', "parent write path=@task:x data=x",
     "@task is not defined here in the parent"},
    {&create_script, "parent bpf", '<',
     "parent open slot=@cg.1 path=/x expect=cgroupfs on_fail=ignore\nparent write path=@cg.1:x data=x",
     "@cg.1 is not defined"},
    {&create_script, "parent bpf", '<',
     "parent open slot=@cg.1 path=/x expect=cgroupfs on_fail=else(1)\nparent write path=/x data=x\nparent "
     "write path=@cg.1:x data=x",
     "@cg.1 is not defined"},
    {&create_script, "parent bpf", '<',
     "parent open slot=@cg.1 path=/x expect=cgroupfs on_fail=else(1)\nparent write path=@cg.1:x data=x",
     "@cg.1 is not defined"},
    {&create_script, "parent bpf", '<',
     "parent write path=/x data=x on_fail=else(1)\nparent open slot=@cg.1 path=/x expect=cgroupfs\nparent "
     "write path=@cg.1:x data=x",
     "@cg.1 is not defined"},
    {&create_script, "parent open slot=@aux.0", '=', "parent open slot=@task path=/x", "cannot define @task"},
    {&create_script, "parent open slot=@aux.0", '=', "parent open slot=@state path=/x",
     "cannot define @state"},
    {&create_script, "parent open slot=@aux.0", '=', "parent open slot=@gate path=/x", "cannot define @gate"},
    {&create_script, "parent open slot=@aux.0", '=', "parent memfd slot=@rootfs", "cannot define @rootfs"},
    {&create_script, "parent open slot=@aux.0", '=', "parent socket slot=@proc path=/x",
     "cannot define @proc"},
    {&create_script, "parent open slot=@proc", '=', "parent open slot=@proc path=/proc", "right expect"},
    {&create_script, "parent open slot=@ns.net", '=', "parent open slot=@ns.net path=/x expect=dir",
     "right expect"},
    {&create_script, "child open slot=@devnull", '=', "child open slot=@devnull path=/dev/null",
     "right expect"},
    {&create_script, "parent open slot=@cg.0", '=', "parent open slot=@cg.0 path=/x expect=dir",
     "right expect"},
    {&create_script, "child setns", '=', "child setns slot=@ns.net type=pid", "another type"},
    {&create_script, "child setns", '=', "child setns slot=@proc type=pid", "another type"},
    {&create_script, "both give slot=@console", '<', "both give slot=@rootfs", "@console and @listener only"},
    {&create_script, "parent send socket=@console", '=', "parent send socket=@proc slot=@console data=x",
     "connected socket only"},
    {&create_script, "parent send socket=@console", '=',
     "parent send socket=@console-socket slot=@proc data=x", "@console, @pidfd and @listener"},
    {&create_script, "parent fill", '=', "parent fill slot=@state head=a tail=b", "memfd only"},
    {&create_script, "parent bpf", '=', "parent bpf slot=@proc program=AAAAAAAAAAA=", "cgroup only"},
    {&create_script, "parent socket slot=@gate", '=', "parent socket slot=@gate path=@state:gate", "listens"},
    {&create_script, "parent socket slot=@console", '=', "parent socket slot=@console-socket path=/x listen",
     "listens"},
    /* paths */
    {&create_script, "parent mkdir", '=', "parent mkdir path=sys mode=0755", "neither absolute"},
    {&create_script, "child mknod", '=', "child mknod path=@rootfs:/dev/null mode=c0666",
     "absolute below a slot"},
    {&create_script, "child write path=@proc", '=', "child write path=@proc:sys/../1 data=x", "'..'"},
    {&create_script, "child write path=@proc", '=', "child write path=@proc:.. data=x", "'..'"},
    {&exec_script, "parent open slot=@ns.user", '=',
     "parent open slot=@ns.user path=@target:../1/ns/user expect=nsfs", "'..'"},
    {&create_script, "child write path=@join.0", '=', "child write path=@join.0:x data=0",
     "nothing below this slot"},
    {&create_script, "child root", '>', "child mount source=/x target=@rootfs:y flags=bind",
     "path of the host"},
    {&create_script, "child root", '>', "child open slot=@aux.3 path=/etc/passwd", "path of the host"},
    {&exec_script, "child pty", '<', "child open slot=@aux.3 path=/etc/passwd", "path of the host"},
    {&create_script, "child mount source=proc", '=',
     "child mount source=@rootfs:x target=@rootfs:proc fstype=proc", "cannot be below a slot"},
    {&create_script, "child chdir", '=', "child chdir path=x", "not absolute"},
    {&create_script, "parent pidfile", '=', "parent pidfile path=x", "not absolute"},
    {&create_script, "child hook kind=createContainer", '=', "child hook kind=createContainer path=x",
     "not absolute"},
    {&create_script, "parent write path=@task", '>', "parent helper path=x argv=[\"x\",\"PID\"] pid_at=1",
     "not absolute"},
    {&create_script, "parent write path=@task", '>', "parent helper path=/x argv=[\"x\"] pid_at=1", "not an argument"},
    {&create_script, "parent write path=@task", '>', "parent helper path=/x argv=[\"x\",\"PID\"]", "not an argument"},
    /* host */
    {&create_script, "both spawn", '=', "both spawn flags=user|pid|uts", "mounts of the host"},
    {&create_script, "both spawn", '=', "both spawn flags=user|pid|mount", "rename the host"},
    {&create_script, "child setns", '-', NULL, "host's network"},
    {&create_script, "child setns", '<', "both netdev name=eth0", "host's network"},
    {&create_script, "parent bpf", '<', "parent mount source=/x target=/y flags=bind", "not for that actor"},
    /* order */
    {&create_script, "child chdir", '<', "child mount source=proc target=@rootfs:proc fstype=proc",
     "given up privileges"},
    {&create_script, "child chdir", '<', "child mknod path=@rootfs:x mode=p0600", "given up privileges"},
    {&create_script, "child chdir", '<', "child attr target=@rootfs set=ro", "given up privileges"},
    {&create_script, "child chdir", '<', "child mask path=@rootfs:x", "given up privileges"},
    {&create_script, "child chdir", '<', "child root how=pivot", "given up privileges"},
    {&create_script, "child chdir", '<', "child unshare flags=ipc", "given up privileges"},
    {&create_script, "child chdir", '<', "child setns slot=@ns.net type=network", "given up privileges"},
    {&create_script, "child chdir", '<', "child mkdir path=@rootfs:x", "given up privileges"},
    {&create_script, "child chdir", '<', "child symlink path=@rootfs:x target=y", "given up privileges"},
    {&create_script, "child chdir", '<', "child hostname name=y", "given up privileges"},
    {&create_script, "child caps", '<', "child ifup name=lo", "given up privileges"},
    {&create_script, "child caps", '<', "both netdev name=eth0", "given up privileges"},
    {&create_script, "child user uid=0", '=', "child user uid=7 gid=7 umask=022", "given up privileges"},
    {&create_script, "child caps", '<', "both fork", "given up privileges"},
    {&create_script, "child seccomp", '>', "child user uid=5 gid=5", "after the seccomp filter"},
    {&create_script, "child seccomp", '>', "child write path=@proc:x data=x", "after the seccomp filter"},
    {&create_script, "child seccomp", '>', "child chdir path=/", "after the seccomp filter"},
    {&create_script, "child seccomp", '>', "child prctl option=dumpable", "after the seccomp filter"},
    {&create_script, "child seccomp", '>', "child hook kind=createContainer path=/x",
     "after the seccomp filter"},
    {&create_script, "both sync from=parent name=listener-taken", '-', NULL, "may not have the listener yet"},
    {&create_script, "both give slot=@listener", '=', "both give slot=@listener", "is given by its number"},
    {&create_script, "both give slot=@console", '=', "both give slot=@console by_number", "is given by its number"},
    {&create_script, "parent send socket=@pidfd", '=',
     "parent send socket=@pidfd-socket slot=@pidfd data=x content=@hook-create", "either data or the content"},
    {&create_script, "parent send socket=@pidfd", '=', "parent send socket=@pidfd-socket slot=@pidfd content=@hook-create",
     "content is not a memfd"},
    {&create_script, "both sync from=parent name=listener-taken", '=', "both sync from=child name=x",
     "may not have the listener yet"},
    {&create_script, "child seccomp", '>', "both give slot=@console", "after the seccomp filter"},
    {&create_script, "child fds", '-', NULL, "fds is missing"},
    {&create_script, "child lookup", '-', NULL, "lookup is missing"},
    /* failure */
    {&create_script, "child caps", '=',
     "child caps effective=none permitted=none inheritable=none ambient=none on_fail=ignore(EPERM)",
     "must not fail"},
    {&create_script, "child user uid=5", '=', "child user uid=5 gid=5 on_fail=ignore", "must not fail"},
    {&create_script, "child bound", '=', "child bound keep=none on_fail=ignore", "must not fail"},
    {&create_script, "child seccomp", '=',
     "child seccomp flags=new_listener filter=BgAAAAAA/38= on_fail=ignore", "must not fail"},
    {&create_script, "child prctl", '=', "child prctl option=no_new_privs value=1 on_fail=ignore",
     "must not fail"},
    {&create_script, "child root", '=', "child root how=pivot on_fail=ignore", "must not fail"},
    {&create_script, "child fds", '=', "child fds on_fail=ignore", "must not fail"},
    {&create_script, "both spawn", '=', "both spawn flags=user|mount|pid|uts cgroup=@cg.0 on_fail=ignore",
     "must not fail"},
    {&create_script, "both sync from=child", '=', "both sync from=child name=ready on_fail=ignore",
     "must not fail"},
    {&create_script, "both gate", '=', "both gate on_fail=ignore", "must not fail"},
    {&create_script, "both exec", '=', "both exec argv=[\"sh\"] on_fail=ignore", "must not fail"},
    {&create_script, "child mask", '=', "child mask path=@rootfs:x on_fail=ignore", "left unmasked"},
    {&create_script, "child mask", '=', "child mask path=@rootfs:x on_fail=ignore(ENOENT,EPERM)",
     "left unmasked"},
    {&create_script, "child chdir", '<', "child keyring on_fail=else(0)", "makes no sense"},
    {&exec_script, "both exec", '>', "parent write path=/x data=x on_fail=else(1)", "past the end"},
    {&create_script, "child hostname", '<',
     "child keyring on_fail=else(2)\nchild keyring\nparent write path=/x data=x", "leave out operation"},
    {&create_script, "both sync from=child", '<', "child keyring on_fail=else(1)", "leave out operation"},
    {&create_script, "child caps", '<', "child keyring on_fail=else(1)", "leave out operation"},
    {&create_script, "child hostname", '<',
     "child keyring on_fail=else(1)\nchild keyring on_fail=else(1)\nchild keyring",
     "past the else around it"},
    {&create_script, "child hostname", '<',
     "child keyring on_fail=else(9)\nchild keyring on_fail=else(8)\nchild keyring on_fail=else(7)\nchild "
     "keyring on_fail=else(6)\nchild keyring on_fail=else(5)\n"
     "child keyring\nchild keyring\nchild keyring\nchild keyring\nchild keyring",
     "too deeply"},
    {&create_script, "child mknod", '=', "child mknod path=@rootfs:x mode=c0666 undo", "nothing to undo"},
    {&create_script, "parent open slot=@proc", '=',
     "parent open slot=@proc path=/proc flags=path|directory expect=procfs undo", "nothing to undo"},
    /* numbers */
    {&create_script, "parent bpf", '=', "parent bpf slot=@cg.0 program=AAAA", "whole instructions"},
    {&create_script, "child seccomp", '=', "child seccomp flags=new_listener filter=AAAA",
     "whole instructions"},
    {&create_script, "child seccomp", '=', "child seccomp flags=new_listener", "filter is missing"},
    {&create_script, "both spawn", '=', "both spawn flags=user|mount|pid|uts|vm cgroup=@cg.0",
     "only new namespaces"},
    {&create_script, "both spawn", '=', "both spawn flags=user|mount|pid|uts cgroup=@join.0", "enters a cgroup only"},
    {&create_script, "both spawn", '=', "both spawn flags=user|mount|pid|uts cgroup=@cg.1", "@cg.1 is not defined here in the parent"},
    {&create_script, "both fork", '=', "both fork flags=parent", "only namespaces"},
    {&create_script, "child unshare", '=', "child unshare flags=0x100", "only namespaces"},
    {&create_script, "child unshare", '=', "child unshare", "flags is missing"},
    {&create_script, "child attr target=/", '=', "child attr target=/ propagation=[0x4000]", "no such value"},
    {&create_script, "child attr target=/", '=', "child attr target=/ propagation=[0]", "no such value"},
    {&create_script, "child attr target=/", '=', "child attr target=/ propagation=[private|slave]",
     "no such value"},
    {&create_script, "child attr target=@rootfs", '=', "child attr target=@rootfs set=ro clear=ro",
     "not options"},
    {&create_script, "child attr target=@rootfs", '=', "child attr target=@rootfs set=bind", "not options"},
    {&create_script, "child attr target=@rootfs", '=', "child attr target=@rootfs rec_set=0x100000",
     "not options"},
    {&create_script, "child mount source=/b", '=',
     "child mount source=/b/rootfs target=/b/rootfs flags=rbind|ro", "from set and clear"},
    {&create_script, "child mount source=/b", '=',
     "child mount source=/b/rootfs target=/b/rootfs fstype=x flags=rbind", "no file system type"},
    {&create_script, "child mount source=/b", '=',
     "child mount source=/b/rootfs target=/b/rootfs flags=bind|move", "not those of a new mount"},
    {&create_script, "child mount source=proc", '=', "child mount source=proc target=@rootfs:proc",
     "type is missing"},
    {&create_script, "child mount source=proc", '=',
     "child mount source=proc target=@rootfs:proc fstype=proc flags=remount", "not those of a new mount"},
    {&create_script, "child mount source=proc", '=',
     "child mount source=proc target=@rootfs:proc fstype=proc set=ro", "only a bind"},
    {&create_script, "child mount source=proc", '=', "child mount source=proc fstype=proc",
     "target is missing"},
    {&create_script, "child mount source=proc", '=',
     "child mount source=proc target=@rootfs:proc fstype=proc create=9", "no such value"},
    {&create_script, "child mknod", '=', "child mknod path=@rootfs:x mode=0666", "device's nor a fifo's"},
    {&create_script, "parent mkdir", '=', "parent mkdir path=/x mode=040755", "not a directory's"},
    {&create_script, "child rlimit", '=', "child rlimit type=nofile soft=20 hard=10", "above hard"},
    {&create_script, "child rlimit", '=', "child rlimit type=99 soft=1 hard=1", "no such value"},
    {&create_script, "child prctl", '=', "child prctl option=12345", "no such value"},
    {&create_script, "child root", '=', "child root how=7", "no such value"},
    {&create_script, "parent hook", '=', "parent hook kind=9 path=/x", "no such value"},
    {&create_script, "child user uid=5", '=', "child user gid=5", "uid and gid are needed"},
    {&create_script, "child user uid=5", '=', "child user uid=5", "uid and gid are needed"},
    {&create_script, "child user uid=5", '=', "child user uid=5 gid=5 groups=[4294967295]", "no such value"},
    {&create_script, "child user uid=5", '=', "child user uid=5 gid=5 umask=01000", "umask"},
    {&create_script, "child user uid=5", '=', "child user uid=5 gid=5 no_setgroups groups=[1]",
     "no setgroups"},
    {&create_script, "child caps", '=',
     "child caps effective=kill permitted=none inheritable=none ambient=none", "must be permitted"},
    {&create_script, "child caps", '=',
     "child caps effective=none permitted=kill inheritable=none ambient=kill", "permitted and inheritable"},
    {&create_script, "child fds", '=', "child fds preserve=9999999", "too large"},
    {&create_script, "parent open slot=@aux.0", '=', "parent open slot=@aux.0 path=/x flags=creat|rdwr",
     "does not make files"},
    {&create_script, "parent open slot=@aux.0", '=', "parent open path=/x", "slot is missing"},
    {&create_script, "child lookup", '=', "child lookup name=sh", "candidates is missing"},
    {&exec_script, "both exec", '=', "both exec", "argv is missing"},
    {&create_script, "child hostname", '=', "child hostname", "name is missing"},
    {&create_script, "parent send socket=@pidfd", '=', "parent send socket=@pidfd-socket slot=@pidfd",
     "either data or the content"},
    {&create_script, "parent fill", '=', "parent fill slot=@hook-state tail=b", "head is missing"},
    {&create_script, "parent fill", '=', "parent fill slot=@hook-state head=a", "tail is missing"},
};

/* The script with the change, numbered. */
static const char *plan_text(struct husk_arena *a, const struct script *s, const struct change *c)
{
    struct husk_text t = {.arena = a};
    uint32_t number = 0;
    bool changed = c == NULL;

    husk_textf(&t, "husk-plan 1\naction %s\nid x\ncgroup backend=cgroup-v2 version=2 path=/x dir=/sys/fs/cgroup/x\n",
               s->action);
    for (uint32_t i = 0; i < s->n; i++) {
        bool here = !changed && strncmp(s->lines[i], c->at, strlen(c->at)) == 0;
        const char *old = here && (c->how == '-' || c->how == '=') ? NULL : s->lines[i];
        if (old != NULL && !(here && c->how == '<'))
            husk_textf(&t, "%u %s\n", (unsigned)number++, old);
        for (const char *p = here ? c->text : NULL; p != NULL && *p != '\0';
             p += strcspn(p, "\n"), p += *p == '\n')
            husk_textf(&t, "%u %.*s\n", (unsigned)number++, (int)strcspn(p, "\n"), p);
        if (old != NULL && here && c->how == '<')
            husk_textf(&t, "%u %s\n", (unsigned)number++, old);
        changed = changed || here;
    }
    return changed ? t.data : NULL;
}

static bool parse(struct husk_plan *plan, struct husk_arena *a, const char *text)
{
    struct husk_err err = {0};

    if (text != NULL && husk_plan_parse(plan, a, text, strlen(text), &err) == 0)
        return true;
    printf("# %u:%u: %s\n", err.line, err.column, err.msg);
    return false;
}

static void test_good(const struct script *s)
{
    struct husk_arena a = {0};
    struct husk_plan plan;
    struct husk_err err = {0};
    bool parsed = parse(&plan, &a, plan_text(&a, s, NULL));

    tap_ok(parsed && husk_plan_verify(&plan, &err) == 0, "a plan to %s is fine: %s", s->action, err.msg);
    husk_arena_fini(&a);
}

static void test_changes(void)
{
    for (size_t i = 0; i < HUSK_COUNT(changes); i++) {
        const struct change *c = &changes[i];
        struct husk_arena a = {0};
        struct husk_plan plan;
        struct husk_err err = {0};
        struct husk_errs all = {0};
        bool parsed = parse(&plan, &a, plan_text(&a, c->script, c));
        int code = parsed ? husk_plan_verify(&plan, &err) : 0;
        uint32_t n = parsed ? husk_plan_lint(&plan, &a, &all) : 0;
        tap_ok(code == HUSK_EARG && err.diag == HUSK_DIAG_PLAN_UNSAFE &&
                   strstr(err.msg, c->message) != NULL && n >= 1 && n == all.n &&
                   strcmp(all.v[0].msg, err.msg) == 0,
               "%c %.*s: %s", c->how, (int)strcspn(c->text ? c->text : c->at, "\n"),
               c->text ? c->text : c->at, code ? err.msg : "not refused");
        husk_arena_fini(&a);
    }
}

/* Alternatives that are fine, since both ways lead to the same. */
static void test_else(void)
{
    static const struct change good[] = {
        {&create_script, "parent bpf", '<',
         "parent open slot=@cg.1 path=/x expect=cgroupfs on_fail=else(1,ENOENT)\n"
         "parent open slot=@cg.1 path=/y expect=cgroupfs\nparent write path=@cg.1:x data=x",
         "both open it"},
        {&create_script, "parent bpf", '<',
         "parent open slot=@cg.1 path=/x expect=cgroupfs on_fail=else(2)\n"
         "parent open slot=@cg.1 path=/y expect=cgroupfs on_fail=else(1)\nparent open slot=@cg.1 path=/z "
         "expect=cgroupfs\n"
         "parent write path=@cg.1:x data=x",
         "nested"},
        {&create_script, "parent bpf", '<',
         "parent write path=@cg.0:a data=x on_fail=else(1)\nparent write path=@cg.0:b data=x",
         "write this or that"},
    };

    for (size_t i = 0; i < HUSK_COUNT(good); i++) {
        struct husk_arena a = {0};
        struct husk_plan plan;
        struct husk_err err = {0};
        bool parsed = parse(&plan, &a, plan_text(&a, good[i].script, &good[i]));
        tap_ok(parsed && husk_plan_verify(&plan, &err) == 0, "else: %s: %s", good[i].message, err.msg);
        husk_arena_fini(&a);
    }
}

/* What text cannot say. */
static void test_memory_plans(void)
{
    static char long_text[HUSK__MAX_TEXT + 1], long_path[HUSK__MAX_PATH + 1];
    static const char *const too_long[] = {long_text, NULL};
    struct husk_arena a = {0};
    struct husk_plan plan, broken;
    struct husk_err err = {0};
    struct husk_op *ops = NULL;

    memset(long_text, 'a', sizeof long_text - 1);
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    if (!parse(&plan, &a, plan_text(&a, &exec_script, NULL))) {
        tap_ok(false, "no plan");
        return;
    }
    for (int i = 0; i < 11; i++) {
        const char *name = NULL;
        ops = husk_arena_grow(&a, plan.ops, plan.n * sizeof *ops, plan.n * sizeof *ops);
        broken = plan;
        broken.ops = ops;
        switch (i) {
        case 0:
            name = "an unknown kind";
            ops[1].kind = HUSK_OP_COUNT;
            break;
        case 1:
            name = "an unknown actor";
            ops[1].who = (enum husk_who)3;
            break;
        case 2:
            name = "an unknown slot";
            ops[0].u.open.slot = HUSK_SLOT_COUNT;
            break;
        case 3:
            name = "a path below an unknown slot";
            ops[0].u.open.path.slot = (enum husk_slot)9999;
            break;
        case 4:
            name = "an unknown on_fail";
            ops[8].on_fail = (enum husk_on_fail)7;
            break;
        case 5:
            name = "errnos without on_fail";
            ops[8].errnos[0] = 1;
            break;
        case 6:
            name = "a hole in errnos";
            ops[8].on_fail = HUSK_IGNORE;
            ops[8].errnos[1] = 1;
            break;
        case 7:
            name = "a path that is too long";
            ops[0].u.open.path = (struct husk_path){HUSK_SLOT_HOST, long_path};
            break;
        case 8:
            name = "an argument that is too long";
            ops[plan.n - 1].u.exec.argv = (struct husk_list){too_long, 1};
            break;
        case 9:
            name = "no id";
            broken.id = NULL;
            break;
        default:
            name = "no operations";
            broken.n = 0;
        }
        tap_ok(husk_plan_verify(&broken, &err) == HUSK_EARG && err.diag == HUSK_DIAG_PLAN_UNSAFE, "%s: %.80s",
               name, err.msg);
    }
    husk_arena_fini(&a);
}

/* Each operation has an else that reaches to the end: looked through for each, that would be 2^31 steps. */
static void test_many_elses(void)
{
    enum { N = 65000 };
    struct husk_arena a = {0};
    struct husk_op *ops = husk_arena_alloc(&a, N * sizeof *ops);
    struct husk_plan plan = {.action = HUSK_RUN, .id = "x", .ops = ops, .n = N};
    struct husk_errs all = {0};
    clock_t begin = clock();

    for (uint32_t i = 0; i < N; i++) {
        ops[i] = (struct husk_op){.kind = HUSK_OP_WRITE, .on_fail = HUSK_ELSE, .skip = N - 1 - i};
        ops[i].u.write.path = (struct husk_path){HUSK_SLOT_HOST, "/x"};
        ops[i].u.write.data = "x";
    }
    tap_ok(husk_plan_lint(&plan, &a, &all) > N / 2 && strstr(all.v[0].msg, "too deeply") != NULL,
           "a plan of elses is refused: %s", all.n ? all.v[0].msg : "");
    tap_ok(clock() - begin < 5 * CLOCKS_PER_SEC, "in no time");
    husk_arena_fini(&a);
}

static void test_every_kind_has_rules(void)
{
    for (uint32_t kind = 0; kind < HUSK_OP_COUNT; kind++)
        if ((husk__op_rules[kind] & 7) == 0)
            tap_ok(false, "%s has no rule", husk_op_name((enum husk_op_kind)kind));
    tap_ok(true, "every kind has an actor");
}

int main(void)
{
    test_good(&create_script);
    test_good(&exec_script);
    test_changes();
    test_else();
    test_memory_plans();
    test_many_elses();
    test_every_kind_has_rules();
    return tap_done();
}
