#ifndef KL_PARTS_CRON_H
#define KL_PARTS_CRON_H

#include <stdbool.h>
#include <stdint.h>

// Schedules in the notation of cron: minute, hour, day of the month, month, day of the
// week; in UTC. Each is *, a number, a range a-b, a list a,b, any of them with a step /n;
// months and days of the week also by the first three letters of their English names,
// Sunday is 0 and 7. When both days are restricted, one of them is enough, as cron has
// always done.
// @hourly, @daily, @weekly, @monthly and @yearly stand for the usual ones.
//
// Pure: no clock.
struct kl_cron {
    uint64_t minutes; // bit n: minute n
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; // written as *
};

// False when `text` is no schedule.
bool kl_cron_parse(const char *text, struct kl_cron *ret_cron);
// The first minute after `seconds` (since 1970) at which it is due, in seconds; 0 when
// there is none within thirty years, as for the 30th of February.
int64_t kl_cron_next(const struct kl_cron *cron, int64_t seconds);

#endif // KL_PARTS_CRON_H
