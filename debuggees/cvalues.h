/* What the two units of `cvalues` share; a unit of a header's own code is inlined into both. */
#ifndef FARSIGHT_DEBUGGEE_CVALUES_H
#define FARSIGHT_DEBUGGEE_CVALUES_H

#include "common.h"

void stop_here(int number);
int of_other_unit(int number);

/* Inlined from a file that is not the unit's. */
static inline __attribute__((always_inline)) int from_header(int number)
{
    int doubled = number * 2;
    __asm__ volatile("" : "+r"(doubled));
    stop_here(19 + (number == 0));
    return doubled + number;
}

#endif
