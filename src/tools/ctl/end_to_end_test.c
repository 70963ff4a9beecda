// The real command and a real program, on a socket in a folder of their own. Both are built
// beside this test.

#include "ctl_testing.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 12, PATIENCE_MS = 50000, OUTPUT_MAX = 1 << 18 };

// A program that runs, and what it has written so far.
struct program {
    pid_t pid;
    int out, err, in; // our ends; `in` is that of a terminal, else -1
    char out_text[OUTPUT_MAX], err_text[OUTPUT_MAX];
    size_t out_size, err_size;
};

static struct program shop, keel, other;
static char folder[64], path[80];

// --- running ---

// Replaces this process; only in a child.
static void execute(const char *name, const char *const *arguments)
{
    static char file[4096];
    const char *argv[ARGUMENTS_MAX + 6] = {
            "sh", "-c", "exec $KEEL_TEST_WRAPPER \"$0\" \"$@\"", file};
    ssize_t length = readlink("/proc/self/exe", file, sizeof file - 64);
    file[length > 0 ? length : 0] = '\0';
    strcpy(strrchr(file, '/') + 1, name);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        argv[4 + i] = arguments[i];
    }
    execv(file, (char *const *)(argv + 3));
    // An emulated program cannot start another of its kind by itself.
    if (errno == ENOEXEC && getenv("KEEL_TEST_WRAPPER") != NULL) {
        execv("/bin/sh", (char *const *)argv);
    }
    _exit(99);
}

static void start_program(
        struct program *program, const char *name, const char *const *arguments)
{
    int out[2], err[2];
    CHECK_OK(pipe2(out, O_CLOEXEC));
    CHECK_OK(pipe2(err, O_CLOEXEC));
    program->out_size = program->err_size = 0;
    program->out_text[0] = program->err_text[0] = '\0';
    program->pid = fork();
    CHECK(program->pid >= 0);
    if (program->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // goes with the test, however that ends
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        execute(name, arguments);
    }
    close(out[1]);
    close(err[1]);
    program->out = out[0];
    program->err = err[0];
    program->in = -1;
}

static bool read_some(int *fd, char *text, size_t *size)
{
    ssize_t got = read(*fd, text + *size, OUTPUT_MAX - *size - 1);
    *size += got > 0 ? (size_t)got : 0;
    text[*size] = '\0';
    if (got <= 0) {
        close(*fd);
        *fd = -1;
    }
    return got > 0;
}

// Reads what comes; false at the end of both streams.
static bool read_more(struct program *program)
{
    struct pollfd fds[] = {{program->out, POLLIN, 0}, {program->err, POLLIN, 0}};
    if (program->out < 0 && program->err < 0) {
        return false;
    }
    if (poll(fds, 2, PATIENCE_MS) <= 0) {
        kl_test_fail(__FILE__, __LINE__, "silent after: %s%s", program->out_text,
                program->err_text);
    }
    if (fds[0].revents != 0) {
        read_some(&program->out, program->out_text, &program->out_size);
    }
    if (fds[1].revents != 0) {
        read_some(&program->err, program->err_text, &program->err_size);
    }
    return true;
}

static void await_text(struct program *program, const char *text, const char *wanted)
{
    while (strstr(text, wanted) == NULL) {
        if (!read_more(program)) {
            kl_test_fail(__FILE__, __LINE__, "no \"%s\" in: %s%s", wanted,
                    program->out_text, program->err_text);
        }
    }
}

