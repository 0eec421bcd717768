/* cvalues
 * Shows: C's values and frames, for debuggers to be compared over: calls `stop_here(N)` with N = 1, 2, ... at places where
 * structs, unions, bit-fields, arrays, pointers to functions, enums, floats, lists, trees, variable-length arrays, inlined
 * helpers, tail calls and thread-locals are in scope. Everything that it computes is the same in each run.
 * Prints: ready PID, then `sum=N`, and exits 0. */
#include "cvalues.h"
#include <complex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <wchar.h>

volatile int last_stop;

NOINLINE void stop_here(int number)
{
    last_stop = number;
    KEEP_FRAME();
}

/* Makes the compiler keep what it could compute, and forget what it knows behind the pointer. */
#define USE(thing) __asm__ volatile("" : : "r"(&(thing)) : "memory")
#define OPAQUE(number) __asm__ volatile("" : "+r"(number))

enum color { RED, GREEN = 5, BLUE, LAST = 0x7fffffff };
enum signs { MINUS = -1, NONE, PLUS };
enum flags { READ = 1, WRITE = 2, EXECUTE = 4 };
enum wide { SMALL = 1, HUGE_ONE = 0x123456789ABLL };

typedef unsigned char byte;
typedef byte bytes_of_four[4];
typedef int (*operation)(int, int);

struct point {
    int x, y;
};

struct line {
    struct point from, to;
    const char *label;
};

struct packed_bits {
    unsigned ready : 1;
    unsigned mode : 3;
    signed level : 5;
    unsigned : 0;
    unsigned long long large : 40;
    enum flags tint : 4;
    bool on : 1;
    unsigned char last : 7;
};

struct __attribute__((packed)) tight {
    char tag;
    int number;
    short half;
    double exact;
};

union any {
    int integer;
    float single;
    byte raw[8];
    struct point point;
    struct {
        short low, high;
    };
};

struct outer {
    int kind;
    union {
        long number;
        double real;
        struct {
            int first, second;
        };
    };
    struct {
        int depth;
        struct inner {
            char letters[4];
            struct point corner[2];
        } inner;
    } nested;
    struct {
        int left : 4, right : 4;
    };
};

struct numbers {
    signed char tiny;
    unsigned char utiny;
    short small;
    unsigned short usmall;
    int normal;
    unsigned unormal;
    long large;
    unsigned long ularge;
    long long longest;
    unsigned long long ulongest;
    __int128 huge;
    unsigned __int128 uhuge;
    float single;
    double twice;
    long double extended;
    _Bool yes, no;
    wchar_t wide;
    char plain;
    double complex pair;
};

struct node {
    int value;
    struct node *next;
};

struct tree {
    int key;
    struct tree *left, *right;
    struct tree *parent;
};

struct handler {
    const char *name;
    operation run;
    void (*notify)(struct handler *self, int code);
    void *context;
    const volatile int *watched;
};

struct tail {
    unsigned count;
    int items[];
};

struct empty {
};

int global_counter = 42;
static int static_counter = 7;
const char *const global_text = "a global text";
const double global_constants[3] = {0.5, -1.25, 1e300};
struct point global_origin = {-3, 9};
struct point *global_pointer = &global_origin;
enum color global_colors[] = {BLUE, RED, GREEN};
__thread int thread_number = 1000;
static __thread struct point thread_point = {11, 22};
extern int other_unit_number;

NOINLINE static int add(int left, int right)
{
    return left + right;
}

NOINLINE static int subtract(int left, int right)
{
    return left - right;
}

NOINLINE static void notified(struct handler *self, int code)
{
    stop_here(code);
    USE(*self);
}

NOINLINE static long of_scalars(signed char tiny, unsigned short half, int number, unsigned long large, float single,
                                double twice, _Bool truth, enum color color, const char *text)
{
    struct numbers numbers = {
        .tiny = tiny, .utiny = 200, .small = -12345, .usmall = half, .normal = number, .unormal = 4000000000u,
        .large = -5000000000l, .ularge = large, .longest = -9223372036854775807ll - 1,
        .ulongest = 18446744073709551615ull, .huge = -((__int128)1 << 100), .uhuge = ~(unsigned __int128)0 >> 1,
        .single = single, .twice = twice, .extended = 3.14159265358979323846264338327950288L, .yes = truth,
        .no = !truth, .wide = L'\u20ac', .plain = 'q', .pair = 1.5 - 2.5 * I,
    };
    enum signs sign = MINUS;
    enum flags flags = READ | EXECUTE;
    enum wide wide = HUGE_ONE;
    const volatile int fixed = 99;
    USE(numbers);
    USE(sign);
    USE(flags);
    USE(wide);
    stop_here(1);
    USE(text);
    return numbers.normal + (long)color + fixed + sign + flags;
}

