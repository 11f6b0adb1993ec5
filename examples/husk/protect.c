/* protect.c - keep the command's own file out of reach of containers.
 *
 * A process that works inside a container shows its executable there as /proc/PID/exe. Root in the container
 * can open that, wait until we have ended, and write (CVE-2019-5736). So before anything of a container is
 * touched, the command executes itself once more from a file that cannot be written through any descriptor: a
 * detached read-only mount of itself, or a sealed copy in memory where the kernel or our privileges do not
 * allow that.
 *
 * The price is a second exec, 0.1 to 0.2 ms of a static binary. It is paid only where the attack could work:
 * a caller who is not root cannot give a container more rights over the file than he has himself, so a file
 * of root that he may not write needs no protection; neither does one under fs-verity or on a file system
 * that nobody can write. A read-only mount is not enough: it can become writable while a container still holds
 * what it opened. Root pays always: user namespaces take the rights away, but a configuration may map the
 * owner, and processes are made before the mapping is in force.
 */
#include "cli.h"

#include "husk/impl/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#define MARK "_HUSK_PROTECTED" /* in the environment, from the first exec to the second */

extern char **environ;

/* Asked of the file itself, before and after: so a copy that was made is known, and nothing can loop. ours: we
 * made its mount, which is in no namespace where somebody could change it. */
static bool is_safe(int fd, bool ours)
{
    static const uint32_t never_written[] = {
        0x73717368 /* squashfs */, 0xe0f5e1e2 /* erofs */, 0x9660 /* isofs */, 0x28cd3d45 /* cramfs */};
    struct statfs fs;

    if (fcntl(fd, F_GET_SEALS) == SEALS)
        return true;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < HUSK_COUNT(never_written); i++) {
        if ((uint32_t)fs.f_type == never_written[i])
            return true;
    }
    return ours && (fs.f_flags & ST_RDONLY) != 0;
}

static bool is_needed(int fd, bool ours)
{
    struct stat st;
    struct statx more;

    if (is_safe(fd, ours))
        return false;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &more) == 0 && (more.stx_attributes & STATX_ATTR_VERITY))
        return false;
    if (geteuid() == 0 || fstat(fd, &st) != 0)
        return true;
    return st.st_uid != 0 || (st.st_mode & S_IWOTH) ||
           faccessat(AT_FDCWD, "/proc/self/exe", W_OK, AT_EACCESS) == 0;
}

static int read_only_mount(void)
{
    struct husk__mount_attr attr = {.attr_set = HUSK__ATTR_RDONLY};
    int fd = (int)syscall(__NR_open_tree, AT_FDCWD, "/proc/self/exe", HUSK__OPEN_TREE_CLONE | O_CLOEXEC);

    if (fd >= 0 &&
        (syscall(__NR_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr) != 0 || !is_safe(fd, true))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int sealed_copy(int from)
{
    int fd = memfd_create("husk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ssize_t n = 0;

    if (fd < 0)
        return -1;
    while ((n = sendfile(fd, from, NULL, 1 << 20)) > 0)
        ;
    if (n < 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0 || !is_safe(fd, true)) {
        close(fd);
        return -1;
    }
    return fd;
}

int protect(const struct cli *c, struct husk_err *err)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fd;
    bool ours = getenv(MARK) != NULL;

    unsetenv(MARK);
    if (self < 0)
        return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, errno, NULL, "open /proc/self/exe: %s",
                         strerror(errno));
    if (!is_needed(self, ours)) {
        close(self);
        return 0;
    }
    fd = read_only_mount();
    if (fd < 0)
        fd = sealed_copy(self);
    close(self);
    if (fd >= 0 && setenv(MARK, "1", 1) == 0) {
        fexecve(fd, c->argv, environ);
        close(fd);
    }
    return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, errno, NULL,
                     "cannot execute a protected copy of husk: %s", strerror(errno));
}
