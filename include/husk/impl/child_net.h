/* husk/impl/child_net.h - the child's half of moving network devices. Part of child.h's implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_NET_IMPLEMENTED)
#define HUSK_CHILD_NET_IMPLEMENTED

#include "husk/impl/child_file.h"
#include <linux/netlink.h>

static long husk__await(const struct husk_child *c);

/* A socket stays in the network namespace where it was opened: with one of ours the parent sets up the device in here
 * without ever being here itself. What follows may need the device, so wait for it. */
static long husk__child_netdev(struct husk_child *c, const struct husk_op *op)
{
    struct husk_report rep = {c->at, 0, 0};
    long r, fd = husk__sys(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    (void)op;
    if (fd < 0)
        return fd;
    r = husk__send_fd(c->channel, &rep, sizeof rep, (int)fd);
    husk__close((int)fd);
    return r ? r : husk__await(c);
}
#endif
