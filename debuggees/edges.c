// edges-c
// Shows: C's wide characters, whose types are numbers by other names: calls `stop_here(1)` where they are in scope.
// Prints: ready PID, and exits 0.
#include "common.h"
#include <uchar.h>
#include <wchar.h>

volatile int last_stop;

__attribute__((noinline)) void stop_here(int number)
{
    last_stop = number;
    __asm__ volatile("" ::: "memory");
}

int main(void)
{
    set_up();
    ready();
    wchar_t wide[] = L"wide";
    const wchar_t *to_wide = wide;
    char16_t sixteen[] = u"sixteen";
    char32_t thirty_two[] = U"thirty-two";
    const char16_t *to_sixteen = sixteen;
    __asm__ volatile("" : : "r"(&to_wide), "r"(&to_sixteen), "r"(thirty_two) : "memory");
    stop_here(1);
    return 0;
}
