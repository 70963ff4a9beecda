#ifndef SERVICE_MONITOR_H
#define SERVICE_MONITOR_H

#include <keel/parts/health.h>

/// Watches services: `options` is a map with check_interval (milliseconds; 30,000) and
/// max_failures (3).
keel_started service_monitor_start_link(keel_term options);
void service_monitor_add(keel_term name, keel_term url);
void service_monitor_remove(keel_term name);
/// A map from names to #{status, last_check, response_time}.
keel_term service_monitor_status(void);
/// #{url, status, last_check, response_time} of one, or nil.
keel_term service_monitor_service_status(keel_term name);
/// How a URL is looked at; tests set another way.
extern keel_health_probe service_monitor_get;

#endif // SERVICE_MONITOR_H
