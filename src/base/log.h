#ifndef KL_BASE_LOG_H
#define KL_BASE_LOG_H

// One sink for what the library has to say; the default writes a line to standard error.
enum kl_log_level { KL_LOG_ERROR, KL_LOG_WARNING, KL_LOG_INFO, KL_LOG_DEBUG };

void kl_log(enum kl_log_level level, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
// Replaces the sink; NULL: the default. `text` is one or more lines without the last
// newline. Called on any thread; may not call back into the library. Returns the old one.
typedef void kl_log_sink(void *context, enum kl_log_level level, const char *text);
void kl_log_sink_set(kl_log_sink *sink, void *context);

#endif // KL_BASE_LOG_H
