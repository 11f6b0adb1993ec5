/* Many containers at once from a program with many threads, which meanwhile allocate, take locks and handle
 * signals. */
#include "kit.h"
#include <pthread.h>
#include <signal.h>

#define THREADS 4
#define ROUNDS 8

static struct kit kits[THREADS];
static volatile bool stop;
static volatile sig_atomic_t handled;

static void on_signal(int signo)
{
    (void)signo;
    handled = handled + 1;
}

/* What makes a fork of a threaded program dangerous: locks of the allocator held all the time. */
static void *noise(void *unused)
{
    (void)unused;
    while (!stop) {
        void *p[64];
        for (size_t i = 0; i < HUSK_COUNT(p); i++)
            p[i] = malloc(100 * i + 1);
        for (size_t i = 0; i < HUSK_COUNT(p); i++)
            free(p[i]);
        kill(getpid(), SIGUSR1);
        usleep(500);
    }
    return NULL;
}

struct result {
    const struct husk_plan *plan;
    int good, want;
    struct husk_err err;
};

static void *run_some(void *arg)
{
    struct result *r = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct husk_apply a = {.plan = r->plan, .state_fd = -1, .target_fd = -1, .undo_fd = -1};
        int status = 0;
        if (husk_apply(&a, &r->err))
            return NULL;
        while (waitpid(a.pid, &status, 0) < 0 && errno == EINTR)
            ;
        husk_apply_fini(&a);
        r->good += WIFEXITED(status) && WEXITSTATUS(status) == r->want;
    }
    return NULL;
}

/* A container that waits at the gate keeps nothing of the others open: their ends are seen. */
static int32_t wait_at_gate(struct kit *k)
{
    struct husk_apply a = {.plan = &k->plan, .target_fd = -1, .undo_fd = -1};

    kit_init(k, "create");
    kit_op(k, "parent socket slot=@gate path=@state:gate listen");
    kit_op(k, "both spawn flags=mount|pid");
    kit_add_root(k);
    kit_add_process(k, 0, false);
    kit_op(k, "child fds");
    kit_op(k, "both sync from=child name=ready");
    kit_op(k, "both gate");
    kit_add_exec(k, "true");
    if (!kit_parse(k))
        return -1;
    a.state_fd = open(k->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (husk_apply(&a, &k->err))
        tap_ok(false, "create: %s", k->err.msg);
    husk_apply_fini(&a);
    close(a.state_fd);
    return a.pid;
}

int main(void)
{
    static struct result results[THREADS];
    struct kit_sight before, after;
    pthread_t threads[THREADS], noisy;
    struct kit waiting;
    int32_t pid;

    if (!kit_begin())
        return 0;
    signal(SIGUSR1, on_signal);
    kit_look(&before);
    alarm(100);
    pid = wait_at_gate(&waiting);
    for (int i = 0; i < THREADS; i++) {
        kit_init(&kits[i], "run");
        kit_op(&kits[i], "both spawn flags=mount|pid|uts");
        kit_add_root(&kits[i]);
        kit_add_process(&kits[i], 0, false);
        kit_op(&kits[i], "child fds");
        kit_op(&kits[i], "both sync from=child name=ready");
        kit_add_exec(&kits[i], kit_str("exit $(($$ + %d))", i));
        if (!kit_parse(&kits[i]))
            return tap_done();
        results[i] = (struct result){.plan = &kits[i].plan, .want = i + 1};
    }
    pthread_create(&noisy, NULL, noise, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run_some, &results[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        tap_ok(results[i].good == ROUNDS, "thread %d: %d of %d containers%s%s", i, results[i].good, ROUNDS,
               results[i].good == ROUNDS ? "" : ": ", results[i].err.msg);
    }
    stop = true;
    pthread_join(noisy, NULL);
    tap_ok(handled > 0, "signals were handled meanwhile");
    tap_ok(pid > 0 && kill(pid, 0) == 0, "the one at the gate still waits");
    if (pid > 0)
        kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < THREADS; i++)
        kit_fini(&kits[i]);
    kit_fini(&waiting);
    kit_look(&after);
    tap_same(after.fds, before.fds, "no descriptor is left");
    tap_same(after.mounts, before.mounts, "no mount is left");
    tap_ok(waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD, "no process is left");
    return tap_done();
}
