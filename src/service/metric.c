// Metrics: numbers that are added to without a lock, and their text.

#include "base/base.h"
#include <ctype.h>
#include <keel/inspect.h>
#include <keel/metric.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BOUNDS_MAX = 32 };
enum kind { COUNTER, GAUGE, HISTOGRAM };

struct keel_metric {
    struct keel_metric *next; // newest first; entries stay for good
    enum kind kind;
    char *name, *help, *labels; // "" when there are none
    uint64_t value; // the bits of a double; of a histogram the sum
    size_t bound_count;
    double bounds[BOUNDS_MAX];
    uint64_t buckets[BOUNDS_MAX + 1]; // observations up to each bound; the last: above all
};

static struct keel_metric *metrics; // read by anybody
static struct kl_lock lock; // of those who make one

// --- making ---

static bool is_name(const char *name)
{
    if (name == NULL || (!isalpha((unsigned char)*name) && *name != '_')) {
        return false;
    }
    while (isalnum((unsigned char)*name) || *name == '_' || *name == ':') {
        name++;
    }
    return *name == '\0';
}

static struct keel_metric *find(const char *name, const char *labels)
{
    // Acquire: pairs with the release in make; the entry is complete.
    struct keel_metric *at = kl_load_acquire(&metrics);
    while (at != NULL && (strcmp(at->name, name) != 0 ||
                                 (labels != NULL && strcmp(at->labels, labels) != 0))) {
        at = at->next;
    }
    return at;
}

