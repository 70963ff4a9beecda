// Settings in an agent: a state that needs no server of its own.

#include "config_store.h"

static keel_term load(keel_term unused)
{
    return keel_make("#{max_upload_size => 10000000, maintenance_mode => false, "
                     "feature_flags => #{nuevo_dashboard => true}}");
}

static keel_term get(keel_term config, keel_term key)
{
    keel_term value = keel_map_get(config, key);
    return keel_is_none(value) ? keel_atom(nil) : value;
}

static keel_term put(keel_term config, keel_term pair)
{
    return keel_map_put(config, keel_element(pair, 0), keel_element(pair, 1));
}

keel_started config_store_start_link(keel_term unused)
{
    return keel_agent_start_link(load, unused, .name = keel_atom(config_store));
}

keel_term config_store_get(keel_term key)
{
    return keel_agent_get_or_exit("config_store", get, key);
}

void config_store_put(keel_term key, keel_term value)
{
    keel_agent_update_or_exit("config_store", put, keel_tuple_of(key, value));
}

keel_term config_store_all(void)
{
    return keel_agent_get_or_exit("config_store", keel_agent_state, keel_nil());
}
