/* many [MICROSECONDS=1000]
 * Shows: many breakpoints at once. 1024 functions, place_000 to place_3ff; main calls them in turn for ever, one each
 * MICROSECONDS. Prints: ready PID, address of calls. */
#include "common.h"

volatile unsigned long calls;

#define ONE(n) NOINLINE void place_##n(void) { calls++; }
#define SIXTEEN(n) \
    ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) \
    ONE(n##8) ONE(n##9) ONE(n##a) ONE(n##b) ONE(n##c) ONE(n##d) ONE(n##e) ONE(n##f)
#define ROW(n) \
    SIXTEEN(n##0) SIXTEEN(n##1) SIXTEEN(n##2) SIXTEEN(n##3) SIXTEEN(n##4) SIXTEEN(n##5) SIXTEEN(n##6) SIXTEEN(n##7) \
    SIXTEEN(n##8) SIXTEEN(n##9) SIXTEEN(n##a) SIXTEEN(n##b) SIXTEEN(n##c) SIXTEEN(n##d) SIXTEEN(n##e) SIXTEEN(n##f)
ROW(0)
ROW(1)
ROW(2)
ROW(3)

#undef ONE
#define ONE(n) place_##n,
static void (*const places[])(void) = {ROW(0) ROW(1) ROW(2) ROW(3)};

int main(int argc, char **argv)
{
    useconds_t pause_between = (useconds_t)argument(argc, argv, 1, 1000);
    set_up();
    const struct named_address addresses[] = {{"calls", &calls}};
    ready_with(addresses, 1);
    for (size_t i = 0;; i = (i + 1) % (sizeof places / sizeof *places)) {
        places[i]();
        if (pause_between)
            usleep(pause_between);
    }
}
