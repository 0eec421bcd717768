/* The second unit of `units`: it has the data, and a function that is called from the first. */
#include "units.h"

static struct parcel second_parcel = {20, FULL, {1.5, 2.5}, "second", NULL};
struct parcel first_parcel = {10, EMPTY, {0.25, 0.5}, "first", &second_parcel};

NOINLINE int weigh(const struct parcel *parcel, int factor)
{
    int weight = heavier(parcel, 100) * factor;
    if (parcel->kind == FULL)
        weight += heavier(parcel, 1000);
    KEEP_FRAME();
    return weight;
}
