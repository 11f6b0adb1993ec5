/* create.c - the commands that make a container and let it run: create, run, start. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A process that `run` waits for: its signals, streams and status are ours; then the container goes. */
static int stay(struct cli *c, struct husk_container *container, struct husk_launch *l, struct foreground *f,
                struct notify *n)
{
    struct husk_err err;
    int status;

    if (!notify_wait_aside(n, container))
        log_warn("NOTIFY_SOCKET: fork: %s", strerror(errno));
    log_commit();
    status = foreground_wait(f, l->pid, l->console_fd);
    log_lend(false);
    if (!c->keep && husk_container_delete(container, true, &err) != 0) {
        char text[1600];

        error_text(c, &err, text, sizeof text);
        log_warn("delete: %s", text);
    } else if (!c->keep) {
        notify_remove(c, c->args[0]);
    }
    log_commit();
    return status;
}

static int launch(struct cli *c, enum husk_action action)
{
    bool foreground = action == HUSK_RUN && !c->detach;
    struct foreground f = {.host_tty = -1, .signals = -1};
    struct husk_launch l = {.pidfd = -1, .console_fd = -1};
    struct husk_container container;
    struct husk_process process;
    struct husk_spec spec;
    struct husk_host host;
    struct notify notify;
    struct husk_err err;
    int rc;

    container_init(c, &container);
    c->pid_file = absolute(c, c->pid_file);
    c->console_socket = absolute(c, c->console_socket);
    c->pidfd_socket = absolute(c, c->pidfd_socket);
    l.spec = &spec;
    l.host = &host;
    if (husk_id_check(c->args[0], &err) != 0 || protect(c, &err) != 0 ||
        bundle_load(c, &spec, &l.config, &l.config_len, &err) != 0 ||
        request_fill(c, &l.request, &err) != 0 || notify_open(c, &notify, &err) != 0 ||
        terminal_check(c, spec.process && spec.process->terminal, !foreground, &err) != 0)
        return fail(c, &err);
    if (spec.process != NULL) {
        process = *spec.process;
        spec.process = &process;
    }
    if (foreground && spec.process != NULL) {
        if (foreground_prepare(&f, &process, &err) != 0)
            return fail(c, &err);
        if (!c->no_subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
            return failf(c, "become subreaper: %s", strerror(errno));
    }
    log_lend(true);
    l.request.action = action;
    l.request.id = c->args[0];
    rc = husk_host_probe(&host, &c->arena, &err);
    if (rc == 0 && spec.process != NULL)
        rc = notify_mount(c, &notify, &spec, &process, &err);
    if (rc == 0 && action == HUSK_RUN)
        rc = notify_listen(&notify, &err);
    if (rc == 0)
        rc = husk_container_create(&container, &l, &err);
    if (rc != 0) {
        if (notify.made)
            notify_remove(c, c->args[0]);
        return fail(c, &err);
    }
    rc = foreground ? stay(c, &container, &l, &f, &notify) : 0;
    if (!foreground)
        notify_wait(&notify, &container, l.pid);
    notify_close(&notify);
    husk_launch_close(&l);
    husk_container_close(&container);
    return rc;
}

int command_create(struct cli *c)
{
    return launch(c, HUSK_CREATE);
}

int command_run(struct cli *c)
{
    return launch(c, HUSK_RUN);
}

int command_start(struct cli *c)
{
    struct husk_container container;
    struct notify notify;
    struct husk_err err;

    if (container_open_for_hooks(c, &container, &err) != 0 || notify_open(c, &notify, &err) != 0 ||
        notify_listen(&notify, &err) != 0 || husk_container_start(&container, &err) != 0)
        return fail(c, &err);
    notify_wait(&notify, &container, container.state.pid);
    notify_close(&notify);
    husk_container_close(&container);
    return 0;
}
