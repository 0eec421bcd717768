/* selfcheck [THREADS=2] [MILLISECONDS=50]
 * Shows: whether a debugger left the code clean. THREADS threads call step() all the time; every MILLISECONDS the main thread
 * compares all its executable bytes with its own file and prints `beat N ok` or `beat N bad 0xOFFSET was XX is YY`.
 * While a debugger's trap is planted a beat is bad; after a detach, or the death of a debugger, beats must be ok again.
 * Prints: ready PID, addresses of steps and step; then a beat a line. A vanished reader does not end it. */
#include "common.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>

volatile unsigned long steps;
volatile unsigned long beats;
volatile unsigned long bad_beats;
static const unsigned char *text;
static const unsigned char *text_in_file;
static size_t text_size;

NOINLINE void step(void)
{
    __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST);
}

NOINLINE static void *stepper(void *unused)
{
    (void)unused;
    for (;;) {
        step();
        usleep(100);
    }
    return NULL;
}

/* The first object that dl_iterate_phdr reports is the program itself. */
static int find_text(struct dl_phdr_info *information, size_t size, void *file)
{
    (void)size;
    for (int i = 0; i < information->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &information->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X)) {
            text = (const unsigned char *)(information->dlpi_addr + header->p_vaddr);
            text_in_file = (const unsigned char *)file + header->p_offset;
            text_size = header->p_filesz;
        }
    }
    return 1;
}

static void beat(void)
{
    beats++;
    for (size_t i = 0; i < text_size; i++) {
        unsigned char now = ((const volatile unsigned char *)text)[i];
        if (now != text_in_file[i]) {
            bad_beats++;
            printf("beat %lu bad %#zx was %02x is %02x\n", beats, i, text_in_file[i], now);
            fflush(stdout);
            return;
        }
    }
    printf("beat %lu ok\n", beats);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    long threads = argument(argc, argv, 1, 2);
    long pause_between = argument(argc, argv, 2, 50);
    int file = open("/proc/self/exe", O_RDONLY);
    off_t length = file < 0 ? 0 : lseek(file, 0, SEEK_END);
    void *bytes = length > 0 ? mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED)
        return 2;
    dl_iterate_phdr(find_text, bytes);
    if (!text_size)
        return 3;
    signal(SIGPIPE, SIG_IGN);
    set_up();
    for (long i = 0; i < threads; i++)
        start_thread(stepper, NULL);
    const struct named_address addresses[] = {
        {"steps", &steps}, {"beats", &beats}, {"bad_beats", &bad_beats}, {"step", (void *)step}};
    ready_with(addresses, sizeof addresses / sizeof *addresses);
    for (;;) {
        beat();
        usleep((useconds_t)pause_between * 1000);
    }
}
