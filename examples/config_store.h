#ifndef CONFIG_STORE_H
#define CONFIG_STORE_H

#include <keel/keel.h>

keel_started config_store_start_link(keel_term unused);
/// The value; the atom nil when there is none.
keel_term config_store_get(keel_term key);
void config_store_put(keel_term key, keel_term value);
keel_term config_store_all(void);

#endif // CONFIG_STORE_H
