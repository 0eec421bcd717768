/* The shared object that `late` loads. Shows: a source file that a breakpoint may name before any module has it. */
#include "late.h"

static int late_square(int number)
{
    int square = number * number;
    return square;
}

int late_sum(const int *numbers, int count)
{
    int sum = 0;
    for (int index = 0; index < count; index++)
        sum += late_square(numbers[index]);
    return late_twice(sum) - sum;
}