NOINLINE static int of_structs(struct point by_value, struct line *by_pointer, struct line whole)
{
    struct packed_bits bits = {1, 5, -9, 0xABCDEF0123ull, WRITE, true, 100};
    struct tight tight = {'t', 0x01020304, -2, 2.75};
    union any any = {.single = 1.0f};
    struct outer outer = {.kind = 2, .real = 6.5, .nested = {3, {"abc", {{1, 2}, {3, 4}}}}, .left = -3, .right = 7};
    struct empty empty;
    struct point *nowhere = NULL;
    USE(bits);
    USE(tight);
    USE(any);
    USE(outer);
    USE(empty);
    USE(nowhere);
    stop_here(2);
    by_value.x += bits.level;
    USE(by_value);
    stop_here(3);
    USE(whole);
    return by_value.x + by_pointer->to.y + whole.from.x + tight.number + any.integer;
}

NOINLINE static int of_arrays(int rows, int columns)
{
    int flat[5] = {1, 1, 2, 3, 5};
    short grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    char cube[2][2][4] = {{"abc", "def"}, {"ghi", "jkl"}};
    struct point path[3] = {{0, 1}, {2, 3}, {4, 5}};
    const char *words[] = {"one", "two", NULL};
    bytes_of_four four = {0xde, 0xad, 0xbe, 0xef};
    double variable[rows];
    int table[rows][columns];
    float many[300];
    for (int row = 0; row < rows; row++) {
        variable[row] = row * 1.5;
        for (int column = 0; column < columns; column++)
            table[row][column] = row * 10 + column;
    }
    for (int index = 0; index < 300; index++)
        many[index] = (float)index / 4;
    int (*pointer_to_row)[] = &table[1];
    USE(flat);
    USE(grid);
    USE(cube);
    USE(path);
    USE(words);
    USE(four);
    USE(variable);
    USE(table);
    USE(many);
    USE(pointer_to_row);
    stop_here(4);
    USE(flat);
    return flat[4] + table[rows - 1][columns - 1];
}

NOINLINE static int of_functions(int left, int right)
{
    struct handler handlers[2] = {
        {"add", add, notified, NULL, &global_counter},
        {"subtract", subtract, NULL, &static_counter, NULL},
    };
    operation chosen = handlers[left > right].run;
    int result = chosen(left, right);
    USE(handlers);
    USE(chosen);
    OPAQUE(result);
    handlers[0].notify(&handlers[0], 5);
    stop_here(6);
    USE(handlers);
    return result;
}

NOINLINE static int sum_of_list(const struct node *head, int depth)
{
    if (!head) {
        stop_here(7);
        return 0;
    }
    int below = sum_of_list(head->next, depth + 1);
    KEEP_FRAME();
    return below + head->value;
}

NOINLINE static struct tree *insert(struct tree *at, struct tree *parent, struct tree *fresh)
{
    if (!at) {
        fresh->parent = parent;
        return fresh;
    }
    if (fresh->key < at->key)
        at->left = insert(at->left, at, fresh);
    else
        at->right = insert(at->right, at, fresh);
    return at;
}

NOINLINE static int walk(const struct tree *at, int *visited)
{
    int total = 0;
    if (at->left)
        total += walk(at->left, visited);
    ++*visited;
    if (*visited == 4) {
        int local_to_block = at->key * 2;
        OPAQUE(local_to_block);
        stop_here(8);
        total += local_to_block;
    }
    OPAQUE(total);
    if (at->right)
        total += walk(at->right, visited);
    return total + at->key;
}

NOINLINE static int of_links(void)
{
    struct node third = {30, NULL}, second = {20, &third}, first = {10, &second};
    struct tree trees[6] = {{.key = 50}, {.key = 30}, {.key = 70}, {.key = 20}, {.key = 40}, {.key = 60}};
    struct tree *root = NULL;
    int visited = 0;
    for (int index = 0; index < 6; index++)
        root = insert(root, NULL, &trees[index]);
    int total = sum_of_list(&first, 0) + walk(root, &visited);
    USE(first);
    USE(trees);
    return total;
}

/* Two levels that exist only as inlined calls, whatever the optimisation. */
static inline __attribute__((always_inline)) int inner_helper(int number, const int *factor)
{
    int scaled = number * *factor;
    OPAQUE(scaled);
    stop_here(9);
    scaled += *factor;
    OPAQUE(scaled);
    return scaled;
}

