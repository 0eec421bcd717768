// The shared object that `scoped-c` loads: it alone defines `struct Late`.
#include "scoped.h"

struct Late {
    int id;
    const char *name;
};

static int only_there = 5;
static struct Late one = {7, "late"};

struct Late *late_one(void)
{
    one.id = only_there + 2;
    return &one;
}
