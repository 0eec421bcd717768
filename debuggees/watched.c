/* watched [THREADS=8] [WRITES=1000] [same]
 * Shows: that no access to watched data is missed. THREADS threads write to `shared` WRITES times each, under a lock
 * that makes the program's own count, `written`, exact; with `same` they always write the value that is there. The first
 * thread then reads `shared` once.
 * `pushes` and `steps` are called by the main thread once each before that: pushes() stores to `slot` by a push, its
 * first instruction; steps() writes to each of `bytes`, `words` and `shared`.
 * Starts at a line (or the end) of standard input.
 * Prints: ready PID, addresses of shared, written, slot, bytes, words, pushes, steps and after_push; at the end
 * writes=N. */
#include "common.h"

volatile unsigned long shared __attribute__((aligned(8)));
volatile unsigned long written;
volatile unsigned long slot_space[8] __attribute__((aligned(64)));
volatile unsigned char bytes[8] __attribute__((aligned(8)));
volatile unsigned short words[4] __attribute__((aligned(8)));
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long writes_each = 1000;
static int same;

/* The stack pointer is moved to slot_space, so that the first instruction of pushes() stores to slot_space[3]. */
extern const char pushes[], after_push[];
__asm__(".text\n"
        ".type pushes, @function\n"
        "pushes:\n"
        "    push %rbx\n"
        "after_push:\n"
        "    nop\n"
        "    pop %rbx\n"
        "    jmp *%rbx\n"
        ".size pushes, . - pushes\n");

NOINLINE void call_pushes(void)
{
    __asm__ volatile("mov %%rsp, %%r12\n"
                     "lea 1f(%%rip), %%rbx\n"
                     "lea %0, %%rsp\n"
                     "jmp pushes\n"
                     "1: mov %%r12, %%rsp\n"
                     :
                     : "m"(slot_space[4])
                     : "rbx", "r12", "memory");
}

NOINLINE void steps(void)
{
    bytes[3] = 1;
    words[1] = 2;
    shared = 3;
}

NOINLINE static void *writer(void *unused)
{
    (void)unused;
    for (long i = 0; i < writes_each; i++) {
        pthread_mutex_lock(&lock);
        shared = same ? 1 : shared + 1;
        written++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[256];
    long count = argument(argc, argv, 1, 8);
    writes_each = argument(argc, argv, 2, 1000);
    same = argument_is(argc, argv, 3, "same");
    if (count < 1 || count > 256)
        return 2;
    set_up();
    const struct named_address addresses[] = {
        {"shared", &shared}, {"written", &written}, {"slot", &slot_space[3]},   {"bytes", bytes},
        {"words", words},    {"pushes", pushes},    {"after_push", after_push}, {"steps", (void *)steps},
    };
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    wait_for_line();
    call_pushes();
    steps();
    written = 0;
    for (long i = 0; i < count; i++)
        threads[i] = start_thread(writer, NULL);
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    printf("writes=%lu\n", written);
    fflush(stdout);
    return 0;
}
