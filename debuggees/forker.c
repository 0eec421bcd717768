/* forker [fork|vfork|spawn|all] [CHILDREN=20] [THREADS=2]
 * Shows: that a debugger's traps do not leak into children. THREADS threads call child_step() all the time while the main thread makes
 * CHILDREN children of the kind (fork; vfork and exec; posix_spawn); each calls child_step() 42 times and exits with its own count.
 * A child that dies of a trap left in its memory, or counts wrongly, is `bad`. CHILDREN 0 means for ever.
 * Prints: ready PID, address of steps; at the end children=N bad=M, with exit code 0 only if none was bad. */
#include "common.h"
#include <spawn.h>
#include <sys/wait.h>

#define STEPS 42

volatile unsigned long steps;
volatile unsigned long children;
volatile unsigned long bad;

NOINLINE int child_step(int before)
{
    __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST);
    return before + 1;
}

static int be_child(void)
{
    int count = 0;
    for (int i = 0; i < STEPS; i++)
        count = child_step(count);
    return count;
}

NOINLINE static void *stepper(void *unused)
{
    (void)unused;
    for (;;) {
        child_step(0);
        usleep(100);
    }
    return NULL;
}

static pid_t make_child(const char *kind)
{
    static char *const child_arguments[] = {"forker", "--child", NULL};
    extern char **environ;
    pid_t child = -1;
    if (!strcmp(kind, "fork")) {
        child = fork();
        if (child == 0)
            _exit(be_child());
    } else if (!strcmp(kind, "vfork")) {
        child = vfork();
        if (child == 0) {
            execve("/proc/self/exe", child_arguments, environ);
            _exit(96);
        }
    } else if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, child_arguments, environ) != 0) {
        child = -1;
    }
    return child;
}

static void one_child(const char *kind)
{
    int status = 0;
    pid_t child = make_child(kind);
    children++;
    if (child < 0) {
        bad++;
        return;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        KEEP_FRAME();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != STEPS) {
        fprintf(stderr, "forker: %s child ended with status %#x\n", kind, status);
        bad++;
    }
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"fork", "vfork", "spawn"};
    if (argument_is(argc, argv, 1, "--child"))
        return be_child();
    const char *kind = argc > 1 ? argv[1] : "all";
    long wanted = argument(argc, argv, 2, 20);
    long threads = argument(argc, argv, 3, 2);
    set_up();
    for (long i = 0; i < threads; i++)
        start_thread(stepper, NULL);
    const struct named_address addresses[] = {
        {"steps", &steps}, {"children", &children}, {"bad", &bad}, {"child_step", (void *)child_step}};
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    for (long i = 0; wanted == 0 || i < wanted; i++)
        one_child(!strcmp(kind, "all") ? kinds[i % 3] : kind);
    printf("children=%lu bad=%lu\n", children, bad);
    fflush(stdout);
    return bad ? 1 : 0;
}
