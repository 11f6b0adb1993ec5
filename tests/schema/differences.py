"""differences.py - where the reader judges otherwise than the JSON schema, and why: a pattern of case names, a reason.

In a pattern * is anything, [[] is a bracket. Every case that matches must differ, and each pattern must have one.
"""

NO_ID = "4294967295 is no id: to the kernel it means no change"
DEV_T = "the kernel's device numbers have 12 and 20 bits, those of device rules 32"
MUST = "the specification's text requires it"
EMPTY = "an empty string is taken as absent, and this may not be absent"
EMPTY_ENUM = "engines written in Go write an empty string for absent"

# The schema says valid, husk refuses.
STRICTER = {
    '/ociVersion = "[2x]*"': "the text demands a semantic version, and one that this runtime supports",
    '/ociVersion = ""': EMPTY,
    "/process/consoleSize/* = 18446744073709551615": "the kernel's sizes of terminals have 16 bits",
    "/process/user/[ug]id = 4294967295": NO_ID,
    "/process/user/additionalGids/0 = 4294967295": NO_ID,
    "/process/user/umask = 4294967295": "a umask has nine bits",
    "/process/args = [[]]": MUST,
    "/process/args absent": MUST,
    '/process/env/1 = "*': "the text refers to POSIX: NAME=value",
    '/process/cwd = "*': "the text demands an absolute path",
    "/process/scheduler/nice = -2147483648": "the text: from -20 to 19",
    "/process/scheduler/nice = 2147483647": "the text: from -20 to 19",
    "/process/scheduler/priority = -2147483648": "the kernel: 1 to 99 for SCHED_FIFO and SCHED_RR, else 0",
    "/process/scheduler/priority = 2147483647": "the kernel: 1 to 99 for SCHED_FIFO and SCHED_RR, else 0",
    "/process/scheduler/[rdp]* = 18446744073709551615": "the kernel's times are signed",
    "/process/ioPriority/priority = -2147483648": "the text: from 0 to 7",
    "/process/ioPriority/priority = 2147483647": "the text: from 0 to 7",
    "/process/ioPriority/priority absent": MUST,
    '/process/rlimits/0/type = "RLIMIT_FOO"': "the text demands an error for a limit that the kernel does not have",
    '/process/execCPUAffinity/final = "-,"': "no list of numbers",
    "/root absent": MUST,
    '/root/path = ""': EMPTY,
    '/mounts/0/destination = ""': EMPTY,
    '/mounts/0/destination = "/"': "it would hide the container's root",
    "/mounts/1/[ug]idMappings/0/containerID = 4294967295": NO_ID,
    "/mounts/1/[ug]idMappings/0/hostID = 4294967295": NO_ID,
    "/mounts/1/[ug]idMappings/0/size = 0": "the kernel takes no mapping of no ids",
    '/hooks/*/0/path = "*': "the text demands an absolute path",
    '/hooks/poststop/0/env/0 = ""': "the text refers to POSIX: NAME=value",
    '/annotations/ = "x"': "the text: keys must not be empty",
    "/linux/[ug]idMappings/0/containerID = 4294967295": NO_ID,
    "/linux/[ug]idMappings/0/hostID = 4294967295": NO_ID,
    "/linux/[ug]idMappings/0/size = 0": "the kernel takes no mapping of no ids",
    "/linux/timeOffsets/*/nanosecs = 4294967295": "the kernel takes less than 1000000000",
    '/linux/timeOffsets/realtime = *': "the kernel has offsets for two clocks; an offset must not be lost silently",
    '/linux/devices/0/path = "*': "the text: full path",
    "/linux/devices/0/m[ai][jn]or = *9223372036854775807": DEV_T,
    "/linux/devices/0/m[ai][jn]or = -9223372036854775808": DEV_T,
    "/linux/devices/0/m[ai][jn]or absent": MUST,
    "/linux/devices/0/[ug]id = 4294967295": NO_ID,
    "/linux/resources/devices/1/m[ai][jn]or = 9223372036854775807": DEV_T,
    "/linux/resources/devices/1/m[ai][jn]or = -9223372036854775808": DEV_T,
    '/linux/resources/devices/1/type = "x"': "the text: a, b or c",
    '/linux/resources/devices/1/access = "*': "the text: of r, w and m; a rule without access says nothing",
    "/linux/resources/devices/1/access absent": "a rule without access says nothing",
    "/linux/resources/memory/* = -9223372036854775808": "-1 is unlimited, nothing is below",
    "/linux/resources/memory/swappiness = 18446744073709551615": "the text: from 0 to 100",
    "/linux/resources/cpu/idle = *9223372036854775807": "the kernel takes 0 and 1",
    "/linux/resources/cpu/idle = -9223372036854775808": "the kernel takes 0 and 1",
    "/linux/resources/blockIO/*eight = 65535": "the text: from 10 to 1000",
    "/linux/resources/blockIO/*/0/m[ai][jn]or = *9223372036854775807": DEV_T,
    "/linux/resources/blockIO/*/0/m[ai][jn]or = -9223372036854775808": DEV_T,
    "/linux/resources/blockIO/throttle*/0/rate absent": MUST,
    '/linux/resources/network/priorities/0/name = ""': EMPTY,
    '/linux/seccomp/defaultAction = "SCMP_ACT_NOTIFY"': "the runtime itself would wait for the listener for ever",
    "/linux/seccomp/defaultErrnoRet = 4294967295": "the kernel returns 16 bits",
    "/linux/seccomp/syscalls/0/errnoRet = 4294967295": "the kernel returns 16 bits",
    "/linux/seccomp/syscalls/0/args/0/index = 4294967295": "a system call has six arguments",
    '/linux/maskedPaths/0 = ""': "the text demands absolute paths",
    '/linux/readonlyPaths/0 = ""': "the text demands absolute paths",
    '/linux/cgroupsPath = "../x"': "it would leave the place that the caller means",
    '/linux/intelRdt/closID = "../x"': "it is the name of one directory",
    "/linux/memoryPolicy/mode absent": MUST,
    '/linux/memoryPolicy/nodes = "x"': "no list of numbers",
    '/linux/personality/flags = *"x"*': "the text: no flag is supported",
}

# The schema says invalid, husk takes it.
MILDER = {
    "* absent as null": "the text: null is the same as absent; engines written in Go write it",
    "/linux/resources/pids/limit absent": "the text says optional",
    "/linux/resources/pids/limit = null": "the text says optional",
    "/linux/devices/0/fileMode = 512": "set-user-id and sticky are permission bits too",
    "/linux/devices/0/fileMode = 33206": "engines leave the type of the file in it",
    '/linux/rootfsPropagation = ""': EMPTY_ENUM,
    '/linux/rootfsPropagation = "rslave"': "engines write the recursive forms",
    '/linux/intelRdt/memBwSchema = ""': EMPTY_ENUM,
    '/linux/personality/domain = ""': EMPTY_ENUM,
}

DIFFERENCES = {**STRICTER, **MILDER}
