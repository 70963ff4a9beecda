#ifndef KEEL_LOGGER_H
#define KEEL_LOGGER_H

#include <keel/application.h>

// The logger.
//
//   keel_log_info("serving on port %d", port);
//   keel_log_report(KEEL_LOG_WARNING, keel_make("#{event => slow, ms => Ms}", ms));
//
// An event that no level lets pass costs a load and a comparison: its text is not made. The
// others go to each handler, a process with a bounded mailbox: when it is full, events are
// dropped and counted, and the handler says how many; who logs never waits. Without a
// handler, events of importance go to standard error. keel_main starts the application
// `keel_logger`, which adds a handler and takes the reports of behaviours over.

KEEL_BEGIN_DECLS

typedef enum keel_log_level {
    KEEL_LOG_NONE = -1, ///< as a limit: nothing
    KEEL_LOG_EMERGENCY,
    KEEL_LOG_ALERT,
    KEEL_LOG_CRITICAL,
    KEEL_LOG_ERROR,
    KEEL_LOG_WARNING,
    KEEL_LOG_NOTICE,
    KEEL_LOG_INFO,
    KEEL_LOG_DEBUG,
} keel_log_level;

// --- logging ---

/// A place in the program that logs; made by the macros.
typedef struct keel_log_site {
    const char *file;
    const char *function;
    int line;
} keel_log_site;

/// Logs a text, as printf makes it. @thread any @since 0.1
#define keel_log(level, ...) keel_log_with(level, KEEL_NONE, __VA_ARGS__)
/// The same with metadata, a map whose keys are atoms. It is added to the process's own
/// and to pid, time, file, line, function.
#define keel_log_with(level, metadata, ...)                                                \
    do {                                                                                   \
        if ((int)(level) <= keel_logger_most()) {                                          \
            static const keel_log_site keel_log_site_ = {__FILE__, __func__, __LINE__};    \
            if (keel_logger_allows(&keel_log_site_, (level))) {                            \
                keel_log_at(&keel_log_site_, (level), (metadata), __VA_ARGS__);            \
            }                                                                              \
        }                                                                                  \
    } while (0)
#define keel_log_emergency(...) keel_log(KEEL_LOG_EMERGENCY, __VA_ARGS__)
#define keel_log_alert(...) keel_log(KEEL_LOG_ALERT, __VA_ARGS__)
#define keel_log_critical(...) keel_log(KEEL_LOG_CRITICAL, __VA_ARGS__)
#define keel_log_error(...) keel_log(KEEL_LOG_ERROR, __VA_ARGS__)
#define keel_log_warning(...) keel_log(KEEL_LOG_WARNING, __VA_ARGS__)
#define keel_log_notice(...) keel_log(KEEL_LOG_NOTICE, __VA_ARGS__)
#define keel_log_info(...) keel_log(KEEL_LOG_INFO, __VA_ARGS__)
#define keel_log_debug(...) keel_log(KEEL_LOG_DEBUG, __VA_ARGS__)
/// Logs a term: handlers make text or JSON of it. The term is made only when needed.
#define keel_log_report(level, report)                                                     \
    do {                                                                                   \
        if ((int)(level) <= keel_logger_most()) {                                          \
            static const keel_log_site keel_log_site_ = {__FILE__, __func__, __LINE__};    \
            if (keel_logger_allows(&keel_log_site_, (level))) {                            \
                keel_log_report_at(&keel_log_site_, (level), (report), KEEL_NONE);         \
            }                                                                              \
        }                                                                                  \
    } while (0)

/// What the macros call. @thread any @since 0.1
KEEL_API int keel_logger_most(void);
KEEL_API bool keel_logger_allows(const keel_log_site *site, keel_log_level level);
KEEL_API void keel_log_at(const keel_log_site *site, keel_log_level level,
        keel_term metadata, const char *format, ...) __attribute__((format(printf, 4, 5)));
KEEL_API void keel_log_report_at(const keel_log_site *site, keel_log_level level,
        keel_term report, keel_term metadata);

// --- levels ---

