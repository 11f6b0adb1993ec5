"""cases.py - all cases of the differential test."""
from case import REMOVE         # noqa: F401
from cases_process import CAPABILITIES, EXEC, LIMITS, NAMESPACES, PROCESS, SPEC, TERMINAL, USERS
from cases_system import DEVICES, HOOK_CASES, MOUNTS, RESOURCES, ROOT, SECCOMP

CASES = (NAMESPACES + USERS + CAPABILITIES + LIMITS + MOUNTS + ROOT + DEVICES + SECCOMP + HOOK_CASES +
         TERMINAL + PROCESS + RESOURCES + SPEC + EXEC)
