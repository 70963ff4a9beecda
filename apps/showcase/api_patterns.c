#include "api.h"

#include <string.h>

static const char *const names[] = {
        "cache", "limiter", "pool", "workers", "batcher", "breaker"};

void api_patterns_show(keel_web_request *request)
{
    keel_term all = keel_map(NULL, NULL, 0);
    for (size_t index = 0; index < KEEL_COUNT(names); index++) {
        keel_term stats = patterns_stats(names[index]);
        all = keel_map_put(all, keel_string(names[index]),
                keel_is_none(stats) ? keel_atom(nil) : stats);
    }
    keel_web_reply_json(request, 200, all);
}

static bool is_pattern(const char *name)
{
    for (size_t index = 0; index < KEEL_COUNT(names); index++) {
        if (strcmp(names[index], name) == 0) {
            return true;
        }
    }
    return false;
}

void api_patterns_use(keel_web_request *request)
{
    const char *pattern = keel_web_param(request, "pattern");
    keel_term body;
    char text[200];
    const char *argument;
    if (!is_pattern(pattern)) {
        keel_web_fail(request, 404, "there is no such pattern");
        return;
    }
    if (!keel_web_json(request, &body) ||
            (argument = api_text(request, body, "argument", 60)) == NULL) {
        return;
    }
    keel_status status = patterns_use(pattern, argument, text, sizeof(text));
    if (status == KEEL_OK) {
        keel_web_reply_json(request, 200, keel_make("#{result => Text}", text));
    } else if (status == KEEL_E_OVERLOAD) {
        keel_web_header_set(request, "retry-after", "2");
        keel_web_fail(request, 429, "%s", text);
    } else {
        keel_web_fail(request, 503, "%s",
                status == KEEL_E_REFUSED ? text : keel_status_text(status));
    }
}
