/* husk/impl/apply_net.h - network devices of the host that become the container's. Part of apply.h's implementation.
 *
 * The parent speaks rtnetlink(7) over two sockets: its own, for the device on the host, and one that the child opened,
 * for the device in the container. It enters no namespace. A device that was moved stays with its namespace: one of
 * hardware comes back by itself when that ends, another is destroyed. So when a later operation fails it is moved back.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_NET_IMPLEMENTED)
#define HUSK_APPLY_NET_IMPLEMENTED

#include "husk/impl/apply_file.h"
#include <linux/rtnetlink.h>
#include <net/if.h>

#define HUSK__IFLA_NEW_IFINDEX 49 /* Linux 5.13; older kernels take no notice of it */
#define HUSK__SIOCGSKNS 0x894c    /* of linux/sockios.h, Linux 4.10: the network namespace of a socket */
#define HUSK__DUMPS 16            /* so often addresses may change while they are being listed */

/* One request: header, struct ifinfomsg or struct ifaddrmsg, attributes. */
struct husk__nl_request {
    struct nlmsghdr h;
    char body[512];
};

typedef void husk__nl_fn(void *ctx, const struct nlmsghdr *answer);

static void husk__nl_begin(struct husk__nl_request *q, uint16_t type, uint16_t flags, const void *header, size_t size)
{
    memset(q, 0, sizeof *q);
    q->h = (struct nlmsghdr){
        .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags};
    memcpy(q->body, header, size);
}

/* All of a device's attributes that are sent fit into the body. */
static void husk__nl_put(struct husk__nl_request *q, uint16_t type, const void *data, size_t size)
{
    size_t at = NLMSG_ALIGN(q->h.nlmsg_len) - NLMSG_HDRLEN;
    const struct rtattr a = {(unsigned short)RTA_LENGTH(size), type};

    if (at + RTA_SPACE(size) > sizeof q->body)
        return;
    memcpy(q->body + at, &a, sizeof a);
    memcpy(q->body + at + RTA_LENGTH(0), data, size);
    q->h.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + at + RTA_LENGTH(size));
}

/* One datagram of the kernel; others may send to this socket, too. */
static long husk__nl_receive(int fd, char *buffer)
{
    struct sockaddr_nl from = {.nl_pid = 1};
    struct iovec part = {buffer, HUSK_CHILD_BUFFER};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    long n;

    do
        n = husk__sys(__NR_recvmsg, fd, &m, 0);
    while (n == -EINTR || (n >= 0 && from.nl_pid != 0));
    return n < 0 ? n : m.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

/* Sends, and has fn called for each answer before the last, which says how it went: 0 or an errno below 0. */
static long husk__nl_call(int fd, char *buffer, struct husk__nl_request *q, husk__nl_fn *fn, void *ctx)
{
    bool changed = false;
    int32_t error;
    long n;

    if ((q->h.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) /* which shares bits with others */
        q->h.nlmsg_flags |= NLM_F_ACK;
    n = husk__sys(__NR_sendto, fd, q, (size_t)q->h.nlmsg_len, 0, NULL, 0);
    while (n >= 0 && (n = husk__nl_receive(fd, buffer)) >= 0)
        for (const char *at = buffer, *end = buffer + n; end - at >= NLMSG_HDRLEN;) {
            const struct nlmsghdr *h = (const void *)at;
            if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > (size_t)(end - at))
                return -EPROTO;
            changed = changed || (h->nlmsg_flags & NLM_F_DUMP_INTR);
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
                memcpy(&error, at + NLMSG_HDRLEN, sizeof error);
                return error < 0 ? error : changed ? -EAGAIN : 0;
            }
            if (fn != NULL)
                fn(ctx, h);
            at += (size_t)(end - at) < NLMSG_ALIGN(h->nlmsg_len) ? h->nlmsg_len : NLMSG_ALIGN(h->nlmsg_len);
        }
    return n;
}

