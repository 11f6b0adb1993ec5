/* husk/impl/apply_net.h - network devices of the host that become the container's. Part of apply.h's implementation.
 *
 * The parent speaks rtnetlink(7) over two sockets: its own, for the device on the host, and one that the child opened,
 * for the device in the container. It enters no namespace. A device that was moved stays with its namespace, whatever
 * becomes of the container.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_NET_IMPLEMENTED)
#define HUSK_APPLY_NET_IMPLEMENTED

#include "husk/impl/apply_file.h"
#include <linux/rtnetlink.h>
#include <net/if.h>

#define HUSK__IFLA_NEW_IFINDEX 49 /* Linux 5.13; older kernels take no notice of it */
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

static void husk__nl_index(void *ctx, const struct nlmsghdr *answer)
{
    const struct ifinfomsg *link = NLMSG_DATA(answer);

    if (answer->nlmsg_type == RTM_NEWLINK && answer->nlmsg_len >= NLMSG_LENGTH(sizeof *link))
        memcpy(ctx, &link->ifi_index, sizeof link->ifi_index);
}

/* The device of that number, or with 0 of that name: its number, or an errno below 0. */
static long husk__nl_find(struct husk_child *c, int fd, int32_t number, const char *name)
{
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = number};
    struct husk__nl_request q;
    int32_t found = 0;
    long r;

    husk__nl_begin(&q, RTM_GETLINK, 0, &link, sizeof link);
    if (number == 0)
        husk__nl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
    r = husk__nl_call(fd, c->buffer, &q, husk__nl_index, &found);
    return r < 0 ? r : found > 0 ? found : -ENODEV;
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
static long husk__nl_free_number(struct husk_child *c, int inside, int32_t number)
{
    long r;

    while ((r = husk__nl_find(c, inside, number, NULL)) == number && number < INT32_MAX)
        number++;
    return r == -ENODEV ? number : r < 0 ? r : -ENFILE;
}

/* To the child's namespace: returns the device's number there. The kernel moves before it renames, so a name that is
 * taken there must be seen before. */
static long husk__nl_move(struct husk_child *c, int host, int inside, int32_t number, const char *name)
{
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = number};
    bool template = strchr(name, '%') != NULL;
    struct husk__nl_request q;
    long r = template ? -ENODEV : husk__nl_find(c, inside, 0, name);
    int32_t there;

    if (r != -ENODEV)
        return r < 0 ? r : -EEXIST;
    if ((r = husk__nl_free_number(c, inside, number)) < 0)
        return r;
    there = (int32_t)r;
    husk__nl_begin(&q, RTM_NEWLINK, 0, &link, sizeof link);
    husk__nl_put(&q, IFLA_NET_NS_PID, &c->pid, sizeof c->pid);
    husk__nl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
    if (there != number)
        husk__nl_put(&q, HUSK__IFLA_NEW_IFINDEX, &there, sizeof there);
    if ((r = husk__nl_call(host, c->buffer, &q, NULL, NULL)) < 0)
        return r;
    return template ? husk__nl_find(c, inside, there, NULL) : husk__nl_find(c, inside, 0, name);
}

static long husk__nl_set_up(struct husk_child *c, int inside, int32_t number, const struct husk_text *requests)
{
    const struct ifinfomsg up = {.ifi_index = number, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    const uint32_t device = (uint32_t)number;
    struct husk__nl_request q;
    long r = 0;

    for (size_t at = 0; r == 0 && at < requests->len; at += sizeof q) {
        memcpy(&q, requests->data + at, sizeof q);
        memcpy(q.body + offsetof(struct ifaddrmsg, ifa_index), &device, sizeof device);
        r = husk__nl_call(inside, c->buffer, &q, NULL, NULL);
    }
    husk__nl_begin(&q, RTM_NEWLINK, 0, &up, sizeof up);
    return r < 0 ? r : husk__nl_call(inside, c->buffer, &q, NULL, NULL);
}

/* mtu, hardware address and most else stay with a device that is moved; its addresses do not. */
static long husk__parent_netdev(struct husk_child *c, const struct husk_op *op)
{
    const struct husk_op_netdev *d = &op->u.netdev;
    struct husk__nl_addresses addresses = {.requests = {.arena = &husk__run(c)->arena}};
    const char *new_name = d->new_name ? d->new_name : d->name;
    struct husk_report rep;
    int inside = -1, host = -1;
    long r = husk__wait_for(husk__run(c), c->at, &rep, &inside);

    if (r == 0 && inside < 0)
        return -EPROTO;
    if (r == 0 && (strlen(d->name) >= IFNAMSIZ || strlen(new_name) >= IFNAMSIZ))
        r = -EINVAL;
    if (r == 0)
        r = host = (int)husk__sys(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (r >= 0)
        r = addresses.device = (int32_t)husk__nl_find(c, host, 0, d->name);
    if (r >= 0)
        r = husk__nl_list(c, host, &addresses);
    if (r >= 0)
        r = husk__nl_move(c, host, inside, addresses.device, new_name);
    if (r >= 0)
        r = husk__nl_set_up(c, inside, (int32_t)r, &addresses.requests);
    husk__close(inside);
    husk__close(host);
    return r < 0 ? r : husk__tell(husk__run(c));
}
#endif
