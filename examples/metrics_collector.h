#ifndef METRICS_COLLECTOR_H
#define METRICS_COLLECTOR_H

#include <keel/keel.h>

keel_started metrics_collector_start_link(keel_term unused);
void metrics_collector_record(keel_term name, keel_term value);
/// A map from each name to its last hundred values, the newest first.
keel_term metrics_collector_get(void);

#endif // METRICS_COLLECTOR_H
