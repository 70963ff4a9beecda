#include "cron.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct field {
    unsigned least, most;
    const char *names; // three letters each, beginning with the number `least`; or NULL
};

static const struct field fields[] = {
        {0, 59, NULL},
        {0, 23, NULL},
        {1, 31, NULL},
        {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
        {0, 7, "sunmontuewedthufrisat"},
};
enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const char *const nicknames[][2] = {
        {"@hourly", "0 * * * *"},
        {"@daily", "0 0 * * *"},
        {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"},
        {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
};

// A number, or a name of the field.
static bool parse_value(const char **text, const struct field *field, unsigned *ret_value)
{
    const char *at = *text;
    if (*at >= '0' && *at <= '9') {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        *text = end;
        *ret_value = (unsigned)number;
        return end - at <= 2 && number >= field->least && number <= field->most;
    }
    for (unsigned i = 0; field->names != NULL && field->names[i * 3] != '\0'; i++) {
        if (strncasecmp(at, field->names + (size_t)i * 3, 3) == 0) {
            *text = at + 3;
            *ret_value = field->least + i;
            return true;
        }
    }
    return false;
}

// One item of a list: a value, a range, or *, with or without a step.
static bool parse_item(const char **text, const struct field *field, uint64_t *bits)
{
    unsigned first = field->least, last = field->most, step = 1;
    bool open = **text == '*';
    if (open) {
        ++*text;
    } else if (!parse_value(text, field, &first)) {
        return false;
    } else if (**text == '-') {
        ++*text;
        if (!parse_value(text, field, &last) || last < first) {
            return false;
        }
    } else {
        // "5/10" runs from 5 to the end in steps; "5" alone is just that.
        last = **text == '/' ? field->most : first;
    }
    if (**text == '/') {
        char *end;
        ++*text;
        if (**text < '0' || **text > '9') {
            return false;
        }
        unsigned long number = strtoul(*text, &end, 10);
        *text = end;
        if (number == 0 || number > 60) {
            return false;
        }
        step = (unsigned)number;
    }
    for (unsigned value = first; value <= last; value += step) {
        *bits |= UINT64_C(1) << value;
    }
    return true;
}

static bool parse_field(const char **text, const struct field *field, uint64_t *ret_bits)
{
    *ret_bits = 0;
    while (parse_item(text, field, ret_bits)) {
        if (**text != ',') {
            return **text == ' ' || **text == '\t' || **text == '\0';
        }
        ++*text;
    }
    return false;
}

static const char *without_nickname(const char *text)
{
    for (size_t i = 0; i < sizeof nicknames / sizeof *nicknames; i++) {
        if (strcmp(text, nicknames[i][0]) == 0) {
            return nicknames[i][1];
        }
    }
    return text;
}

bool kl_cron_parse(const char *text, struct kl_cron *ret_cron)
{
    uint64_t bits[FIELDS];
    bool any[FIELDS];
    text = without_nickname(text);
    for (int i = 0; i < FIELDS; i++) {
        text += strspn(text, " \t");
        any[i] = *text == '*';
        if (!parse_field(&text, &fields[i], &bits[i])) {
            return false;
        }
    }
    if (text[strspn(text, " \t")] != '\0') {
        return false;
    }
    uint64_t sunday = bits[WEEKDAY] >> 7 & 1;
    *ret_cron = (struct kl_cron){
            .minutes = bits[MINUTE],
            .hours = (uint32_t)bits[HOUR],
            .days = (uint32_t)bits[DAY],
            .months = (uint32_t)bits[MONTH],
            .weekdays = (uint32_t)((bits[WEEKDAY] | sunday) & 0x7f),
            .any_day = any[DAY],
            .any_weekday = any[WEEKDAY],
    };
    return true;
}

static bool has_day(const struct kl_cron *cron, const struct tm *day)
{
    bool by_day = cron->days >> day->tm_mday & 1;
    bool by_weekday = cron->weekdays >> day->tm_wday & 1;
    if ((cron->months >> (day->tm_mon + 1) & 1) == 0) {
        return false;
    }
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

// The first minute of the day from `from` on, or -1.
static int minute_of_day(const struct kl_cron *cron, int from)
{
    for (int minute = from; minute < 24 * 60; minute++) {
        if ((cron->hours >> (minute / 60) & 1) && (cron->minutes >> (minute % 60) & 1)) {
            return minute;
        }
    }
    return -1;
}

int64_t kl_cron_next(const struct kl_cron *cron, int64_t seconds)
{
    enum { DAY_SECONDS = 86400, DAYS = 366 * 30 };
    int64_t minute = seconds / 60 + 1;
    int64_t day = minute / (24 * 60);
    int from = (int)(minute % (24 * 60));
    for (int i = 0; i < DAYS; i++, day++, from = 0) {
        time_t midnight = (time_t)(day * DAY_SECONDS);
        struct tm date;
        if (gmtime_r(&midnight, &date) != NULL && has_day(cron, &date)) {
            int found = minute_of_day(cron, from);
            if (found >= 0) {
                return day * DAY_SECONDS + found * 60;
            }
        }
    }
    return 0;
}
