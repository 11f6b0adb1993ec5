/* create and start as two processes, terminals, sockets, descriptors that are passed on. */
#include "kit.h"
#include <sys/ioctl.h>

/* Up to the gate, and after it. */
static void make_create(struct kit *k, const char *hook, const char *name, const char *script)
{
    kit_init(k, "create");
    kit_op(k, "parent memfd slot=@hook-start");
    kit_op(k, "parent socket slot=@gate path=@state:gate listen undo");
    kit_add_spawn(k, "mount|pid|uts");
    kit_add_root(k);
    kit_add_process(k, 0, false);
    if (name != NULL)
        kit_op(k, "child lookup name=%s candidates=[`%s`]", name, name);
    kit_op(k, "child fds");
    kit_op(k, "both sync from=child name=ready");
    kit_op(k, "parent record status=created");
    kit_op(k, "parent fill slot=@hook-start head=at: tail=`` in_container");
    kit_op(k, "both sync from=parent name=filled");
    kit_op(k, "both gate");
    kit_op(k,
           "child hook kind=startContainer path=/bin/sh argv=[`sh`,`-c`,`%s`] envp=[`PATH=/bin`] "
           "why=/hooks/startContainer/0",
           hook);
    kit_add_exec(k, script);
    kit_op(k, "parent record status=running");
    kit_op(k, "parent memfd slot=@hook-state");
    kit_op(k, "parent fill slot=@hook-state head=pid= tail=`\\n`");
    kit_op(k,
           "parent hook kind=poststart path=/bin/sh argv=[`sh`,`-c`,`cat > %s/poststart`] envp=[`PATH=/bin`] "
           "why=/hooks/poststart/0",
           kit_work);
}

/* create in a process that ends, as the command does: the container becomes our child (subreaper). False: it
 * failed. */
static bool create_elsewhere(struct kit *k)
{
    int pair[2], status;
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC) || fflush(stdout))
        abort();
    if (!kit_parse(k))
        return false;
    pid = fork();
    if (pid == 0) {
        kit_apply(k, false);
        if (write(pair[1], k, sizeof *k) != (ssize_t)sizeof *k)
            _exit(2);
        _exit(k->code != 0);
    }
    close(pair[1]);
    for (size_t have = 0; have < sizeof *k;) {
        static struct kit copy;
        ssize_t n = read(pair[0], (char *)&copy + have, sizeof copy - have);
        if (n <= 0)
            break;
        have += (size_t)n;
        if (have == sizeof copy) { /* the results; what points into the other's memory stays ours */
            k->code = copy.code;
            k->err = copy.err;
            k->pid = copy.pid;
            memcpy(k->recorded, copy.recorded, sizeof k->recorded);
            memcpy(k->undo, copy.undo, sizeof k->undo);
        }
    }
    close(pair[0]);
    waitpid(pid, &status, 0);
    return k->code == 0;
}

static bool alive(pid_t pid)
{
    char state;

    return sscanf(kit_read(kit_str("/proc/%d/stat", (int)pid)), "%*d (%*[^)]) %c", &state) == 1 &&
           state != 'Z';
}

static void finish(struct kit *k, const struct kit_sight *before, const char *name)
{
    struct husk_err err;

    if (k->pid > 0)
        kill(k->pid, SIGKILL);
    while (waitpid(-1, &k->status, __WALL) > 0 || errno == EINTR)
        ;
    tap_ok(husk_undo(k->undo, strlen(k->undo), &err) == 0, "%s: the log can be undone", name);
    tap_same(kit_left(k, before), "", name);
    kit_fini(k);
}

