#ifndef KL_BASE_LOG_H
#define KL_BASE_LOG_H

#include <stddef.h>

// One sink for what the library has to say; the default writes a line to standard error.
enum kl_log_level { KL_LOG_ERROR, KL_LOG_WARNING, KL_LOG_INFO, KL_LOG_DEBUG };

void kl_log(enum kl_log_level level, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
// Replaces the sink; NULL: the default. `text` is one or more lines without the last
// newline. Called on any thread, on several at once; may not call back into the library.
// When this returns, nobody is in the old sink any more: its context may go.
typedef void kl_log_sink(void *context, enum kl_log_level level, const char *text);
void kl_log_sink_set(kl_log_sink *sink, void *context);

// Hands a text to the sink as it is; for kl_panic(), so it allocates nothing and gives up
// (false) where the sink is just being replaced. Does nothing for the default sink.
_Bool kl_log_tell_sink(enum kl_log_level level, const char *text);
// What the default sink does: writes it as a line to standard error.
void kl_log_write_line(enum kl_log_level level, const char *text);
// Writes all of it to standard error. A closed or full pipe there is no misfortune: the
// rest is dropped, and nobody gets SIGPIPE.
void kl_log_write_stderr(const char *text, size_t length);

#endif // KL_BASE_LOG_H
