// naming
// Shows: what is told apart by more than its name. Scopes whose names end in digits and ones without a name; types of one
// name that are different in each unit, and instances of a template that this unit only declares; a function that begins
// with another one's code when both are inlined.
// Prints: `sum=N`, and exits 0.
#include "naming.h"
#include <cstdio>

template <typename Item> struct Box;
struct Private;

struct Vector3 {
    int x;
    NOINLINE int length() const { return x + 1; }
};

namespace app {
namespace v1 {
NOINLINE int handle(int number) { return number + 2; }
} // namespace v1
namespace {
NOINLINE int hidden_one(int number) { return number + 3; }
} // namespace
} // namespace app

namespace utf8 {
NOINLINE int decode(int number) { return number + 4; }
} // namespace utf8

enum class Shade { Light, Dark };

template <bool Flag, char Letter, unsigned Count, long Most, Shade Of> struct Marked {
    int mark;
};
template <typename... Items> struct Pack {
    int size;
};
template <template <typename> class Of> struct Holds {
    int held;
};

Marked<true, 'a', 3, -4, Shade::Dark> marked = {1};
Pack<int, Pack<>> packed = {2};
Holds<Box> holds = {3};

static volatile int started;

static inline __attribute__((always_inline)) int inner_start(int number)
{
    int more = number * 3;
    started = started + more;
    return more + 1;
}

static inline __attribute__((always_inline)) int outer_start(int count)
{
    int inside = inner_start(count);
    return inside + started;
}

NOINLINE int both(int count)
{
    int sum = outer_start(count);
    KEEP_FRAME();
    return sum + started;
}

NOINLINE int opaque(Private *hidden, Box<double> *fractions)
{
    int there = hidden != nullptr && fractions != nullptr;
    KEEP_FRAME();
    return there;
}

int main()
{
    Vector3 vector = {1};
    int sum = vector.length() + app::v1::handle(1) + app::hidden_one(1) + utf8::decode(1);
    sum += opaque(shared_private(), static_cast<Box<double> *>(fraction_box())) + whole_box() + both(sum);
    std::printf("sum=%d\n", sum);
    return 0;
}
