/* What every C debuggee shares: the `ready` line, numbers from argv, and a lifetime. */
#ifndef FARSIGHT_DEBUGGEE_COMMON_H
#define FARSIGHT_DEBUGGEE_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
/* A store the compiler must not drop, so that a frame is not turned into a tail call. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

/* The number at argv[index], or `otherwise` where there is none. */
static inline long argument(int argc, char **argv, int index, long otherwise)
{
    return index < argc ? strtol(argv[index], NULL, 0) : otherwise;
}

/* Whether argv[index] is exactly `word`. */
static inline int argument_is(int argc, char **argv, int index, const char *word)
{
    return index < argc && strcmp(argv[index], word) == 0;
}

/* A debuggee that nobody ends must not stay for ever: SIGALRM ends it after ten minutes, or after
 * FARSIGHT_DEBUGGEE_SECONDS. Any user process may trace it, so that tests run under Yama as well. */
static inline void set_up(void)
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? (unsigned)strtoul(seconds, NULL, 10) : 600);
#ifdef PR_SET_PTRACER
    prctl(PR_SET_PTRACER, (unsigned long)-1, 0, 0, 0);
#endif
}

/* `ready PID` is the first line of every debuggee. Lines that a debuggee prints before `announce` must
 * come after it, so they are given here as `address NAME 0xADDRESS` and leave in the same write: a reader that
 * goes away after the first line cannot kill the debuggee by SIGPIPE. */
struct named_address {
    const char *name;
    const volatile void *address;
};

static inline void ready_with(const struct named_address *addresses, size_t count)
{
    char text[2048];
    size_t used = (size_t)snprintf(text, sizeof text, "ready %d\n", (int)getpid());
    for (size_t i = 0; i < count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "address %s %#lx\n", addresses[i].name,
                                 (unsigned long)(uintptr_t)addresses[i].address);
    if (used > sizeof text)
        used = sizeof text;
    if (write(1, text, used) < 0)
        _exit(99);
}

static inline void ready(void)
{
    ready_with(NULL, 0);
}

/* Blocks until a line or the end of standard input. Unbuffered, so that later lines stay for others. */
static inline void wait_for_line(void)
{
    char byte;
    for (;;) {
        ssize_t got = read(0, &byte, 1);
        if (got == 0 || (got < 0 && errno != EINTR) || (got == 1 && byte == '\n'))
            return;
    }
}

static inline pthread_t start_thread(void *(*body)(void *), void *argument_of_body)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument_of_body);
    if (error) {
        fprintf(stderr, "pthread_create: %s\n", strerror(error));
        exit(98);
    }
    return thread;
}

#endif
