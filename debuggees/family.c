/* family storm [CHILDREN=1000] [ALIVE=16]   children by fork, about ALIVE at a time; every tenth makes a grandchild, and every
 *                                           tenth runs this program anew. Each calls step() once and ends by itself.
 * family vfork [CHILDREN=3] [TIMES=3]       children by vfork that call step() in this memory before they run this program anew
 * family clone [CHILDREN=3] [TIMES=50]      children by clone that share the memory for all their life
 * family exec [CHILDREN=1] [TIMES=1]        children by fork that call step() and run this program anew
 * Shows: process families under a debugger. In the last three a thread of the parent calls step() all the time.
 * Prints: ready PID, addresses of step, steps; at the end children=N bad=M, with exit code 0 only if none was bad. */
#include "common.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define LEAF_CODE 7

volatile unsigned long steps;
static long bad;

NOINLINE int step(int before)
{
    __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST);
    return before + 1;
}

static void call_steps(long times)
{
    for (long i = 0; i < times; i++)
        step(0);
}

static void run_leaf(void)
{
    static char *const leaf_arguments[] = {"family", "--leaf", NULL};
    extern char **environ;
    execve("/proc/self/exe", leaf_arguments, environ);
    _exit(96);
}

static void wait_for(pid_t child, int code)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        KEEP_FRAME();
    if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != code) {
        fprintf(stderr, "family: child %d ended with status %#x, not code %d\n", (int)child, status, code);
        bad++;
    }
}

static void be_child(long number)
{
    step(0);
    if (number % 10 == 3) {
        pid_t child = fork();
        if (child == 0) {
            step(0);
            _exit(1);
        }
        wait_for(child, 1);
        _exit(bad ? 97 : (int)(number & 0x3f));
    }
    if (number % 10 == 7)
        run_leaf();
    _exit((int)(number & 0x3f));
}

static void storm(long children, long alive)
{
    pid_t *pids = calloc((size_t)alive, sizeof *pids);
    for (long i = 0; i < children + alive; i++) {
        long old = i - alive;
        if (old >= 0 && old < children)
            wait_for(pids[old % alive], old % 10 == 7 ? LEAF_CODE : (int)(old & 0x3f));
        if (i >= children)
            continue;
        pid_t child = fork();
        if (child == 0)
            be_child(i);
        pids[i % alive] = child;
    }
}

struct order {
    long times;
};

static int cloned(void *order)
{
    call_steps(((struct order *)order)->times);
    _exit(LEAF_CODE);
}

NOINLINE static void *stepper(void *unused)
{
    (void)unused;
    for (;;) {
        step(0);
        usleep(100);
    }
    return NULL;
}

static pid_t make_child(const char *kind, long times)
{
    static char stack[64 << 10];
    static struct order order;
    pid_t child;
    if (!strcmp(kind, "clone")) {
        order.times = times;
        return clone(cloned, stack + sizeof stack - 64, CLONE_VM | SIGCHLD, &order);
    }
    child = strcmp(kind, "vfork") ? fork() : vfork();
    if (child == 0) {
        call_steps(times);
        run_leaf();
    }
    return child;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "storm";
    const struct named_address addresses[] = {{"steps", &steps}, {"step", (void *)step}};
    if (!strcmp(kind, "--leaf")) {
        step(0);
        return LEAF_CODE;
    }
    set_up();
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    if (argument_is(argc, argv, 3, "wait") || argument_is(argc, argv, 4, "wait"))
        wait_for_line();
    long children = argument(argc, argv, 2, strcmp(kind, "storm") ? 3 : 1000);
    if (!strcmp(kind, "storm")) {
        storm(children, argument(argc, argv, 3, 16));
    } else {
        start_thread(stepper, NULL);
        for (long i = 0; i < children; i++)
            wait_for(make_child(kind, argument(argc, argv, 3, 3)), LEAF_CODE);
    }
    printf("children=%ld bad=%ld\n", children, bad);
    fflush(stdout);
    return bad ? 1 : 0;
}
