/* What the two units of `units` share. */
#ifndef FARSIGHT_DEBUGGEE_UNITS_H
#define FARSIGHT_DEBUGGEE_UNITS_H

#include "common.h"

enum kind { EMPTY, FULL = 7 };

struct parcel {
    int weight;
    enum kind kind;
    double size[2];
    const char *label;
    struct parcel *next;
};

extern struct parcel first_parcel;
void stop_here(int number);
int weigh(const struct parcel *parcel, int factor);

static inline __attribute__((always_inline)) int heavier(const struct parcel *parcel, int by)
{
    int heavy = parcel->weight + by;
    __asm__ volatile("" : "+r"(heavy));
    stop_here(heavy);
    return heavy;
}

#endif
