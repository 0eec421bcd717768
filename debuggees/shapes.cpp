// shapes [ROUNDS=0] [THREADS=2]
// Shows: optimised C++. Virtual calls, templates, std::sort with a comparator, exceptions thrown through frames, std::thread.
// Runs ROUNDS rounds in each thread and prints `area=N caught=M`; ROUNDS 0 means for ever.
// Prints: ready PID, address of rounds_done.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>
#include <vector>

#define NOINLINE __attribute__((noinline))

std::atomic<unsigned long> rounds_done;
std::atomic<unsigned long> caught;

namespace geometry {

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual std::string name() const = 0;
};

class Circle final : public Shape {
public:
    explicit Circle(double radius) : radius_(radius) {}
    NOINLINE double area() const override { return 3.0 * radius_ * radius_; }
    NOINLINE std::string name() const override { return "circle"; }

private:
    double radius_;
};

class Rectangle : public Shape {
public:
    Rectangle(double width, double height) : width_(width), height_(height) {}
    NOINLINE double area() const override { return width_ * height_; }
    NOINLINE std::string name() const override { return "rectangle"; }

protected:
    double width_, height_;
};

class Square final : public Rectangle {
public:
    explicit Square(double side) : Rectangle(side, side) {}
    NOINLINE std::string name() const override { return "square"; }
};

// Sums with a recursion per element, so that optimised frames of a template are on the stack.
template <typename Number, typename Items> NOINLINE Number total_area(const Items &items, size_t from)
{
    if (from == items.size())
        return Number{};
    Number here = static_cast<Number>(items[from]->area());
    Number rest = total_area<Number>(items, from + 1);
    __asm__ volatile("" ::: "memory");
    return here + rest;
}

struct BySize {
    NOINLINE bool operator()(const std::unique_ptr<Shape> &left, const std::unique_ptr<Shape> &right) const
    {
        return left->area() < right->area();
    }
};

NOINLINE void check(const Shape &shape, int level)
{
    if (level == 0) {
        if (shape.area() > 50)
            throw std::runtime_error("too large: " + shape.name());
        return;
    }
    check(shape, level - 1);
    __asm__ volatile("" ::: "memory");
}

} // namespace geometry

NOINLINE long one_round(unsigned seed)
{
    using namespace geometry;
    std::vector<std::unique_ptr<Shape>> shapes;
    for (int i = 0; i < 12; i++) {
        seed = seed * 1103515245u + 12345u;
        double size = 1 + (seed >> 16) % 9;
        if (i % 3 == 0)
            shapes.push_back(std::make_unique<Circle>(size));
        else if (i % 3 == 1)
            shapes.push_back(std::make_unique<Rectangle>(size, size + 1));
        else
            shapes.push_back(std::make_unique<Square>(size));
    }
    std::sort(shapes.begin(), shapes.end(), BySize());
    for (const auto &shape : shapes) {
        try {
            check(*shape, 4);
        } catch (const std::runtime_error &) {
            caught++;
        }
    }
    return total_area<long>(shapes, 0);
}

static NOINLINE void run(unsigned long rounds, unsigned seed, long &area)
{
    for (unsigned long i = 0; rounds == 0 || i < rounds; i++) {
        area += one_round(seed + static_cast<unsigned>(i));
        rounds_done++;
    }
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], nullptr, 0) : 0;
    unsigned count = argc > 2 ? static_cast<unsigned>(atoi(argv[2])) : 2;
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    std::vector<long> areas(count);
    std::vector<std::thread> threads;
    printf("ready %d\naddress rounds_done %p\n", static_cast<int>(getpid()), static_cast<void *>(&rounds_done));
    fflush(stdout);
    for (unsigned i = 0; i < count; i++)
        threads.emplace_back(run, rounds, i, std::ref(areas[i]));
    long area = 0;
    for (unsigned i = 0; i < count; i++) {
        threads[i].join();
        area += areas[i];
    }
    printf("area=%ld caught=%lu\n", area, caught.load());
    return 0;
}
