// A unit of `scoped-c`: the `Thing` that the first unit has no pointer to.
#include "scoped.h"

enum Far { F1 = 50, F2 };
struct Thing {
    int number;
};

static struct Thing own;
static enum Far far = F2;

int use_thing(void) { return own.number + (int)far; }
