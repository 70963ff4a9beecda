#ifndef KEEL_METRIC_H
#define KEEL_METRIC_H

#include <keel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Counters, gauges and histograms, and their text for Prometheus.
//
//   keel_metric *orders = keel_counter("shop_orders_total", "Orders taken", NULL);
//   keel_metric_add(orders, 1);
//
// A metric is made once and stays for good; keep the pointer. Changing one is an atomic
// addition.

KEEL_BEGIN_DECLS

typedef struct keel_metric keel_metric;

/// The metric with that name and those labels, made if there is none.
/// @param name    letters, digits and _, not a digit first; copied
/// @param help    a sentence; copied; NULL: none
/// @param labels  as Prometheus writes them: "method=\"GET\",code=\"200\""; NULL: none
/// @return NULL: a bad name, one of another kind has it, or memory is exhausted
/// @thread any
/// @since 0.1
KEEL_API keel_metric *keel_counter(const char *name, const char *help, const char *labels);
KEEL_API keel_metric *keel_gauge(const char *name, const char *help, const char *labels);
/// @param bounds  upper bounds of the buckets, rising; copied; NULL: 5 ms to 10 s
/// @param count   of bounds, at most 32
/// @thread any @since 0.1
KEEL_API keel_metric *keel_histogram(const char *name, const char *help, const char *labels,
        const double *bounds, size_t count);

/// Adds to a counter or gauge; a counter takes nothing negative. NULL is fine.
/// @thread any @since 0.1
KEEL_API void keel_metric_add(keel_metric *metric, double by);
/// Sets a gauge. @thread any @since 0.1
KEEL_API void keel_metric_set(keel_metric *metric, double value);
/// Adds an observation to a histogram. @thread any @since 0.1
KEEL_API void keel_metric_observe(keel_metric *metric, double value);
/// The value; a histogram's sum. @thread any @since 0.1
KEEL_API double keel_metric_value(const keel_metric *metric);

/// Writes all metrics in Prometheus's text format, and the runtime's own: processes,
/// memory, run queue, atoms, timers, uptime, messages dropped.
/// @return the length the whole has, as snprintf does; it may grow before the next call
/// @thread any @since 0.1
KEEL_API size_t keel_metrics_write(char *buffer, size_t size);

KEEL_END_DECLS

#endif // KEEL_METRIC_H
