// Debugging of one process: trace, log, log to a file, statistics, installed functions.

#include "sys.h"
#include <fcntl.h>
#include <keel/function.h>
#include <keel/inspect.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_USUAL = 10, LOG_MOST = 100000, LINE = 2048 };

static struct kl_sys_debug *debug_of(keel_sys *sys);
static void settle(keel_sys *sys);
static bool log_command(keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term flag,
        keel_term *ret_answer);
static bool set_log(keel_sys *sys, int64_t limit);
static void add_to_log(struct kl_sys_debug *debug, keel_term event);
static keel_term statistics_command(keel_sys *sys, keel_term flag);
static keel_term file_command(keel_sys *sys, keel_term name);
static void close_file(void *debug);
static bool install(keel_sys *sys, keel_term what);
static void remove_installed(keel_sys *sys, keel_term which);
static void tell_installed(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term event);

keel_term kl_sys_debug_command(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term command)
{
    keel_term what = keel_element(command, 0);
    keel_term flag = keel_element(command, 1);
    keel_term answer = keel_atom(ok);
    bool known = true;
    if (keel_is(command, no_debug)) {
        keel_sys_options(sys, KEEL_NONE);
    } else if (keel_tuple_size(command) != 2) {
        known = false;
    } else if (keel_is(what, trace) && keel_is_bool(flag)) {
        debug_of(sys)->trace = keel_to_bool(flag);
    } else if (keel_is(what, log)) {
        known = log_command(sys, ops, state, flag, &answer);
    } else if (keel_is(what, statistics)) {
        answer = statistics_command(sys, flag);
    } else if (keel_is(what, log_to_file)) {
        answer = file_command(sys, flag);
    } else if (keel_is(what, install)) {
        known = install(sys, flag);
    } else if (keel_is(what, remove)) {
        remove_installed(sys, flag);
    } else {
        known = false;
    }
    settle(sys);
    return known ? answer : keel_atom(unknown_debug);
}

void keel_sys_options(keel_sys *sys, keel_term options)
{
    if (sys == NULL) {
        return;
    }
    struct kl_sys_debug *debug = sys->debug;
    if (keel_is_none(options) && debug != NULL) {
        debug->trace = false;
        debug->statistics = false;
        set_log(sys, 0);
        if (debug->file >= 0) {
            file_command(sys, keel_bool(false));
        }
        while (debug->installed != NULL) {
            struct kl_sys_installed *first = debug->installed;
            remove_installed(
                    sys, keel_is_none(first->id) ? keel_function(first->watch) : first->id);
        }
    }
    keel_term option;
    int64_t limit;
    keel_term argument = KEEL_NONE;
    while (keel_list_next(&options, &option)) {
        if (keel_is(option, trace)) {
            debug_of(sys)->trace = true;
        } else if (keel_is(option, log)) {
            set_log(sys, LOG_USUAL);
        } else if (keel_match(option, "{log, Limit}", &limit)) {
            set_log(sys, limit);
        } else if (keel_is(option, statistics)) {
            statistics_command(sys, keel_bool(true));
        } else if (keel_match(option, "{log_to_file, Name}", &argument)) {
            file_command(sys, argument);
        } else if (keel_match(option, "{install, What}", &argument)) {
            install(sys, argument);
        }
    }
    settle(sys);
}

void keel_sys_event(keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term event)
{
    struct kl_sys_debug *debug = sys != NULL ? sys->debug : NULL;
    if (debug == NULL) {
        return;
    }
    if (debug->statistics) {
        keel_term kind = keel_element(event, 0);
        debug->messages_in += keel_is(kind, in);
        debug->messages_out += keel_is(kind, out);
    }
    if (debug->log_limit != 0) {
        add_to_log(debug, event);
    }
    if (debug->trace || debug->file >= 0) {
        char line[LINE];
        size_t length = kl_sys_event_text(
                line, sizeof line - 1, kl_sys_name(ops, state), event);
        if (debug->trace) {
            kl_sys_trace_line(line);
        }
        if (debug->file >= 0) {
            length = length < sizeof line - 2 ? length : sizeof line - 2;
            line[length++] = '\n';
            // One write a line: what was written is there when the process ends.
            if (write(debug->file, line, length) < 0) {
                file_command(sys, keel_bool(false));
            }
        }
    }
    if (debug->installed != NULL) {
        tell_installed(sys, ops, state, event);
        settle(sys);
    }
}

keel_term keel_sys_logged(const keel_sys *sys)
{
    const struct kl_sys_debug *debug = sys != NULL ? sys->debug : NULL;
    keel_term list = keel_nil();
    if (debug == NULL || debug->log_limit == 0) {
        return list;
    }
    for (uint32_t i = 1; i <= debug->log_count; i++) {
        uint32_t at = (debug->log_next + debug->log_limit - i) % debug->log_limit;
        list = keel_cons(debug->log[at], list);
    }
    return list;
}

