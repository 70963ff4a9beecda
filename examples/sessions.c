// Servers that are named by a key of a registry.

#include "sessions.h"

keel_started sessions_start_link(keel_term unused)
{
    return keel_registry_start_link(.name = keel_atom(sessions), .keys = KEEL_UNIQUE);
}

keel_term sessions_via(keel_term session_id)
{
    return keel_registry_via(keel_atom(sessions), session_id);
}

keel_pid sessions_whereis(keel_term session_id)
{
    return keel_registry_whereis(keel_atom(sessions), session_id);
}

keel_term sessions_list(void)
{
    return keel_registry_select(
            keel_atom(sessions), keel_make("[{{'$1', '$2', '$3'}, [], [{{'$1', '$2'}}]}]"));
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    return keel_is(request, get_state) ? keel_reply(*(keel_term *)state)
                                       : keel_unexpected(request);
}

static const keel_gen_server session = {
        .name = "session",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = handle_call,
};

keel_started session_start_link(keel_term session_id, keel_term options)
{
    return keel_gen_server_start_link(&session, options, .name = sessions_via(session_id));
}

keel_term session_get_state(keel_term session_id)
{
    return keel_call_or_exit(sessions_via(session_id), keel_atom(get_state));
}
