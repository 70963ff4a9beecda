#ifndef KEEL_REQUEST_H
#define KEEL_REQUEST_H

#include <keel/gen_server.h>

// Calls whose answer is fetched later, one by one or from a collection, and calls to the
// servers of one name on many nodes.

KEEL_BEGIN_DECLS

/// A request under way; used by the process that made it alone.
typedef struct keel_request {
    keel_ref ref;
    keel_pid owner;
    keel_term server; ///< as it was given; follows the lifetime rule
} keel_request;

/// Sends a request and returns at once, also when nobody is there (the response then is
/// noproc). A zeroed request when `server` is no name of a server, or outside.
/// OTP: gen_server:send_request/2. @thread process @since 0.1
#define keel_send_request(server, request)                                                 \
    keel_send_request_term(KEEL_TO(server), (request))
KEEL_API keel_request keel_send_request_term(keel_term server, keel_term request);
/// Waits for the response; after KEEL_E_TIMEOUT it may be waited for again.
/// @param ret_reply  KEEL_OK: the reply; KEEL_E_EXIT: the reason, noproc included
/// @return also KEEL_E_BADARG: no request of the caller's
/// OTP: gen_server:wait_response/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_wait_response(
        keel_request request, keel_deadline deadline, keel_term *ret_reply);
/// The same; after KEEL_E_TIMEOUT the request is given up, and its response never comes.
/// OTP: gen_server:receive_response/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_receive_response(
        keel_request request, keel_deadline deadline, keel_term *ret_reply);
/// What a message that was received says about the request: KEEL_OK and KEEL_E_EXIT as
/// above, KEEL_E_NOPROC when it is about something else (OTP: no_reply), KEEL_E_BADARG.
/// OTP: gen_server:check_response/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_check_response(
        keel_term message, keel_request request, keel_term *ret_reply);

// --- collections ---

/// Requests under way, each with a label. Memory of the process that made it.
typedef struct keel_requests keel_requests;

/// What a collection says about one of its requests.
typedef struct keel_response {
    keel_status status; ///< KEEL_OK or KEEL_E_EXIT
    keel_term reply; ///< or the reason
    keel_term label;
    keel_request request;
} keel_response;

/// An empty collection. OTP: gen_server:reqids_new/0. @thread process @since 0.1
KEEL_API keel_requests *keel_requests_new(void);
/// Here and below a collection that is NULL is an empty one, to which nothing is added.
/// Forgets the requests without giving them up. NULL is fine. @thread process @since 0.1
KEEL_API void keel_requests_free(keel_requests *requests);
/// OTP: gen_server:reqids_size/1. @thread process @since 0.1
KEEL_API size_t keel_requests_size(const keel_requests *requests);
/// Adds a request. KEEL_E_BADARG: it is in there already, or no request of the caller's.
/// OTP: gen_server:reqids_add/3. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_requests_add(
        keel_requests *requests, keel_request request, keel_term label);
/// A list of {Reference, Label}. OTP: gen_server:reqids_to_list/1. @thread process
/// @since 0.1
KEEL_API keel_term keel_requests_list(const keel_requests *requests);
/// Waits for whichever response comes first; with `remove` its request leaves the
/// collection. KEEL_E_TIMEOUT changes nothing; KEEL_E_BADARG: the collection is empty (OTP:
/// no_request). OTP: gen_server:wait_response/3. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_requests_wait(keel_requests *requests,
        keel_deadline deadline, bool remove, keel_response *ret_response);
/// The same; KEEL_E_TIMEOUT gives all requests in it up. OTP:
/// gen_server:receive_response/3.
/// @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_requests_receive(keel_requests *requests,
        keel_deadline deadline, bool remove, keel_response *ret_response);
/// What a message that was received says: KEEL_OK and the response, KEEL_E_NOPROC when it
/// is about none of them, KEEL_E_BADARG when there are none. OTP:
/// gen_server:check_response/3.
/// @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_requests_check(keel_requests *requests,
        keel_term message, bool remove, keel_response *ret_response);

// --- many nodes ---

/// Calls the server `name` on each of `nodes` (a list of atoms) at the same time.
/// @return {[{Node, Reply}, …], BadNodes}: bad is a node that cannot be reached, that has
/// no
///         such server, or whose server did not answer before `deadline`; a late answer
///         never comes. KEEL_NONE when an argument is of the wrong type.
/// OTP: gen_server:multi_call/4. @thread process @since 0.1
KEEL_API keel_term keel_multi_call(
        keel_term nodes, keel_term name, keel_term request, keel_deadline deadline);
/// Casts to the server `name` on each of `nodes`; nodes without it are passed over.
/// @return KEEL_OK, KEEL_E_BADARG. OTP: gen_server:abcast/3. @thread any @since 0.1
KEEL_API keel_status keel_abcast(keel_term nodes, keel_term name, keel_term request);

KEEL_END_DECLS

#endif // KEEL_REQUEST_H
