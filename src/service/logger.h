#ifndef KL_SERVICE_LOGGER_H
#define KL_SERVICE_LOGGER_H

#include "base/base.h"
#include <keel/logger.h>

// What the files of the logger share.
//
// Who logs looks at levels (logger.c, a few atomic words), makes the event a term and casts
// it to each handler that takes its level (logger_handler.c). A handler is a gen_server
// with a bounded mailbox; it formats (logger_format.c, logger_json.c) and writes through a
// sink. What the runtime itself says comes to the same handlers (logger_runtime.c).

// Where a handler writes to. `open` gives KEEL_OK or -errno; `write` gets a whole event,
// and gives false when it was lost.
struct kl_log_sink;
struct kl_log_sink_ops {
    keel_status (*open)(struct kl_log_sink *sink);
    bool (*write)(struct kl_log_sink *sink, const keel_log_event *event);
    void (*close)(struct kl_log_sink *sink);
};

struct kl_log_sink {
    const struct kl_log_sink_ops *ops;
    keel_log_handler handler; // its strings lie in `strings`
    char strings[512];
    int fd; // -1: none
    bool colour;
    size_t written; // bytes in the file
    char *buffer; // of the process, `buffer_bytes` long
    size_t buffer_bytes;
};

extern const struct kl_log_sink_ops kl_log_sink_terminal; // logger_stream.c
extern const struct kl_log_sink_ops kl_log_sink_file;
extern const struct kl_log_sink_ops kl_log_sink_journal; // logger_datagram.c
extern const struct kl_log_sink_ops kl_log_sink_syslog;

// Grows the sink's buffer to at least so much.
char *kl_log_sink_buffer(struct kl_log_sink *sink, size_t bytes);
// True when standard error is connected to journald, as JOURNAL_STREAM says.
bool kl_log_stderr_is_journal(void);
// The name of the program, for what shows one.
const char *kl_log_ident(const struct kl_log_sink *sink);
// The datagram for journald; returns its length, as snprintf does.
size_t kl_log_format_journal(
        char *buffer, size_t size, const keel_log_event *event, const char *ident);
// The datagram for syslog.
size_t kl_log_format_syslog(
        char *buffer, size_t size, const keel_log_event *event, const char *ident);
// Just the message; an event's report becomes text.
size_t kl_log_message(char *buffer, size_t size, const keel_log_event *event);
// A metadatum as plain text: a binary's bytes, else Erlang's notation.
size_t kl_log_value(char *buffer, size_t size, keel_term value);

// --- logger_handler.c ---

// Casts an event to those that take its level. False: there is no handler at all.
bool kl_log_dispatch(keel_log_level level, keel_term message, keel_term metadata);
// True for the process of a handler.
bool kl_log_is_handler(keel_pid pid);
// Stops all handlers, when the logger stops.
void kl_log_handlers_stop(void);

// --- logger_runtime.c ---

// From now on what the runtime has to say goes to the handlers; KEEL_OK, KEEL_E_NOMEM,
// -errno. Until kl_log_runtime_stop, which waits until the handlers have been sent all.
keel_status kl_log_runtime_start(void);
void kl_log_runtime_stop(void);

// --- logger.c ---

// An event that no handler takes goes to the log of the runtime.
void kl_log_fall_back(keel_log_level level, keel_term message);

#endif // KL_SERVICE_LOGGER_H
