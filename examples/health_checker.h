#ifndef HEALTH_CHECKER_H
#define HEALTH_CHECKER_H

#include <keel/parts/health.h>

/// Gets each URL now and then: `options` is a map with urls (a list of binaries) and
/// interval (milliseconds; 30,000 when it is not there).
keel_started health_checker_start_link(keel_term options);
/// A map from URLs to healthy, unhealthy or unreachable.
keel_term health_checker_status(void);
/// How a URL is looked at; tests set another way.
extern keel_health_probe health_checker_get;

#endif // HEALTH_CHECKER_H
