/* late [ROUNDS=3]
 * Shows: source that no module has yet. It loads `late_library.so`, which stands beside it, after `before_loading`, calls into
 * it ROUNDS times, and unloads it.
 * Prints: ready PID, `sum=N`, and exits 0. */
#include "common.h"
#include "late.h"
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>

static char library[PATH_MAX + 32];

NOINLINE void before_loading(void)
{
    char self[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        exit(2);
    snprintf(library, sizeof library, "%s/late_library.so", dirname(self));
}

int main(int argc, char **argv)
{
    long rounds = argument(argc, argv, 1, 3), sum = late_twice(0);
    set_up();
    ready();
    before_loading();
    void *loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    int (*late_sum)(const int *, int) = NULL;
    if (loaded)
        *(void **)&late_sum = dlsym(loaded, "late_sum");
    if (!late_sum) {
        fprintf(stderr, "late: %s\n", dlerror());
        return 3;
    }
    const int numbers[] = {3, 5, 7};
    for (long round = 0; round < rounds; round++)
        sum += late_sum(numbers, 3);
    dlclose(loaded);
    printf("sum=%ld\n", sum);
    return 0;
}
