// Reports: who takes them, and how a crash becomes one. report_text.c makes text of them.

#include "report.h"
#include "base/base.h"
#include "ending.h"
#include <keel/inspect.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static keel_report_handler handler; // NULL: log_report
static int least = KEEL_REPORT_DEBUG; // enum keel_report_level

static void log_report(keel_report_level level, keel_term report);
static void install(void);
static keel_term crash_info(const keel_crash *crash);
static keel_term neighbours(keel_term links);

bool kl_report_wanted(keel_report_level level)
{
    return (int)level <= kl_load_relaxed(&least) &&
           (level <= KEEL_REPORT_WARNING || kl_load_relaxed(&handler) != NULL);
}

keel_report_level keel_report_level_set(keel_report_level level)
{
    if ((int)level < KEEL_REPORT_NONE || (int)level > KEEL_REPORT_DEBUG) {
        return (keel_report_level)kl_load_acquire(&least);
    }
    keel_crash_quiet(level < KEEL_REPORT_ERROR);
    return (keel_report_level)kl_exchange_acq_rel(&least, (int)level);
}

void keel_report(keel_report_level level, keel_term report)
{
    if (!kl_report_wanted(level)) {
        return;
    }
    // Acquire: pairs with the exchange in keel_report_handler_set; what the handler needs
    // is ready.
    keel_report_handler take = kl_load_acquire(&handler);
    (take != NULL ? take : log_report)(level, report);
}

keel_report_handler keel_report_handler_set(keel_report_handler take)
{
    return kl_exchange_acq_rel(&handler, take);
}

void keel_report_crash(const keel_crash *crash)
{
    if (crash == NULL || !kl_report_wanted(KEEL_REPORT_ERROR)) {
        return;
    }
    keel_term links = keel_map_get(crash->report, keel_atom(links));
    keel_term report = keel_list_of(crash_info(crash), neighbours(links));
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {proc_lib, crash}, report => Report}", report));
}

void kl_report_crashes(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

static void install(void)
{
    keel_crash_handler before = keel_crash_handler_set(keel_report_crash);
    if (before != NULL) {
        keel_crash_handler_set(before);
    }
}

// The default: text to the log. Most reports fit the first buffer.
static void log_report(keel_report_level level, keel_term report)
{
    static const enum kl_log_level levels[] = {
            [KEEL_REPORT_ERROR] = KL_LOG_ERROR,
            [KEEL_REPORT_WARNING] = KL_LOG_WARNING,
            [KEEL_REPORT_INFO] = KL_LOG_INFO,
            [KEEL_REPORT_DEBUG] = KL_LOG_DEBUG,
    };
    size_t length = keel_report_format(NULL, 0, report, false, NULL);
    char *text = kl_alloc(length + 1);
    if (text != NULL) {
        keel_report_format(text, length + 1, report, false, NULL);
        kl_log(levels[level], "%s", text);
        kl_free(text, length + 1);
    }
}

// --- crashes ---

// One pair of the list, with the map's value under `from`; left out when there is none.
static keel_term with(keel_term list, keel_term key, keel_term value)
{
    return keel_is_none(value) ? list : keel_cons(keel_tuple_of(key, value), list);
}

static keel_term crash_info(const keel_crash *crash)
{
    keel_term map = crash->report;
    keel_term info = keel_nil();
    info = with(info, keel_atom(status), keel_map_get(map, keel_atom(status)));
    info = with(info, keel_atom(trap_exit), keel_map_get(map, keel_atom(trap_exit)));
    info = with(info, keel_atom(dictionary), keel_map_get(map, keel_atom(dictionary)));
    info = with(info, keel_atom(links), keel_map_get(map, keel_atom(links)));
    info = with(info, keel_atom(messages), keel_map_get(map, keel_atom(messages)));
    info = with(info, keel_atom(message_queue_len),
            keel_map_get(map, keel_atom(message_queue_len)));
    info = with(info, keel_atom(ancestors), keel_map_get(map, keel_atom(ancestors)));
    info = with(info, keel_atom(error_info), kl_end_class(crash->reason));
    info = with(info, keel_atom(process_label), keel_map_get(map, keel_atom(label)));
    info = with(info, keel_atom(registered_name),
            keel_map_get(map, keel_atom(registered_name)));
    info = with(info, keel_atom(pid), keel_from_pid(crash->pid));
    return with(info, keel_atom(initial_call), keel_map_get(map, keel_atom(initial_call)));
}

static const char *state_name(keel_state state)
{
    static const char *const names[] = {
            [KEEL_STATE_WAITING] = "waiting",
            [KEEL_STATE_RUNNABLE] = "runnable",
            [KEEL_STATE_RUNNING] = "running",
            [KEEL_STATE_SUSPENDED] = "suspended",
            [KEEL_STATE_EXITING] = "exiting",
    };
    return names[state];
}

// As far up as those are alive who know who theirs was.
static keel_term ancestors_of(const keel_process_view *view)
{
    enum { MOST = 32 };
    keel_term list = keel_nil();
    keel_process_view above = *view;
    for (int i = 0; i < MOST && above.parent.word != 0; i++) {
        keel_pid parent = above.parent;
        bool known = keel_inspect_process(parent, &above);
        bool named = known && !keel_is_none(above.name);
        list = keel_cons(named ? above.name : keel_from_pid(parent), list);
        if (!known) {
            break;
        }
    }
    return keel_list_reverse(list);
}

static keel_term neighbour(const keel_process_view *view)
{
    char stack[2048];
    keel_inspect_stack(view->pid, stack, sizeof stack);
    keel_term info = keel_nil();
    info = with(info, keel_atom(current_stacktrace), keel_string(stack));
    info = with(info, keel_atom(status), keel_string(state_name(view->state)));
    info = with(info, keel_atom(trap_exit), keel_bool(view->trap_exit));
    info = with(info, keel_atom(message_queue_len), keel_uint(view->queue));
    info = with(info, keel_atom(ancestors), ancestors_of(view));
    info = with(info, keel_atom(process_label), keel_process_get_label(view->pid));
    info = with(info, keel_atom(initial_call),
            view->entry == NULL ? KEEL_NONE : keel_string(view->entry));
    info = with(info, keel_atom(registered_name), view->name);
    info = with(info, keel_atom(pid), keel_from_pid(view->pid));
    return keel_tuple_of(keel_atom(neighbour), info);
}

// Those that the crash may take along: linked, alive, not trapping exits.
static keel_term neighbours(keel_term links)
{
    keel_term found = keel_nil();
    keel_term pid;
    while (keel_list_next(&links, &pid)) {
        keel_process_view view;
        if (keel_is_pid(pid) && keel_inspect_process(keel_to_pid(pid), &view) &&
                !view.trap_exit) {
            found = keel_cons(neighbour(&view), found);
        }
    }
    return keel_list_reverse(found);
}
