// laden [DEPTH=30]
// Shows: frames full of values that lie elsewhere: in each of DEPTH frames of down() a string, a vector and a reference to a
// structure, all of them on pages of their own, so that no debugger has them by chance. leaf() runs in a loop for ever.
// Prints: ready PID.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#define NOINLINE __attribute__((noinline))

struct Crate {
    int number;
    std::string label;
};

volatile int pulse;
/* Never set. Without a way out the compiler would know that down() does not return. */
volatile int finished;

NOINLINE void leaf(int round)
{
    pulse = pulse + round;
}

NOINLINE std::size_t down(int depth)
{
    std::string text(5000, static_cast<char>('a' + depth % 26));
    std::vector<int> row(2000, depth);
    const Crate &crate = *new (aligned_alloc(4096, 4096)) Crate{depth, "crate"};
    if (depth > 0)
        return down(depth - 1) + text.size() + row.size() + crate.label.size();
    for (int round = 0; !finished; round++) {
        leaf(round);
        usleep(1000);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);
    return static_cast<int>(down(argc > 1 ? atoi(argv[1]) : 30));
}
