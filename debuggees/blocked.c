/* blocked
 * Shows: break-in while every thread sleeps in the kernel, and that stopping disturbs no system call. Threads named
 * in_read, in_pause, in_futex, in_nanosleep and in_poll each block for ever; one that returns adds to `disturbed`.
 * A line on standard input makes the main thread print `disturbed=N` and exit 0.
 * Prints: ready PID once all threads are about to block, address of disturbed; at the end disturbed=N. */
#include "common.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

volatile unsigned long disturbed;
static int silent_pipe[2];
static int futex_word;
static pthread_barrier_t about_to_block;

static void begin(const char *name)
{
    pthread_setname_np(pthread_self(), name);
    pthread_barrier_wait(&about_to_block);
}

static void returned(void)
{
    __atomic_add_fetch(&disturbed, 1, __ATOMIC_SEQ_CST);
}

NOINLINE void *in_read(void *unused)
{
    char byte;
    (void)unused;
    for (begin("in_read");; returned())
        if (read(silent_pipe[0], &byte, 1) < 0)
            KEEP_FRAME();
    return NULL;
}

NOINLINE void *in_pause(void *unused)
{
    (void)unused;
    for (begin("in_pause");; returned())
        pause();
    return NULL;
}

NOINLINE void *in_futex(void *unused)
{
    (void)unused;
    for (begin("in_futex");; returned())
        syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return NULL;
}

NOINLINE void *in_nanosleep(void *unused)
{
    const struct timespec long_time = {.tv_sec = 1000000, .tv_nsec = 0};
    (void)unused;
    for (begin("in_nanosleep");; returned())
        nanosleep(&long_time, NULL);
    return NULL;
}

NOINLINE void *in_poll(void *unused)
{
    struct pollfd entry = {.fd = silent_pipe[0], .events = POLLIN, .revents = 0};
    (void)unused;
    for (begin("in_poll");; returned())
        poll(&entry, 1, 1000000000);
    return NULL;
}

int main(void)
{
    set_up();
    if (pipe(silent_pipe) != 0)
        return 2;
    pthread_barrier_init(&about_to_block, NULL, 6);
    start_thread(in_read, NULL);
    start_thread(in_pause, NULL);
    start_thread(in_futex, NULL);
    start_thread(in_nanosleep, NULL);
    start_thread(in_poll, NULL);
    pthread_barrier_wait(&about_to_block);
    const struct named_address addresses[] = {{"disturbed", &disturbed}};
    ready_with(addresses, 1);
    wait_for_line();
    printf("disturbed=%lu\n", disturbed);
    fflush(stdout);
    _exit(0);
}
