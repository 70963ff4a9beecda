// Events as lines, and where the lines go.

#include "sys.h"
#include <stdio.h>

static void (*sink)(void *context, const char *line); // NULL: the log
static void *sink_context;
static struct kl_lock sink_lock; // so that both are read as one

void keel_sys_trace_sink_set(void (*take)(void *context, const char *line), void *context)
{
    kl_lock_take(&sink_lock);
    sink = take;
    sink_context = context;
    kl_lock_give(&sink_lock);
}

void kl_sys_trace_line(const char *line)
{
    kl_lock_take(&sink_lock);
    void (*take)(void *context, const char *line) = sink;
    void *context = sink_context;
    kl_lock_give(&sink_lock);
    if (take != NULL) {
        take(context, line);
    } else {
        kl_log(KL_LOG_INFO, "%s", line);
    }
}

// A line is cut where it gets too long: what it says first matters most.
static const char *shown(keel_term term)
{
    static const keel_print_opts limits = {
            .max_bytes = 600, .max_depth = 12, .max_items = 50};
    uint8_t *text;
    keel_term holder = keel_binary_new(700, &text);
    if (keel_is_none(holder)) {
        return "...";
    }
    keel_print((char *)text, 700, term, &limits);
    return (const char *)text;
}

// The events of a state machine; negative when it is none of them.
static int machine_event_text(char *buffer, size_t size, const char *who, keel_term event)
{
    keel_term type = KEEL_NONE;
    keel_term from = KEEL_NONE;
    keel_term body = KEEL_NONE;
    keel_term state = KEEL_NONE;
    keel_term next = KEEL_NONE;
    if (keel_match(
                event, "{in, {{call, {From, _}}, Request}, State}", &from, &body, &state)) {
        return snprintf(buffer, size, "%s got call %s from %s in state %s", who,
                shown(body), shown(from), shown(state));
    }
    if (keel_match(event, "{in, {Type, Content}, State}", &type, &body, &state)) {
        return snprintf(buffer, size, "%s got %s %s in state %s", who, shown(type),
                shown(body), shown(state));
    }
    if (keel_match(event, "{out, Reply, {To, _}}", &body, &from)) {
        return snprintf(buffer, size, "%s sent %s to %s", who, shown(body), shown(from));
    }
    bool postpones = keel_match(
            event, "{postpone, {_, Content}, State, Next}", &body, &state, &next);
    if (postpones || keel_match(event, "{consume, {_, Content}, State, Next}", &body,
                             &state, &next)) {
        return snprintf(buffer, size, "%s %s %s in state %s%s%s", who,
                postpones ? "postponed" : "consumed", shown(body), shown(state),
                keel_equal(state, next) ? "" : " => ",
                keel_equal(state, next) ? "" : shown(next));
    }
    if (keel_match(event, "{start_timer, Action, State}", &body, &state)) {
        return snprintf(
                buffer, size, "%s starts %s in state %s", who, shown(body), shown(state));
    }
    return -1;
}

size_t kl_sys_event_text(char *buffer, size_t size, keel_term name, keel_term event)
{
    keel_term body = KEEL_NONE;
    keel_term state = KEEL_NONE;
    keel_term from = KEEL_NONE;
    const char *who = shown(name);
    int length;
    if (keel_match(event, "{in, {'$gen_call', {From, _}, Request}}", &from, &body)) {
        length = snprintf(
                buffer, size, "%s got call %s from %s", who, shown(body), shown(from));
    } else if (keel_match(event, "{in, {'$gen_cast', Request}}", &body)) {
        length = snprintf(buffer, size, "%s got cast %s", who, shown(body));
    } else if (keel_match(event, "{in, Message}", &body)) {
        length = snprintf(buffer, size, "%s got %s", who, shown(body));
    } else if (keel_match(event, "{out, Reply, {To, _}, State}", &body, &from, &state)) {
        length = snprintf(buffer, size, "%s sent %s to %s, new state %s", who, shown(body),
                shown(from), shown(state));
    } else if (keel_match(event, "{noreply, State}", &state)) {
        length = snprintf(buffer, size, "%s new state %s", who, shown(state));
    } else if ((length = machine_event_text(buffer, size, who, event)) < 0) {
        length = snprintf(buffer, size, "%s event %s", who, shown(event));
    }
    return length < 0 ? 0 : (size_t)length;
}
