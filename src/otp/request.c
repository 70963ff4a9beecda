// Requests whose response is fetched later, and calls to many nodes. request_set.c holds
// several of them together.

#include "via.h"
#include <keel/request.h>

static bool is_mine(keel_request request);

keel_request keel_send_request_term(keel_term server, keel_term request)
{
    keel_request made = {.owner = keel_self(), .server = server};
    keel_term to;
    keel_status status = kl_via_resolve(server, &to);
    if (status == KEEL_E_NOPROC) {
        // Nobody has the via name: a pid that is nobody's answers the same way as the name.
        to = keel_to_of_name("");
    } else if (status != KEEL_OK) {
        return (keel_request){{0}, {0}, KEEL_NONE};
    }
    made.ref = keel_gen_send_request(to, request);
    return made.ref.word != 0 ? made : (keel_request){{0}, {0}, KEEL_NONE};
}

keel_status keel_wait_response(
        keel_request request, keel_deadline deadline, keel_term *ret_reply)
{
    return is_mine(request) ? keel_gen_wait_response(request.ref, deadline, ret_reply)
                            : KEEL_E_BADARG;
}

keel_status keel_receive_response(
        keel_request request, keel_deadline deadline, keel_term *ret_reply)
{
    return is_mine(request) ? keel_gen_receive_response(request.ref, deadline, ret_reply)
                            : KEEL_E_BADARG;
}

keel_status keel_check_response(
        keel_term message, keel_request request, keel_term *ret_reply)
{
    return is_mine(request) ? keel_gen_check_response(message, request.ref, ret_reply)
                            : KEEL_E_BADARG;
}

static bool is_mine(keel_request request)
{
    return request.ref.word != 0 && request.owner.word == keel_self().word &&
           keel_in_process();
}

// --- many nodes ---

static bool are_nodes(keel_term nodes)
{
    keel_term node;
    while (keel_list_next(&nodes, &node)) {
        if (!keel_is_atom(node)) {
            return false;
        }
    }
    return keel_is_nil(nodes);
}

keel_status keel_abcast(keel_term nodes, keel_term name, keel_term request)
{
    if (!are_nodes(nodes) || !keel_is_atom(name)) {
        return KEEL_E_BADARG;
    }
    keel_term node;
    while (keel_list_next(&nodes, &node)) {
        keel_gen_cast(keel_tuple_of(name, node), request);
    }
    return KEEL_OK;
}

keel_term keel_multi_call(
        keel_term nodes, keel_term name, keel_term request, keel_deadline deadline)
{
    size_t count = 0;
    if (!are_nodes(nodes) || !keel_list_length(nodes, &count) || !keel_is_atom(name) ||
            !keel_in_process()) {
        return KEEL_NONE;
    }
    keel_ref *refs = keel_alloc((count + 1) * sizeof *refs);
    keel_term rest = nodes;
    keel_term node;
    for (size_t i = 0; keel_list_next(&rest, &node); i++) {
        refs[i] = keel_gen_send_request(keel_tuple_of(name, node), request);
    }
    keel_term replies = keel_nil();
    keel_term bad = keel_nil();
    rest = nodes;
    for (size_t i = 0; keel_list_next(&rest, &node); i++) {
        keel_term reply = KEEL_NONE;
        if (refs[i].word != 0 &&
                keel_gen_receive_response(refs[i], deadline, &reply) == KEEL_OK) {
            replies = keel_cons(keel_tuple_of(node, reply), replies);
        } else {
            bad = keel_cons(node, bad);
        }
    }
    keel_free(refs);
    return keel_tuple_of(keel_list_reverse(replies), keel_list_reverse(bad));
}
