"""differences.py - where husk and the reference differ and husk means it: one row each, with the reason.

A row covers a line when the case and the key match the globs and both values match the regular expressions
(NONE: there is no such line; the key `started`: whether the program ran at all). Rows name husk's value, so
that they explain one difference and hide no other.
"""
import collections
import re

MISSING = "(none)"
NONE = re.escape(MISSING)
Difference = collections.namedtuple("Difference", "case key reference husk reason")

# The runtime that a row says "newer ones" about is runc: 1.1 is the reference on Debian 12, newer is 1.3.
_MASK = ("a masked directory gets a tmpfs that holds nothing and runs nothing: size 4k, one inode, mode "
         "0555, nosuid, nodev, noexec (newer ones have size and inodes)")
_NULL = ("a masked file is the host's verified /dev/null, read-only: it needs no /dev in the container, "
         "which can neither swap nor change it")
_UNIFIED = "on a hybrid host the container has a v2 cgroup too, and sees it where it is on the host"
_NEWER = "as the newer ones do it"
_POSTSTART = "poststart runs in start, after the program was started: the specification's order; " + _NEWER
_OWN = "on v2 without a cgroup namespace the container sees its own cgroup, not the host's"
_UMASK = "the caller's umask does not reach into the container: directories that were made are 0755"
_CAPS = "no capabilities object: none, as 1.1 has it; newer ones keep all of the caller's"

