/* foreground.c - stay with a process: forward signals, relay its terminal, reap, return its status.
 *
 * Without a terminal the process has inherited our streams, and nothing is copied. With one, two bounded
 * buffers: each is refilled only when it has been written out, so a slow reader slows the program down
 * instead of growing us.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct buffer {
    char data[16384];
    size_t at, end;
};
struct relay {
    struct foreground *f;
    struct buffer in, out; /* towards the process, from it */
    int console;
    int32_t pid;
    int status; /* exit status, -1: still running */
    bool in_ended, out_broken, hung_up;
};

/* Signals that come while the process is made are kept for it: they are meant for the container. */
static const int early[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
static volatile sig_atomic_t early_seen[HUSK_COUNT(early)];

static void remember(int signo)
{
    for (size_t i = 0; i < HUSK_COUNT(early); i++) {
        if (early[i] == signo)
            early_seen[i] = 1;
    }
}

int foreground_prepare(struct foreground *f, struct husk_process *process, struct husk_err *err)
{
    struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART};
    struct winsize size;
    sigset_t all;

    sigfillset(&all);
    f->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK); /* without it we could not wait */
    if (f->signals < 0)
        return husk_fail(err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, errno, NULL, "signalfd: %s",
                         strerror(errno));
    for (size_t i = 0; i < HUSK_COUNT(early); i++)
        sigaction(early[i], &action, NULL);
    f->host_tty = -1;
    if (!process->terminal)
        return 0;
    f->host_tty = tty_host();
    if (f->host_tty < 0)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, errno, "/process/terminal", "open /dev/tty: %s",
                         strerror(errno));
    /* Set before the program runs, so that it never sees another size. */
    if (!process->console_size.set && ioctl(f->host_tty, TIOCGWINSZ, &size) == 0 && size.ws_row &&
        size.ws_col) {
        process->console_size.set = true;
        process->console_size.height = size.ws_row;
        process->console_size.width = size.ws_col;
    }
    return 0;
}

/* Orphans of the container become our children; they are reaped, too. */
static void reap(struct relay *r)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == r->pid)
            r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

static void take_signals(struct relay *r)
{
    struct signalfd_siginfo info;

    while (read(r->f->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        int signo = (int)info.ssi_signo;

        if (signo == SIGCHLD)
            reap(r);
        else if (signo == SIGWINCH)
            tty_resize(r->f->host_tty, r->console);
        else if (signo != SIGURG && !(signo == SIGPIPE && info.ssi_pid == (uint32_t)getpid()) &&
                 r->status < 0)
            kill(r->pid, signo); /* our child, not reaped yet: the pid is its own */
    }
}

/* Returns false when there will never be more. */
static bool fill(struct buffer *b, int fd)
{
    ssize_t n = read(fd, b->data, sizeof b->data);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    b->at = 0;
    b->end = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool drain(struct buffer *b, int fd, size_t most)
{
    size_t len = b->end - b->at;
    ssize_t n = write(fd, b->data + b->at, len < most ? len : most);

    if (n > 0)
        b->at += (size_t)n;
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static void relay_once(struct relay *r)
{
    bool in_full = r->in.at < r->in.end, out_full = r->out.at < r->out.end;
    short console = (short)((in_full ? POLLOUT : 0) | (out_full ? 0 : POLLIN));
    struct pollfd p[4] = {
        {.fd = r->f->signals, .events = POLLIN},
        {.fd = r->console < 0 || in_full || r->in_ended ? -1 : STDIN_FILENO, .events = POLLIN},
        {.fd = r->hung_up || console == 0 ? -1 : r->console, .events = console},
        {.fd = out_full ? STDOUT_FILENO : -1, .events = POLLOUT},
    };

    /* A terminal that nobody has open reports that all the time; it may be opened again. */
    if (poll(p, HUSK_COUNT(p), r->hung_up ? 100 : -1) < 0)
        return;
    r->hung_up = false;
    if (p[0].revents)
        take_signals(r);
    if (p[1].revents && !fill(&r->in, STDIN_FILENO))
        r->in_ended = true;
    if (p[2].revents & POLLOUT && !drain(&r->in, r->console, sizeof r->in.data))
        r->in.at = r->in.end; /* nobody to read it */
    if (p[2].revents & (POLLIN | POLLHUP | POLLERR) && !out_full && !fill(&r->out, r->console))
        r->hung_up = true;
    else if (p[2].revents & POLLHUP && out_full)
        r->hung_up = true;
    /* No more than a pipe takes at once: our stdout is shared with others and must stay blocking. */
    if (p[3].revents && (r->out_broken || !drain(&r->out, STDOUT_FILENO, 4096))) {
        r->out_broken = true;
        r->out.at = r->out.end;
    }
}

/* The process has ended: what it wrote is still in the terminal. poll(2) flushes it into sight. */
static void relay_rest(struct relay *r)
{
    struct pollfd p = {.fd = r->console, .events = POLLIN};

    for (;;) {
        while (r->out.at < r->out.end && !r->out_broken)
            r->out_broken = !drain(&r->out, STDOUT_FILENO, sizeof r->out.data);
        if (r->out_broken || poll(&p, 1, 0) <= 0 || !fill(&r->out, r->console) || r->out.end == 0)
            return;
    }
}

int foreground_wait(struct foreground *f, int32_t pid, int console_fd)
{
    static struct relay r;
    sigset_t all;

    memset(&r, 0, sizeof r);
    r.f = f;
    r.console = console_fd;
    r.pid = pid;
    r.status = -1;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (console_fd >= 0) {
        fcntl(console_fd, F_SETFL, fcntl(console_fd, F_GETFL) | O_NONBLOCK);
        if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO))
            tty_raw(f->host_tty);
    }
    for (size_t i = 0; i < HUSK_COUNT(early); i++) {
        if (early_seen[i])
            kill(pid, early[i]);
    }
    reap(&r); /* it may have ended before SIGCHLD was watched */
    while (r.status < 0)
        relay_once(&r);
    if (console_fd >= 0)
        relay_rest(&r);
    tty_restore();
    close(f->signals);
    return r.status;
}
