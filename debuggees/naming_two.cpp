// The third unit of `naming`: its `Private` is the one that the first unit has a pointer to.
#include "naming.h"

struct Private {
    double fraction;
    char text[16];
};

Private of_two = {2.5, "hello"};
static double raw[2] = {2.5, 0};

Private *shared_private() { return &of_two; }
void *fraction_box() { return raw; }
