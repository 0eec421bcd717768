/* hostile traps                breakpoint instructions of its own, of one byte and of two, that its SIGTRAP handler counts
 * hostile remap                calls code in a page of its own, then unmaps the page, maps other code there, and calls that
 * hostile exec [THREADS=100]   with THREADS threads running work(), one of them runs this program anew (hostile leaf)
 * hostile pending              blocks SIGTRAP, has one pending, and goes on calling work()
 * hostile gate                 gate() reads standard input by the old system call instruction, int $0x80
 * hostile queue                counts SIGRTMIN, and goes on calling work()
 * hostile storm                four threads call work() all the time; SIGUSR1 is counted
 * hostile meet                 one thread calls work() 20000 times, another sends it SIGTRAP all the while
 * hostile borrow               has a vfork child that calls work() all the time, for a minute
 * hostile vfork                has a vfork child that waits for a line before it runs this program anew
 * Shows: programs that do what debuggers do not like. Each waits for a line of standard input first.
 * Prints: ready PID, addresses of work, page; at the end a line with what came of it. */
#include "common.h"
#include <signal.h>
#include <sys/mman.h>

volatile unsigned long worked;
static volatile int trapped;
static int (*page)(void);

NOINLINE int work(int before)
{
    __atomic_add_fetch(&worked, 1, __ATOMIC_SEQ_CST);
    return before + 1;
}

static void count_trap(int signal)
{
    (void)signal;
    trapped++;
}

NOINLINE void own_traps(void)
{
    __asm__ volatile("nop; int3; nop; .byte 0xcd, 0x03; nop");
}

/* mov $value,%eax; ret */
static void put_code(int value)
{
    unsigned char code[] = {0xb8, (unsigned char)value, 0, 0, 0, 0xc3};
    if (mmap((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
        _exit(3);
    memcpy((void *)page, code, sizeof code);
}

static void *worker(void *unused)
{
    (void)unused;
    for (;;) {
        work(0);
        usleep(20000);
    }
    return NULL;
}

static void *runner(void *unused)
{
    static char *const leaf[] = {"hostile", "leaf", NULL};
    extern char **environ;
    (void)unused;
    execve("/proc/self/exe", leaf, environ);
    _exit(4);
}

/* read(0, low, 1): the old call takes addresses of 32 bits. */
int gate(void *low);
__asm__(".text; .globl gate; .type gate, @function; gate: push %rbx; mov %rdi, %rcx; mov $3, %eax; xor %ebx, %ebx; mov $1, %edx;"
        ".globl gate_call; gate_call: int $0x80; pop %rbx; ret; .size gate, .-gate");
extern char gate_call[];

static void wait_at_gate(void)
{
    void *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    printf("gate=%d\n", gate(low));
}

static volatile long queued;

static void count_queued(int signal)
{
    (void)signal;
    queued++;
}

static void work_on(void)
{
    for (;;) {
        work(0);
        usleep(1000);
    }
}

static void *busy(void *unused)
{
    (void)unused;
    for (;;)
        work(0);
    return NULL;
}

static void *send_traps(void *to)
{
    for (;;)
        pthread_kill(*(pthread_t *)to, SIGTRAP);
    return NULL;
}

static void meet_traps(void)
{
    static pthread_t self;
    self = pthread_self();
    signal(SIGTRAP, count_trap);
    start_thread(send_traps, &self);
    for (int i = 0; i < 20000; i++)
        work(0);
    printf("worked=%lu\n", worked);
    fflush(stdout);
    _exit(0);
}

static void hold_a_trap(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTRAP);
    work_on();
}

static void wait_for_child(void)
{
    static char *const leaf[] = {"hostile", "leaf", NULL};
    extern char **environ;
    if (vfork() == 0) {
        wait_for_line();
        execve("/proc/self/exe", leaf, environ);
        _exit(4);
    }
    work_on();
}

static void lend_memory(void)
{
    if (vfork() == 0) {
        alarm(60);
        busy(NULL);
    }
    work_on();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "traps";
    page = (int (*)(void))mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct named_address addresses[] = {
        {"work", (void *)work}, {"page", (void *)page}, {"gate_call", gate_call}, {"worked", &worked}, {"queued", &queued}};
    if (!strcmp(what, "leaf")) {
        puts("leaf");
        return 0;
    }
    set_up();
    put_code(1);
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    wait_for_line();
    if (!strcmp(what, "traps")) {
        signal(SIGTRAP, count_trap);
        own_traps();
        printf("trapped=%d\n", trapped);
    } else if (!strcmp(what, "remap")) {
        int first = page();
        put_code(2);
        printf("first=%d second=%d\n", first, page());
    } else if (!strcmp(what, "pending")) {
        hold_a_trap();
    } else if (!strcmp(what, "gate")) {
        wait_at_gate();
    } else if (!strcmp(what, "queue")) {
        signal(SIGRTMIN, count_queued);
        work_on();
    } else if (!strcmp(what, "storm")) {
        signal(SIGUSR1, count_queued);
        for (int i = 0; i < 3; i++)
            start_thread(busy, NULL);
        busy(NULL);
    } else if (!strcmp(what, "meet")) {
        meet_traps();
    } else if (!strcmp(what, "borrow")) {
        lend_memory();
    } else if (!strcmp(what, "vfork")) {
        wait_for_child();
    } else {
        for (long i = 0; i < argument(argc, argv, 2, 100); i++)
            start_thread(worker, NULL);
        start_thread(runner, NULL);
        worker(NULL);
    }
    return 0;
}
