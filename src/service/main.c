// A program that is one application. The thread that called main waits for signals and for
// what processes tell it; all else happens in processes.

#include "main.h"
#include "base/base.h"
#include "main_options.h"
#include <errno.h>
#include <keel/control.h>
#include <keel/logger.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

// GONE: what could not start has ended all; while it is booting, boot tells why.
enum { BOOTING = 1, UP = 2, FAILED = 4, STOPPED = 8, ENDED = 16, GONE = 32 };

// Processes add to `events` and then write to `wake`, so that who waits on it sees them.
static struct {
    const keel_application *application;
    struct kl_options options;
    int wake, signals;
    uint32_t events; // of those above
    uint32_t asked; // keel_main_stop was called: its code + 1
    uint32_t running; // keel_main is in run; nothing else is read because of it
    char why[1024]; // why it failed to boot; written before the event
    char end[1024]; // why it ended; written before the event
    int signal; // that stops it
} program = {.wake = -1, .signals = -1};

static const keel_duration last_moment = KEEL_SECONDS(1);

static int run(void);
static void boot(keel_term unused);
static void ended(keel_term reason);
static int stop(int code);

static int show_help(const char *name)
{
    char text[8192];
    kl_options_help(text, sizeof text, program.application, name);
    fputs(text, stdout);
    return 0;
}

// Sets up what lives longer than the runtime. False: it cannot be had.
static bool open_descriptors(sigset_t *old_mask)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    // Before the runtime starts its threads, which inherit the mask.
    pthread_sigmask(SIG_BLOCK, &stops, old_mask);
    program.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    program.signals = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    return program.wake >= 0 && program.signals >= 0;
}

static void close_descriptors(const sigset_t *old_mask)
{
    close(program.wake);
    close(program.signals);
    program.wake = -1;
    program.signals = -1;
    pthread_sigmask(SIG_SETMASK, old_mask, NULL);
}

int keel_main(const keel_application *application, int argc, char **argv)
{
    const char *name = argc > 0 && argv[0] != NULL ? argv[0] : "program";
    if (application == NULL || application->name == NULL) {
        fprintf(stderr, "%s: there is no application to run\n", name);
        return 2;
    }
    program.application = application;
    kl_options_parse(&program.options, application, argc, argv);
    if (program.options.wrong[0] != '\0') {
        fprintf(stderr, "%s: %s; try --help\n", name, program.options.wrong);
        return 2;
    }
    if (program.options.help) {
        return show_help(name);
    }
    if (program.options.version) {
        printf("%s %s\n", application->name,
                application->version != NULL ? application->version : "");
        return 0;
    }
    sigset_t old_mask;
    program.events = BOOTING;
    program.asked = 0;
    bool opened = open_descriptors(&old_mask);
    kl_store_relaxed(&program.running, opened ? 1 : 0);
    int code = opened ? run() : 1;
    kl_store_relaxed(&program.running, 0);
    close_descriptors(&old_mask);
    return code;
}

// --- what processes tell ---

static void tell(uint32_t event)
{
    uint64_t one = 1;
    // Release: what was written before, `why`, is seen by who takes the event.
    __atomic_fetch_or(&program.events, event, __ATOMIC_RELEASE);
    ssize_t written = write(program.wake, &one, sizeof one);
    (void)written; // full: it is readable all the same
}

void keel_main_stop(int code)
{
    uint32_t nobody = 0;
    if (kl_cas_acq_rel(&program.asked, &nobody, (uint32_t)(code & 255) + 1)) {
        tell(0);
    }
}

bool kl_main_is_running(void)
{
    return kl_load_relaxed(&program.running) != 0;
}

keel_term keel_main_arguments(void)
{
    keel_term list = keel_nil();
    for (size_t i = program.options.argument_count; i > 0; i--) {
        list = keel_cons(keel_string(program.options.arguments[i - 1]), list);
    }
    return list;
}

static void ended(keel_term reason)
{
    bool started = keel_tuple_size(reason) == 2;
    snprintf(program.end, sizeof program.end, "the application %s %s: %s",
            keel_show(keel_element(reason, started ? 0 : 1)),
            started ? "ended" : "did not start",
            keel_show(keel_element(reason, started ? 1 : 2)));
    tell(started ? ENDED : GONE);
}

// --- processes of its own ---

