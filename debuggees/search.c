/* search [MIB=256]
 * Shows: memory search and bulk reads with known answers. Maps MIB MiB filled with a pattern that never contains the needle, with
 * pages without access before and after, and puts the 16-byte needle `FARSIGHT-NEEDLE!` at four places: near the start, across a
 * page boundary, in the middle, and at the very end. The needle is made at run time, so it is nowhere else in the program.
 * The filling is the low byte of (offset * 7 + offset / 4096), made even so that text never matches by chance.
 * Prints: ready PID, `region 0xADDRESS 0xSIZE`, then a line `needle 0xADDRESS` for each. */
#include "common.h"
#include <sys/mman.h>

int main(int argc, char **argv)
{
    /* The needle with every byte's lowest bit turned, so that the program's own file does not hold it. */
    static const char turned[] = "G@SRHFIU,ODDEMD ";
    char text[1024];
    size_t size = (size_t)argument(argc, argv, 1, 256) << 20;
    set_up();
    unsigned char *whole = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (size == 0 || whole == MAP_FAILED)
        return 2;
    unsigned char *region = whole + 4096;
    if (mprotect(region, size, PROT_READ | PROT_WRITE) != 0)
        return 3;
    for (size_t i = 0; i < size; i++)
        region[i] = (unsigned char)((i * 7 + i / 4096) & 0xfe);
    const size_t places[] = {67, 3 * 4096 - 5, size / 2 + 1, size - 16};
    size_t used = (size_t)snprintf(text, sizeof text, "ready %d\nregion %#lx %#zx\n", (int)getpid(), (unsigned long)region, size);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t k = 0; k < 16; k++)
            region[places[i] + k] = (unsigned char)(turned[k] ^ 1);
        used += (size_t)snprintf(text + used, sizeof text - used, "needle %#lx\n", (unsigned long)(region + places[i]));
    }
    if (write(1, text, used) < 0)
        return 4;
    for (;;)
        pause();
}
