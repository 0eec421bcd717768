/* spin [THREADS=1]
 * Shows: break-in to a program that never enters the kernel. Each thread runs a pure loop in spin(), counting in `spins`.
 * Prints: ready PID, address of spins. */
#include "common.h"

volatile unsigned long spins;

NOINLINE void *spin(void *unused)
{
    (void)unused;
    for (;;)
        spins++;
    return NULL;
}

int main(int argc, char **argv)
{
    long threads = argument(argc, argv, 1, 1);
    set_up();
    for (long i = 1; i < threads; i++)
        start_thread(spin, NULL);
    const struct named_address addresses[] = {{"spins", &spins}, {"spin", (void *)spin}};
    ready_with(addresses, 2);
    spin(NULL);
    return 0;
}