static struct kl_sys_debug *debug_of(keel_sys *sys)
{
    if (sys->debug == NULL) {
        sys->debug = keel_alloc(sizeof *sys->debug);
        sys->debug->file = -1;
    }
    return sys->debug;
}

// Nothing switched on any more: events then cost nothing again.
static void settle(keel_sys *sys)
{
    struct kl_sys_debug *debug = sys->debug;
    if (debug != NULL && !debug->trace && !debug->statistics && debug->log_limit == 0 &&
            debug->file < 0 && debug->installed == NULL) {
        keel_free(debug);
        sys->debug = NULL;
    }
}

// --- the log ---

static void print_log(keel_sys *sys, const keel_sys_ops *ops, void *state)
{
    char line[LINE];
    keel_term events = keel_sys_logged(sys);
    keel_term event;
    while (keel_list_next(&events, &event)) {
        kl_sys_event_text(line, sizeof line, kl_sys_name(ops, state), event);
        kl_sys_trace_line(line);
    }
}

static bool log_command(keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term flag,
        keel_term *ret_answer)
{
    int64_t limit;
    if (keel_is_bool(flag)) {
        return set_log(sys, keel_to_bool(flag) ? LOG_USUAL : 0);
    }
    if (keel_match(flag, "{true, Limit}", &limit)) {
        return limit > 0 && set_log(sys, limit);
    }
    if (keel_is(flag, get)) {
        *ret_answer = keel_tuple_of(keel_atom(ok), keel_sys_logged(sys));
        return true;
    }
    if (keel_is(flag, print)) {
        print_log(sys, ops, state);
        return true;
    }
    return false;
}

// A new limit keeps the newest events that fit.
static bool set_log(keel_sys *sys, int64_t limit)
{
    if (limit < 0 || limit > LOG_MOST) {
        return false;
    }
    if (limit == 0 && sys->debug == NULL) {
        return true;
    }
    struct kl_sys_debug *debug = debug_of(sys);
    keel_term *old = debug->log;
    uint32_t old_limit = debug->log_limit;
    uint32_t count = debug->log_count;
    uint32_t first = old_limit == 0 ? 0 : (debug->log_next + old_limit - count) % old_limit;
    debug->log = limit == 0 ? NULL : keel_alloc((size_t)limit * sizeof *debug->log);
    debug->log_limit = (uint32_t)limit;
    debug->log_count = 0;
    debug->log_next = 0;
    for (uint32_t i = 0; i < count; i++) {
        keel_term event = old[(first + i) % old_limit];
        if (count - i > debug->log_limit) {
            keel_drop(event);
            continue;
        }
        debug->log[debug->log_next] = event;
        debug->log_next = (debug->log_next + 1) % debug->log_limit;
        debug->log_count++;
    }
    keel_free(old);
    return true;
}

static void add_to_log(struct kl_sys_debug *debug, keel_term event)
{
    keel_set(&debug->log[debug->log_next], event);
    debug->log_next = (debug->log_next + 1) % debug->log_limit;
    debug->log_count += debug->log_count < debug->log_limit;
}

// --- statistics ---

static uint64_t reductions_now(void)
{
    keel_process_view view;
    return keel_inspect_process(keel_self(), &view) ? view.reductions : 0;
}

