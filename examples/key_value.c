// A key-value store: the first exercise.

#include "key_value.h"

static keel_term keys_of(keel_term map)
{
    keel_term keys = keel_nil(), key, value;
    for (size_t i = keel_map_size(map); i > 0 && keel_map_at(map, i - 1, &key, &value);
            i--) {
        keys = keel_cons(key, keys);
    }
    return keys;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term *map = state, key;
    if (keel_match(request, "{fetch, Key}", &key)) {
        keel_term value = keel_map_get(*map, key);
        return keel_reply(
                keel_is_none(value) ? keel_atom(error) : keel_make("{ok, Value}", value));
    }
    return keel_is(request, keys) ? keel_reply(keys_of(*map)) : keel_unexpected(request);
}

static keel_result handle_cast(keel_term request, void *state)
{
    keel_term *map = state, key, value;
    if (keel_match(request, "{put, Key, Value}", &key, &value)) {
        keel_set(map, keel_map_put(*map, key, value));
        return keel_noreply();
    }
    if (keel_match(request, "{delete, Key}", &key)) {
        keel_set(map, keel_map_remove(*map, key));
        return keel_noreply();
    }
    return keel_unexpected(request);
}

static const keel_gen_server key_value = {
        .name = "key_value",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
};

keel_started key_value_start_link(keel_term unused)
{
    return keel_gen_server_start_link(
            &key_value, keel_make("#{}"), .name = keel_atom(key_value));
}

void key_value_put(keel_term key, keel_term value)
{
    keel_cast("key_value", keel_make("{put, Key, Value}", key, value));
}

keel_term key_value_fetch(keel_term key)
{
    return keel_call_or_exit("key_value", keel_make("{fetch, Key}", key));
}

void key_value_delete(keel_term key)
{
    keel_cast("key_value", keel_make("{delete, Key}", key));
}

keel_term key_value_keys(void)
{
    return keel_call_or_exit("key_value", keel_atom(keys));
}