static inline __attribute__((always_inline)) int outer_helper(int number)
{
    int factor = number + 3;
    USE(factor);
    {
        int shadow = factor * 2;
        OPAQUE(shadow);
        number += inner_helper(shadow, &factor);
    }
    OPAQUE(number);
    return number + factor;
}

NOINLINE static int of_inlined(int start)
{
    int before = start * 7;
    OPAQUE(before);
    int between = outer_helper(before);
    OPAQUE(between);
    int after = outer_helper(between & 15);
    return before + between + after;
}

NOINLINE static int tail_end(int number, int stop)
{
    stop_here(stop);
    KEEP_FRAME();
    return number ^ 0x55;
}

NOINLINE static int tail_middle(int number, int stop)
{
    number += 17;
    OPAQUE(number);
    return tail_end(number, stop);
}

/* At -O2 the frames between this function and `tail_end` are gone. */
NOINLINE static int of_tail_calls(int number)
{
    int first = tail_middle(number, 10);
    KEEP_FRAME();
    return first + number;
}

NOINLINE static int of_loop(const int *numbers, int count)
{
    int sum = 0;
    for (int index = 0; index < count; index++) {
        int square = numbers[index] * numbers[index];
        OPAQUE(square);
        if (index == 2)
            stop_here(11);
        sum += square;
        OPAQUE(sum);
    }
    return sum;
}

NOINLINE static int of_statics(int step)
{
    static int calls = 3;
    static struct point remembered = {5, 6};
    static const char *const names[2] = {"first", "second"};
    calls += step;
    remembered.x += calls;
    thread_number += step;
    thread_point.y -= step;
    USE(names);
    stop_here(12);
    {
        int calls = -1;
        OPAQUE(calls);
        stop_here(13);
        remembered.y += calls;
    }
    return calls + remembered.x + thread_number + thread_point.y;
}

NOINLINE static int of_registers(int a, int b, int c, int d, int e, int f, int on_stack, long last)
{
    int sum = a + b, product = c * d;
    double ratio = (double)e / f;
    struct point pair = {a, b};
    stop_here(14);
    /* What is not used again may be lost from here on; what is stays in saved registers. */
    sum += product;
    OPAQUE(sum);
    stop_here(15);
    return sum + (int)ratio + on_stack + (int)last + pair.x;
}

NOINLINE static int of_variadic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int first = va_arg(arguments, int);
    const char *second = va_arg(arguments, const char *);
    va_end(arguments);
    OPAQUE(first);
    USE(second);
    stop_here(16);
    return first + second[0];
}

NOINLINE static int of_flexible(void)
{
    struct tail *tail = malloc(sizeof *tail + 3 * sizeof *tail->items);
    if (!tail)
        return 0;
    tail->count = 3;
    for (unsigned index = 0; index < tail->count; index++)
        tail->items[index] = (int)index + 100;
    void *opaque = tail;
    struct unknown *never_defined = (struct unknown *)tail;
    USE(opaque);
    USE(never_defined);
    stop_here(17);
    int sum = tail->items[2];
    free(tail);
    return sum;
}

NOINLINE static int of_goto(int number)
{
    int rounds = 0;
again:
    switch (number & 3) {
    case 0: {
        long in_case = number * 1000l;
        OPAQUE(in_case);
        stop_here(18);
        return (int)in_case + rounds;
    }
    default:
        number--;
        rounds++;
        OPAQUE(number);
        goto again;
    }
}

int main(void)
{
    set_up();
    ready();
    struct line line = {{1, 2}, {3, 4}, "diagonal"};
    struct line other = {{-1, -2}, {-3, -4}, NULL};
    const int numbers[6] = {3, 1, 4, 1, 5, 9};
    long sum = of_scalars(-7, 65535, 123456789, 0xfedcba9876543210ul, 0.1f, -0.0, true, GREEN, "text");
    sum += of_structs((struct point){10, 20}, &line, other);
    sum += of_arrays(2, 3);
    sum += of_functions(8, 5);
    sum += of_links();
    sum += of_inlined(2);
    sum += of_tail_calls(6);
    sum += of_loop(numbers, 6);
    sum += of_statics(2);
    sum += of_registers(1, 2, 3, 4, 5, 6, 7, 8);
    sum += of_variadic("%d %s", 5, "five");
    sum += of_flexible();
    sum += of_goto(11);
    sum += of_other_unit((int)sum & 7);
    printf("sum=%ld\n", sum);
    return 0;
}
