// scoped
// Shows: names that several things have, and which of them a function means: enumerators, types and variables of classes,
// namespaces and blocks. Functions call `stop_here(N)` with N = 1, 2, ...
// Prints: `sum=N`, and exits 0.
#include <cstdio>

#define NOINLINE __attribute__((noinline))

volatile int last_stop;

extern "C" NOINLINE void stop_here(int number)
{
    last_stop = number;
    __asm__ volatile("" ::: "memory");
}

struct Door {
    enum State { Open, Shut = 1 };
    State state = Shut;
    NOINLINE int turn()
    {
        stop_here(1);
        return state == Open;
    }
};

struct Valve {
    enum State { Shut = 7, Open = 8 };
    State state = Open;
    NOINLINE int turn()
    {
        stop_here(2);
        return state == Open;
    }
};

enum { Loose = 3 };
enum class Shade { Dark = 4, Lone = 6 };

namespace one {
int twice = 1;
static int hidden = 100;
enum Kind { first = 10 };
struct Size {
    int narrow = 1;
};
NOINLINE int look(Size size)
{
    stop_here(3);
    return size.narrow + twice + hidden + first;
}
} // namespace one

namespace two {
int twice = 2;
static int hidden = 200;
enum Kind { first = 20 };
enum { Dark = 5 };
struct Size {
    long wide = 2;
};
NOINLINE int look(Size size)
{
    stop_here(4);
    return static_cast<int>(size.wide) + twice + hidden + first + Dark;
}
} // namespace two

namespace near {
struct Lone {
    int number;
};
Lone here = {3};
} // namespace near

int global = 1;

NOINLINE int inside()
{
    int global = 7;
    int seen = 0;
    {
        extern int global;
        global++;
        seen = global;
        stop_here(5);
    }
    return seen + global;
}

NOINLINE int local()
{
    enum Color { Red = 30, Green };
    struct Size {
        char small;
    };
    Color color = Green;
    Size size = {'s'};
    {
        enum { Red = 40 } inner = Red;
        stop_here(6);
        color = static_cast<Color>(color + inner);
    }
    stop_here(7);
    return color + size.small;
}

struct Ordered {
    int rank;
    NOINLINE bool operator<(const Ordered &other) const { return rank < other.rank; }
    NOINLINE bool operator>(const Ordered &other) const { return rank > other.rank; }
    NOINLINE int operator->*(int more) const { return rank + more; }
};

int main()
{
    Door door;
    Valve valve;
    one::Size narrow;
    two::Size wide;
    Shade shade = Shade::Dark;
    Ordered low = {1}, high = {2};
    int sum = door.turn() + valve.turn() + one::look(narrow) + two::look(wide) + inside() + local();
    sum += static_cast<int>(shade) + Loose + (low < high) + (low > high) + (low->*1);
    stop_here(8);
    std::printf("sum=%d\n", sum);
    return 0;
}