static void husk__nl_link(void *ctx, const struct nlmsghdr *answer)
{
    if (answer->nlmsg_type == RTM_NEWLINK && answer->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
        memcpy(ctx, NLMSG_DATA(answer), sizeof(struct ifinfomsg));
}

/* The device of link's number, or with 0 of that name: its number, or an errno below 0. */
static long husk__nl_look(struct husk_child *c, int fd, struct ifinfomsg *link, const char *name)
{
    struct husk__nl_request q;
    long r;

    husk__nl_begin(&q, RTM_GETLINK, 0, link, sizeof *link);
    if (link->ifi_index == 0)
        husk__nl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
    r = husk__nl_call(fd, c->buffer, &q, husk__nl_link, link);
    return r < 0 ? r : link->ifi_index > 0 ? link->ifi_index : -ENODEV;
}

static long husk__nl_find(struct husk_child *c, int fd, int32_t number, const char *name)
{
    return husk__nl_look(c, fd, &(struct ifinfomsg){.ifi_family = AF_UNSPEC, .ifi_index = number}, name);
}

/* Addresses of one device, as requests that add them again. */
struct husk__nl_addresses {
    int32_t device;
    struct husk_text requests; /* struct husk__nl_request, one after the other */
};

static void husk__nl_address(void *ctx, const struct nlmsghdr *answer)
{
    struct husk__nl_addresses *to = ctx;
    const struct ifaddrmsg *old = NLMSG_DATA(answer);
    const char *message = (const char *)answer;
    struct husk__nl_request q;
    struct rtattr a;
    uint32_t flags;

    if (answer->nlmsg_type != RTM_NEWADDR || answer->nlmsg_len < NLMSG_LENGTH(sizeof *old) ||
        (int32_t)old->ifa_index != to->device || old->ifa_scope != RT_SCOPE_UNIVERSE)
        return;
    flags = old->ifa_flags;
    husk__nl_begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, old, sizeof *old);
    for (size_t at = NLMSG_LENGTH(sizeof *old); at + sizeof a <= answer->nlmsg_len; at += RTA_ALIGN(a.rta_len)) {
        memcpy(&a, message + at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > answer->nlmsg_len - at)
            return;
        if (a.rta_type == IFA_FLAGS && a.rta_len == RTA_LENGTH(sizeof flags))
            memcpy(&flags, message + at + RTA_LENGTH(0), sizeof flags);
        /* Not the label, which has the old name in it, nor the age. */
        if (a.rta_type == IFA_ADDRESS || a.rta_type == IFA_LOCAL || a.rta_type == IFA_BROADCAST ||
            a.rta_type == IFA_FLAGS || a.rta_type == IFA_RT_PRIORITY)
            husk__nl_put(&q, a.rta_type, message + at + RTA_LENGTH(0), a.rta_len - RTA_LENGTH(0));
    }
    if (flags & IFA_F_PERMANENT)
        husk_text_add(&to->requests, (const char *)&q, sizeof q);
}

static long husk__nl_list(struct husk_child *c, int fd, struct husk__nl_addresses *to)
{
    const struct ifaddrmsg any = {.ifa_family = AF_UNSPEC};
    struct husk__nl_request q;
    long r = -EAGAIN;

    for (int i = 0; r == -EAGAIN && i < HUSK__DUMPS; i++) {
        to->requests.len = 0;
        husk__nl_begin(&q, RTM_GETADDR, NLM_F_DUMP, &any, sizeof any);
        r = husk__nl_call(fd, c->buffer, &q, husk__nl_address, to);
    }
    return r < 0 ? r : to->requests.arena->failed ? -ENOMEM : 0;
}

/* A device keeps its number unless that is taken in there; then it gets the next free one. */
static long husk__nl_free_number(struct husk_child *c, int to, int32_t number)
{
    long r;

    while ((r = husk__nl_find(c, to, number, NULL)) == number && number < INT32_MAX)
        number++;
    return r == -ENODEV ? number : r < 0 ? r : -ENFILE;
}

/* To the namespace of socket `to` and of process pid: returns the device's number there. The kernel moves before it
 * renames, so a name that is taken there must be seen before. */
static long husk__nl_move(struct husk_child *c, int from, int to, int32_t pid, int32_t number, const char *name)
{
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = number};
    bool template = strchr(name, '%') != NULL;
    struct husk__nl_request q;
    long r = template ? -ENODEV : husk__nl_find(c, to, 0, name);
    int32_t there;

    if (r != -ENODEV)
        return r < 0 ? r : -EEXIST;
    if ((r = husk__nl_free_number(c, to, number)) < 0)
        return r;
    there = (int32_t)r;
    husk__nl_begin(&q, RTM_NEWLINK, 0, &link, sizeof link);
    husk__nl_put(&q, IFLA_NET_NS_PID, &pid, sizeof pid);
    husk__nl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
    if (there != number)
        husk__nl_put(&q, HUSK__IFLA_NEW_IFINDEX, &there, sizeof there);
    if ((r = husk__nl_call(from, c->buffer, &q, NULL, NULL)) < 0)
        return r;
    return template ? husk__nl_find(c, to, there, NULL) : husk__nl_find(c, to, 0, name);
}

