// The messages of one server for a while, as sys shows them: a function installed in the
// server tells the connection's process of each. It does not tell of states, which hold
// secrets that format_status hides.

#include "control.h"
#include <keel/message.h>
#include <keel/socket.h>
#include <keel/sys.h>
#include <string.h>

// What waits for a slow reader at most, and how much of a message is shown.
enum { WAITING_MAX = 1000, TEXT_BYTES = 1000 };

struct event {
    const char *kind; // NULL: it is not shown
    keel_term body, peer;
};

// Of servers, {in, Message} and {out, Reply, To, State}; of state machines {in, {Type,
// Content}, State} and {out, Reply, To}.
static struct event event_of(keel_term term)
{
    struct event event = {.body = KEEL_NONE, .peer = KEEL_NONE};
    if (keel_match(term, "{in, {'$gen_call', {From, _}, Request}}", &event.peer,
                &event.body) ||
            keel_match(term, "{in, {{call, {From, _}}, Request}, _}", &event.peer,
                    &event.body)) {
        event.kind = "call";
    } else if (keel_match(term, "{in, {'$gen_cast', Request}}", &event.body) ||
               keel_match(term, "{in, {cast, Request}, _}", &event.body)) {
        event.kind = "cast";
    } else if (keel_match(term, "{in, Message}", &event.body) ||
               keel_match(term, "{in, {info, Message}, _}", &event.body)) {
        event.kind = "message";
    } else if (keel_match(term, "{in, Event, _}", &event.body)) {
        event.kind = "event";
    } else if (keel_match(term, "{out, Reply, {To, _}, _}", &event.body, &event.peer) ||
               keel_match(term, "{out, Reply, {To, _}}", &event.body, &event.peer)) {
        event.kind = "reply";
    }
    return event;
}

// Runs in the traced server; `watch` is {Watcher, Reference}.
static keel_term tell_watcher(keel_term watch, keel_term term, keel_term state)
{
    (void)state;
    keel_pid watcher = keel_to_pid(keel_element(watch, 0));
    keel_process_view view;
    if (!keel_inspect_process(watcher, &view)) {
        return keel_atom(done); // it ended without taking this back
    }
    struct event event = event_of(term);
    if (event.kind == NULL) {
        return watch;
    }
    keel_status status = keel_send(watcher,
            keel_make("{Ref, Time, Kind, Text, Peer}", keel_element(watch, 1),
                    keel_system_time(), event.kind, kl_control_show(event.body, TEXT_BYTES),
                    keel_is_none(event.peer) ? keel_nil()
                                             : kl_control_show(event.peer, 200)));
    (void)status; // dropped when it is slow, and counted there
    return watch;
}

static bool tell(struct kl_control_answer *answer, keel_term message, keel_ref ref)
{
    struct kl_control_row row = {.count = 0};
    keel_term time, kind, text, peer;
    if (!keel_match(message, "{^Ref, Time, Kind, Text, Peer}", ref, &time, &kind, &text,
                &peer)) {
        // The other side has closed the connection, or says something: it is over.
        return false;
    }
    kl_control_put(&row, "time_ns", time);
    kl_control_put(&row, "event", kind);
    kl_control_put(&row, "text", text);
    kl_control_put(&row, "peer", keel_is_binary(peer) ? peer : KEEL_NONE);
    kl_control_add(answer, &row);
    return keel_queue_length() > 0 || kl_control_flush(answer);
}

static uint64_t dropped_here(void)
{
    keel_process_view view;
    return keel_inspect_process(keel_self(), &view) ? view.dropped : 0;
}

// Tells of events until the deadline, or until there were enough.
static void watch_events(struct kl_control_answer *answer, keel_ref ref,
        keel_deadline deadline, int64_t most)
{
    bool heard = true;
    while (heard && most-- > 0) {
        keel_term message = KEEL_NONE;
        if (keel_receive_until(deadline, &message) != KEEL_OK) {
            break;
        }
        heard = tell(answer, message, ref);
    }
    if (!heard && answer->status == KEEL_OK) {
        answer->status = KEEL_SOCKET_CLOSED;
    }
}

static keel_term not_installed(keel_status status)
{
    if (status == KEEL_E_TIMEOUT) {
        return keel_string("it did not answer within 5 s: it is busy, or no behaviour");
    }
    return keel_format("it cannot be traced: %s", keel_status_text(status));
}

keel_term kl_control_trace(struct kl_control_answer *answer, keel_term arguments)
{
    int64_t milliseconds = 10000, most = INT64_MAX;
    keel_term error = KEEL_NONE;
    keel_pid pid = kl_control_process(arguments, &error);
    keel_get_int(kl_control_argument(arguments, "for_ms"), &milliseconds);
    keel_get_int(kl_control_argument(arguments, "count"), &most);
    if (pid.word == 0) {
        return error;
    }
    if (milliseconds < 1 || milliseconds > 86400000 || most < 1) {
        return keel_string("a trace lasts between 1 ms and one day, and one event or more");
    }
    // Outlives the flushes, which take what was built for rows with them.
    keel_ref ref = keel_to_ref(keel_keep(keel_from_ref(keel_make_ref())));
    keel_term id = keel_from_ref(ref);
    keel_status status = keel_sys_install(
            pid, id, tell_watcher, keel_tuple_of(keel_from_pid(keel_self()), id));
    if (status != KEEL_OK) {
        keel_drop(id);
        return not_installed(status);
    }
    struct kl_control_row traced = {.count = 0};
    if (kl_control_process_row(&traced, pid)) { // says that it has begun
        kl_control_add(answer, &traced);
        kl_control_flush(answer);
    }
    uint64_t before = dropped_here();
    keel_process_mailbox(WAITING_MAX, KEEL_MAILBOX_DROP_NEW);
    // So that its end is a message; what else comes ends the trace and is lost.
    keel_socket_active(answer->socket, KEEL_ACTIVE);
    answer->last = true;
    watch_events(answer, ref, KEEL_IN(KEEL_MS(milliseconds)), most);
    status = keel_sys_remove(pid, id, NULL);
    (void)status; // it may have ended
    uint64_t lost = dropped_here() - before;
    keel_drop(id);
    if (lost > 0) {
        struct kl_control_row row = {.count = 0};
        kl_control_put(&row, "dropped", keel_uint(lost));
        kl_control_add(answer, &row);
    }
    return KEEL_NONE;
}
