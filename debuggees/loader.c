/* loader [loop [MICROSECONDS=1000]]
 * Shows: modules that load and unload while debugged. Takes commands from standard input, one a line, and answers each:
 *   load -> loaded 0xADDRESS of plugin_work     call -> called N     unload -> unloaded     quit or end of input -> exits 0
 * `loop` instead loads, calls and unloads for ever, counting rounds in `rounds`.
 * Prints: ready PID, address of rounds. The plugin is `plugin.so` beside the program. */
#include "common.h"
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>

volatile unsigned long rounds;
static char plugin_path[PATH_MAX + 16];
static void *plugin;
static int (*work)(int);

static void find_plugin(void)
{
    char self[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        exit(2);
    snprintf(plugin_path, sizeof plugin_path, "%s/plugin.so", dirname(self));
}

NOINLINE void load_plugin(void)
{
    plugin = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin) {
        fprintf(stderr, "loader: %s\n", dlerror());
        exit(3);
    }
    *(void **)&work = dlsym(plugin, "plugin_work");
}

NOINLINE void unload_plugin(void)
{
    dlclose(plugin);
    plugin = NULL;
    work = NULL;
}

static void loop_for_ever(useconds_t pause_between)
{
    for (;; rounds++) {
        load_plugin();
        if (work(20) != 41)
            exit(4);
        unload_plugin();
        usleep(pause_between);
    }
}

int main(int argc, char **argv)
{
    char line[128];
    set_up();
    find_plugin();
    const struct named_address addresses[] = {{"rounds", &rounds}};
    ready_with(addresses, 1);
    if (argument_is(argc, argv, 1, "loop"))
        loop_for_ever((useconds_t)argument(argc, argv, 2, 1000));
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "load", 4) && !plugin) {
            load_plugin();
            printf("loaded %p\n", *(void **)&work);
        } else if (!strncmp(line, "call", 4) && plugin) {
            printf("called %d\n", work(20));
        } else if (!strncmp(line, "unload", 6) && plugin) {
            unload_plugin();
            printf("unloaded\n");
        } else if (!strncmp(line, "quit", 4)) {
            break;
        } else {
            printf("cannot %s", line);
        }
    }
    return 0;
}
