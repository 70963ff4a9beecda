#include "check.h"
#include "config_store.h"

static void settings_are_read_and_changed(keel_term unused)
{
    keel_started_or_exit(config_store_start_link(keel_nil()));
    keel_test_check(keel_to_int(config_store_get(keel_atom(max_upload_size))) == 10000000);
    keel_test_check(keel_is(config_store_get(keel_atom(colour)), nil));
    config_store_put(keel_atom(maintenance_mode), keel_bool(true));
    keel_test_check(keel_to_bool(config_store_get(keel_atom(maintenance_mode))));
    keel_test_check(keel_map_size(config_store_all()) == 3);
}

CHECKS({"settings are read and changed", settings_are_read_and_changed})
