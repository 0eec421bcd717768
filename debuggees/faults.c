/* faults MODE [wait]
 * Shows: signals and processor exceptions, first and second chance. With `wait` the fault waits for a line.
 *   segv bus fpe ill trap abort   raise that fault, unhandled
 *   usr1      sends itself SIGUSR1 every millisecond; handle_usr1() counts it in `handled`; `sent` is what was sent
 *   count     only counts the SIGUSR1 sent by others; a line on standard input prints handled=N and ends
 *   handler   raises SIGUSR1 once; the handler stays in in_handler() for ever (backtraces through a signal frame)
 *   altstack  as handler, on an alternate signal stack
 *   resume    reads a page without access; the SIGSEGV handler gives access, counts, and the read goes on; for ever
 *   owntrap   executes its own int3; the SIGTRAP handler counts it; for ever
 * Prints: ready PID, addresses of handled and sent. */
#include "common.h"
#include <signal.h>
#include <sys/mman.h>

volatile unsigned long handled;
volatile unsigned long sent;
static volatile char *guarded;
static volatile int zero;
static volatile int ten = 10;

NOINLINE void in_handler(void)
{
    for (;;) {
        handled++;
        usleep(1000);
    }
}

static void handle_usr1(int number)
{
    (void)number;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void stay_in_handler(int number)
{
    (void)number;
    in_handler();
    KEEP_FRAME();
}

static void give_access(int number, siginfo_t *information, void *context)
{
    (void)number;
    (void)context;
    if (information->si_addr != (void *)guarded)
        _exit(97);
    handled++;
    mprotect((void *)guarded, 4096, PROT_READ | PROT_WRITE);
}

static void on(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_flags = flags};
    action.sa_handler = handler;
    sigaction(number, &action, NULL);
}

NOINLINE void raise_segv(void)
{
    *(volatile char *)(uintptr_t)zero = 1;
}

NOINLINE void raise_bus(void)
{
    FILE *empty = tmpfile();
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(empty), 0);
    (void)*page;
}

NOINLINE int raise_fpe(void)
{
    return ten / zero;
}

NOINLINE void raise_ill(void)
{
    __asm__ volatile("ud2");
}

NOINLINE void raise_trap(void)
{
    __asm__ volatile("int3");
}

static void resume_for_ever(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = give_access;
    sigaction(SIGSEGV, &action, NULL);
    guarded = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (;;) {
        sent++;
        (void)*guarded;
        mprotect((void *)guarded, 4096, PROT_NONE);
        usleep(1000);
    }
}

static void signal_itself(void)
{
    on(SIGUSR1, handle_usr1, SA_RESTART);
    for (;;) {
        sent++;
        raise(SIGUSR1);
        usleep(1000);
    }
}

static void enter_handler(int flags)
{
    on(SIGUSR1, stay_in_handler, flags);
    raise(SIGUSR1);
}

int main(int argc, char **argv)
{
    static char other_stack[65536];
    const char *mode = argc > 1 ? argv[1] : "segv";
    set_up();
    if (!strcmp(mode, "count"))
        on(SIGUSR1, handle_usr1, SA_RESTART);
    const struct named_address addresses[] = {{"handled", &handled}, {"sent", &sent}};
    ready_with(addresses, 2);
    if (argument_is(argc, argv, 2, "wait"))
        wait_for_line();

    if (!strcmp(mode, "segv")) {
        raise_segv();
    } else if (!strcmp(mode, "bus")) {
        raise_bus();
    } else if (!strcmp(mode, "fpe")) {
        return raise_fpe();
    } else if (!strcmp(mode, "ill")) {
        raise_ill();
    } else if (!strcmp(mode, "trap")) {
        raise_trap();
    } else if (!strcmp(mode, "abort")) {
        abort();
    } else if (!strcmp(mode, "usr1")) {
        signal_itself();
    } else if (!strcmp(mode, "handler")) {
        enter_handler(0);
    } else if (!strcmp(mode, "altstack")) {
        stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
        sigaltstack(&stack, NULL);
        enter_handler(SA_ONSTACK);
    } else if (!strcmp(mode, "resume")) {
        resume_for_ever();
    } else if (!strcmp(mode, "owntrap")) {
        on(SIGTRAP, handle_usr1, 0);
        for (;; usleep(1000)) {
            sent++;
            raise_trap();
        }
    } else if (!strcmp(mode, "count")) {
        wait_for_line();
        printf("handled=%lu\n", handled);
        fflush(stdout);
        return 0;
    }
    fprintf(stderr, "faults: %s did not end the program\n", mode);
    return 2;
}
