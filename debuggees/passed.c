/* passed
 * Shows: what optimised functions were called with, and what is left of variables that nobody keeps. Calls
 * `stop_here(N)` with N = 1, 2, ...: 1 in a function that was called once; 2 in one that came back to its place on the
 * stack by tail calls, with other arguments; 3 in one whose tail calls lead nowhere near it; 4 where a floating-point
 * variable is only computed from a number by the debugger; 5 where a variable lives in a register.
 * Prints: ready PID, then `sum=N`, and exits 0. */
#include "common.h"

volatile int last_stop, sink;

/* Nothing that calls it may rely on what is in the registers of arguments afterwards. */
NOINLINE void stop_here(int number)
{
    last_stop = number;
    __asm__ volatile("" ::: "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
}

/* Makes the compiler keep what it could compute. */
#define OPAQUE(number) __asm__ volatile("" : "+r"(number))

NOINLINE int called_once(int given)
{
    sink = given;
    stop_here(1);
    return sink;
}

NOINLINE int pong(int rounds, int given);

NOINLINE int ping(int rounds, int given)
{
    sink = given;
    if (rounds > 0)
        return pong(rounds, given + 100);
    stop_here(2);
    return sink;
}

NOINLINE int pong(int rounds, int given)
{
    sink = given;
    return ping(rounds - 1, given + 1000);
}

NOINLINE int end_of_way(int given)
{
    sink += given;
    return sink;
}

NOINLINE int goes_away(int given)
{
    sink = given;
    stop_here(3);
    return end_of_way(sink);
}

NOINLINE int typed(int number)
{
    double half = number * 0.5;
    float third = (float)number / 4;
    stop_here(4);
    OPAQUE(number);
    (void)half;
    (void)third;
    return number;
}

NOINLINE int in_register(int start)
{
    long kept = start * 3L;
    OPAQUE(kept);
    stop_here(5);
    OPAQUE(kept);
    return (int)kept;
}

int main(void)
{
    set_up();
    ready();
    int sum = called_once(11);
    sum += ping(2, 22);
    sum += goes_away(33);
    sum += typed(45);
    sum += in_register(7);
    printf("sum=%d\n", sum);
    return 0;
}
