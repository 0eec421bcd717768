// scoped-c
// Shows: enumerators of enumerations without names, and types that other units and modules define: `struct Thing` is another one
// in each of two units and neither in this one, `struct Common` the same in many units but one. Calls
// `stop_here(N)` with N = 1, 2.
// Prints: ready PID, and exits 0.
#include "common.h"
#include "scoped.h"
#include <dlfcn.h>

enum { K1 = 5, K2 };
typedef enum { T1 = 7 } Typed;
struct Within {
    enum { W1 = 9 } within;
};
static enum { V1 = -3 } negative = V1;

volatile int last_stop;

__attribute__((noinline)) void stop_here(int number)
{
    last_stop = number;
    __asm__ volatile("" ::: "memory");
}

int main(void)
{
    enum { L1 = 11 } local = L1;
    Typed typed = T1;
    struct Within within = {W1};
    struct Thing *thing = get_thing();
    struct Common *common = get_common();
    void *library = dlopen("scoped_library.so", RTLD_NOW);
    struct Late *(*late_one)(void) = NULL;
    if (!library)
        return 3;
    *(void **)&late_one = dlsym(library, "late_one");
    struct Late *late = late_one();
    struct Nowhere *nowhere = (struct Nowhere *)late;
    set_up();
    ready();
    int sum = K1 + K2 + local + typed + within.within + negative + use_thing();
    stop_here(1);
    {
        enum { L1 = 12, L2 } inner = L2;
        sum += inner;
        stop_here(2);
    }
    return sum + (thing == 0) + (common == 0) + (nowhere == 0) > 1000;
}
