/* tty.c - the caller's own terminal: found, set raw, and always set back. */
#include "cli.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static int saved_fd = -1;

int tty_host(void)
{
    static const int order[] = {STDERR_FILENO, STDOUT_FILENO, STDIN_FILENO};

    for (size_t i = 0; i < HUSK_COUNT(order); i++) {
        if (isatty(order[i]))
            return order[i];
    }
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

void tty_restore(void)
{
    if (saved_fd >= 0)
        tcsetattr(saved_fd, TCSADRAIN, &saved);
    saved_fd = -1;
}

/* The container's terminal does all line editing and signal keys; ours only carries bytes. */
bool tty_raw(int fd)
{
    static bool registered;
    struct termios raw;

    if (tcgetattr(fd, &saved) != 0)
        return false;
    if (!registered && atexit(tty_restore) == 0)
        registered = true;
    raw = saved;
    cfmakeraw(&raw);
    saved_fd = fd;
    return tcsetattr(fd, TCSANOW, &raw) == 0;
}

void tty_resize(int host, int console)
{
    struct winsize size;

    if (host >= 0 && console >= 0 && ioctl(host, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col))
        ioctl(console, TIOCSWINSZ, &size);
}