/// The level of the program, at first info. Returns the old one; what is no level changes
/// nothing.
/// OTP: logger:set_primary_config(level, _). @thread any @since 0.1
KEEL_API keel_log_level keel_logger_level_set(keel_log_level level);
KEEL_API keel_log_level keel_logger_level(void);
/// That of one module, a source file's name without folder and ending: it takes the
/// place of the program's. KEEL_E_NOMEM. OTP: logger:set_module_level/2.
/// @thread any @since 0.1
KEEL_API keel_status keel_logger_module_level_set(const char *module, keel_log_level level);
KEEL_API void keel_logger_module_level_unset(const char *module);
/// That of the calling process: goes before both. KEEL_E_BADARG, KEEL_E_OUTSIDE. Elixir:
/// Logger.put_process_level/2.
/// @thread process @since 0.1
KEEL_API keel_status keel_logger_process_level_set(keel_log_level level);
KEEL_API void keel_logger_process_level_unset(void);
/// The name of a level, such as "warning"; static. @thread any @since 0.1
KEEL_API const char *keel_log_level_name(keel_log_level level);
/// The level with that name, KEEL_LOG_NONE when there is none. @thread any @since 0.1
KEEL_API keel_log_level keel_log_level_of(const char *name);

/// Metadata of all that the calling process logs: a map. set replaces, merge adds.
/// OTP: logger:set_process_metadata/1, update_process_metadata/1. @thread process @since
/// 0.1
KEEL_API keel_status keel_logger_metadata_set(keel_term map);
KEEL_API keel_status keel_logger_metadata_merge(keel_term map);
KEEL_API keel_term keel_logger_metadata(void); ///< #{} when there is none

// --- handlers ---

typedef enum keel_log_output {
    KEEL_LOG_TERMINAL, ///< standard error; in colour when it is a terminal
    KEEL_LOG_FILE, ///< `path`; a full one is renamed to path.1, that to path.2, …
    KEEL_LOG_JOURNAL, ///< journald, with a field for each metadatum
    KEEL_LOG_SYSLOG, ///< the system's log
    KEEL_LOG_FUNCTION, ///< `write`
} keel_log_output;

typedef enum keel_log_format { KEEL_LOG_TEXT, KEEL_LOG_JSON } keel_log_format;

/// An event, as a handler's function sees it.
typedef struct keel_log_event {
    keel_log_level level;
    int64_t time; ///< nanoseconds since 1970
    keel_term message; ///< a binary, or {report, Term}
    keel_term metadata; ///< a map
} keel_log_event;

/// How a handler works; zeroed: standard error, every level, text.
typedef struct keel_log_handler {
    keel_log_output output;
    keel_log_format format; ///< of the terminal and files
    bool only; ///< `level` counts; else the handler takes every level
    keel_log_level level; ///< the least important it takes
    size_t limit; ///< events that may wait for it; 0: 2,000
    const char *path; ///< of a file, or of a socket other than the usual one
    size_t file_bytes; ///< a file is full then; 0: never
    unsigned files; ///< how many full ones are kept; 0: 5
    const char *ident; ///< for journald and syslog; NULL: the program's name
    /// Called in the handler's process, for each event.
    void (*write)(const keel_log_event *event, keel_term argument);
    keel_term argument;
} keel_log_handler;

/// Starts a handler; NULL: one with the defaults. Its strings are copied.
/// @return KEEL_OK, KEEL_E_TAKEN (there is one of that name), KEEL_E_BADARG,
///         KEEL_E_SYSTEM_LIMIT (16 handlers), -errno (the file cannot be opened)
/// OTP: logger:add_handler/3. @thread any @since 0.1
KEEL_API keel_status keel_logger_add_handler(keel_term id, const keel_log_handler *handler);
/// Stops it when it has written what it got. KEEL_E_NOPROC.
/// OTP: logger:remove_handler/1. @thread any @since 0.1
KEEL_API keel_status keel_logger_remove_handler(keel_term id);
/// Waits until all handlers have written what was logged before.
/// @return KEEL_OK, KEEL_E_TIMEOUT @thread any @since 0.1
KEEL_API keel_status keel_logger_flush(keel_deadline deadline);
/// A list of #{id, level, dropped, pid}. @thread any @since 0.1
KEEL_API keel_term keel_logger_handlers(void);

/// Text or a JSON line of an event, without the newline at its end.
/// @return the length the whole has, as snprintf does @thread any @since 0.1
KEEL_API size_t keel_log_format_text(
        char *buffer, size_t size, const keel_log_event *event, bool colour);
KEEL_API size_t keel_log_format_json(
        char *buffer, size_t size, const keel_log_event *event);

/// The logger as an application. Its environment: {level, info}, {module_levels,
/// [{cache, debug}]}, {handlers, [{default, #{output => terminal, format => json, level =>
/// warning, path => <<"x.log">>, file_bytes => 1000000, files => 3}}]}. Without handlers:
/// journald when the program's standard error is its, else the terminal.
extern KEEL_API const keel_application keel_logger;

KEEL_END_DECLS

#endif // KEEL_LOGGER_H
