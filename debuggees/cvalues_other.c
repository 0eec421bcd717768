/* The second unit of `cvalues`: a type of its own under a name that the first one has too, and a static of the same name. */
#include "cvalues.h"

struct point {
    double x, y, z;
};

int other_unit_number = 77;
static int static_counter = 700;

NOINLINE static int step(const struct point *at, int number)
{
    int result = from_header(number) + (int)at->z;
    KEEP_FRAME();
    return result;
}

NOINLINE int of_other_unit(int number)
{
    struct point at = {1.5, 2.5, 3.5};
    static_counter += number;
    int result = step(&at, number) + step(&at, 0);
    KEEP_FRAME();
    return result + static_counter;
}
