// A server whose state is one term, a map.

#include "config_server.h"

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term *config = state, key, value;
    if (keel_match(request, "{get, Key}", &key)) {
        value = keel_map_get(*config, key);
        return keel_reply(keel_is_none(value) ? keel_atom(nil) : value);
    }
    if (keel_match(request, "{set, Key, Value}", &key, &value)) {
        keel_set(config, keel_map_put(*config, key, value));
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(request, get_all)) {
        return keel_reply(*config);
    }
    return keel_unexpected(request);
}

static const keel_gen_server config_server = {
        .name = "config_server",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = handle_call,
};

keel_started config_server_start_link(keel_term config)
{
    return keel_gen_server_start_link(
            &config_server, config, .name = keel_atom(config_server));
}

keel_term config_server_get(keel_term key)
{
    return keel_call_or_exit("config_server", keel_make("{get, Key}", key));
}

void config_server_set(keel_term key, keel_term value)
{
    keel_call_or_exit("config_server", keel_make("{set, Key, Value}", key, value));
}

keel_term config_server_get_all(void)
{
    return keel_call_or_exit("config_server", keel_atom(get_all));
}
