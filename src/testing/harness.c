#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_SKIPPED = 77, // what automake, meson and the shell scripts call "skipped"
    DEFAULT_TIMEOUT_S = 60,
    DEFAULT_SEEDS = 3,
    // How many seeds one child runs: most of what a short test costs is the child.
    SEEDS_AT_ONCE = 25,
    REPORT_TEXT = 4096,
    OUTPUT_SHOWN = 64 * 1024,
};

enum outcome { RUNNING, PASSED, FAILED, SKIPPED };

// What a child tells its parent, in memory shared by the two: the exit code alone cannot
// tell a test that passed from one that called exit(0) halfway.
struct report {
    enum outcome outcome;
    uint64_t seed; // the one that runs, or the last; written while the parent looks at it
    char text[REPORT_TEXT];
};

// How a child ended.
struct run {
    enum outcome outcome;
    struct report report;
    int status, timeout_s;
    bool timed_out;
    int output; // what it printed
};

struct options {
    bool list, ids, no_fork, seeded;
    uint64_t first_seed, seeds;
    int timeout_s;
    char **filters;
    int filter_count;
};

static struct kl_test *tests, **tests_end = &tests;
static struct report *report;
static uint64_t current_seed;
static bool forked;
static int current_number;
static const char *current_name = "";

static bool parse_options(int argc, char **argv, struct options *options);
static bool names_are_unique(void);
static bool is_wanted(const struct kl_test *test, const struct options *options);
static void print_ids(const struct kl_test *test);
static enum outcome run_test(const struct kl_test *test, const struct options *options);

int main(int argc, char **argv)
{
    struct options options = {.first_seed = 1, .seeds = DEFAULT_SEEDS};
    if (!parse_options(argc, argv, &options) || !names_are_unique()) {
        return 2;
    }

    int wanted = 0;
    for (struct kl_test *test = tests; test; test = test->next) {
        wanted += is_wanted(test, &options);
        if (options.list && is_wanted(test, &options)) {
            printf("%s\n", test->name);
        } else if (options.ids && is_wanted(test, &options)) {
            print_ids(test);
        }
    }
    if (options.list || options.ids) {
        return 0;
    }
    if (wanted == 0) {
        // A filter may well match nothing here; a program without tests is a mistake.
        printf("1..0 # SKIP no test of that name\n");
        return tests ? 0 : 1;
    }

    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
            -1, 0);
    if (report == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    int failed = 0;
    printf("1..%d\n", wanted);
    for (struct kl_test *test = tests; test; test = test->next) {
        if (is_wanted(test, &options)) {
            current_number++;
            current_name = test->name;
            failed += run_test(test, &options) == FAILED;
        }
    }
    return failed ? 1 : 0;
}

void kl_test_register(struct kl_test *test)
{
    *tests_end = test;
    tests_end = &test->next;
}

uint64_t kl_test_seed(void)
{
    return current_seed;
}

// Ends the test at once. The first thread to come here decides; others wait for the end,
// so that two failures do not write over each other.
static _Noreturn void end_test(enum outcome outcome, const char *text)
{
    static int ending; // pairs with itself: whoever finds 0 goes on
    if (__atomic_exchange_n(&ending, 1, __ATOMIC_ACQ_REL)) {
        for (;;) {
            pause();
        }
    }
    bool skipped = outcome == SKIPPED;
    if (forked && report->outcome == FAILED) {
        // A child of the test has told already what failed there.
    } else if (forked) {
        snprintf(report->text, sizeof report->text, "%s", text);
        report->outcome = outcome;
    } else {
        // Nobody will finish the plan: the runner of this output sees that it is short.
        printf("%s %d - %s%s%s\n", skipped ? "ok" : "not ok", current_number, current_name,
                skipped ? " # SKIP " : "\n# ", text);
    }
    fflush(stdout);
    _exit(skipped ? EXIT_SKIPPED : 1);
}

