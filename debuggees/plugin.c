/* The shared object that `loader` loads. Shows: a module that comes and goes, with a constructor that runs after
 * mapping: a stop at module load must come before plugin_ready is set. A thread has its plugin_number from the first
 * time on that it asks for it. */
volatile int plugin_ready;
__thread volatile int plugin_number = 77;

__attribute__((constructor)) static void plugin_constructor(void)
{
    plugin_ready = 1;
}

__attribute__((noinline)) int plugin_work(int value)
{
    plugin_number += value;
    return value * 2 + plugin_ready;
}
