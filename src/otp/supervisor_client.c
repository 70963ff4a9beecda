// The functions that ask a supervisor.

#include "child_spec.h"

static keel_started started_of(keel_status status, keel_term answer);

keel_started keel_supervisor_start_child_term(
        keel_term supervisor, const keel_child_spec *spec)
{
    keel_term answer = KEEL_NONE;
    keel_term request = keel_tuple_of(keel_atom(start_child), kl_child_spec_of_c(spec));
    return started_of(keel_call_term(supervisor, request, KEEL_NEVER, &answer), answer);
}

keel_started keel_supervisor_start_child_of_term(keel_term supervisor, keel_term arguments)
{
    keel_term answer = KEEL_NONE;
    keel_term request = keel_tuple_of(keel_atom(start_child), arguments);
    return started_of(keel_call_term(supervisor, request, KEEL_NEVER, &answer), answer);
}

keel_started keel_supervisor_restart_child_term(keel_term supervisor, keel_term id)
{
    keel_term answer = KEEL_NONE;
    keel_term request = keel_tuple_of(keel_atom(restart_child), id);
    return started_of(keel_call_term(supervisor, request, KEEL_NEVER, &answer), answer);
}

keel_status keel_supervisor_ask_term(
        keel_term supervisor, keel_term what, keel_term id, keel_term *ret_answer)
{
    keel_term answer = KEEL_NONE;
    keel_status status = keel_call_term(
            supervisor, keel_tuple_of(what, id), KEEL_NEVER, &answer);
    keel_term kind = keel_element(answer, 0);
    if (status == KEEL_OK && keel_is(kind, error)) {
        status = KEEL_E_REFUSED;
    }
    bool wrapped = keel_tuple_size(answer) == 2 &&
                   (keel_is(kind, error) || keel_is(kind, ok));
    if (ret_answer != NULL && (status == KEEL_OK || status == KEEL_E_REFUSED)) {
        *ret_answer = wrapped ? keel_element(answer, 1) : answer;
    } else if (ret_answer != NULL && status == KEEL_E_EXIT) {
        *ret_answer = answer;
    }
    return status;
}

keel_status keel_supervisor_count_children_term(
        keel_term supervisor, keel_child_counts *ret_counts)
{
    keel_term answer = KEEL_NONE;
    keel_status status = keel_call_term(
            supervisor, keel_atom(count_children), KEEL_NEVER, &answer);
    if (status == KEEL_OK) {
        *ret_counts = (keel_child_counts){
                .specs = (size_t)keel_to_int(keel_proplist_get(answer, keel_atom(specs))),
                .active = (size_t)keel_to_int(keel_proplist_get(answer, keel_atom(active))),
                .supervisors = (size_t)keel_to_int(
                        keel_proplist_get(answer, keel_atom(supervisors))),
                .workers = (size_t)keel_to_int(
                        keel_proplist_get(answer, keel_atom(workers))),
        };
    }
    return status;
}

// {error, R} is a refusal: the supervisor lives and says no.
static keel_started started_of(keel_status status, keel_term answer)
{
    if (status != KEEL_OK) {
        return (keel_started){
                .status = status, .reason = status == KEEL_E_EXIT ? answer : KEEL_NONE};
    }
    if (keel_match(answer, "{ok, undefined}")) {
        return keel_started_ignored();
    }
    keel_started started = keel_started_from_term(answer);
    if (started.status != KEEL_OK) {
        started.status = KEEL_E_REFUSED;
    }
    return started;
}