// Waits for its end; the exit code, or 128 and the signal.
static int finish(struct program *program)
{
    int status;
    while (read_more(program)) {}
    CHECK(waitpid(program->pid, &status, 0) == program->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void start_shop(struct program *program)
{
    const char *arguments[] = {"--control", path, NULL};
    start_program(program, "ctl-shop", arguments);
}

static void begin(void)
{
    strcpy(folder, P_tmpdir "/keel-ctl-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/shop", folder);
    setenv("KEEL_CONTROL", path, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    start_shop(&shop);
    await_text(&shop, shop.out_text, "serving\n");
}

static void end(void)
{
    kill(shop.pid, SIGTERM);
    CHECK_INT(finish(&shop), 0);
    unlink(path);
    CHECK_OK(rmdir(folder));
}

// However slow all is, the program is waited for: what --timeout says later counts.
#define PATIENT "--timeout", "10m"
#define START_KEEL(...)                                                                    \
    start_program(&keel, "ctl-keel", (const char *[]){PATIENT, __VA_ARGS__, NULL})
// Runs the command; gives its exit code.
#define KEEL(...) (START_KEEL(__VA_ARGS__), finish(&keel))
#define CHECK_OUT(expected) CHECK_STR(keel.out_text, (expected))
#define CHECK_ERR(expected) CHECK_STR(keel.err_text, (expected))
#define CHECK_HAS(text, part) check_has(__LINE__, (text), (part))
static void check_has(int line, const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        kl_test_fail(__FILE__, line, "no \"%s\" in: %s%s", part, text, keel.err_text);
    }
}

// Pids differ from run to run: takes the numbers out of <0.12.1>.
static const char *without_pids(char *text)
{
    char *to = text;
    bool inside = false;
    for (const char *at = text; *at != '\0'; at++) {
        inside = *at == '<' ? true : *at == '>' ? false : inside;
        if (!inside || *at == '<') {
            *to++ = *at;
        }
    }
    *to = '\0';
    return text;
}

// --- looking ---

// What a process does, or how many messages it has, stands behind two blanks: not when all
// wait, as they do once their start is over.
static void print_tree(void)
{
    do {
        CHECK_INT(KEEL("tree", "shop_supervisor"), 0);
    } while (strstr(keel.out_text, "  ") != NULL);
}

TEST("a program is looked at: its processes, its tree, itself")
{
    begin();
    CHECK_INT(KEEL("ps"), 0);
    CHECK_HAS(keel.out_text, "PID ");
    CHECK_HAS(keel.out_text, " counter ");
    CHECK_HAS(keel.out_text, " keel_control_listener ");
    CHECK_HAS(keel.out_text, " 日本\\x1B[2J ");
    CHECK(strchr(keel.out_text, '\033') == NULL);
    print_tree();
    CHECK_STR(without_pids(keel.out_text), "shop_supervisor <>\n"
                                           "├─ counter <>\n"
                                           "└─ 日本\\x1B[2J <>\n");
    setenv("LC_ALL", "C", 1);
    print_tree();
    CHECK_STR(without_pids(keel.out_text),
            "shop_supervisor <>\n"
            "|- counter <>\n"
            "`- \\xE6\\x97\\xA5\\xE6\\x9C\\xAC\\x1B[2J <>\n");
    CHECK_INT(KEEL("info", "counter"), 0);
    CHECK_HAS(keel.out_text, "began with   counter:init/1\n");
    CHECK_INT(KEEL("info"), 0);
    CHECK_HAS(keel.out_text, "applications logger, control, shop\n");
    CHECK_INT(KEEL("top", "--once", "-n", "3"), 0);
    CHECK_HAS(keel.out_text, "BUSY%");
    CHECK_ERR("");
    end();
}

TEST("each row comes as JSON too")
{
    begin();
    const char *const commands[][8] = {{PATIENT, "ps", "--json"},
            {PATIENT, "ps", "-j", "-n", "2"},
            {PATIENT, "ps", "--json", "nobody of that name"}, {PATIENT, "tree", "--json"},
            {PATIENT, "info", "--json"}, {PATIENT, "info", "counter", "--json"},
            {PATIENT, "call", "counter", "value", "--json"},
            {PATIENT, "loglevel", "--json"}, {PATIENT, "kill", "counter", "--json"}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        start_program(&keel, "ctl-keel", commands[i]);
        CHECK_INT(finish(&keel), 0);
        if (!is_json(keel.out_text, keel.out_size)) {
            kl_test_fail(__FILE__, __LINE__, "no JSON: %s", keel.out_text);
        }
    }
    CHECK_HAS(keel.out_text, "\"reason\": \"killed\"");
    end();
}

TEST("a trace shows messages as they come")
{
    begin();
    START_KEEL("trace", "counter", "-n", "2", "--for", "1h");
    await_text(&keel, keel.err_text, "tracing ");
    struct program *tracer = &other; // the next command takes the place of this one
    *tracer = keel;
    CHECK_INT(KEEL("call", "counter", "{add, 5}"), 0);
    CHECK_INT(finish(tracer), 0);
    CHECK_HAS(tracer->out_text, "  call     {add,5}  from <0.");
    CHECK_HAS(tracer->out_text, "  reply    {ok,12}  to <0.");
    end();
}

// --- changing ---

TEST("a server is called, and a call that fails says why")
{
    begin();
    CHECK_INT(KEEL("call", "counter", "value"), 0);
    CHECK_OUT("7\n");
    CHECK_INT(KEEL("call", "counter", "{add, 5}"), 0);
    CHECK_OUT("{ok,12}\n");
    CHECK_INT(KEEL("call", "counter", "wait", "--timeout", "50ms"), 1);
    CHECK_ERR("keel: it did not answer within 0.05 s\n");
    CHECK_INT(KEEL("call", "nobody", "value"), 1);
    CHECK_ERR("keel: there is no process nobody\n");
    CHECK_INT(KEEL("call", "counter", "{add, "), 2);
    CHECK_HAS(keel.err_text, "is no term in Erlang notation");
    CHECK_OUT("");
    end();
}

TEST("a process is killed and started anew by its supervisor; the level of the log is set")
{
    begin();
    CHECK_INT(KEEL("call", "counter", "{add, 5}"), 0);
    CHECK_INT(KEEL("kill", "counter"), 0);
    CHECK_STR(without_pids(keel.out_text), "<> counter has ended: killed\n");
    int code;
    do { // until its supervisor has seen it
        code = KEEL("call", "counter", "value");
    } while (
            code == 1 && strcmp(keel.err_text, "keel: there is no process counter\n") == 0);
    CHECK_OUT("7\n");
    CHECK_INT(KEEL("kill", "shop_supervisor", "some_reason"), 0);
    CHECK_HAS(keel.out_text, "is still there: it traps exits\n");
    CHECK_INT(KEEL("loglevel", "warning"), 0);
    CHECK_INT(KEEL("loglevel"), 0);
    CHECK_OUT("warning\n");
    CHECK_INT(KEEL("loglevel", "loud"), 1);
    CHECK_HAS(keel.err_text, "there is no such level");
    end();
}

TEST("stop waits until the program has stopped in an orderly way")
{
    char expected[64];
    begin();
    CHECK_INT(KEEL("stop"), 0);
    snprintf(expected, sizeof expected, "process %d has stopped\n", (int)shop.pid);
    CHECK_OUT(expected);
    CHECK_INT(finish(&shop), 0);
    CHECK_HAS(shop.err_text, "keel stop");
    CHECK(access(path, F_OK) != 0); // it has cleaned up
    CHECK_OK(rmdir(folder));
}

// --- what goes wrong ---

TEST("a socket that is not there, not answered or not one is named in one sentence")
{
    char expected[200];
    begin();
    CHECK_INT(KEEL("-c", "/nowhere/at/all", "ps"), 1);
    CHECK_ERR("keel: there is no control socket at /nowhere/at/all\n");
    kill(shop.pid, SIGKILL);
    CHECK_INT(finish(&shop), 128 + SIGKILL);
    CHECK_INT(KEEL("info"), 1);
    snprintf(expected, sizeof expected,
            "keel: nobody answers at %s: the program that listened there has ended\n",
            path);
    CHECK_ERR(expected);
    unsetenv("KEEL_CONTROL");
    CHECK_INT(KEEL("info"), 1);
    CHECK_HAS(keel.err_text, "Give --control PATH or set KEEL_CONTROL");
    setenv("KEEL_CONTROL", "", 1); // as good as none
    CHECK_INT(KEEL("info"), 1);
    CHECK_HAS(keel.err_text, "Give --control PATH or set KEEL_CONTROL");
    setenv("KEEL_CONTROL", path, 1);
    // What a program has left behind is no hindrance to the next.
    start_shop(&shop);
    await_text(&shop, shop.out_text, "serving\n");
    CHECK_INT(KEEL("call", "counter", "value"), 0);
    // One that runs is: the second does not start.
    start_shop(&other);
    CHECK_INT(finish(&other), 1);
    CHECK_HAS(other.err_text, path);
    CHECK_HAS(other.err_text, "Address already in use");
    CHECK_INT(KEEL("call", "counter", "value"), 0);
    end();
}

TEST("a program that is stopped does not hold the command up for ever")
{
    begin();
    int status;
    kill(shop.pid, SIGSTOP);
    CHECK(waitpid(shop.pid, &status, WUNTRACED) == shop.pid); // until it has
    CHECK_INT(KEEL("ps", "--timeout", "100ms"), 1);
    CHECK_ERR("keel: the program has not answered for 0.1 s\n");
    kill(shop.pid, SIGCONT);
    CHECK_INT(KEEL("ps"), 0);
    end();
}

TEST("wrong command lines end with 2 and say what is wrong")
{
    begin();
    CHECK_INT(KEEL("frob"), 2);
    CHECK_ERR("keel: there is no command frob; try keel --help\n");
    CHECK_INT(KEEL("ps", "--sort", "size"), 2);
    CHECK_HAS(keel.err_text, "--sort takes one of pid, name, queue");
    CHECK_INT(KEEL("ps", "-n", "x"), 2);
    CHECK_INT(KEEL("trace", "counter", "--for", "ever"), 2);
    CHECK_INT(KEEL("trace", "counter", "-n", "0"), 2);
    CHECK_INT(KEEL("top", "--sort", "colour"), 2);
    CHECK_INT(KEEL("top", "--delay", "never"), 2);
    CHECK_INT(KEEL("kill"), 2);
    CHECK_OUT("");
    CHECK_INT(KEEL("--help"), 0);
    CHECK_HAS(keel.out_text, "Usage: keel ");
    CHECK_INT(KEEL("trace", "--help"), 0);
    CHECK_INT(KEEL("tree", "nobody"), 1);
    end();
}

static void close_early(void)
{
    START_KEEL("ps");
    close(keel.out);
    keel.out = -1;
}

TEST("nobody reads any more: the command ends without a word")
{
    begin();
    close_early();
    int code = finish(&keel);
    CHECK(code == 0 || code == 128 + SIGPIPE);
    CHECK_ERR("");
    signal(SIGPIPE, SIG_IGN); // inherited, as from some shells and languages
    close_early();
    CHECK_INT(finish(&keel), 0);
    CHECK_ERR("");
    end();
}

// --- on a terminal ---

static void start_on_terminal(const char *const *arguments)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(master >= 0);
    CHECK_OK(grantpt(master));
    CHECK_OK(unlockpt(master));
    const char *name = ptsname(master);
    CHECK(name != NULL);
    keel.out_size = keel.err_size = 0;
    keel.out_text[0] = keel.err_text[0] = '\0';
    keel.pid = fork();
    CHECK(keel.pid >= 0);
    if (keel.pid == 0) {
        int slave = open(name, O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(slave, STDIN_FILENO);
        dup2(slave, STDOUT_FILENO);
        dup2(slave, STDERR_FILENO);
        execute("ctl-keel", arguments);
    }
    keel.out = master;
    keel.err = -1;
    keel.in = master;
}

TEST("top shows a page again and again, obeys keys, and puts the terminal back")
{
    struct termios state;
    begin();
    setenv("TERM", "xterm", 1);
    start_on_terminal((const char *[]){PATIENT, "top", "--delay", "100ms", NULL});
    int second = dup(keel.in); // the first is closed at the end of the output
    CHECK(second >= 0);
    await_text(&keel, keel.out_text, "by reductions");
    CHECK_HAS(keel.out_text, "\033[?1049h");
    CHECK_HAS(keel.out_text, "counter");
    CHECK_OK(tcgetattr(second, &state));
    CHECK((state.c_lflag & ICANON) == 0);
    CHECK_INT(write(second, "u", 1), 1);
    await_text(&keel, keel.out_text, "by queue");
    CHECK_INT(write(second, "q", 1), 1);
    CHECK_INT(finish(&keel), 0);
    CHECK_HAS(keel.out_text, "\033[?1049l");
    CHECK_OK(tcgetattr(second, &state));
    CHECK((state.c_lflag & ICANON) != 0 && (state.c_lflag & ECHO) != 0);
    close(second);
    end();
}

TEST("a signal ends top, and the terminal is put back as well")
{
    begin();
    setenv("TERM", "xterm", 1);
    start_on_terminal((const char *[]){PATIENT, "top", NULL});
    await_text(&keel, keel.out_text, "by reductions");
    kill(keel.pid, SIGTERM);
    CHECK_INT(finish(&keel), 128 + SIGTERM);
    CHECK_HAS(keel.out_text, "\033[?1049l");
    CHECK_INT(KEEL("top"), 2); // here is none
    CHECK_HAS(keel.err_text, "top wants a terminal");
    end();
}

TEST("colours are for terminals, and not with NO_COLOR")
{
    begin();
    setenv("TERM", "xterm", 1);
    start_on_terminal((const char *[]){PATIENT, "ps", NULL});
    CHECK_INT(finish(&keel), 0);
    CHECK_HAS(keel.out_text, "\033[1mcounter\033[0m");
    CHECK(strstr(keel.out_text, "\033[2J") == NULL); // only ours
    setenv("NO_COLOR", "1", 1);
    start_on_terminal((const char *[]){PATIENT, "ps", NULL});
    CHECK_INT(finish(&keel), 0);
    CHECK(strchr(keel.out_text, '\033') == NULL);
    end();
}
