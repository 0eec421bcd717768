// cxxvalues
// Shows: C++'s values and frames, for debuggers to be compared over: calls `stop_here(N)` with N = 1, 2, ... where
// classes with all kinds of bases, references, pointers to members, templates, lambdas, overloads, operators, exceptions and
// libstdc++'s containers are in scope. Everything that it computes is the same in each run.
// Prints: ready PID, then `sum=N`, and exits 0.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <tuple>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#define NOINLINE __attribute__((noinline, noclone))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")
// Makes the compiler keep what it could compute, and forget what it knows behind the pointer.
#define USE(thing) __asm__ volatile("" : : "r"(&(thing)) : "memory")

volatile int last_stop;
static char buffer[1024];

extern "C" NOINLINE void stop_here(int number)
{
    last_stop = number;
    KEEP_FRAME();
}

namespace zoo {

enum class Diet : unsigned char { Plants = 1, Meat = 2, Both = 3 };
enum Size { Small, Large = 10 };

class Animal {
public:
    Animal(int legs, Diet diet) : legs_(legs), diet_(diet) { ++count; }
    Animal(const Animal &) = delete;
    Animal &operator=(const Animal &) = delete;
    virtual ~Animal() { --count; }
    virtual int noise(int loudness) const = 0;
    NOINLINE int legs() const
    {
        stop_here(1);
        return legs_;
    }
    static int count;
    static constexpr int most = 100;

protected:
    int legs_;
    Diet diet_;

private:
    mutable long secret_ = 0x5ec2e7;
};

int Animal::count = 0;

class Named {
public:
    explicit Named(const char *name) : name_(name) {}
    virtual ~Named() = default;
    NOINLINE virtual std::size_t length() const { return name_.size(); }

protected:
    std::string name_;
};

class Dog : public Animal, public Named {
public:
    explicit Dog(const char *name) : Animal(4, Diet::Both), Named(name) {}
    NOINLINE int noise(int loudness) const override
    {
        int twice = loudness * 2;
        USE(twice);
        stop_here(2);
        return twice + legs_;
    }

private:
    Size size_ = Large;
};

struct Base {
    virtual ~Base() = default;
    long shared = 99;
};
struct Left : virtual Base {
    int left = 1;
};
struct Right : virtual Base {
    int right = 2;
};
struct Bottom : Left, Right {
    int bottom = 3;
    NOINLINE long sum()
    {
        stop_here(3);
        return shared + left + right + bottom;
    }
};

namespace {
struct Hidden {
    int inside = 31;
};
} // namespace

inline namespace v2 {
struct Cage {
    Hidden hidden;
    union {
        int number;
        float real;
    };
    struct Door {
        bool open;
        char kind;
    } door;
};
} // namespace v2

} // namespace zoo

