#ifndef KEEL_REPORT_H
#define KEEL_REPORT_H

#include <keel/gen.h>

// What behaviours have to say about themselves: that a server terminated, that a child was
// started or ended, that a process crashed. A report is a term of OTP's shape; the logger
// takes reports over when it runs, until then they are written as lines to the log.
//
//   #{label => {gen_server, terminate}, name, last_message, state, log, reason,
//     client_info, process_label}
//   #{label => {gen_server, no_handle_info}, module, message}
//   #{label => {gen_statem, terminate}, name, queue, postponed, modules, callback_mode,
//     state_enter, state => {State, Data}, timeouts => {Count, Timeouts}, log,
//     reason => {Class, Reason, Stack}, client_info, process_label}
//   #{label => {gen_statem, unexpected_event}, module, state, event => {Type, Content}}
//   #{label => {supervisor, progress}, report => [{supervisor, Name}, {started, Child}]}
//   #{label => {supervisor, child_terminated | start_error | shutdown_error | shutdown},
//     report => [{supervisor, Name}, {errorContext, Context}, {reason, Reason},
//                {offender, Child}]}
//   #{label => {supervisor, unexpected_msg}, msg}
//   #{label => {proc_lib, crash}, report => [[{initial_call, …}, …], [Neighbour, …]]}

KEEL_BEGIN_DECLS

typedef enum keel_report_level {
    KEEL_REPORT_NONE = -1, ///< of no report: see keel_report_level_set
    KEEL_REPORT_ERROR,
    KEEL_REPORT_WARNING,
    KEEL_REPORT_INFO,
    KEEL_REPORT_DEBUG,
} keel_report_level;

/// Takes a report: in the process it is about, which may be dying. May send, not wait;
/// `report` is borrowed. The process's own failure in it is not caught.
typedef void (*keel_report_handler)(keel_report_level level, keel_term report);

/// Hands `report` to the handler. @thread any @since 0.1
KEEL_API void keel_report(keel_report_level level, keel_term report);
/// Sets who takes reports; NULL: the default, which logs errors and
/// warnings as text and drops the others. Returns the old one. @thread any @since 0.1
KEEL_API keel_report_handler keel_report_handler_set(keel_report_handler handler);
/// Sets the least important level that is reported at all; KEEL_REPORT_NONE: nothing is.
/// What is no level changes nothing. What is not reported costs nothing. At first
/// KEEL_REPORT_DEBUG. Returns the old one. OTP: logger:set_primary_config(level, _).
/// @thread any @since 0.1
KEEL_API keel_report_level keel_report_level_set(keel_report_level least);
/// The text of a report: one line, or several. Any term will do.
/// @param limits  of each term in it; NULL: 20 levels, 100 items, 2,000 bytes
/// @return the length the whole text has, as snprintf does
/// @thread any
/// @since 0.1
KEEL_API size_t keel_report_format(char *buffer, size_t size, keel_term report,
        bool single_line, const keel_print_opts *limits);

/// Makes a crash of the runtime's into a report and hands it on. Installed by the first
/// behaviour that starts, unless another handler is. @thread any @since 0.1
KEEL_API void keel_report_crash(const keel_crash *crash);

KEEL_END_DECLS

#endif // KEEL_REPORT_H
