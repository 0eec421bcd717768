/* threads [COUNT=200] [DEPTH=10]     COUNT threads wait for ever at the end of DEPTH calls of descend()
 * threads churn [ALIVE=8]            threads are born and end continually, about ALIVE at a time; `born` and `ended` count
 * Shows: many threads listed and walked in few requests; threads that come and go under a debugger.
 * Prints: ready PID once all threads wait (or the churn runs), addresses of born and ended. */
#include "common.h"

volatile unsigned long born;
volatile unsigned long ended;
static pthread_barrier_t all_waiting;
static long depth_of_threads = 10;
/* Never set. Without a way out the compiler would know that descend() does not return, and end it at the call. */
volatile int finished;

NOINLINE void wait_at_bottom(void)
{
    pthread_barrier_wait(&all_waiting);
    while (!finished)
        pause();
}

NOINLINE void descend(long depth)
{
    if (depth > 0)
        descend(depth - 1);
    else
        wait_at_bottom();
    KEEP_FRAME();
}

NOINLINE static void *waiter(void *unused)
{
    (void)unused;
    __atomic_add_fetch(&born, 1, __ATOMIC_SEQ_CST);
    descend(depth_of_threads);
    return NULL;
}

NOINLINE void *short_life(void *unused)
{
    (void)unused;
    __atomic_add_fetch(&born, 1, __ATOMIC_SEQ_CST);
    usleep(200);
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void churn(long alive)
{
    pthread_t *threads = calloc((size_t)alive, sizeof *threads);
    for (long i = 0; i < alive; i++)
        threads[i] = start_thread(short_life, NULL);
    for (long i = 0;; i = (i + 1) % alive) {
        pthread_join(threads[i], NULL);
        threads[i] = start_thread(short_life, NULL);
    }
}

int main(int argc, char **argv)
{
    const struct named_address addresses[] = {{"born", &born}, {"ended", &ended}};
    pthread_attr_t attributes;
    set_up();
    if (argument_is(argc, argv, 1, "churn")) {
        long alive = argument(argc, argv, 2, 8);
        if (alive < 1)
            return 2;
        ready_with(addresses, 2);
        churn(alive);
    }
    long count = argument(argc, argv, 1, 200);
    depth_of_threads = argument(argc, argv, 2, 10);
    pthread_barrier_init(&all_waiting, NULL, (unsigned)count + 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, waiter, NULL) != 0)
            return 3;
    }
    pthread_barrier_wait(&all_waiting);
    ready_with(addresses, 2);
    for (;;)
        pause();
}
