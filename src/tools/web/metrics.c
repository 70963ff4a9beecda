#include "listener.h"
#include "request.h"
#include "text.h"

#include <inttypes.h>
#include <keel/inspect.h>
#include <keel/metric.h>
#include <string.h>

// One figure: its help, its type, its value.
static void figure(struct kl_text *text, const char *name, const char *type,
        const char *help, uint64_t value)
{
    kl_text_print(text, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name,
            type, name, value);
}

// What the program counts, and the runtime. It may grow between the two looks.
static void add_program(struct kl_text *text)
{
    size_t room = keel_metrics_write(NULL, 0) + 4096;
    char *buffer = keel_alloc(room);
    size_t size = keel_metrics_write(buffer, room);
    kl_text_add(text, buffer, size < room ? size : room - 1);
    keel_free(buffer);
}

static void add_workers(struct kl_text *text)
{
    kl_text_addz(text,
            "# HELP keel_worker_busy_seconds_total Time spent running processes.\n"
            "# TYPE keel_worker_busy_seconds_total counter\n");
    keel_worker_view worker;
    for (unsigned index = 0; keel_inspect_worker(index, &worker); index++) {
        kl_text_print(text, "keel_worker_busy_seconds_total{worker=\"%u\"} %.3f\n", index,
                (double)worker.busy_ns / 1e9);
    }
}

static void add_web(struct kl_text *text, struct kl_web *web)
{
    keel_web_stats stats;
    kl_listener_stats(web, &stats);
    figure(text, "keel_web_connections", "gauge", "Connections open.", stats.connections);
    figure(text, "keel_web_pages", "gauge", "Live pages open.", stats.pages);
    figure(text, "keel_web_requests", "gauge", "Requests being served.", stats.requests);
    figure(text, "keel_web_refused_total", "counter",
            "Connections and requests refused because there were too many.", stats.refused);
    figure(text, "keel_web_pushes_total", "counter", "Updates sent to live pages.",
            stats.pushes);
    figure(text, "keel_web_pushed_bytes_total", "counter", "Their size.",
            stats.pushed_bytes);
    kl_text_addz(text, "# HELP keel_web_responses_total Requests answered.\n"
                       "# TYPE keel_web_responses_total counter\n");
    for (int class = 1; class < 6; class ++) {
        kl_text_print(text, "keel_web_responses_total{code=\"%dxx\"} %" PRIu64 "\n", class,
                stats.by_class[class]);
    }
}

keel_term keel_web_metrics_text(const keel_web_request *request)
{
    if (request == NULL) {
        return KEEL_NONE;
    }
    struct kl_text text = {0};
    add_program(&text);
    add_workers(&text);
    add_web(&text, request->peer->web);
    keel_term binary = keel_binary(text.data, text.size);
    kl_text_done(&text);
    return binary;
}

void keel_web_metrics(keel_web_request *request)
{
    if (request == NULL) {
        return;
    }
    keel_bytes text = keel_to_bytes(keel_web_metrics_text(request));
    keel_web_reply(
            request, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.size);
}
