/* spec.c - the command `spec`: a default config.json. */
#include "cli.h"

#include "husk/impl/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

int command_spec(struct cli *c)
{
    struct husk_text text = {.arena = &c->arena};
    struct statfs fs;
    /* Where all controllers are on cgroup2 there is one tree, and a container had better see its own root of
     * it. */
    bool unified = statfs("/sys/fs/cgroup", &fs) == 0 && (uint64_t)fs.f_type == HUSK__MAGIC_CGROUP2;
    int fd;

    husk_spec_default(&text, c->spec_rootless, geteuid(), getegid(), unified);
    if (text.data == NULL)
        return failf(c, "out of memory");
    if (c->bundle != NULL && chdir(c->bundle) != 0)
        return failf(c, "bundle %s: %s", c->bundle, strerror(errno));
    fd = open("config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return failf(c, "File config.json exists. Remove it first");
    if (fd < 0 || !write_all(fd, text.data, text.len) || close(fd) != 0)
        return failf(c, "write config.json: %s", strerror(errno));
    return 0;
}