static keel_term date_and_time(int64_t nanoseconds)
{
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    struct tm local;
    localtime_r(&seconds, &local);
    return keel_make("{{Year, Month, Day}, {Hour, Minute, Second}}", local.tm_year + 1900,
            local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

static keel_term statistics_command(keel_sys *sys, keel_term flag)
{
    struct kl_sys_debug *debug = sys->debug;
    if (keel_is_bool(flag)) {
        bool on = debug != NULL && debug->statistics;
        if (on != keel_to_bool(flag)) { // those that are on go on counting
            debug = debug_of(sys);
            debug->statistics = !on;
            debug->started_at = keel_system_time();
            debug->reductions = reductions_now();
            debug->messages_in = 0;
            debug->messages_out = 0;
        }
        return keel_atom(ok);
    }
    if (!keel_is(flag, get)) {
        return keel_atom(unknown_debug);
    }
    if (debug == NULL || !debug->statistics) {
        return keel_make("{ok, no_statistics}");
    }
    return keel_make(
            "{ok, [{start_time, Started}, {current_time, Now}, {reductions, Work}, "
            "{messages_in, In}, {messages_out, Out}]}",
            date_and_time(debug->started_at), date_and_time(keel_system_time()),
            reductions_now() - debug->reductions, debug->messages_in, debug->messages_out);
}

// --- the file ---

// A file's name: a binary or a list of characters.
static bool file_name(keel_term term, char *buffer, size_t size)
{
    size_t length = 0;
    if (keel_is_binary(term)) {
        keel_bytes bytes = keel_to_bytes(term);
        if (bytes.size < size) {
            memcpy(buffer, bytes.data, bytes.size);
            length = bytes.size;
        }
    } else {
        keel_term character;
        while (length + 1 < size && keel_list_next(&term, &character)) {
            buffer[length++] = (char)keel_to_int(character);
        }
        if (!keel_is_nil(term)) {
            length = 0;
        }
    }
    buffer[length] = '\0';
    return length > 0 && strlen(buffer) == length;
}

// Runs when the process ends, too: memory goes by itself, a descriptor does not.
static void close_file(void *context)
{
    struct kl_sys_debug *debug = context;
    if (debug->file >= 0) {
        close(debug->file);
        debug->file = -1;
    }
}

static keel_term file_command(keel_sys *sys, keel_term name)
{
    if (sys->debug != NULL && sys->debug->file >= 0) {
        close_file(sys->debug);
        keel_undefer(close_file, sys->debug);
    }
    char path[4096];
    if (keel_is(name, false)) {
        return keel_atom(ok);
    }
    int file = -1;
    if (file_name(name, path, sizeof path)) {
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    }
    if (file < 0) {
        return keel_make("{error, open_file}");
    }
    struct kl_sys_debug *debug = debug_of(sys);
    debug->file = file;
    if (keel_defer(close_file, debug) != KEEL_OK) {
        close_file(debug);
        return keel_make("{error, open_file}");
    }
    return keel_atom(ok);
}

// --- installed functions ---

// Which one: an id, or the function of one without.
static struct kl_sys_installed **find_installed(struct kl_sys_debug *debug, keel_term which)
{
    struct kl_sys_installed **link = &debug->installed;
    for (; *link != NULL; link = &(*link)->next) {
        keel_term id = (*link)->id;
        bool found = keel_is_none(id)
                             ? keel_to_function(keel_sys_watch, which) == (*link)->watch
                             : keel_equal(id, which);
        if (found) {
            break;
        }
    }
    return link;
}

static bool install(keel_sys *sys, keel_term what)
{
    size_t size = keel_tuple_size(what);
    if (size != 2 && size != 3) {
        return false;
    }
    keel_term function = keel_element(what, size - 2);
    keel_sys_watch watch = keel_to_function(keel_sys_watch, function);
    if (keel_type_of(function) != KEEL_TYPE_POINTER || watch == NULL) {
        return false;
    }
    struct kl_sys_debug *debug = debug_of(sys);
    if (*find_installed(debug, keel_element(what, 0)) != NULL) {
        return true; // the first one stays
    }
    struct kl_sys_installed *installed = keel_alloc(sizeof *installed);
    installed->watch = watch;
    installed->id = size == 3 ? keel_keep(keel_element(what, 0)) : KEEL_NONE;
    installed->state = keel_keep(keel_element(what, size - 1));
    installed->next = debug->installed; // the newest is called first, as in OTP
    debug->installed = installed;
    return true;
}

static void unlink_installed(struct kl_sys_installed **link)
{
    struct kl_sys_installed *installed = *link;
    *link = installed->next;
    keel_drop(installed->id);
    keel_drop(installed->state);
    keel_free(installed);
}

static void remove_installed(keel_sys *sys, keel_term which)
{
    if (sys->debug != NULL) {
        struct kl_sys_installed **link = find_installed(sys->debug, which);
        if (*link != NULL) {
            unlink_installed(link);
        }
    }
}

struct telling {
    const struct kl_sys_installed *installed;
    keel_term event, state, next;
};

static void run_watch(void *context)
{
    struct telling *telling = context;
    telling->next = telling->installed->watch(
            telling->installed->state, telling->event, telling->state);
}

static void tell_installed(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term event)
{
    struct telling telling = {.event = event, .state = kl_sys_state(ops, state)};
    struct kl_sys_installed **link = &sys->debug->installed;
    while (*link != NULL) {
        telling.installed = *link;
        telling.next = KEEL_NONE;
        keel_term reason = KEEL_NONE;
        if (keel_try(run_watch, &telling, &reason) != KEEL_OK ||
                keel_is_none(telling.next) || keel_is(telling.next, done)) {
            unlink_installed(link);
        } else {
            keel_set(&(*link)->state, telling.next);
            link = &(*link)->next;
        }
    }
}
