/* counter [THREADS=4] [MICROSECONDS=1000]
 * Shows: attach to threads, a breakpoint that all of them reach, memory shown and changed, and that the
 * program goes on after a detach. THREADS threads call count_step() for ever, with a short sleep between calls.
 * Prints: ready PID, then `address NAME 0xADDRESS` for counter, per_thread, greeting, buffer and count_step. */
#include "common.h"

#define MOST_THREADS 512

volatile unsigned long counter;
volatile unsigned long per_thread[MOST_THREADS];
const char greeting[] = "greetings from read-only memory";
char buffer[64] = "this buffer may be written";
static useconds_t pause_between = 1000;

NOINLINE unsigned long count_step(unsigned long index)
{
    per_thread[index]++;
    return __atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
}

NOINLINE static void *worker(void *argument_of_worker)
{
    unsigned long index = (unsigned long)argument_of_worker;
    for (;;) {
        count_step(index);
        usleep(pause_between);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long threads = argument(argc, argv, 1, 4);
    pause_between = (useconds_t)argument(argc, argv, 2, 1000);
    if (threads < 1 || threads > MOST_THREADS)
        return 2;
    set_up();
    for (long i = 1; i < threads; i++)
        start_thread(worker, (void *)i);
    const struct named_address addresses[] = {
        {"counter", &counter}, {"per_thread", per_thread},           {"greeting", greeting},
        {"buffer", buffer},    {"count_step", (void *)count_step},
    };
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    worker((void *)0);
    return 0;
}
