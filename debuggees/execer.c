/* execer main|thread [wait] PROGRAM [ARGUMENTS...]
 * Shows: exec under a debugger, from the main thread or from another one (which then takes over the process's number while
 * the others vanish). With `wait` it execs at a line of standard input. PROGRAM without a slash is looked for beside this one.
 * Prints: ready PID; the new program then prints its own ready line with the same PID. */
#include "common.h"
#include <libgen.h>
#include <limits.h>

static char program[PATH_MAX * 2];
static char **program_arguments;

NOINLINE void *exec_now(void *unused)
{
    (void)unused;
    execv(program, program_arguments);
    fprintf(stderr, "execer: %s: %s\n", program, strerror(errno));
    _exit(2);
}

NOINLINE static void *idle(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

int main(int argc, char **argv)
{
    int next = 2;
    int waits = argument_is(argc, argv, 2, "wait");
    char self[PATH_MAX] = "";
    if (waits)
        next++;
    if (next >= argc) {
        fprintf(stderr, "usage: execer main|thread [wait] PROGRAM [ARGUMENTS...]\n");
        return 2;
    }
    if (strchr(argv[next], '/')) {
        snprintf(program, sizeof program, "%s", argv[next]);
    } else {
        if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
            return 2;
        snprintf(program, sizeof program, "%s/%s", dirname(self), argv[next]);
    }
    program_arguments = argv + next;
    set_up();
    start_thread(idle, NULL);
    ready();
    if (waits)
        wait_for_line();
    if (argument_is(argc, argv, 1, "thread")) {
        start_thread(exec_now, NULL);
        idle(NULL);
    }
    exec_now(NULL);
    return 2;
}
