/* units
 * Shows: the same small program of two units under every form of debug information: DWARF 4 and 5, compressed, split, packed,
 * shared by dwz, separate, reduced to `.gnu_debugdata`, and as a relocatable object.
 * Prints: ready PID, then `sum=N`, and exits 0. */
#include "units.h"

volatile int last_stop;
static int rounds = 2;

NOINLINE void stop_here(int number)
{
    last_stop = number;
    KEEP_FRAME();
}

NOINLINE int carry(const struct parcel *parcel, int factor)
{
    int carried = weigh(parcel, factor) + rounds;
    KEEP_FRAME();
    return carried;
}

int main(void)
{
    int sum = 0;
    set_up();
    ready();
    for (const struct parcel *parcel = &first_parcel; parcel; parcel = parcel->next)
        sum += carry(parcel, rounds++);
    printf("sum=%d\n", sum);
    return 0;
}