static keel_status fail(keel_term why)
{
    keel_bytes text = keel_to_bytes(
            keel_is_binary(why) ? why : keel_string(keel_show(why)));
    snprintf(program.why, sizeof program.why, "%s did not start: %.*s",
            program.application->name, (int)text.size, (const char *)text.data);
    return KEEL_E_REFUSED;
}

// Each application and supervisor around it has wrapped the reason in what it has to say. A
// person wants to know who could not start, and why; the log has the rest.
static keel_term root_of(keel_term why, keel_term *ret_who)
{
    keel_term inner;
    if (keel_match(why, "{Name, Inner}", ret_who, &inner)) {
        why = inner;
    }
    if (keel_match(why, "{Inner, {_, start, [normal, _]}}", &inner)) {
        why = inner;
    }
    while (keel_match(
            why, "{shutdown, {failed_to_start_child, Child, Inner}}", ret_who, &inner)) {
        why = inner;
    }
    return why;
}

static void fail_to_start(keel_term why)
{
    keel_term who = KEEL_NONE;
    why = root_of(why, &who);
    const char *name = keel_atom_name(who);
    bool itself = keel_is_none(who) ||
                  (name != NULL && strcmp(name, program.application->name) == 0);
    keel_bytes text = keel_to_bytes(
            keel_is_binary(why) ? why : keel_string(keel_show(why)));
    snprintf(program.why, sizeof program.why, "%s did not start: %s%s%.*s",
            program.application->name, itself ? "" : keel_show(who), itself ? "" : ": ",
            (int)text.size, (const char *)text.data);
}

// The key of an option: its name with _ for -.
static keel_term key_of(const keel_option *option)
{
    char text[KEEL_ATOM_CHARS_MAX + 1];
    snprintf(text, sizeof text, "%s", option->name);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    keel_term key = KEEL_NONE;
    return keel_atom_from(text, strlen(text), &key) == KEEL_OK ? key : KEEL_NONE;
}

static keel_status configure(keel_term name)
{
    const struct kl_options *options = &program.options;
    keel_term why = KEEL_NONE;
    for (size_t i = 0; i < options->config_count; i++) {
        if (keel_application_configure_file(options->configs[i], &why) != KEEL_OK) {
            return fail(why);
        }
    }
    if (keel_application_load(name, &why) != KEEL_OK) {
        return fail(why);
    }
    if (options->control != NULL) {
        keel_term control = keel_atom(control);
        if (keel_application_load(control, &why) != KEEL_OK ||
                keel_application_put_env(control, keel_atom(path),
                        keel_string(options->control)) != KEEL_OK) {
            return fail(why);
        }
    }
    for (size_t i = 0; i < options->given_count; i++) {
        const struct kl_given *given = &options->given[i];
        keel_term key = key_of(given->option);
        keel_status status = given->value == NULL
                                     ? keel_application_put_env(name, key, keel_bool(true))
                                     : keel_application_put_env_text(
                                               name, key, given->value);
        if (status == KEEL_E_BADARG && given->value != NULL) {
            keel_term old = keel_application_get_env(name, key, keel_nil());
            return fail(keel_format("option --%s: %s is of another kind than %s",
                    given->option->name, given->value, keel_show(old)));
        }
        if (status != KEEL_OK) {
            return fail(keel_string(keel_status_text(status)));
        }
    }
    return KEEL_OK;
}

// What is started, in order. The control socket comes before the application, so that one
// that hangs in its start, or in its stop, can be looked into.
static keel_term names_to_start(keel_term name)
{
    keel_term names = keel_list_of(name);
    if (program.options.control != NULL) {
        keel_term control = keel_application_register(&keel_control);
        names = keel_cons(control, names);
    }
    return keel_cons(keel_application_register(&keel_logger), names);
}

static void boot(keel_term unused)
{
    (void)unused;
    keel_term name = keel_application_register(program.application);
    keel_term result = KEEL_NONE;
    keel_term names = names_to_start(name);
    keel_status status = configure(name);
    if (status == KEEL_OK) {
        status = keel_application_ensure_all_started(names, KEEL_PERMANENT, false, &result);
        if (status != KEEL_OK) {
            fail_to_start(
                    keel_is_none(result) ? keel_string(keel_status_text(status)) : result);
        }
    }
    tell(status == KEEL_OK ? UP : FAILED);
}

static void stop_applications(keel_term unused)
{
    (void)unused;
    keel_status status = keel_application_stop_all();
    (void)status; // keel_stop ends what is left
    tell(STOPPED);
}

