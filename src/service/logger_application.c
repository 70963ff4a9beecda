// The logger as an application: handlers from its environment, and the reports of
// behaviours.

#include "logger.h"
#include <keel/report.h>
#include <stdio.h>
#include <string.h>

static keel_report_handler reports_before;

static keel_started start(keel_term type, keel_term argument);
static void stop(keel_term state);

const keel_application keel_logger = {
        .name = "logger",
        .description = "Keel's logger",
        .version = "0.1.0",
        .start = start,
        .stop = stop,
};

// --- reports ---

// Progress is of interest to those who look for it.
static keel_log_level level_of(keel_report_level level, keel_term report)
{
    static const keel_log_level levels[] = {
            [KEEL_REPORT_ERROR] = KEEL_LOG_ERROR,
            [KEEL_REPORT_WARNING] = KEEL_LOG_WARNING,
            [KEEL_REPORT_INFO] = KEEL_LOG_INFO,
            [KEEL_REPORT_DEBUG] = KEEL_LOG_DEBUG,
    };
    keel_term label = keel_map_get(report, keel_atom(label));
    bool progress = keel_is(keel_element(label, 1), progress);
    return progress ? KEEL_LOG_DEBUG : levels[level];
}

static void take_report(keel_report_level level, keel_term report)
{
    static const keel_log_site site = {"report", "", 0};
    keel_log_level as = level_of(level, report);
    if ((int)as <= keel_logger_most() && keel_logger_allows(&site, as)) {
        keel_log_report_at(NULL, as, report, KEEL_NONE);
    }
}

// --- settings ---

static const char *text_in(keel_term map, keel_term key, char *buffer, size_t size)
{
    keel_term value = keel_map_get(map, key);
    if (keel_is_none(value)) {
        return NULL;
    }
    size_t length;
    if (keel_list_length(value, &length)) { // a string in Erlang's sense
        size_t used = 0;
        keel_term code;
        while (used + 1 < size && keel_list_next(&value, &code)) {
            buffer[used++] = (char)keel_to_int(code);
        }
        buffer[used] = '\0';
    } else {
        kl_log_value(buffer, size, value);
    }
    return buffer;
}

static keel_log_output output_of(keel_term name)
{
    return keel_is(name, file)      ? KEEL_LOG_FILE
           : keel_is(name, journal) ? KEEL_LOG_JOURNAL
           : keel_is(name, syslog)  ? KEEL_LOG_SYSLOG
                                    : KEEL_LOG_TERMINAL;
}

static keel_status add_from(keel_term id, keel_term map)
{
    char path[256];
    char ident[128];
    keel_term level = keel_map_get(map, keel_atom(level));
    keel_log_handler handler = {
            .output = output_of(keel_map_get(map, keel_atom(output))),
            .format = keel_is(keel_map_get(map, keel_atom(format)), json) ? KEEL_LOG_JSON
                                                                          : KEEL_LOG_TEXT,
            .only = keel_is_atom(level),
            .level = keel_log_level_of(keel_atom_name(level)),
            .limit = (size_t)keel_to_int(keel_map_get(map, keel_atom(limit))),
            .path = text_in(map, keel_atom(path), path, sizeof path),
            .file_bytes = (size_t)keel_to_int(keel_map_get(map, keel_atom(file_bytes))),
            .files = (unsigned)keel_to_int(keel_map_get(map, keel_atom(files))),
            .ident = text_in(map, keel_atom(ident), ident, sizeof ident),
    };
    return keel_logger_add_handler(id, &handler);
}

// Returns KEEL_NONE, or why the logger does not start.
static keel_term add_handlers(void)
{
    keel_term name = keel_atom(logger);
    keel_term list = keel_application_get_env(name, keel_atom(handlers), KEEL_NONE);
    if (keel_is_none(list)) {
        keel_log_handler handler = {.output = kl_log_stderr_is_journal()
                                                      ? KEEL_LOG_JOURNAL
                                                      : KEEL_LOG_TERMINAL};
        if (keel_logger_add_handler(keel_atom(default), &handler) != KEEL_OK) {
            handler.output = KEEL_LOG_TERMINAL;
            keel_logger_add_handler(keel_atom(default), &handler);
        }
        return KEEL_NONE;
    }
    keel_term entry;
    while (keel_list_next(&list, &entry)) {
        keel_status status = add_from(keel_element(entry, 0), keel_element(entry, 1));
        if (status != KEEL_OK) {
            return keel_make("{handler, Entry, Why}", entry, keel_status_text(status));
        }
    }
    return KEEL_NONE;
}

static void set_levels(void)
{
    keel_term name = keel_atom(logger);
    keel_term level = keel_application_get_env(name, keel_atom(level), KEEL_NONE);
    if (keel_is_atom(level)) {
        keel_logger_level_set(keel_log_level_of(keel_atom_name(level)));
    }
    keel_term list = keel_application_get_env(name, keel_atom(module_levels), keel_nil());
    keel_term entry;
    while (keel_list_next(&list, &entry)) {
        const char *module = keel_atom_name(keel_element(entry, 0));
        keel_logger_module_level_set(
                module, keel_log_level_of(keel_atom_name(keel_element(entry, 1))));
    }
}

// --- the application ---

// The handlers are nobody's children, so that they outlive what logs while it stops.
static keel_started start(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    set_levels();
    keel_term why = add_handlers();
    if (!keel_is_none(why)) {
        kl_log_handlers_stop();
        return keel_started_failed(why);
    }
    keel_status status = kl_log_runtime_start();
    if (status != KEEL_OK) {
        kl_log_handlers_stop();
        return keel_started_failed(keel_make("{runtime, Why}", keel_status_text(status)));
    }
    reports_before = keel_report_handler_set(take_report);
    return keel_supervisor_start_link(NULL, 0);
}

static void stop(keel_term state)
{
    (void)state;
    keel_report_handler_set(reports_before);
    kl_log_runtime_stop();
    kl_log_handlers_stop();
}
