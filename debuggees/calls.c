/* calls [THREADS=8] [CALLS=1000] [line|variable|now|forever]
 * Shows: that no call is missed by a breakpoint. THREADS threads call counted() CALLS times each; the program's own
 * atomic count is printed as `calls=N` at the end, with exit code 0.
 * Starts at a line (or the end) of standard input, when a debugger sets `go`, or at once. `forever` starts at once and never ends.
 * Prints: ready PID, addresses of total, go and counted; at the end calls=N. */
#include "common.h"

volatile unsigned long total;
volatile int go;
static long calls_each = 1000;
static int endless;

NOINLINE void counted(void)
{
    __atomic_add_fetch(&total, 1, __ATOMIC_SEQ_CST);
}

NOINLINE static void *caller(void *unused)
{
    (void)unused;
    for (long i = 0; endless || i < calls_each; i++)
        counted();
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[256];
    long count = argument(argc, argv, 1, 8);
    calls_each = argument(argc, argv, 2, 1000);
    endless = argument_is(argc, argv, 3, "forever");
    if (count < 1 || count > 256)
        return 2;
    set_up();
    const struct named_address addresses[] = {
        {"total", &total}, {"go", &go}, {"counted", (void *)counted}};
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    if (argument_is(argc, argv, 3, "variable")) {
        while (!go)
            usleep(1000);
    } else if (argc <= 3 || argument_is(argc, argv, 3, "line")) {
        wait_for_line();
    }
    for (long i = 0; i < count; i++)
        threads[i] = start_thread(caller, NULL);
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    printf("calls=%lu\n", total);
    fflush(stdout);
    return 0;
}
