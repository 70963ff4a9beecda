// Steps on processes: signals, links, monitors, timers, starts and calls.

#include "fixture.h"

// Erlang's own operations raise badarg where ours give a status.
static void must(keel_status status)
{
    if (status == KEEL_E_BADARG) {
        keel_error(keel_atom(badarg));
    }
}

static void must_be(bool right)
{
    must(right ? KEEL_OK : KEEL_E_BADARG);
}

static void self(struct outcome *outcome, const keel_term *arguments)
{
    (void)arguments;
    outcome->value = keel_from_pid(keel_self());
}

static void pause_for(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    int64_t time;
    bool right = keel_is(arguments[0], infinity) ||
                 (keel_get_int(arguments[0], &time) && time >= 0);
    if (!right) {
        keel_error(keel_atom(function_clause));
    }
    keel_sleep(script_time(arguments[0]));
}

static void send(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    must(keel_send(arguments[0], arguments[1]));
}

static void send_after(struct outcome *outcome, const keel_term *arguments)
{
    keel_term to = keel_is(arguments[1], self) ? keel_from_pid(keel_self()) : arguments[1];
    keel_ref timer;
    must(keel_send_after_opt(arguments[0], to, arguments[2], keel_nil(), &timer));
    outcome->value = keel_from_ref(timer);
}

static void cancel_timer(struct outcome *outcome, const keel_term *arguments)
{
    keel_duration left;
    must_be(keel_is_ref(arguments[0]));
    outcome->value = keel_cancel_timer(keel_to_ref(arguments[0]), &left)
                             ? keel_int((left + KEEL_MS(1) - 1) / KEEL_MS(1))
                             : keel_bool(false);
}

static void monitor(struct outcome *outcome, const keel_term *arguments)
{
    keel_ref made = keel_monitor(arguments[0]);
    if (made.word == 0) {
        must(KEEL_E_BADARG);
    }
    outcome->value = keel_from_ref(made);
}

static void demonitor(struct outcome *outcome, const keel_term *arguments)
{
    bool result = false;
    must(keel_demonitor_opt(arguments[0], arguments[1], &result));
    outcome->value = keel_bool(result);
}

// To a dead process of this node: Erlang raises an error in who does not trap exits, where
// ours gets an exit signal.
static void link_to(struct outcome *outcome, const keel_term *arguments)
{
    keel_pid pid = keel_to_pid(arguments[0]);
    bool here = keel_equal(keel_node_of(arguments[0]), keel_node_self());
    if (here && !keel_process_alive(pid) && !probe_traps()) {
        keel_error(keel_atom(noproc));
    }
    must(keel_link(pid));
    outcome->value = keel_bool(true);
}

static void unlink_from(struct outcome *outcome, const keel_term *arguments)
{
    must(keel_unlink(keel_to_pid(arguments[0])));
    outcome->value = keel_bool(true);
}

static void exit_to(struct outcome *outcome, const keel_term *arguments)
{
    must(keel_process_exit(keel_to_pid(arguments[0]), arguments[1]));
    outcome->value = keel_bool(true);
}

static void trap_exit(struct outcome *outcome, const keel_term *arguments)
{
    must_be(keel_is_bool(arguments[0]));
    outcome->value = keel_bool(keel_trap_exit(keel_to_bool(arguments[0])));
}

static void whereis(struct outcome *outcome, const keel_term *arguments)
{
    must_be(keel_is_atom(arguments[0]));
    keel_pid pid = keel_whereis(arguments[0]);
    outcome->value = pid.word != 0 ? keel_from_pid(pid) : keel_atom(undefined);
}

static void start(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = kinds_start(arguments[0], arguments[1], false);
}

static void start_link(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = kinds_start(arguments[0], arguments[1], true);
}

// --- calls ---

static keel_term ask_server(const keel_term *arguments)
{
    return keel_call_or_exit_within(arguments[0], arguments[1], script_time(arguments[2]));
}

static void call(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = script_attempt(ask_server, arguments);
}

static void cast(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_cast(arguments[0], arguments[1]);
}

static void obey_reply(struct outcome *outcome, const keel_term *arguments)
{
    keel_term request = keel_make("{ask, Tag}", probe_tag());
    script_obey(outcome, keel_call_or_exit_within(arguments[0], request, KEEL_FOREVER));
}

const struct step process_steps[] = {
        {"self", 0, self},
        {"sleep", 1, pause_for},
        {"send", 2, send},
        {"send_after", 3, send_after},
        {"cancel_timer", 1, cancel_timer},
        {"monitor", 1, monitor},
        {"demonitor", 2, demonitor},
        {"link", 1, link_to},
        {"unlink", 1, unlink_from},
        {"exit", 2, exit_to},
        {"trap_exit", 1, trap_exit},
        {"whereis", 1, whereis},
        {"start", 2, start},
        {"start_link", 2, start_link},
        {"call", 3, call},
        {"cast", 2, cast},
        {"ask", 1, obey_reply},
        {NULL, 0, NULL},
};
