// damaged-cpp
// Shows: libstdc++'s containers and pointers in the states that programs with mistakes leave them in: not constructed,
// moved from, destroyed, overwritten, in circles. Calls `stop_here(N, all)` for each state, where N is
//   0 sound, 1 all bytes 0xcd, 2 all 0, 3 all 0xff, 4 moved from, 5 destroyed, 6 damaged word by word,
//   7 and more: words that a program has about it, in an order that is the same in each run.
// Prints: ready PID, then `done`, and exits 0; nothing damaged is ever used or destroyed.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <unordered_map>
#include <variant>
#include <vector>

struct Point {
    int x;
    int y;
};

struct All {
    std::vector<int> vector{1, 2, 3};
    std::vector<Point> points{{1, 2}, {3, 4}};
    std::vector<std::string> words{"one", "a text that has memory of its own"};
    std::vector<bool> bits{true, false, true};
    std::string text = "short";
    std::string heap = "a text that has memory of its own";
    std::u32string wide = U"wide";
    std::string_view view = "view";
    std::list<int> list{1, 2, 3};
    std::forward_list<int> single{1, 2, 3};
    std::deque<int> deque{1, 2, 3};
    std::map<int, std::string> map{{1, "one"}, {2, "two"}, {3, "three"}};
    std::set<int> set{1, 2, 3};
    std::unordered_map<std::string, int> table{{"one", 1}, {"two", 2}};
    std::unique_ptr<Point> unique = std::make_unique<Point>(Point{5, 6});
    std::shared_ptr<Point> shared = std::make_shared<Point>(Point{7, 8});
    std::weak_ptr<Point> weak = shared;
    std::shared_ptr<int> lent{std::shared_ptr<int>(), &vector[1]};
    std::optional<int> optional = 9;
    std::variant<int, std::string, Point> variant = std::string("variant");
    std::function<int(int)> function = [](int number) { return number + 1; };
};

// Room for all of them, where nothing is constructed or destroyed by itself.
union Room {
    All all;
    uint64_t words[sizeof(All) / 8];
    Room() { memset(static_cast<void *>(this), 0, sizeof *this); }
    ~Room() {}
};

volatile int last_stop;
static Room room;

extern "C" __attribute__((noinline)) void stop_here(int number, All *all)
{
    last_stop = number;
    __asm__ volatile("" : : "r"(all) : "memory");
}

static void fill(int byte)
{
    memset(static_cast<void *>(&room), byte, sizeof room);
}

// A word of an object as the processor sees it.
template <class T> static uint64_t &word(T &object, size_t index)
{
    return reinterpret_cast<uint64_t *>(&object)[index];
}

static uint64_t at(const void *place)
{
    return reinterpret_cast<uint64_t>(place);
}

int main()
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    // What is freed does not look like what it was.
    mallopt(M_PERTURB, 0x5a);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);

    All &all = *new (&room.all) All;
    stop_here(0, &all);
    fill(0xcd);
    stop_here(1, &all);
    fill(0);
    stop_here(2, &all);
    fill(0xff);
    stop_here(3, &all);

    new (&room.all) All;
    All elsewhere = std::move(all);
    stop_here(4, &all);

    new (&room.all) All;
    all.~All();
    stop_here(5, &all);

    new (&room.all) All;
    // Terabytes that nobody has.
    word(all.vector, 1) = word(all.vector, 2) = word(all.vector, 0) + (1ull << 42);
    // Elements that are cut.
    word(all.points, 1) = word(all.points, 0) + 5;
    word(all.words, 0) = 0;
    word(all.bits, 2) = word(all.bits, 0) + (1ull << 42);
    // Longer than there is room for, here and elsewhere.
    word(all.text, 1) = 1000;
    word(all.heap, 1) = word(all.heap, 2) = 1ull << 35;
    word(all.wide, 0) = 0x3;
    word(all.view, 0) = 1ull << 40;
    // Circles.
    uint64_t first = word(all.list, 0);
    *reinterpret_cast<uint64_t *>(first) = first;
    word(all.list, 2) = 1ull << 40;
    first = word(all.single, 0);
    *reinterpret_cast<uint64_t *>(*reinterpret_cast<uint64_t *>(first)) = first;
    uint64_t root = word(all.map, 2);
    reinterpret_cast<uint64_t *>(root)[2] = root;
    root = word(all.set, 2);
    reinterpret_cast<uint64_t *>(root)[3] = root;
    word(all.set, 5) = 1ull << 40;
    // The end of a queue before its begin, entries that are not there, owners that are no pointers.
    std::swap(word(all.deque, 5), word(all.deque, 9));
    word(all.deque, 9) -= 64;
    word(all.table, 3) = 50;
    word(all.unique, 0) = 0x1001;
    word(all.shared, 1) = 0x8;
    word(all.weak, 1) = at(&room);
    reinterpret_cast<unsigned char *>(&all.optional)[4] = 0x7f;
    reinterpret_cast<unsigned char *>(&all.variant)[sizeof(std::string)] = 77;
    word(all.function, 3) = 0x5;
    stop_here(6, &all);

    void *pages = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *edge = mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(static_cast<char *>(edge) + 4096, 4096, PROT_NONE);
    const uint64_t about[] = {
        0, 1, 3, 64, 0xffff, ~0ull, ~0ull - 7, 1ull << 40, 1ull << 63, 0x7fffffffffff, at(pages), at(pages) + 8, at(edge) + 4090,
        at(&room), at(&room) + 8, at(&room) + sizeof room / 16 * 8, at(const_cast<int *>(&last_stop)), at(reinterpret_cast<void *>(main)), at(&edge),
    };
    uint64_t *some = static_cast<uint64_t *>(pages);
    uint64_t random = 88172645463325252ull;
    auto next = [&] {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return about[random % (sizeof about / sizeof *about)];
    };
    for (int number = 7; number < 19; number++) {
        for (uint64_t &each : room.words)
            each = next();
        for (size_t index = 0; index < (1 << 20) / 8; index++)
            some[index] = next();
        stop_here(number, &all);
    }
    puts("done");
    fflush(stdout);
    _exit(0);
}
