#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t opened;

// Also called by a signal: only what is safe there.
static void restore(void)
{
    // Attributes off, cursor shown, lines wrapped, back to what was on the screen.
    static const char sequence[] = "\033[0m\033[?25h\033[?7h\033[?1049l";
    if (opened) {
        opened = 0;
        ssize_t written = write(STDOUT_FILENO, sequence, sizeof sequence - 1);
        (void)written;
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
}

static void end_by_signal(int number)
{
    restore();
    signal(number, SIG_DFL);
    raise(number);
}

static void note_resize(int number)
{
    (void)number; // it ends the wait for a key, which is all
}

bool kl_ctl_screen_open(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    struct sigaction action = {.sa_handler = end_by_signal};
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        sigaction(ends[i], &action, NULL);
    }
    action.sa_handler = note_resize;
    sigaction(SIGWINCH, &action, NULL);
    struct termios raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    opened = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    fputs("\033[?1049h\033[?25l\033[?7l", stdout); // what is too wide is cut
    fflush(stdout);
    return true;
}

void kl_ctl_screen_close(void)
{
    fflush(stdout);
    restore();
}

void kl_ctl_screen_size(size_t *ret_rows, size_t *ret_columns)
{
    struct winsize size = {.ws_row = 0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
                 size.ws_col > 0;
    *ret_rows = known ? size.ws_row : 24;
    *ret_columns = known ? size.ws_col : 80;
}

void kl_ctl_screen_show(const char *page, size_t rows)
{
    // Each line is written over the old one and the rest of it cleared: nothing flickers.
    fputs("\033[H", stdout);
    for (size_t row = 0; row < rows && *page != '\0'; row++) {
        size_t length = strcspn(page, "\n");
        printf("%s%.*s\033[K", row > 0 ? "\n" : "", (int)length, page);
        page += length + (page[length] == '\n' ? 1 : 0);
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

int kl_ctl_screen_key(int milliseconds)
{
    struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
    unsigned char key;
    if (poll(&fd, 1, milliseconds) <= 0) {
        return 0;
    }
    return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}
