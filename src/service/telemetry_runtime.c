// The runtime's own events as telemetry. They are told where no process may act, so they go
// through an ear; the process that hears them tells those who are attached.

#include "ear.h"
#include "held.h"
#include <keel/runtime_event.h>
#include <keel/telemetry.h>

enum { ROOM = 4096 };

struct note {
    keel_runtime_event event;
    struct kl_held term;
    int64_t time; // nanoseconds since 1970
};

static struct kl_ear ear;
static uint32_t running; // there is one; atomic

// --- where it happens ---

static void forget(void *item)
{
    struct note *note = item;
    kl_held_unref(note->term);
    kl_free(note, sizeof *note);
}

static void take_note(const keel_runtime_event *event)
{
    if (!keel_telemetry_is_on()) {
        return;
    }
    struct note *note = kl_alloc_zero(sizeof *note);
    if (note == NULL) {
        return;
    }
    note->event = *event;
    note->time = keel_system_time();
    if (!kl_held_init(&note->term, event->term) || !kl_ear_put(&ear, note)) {
        forget(note);
    }
}

// --- where it is heard ---

static void tell_process(const struct note *note)
{
    const keel_runtime_event *event = &note->event;
    const char *entry = event->entry != NULL ? event->entry : "";
    keel_term times = keel_make("#{system_time => Time}", note->time);
    switch (event->kind) {
    case KEEL_RUNTIME_EVENT_START:
        keel_telemetry(keel_make("[keel, process, start]"), times,
                keel_make("#{pid => Pid, parent => Parent, entry => Entry}", event->pid,
                        event->other.word != 0 ? keel_from_pid(event->other)
                                               : keel_atom(undefined),
                        entry));
        break;
    case KEEL_RUNTIME_EVENT_EXIT:
        keel_telemetry(keel_make("[keel, process, exit]"), times,
                keel_make("#{pid => Pid, reason => Reason, entry => Entry}", event->pid,
                        note->term.term, entry));
        break;
    case KEEL_RUNTIME_EVENT_RESTART:
        keel_telemetry(keel_make("[keel, supervisor, restart]"), times,
                keel_make(
                        "#{supervisor => Pid, child => Id}", event->pid, note->term.term));
        break;
    case KEEL_RUNTIME_EVENT_OVERLOAD:
        keel_telemetry(keel_make("[keel, process, overload]"),
                keel_make("#{system_time => Time, messages => Count}", note->time,
                        event->number),
                keel_make("#{pid => Pid, entry => Entry}", event->pid, entry));
        break;
    case KEEL_RUNTIME_EVENT_STALL:
        keel_telemetry(keel_make("[keel, process, stall]"),
                keel_make("#{system_time => Time, duration => Ns}", note->time,
                        event->number),
                keel_make("#{pid => Pid, entry => Entry}", event->pid, entry));
        break;
    }
}

static void tell_all(void)
{
    for (struct note *note; (note = kl_ear_take(&ear)) != NULL;) {
        keel_scope scope = keel_scope_open();
        // What this process itself does is not told: its start and end would be.
        if (note->event.pid.word != keel_self().word) {
            tell_process(note);
        }
        keel_scope_close(&scope);
        forget(note);
    }
    uint64_t dropped = kl_ear_dropped(&ear);
    if (dropped > 0) {
        keel_telemetry(keel_make("[keel, telemetry, dropped]"),
                keel_make("#{count => Count}", dropped), keel_make("#{}"));
    }
}

static void go_deaf(void *unused)
{
    (void)unused;
    keel_runtime_event_listen(NULL);
    kl_ear_close(&ear, forget);
    kl_store_release(&running, 0); // pairs with the exchange in hear
}

static void hear(keel_term unused)
{
    (void)unused;
    uint32_t nobody = 0;
    if (!kl_cas_acq_rel(&running, &nobody, 1)) {
        keel_gen_fail(keel_atom(already_started), keel_atom(normal));
    }
    keel_status status = kl_ear_open(&ear, ROOM);
    if (status == KEEL_OK) {
        status = keel_defer(go_deaf, NULL);
    }
    if (status != KEEL_OK) {
        go_deaf(NULL);
        keel_gen_fail(keel_string(keel_status_text(status)), keel_atom(normal));
    }
    keel_runtime_event_listen(take_note);
    keel_gen_ack(keel_nil());
    while (kl_ear_wait(&ear)) {
        tell_all();
    }
}

keel_started keel_telemetry_runtime_start_link(keel_term unused)
{
    (void)unused;
    keel_spawn_opts opts = {.link = true, .entry = "telemetry_runtime"};
    keel_pid pid = {0};
    keel_term ack = KEEL_NONE;
    keel_status status = keel_start_body(
            hear, keel_nil(), &opts, KEEL_NEVER, &pid, NULL, &ack);
    if (status == KEEL_OK) {
        return keel_started_ok(pid);
    }
    return keel_started_failed(
            keel_is_none(ack) ? keel_string(keel_status_text(status)) : ack);
}
