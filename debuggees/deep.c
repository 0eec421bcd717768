/* deep [DEPTH=50] [MICROSECONDS=1000]
 * Shows: long backtraces. down() calls itself DEPTH times, then leaf() runs in a loop for ever.
 * A backtrace in leaf() is: leaf, down(0), ... down(DEPTH), main, and libc's start code.
 * Prints: ready PID, addresses of leaf and down. */
#include "common.h"

volatile unsigned long leaves;
/* Never set. Without a way out the compiler would know that down() does not return, and end it at the call. */
volatile int finished;
static useconds_t pause_between = 1000;

NOINLINE unsigned long leaf(unsigned long value)
{
    leaves++;
    KEEP_FRAME();
    return value + 1;
}

NOINLINE unsigned long down(long depth)
{
    unsigned long result = 0;
    if (depth > 0) {
        result = down(depth - 1);
        KEEP_FRAME();
        return result + 1;
    }
    while (!finished) {
        result = leaf(result);
        if (pause_between)
            usleep(pause_between);
    }
    return result;
}

int main(int argc, char **argv)
{
    long depth = argument(argc, argv, 1, 50);
    pause_between = (useconds_t)argument(argc, argv, 2, 1000);
    set_up();
    const struct named_address addresses[] = {{"leaf", (void *)leaf}, {"down", (void *)down}};
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    return (int)down(depth);
}
