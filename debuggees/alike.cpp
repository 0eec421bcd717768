// alike
// Shows: C++ values that are easily taken for others: calls `stop_here(N)` with N = 1, 2, ... where texts with quotes in them,
// bases that several classes share, optional values within others, types with unusual arguments and small numbers are in scope.
// Prints: ready PID, then `sum=N`, and exits 0.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/prctl.h>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

#define NOINLINE __attribute__((noinline, noclone))
// Makes the compiler keep what it could compute, and forget what it knows behind the pointer.
#define USE(thing) __asm__ volatile("" : : "r"(&(thing)) : "memory")

volatile int last_stop;

extern "C" NOINLINE void stop_here(int number)
{
    last_stop = number;
    __asm__ volatile("" ::: "memory");
}

struct Named {
    std::string text;
    int number;
};

NOINLINE int of_texts()
{
    Named slashed = {"a\\n", 1};
    Named ended = {"a\n", 1};
    Named forged = {"x\", number=9, more=\"", 2};
    std::map<std::string, int> map = {{"a\\n", 1}, {"a\n", 2}, {"q\"q", 3}, {"q", 4}, {"q\\\"q", 5}};
    std::pair<std::string, const char *> pair = {"1\"2", "3\\4"};
    USE(slashed);
    USE(ended);
    USE(forged);
    USE(map);
    USE(pair);
    stop_here(1);
    return slashed.number + forged.number + static_cast<int>(map.size());
}

struct Shared {
    long shared = 1;
    virtual ~Shared() = default;
};
struct Left : virtual Shared {
    long left = 2;
};
struct Right : virtual Shared {
    long right = 3;
};
struct Both : Left, Right {
    long both = 4;
};

NOINLINE int of_bases()
{
    Both both;
    Left left;
    Shared *shared = &both;
    USE(both);
    USE(left);
    USE(shared);
    stop_here(2);
    return static_cast<int>(both.both + left.left + shared->shared);
}

NOINLINE int of_optionals()
{
    std::optional<std::optional<int>> holds_empty = std::optional<int>{};
    std::optional<std::optional<int>> empty;
    std::optional<std::optional<int>> holds_three = std::optional<int>{3};
    std::vector<std::optional<std::optional<int>>> several = {holds_empty, empty, holds_three};
    std::optional<int> plain = 5;
    std::optional<std::unique_ptr<int>> holds_null = std::unique_ptr<int>();
    std::variant<int, long> first = 5;
    std::variant<int, long> second = 5L;
    std::variant<int, int> twice{std::in_place_index<1>, 7};
    std::variant<std::monostate, int> nothing;
    std::optional<std::variant<int, std::string>> inner = std::variant<int, std::string>(std::string("z"));
    USE(holds_empty);
    USE(empty);
    USE(holds_three);
    USE(several);
    USE(plain);
    USE(holds_null);
    USE(first);
    USE(second);
    USE(twice);
    USE(nothing);
    USE(inner);
    stop_here(3);
    return *plain + std::get<0>(first) + std::get<1>(twice) + static_cast<int>(several.size());
}

NOINLINE int of_sizes(int count)
{
    int steps = 7;
    long sum = 40;
    int numbers[3] = {1, 2, 3};
    int *next = numbers;
    int *nowhere = nullptr;
    std::vector<Named> names(2);
    USE(steps);
    USE(sum);
    USE(numbers);
    USE(next);
    USE(nowhere);
    USE(names);
    stop_here(4);
    return steps + static_cast<int>(sum) + *next + count + (nowhere ? 1 : 0) + static_cast<int>(names.size());
}

NOINLINE int of_names()
{
    std::tuple<int, std::string, std::allocator<std::string>> tuple(1, "t", {});
    std::pair<std::string, std::hash<std::string>> pair("p", {});
    std::map<std::string, std::vector<std::string>> map = {{"m", {"v"}}};
    std::vector<std::allocator<std::string>> allocators(1);
    USE(tuple);
    USE(pair);
    USE(map);
    USE(allocators);
    stop_here(5);
    return std::get<0>(tuple) + static_cast<int>(map.size() + allocators.size() + pair.first.size());
}

NOINLINE int of_small()
{
    int8_t small[6] = {1, -2, 3, -4, 0, 5};
    int8_t readable[4] = {'a', 'b', 'c', 0};
    char plain[6] = {'x', 1, -1, 2, 0, 9};
    char text[8] = "text";
    // As what is left of longer texts is behind shorter ones.
    char reused[8] = {'n', 'e', 'w', 0, 'o', 'l', 'd', 0};
    std::array<int8_t, 4> array = {1, -1, 2, 0};
    USE(small);
    USE(readable);
    USE(plain);
    USE(text);
    USE(reused);
    USE(array);
    stop_here(6);
    return small[0] + readable[0] + plain[0] + text[0] + reused[0] + array[0];
}

int main(int argc, char **)
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);
    int sum = 0;
    sum += of_texts();
    sum += of_bases();
    sum += of_optionals();
    sum += of_sizes(argc);
    sum += of_names();
    sum += of_small();
    printf("sum=%d\n", sum);
    return 0;
}
