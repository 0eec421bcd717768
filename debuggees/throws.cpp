// throws [ROUNDS=1]
// Shows: calls that do not return: a C++ exception that its caller, or the caller's caller, catches, and longjmps.
// Prints: ready PID, `caught N`, and exits 0.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <sys/prctl.h>
#include <unistd.h>

struct Guard {
    int *count;
    ~Guard() { ++*count; }
};

static int caught;
static jmp_buf place;

[[gnu::noinline]] static void thrower(int depth)
{
    if (depth == 0)
        throw 42;
    thrower(depth - 1);
}

[[gnu::noinline]] static void catches_here()
{
    try {
        thrower(2);
        caught = -1000;
    } catch (int number) {
        caught += number;
    }
}

[[gnu::noinline]] static void passes_on()
{
    Guard guard{&caught};
    thrower(1);
    caught = -1000;
}

[[gnu::noinline]] static void catches_far()
{
    try {
        passes_on();
    } catch (...) {
        caught++;
    }
}

[[gnu::noinline]] static void jumps_back()
{
    if (setjmp(place) == 0)
        longjmp(place, 1);
    caught++;
}

[[gnu::noinline]] static void jumper(int depth)
{
    if (depth == 0)
        longjmp(place, 1);
    if (depth > 0)
        jumper(depth - 1);
}

[[gnu::noinline]] static void jumped_over()
{
    jumper(1);
    caught = -1000;
}

[[gnu::noinline]] static void jumps_far()
{
    if (setjmp(place) == 0)
        jumped_over();
    caught++;
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);
    long rounds = argc > 1 ? strtol(argv[1], nullptr, 10) : 1;
    for (long round = 0; round < rounds; round++) {
        catches_here();
        catches_far();
        jumps_back();
        jumps_far();
    }
    printf("caught %d\n", caught);
    return 0;
}
