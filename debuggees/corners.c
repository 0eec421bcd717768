// corners
// Shows: a parameter that is known only through all callers (at `stop_here(1)`), one register for all of a function, which
// what it calls changes (at `stop_here(2)`), and numbers in the other byte order (`header`).
// Prints: ready PID, and exits 0.
#include "common.h"

volatile int kept;

__attribute__((noinline)) void stop_here(long number)
{
    kept = (int)number;
}

struct __attribute__((scalar_storage_order("big-endian"))) Header {
    unsigned short length;
    int offset;
    unsigned kind : 4, flags : 12;
    float weight;
    long place;
    short parts[2];
};

struct Header header = {0x1234, -5, 3, 0x777, 1.5f, 1L << 40, {7, 8}};

__attribute__((noinline)) int called_from_itself(int left)
{
    if (left == 0) {
        stop_here(1);
        return kept;
    }
    return called_from_itself(left - 1) + 1;
}

__attribute__((noinline)) void inner(int high, int low)
{
    kept = high + low;
    stop_here(2);
}

__attribute__((noinline)) __int128 wide(__int128 whole, unsigned __int128 more)
{
    __int128 sum = whole + (__int128)more;
    kept = (int)sum;
    inner((int)(sum >> 64), (int)whole);
    return sum;
}

int main(void)
{
    set_up();
    ready();
    kept = called_from_itself(12);
    kept = (int)wide(((__int128)3 << 64) + 1, 2);
    return header.offset == -5 ? 0 : 1;
}