namespace {

template <typename First, int Size> struct Box {
    First items[Size];
    using Item = First;
    template <typename Other> NOINLINE Other total(Other start) const
    {
        Other sum = start;
        for (const Item &item : items)
            sum += static_cast<Other>(item);
        USE(sum);
        stop_here(4);
        return sum;
    }
};

template <typename... Rest> NOINLINE int count_all(const Rest &...rest)
{
    int count = sizeof...(rest);
    USE(count);
    stop_here(5);
    return count + static_cast<int>((rest + ... + 0));
}

struct Vector2 {
    double x, y;
    friend NOINLINE Vector2 operator+(const Vector2 &left, const Vector2 &right)
    {
        stop_here(6);
        return {left.x + right.x, left.y + right.y};
    }
    NOINLINE bool operator==(const Vector2 &other) const { return x == other.x && y == other.y; }
    NOINLINE double operator[](int index) const
    {
        stop_here(7);
        return index ? y : x;
    }
    int scale(int by) const { return static_cast<int>(x) * by; }
};

NOINLINE int overloaded(int number)
{
    stop_here(8);
    return number;
}
NOINLINE int overloaded(double number)
{
    stop_here(9);
    return static_cast<int>(number);
}
NOINLINE int overloaded(const char *text, std::size_t length)
{
    stop_here(10);
    return text[length - 1];
}

NOINLINE int of_references(int &number, const Vector2 &vector, Vector2 &&moved, zoo::Animal &animal, int (&row)[3])
{
    int &alias = number;
    const double &part = vector.y;
    int Vector2::*none = nullptr;
    double Vector2::*member = &Vector2::y;
    int (Vector2::*method)(int) const = &Vector2::scale;
    std::nullptr_t null = nullptr;
    USE(none);
    USE(member);
    USE(method);
    USE(null);
    alias += row[1];
    stop_here(11);
    return static_cast<int>(vector.*member + moved.x + part) + (moved.*method)(3) + alias + animal.noise(1);
}

NOINLINE int of_lambdas(int start)
{
    int seen = 0;
    long other = 5;
    auto by_reference = [&seen, other](int add) {
        seen += add;
        stop_here(12);
        return seen + static_cast<int>(other);
    };
    auto generic = [start](auto left, auto right) {
        stop_here(13);
        return left + static_cast<decltype(left)>(right) + start;
    };
    std::function<int(int)> erased = by_reference;
    int sum = erased(start) + by_reference(3);
    sum += generic(1, 2.5);
    USE(sum);
    stop_here(14);
    return sum + seen;
}

NOINLINE int of_strings(std::string by_value, const std::string &by_reference, std::string_view view)
{
    std::string empty, fits = "fifteen letters", spills = "sixteen letters!";
    std::string with_zero("a\0b\n\"c\"", 7);
    std::u16string sixteen = u"\u00e4\u20ac";
    std::wstring wide = L"wide \U0001F600";
    USE(empty);
    USE(fits);
    USE(spills);
    USE(with_zero);
    USE(sixteen);
    USE(wide);
    stop_here(15);
    return static_cast<int>(by_value.size() + by_reference.size() + view.size() + spills.size());
}

NOINLINE int of_sequences()
{
    std::vector<int> numbers = {1, 2, 3, 4, 5};
    std::vector<int> nothing;
    std::vector<bool> bits(70, false);
    bits[0] = bits[3] = bits[69] = true;
    std::vector<std::string> words = {"alpha", "beta", "a word that does not fit in place"};
    std::vector<std::vector<short>> rows = {{1}, {2, 3}, {}};
    std::list<int> list = {10, 20, 30};
    std::deque<int> deque;
    for (int index = 0; index < 300; index++)
        deque.push_back(index);
    deque.pop_front();
    deque.push_front(-1);
    deque.push_front(-2);
    std::array<double, 3> array = {0.5, 1.5, 2.5};
    auto iterator = numbers.begin() + 2;
    USE(bits);
    USE(words);
    USE(rows);
    USE(list);
    USE(deque);
    USE(array);
    USE(iterator);
    USE(nothing);
    stop_here(16);
    int sum = 0;
    for (int number : numbers) {
        sum += number;
        USE(sum);
    }
    return sum + *iterator + list.front() + deque.back() + static_cast<int>(words.size() + rows.size());
}

NOINLINE int of_maps()
{
    std::map<std::string, int> ages = {{"ann", 30}, {"bob", 41}, {"cyd", 52}};
    std::map<int, zoo::Diet> empty;
    std::set<int> set = {5, 1, 4, 2, 3};
    std::multimap<char, double> many = {{'a', 1.0}, {'a', 2.0}, {'b', 3.0}};
    std::unordered_map<int, std::string> names = {{1, "one"}, {2, "two"}, {3, "three"}};
    auto found = ages.find("bob");
    USE(empty);
    USE(set);
    USE(many);
    USE(names);
    stop_here(17);
    return found->second + *set.begin() + static_cast<int>(names.size());
}

struct Link {
    int value;
    std::unique_ptr<Link> next;
};

struct Shared {
    std::shared_ptr<Shared> other;
    std::weak_ptr<Shared> back;
    int value;
};

NOINLINE int of_pointers()
{
    auto list = std::make_unique<Link>(Link{1, std::make_unique<Link>(Link{2, nullptr})});
    std::unique_ptr<int[]> many(new int[3]{7, 8, 9});
    std::unique_ptr<Link> none;
    auto shared = std::make_shared<Shared>(Shared{nullptr, {}, 5});
    shared->other = std::make_shared<Shared>(Shared{nullptr, shared, 6});
    std::shared_ptr<Shared> second = shared->other;
    std::shared_ptr<const int> empty;
    std::unique_ptr<zoo::Animal> animal = std::make_unique<zoo::Dog>("rex");
    USE(many);
    USE(none);
    USE(second);
    USE(empty);
    stop_here(18);
    return list->next->value + shared->other->value + animal->legs() + animal->noise(4);
}

NOINLINE int of_sums()
{
    std::optional<int> some = 5, nothing;
    std::optional<std::string> text = "optional text";
    std::variant<int, std::string, double> first = 3, second = std::string("held"), third = 2.5;
    std::pair<int, const char *> pair = {1, "pair"};
    std::tuple<int, double, std::string> tuple = {1, 2.5, "three"};
    std::tuple<> unit;
    USE(nothing);
    USE(text);
    USE(first);
    USE(second);
    USE(third);
    USE(pair);
    USE(tuple);
    USE(unit);
    stop_here(19);
    return some.value() + std::get<int>(first) + pair.first + std::get<0>(tuple);
}

NOINLINE int thrower(int depth)
{
    struct Local {
        int in_function;
    } local = {depth};
    USE(local);
    if (depth == 0) {
        stop_here(20);
        throw std::runtime_error("thrown");
    }
    int below = thrower(depth - 1);
    KEEP_FRAME();
    return below + local.in_function;
}

NOINLINE int of_exceptions()
{
    int caught = 0;
    try {
        caught = thrower(2);
    } catch (const std::runtime_error &error) {
        caught = static_cast<int>(std::string_view(error.what()).size());
        USE(caught);
        stop_here(21);
    }
    return caught;
}

ALWAYS_INLINE int inlined_inner(int number, const std::vector<int> &items)
{
    int picked = items[static_cast<std::size_t>(number)];
    USE(picked);
    stop_here(22);
    return picked + number;
}

template <typename Number> ALWAYS_INLINE Number inlined_outer(Number number, const std::vector<int> &items)
{
    Number grown = number + 1;
    USE(grown);
    return static_cast<Number>(inlined_inner(static_cast<int>(grown), items)) + grown;
}

NOINLINE int of_inlined(int number)
{
    std::vector<int> items = {5, 6, 7, 8};
    int first = inlined_outer(number, items);
    long second = inlined_outer(static_cast<long>(number) + 1, items);
    return first + static_cast<int>(second);
}

} // namespace

int main()
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    // A buffer of its own keeps the heap the same whether a terminal reads or not.
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);

    zoo::Dog dog("a dog with a rather long name");
    zoo::Bottom bottom;
    zoo::Cage cage = {{}, {12}, {true, 'c'}};
    Box<short, 4> box = {{1, 2, 3, 4}};
    Vector2 here = {1.5, 2.5}, there = {3.0, 4.0};
    int number = 8, row[3] = {1, 2, 3};
    USE(cage);

    int sum = dog.legs() + static_cast<int>(bottom.sum()) + static_cast<int>(box.total(0.5)) + count_all(1, 2.5, 'a');
    Vector2 both = here + there;
    sum += static_cast<int>(both[1]) + overloaded(3) + overloaded(4.5) + overloaded("text", 4);
    sum += of_references(number, both, Vector2{5, 6}, dog, row);
    sum += of_lambdas(2);
    sum += of_strings("by value", "by reference, and long enough to spill", "a view");
    sum += of_sequences() + of_maps() + of_pointers() + of_sums() + of_exceptions() + of_inlined(1);
    sum += cage.door.kind + static_cast<int>(dog.length()) + zoo::Animal::count;
    printf("sum=%d\n", sum);
    return 0;
}
