/* husk/impl/apply_file.h - the parent's sockets, and the files without a name that hooks read. Part of apply.h's
 * implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_FILE_IMPLEMENTED)
#define HUSK_APPLY_FILE_IMPLEMENTED

#include "husk/impl/child_file.h"
#include <sys/socket.h>
#include <sys/un.h>

static long husk__do_memfd(struct husk_child *c, const struct husk_op *op)
{
    long fd = husk__sys(__NR_memfd_create, "husk", 3 /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);

    if (fd < 0)
        return fd;
    husk__define(c, op->u.memfd.slot, (int)fd);
    return 0;
}

static long husk__write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        long r = husk__sys(__NR_write, fd, data, len);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? r : -EIO;
        data += r;
        len -= (size_t)r;
    }
    return 0;
}

static long husk__do_fill(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_fill *f = &op->u.fill;
    int fd = husk__slot(c, f->slot);
    int64_t pid = f->in_container ? 1 : c->pid > 0 ? c->pid : husk__sys(__NR_getpid);
    char number[24];
    size_t n = husk__decimal(number, pid);
    long r;

    if (fd < 0)
        return fd;
    r = husk__sys(__NR_ftruncate, fd, 0L);
    if (r == 0)
        r = husk__sys(__NR_lseek, fd, 0L, SEEK_SET);
    if (r == 0)
        r = husk__write_all(fd, f->head, husk__len(f->head));
    if (r == 0)
        r = husk__write_all(fd, number, n);
    if (r == 0)
        r = husk__write_all(fd, f->tail, husk__len(f->tail));
    /* A hook in the container must not change what one on the host reads, or what is read of it. */
    return r ? r : husk__sys(HUSK__NR_fcntl, fd, 1033 /* F_ADD_SEALS */, 0xf /* F_SEAL_SEAL|SHRINK|GROW|WRITE */);
}

/* A path may be longer than sun_path holds, or start at a descriptor: then it is named by its directory's
 * descriptor. */
static long husk__socket_address(struct sockaddr_un *to, const struct husk_path *p, int dir, const char *name)
{
    size_t n;

    to->sun_family = AF_UNIX;
    if (p->slot == HUSK_SLOT_HOST && husk__len(p->rel) < sizeof to->sun_path) {
        husk__copy(to->sun_path, p->rel, husk__len(p->rel) + 1);
        return 0;
    }
    husk__fd_path(to->sun_path, "/proc/self/fd/", dir);
    n = husk__len(to->sun_path);
    if (n + 1 + husk__len(name) >= sizeof to->sun_path)
        return -ENAMETOOLONG;
    to->sun_path[n++] = '/';
    husk__copy(to->sun_path + n, name, husk__len(name) + 1);
    return 0;
}

static long husk__listen(struct husk_child *c, int fd, const struct sockaddr_un *a, int dir, const char *name)
{
    struct husk__statx st;
    long r =
        husk__sys(__NR_statx, dir, name, AT_SYMLINK_NOFOLLOW, HUSK__STATX_BASIC, &st) == 0 ? -EADDRINUSE : 0;

    if (r == 0)
        r = husk__sys(__NR_fchmod, fd, 0600); /* bind(2) gives the file the socket's mode */
    if (r == 0) /* not before: undo must not take away another's */
        r = husk__undo_note(c, "unlink", dir, name);
    if (r == 0 && (r = husk__sys(__NR_bind, fd, a, sizeof *a)) < 0)
        (void)husk__undo_note(c, "keep", dir, name);
    return r ? r : husk__sys(__NR_listen, fd, 8);
}

static long husk__do_socket(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_socket *s = &op->u.socket;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char name[HUSK__NAME];
    int dir = husk__open_parent(c, &s->path, false, name);
    long fd, r;

    if (dir < 0)
        return dir;
    fd = husk__sys(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r = fd < 0 ? fd : husk__socket_address(&a, &s->path, dir, name);
    if (r == 0 && s->listen)
        r = husk__listen(c, (int)fd, &a, dir, name);
    else if (r == 0)
        r = husk__sys(__NR_connect, fd, &a, sizeof a);
    husk__close(dir);
    if (r < 0)
        husk__close((int)fd);
    else
        husk__define(c, s->slot, (int)fd);
    return r;
}

static long husk__do_send(struct husk_child *c, const struct husk_op *op)
{
    int to = husk__slot(c, op->u.send.socket), fd = husk__slot(c, op->u.send.slot);
    long r;

    if (to < 0 || fd < 0)
        return -EBADF;
    r = husk__send_fd(to, op->u.send.data, husk__len(op->u.send.data), fd);
    husk__define(c, op->u.send.socket, -1);
    if (r == 0 && op->u.send.slot != HUSK_SLOT_PIDFD) /* what was sent away is the receiver's alone */
        husk__define(c, op->u.send.slot, -1);
    return r;
}
#endif
