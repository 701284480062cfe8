/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake top`: asks the daemon each second and shows what came of it. Plain ANSI, on the terminal's other
 * screen; whatever ends the command, the terminal is as it was before.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/top.h"

enum { OPT_ONCE = CLI_OPT_OWN, OPT_INTERVAL };
enum { COLUMNS_MIN = 80, SCREEN_BYTES_MAX = 1 << 20, INTERVAL_MAX = 3600 };

#define SCREEN_ENTER "\033[?1049h\033[?25l"
#define SCREEN_LEAVE "\033[0m\033[?25h\033[?1049l"

static const char HELP[] =
    "Usage: offtake top [--once] [--json] [--interval SECONDS]\n"
    "A live view of the running daemon: requests, errors, latencies and tokens by\n"
    "pool, pools that pause, money earned and owed a minute, budgets, refusals.\n\n"
    "  --once         print one view (two looks, an interval apart) and end\n"
    "  --json         print JSON, an object a line; rates in thousandths a second\n"
    "  --interval SECONDS\n"
    "                 between two looks, 1 to 3600 (default: 1)\n" CLI_TARGET_HELP
    "\nKeys: q ends; left and right choose the column to sort by, up and down its\n"
    "order; space pauses.\n"
    "Without a terminal it prints once. No colour without a terminal, and none when\n"
    "NO_COLOR is set.\n"
    "Exit status: 0 done; 2 wrong command line; 3 nobody answers.\n";

struct top {
    struct cli_target target;
    bool once, json;
    int interval_s;
    struct top_screen screen;
    struct top_view *view;
    json_t *before, *now;
    bool raw; /* the terminal is ours */
    struct termios saved;
    int signal_fd;
};

/* ---- looking ----------------------------------------------------------------------------------- */

static int look(struct top *top)
{
    struct cli_reply reply;
    int code = cli_call(&top->target, "GET", "/v1/top", NULL, &reply);
    json_t *answer = code == CLI_OK ? cli_reply_json(&reply) : NULL;
    cli_reply_release(&reply);
    if (answer == NULL) {
        return code == CLI_OK ? CLI_FAULT : code;
    }
    json_decref(top->before);
    top->before = top->now;
    top->now = answer;
    top_view_make(top->before, top->now, top->view);
    return CLI_OK;
}

static int print_json(const struct top *top)
{
    json_t *object = top_view_json(top->view);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    int code = text == NULL ? cli_error(CLI_FAULT, "out of memory") : CLI_OK;
    if (text != NULL && (puts(text) == EOF || fflush(stdout) != 0)) {
        code = cli_error(CLI_FAULT, "cannot write the answer: %s", strerror(errno));
    }
    free(text);
    json_decref(object);
    return code;
}

static void pause_interval(const struct top *top)
{
    struct timespec left = {.tv_sec = top->interval_s};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static int run_plain(struct top *top)
{
    int code = look(top);
    while (code == CLI_OK) {
        pause_interval(top);
        code = look(top);
        if (code == CLI_OK && top->json) {
            code = print_json(top);
        } else if (code == CLI_OK) {
            struct oft_buffer out;
            oft_buffer_init(&out, SCREEN_BYTES_MAX);
            top_sort_pools(top->view, top->screen.sort, top->screen.descending);
            top_draw(top->view, &top->screen, &out);
            code = cli_print(oft_buffer_text(&out));
            oft_buffer_release(&out);
        }
        if (top->once || !top->json) {
            break;
        }
    }
    return code;
}

/* ---- the terminal ------------------------------------------------------------------------------ */

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);
        if (written < 0 && errno != EINTR) {
            return;
        }
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

static void terminal_leave(struct top *top)
{
    if (top->raw) {
        write_all(SCREEN_LEAVE, sizeof SCREEN_LEAVE - 1);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &top->saved);
        top->raw = false;
    }
}

static bool terminal_enter(struct top *top)
{
    if (tcgetattr(STDIN_FILENO, &top->saved) != 0) {
        return false;
    }
    struct termios raw = top->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped, it would leave the other screen behind */
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
        return false;
    }
    top->raw = true;
    write_all(SCREEN_ENTER, sizeof SCREEN_ENTER - 1);
    return true;
}

static void size_read(struct top *top)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    top->screen.columns = known ? size.ws_col : COLUMNS_MIN;
    top->screen.rows = known ? size.ws_row : 24;
}

/* The screen is written in one go, so that it does not flicker. */
static void show(struct top *top)
{
    struct oft_buffer lines, out;
    oft_buffer_init(&lines, SCREEN_BYTES_MAX);
    oft_buffer_init(&out, 2 * SCREEN_BYTES_MAX);
    size_read(top);
    top_sort_pools(top->view, top->screen.sort, top->screen.descending);
    top_draw(top->view, &top->screen, &lines);
    oft_buffer_append_text(&out, "\033[H");
    for (const char *at = oft_buffer_text(&lines); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        oft_buffer_append(&out, at, length);
        oft_buffer_append_text(&out, at[length] == '\n' ? "\033[K\n" : "\033[K");
        at += length + (at[length] == '\n');
    }
    oft_buffer_append_text(&out, "\033[J");
    write_all(oft_buffer_text(&out), out.length);
    oft_buffer_release(&lines);
    oft_buffer_release(&out);
}

/* Returns false for q. */
static bool keys_handle(struct top *top)
{
    char keys[64];
    ssize_t got = read(STDIN_FILENO, keys, sizeof keys);
    for (ssize_t i = 0; i < got; i++) {
        bool arrow = keys[i] == '\033' && i + 2 < got && (keys[i + 1] == '[' || keys[i + 1] == 'O');
        unsigned sort = (unsigned)top->screen.sort;
        if (arrow) {
            i += 2;
            sort += keys[i] == 'C' ? 1 : keys[i] == 'D' ? TOP_SORTS - 1 : 0;
            top->screen.sort = (enum top_sort)(sort % TOP_SORTS);
            top->screen.descending = keys[i] == 'A'   ? false
                                     : keys[i] == 'B' ? true
                                                      : top->screen.descending;
        } else if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3) {
            return false;
        } else if (keys[i] == ' ') {
            top->screen.paused = !top->screen.paused;
        }
    }
    return got != 0; /* 0: the terminal is gone */
}

/* Returns false for a signal that ends us. */
static bool signals_handle(struct top *top)
{
    struct signalfd_siginfo info;
    bool goes_on = true;
    while (read(top->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        goes_on = goes_on && info.ssi_signo == SIGWINCH;
    }
    return goes_on;
}

static int64_t now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A look that fails is told on the terminal as it was, where it stays to be read. */
static int look_again(struct top *top)
{
    struct cli_reply reply;
    if (top->screen.paused) {
        return CLI_OK;
    }
    int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (saved >= 0 && nowhere >= 0) {
        (void)dup2(nowhere, STDERR_FILENO);
    }
    int code = look(top);
    if (saved >= 0 && nowhere >= 0) {
        (void)dup2(saved, STDERR_FILENO);
    }
    (void)close(saved);
    (void)close(nowhere);
    if (code != CLI_OK) {
        terminal_leave(top);
        code = cli_call(&top->target, "GET", "/v1/top", NULL, &reply);
        cli_reply_release(&reply);
        return code == CLI_OK && !terminal_enter(top) ? CLI_FAULT : code;
    }
    return code;
}

static int run_live(struct top *top)
{
    int code = look(top);
    if (code != CLI_OK) {
        return code;
    }
    if (!terminal_enter(top)) {
        return cli_error(CLI_FAULT, "cannot set up the terminal: %s", strerror(errno));
    }
    int64_t due_ms = now_ms() + (int64_t)top->interval_s * 1000;
    bool goes_on = true;
    show(top);
    while (goes_on && code == CLI_OK) {
        struct pollfd ready[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                  {.fd = top->signal_fd, .events = POLLIN}};
        int64_t wait_ms = due_ms - now_ms();
        (void)poll(ready, 2, wait_ms > 0 ? (int)wait_ms : 0);
        if (ready[1].revents != 0) {
            goes_on = signals_handle(top);
        }
        if (ready[0].revents != 0 && goes_on) {
            goes_on = keys_handle(top);
        }
        if (now_ms() >= due_ms) {
            code = look_again(top);
            due_ms = now_ms() + (int64_t)top->interval_s * 1000;
        }
        if (goes_on && code == CLI_OK) {
            show(top);
        }
    }
    terminal_leave(top);
    return code;
}

static bool signals_open(struct top *top)
{
    static const int NUMBERS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < OFT_COUNT_OF(NUMBERS); i++) {
        sigaddset(&set, NUMBERS[i]);
    }
    top->signal_fd = sigprocmask(SIG_BLOCK, &set, NULL) == 0
                         ? signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)
                         : -1;
    return top->signal_fd >= 0;
}

/* ---- the command ------------------------------------------------------------------------------- */

static int options_read(int argc, char **argv, struct top *top, bool *ret_help)
{
    static const struct option OPTIONS[] = {{"once", no_argument, NULL, OPT_ONCE},
                                            {"interval", required_argument, NULL, OPT_INTERVAL},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        char *end = NULL;
        if (option == 'h') {
            *ret_help = true;
            return CLI_OK;
        } else if (option == OPT_ONCE) {
            top->once = true;
        } else if (option == CLI_OPT_JSON) {
            top->json = true;
        } else if (option == OPT_INTERVAL) {
            long seconds = strtol(optarg, &end, 10);
            if (*end != '\0' || seconds < 1 || seconds > INTERVAL_MAX) {
                return cli_usage_error(argv[0], "--interval takes a number from 1 to 3600");
            }
            top->interval_s = (int)seconds;
        } else if (!cli_target_option(&top->target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return optind == argc
               ? CLI_OK
               : cli_usage_error(argv[0], "\"%s\" is one argument too many", argv[optind]);
}

int cli_top(int argc, char **argv)
{
    struct top top = {.interval_s = 1, .signal_fd = -1};
    bool help = false;
    cli_target_init(&top.target);
    int code = options_read(argc, argv, &top, &help);
    if (code != CLI_OK || help) {
        return help ? cli_print(HELP) : code;
    }
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool live = !top.once && !top.json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
                term != NULL && strcmp(term, "dumb") != 0;
    top.screen = (struct top_screen){.columns = COLUMNS_MIN,
                                     .colour = live && (no_colour == NULL || no_colour[0] == '\0'),
                                     .keys = live,
                                     .sort = TOP_BY_REQUESTS,
                                     .descending = true};
    top.view = calloc(1, sizeof *top.view);
    if (top.view == NULL) {
        return cli_error(CLI_FAULT, "out of memory");
    }
    if (live && !signals_open(&top)) {
        code = cli_error(CLI_FAULT, "cannot take signals: %s", strerror(errno));
    } else {
        code = live ? run_live(&top) : run_plain(&top);
    }
    if (top.signal_fd >= 0) {
        (void)close(top.signal_fd);
    }
    json_decref(top.before);
    json_decref(top.now);
    free(top.view);
    return code;
}
