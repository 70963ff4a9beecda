#ifndef CONFIG_SERVER_H
#define CONFIG_SERVER_H

#include <keel/keel.h>

/// `config`: the first map.
keel_started config_server_start_link(keel_term config);
/// The value; the atom nil when there is none.
keel_term config_server_get(keel_term key);
void config_server_set(keel_term key, keel_term value);
keel_term config_server_get_all(void);

#endif // CONFIG_SERVER_H