static void test_two_processes(void)
{
    struct kit k;
    struct kit_sight before;
    struct stat st;
    int32_t pid;

    kit_look(&before);
    make_create(&k, "cat > /dev/hooked; echo $$ >> /dev/hooked", NULL,
                "echo 1 > /dev/ran; cat /dev/hooked > /dev/copy; exec sleep 20");
    if (!tap_ok(create_elsewhere(&k), "create: %s", k.code ? k.err.msg : "up to the gate"))
        return;
    pid = k.pid;
    tap_same(k.recorded, "created ", "create records its state");
    tap_ok(alive(pid), "the container waits after its creator ended");
    tap_ok(stat(kit_str("%s/gate", k.state), &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600,
           "the gate is a private socket");
    tap_ok(access(kit_str("/proc/%d/root/dev/ran", (int)pid), F_OK) != 0, "the program has not run");
    kit_apply(&k, true);
    tap_ok(k.code == 0, "start%s%s", k.code ? ": " : "", k.code ? k.err.msg : "");
    tap_equal(k.pid, pid, "the pid stays");
    tap_same(strstr(k.recorded, " ") ? strstr(k.recorded, " ") + 1 : "", "running ",
             "start records its state");
    tap_ok(access(kit_str("%s/gate", k.state), F_OK) != 0, "the gate is gone");
    for (int i = 0; i < 200 && kit_read(kit_str("/proc/%d/root/dev/copy", (int)pid))[0] == '\0'; i++)
        usleep(10000);
    tap_ok(strncmp(kit_read(kit_str("/proc/%d/root/dev/copy", (int)pid)), "at:1", 4) == 0,
           "startContainer ran in the container, before the program");
    tap_same(kit_read(kit_str("%s/poststart", kit_work)), kit_str("pid=%d\n", (int)pid),
             "poststart ran in start");
    tap_ok(alive(pid), "the program runs");
    kit_apply(&k, true);
    tap_ok(k.code == HUSK_ESTATE && k.err.diag == HUSK_DIAG_WRONG_STATE, "a second start: %s", k.err.msg);
    tap_ok(alive(pid), "does it no harm");
    k.pid = pid;
    finish(&k, &before, "after a start");
}

static void test_start_fails(void)
{
    struct kit k;
    struct kit_sight before;
    int32_t pid;

    kit_look(&before);
    make_create(&k, "echo sorry >&2; exit 5", NULL, "true");
    tap_ok(create_elsewhere(&k), "create");
    kit_apply(&k, true);
    tap_same(k.err.msg, "error running startContainer hook #0: exit status 5, stdout: , stderr: sorry\n",
             "a startContainer hook that fails");
    tap_ok(k.code == HUSK_ESYS && k.err.diag == HUSK_DIAG_HOOK_FAILED, "its code");
    finish(&k, &before, "after a failed hook");

    make_create(&k, "true", "/noformat", "true");
    kit_write(kit_str("%s/noformat", k.root), "x", 0755);
    tap_ok(create_elsewhere(&k), "create");
    kit_apply(&k, true);
    tap_same(k.err.msg, "exec sh: exec format error", "a program that cannot be executed");
    finish(&k, &before, "after a failed exec");

    make_create(&k, "true", NULL, "true");
    tap_ok(create_elsewhere(&k), "create");
    pid = k.pid;
    if (pid > 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    kit_apply(&k, true);
    tap_ok(k.code == HUSK_ESTATE && k.err.diag == HUSK_DIAG_CHILD_DIED, "start of one that ended: %s",
           k.err.msg);
    k.pid = 0;
    finish(&k, &before, "after its end");

    make_create(&k, "true", NULL, "true");
    tap_ok(create_elsewhere(&k), "create");
    k.fail_op = k.n - 4; /* running cannot be recorded */
    k.fail_errno = EIO;
    pid = k.pid;
    kit_apply(&k, true);
    tap_ok(k.code == HUSK_ESYS && k.err.op == k.fail_op, "start fails in the parent: %s", k.err.msg);
    k.pid = pid;
    finish(&k, &before, "and the container is killed");
}

/* How many descriptors above the streams a process has; *foreign when one is neither a socket nor a hook's
 * state. */
static int descriptors(pid_t pid, bool *foreign)
{
    char fd[64], to[256];
    int n = 0;

    *foreign = false;
    for (int i = 3; i < 200; i++) {
        ssize_t len;
        snprintf(fd, sizeof fd, "/proc/%d/fd/%d", (int)pid, i);
        if ((len = readlink(fd, to, sizeof to - 1)) < 0)
            continue;
        to[len] = '\0';
        n++;
        *foreign = *foreign || (strncmp(to, "socket:", 7) != 0 && strncmp(to, "/memfd:husk", 11) != 0);
    }
    return n;
}

static void test_waiting_is_clean(void)
{
    struct kit k;
    struct kit_sight before;
    int extra = open("/etc/passwd", O_RDONLY), n = 0; /* a careless caller: not close-on-exec */
    bool foreign = true;

    kit_look(&before);
    make_create(&k, "true", NULL, "sleep 20");
    tap_ok(create_elsewhere(&k), "create");
    for (int i = 0; i < 100 && ((n = descriptors(k.pid, &foreign)) != 2 || foreign); i++)
        usleep(10000); /* create returns a moment before the child is at the gate */
    tap_ok(!foreign && n == 2, "a waiting container holds the gate and the hooks' state only: %d descriptors",
           n);
    finish(&k, &before, "after waiting");
    close(extra);
}

/* Reads until the text holds what is waited for, the end, or 5 seconds without anything. */
static void read_until(int fd, char *text, size_t size, const char *wanted)
{
    struct pollfd p = {fd, POLLIN, 0};
    size_t have = strlen(text);
    ssize_t n;

    while (strstr(text, wanted) == NULL && have < size - 1 && poll(&p, 1, 5000) > 0 &&
           (n = read(fd, text + have, size - 1 - have)) > 0) {
        have += (size_t)n;
        text[have] = '\0';
    }
}

static void test_terminal(void)
{
    struct kit k;
    struct kit_sight before;
    char text[1024] = "";

    kit_look(&before);
    kit_init(&k, "run");
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    kit_op(&k, "child pty rows=33 cols=77 uid=1000");
    kit_op(&k, "child mount source=@tty target=@rootfs:dev/console flags=bind create=file");
    kit_add_process(&k, 1000, true);
    kit_op(&k, "both give slot=@console");
    kit_op(&k, "child fds");
    kit_op(&k, "both sync from=child name=ready");
    kit_add_exec(&k, "tty; stty size; ls -l /dev/console | cut -c1-10; stat -c %u /dev/pts/0; read line; "
                     "echo got $line; ls -1 /proc/$$/fd");
    if (!kit_run(&k) ||
        !tap_ok(k.code == 0 && k.console >= 0, "a terminal: %s", k.code ? k.err.msg : "its console is ours"))
        return;
    read_until(k.console, text, sizeof text, "1000\r\n");
    tap_same(text, "/dev/pts/0\r\n33 77\r\ncrw--w----\r\n1000\r\n", "name, size, /dev/console, owner");
    tap_ok(write(k.console, "hello\n", 6) == 6, "can be written");
    read_until(k.console, text, sizeof text, "\r\n2\r\n");
    read_until(k.console, text, sizeof text, "the end");
    tap_ok(strstr(text, "got hello\r\n") != NULL, "input arrives");
    tap_ok(strstr(text, "got hello\r\n0\r\n1\r\n2\r\n") != NULL && strstr(text, "\r\n3\r\n") == NULL,
           "nothing else is open");
    close(k.console);
    k.console = -1;
    finish(&k, &before, "after a terminal");
}

/* The descriptor that came over the socket, or -1; with the message's text. */
static int receive(int listener, char *text, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {text, size - 1};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC), fd = -1;
    ssize_t n = recvmsg(s, &m, MSG_CMSG_CLOEXEC);

    text[n < 0 ? 0 : n] = '\0';
    if (m.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    tap_ok(read(s, text + size - 1, 0) == 0, "the sender closed its socket");
    close(s);
    return fd;
}

static void test_sockets(void)
{
    struct kit k;
    struct kit_sight before;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[64], long_dir[200];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

    snprintf(long_dir, sizeof long_dir, "%s/", kit_work);
    memset(long_dir + strlen(long_dir), 'd', 120);
    mkdir(long_dir, 0755);
    if (chdir(long_dir) || strcpy(a.sun_path, "s") == NULL ||
        bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 4) || chdir("/"))
        perror("socket");
    kit_look(&before);
    kit_init(&k, "run");
    kit_op(&k, "parent socket slot=@console-socket path=%s/s", long_dir);
    kit_op(&k, "parent socket slot=@pidfd-socket path=%s/s", long_dir);
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    kit_op(&k, "child pty uid=0");
    kit_add_process(&k, 0, true);
    kit_op(&k, "both give slot=@console");
    kit_op(&k, "parent send socket=@console-socket slot=@console data=/dev/ptmx");
    kit_op(&k, "child fds");
    kit_op(&k, "both sync from=child name=ready");
    kit_op(&k, "parent send socket=@pidfd-socket slot=@pidfd data=standard");
    kit_add_exec(&k, "sleep 0.2; exit 9");
    kit_run(&k);
    tap_ok(k.code == 0 && k.console < 0, "a console that is sent away: %s",
           k.code ? k.err.msg : "over a path longer than sun_path");
    fd = receive(listener, text, sizeof text);
    tap_ok(fd >= 0 && isatty(fd) && strcmp(text, "/dev/ptmx") == 0, "the console arrives: %s", text);
    close(fd);
    fd = receive(listener, text, sizeof text);
    tap_ok(fd >= 0 && strcmp(text, "standard") == 0, "the pidfd arrives: %s", text);
    close(fd);
    finish(&k, &before, "after sockets");
    close(listener);
}

static void test_preserved(void)
{
    struct kit k;
    struct kit_sight before;
    int a = open(kit_str("%s/kept", kit_work), O_RDWR | O_CREAT, 0644), free_fd;

    free_fd = fcntl(kit_home, F_DUPFD_CLOEXEC, 10);
    close(kit_home);
    kit_home = free_fd; /* so that 3 to 5 are ours to give */
    dup2(a, 9);
    close(a);
    close(3), close(4), close(5);
    dup2(9, 3), dup2(9, 4), dup2(9, 5);
    close(9);
    kit_look(&before);
    kit_init(&k, "run");
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    kit_add_process(&k, 0, false);
    kit_op(&k, "child fds preserve=2");
    kit_add_exec(&k, "ls /proc/$$/fd; echo kept >&4");
    kit_run(&k);
    tap_same(k.output, "0\n1\n2\n3\n4\n", "two descriptors are passed on, the third is not");
    tap_same(kit_read(kit_str("%s/kept", kit_work)), "kept\n", "and are the caller's");
    tap_same(kit_left(&k, &before), "", "nothing is left");
    kit_fini(&k);
    close(4);
    kit_look(&before);
    kit_init(&k, "run");
    kit_add_spawn(&k, "mount|pid");
    kit_add_root(&k);
    kit_add_process(&k, 0, false);
    kit_op(&k, "child fds preserve=2");
    kit_add_exec(&k, "true");
    kit_run(&k);
    tap_ok(k.code == HUSK_ESYS && k.err.sys == EBADF, "one that is missing is an error: %s", k.err.msg);
    tap_same(kit_left(&k, &before), "", "nothing is left");
    kit_fini(&k);
}

int main(void)
{
    if (!kit_begin())
        return 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    test_two_processes();
    test_start_fails();
    test_waiting_is_clean();
    test_terminal();
    test_sockets();
    test_preserved();
    return tap_done();
}
