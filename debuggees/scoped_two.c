// A unit of `scoped-c`: the `Thing` and the `Common` that the first unit has pointers to.
#include "scoped.h"

struct Thing {
    long number;
    double fraction;
    char name[8];
};
struct Common {
    long number;
    double fraction;
    char name[8];
};

static struct Thing real = {77, 2.5, "real"};
static struct Common rare = {78, 3.5, "rare"};

struct Thing *get_thing(void) { return &real; }
struct Common *get_common(void) { return &rare; }
