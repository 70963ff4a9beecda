// The client's half of every behaviour: call, cast, stop.

#include "call.h"
#include "via.h"
#include <keel/gen_statem.h>
#include <string.h>

static keel_status stop_inside(
        keel_term server, keel_term reason, keel_deadline deadline, keel_term *ret_reason);
static keel_status stop_outside(
        keel_term server, keel_term reason, keel_deadline deadline, keel_term *ret_reason);

keel_status keel_call_term(
        keel_term server, keel_term request, keel_deadline deadline, keel_term *ret_reply)
{
    if (!keel_is_tuple(server)) {
        return keel_gen_call(server, request, deadline, ret_reply);
    }
    keel_term to;
    keel_status status = kl_via_resolve(server, &to);
    return status == KEEL_OK ? keel_gen_call(to, request, deadline, ret_reply) : status;
}

static keel_term call_or_exit(
        const char *module, keel_term server, keel_term request, keel_duration timeout)
{
    keel_term reply = KEEL_NONE;
    // To look at the clock takes a sixth of a call's time. What the time of the turn may be
    // wrong by is nothing to a limit of seconds.
    keel_deadline deadline = timeout == KEEL_FOREVER      ? KEEL_NEVER
                             : timeout >= KEEL_SECONDS(1) ? KEEL_ABOUT(timeout)
                                                          : KEEL_IN(timeout);
    keel_status status = keel_call_term(server, request, deadline, &reply);
    if (status == KEEL_OK) {
        return reply;
    }
    keel_term name = KEEL_NONE;
    if (keel_atom_from(module, strlen(module), &name) != KEEL_OK) {
        name = keel_atom(undefined);
    }
    // No term at all would make the whole reason none.
    keel_term undefined = keel_atom(undefined);
    keel_exit(keel_make("{Why, {Module, call, [Server, Request, Timeout]}}",
            kl_call_why(status, server, reply), name,
            keel_is_none(server) ? undefined : server,
            keel_is_none(request) ? undefined : request, kl_call_milliseconds(timeout)));
}

keel_term keel_call_or_exit_term(keel_term server, keel_term request, keel_duration timeout)
{
    return call_or_exit("gen_server", server, request, timeout);
}

keel_term keel_gen_statem_call_or_exit_term(
        keel_term machine, keel_term request, keel_duration timeout)
{
    return call_or_exit("gen_statem", machine, request, timeout);
}

// Shaped as a name that a keeper keeps, be the keeper known or not.
static bool is_via(keel_term server)
{
    return keel_tuple_size(server) == 3 && keel_is(keel_element(server, 0), via) &&
           keel_is_atom(keel_element(server, 1));
}

keel_status keel_cast_term(keel_term server, keel_term request)
{
    if (!keel_is_tuple(server)) {
        return keel_gen_cast(server, request);
    }
    keel_term to;
    keel_status status = kl_via_resolve(server, &to);
    if (status == KEEL_E_NOPROC || (status != KEEL_OK && is_via(server))) {
        return KEEL_OK; // nobody is there, and a cast does not tell
    }
    return status == KEEL_OK ? keel_gen_cast(to, request) : status;
}

keel_status keel_gen_server_stop_term(
        keel_term server, keel_term reason, keel_deadline deadline, keel_term *ret_reason)
{
    keel_term to;
    keel_status status = kl_via_resolve(server, &to);
    if (status != KEEL_OK || keel_is_none(reason)) {
        return status != KEEL_OK ? status : KEEL_E_BADARG;
    }
    keel_term ended = KEEL_NONE;
    status = keel_in_process() ? stop_inside(to, reason, deadline, &ended)
                               : stop_outside(to, reason, deadline, &ended);
    if (status == KEEL_E_EXIT && ret_reason != NULL) {
        *ret_reason = ended;
    }
    return status;
}

keel_term kl_call_why(keel_status status, keel_term server, keel_term reason)
{
    switch (status) {
    case KEEL_E_EXIT:
        return reason;
    case KEEL_E_TIMEOUT:
        return keel_atom(timeout);
    case KEEL_E_NOPROC:
        return keel_atom(noproc);
    case KEEL_E_SELFCALL:
        return keel_atom(calling_self);
    case KEEL_E_NODEDOWN:
        return keel_tuple_of(keel_atom(nodedown),
                keel_tuple_size(server) == 2 ? keel_element(server, 1) : server);
    case KEEL_E_OVERLOAD:
        return keel_atom(overload);
    default:
        return keel_atom(badarg);
    }
}

keel_term kl_call_milliseconds(keel_duration timeout)
{
    return timeout == KEEL_FOREVER ? keel_atom(infinity) : keel_int(timeout / KEEL_MS(1));
}

// --- stopping ---

static bool is_self(keel_term to)
{
    keel_term self = keel_server_whereis_term(to);
    return self.word != 0 && self.word == keel_from_pid(keel_self()).word;
}

// The monitor tells how it ended, whatever becomes of the request: a server that ends on
// its own account before it has answered is stopped as well.
static keel_status stop_inside(
        keel_term server, keel_term reason, keel_deadline deadline, keel_term *ret_reason)
{
    if (is_self(server)) {
        return KEEL_E_SELFCALL;
    }
    keel_ref monitor = keel_monitor_term(server);
    if (monitor.word == 0) {
        return KEEL_E_BADARG;
    }
    keel_term answer = KEEL_NONE;
    keel_term terminate = keel_tuple_of(keel_atom(terminate), reason);
    keel_status status = keel_gen_system_call(server, terminate, deadline, &answer);
    if (status == KEEL_OK || status == KEEL_E_EXIT || status == KEEL_E_NOPROC) {
        status = keel_receive_match(
                deadline, "{'DOWN', ^Monitor, process, _, Ended}", monitor, ret_reason);
    }
    if (status != KEEL_OK) {
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
        return status;
    }
    if (keel_equal(*ret_reason, reason)) {
        return KEEL_OK;
    }
    return keel_is(*ret_reason, noproc) ? KEEL_E_NOPROC : KEEL_E_EXIT;
}

// A thread outside has no mailbox for the monitor's message: a process does it for it.
static void stop_for_outside(keel_term errand)
{
    keel_term ended = keel_nil();
    keel_deadline deadline = keel_deadline_at(keel_to_int(keel_element(errand, 2)));
    keel_status status = stop_inside(
            keel_element(errand, 0), keel_element(errand, 1), deadline, &ended);
    keel_gen_ack(keel_tuple_of(keel_int(status), ended));
}

static keel_status stop_outside(
        keel_term server, keel_term reason, keel_deadline deadline, keel_term *ret_reason)
{
    keel_term errand = keel_tuple_of(server, reason, keel_int(deadline.at));
    keel_pid pid;
    keel_term ack = KEEL_NONE;
    keel_status status = keel_start_body(
            stop_for_outside, errand, NULL, KEEL_NEVER, &pid, NULL, &ack);
    if (status != KEEL_OK) {
        return status;
    }
    *ret_reason = keel_element(ack, 1);
    return (keel_status)keel_to_int(keel_element(ack, 0));
}
