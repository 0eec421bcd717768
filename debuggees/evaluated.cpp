// evaluated
// Shows: what C++ expressions of a debugger easily get wrong: base classes in the middle and virtual ones, `this` before it
// is stored, wide floating point, arrays whose lengths are known while the program runs, static members, pointers to
// members, names that several scopes have. Calls `stop_here(N)` with N = 1, 2, ... at each place.
// Prints: ready PID, then `sum=N`, and exits 0.
#include <cstdio>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#define NOINLINE __attribute__((noinline, noclone))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static volatile int last_stop;

extern "C" NOINLINE void stop_here(int number)
{
    last_stop = number;
    KEEP_FRAME();
}

int level = 11;
static int hits = 4;
namespace nest {
int depth = 5;
enum Kind { Small = 3, Large = 9 };
} // namespace nest

struct Meter {
    int first = 1;
    int second = 2;
    static int made;
    static constexpr double scale = 2.5;
    NOINLINE int run(int step)
    {
        int sum = first + second + step;
        hits++;
        return sum;
    }
};
int Meter::made = 77;

struct First {
    int one = 1;
    virtual ~First() = default;
    NOINLINE virtual int answer() { return one; }
};
struct Second {
    int two = 2;
    virtual ~Second() = default;
};
struct Both : First, Second {
    int three = 3;
    NOINLINE int answer() override
    {
        hits++;
        return three;
    }
};
struct Other {
    int four = 4;
    virtual ~Other() = default;
};
struct Twice : Both {
    Second again;
};

struct Common {
    int common = 10;
    virtual ~Common() = default;
};
struct Left : virtual Common {
    int left = 11;
};
struct Right : virtual Common {
    int right = 12;
};
struct Bottom : Left, Right {
    int bottom = 13;
    NOINLINE int sum()
    {
        stop_here(2);
        return common + left + right + bottom;
    }
};

template <typename T> struct Told {
    static int shared;
    NOINLINE int get()
    {
        stop_here(4);
        return shared;
    }
};
template <> int Told<int>::shared = 100;
template <> int Told<std::string>::shared = 200;

struct Order {
    int number;
    const char *label;
};
struct Owner {
    Owner() : text(new int(5)) {}
    Owner(const Owner &other) : text(new int(*other.text)) {}
    Owner &operator=(const Owner &) = delete;
    ~Owner() { delete text; }
    int *text;
};
struct Holder {
    Owner owner;
};

NOINLINE int arrays(int rows, int columns)
{
    int line[rows];
    int table[rows][columns];
    for (int row = 0; row < rows; row++) {
        line[row] = row * row;
        for (int column = 0; column < columns; column++)
            table[row][column] = 10 * row + column;
    }
    stop_here(3);
    return line[rows - 1] + table[rows - 1][columns - 1];
}

NOINLINE int values()
{
    Both both;
    Twice twice;
    Bottom bottom;
    Other other;
    First *first = &both;
    Second *second = &both;
    Second *plain = new Second;
    Second *none = nullptr;
    Common *common = &bottom;
    Left *left = &bottom;
    int Meter::*field = &Meter::second;
    Meter meter;
    Meter *meters = &meter;
    long double pi = 3.14159265358979323846264L;
    long double huge = 1e4000L;
    long double half = 0.5L;
    __float128 quad = 1.25;
    double price = 9.5;
    const Order orders[2] = {{1, "one"}, {2, "two"}};
    Order order = {3, "three"};
    Owner owner, another;
    Holder holder, holder2;
    std::vector<int> full{1, 2, 3}, empty;
    stop_here(1);
    int sum = bottom.sum() + arrays(3, 2) + Told<std::string>().get() + Told<int>().get() + meter.run(3) + first->answer();
    delete plain;
    return sum + other.four + second->two + twice.three + common->common + left->left + meters->first + meter.*field +
           static_cast<int>(pi + half + price) + (huge > 1) + static_cast<int>(quad) + orders[1].number + order.number +
           *owner.text + *another.text + *holder.owner.text + *holder2.owner.text + static_cast<int>(full.size()) +
           static_cast<int>(empty.size()) + (none == nullptr);
}

int main()
{
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    printf("ready %d\n", getpid());
    fflush(stdout);
    printf("sum=%d\n", values() + level + nest::depth + nest::Large + Meter::made);
    return 0;
}