void kl_test_fail(const char *file, int line, const char *format, ...)
{
    // Static: the stack may be a process's small one.
    static __thread char text[REPORT_TEXT], message[REPORT_TEXT - 512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(text, sizeof text, "%.400s:%d: %s", file, line, message);
    end_test(FAILED, text);
}

bool kl_test_is_emulated(void)
{
    const char *wrapper = getenv("KEEL_TEST_WRAPPER");
    return wrapper != NULL &&
           (strstr(wrapper, "qemu") != NULL || strstr(wrapper, "valgrind") != NULL);
}

void kl_test_skip(const char *format, ...)
{
    static __thread char text[REPORT_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    end_test(SKIPPED, text);
}

void kl_test_check_int(
        const char *file, int line, const char *what, int64_t actual, int64_t expected)
{
    if (actual != expected) {
        kl_test_fail(file, line, "%s is %lld, expected %lld", what, (long long)actual,
                (long long)expected);
    }
}

void kl_test_check_str(const char *file, int line, const char *what, const char *actual,
        const char *expected)
{
    bool same = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    if (!same) {
        kl_test_fail(file, line, "%s is\n  %s\nexpected\n  %s", what,
                actual ? actual : "(null)", expected ? expected : "(null)");
    }
}

// --- the command line ---

static bool parse_number(const char *text, uint64_t *ret_number)
{
    char *end = NULL;
    errno = 0;
    uint64_t number = text ? strtoull(text, &end, 0) : 0;
    if (!text || errno || end == text || *end || *text == '-') {
        return false;
    }
    *ret_number = number;
    return true;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    uint64_t timeout = 0;
    options->filters = argv; // filters move to the front of argv, over what is parsed
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        uint64_t *number = NULL;
        if (strcmp(word, "--list") == 0) {
            options->list = true;
        } else if (strcmp(word, "--ids") == 0) {
            options->ids = true;
        } else if (strcmp(word, "--no-fork") == 0) {
            options->no_fork = true;
        } else if (strcmp(word, "--seeded") == 0) {
            options->seeded = true;
        } else if (strcmp(word, "--seed") == 0) {
            number = &options->first_seed;
            options->seeds = 1; // unless --seeds follows: so many from this one on
        } else if (strcmp(word, "--seeds") == 0) {
            number = &options->seeds;
        } else if (strcmp(word, "--timeout") == 0) {
            number = &timeout;
        } else if (word[0] == '-') {
            fprintf(stderr, "unknown option %s\n", word);
            return false;
        } else {
            options->filters[options->filter_count++] = argv[i];
        }
        if (number) {
            if (!parse_number(value, number)) {
                fprintf(stderr, "%s wants a number\n", word);
                return false;
            }
            i++;
        }
    }
    options->timeout_s = timeout > 1000000 ? 1000000 : (int)timeout;
    if (options->seeds == 0) {
        fprintf(stderr, "--seeds wants at least 1\n");
        return false;
    }
    return true;
}

// Results are told and conformance is counted by name.
static bool names_are_unique(void)
{
    for (struct kl_test *test = tests; test; test = test->next) {
        for (struct kl_test *other = test->next; other; other = other->next) {
            if (strcmp(test->name, other->name) == 0) {
                fprintf(stderr, "%s:%d and %s:%d: two tests named \"%s\"\n", test->file,
                        test->line, other->file, other->line, test->name);
                return false;
            }
        }
    }
    return true;
}

static bool is_wanted(const struct kl_test *test, const struct options *options)
{
    if (options->seeded && !test->seeded) {
        return false;
    }
    for (int i = 0; i < options->filter_count; i++) {
        if (strstr(test->name, options->filters[i])) {
            return true;
        }
    }
    return options->filter_count == 0;
}

static void print_ids(const struct kl_test *test)
{
    for (const char *id = test->ids; id && *id;) {
        id += strspn(id, " ");
        int length = (int)strcspn(id, " ");
        if (length > 0) {
            printf("%.*s\t%s\n", length, id, test->name);
        }
        id += length;
    }
}

// --- one test in its child ---

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Sanitizers, valgrind and emulators make everything slower: whoever runs the tests under
// one says how much in KEEL_TEST_SLOWER.
static int timeout_of(const struct kl_test *test, const struct options *options)
{
    if (options->timeout_s > 0) {
        return options->timeout_s;
    }
    int slower = atoi(getenv("KEEL_TEST_SLOWER") ? getenv("KEEL_TEST_SLOWER") : "1");
    return (test->timeout_s > 0 ? test->timeout_s : DEFAULT_TIMEOUT_S) *
           (slower > 0 ? slower : 1);
}

static _Noreturn void run_child(const struct kl_test *test, uint64_t seeds, int output,
        const sigset_t *mask, pid_t parent)
{
    forked = true;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close(output);
    for (uint64_t end = current_seed + seeds; current_seed != end; current_seed++) {
        __atomic_store_n(&report->seed, current_seed, __ATOMIC_RELEASE);
        test->body();
    }
    fflush(NULL);
    report->outcome = PASSED;
    exit(0); // not _exit: leak and race checkers have their word here
}

// Waits for the child and takes everything it has started with it. The time limit is that
// of one seed, or up to twice that, since the seed is looked at only when it is over. The
// group is killed while the child is a zombie, so that its number cannot belong to somebody
// else yet.
static void wait_for_child(pid_t child, const sigset_t *sigchld, struct run *run)
{
    int64_t limit = run->timeout_s * INT64_C(1000000000), end = now_ns() + limit;
    uint64_t seed = current_seed;
    for (;;) {
        siginfo_t info = {0};
        int flags = WEXITED | WNOWAIT | (run->timed_out ? 0 : WNOHANG);
        if (waitid(P_PID, (id_t)child, &info, flags) == 0 && info.si_pid == child) {
            break;
        }
        int64_t left = end - now_ns();
        // Pairs with the store of run_child.
        uint64_t now = __atomic_load_n(&report->seed, __ATOMIC_ACQUIRE);
        if (left <= 0 && now != seed) {
            seed = now;
            left = limit;
            end = now_ns() + limit;
        }
        if (left <= 0) {
            run->timed_out = true;
            kill(-child, SIGKILL);
            continue;
        }
        struct timespec wait = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        sigtimedwait(sigchld, NULL, &wait);
    }
    kill(-child, SIGKILL);
    waitpid(child, &run->status, 0);
}

static void print_comment(const char *prefix, const char *text, size_t length)
{
    while (length > 0) {
        const char *newline = memchr(text, '\n', length);
        size_t line = newline ? (size_t)(newline - text) : length;
        printf("# %s%.*s\n", prefix, (int)line, text);
        line += newline ? 1 : 0;
        text += line;
        length -= line;
    }
}

static void print_output(int output)
{
    static char text[OUTPUT_SHOWN];
    off_t size = lseek(output, 0, SEEK_END);
    off_t from = size > OUTPUT_SHOWN ? size - OUTPUT_SHOWN : 0;
    if (from > 0) {
        printf("# (the last %d bytes of %lld)\n", OUTPUT_SHOWN, (long long)size);
    }
    ssize_t length = pread(output, text, sizeof text, from);
    if (length > 0) {
        print_comment("| ", text, (size_t)length);
    }
}

static void describe_end(const struct kl_test *test, const struct run *run)
{
    const struct report *said = &run->report;
    if (said->outcome == FAILED) {
        print_comment("", said->text, strlen(said->text));
        return;
    }
    printf("# %s:%d: ", test->file, test->line);
    if (run->timed_out) {
        printf("still running after %d s\n", run->timeout_s);
    } else if (WIFSIGNALED(run->status)) {
        int number = WTERMSIG(run->status);
        printf("ended by signal %d (%s)\n", number, strsignal(number));
    } else if (said->outcome == PASSED) {
        printf("passed, then ended with exit code %d\n", WEXITSTATUS(run->status));
    } else {
        printf("ended with exit code %d before its body returned\n",
                WEXITSTATUS(run->status));
    }
}

// Runs the body in a child, once per seed from `first` on. The caller closes `output`.
static struct run run_seeds(const struct kl_test *test, const struct options *options,
        uint64_t first, uint64_t seeds)
{
    struct run run = {.outcome = FAILED, .timeout_s = timeout_of(test, options)};
    fflush(NULL);
    current_seed = first;
    *report = (struct report){.outcome = RUNNING, .seed = first};
    run.output = memfd_create("output", MFD_CLOEXEC);
    sigset_t sigchld, mask;
    sigemptyset(&sigchld);
    sigaddset(&sigchld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &sigchld, &mask);
    pid_t parent = getpid();
    pid_t child = run.output < 0 ? -1 : fork();
    if (child == 0) {
        run_child(test, seeds, run.output, &mask, parent);
    }
    if (child < 0) {
        run.report.outcome = FAILED;
        snprintf(run.report.text, sizeof run.report.text, "cannot start a child: %s",
                strerror(errno));
    } else {
        setpgid(child, child);
        wait_for_child(child, &sigchld, &run);
        run.report = *report;
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    int code = child > 0 && WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
    if (run.report.outcome == PASSED && code == 0) {
        run.outcome = PASSED;
    } else if (code == EXIT_SKIPPED && run.report.outcome != FAILED) {
        run.outcome = SKIPPED;
    }
    return run;
}

static void print_failure(const struct kl_test *test, const struct run *run)
{
    describe_end(test, run);
    if (run->output >= 0) {
        print_output(run->output);
    }
}

// The seed that failed is shown alone, when it fails alone. What is found only at a child's
// end, such as a leak, may be of any seed before.
static void explain_failure(const struct kl_test *test, const struct options *options,
        uint64_t first, const struct run *run)
{
    uint64_t last = run->report.seed;
    bool at_end = run->report.outcome == PASSED;
    for (uint64_t seed = at_end ? first : last; last != first && seed <= last; seed++) {
        struct run alone = run_seeds(test, options, seed, 1);
        bool failed = alone.outcome == FAILED;
        if (failed) {
            print_failure(test, &alone);
            printf("# failed with --seed %llu\n", (unsigned long long)seed);
        }
        close(alone.output);
        if (failed) {
            return;
        }
    }
    print_failure(test, run);
    if (last != first) {
        printf("# failed with --seed %llu --seeds %llu, in one process; not with the last "
               "alone\n",
                (unsigned long long)first, (unsigned long long)(last - first + 1));
    } else if (test->seeded) {
        printf("# failed with --seed %llu\n", (unsigned long long)first);
    }
}

static enum outcome run_here(const struct kl_test *test, uint64_t seed)
{
    fflush(stdout);
    current_seed = seed;
    test->body();
    return PASSED;
}

static enum outcome run_test(const struct kl_test *test, const struct options *options)
{
    uint64_t seeds = test->seeded ? options->seeds : 1;
    int64_t start = now_ns();
    struct run run = {.outcome = PASSED, .output = -1};
    for (uint64_t i = 0; i < seeds && run.outcome == PASSED; i += SEEDS_AT_ONCE) {
        uint64_t first = options->first_seed + i;
        uint64_t left = seeds - i < SEEDS_AT_ONCE ? seeds - i : SEEDS_AT_ONCE;
        if (options->no_fork) {
            for (uint64_t seed = 0; seed < left; seed++) {
                run.outcome = run_here(test, first + seed);
            }
            continue;
        }
        run = run_seeds(test, options, first, left);
        if (run.outcome == FAILED) {
            printf("not ok %d - %s\n", current_number, test->name);
            explain_failure(test, options, first, &run);
        }
        close(run.output);
    }
    if (run.outcome == PASSED) {
        printf("ok %d - %s\n", current_number, test->name);
    } else if (run.outcome == SKIPPED) {
        printf("ok %d - %s # SKIP %s\n", current_number, test->name, run.report.text);
    }
    int64_t elapsed_ms = (now_ns() - start) / 1000000;
    if (elapsed_ms >= 1000) {
        printf("# took %lld.%lld s\n", (long long)elapsed_ms / 1000,
                (long long)elapsed_ms / 100 % 10);
    }
    fflush(stdout);
    return run.outcome;
}