DIFFERENCES = [Difference(*row) for row in [
    ("bind-unknown-option", "started", "True", "False", "an option that a bind mount cannot have is an error; " + _NEWER),
    # cgroups
    ("*", "mount:/sys/fs/cgroup/unified", NONE, "cgroup2 root=.*", _UNIFIED),
    ("*", "cgroup:/sys/fs/cgroup/unified", NONE, "dir 0755 (0:0|65534:65534)", _UNIFIED),
    ("*", "mount:/sys/fs/cgroup", "tmpfs root=/ opts=rw,nosuid,nodev,noexec,relatime .*",
     "tmpfs root=/ opts=ro,nosuid,nodev,noexec,relatime .*",
     "the mount asks for ro: so is the tmpfs that holds the hierarchies, not only these"),
    ("*", "mount:/sys/fs/cgroup/*", "cgroup root=/ .* source=systemd .*", "cgroup root=/ .* source=cgroup .*",
     "the source of a v1 hierarchy is a word without meaning; the config's is used for all"),
    ("*", "mount:/sys/fs/cgroup", "cgroup2 root=/ opts=(.*)", "cgroup2 root=/ID opts=.*", _OWN),
    ("*", "cgroup:/sys/fs/cgroup/*", "dir .*", NONE, _OWN),
    ("cgroup-rw", "*:/sys/fs/cgroup", ".*(0555|EACCES).*", ".*(0755|access=ok).*", _NEWER),
    ("cgroups-path*", "left.cgroups", "ID-(top|rel)", "",
     "delete removes every cgroup that create made, parents of the container's too, once they are empty"),
    ("cgroups-path-dotdot", "started", "True", "False",
     "\"..\" in cgroupsPath is an error; the reference uses another path than was asked for"),

    # masked paths and modes
    ("*", "mount:*",
     "tmpfs root=/ opts=ro,relatime propagation=private source=tmpfs "
     r"super=ro(,size=4k,nr_inodes=1)?(,uid=\d+,gid=\d+)?",
     "tmpfs root=/ opts=ro,nosuid,nodev,noexec,relatime propagation=private source=tmpfs "
     r"super=ro,size=4k,nr_inodes=1,mode=555(,uid=\d+,gid=\d+)?", _MASK),
    ("*mask*", "*:*", "dir 1777 0:0", "dir 0555 0:0", _MASK),
    ("*", "mount:*", r"\S+ root=\S*/null opts=r[wo],.*", r"\S+ root=/null opts=ro,.*", _NULL),
    ("user-umask-of-caller", "*:/*", "dir 0700 0:0", "dir 0755 0:0", _UMASK),
    ("device-default-mode", "cgroup:*", "dir 0700 0:0", "dir 0755 0:0", _UMASK),
    ("device-default-mode", "umask", "0022", "0077", "without user.umask the program keeps the caller's, config.md"),
    ("ns-user-no-maps", "started", "False", "True",
     "a user namespace without mappings gets default ones, with a warning; the specification leaves it open"),

    # mounts
    ("tmpfs-*", "mount:/t*", "(.*)super=rw(,size=1024k)?", ".*super=rw(,size=1024k)?,mode=7[0-9]0",
     "a tmpfs over a directory is given that directory's mode; " + _NEWER),
    ("*", "mount:/dev/*", r"\S+ root=\S+ opts=rw,relatime .*", r"\S+ root=\S+ opts=rw,nosuid,noexec,relatime .*",
     "a device that is bound into a user namespace is for its purpose alone"),
    ("device-in-userns", "*:/dev/fuse", "chr 10:229 0666 65534:65534", "chr 10:229 0666 0:0",
     "in a user namespace, too, a device of the configuration has the owner that it asks for: a node of its own"),
    ("bind-rnosuid-rsuid", "mount:/data*", ".* opts=rw,nosuid,relatime .*", ".* opts=rw,relatime .*",
     "the later of two contrary options wins; " + _NEWER),
    ("bind-flag-drops-flags", "mount:/data", ".* opts=ro,relatime .*", ".* opts=ro,nosuid,nodev,relatime .*",
     "a bind keeps those flags of its source that no option names; the reference drops them"),
    ("destination-in-proc", "started", "True", "False",
     "nothing may be mounted in /proc but the few files that lxcfs provides; " + _NEWER),

    # what is refused
    ("ns-user-maps-without-ns", "started", "True", "False",
     "id mappings without a user namespace are a contradiction; newer ones and the specification refuse it"),
    ("device-no-path", "started", "True", "False", "the path of a device is required"),
    ("fds-missing", "started", "True", "False", "a descriptor to be preserved that is not open: an error"),
    ("exec-personality", "uts.machine", "x86_64", "i686",
     "the personality is the container's: what is executed in it later has it, too"),

    # the process
    ("args-no-path-in-env", "started", "False", "True",
     "the specification looks args[0] up like execvp, which without PATH takes the default path"),
    ("*", "env.order", ".*", ".*", "the order of variables has no meaning; their values are compared"),
    ("bind-file-over-file", "env:HOME", "", "/", "a broken /etc/passwd gives HOME=/, not nothing"),
    ("caller-blocks-signals", "status.SigBlk", ".*[^0].*", "0+",
     "the program starts with no signal blocked, whatever the caller of the runtime has blocked"),
    ("*", "keyring.description", "keyring;0;0;3f13000[08];_ses.ID", "keyring;0;0;3f1b0000;_ses.ID",
     "its owner may find the session keyring by name in a user namespace too, so that exec joins it"),
    ("*", "fd.owner.*", r"\d+:0", "65534:65534",
     "in the foreground too stdio is the caller's own, not a pipe that is copied: an unmapped owner stays"),
    ("*", "dev:/dev/mqueue", "dir 1777 0:65534", "dir 1777 65534:65534",
     "one clone makes all namespaces, so the queues' directory belongs to the maker, who is not mapped"),
    ("terminal-*", "tty.size", "40 100", "33 77",
     "consoleSize of the config is kept until the terminal changes; the reference overwrites it at once"),
    ("exec-process", "self.oom_score_adj", "0", "100", "oomScoreAdj of a process file counts too"),
    ("seccomp-*", "sys.landlock", "EPERM", "ENOSYS", "a call newer than the profile is unknown; " + _NEWER),
    ("seccomp-*", "sys.unassigned", "EPERM", "ENOSYS", "a call newer than the profile is unknown; " + _NEWER),

    # the newer reference only
    ("caps-absent", "status.Cap*", "000001ff[ef][ef]ffffff", "0+", _CAPS),
    ("caps-absent", "sys.*", "(EINVAL|ok)", "EPERM", _CAPS),
    ("[!e]*", "rc", "255", "1", "what fails before the program runs is an error, 1"),

    # hooks
    ("hooks-*", "hook:*", "createContainer .* cwd=BUNDLE/rootfs .*", "createContainer .* cwd=BUNDLE .*",
     "the specification names no working directory; all hooks that run outside the root have the bundle"),
    ("hooks-*", "hook:*", "poststart status=created .*", "poststart status=running .*", _POSTSTART),
    ("hooks-create-start", "hooks-before-start", "(?s).*poststart.*", "(?s)((?!poststart).)*", _POSTSTART),
    ("hooks-*", "hook:*", "poststop status=stopped (.*) cwd=/.*", "poststop status=stopped .* cwd=BUNDLE .*",
     "poststop has the bundle as its working directory too, not that of whoever calls delete"),
    ("hook-fails-poststop", "hook:*", NONE, "poststop .*",
     "a poststop hook that fails is a warning, and the next one runs: the specification's words"),

    # the default config
    ("spec*", "/hostname", '"runc"', '"husk"', "our own name"),
    ("spec-rootless", "/linux/namespaces/*/type", '"(cgroup|user)"', '"(cgroup|user)"',
     "the order of namespaces has no meaning"),
    ("spec*", "/ociVersion", ".*", '"1.3.0"', "the version that we implement"),
    ("spec*", "/process/capabilities/ambient/*", ".*", NONE, "no ambient set: as the newer ones"),
]]
