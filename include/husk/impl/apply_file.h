/* husk/impl/apply_file.h - the parent's sockets, owners and comparisons of files, and the files without a name that
 * hooks read. Part of apply.h's implementation.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_FILE_IMPLEMENTED)
#define HUSK_APPLY_FILE_IMPLEMENTED

#include "husk/impl/child_file.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define HUSK__PEER_SEC 10 /* so long one who listens may take to accept, or to read */

static long husk__do_memfd(struct husk_child *c, const struct husk_op *op)
{
    long fd = husk__sys(__NR_memfd_create, "husk", 3 /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);

    if (fd < 0)
        return fd;
    husk__define(c, op->u.memfd.slot, (int)fd);
    return 0;
}

static long husk__do_chown(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_chown *o = &op->u.chown;
    struct husk__want want = {.flags = O_PATH | O_NOFOLLOW};
    bool itself = husk__is_slot_itself(&o->path);
    int fd = itself ? husk__slot(c, o->path.slot) : husk__open(c, &o->path, &want);
    long r = fd < 0 ? fd : husk__sys(__NR_fchownat, fd, "", o->uid, o->gid, AT_EMPTY_PATH);

    if (!itself)
        husk__close(fd);
    return r;
}

/* A number or word without leading zeros, or one other character; white space only separates. */
static size_t husk__token(const char **s, const char *end)
{
    const char *t = *s;
    size_t n = 0;

    while (t < end && isspace((unsigned char)*t))
        t++;
    while (t + 1 < end && t[0] == '0' && isxdigit((unsigned char)t[1]))
        t++;
    while (t + n < end && isalnum((unsigned char)t[n]))
        n++;
    *s = t;
    return n == 0 && t < end ? 1 : n;
}

static bool husk__alike(const char *a, const char *a_end, const char *b, const char *b_end)
{
    size_t n = 1, m;

    while (n > 0) {
        n = husk__token(&a, a_end);
        m = husk__token(&b, b_end);
        if (n != m || strncasecmp(a, b, n) != 0)
            return false;
        a += n;
        b += n;
    }
    return true;
}

/* Where a line's name ends: behind its colon, or at its start when it has none. */
static const char *husk__named(const char *line, const char *end)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));

    return colon ? colon + 1 : line;
}

/* Is [part, end) among the parts of a line of the same name in text? */
static bool husk__has_part(const char *text, const char *name, const char *part, const char *end)
{
    const char *stop, *item, *line_name;

    for (const char *line = text; *line != '\0'; line = stop + (*stop == '\n')) {
        stop = line + strcspn(line, "\n");
        line_name = husk__named(line, stop);
        if (!husk__alike(line, line_name, name, husk__named(name, end)))
            continue;
        for (item = line_name; item <= stop; item += strcspn(item, ";\n") + 1)
            if (husk__alike(item, item + strcspn(item, ";\n"), part, end))
                return true;
    }
    return false;
}

static long husk__do_check(struct husk_child *c, const struct husk_op *op)
{
    long n = husk__slurp(c, &op->u.check.path, c->buffer, HUSK_CHILD_BUFFER);

    if (n < 0)
        return n;
    c->buffer[n] = '\0';
    for (const char *line = op->u.check.text, *stop; *line != '\0'; line = stop + (*stop == '\n')) {
        stop = line + strcspn(line, "\n");
        for (const char *part = husk__named(line, stop), *end; part <= stop; part = end + 1) {
            end = part + strcspn(part, ";\n");
            if (end > part && !husk__has_part(c->buffer, line, part, end))
                return -EEXIST;
        }
    }
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

/* The pid of the container's first process, in decimal: with exec that is not the child, but what @target is of. */
static long husk__first_pid(struct husk_child *c, char text[24])
{
    long n = 0, r = 0;

    if (c->slot[HUSK_SLOT_TARGET] < 0) {
        husk__decimal(text, c->pid);
        return 0;
    }
    r = husk__slurp(c, &(struct husk_path){HUSK_SLOT_TARGET, "stat"}, c->buffer, HUSK_CHILD_BUFFER);
    for (; n < r && n < 23 && c->buffer[n] != ' '; n++)
        text[n] = c->buffer[n];
    text[n] = '\0';
    return r < 0 ? r : n > 0 ? 0 : -ESRCH;
}

static long husk__do_fill(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_fill *f = &op->u.fill;
    char pid[24], first[24];
    const char *const parts[] = {f->head, pid, f->middle ? f->middle : "", f->middle ? first : "", f->tail};
    int fd = husk__slot(c, f->slot);
    long r = f->middle ? husk__first_pid(c, first) : 0;

    husk__decimal(pid, f->in_container ? 1 : c->pid > 0 ? c->pid : husk__sys(__NR_getpid));
    if (r < 0 || fd < 0)
        return r < 0 ? r : fd;
    r = husk__sys(__NR_ftruncate, fd, 0L);
    if (r == 0)
        r = husk__sys(__NR_lseek, fd, 0L, SEEK_SET);
    for (size_t i = 0; i < HUSK_COUNT(parts) && r == 0; i++)
        r = husk__write_all(fd, parts[i], husk__len(parts[i]));
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

/* What serves a socket may be stuck, and the container's lock is held meanwhile. */
static long husk__connect(int fd, const struct sockaddr_un *a)
{
    const struct timeval limit = {HUSK__PEER_SEC, 0};
    long r = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ? -errno : 0;

    if (r == 0)
        r = husk__sys(__NR_connect, fd, a, sizeof *a);
    return r == -EAGAIN ? -ETIMEDOUT : r;
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
        r = husk__connect((int)fd, &a);
    husk__close(dir);
    if (r < 0)
        husk__close((int)fd);
    else
        husk__define(c, s->slot, (int)fd);
    return r;
}

/* All that is in a memfd, however large, is one message. */
static long husk__send_content(int to, int content, int fd)
{
    struct husk__statx st;
    void *data = MAP_FAILED;
    long r = husk__statx(content, &st);

    if (r == 0)
        data = mmap(NULL, (size_t)st.size, PROT_READ, MAP_PRIVATE, content, 0);
    if (r < 0 || data == MAP_FAILED)
        return r < 0 ? r : -errno;
    r = husk__send_fd(to, data, (size_t)st.size, fd);
    munmap(data, (size_t)st.size);
    return r;
}

static long husk__do_send(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_send *s = &op->u.send;
    int to = husk__slot(c, s->socket), fd = husk__slot(c, s->slot);
    long r;

    if (to < 0 || fd < 0)
        return -EBADF;
    if (s->content != HUSK_SLOT_HOST)
        r = husk__send_content(to, husk__slot(c, s->content), fd);
    else
        r = husk__send_fd(to, s->data, husk__len(s->data), fd);
    r = r == -EAGAIN || r == -EMSGSIZE ? -ETIMEDOUT : r; /* none, or only some, was taken */
    husk__define(c, op->u.send.socket, -1);
    if (r == 0 && op->u.send.slot != HUSK_SLOT_PIDFD) /* what was sent away is the receiver's alone */
        husk__define(c, op->u.send.slot, -1);
    return r;
}
#endif
