#ifndef COUNTER_H
#define COUNTER_H

#include <keel/keel.h>

keel_started counter_start_link(keel_term initial);
int64_t counter_value(void);
void counter_increment(void);
void counter_reset(void);

#endif // COUNTER_H