static char *append(char **at, const char *text)
{
    char *copy = *at;
    size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static struct keel_metric *allocate(const char *name, const char *help, const char *labels)
{
    size_t strings = strlen(name) + strlen(help) + strlen(labels) + 3;
    struct keel_metric *metric = kl_alloc_zero(sizeof *metric + strings);
    if (metric != NULL) {
        char *at = (char *)(metric + 1);
        metric->name = append(&at, name);
        metric->help = append(&at, help);
        metric->labels = append(&at, labels);
    }
    return metric;
}

static struct keel_metric *make(enum kind kind, const char *name, const char *help,
        const char *labels, const double *bounds, size_t count)
{
    help = help != NULL ? help : "";
    labels = labels != NULL ? labels : "";
    if (!is_name(name) || count > BOUNDS_MAX) {
        return NULL;
    }
    kl_lock_take(&lock);
    struct keel_metric *family = find(name, NULL);
    struct keel_metric *metric = find(name, labels);
    if (family != NULL && family->kind != kind) {
        metric = NULL;
    } else if (metric == NULL) {
        metric = allocate(name, help, labels);
        if (metric != NULL) {
            metric->kind = kind;
            metric->bound_count = count;
            for (size_t i = 0; i < count; i++) {
                metric->bounds[i] = bounds[i];
            }
            metric->next = metrics;
            kl_store_release(&metrics, metric);
        }
    }
    kl_lock_give(&lock);
    return metric;
}

keel_metric *keel_counter(const char *name, const char *help, const char *labels)
{
    return make(COUNTER, name, help, labels, NULL, 0);
}

keel_metric *keel_gauge(const char *name, const char *help, const char *labels)
{
    return make(GAUGE, name, help, labels, NULL, 0);
}

keel_metric *keel_histogram(const char *name, const char *help, const char *labels,
        const double *bounds, size_t count)
{
    static const double usual[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    if (bounds == NULL) {
        bounds = usual;
        count = sizeof usual / sizeof *usual;
    }
    for (size_t i = 1; i < count; i++) {
        if (!(bounds[i] > bounds[i - 1])) {
            return NULL;
        }
    }
    return make(HISTOGRAM, name, help, labels, bounds, count);
}

// --- changing ---

static double value_of(const uint64_t *bits)
{
    uint64_t word = kl_load_relaxed(bits); // a number by itself: it orders nothing
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static void add(uint64_t *bits, double by)
{
    uint64_t old = kl_load_relaxed(bits);
    double value;
    do {
        memcpy(&value, &old, sizeof value);
    } while (!kl_cas_acq_rel(bits, &old, bits_of(value + by)));
}

void keel_metric_add(keel_metric *metric, double by)
{
    if (metric != NULL && metric->kind != HISTOGRAM && !isnan(by) &&
            (by >= 0 || metric->kind == GAUGE)) {
        add(&metric->value, by);
    }
}

void keel_metric_set(keel_metric *metric, double value)
{
    if (metric != NULL && metric->kind == GAUGE) {
        kl_store_relaxed(&metric->value, bits_of(value));
    }
}

void keel_metric_observe(keel_metric *metric, double value)
{
    if (metric == NULL || metric->kind != HISTOGRAM || isnan(value)) {
        return;
    }
    size_t bucket = 0;
    while (bucket < metric->bound_count && value > metric->bounds[bucket]) {
        bucket++;
    }
    kl_add_relaxed(&metric->buckets[bucket], 1);
    add(&metric->value, value);
}

double keel_metric_value(const keel_metric *metric)
{
    return metric != NULL ? value_of(&metric->value) : 0;
}

// --- text ---

// A newline and a backslash in a help text are escaped.
static void put_help(struct kl_bounded *text, const struct keel_metric *metric)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    if (metric->help[0] != '\0') {
        kl_bounded_put(text, "# HELP %s ", metric->name);
        for (const char *at = metric->help; *at != '\0'; at++) {
            if (*at == '\n') {
                kl_bounded_put(text, "\\n");
            } else {
                kl_bounded_put(text, *at == '\\' ? "\\%c" : "%c", *at);
            }
        }
        kl_bounded_put(text, "\n");
    }
    kl_bounded_put(text, "# TYPE %s %s\n", metric->name, kinds[metric->kind]);
}

static void put_number(struct kl_bounded *text, double value)
{
    if (isinf(value)) {
        kl_bounded_put(text, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) < 1e15 && value == (double)(int64_t)value) {
        kl_bounded_put(text, "%.0f", value);
    } else {
        kl_bounded_put(text, isnan(value) ? "NaN" : "%.9g", value);
    }
}

static void put_histogram(struct kl_bounded *text, const struct keel_metric *metric)
{
    uint64_t sum = 0;
    const char *comma = metric->labels[0] != '\0' ? "," : "";
    for (size_t i = 0; i <= metric->bound_count; i++) {
        sum += kl_load_relaxed(&metric->buckets[i]);
        kl_bounded_put(text, "%s_bucket{%s%sle=\"", metric->name, metric->labels, comma);
        put_number(text, i < metric->bound_count ? metric->bounds[i] : (double)INFINITY);
        kl_bounded_put(text, "\"} %llu\n", (unsigned long long)sum);
    }
    bool labelled = metric->labels[0] != '\0';
    const char *open = labelled ? "{" : "";
    const char *close = labelled ? "}" : "";
    kl_bounded_put(text, "%s_sum%s%s%s ", metric->name, open, metric->labels, close);
    put_number(text, value_of(&metric->value));
    kl_bounded_put(text, "\n%s_count%s%s%s %llu\n", metric->name, open, metric->labels,
            close, (unsigned long long)sum);
}

static void put_metric(struct kl_bounded *text, const struct keel_metric *metric)
{
    if (metric->kind == HISTOGRAM) {
        put_histogram(text, metric);
        return;
    }
    bool labelled = metric->labels[0] != '\0';
    kl_bounded_put(text, "%s%s%s%s ", metric->name, labelled ? "{" : "", metric->labels,
            labelled ? "}" : "");
    put_number(text, value_of(&metric->value));
    kl_bounded_put(text, "\n");
}

// True when no newer metric has the name: its family is then written where it stands.
static bool is_first(const struct keel_metric *newest, const struct keel_metric *metric)
{
    while (newest != metric && strcmp(newest->name, metric->name) != 0) {
        newest = newest->next;
    }
    return newest == metric;
}

static void put_runtime(struct kl_bounded *text)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    const struct {
        const char *name, *kind;
        double value;
    } rows[] = {
            {"keel_processes", "gauge", (double)view.processes},
            {"keel_processes_limit", "gauge", (double)view.processes_max},
            {"keel_processes_spawned_total", "counter", (double)view.spawned},
            {"keel_memory_bytes", "gauge", (double)view.memory},
            {"keel_stack_bytes", "gauge", (double)view.stack_bytes},
            {"keel_run_queue", "gauge", (double)view.runnable},
            {"keel_atoms", "gauge", (double)view.atoms},
            {"keel_atoms_limit", "gauge", (double)view.atoms_max},
            {"keel_timers", "gauge", (double)view.timers},
            {"keel_blocking_busy", "gauge", (double)view.blocking_busy},
            {"keel_messages_dropped_total", "counter", (double)view.messages_dropped},
            {"keel_uptime_seconds", "gauge", (double)view.uptime_ns / 1e9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kl_bounded_put(text, "# TYPE %s %s\n%s ", rows[i].name, rows[i].kind, rows[i].name);
        put_number(text, rows[i].value);
        kl_bounded_put(text, "\n");
    }
}

size_t keel_metrics_write(char *buffer, size_t size)
{
    struct kl_bounded text = {buffer, size, 0};
    struct keel_metric *newest = kl_load_acquire(&metrics); // pairs with make
    for (struct keel_metric *at = newest; at != NULL; at = at->next) {
        if (!is_first(newest, at)) {
            continue;
        }
        put_help(&text, at);
        for (struct keel_metric *member = at; member != NULL; member = member->next) {
            if (strcmp(member->name, at->name) == 0) {
                put_metric(&text, member);
            }
        }
    }
    put_runtime(&text);
    return text.length;
}