// Sent by a process, so that the service manager hears it only while processes run.
static void feed_watchdog(keel_term interval)
{
    for (;;) {
        keel_notify("WATCHDOG=1");
        keel_sleep(keel_to_int(interval));
    }
}

// --- the thread of main ---

static uint32_t events(void)
{
    return kl_load_acquire(&program.events); // pairs with the release in tell
}

// Waits for something to happen, no longer than until `deadline`. Returns the signal that
// came, or 0.
static int wait_for_event(keel_deadline deadline)
{
    struct pollfd fds[] = {{program.wake, POLLIN, 0}, {program.signals, POLLIN, 0}};
    int64_t left = deadline.at == INT64_MAX ? -1 : deadline.at - KEEL_IN(0).at;
    int milliseconds = deadline.at == INT64_MAX ? -1
                       : left <= 0              ? 0
                                   : (int)(left / 1000000 < 1000000 ? left / 1000000 + 1
                                                                    : 1000000);
    struct signalfd_siginfo info;
    uint64_t count;
    if (poll(fds, 2, milliseconds) <= 0) {
        return 0;
    }
    ssize_t got = read(program.wake, &count, sizeof count);
    got = read(program.signals, &info, sizeof info);
    return got == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static bool start_runtime(void)
{
    keel_config config = {.catch_faults = true};
    if (program.application->runtime != NULL) {
        config = *program.application->runtime;
    }
    keel_status status = keel_start(&config);
    if (status != KEEL_OK) {
        fprintf(stderr, "%s: the runtime did not start: %s\n", program.application->name,
                keel_status_text(status));
    }
    return status == KEEL_OK;
}

// Waits until there is a reason to stop; returns the code to end with.
static int await_reason(void)
{
    bool ready = false;
    for (;;) {
        uint32_t now = events();
        uint32_t asked = kl_load_acquire(&program.asked);
        bool gone = (now & GONE) != 0 && (now & UP) != 0;
        if ((now & (FAILED | ENDED)) != 0 || gone) {
            fprintf(stderr, "%s\n", (now & ENDED) != 0 || gone ? program.end : program.why);
            return 1;
        }
        if (asked != 0) {
            return (int)asked - 1;
        }
        if ((now & UP) != 0 && !ready) {
            ready = true;
            keel_notify("READY=1");
        }
        program.signal = wait_for_event(KEEL_NEVER);
        if (program.signal != 0) {
            keel_log_info(
                    "%s stops: %s", program.application->name, strsignal(program.signal));
            return 0;
        }
    }
}

static int run(void)
{
    if (!start_runtime()) {
        return 1;
    }
    keel_application_hook before = keel_application_on_end(ended);
    keel_duration watchdog = keel_notify_watchdog();
    keel_spawn(boot, keel_nil());
    if (watchdog > 0) {
        keel_spawn(feed_watchdog, keel_int(watchdog / 2));
    }
    int code = await_reason();
    keel_notify("STOPPING=1");
    code = stop(code);
    keel_application_on_end(before);
    return code;
}

static void report(const keel_stop_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const keel_straggler *straggler = &report->stragglers[i];
        keel_log_warning("killed %s %s, which waited for %s",
                keel_show(keel_from_pid(straggler->pid)), straggler->name,
                straggler->waiting_for);
    }
    if (report->killed > report->count) {
        keel_log_warning("killed %zu more", report->killed - report->count);
    }
}

// Stops the applications, within their time, and then the runtime.
static int stop(int code)
{
    keel_duration within = program.application->stop_within;
    keel_deadline deadline = KEEL_IN(within != 0 ? within : KEEL_SECONDS(30));
    keel_stop_report stopped = {0};
    if ((events() & (ENDED | GONE)) == 0) { // else they have been
        keel_spawn(stop_applications, keel_nil());
        while ((events() & (STOPPED | ENDED | GONE)) == 0 &&
                !keel_deadline_passed(deadline)) {
            int again = wait_for_event(deadline);
            if (again != 0) {
                code = 128 + again;
                break;
            }
        }
    }
    keel_status status = keel_stop(KEEL_IN(last_moment), &stopped);
    report(&stopped);
    if (status != KEEL_OK) {
        fprintf(stderr, "%s: %s\n", program.application->name, keel_status_text(status));
    }
    bool orderly = status == KEEL_OK && stopped.killed == 0;
    return code == 0 && !orderly ? 1 : code;
}
