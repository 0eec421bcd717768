// edges
// Shows: C++ values at the edges of what formatters and formats know: calls `stop_here(N)` with N = 1, 2, ... where large maps,
// elements that are aligned to more than a pointer, iterators, extreme numbers and bytes are in scope.
// Prints: ready PID, then `sum=N`, and exits 0.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <forward_list>
#include <list>
#include <map>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>
#include <utility>
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

struct alignas(64) Wide {
    int number;
    bool operator<(const Wide &other) const { return number < other.number; }
};

struct __attribute__((packed)) Packed {
    char first;
    long double second;
};

NOINLINE int of_keys()
{
    std::map<int, int> signs;
    std::unordered_map<int, int> hashed;
    std::map<unsigned, int> sparse;
    std::map<std::string, int> named;
    std::map<std::pair<int, int>, int> pairs = {{{1, 0}, 7}};
    std::list<int> list;
    for (int index = -1000; index < 1000; index++)
        signs[index] = index * 3;
    for (int index = 0; index < 1000; index++)
        hashed[index] = index * 3;
    for (unsigned index = 0; index < 5000; index++)
        sparse[index * 3] = static_cast<int>(index);
    for (int index = 0; index < 1000; index++)
        named["a name that is longer than fits in place " + std::to_string(index)] = index;
    for (int index = 0; index < 500; index++)
        list.push_back(index * 2);
    USE(signs);
    USE(hashed);
    USE(sparse);
    USE(named);
    USE(pairs);
    USE(list);
    stop_here(1);
    return signs[5] + hashed[5] + sparse[6] + list.front();
}

NOINLINE int of_alignments()
{
    std::unordered_map<int, long double> hashed = {{1, 1.5L}};
    std::unordered_set<long double> values = {5.25L};
    std::forward_list<long double> single = {1.5L, 2.5L};
    std::list<Wide> list = {{1}, {2}};
    std::map<int, Wide> map = {{1, {7}}};
    std::set<Wide> set = {{3}};
    std::list<Packed> packed = {{'p', 3.5L}};
    auto in_hashed = hashed.begin();
    auto in_list = list.begin();
    auto in_map = map.begin();
    auto in_single = single.begin();
    USE(hashed);
    USE(values);
    USE(single);
    USE(list);
    USE(map);
    USE(set);
    USE(packed);
    stop_here(2);
    return in_hashed->first + in_list->number + in_map->second.number + static_cast<int>(*in_single);
}

NOINLINE int of_iterators()
{
    std::vector<int> vector = {4, 5, 6};
    std::map<std::string, int> map = {{"a", 1}, {"b", 2}};
    std::map<std::string, int> empty;
    std::list<std::string> list = {"first", "second"};
    auto in_vector = vector.begin();
    auto in_map = map.find("b");
    auto end_of_map = map.end();
    auto end_of_empty = empty.end();
    auto in_list = ++list.begin();
    USE(in_vector);
    USE(in_map);
    USE(end_of_map);
    USE(end_of_empty);
    USE(in_list);
    stop_here(3);
    return *in_vector + in_map->second + static_cast<int>(in_list->size());
}

enum Unsigned : uint64_t { Top = 0x8000000000000000ull, All = 0xffffffffffffffffull, One = 1 };
enum class Narrow : int8_t { Minus = -2 };

static long double extremes[4000];

NOINLINE int of_numbers()
{
    for (unsigned index = 0; index < 4000; index++) {
        memset(&extremes[index], 0, sizeof extremes[index]);
        reinterpret_cast<unsigned char *>(&extremes[index])[0] = static_cast<unsigned char>(1 + index % 200);
    }
    Unsigned all = All, odd = static_cast<Unsigned>(0xfedcba9876543210ull);
    Narrow narrow = Narrow::Minus;
    short small = -300;
    long double tenth = 0.1L, near_one = 1.0L + 1.1e-19L;
    unsigned char bytes[300], words[8] = "words", high[4] = {0x80, 0xff, 'a', 0};
    for (int index = 0; index < 300; index++)
        bytes[index] = static_cast<unsigned char>(index);
    char raw[8] = "abc";
    USE(extremes);
    USE(all);
    USE(odd);
    USE(narrow);
    USE(small);
    USE(tenth);
    USE(near_one);
    USE(bytes);
    USE(words);
    USE(high);
    USE(raw);
    stop_here(4);
    return bytes[1] + words[0] + high[0] + raw[0];
}

struct Shared {
    int shared = 10;
    virtual ~Shared() = default;
};
struct Left : virtual Shared {
    int left = 11;
};
struct Right : virtual Shared {
    int right = 12;
};
struct Bottom : Left, Right {
    int bottom = 13;
};

struct Counted {
    int kept;
    NOINLINE double total(int count);
};

// Leaves numbers on the stack that the next call finds there.
NOINLINE double leave_old()
{
    volatile double old[64];
    for (double volatile &number : old)
        number = 4242.5;
    return old[63];
}

double Counted::total(int count)
{
    double sum = 1;
    int twice = 2;
    sum += count + twice + kept;
    stop_here(5);
    return sum;
}

NOINLINE int of_classes()
{
    Bottom bottom;
    std::vector<Bottom> bottoms(1);
    USE(bottom);
    USE(bottoms);
    stop_here(6);
    return bottom.shared;
}

int main()
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);
    int sum = of_keys();
    sum += of_alignments();
    sum += of_iterators();
    sum += of_numbers();
    Counted counted{1};
    sum += static_cast<int>(leave_old());
    sum += static_cast<int>(counted.total(3));
    sum += of_classes();
    printf("sum=%d\n", sum);
    return 0;
}