static long husk__nl_set_up(struct husk_child *c, int fd, int32_t number, const struct husk_text *requests, bool up)
{
    const struct ifinfomsg link = {.ifi_index = number, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    const uint32_t device = (uint32_t)number;
    struct husk__nl_request q;
    long r = 0;

    for (size_t at = 0; r == 0 && at < requests->len; at += sizeof q) {
        memcpy(&q, requests->data + at, sizeof q);
        memcpy(q.body + offsetof(struct ifaddrmsg, ifa_index), &device, sizeof device);
        r = husk__nl_call(fd, c->buffer, &q, NULL, NULL);
    }
    husk__nl_begin(&q, RTM_NEWLINK, 0, &link, sizeof link);
    return r < 0 || !up ? r : husk__nl_call(fd, c->buffer, &q, NULL, NULL);
}

/* What a device was on the host. */
struct husk__moved {
    struct husk__moved *next;
    const char *name;
    int32_t number; /* in the container */
    bool up;
    struct husk__nl_addresses addresses;
};

static int husk__nl_socket(void)
{
    return (int)husk__sys(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* mtu, hardware address and most else stay with a device that is moved; its addresses do not. */
static long husk__net_move(struct husk_child *c, const struct husk_op_netdev *d, int host, int inside)
{
    struct husk__run *run = husk__run(c);
    const char *new_name = d->new_name ? d->new_name : d->name;
    struct husk__moved *m = husk_arena_alloc(&run->arena, sizeof *m);
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    long r;

    if (strlen(d->name) >= IFNAMSIZ || strlen(new_name) >= IFNAMSIZ || m == NULL)
        return m == NULL ? -ENOMEM : -EINVAL;
    if ((r = husk__nl_look(c, host, &link, d->name)) < 0)
        return r;
    *m = (struct husk__moved){run->moved, d->name, 0, link.ifi_flags & IFF_UP, {(int32_t)r, {.arena = &run->arena}}};
    r = husk__nl_list(c, host, &m->addresses);
    if (r >= 0)
        r = husk__nl_move(c, host, inside, c->pid, link.ifi_index, new_name);
    if (r < 0)
        return r;
    m->number = (int32_t)r;
    run->moved = m;
    return husk__nl_set_up(c, inside, m->number, &m->addresses.requests, true);
}

/* The socket is kept: it keeps the namespace, too, though all in there may die. */
static long husk__parent_netdev(struct husk_child *c, const struct husk_op *op)
{
    struct husk__run *run = husk__run(c);
    struct husk_report rep;
    int inside = -1, host;
    long r = husk__wait_for(run, c->at, &rep, &inside);

    if (r < 0 || inside < 0)
        return r < 0 ? r : -EPROTO;
    husk__close(run->inside);
    run->inside = inside;
    r = host = husk__nl_socket();
    if (r >= 0)
        r = husk__net_move(c, &op->u.netdev, host, inside);
    husk__close(host);
    return r < 0 ? r : husk__tell(run);
}

/* A socket of the child's may have no rights over the host's namespace. One of ours takes its place: a process that
 * shares our descriptors enters the namespace for it. */
static void husk__net_own_socket(int inside)
{
    int ns, fd, pidfd = -1;
    uint64_t mask = husk__set_mask(~UINT64_C(0));
    long pid = husk__clone(CLONE_FILES, -1, &pidfd);

    if (pid == 0) {
        ns = (int)husk__sys(__NR_ioctl, inside, HUSK__SIOCGSKNS);
        fd = ns >= 0 && husk__sys(__NR_setns, ns, CLONE_NEWNET) == 0 ? husk__nl_socket() : -1;
        if (fd >= 0)
            (void)husk__sys(__NR_dup3, fd, inside, O_CLOEXEC);
        husk__close(fd);
        husk__close(ns);
        husk__end(0);
    }
    husk__set_mask(mask);
    while (pid > 0 && waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    husk__close(pidfd);
}

/* The last one first, as far as that works: what made this necessary is the error. Routes are not brought back. */
static void husk__net_give_back(struct husk__run *run)
{
    int host = run->moved ? husk__nl_socket() : -1;
    long r;

    if (host >= 0)
        husk__net_own_socket(run->inside);
    for (const struct husk__moved *m = run->moved; m != NULL && host >= 0; m = m->next) {
        r = husk__nl_move(&run->c, run->inside, host, (int32_t)getpid(), m->number, m->name);
        if (r >= 0)
            (void)husk__nl_set_up(&run->c, host, (int32_t)r, &m->addresses.requests, m->up);
    }
    husk__close(host);
}
#endif
