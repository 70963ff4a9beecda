#ifndef KEY_VALUE_H
#define KEY_VALUE_H

#include <keel/keel.h>

keel_started key_value_start_link(keel_term unused);
void key_value_put(keel_term key, keel_term value);
/// {ok, Value} or the atom error.
keel_term key_value_fetch(keel_term key);
void key_value_delete(keel_term key);
/// A sorted list.
keel_term key_value_keys(void);

#endif // KEY_VALUE_H
