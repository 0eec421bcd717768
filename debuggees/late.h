/* What `late` and its library share: a function whose lines are in both. */
#ifndef FARSIGHT_DEBUGGEE_LATE_H
#define FARSIGHT_DEBUGGEE_LATE_H

static inline int late_twice(int number)
{
    int doubled = number * 2;
    return doubled;
}

#endif
