/* hello [ask] [env NAME]... [code N] [bytes N]
 * Shows: a launched program's arguments, environment, directory, terminal, output, input and exit code.
 * Prints, one fact a line: ready PID, arg I=..., cwd=..., tty=BBB (standard input, output, error are terminals), size=ROWSxCOLUMNS,
 * env NAME=... or `env NAME is not set`; `out: hello` to standard output and `err: hello` to standard error.
 * `ask` prints `name? ` and answers `hello, LINE` (or `no more input`); `bytes N` prints N bytes more. Exits with N of `code`. */
#include "common.h"
#include <limits.h>
#include <sys/ioctl.h>

static void show_surroundings(int argc, char **argv)
{
    char directory[PATH_MAX];
    struct winsize size = {0};
    for (int i = 0; i < argc; i++)
        printf("arg %d=%s\n", i, argv[i]);
    printf("cwd=%s\n", getcwd(directory, sizeof directory) ? directory : "?");
    printf("tty=%d%d%d\n", isatty(0), isatty(1), isatty(2));
    if (ioctl(1, TIOCGWINSZ, &size) == 0)
        printf("size=%ux%u\n", size.ws_row, size.ws_col);
}

NOINLINE void ask_name(void)
{
    char line[256];
    printf("name? ");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        printf("hello, %s\n", line);
    } else {
        printf("no more input\n");
    }
}

static void print_bytes(long count)
{
    for (long i = 1; i <= count; i++)
        putchar(i % 64 == 0 || i == count ? '\n' : 'a' + (int)(i % 26));
}

int main(int argc, char **argv)
{
    int code = 0;
    set_up();
    ready();
    show_surroundings(argc, argv);
    printf("out: hello\n");
    fflush(stdout);
    fprintf(stderr, "err: hello\n");
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "ask")) {
            ask_name();
        } else if (!strcmp(argv[i], "env") && i + 1 < argc) {
            const char *value = getenv(argv[++i]);
            if (value)
                printf("env %s=%s\n", argv[i], value);
            else
                printf("env %s is not set\n", argv[i]);
        } else if (!strcmp(argv[i], "code") && i + 1 < argc) {
            code = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "bytes") && i + 1 < argc) {
            print_bytes(atol(argv[++i]));
        }
    }
    fflush(stdout);
    return code;
}
