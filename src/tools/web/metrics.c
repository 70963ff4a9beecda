#include "listener.h"
#include "request.h"
#include "text.h"

#include <inttypes.h>
#include <keel/inspect.h>
#include <string.h>

// One figure: its help, its type, its value.
static void figure(struct kl_text *text, const char *name, const char *type,
        const char *help, uint64_t value)
{
    kl_text_print(text, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name,
            type, name, value);
}

static void add_runtime(struct kl_text *text)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    figure(text, "keel_processes", "gauge", "Processes alive.", view.processes);
    figure(text, "keel_processes_max", "gauge", "Most processes.", view.processes_max);
    figure(text, "keel_processes_spawned_total", "counter", "Processes ever spawned.",
            view.spawned);
    figure(text, "keel_runnable", "gauge", "Processes that wait for a worker.",
            view.runnable);
    figure(text, "keel_memory_bytes", "gauge", "Memory allocated.", view.memory);
    figure(text, "keel_stack_bytes", "gauge", "Memory mapped for stacks.",
            view.stack_bytes);
    figure(text, "keel_stacks", "gauge", "Stacks in use.", view.stacks);
    figure(text, "keel_atoms", "gauge", "Atoms.", view.atoms);
    figure(text, "keel_timers", "gauge", "Timers armed.", view.timers);
    figure(text, "keel_blocking_busy", "gauge", "Threads doing blocking work.",
            view.blocking_busy);
    figure(text, "keel_blocking_queue", "gauge", "Blocking work that waits.",
            view.blocking_queue);
    figure(text, "keel_messages_dropped_total", "counter",
            "Messages that full mailboxes refused or dropped.", view.messages_dropped);
    figure(text, "keel_uptime_seconds", "counter", "Seconds since the start.",
            (uint64_t)(view.uptime_ns / KEEL_SECONDS(1)));
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
    struct kl_text text = {0};
    add_runtime(&text);
    add_web(&text, request->peer->web);
    keel_term binary = keel_binary(text.data, text.size);
    kl_text_done(&text);
    return binary;
}

void keel_web_metrics(keel_web_request *request)
{
    keel_bytes text = keel_to_bytes(keel_web_metrics_text(request));
    keel_web_reply(
            request, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.size);
}
