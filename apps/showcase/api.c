#include "api.h"

#include <keel/inspect.h>
#include <string.h>
#include <time.h>

const char *api_text(
        keel_web_request *request, keel_term body, const char *field, size_t most)
{
    const char *text = keel_web_value(body, field);
    if (text == NULL) {
        keel_web_fail(request, 400, "%s: must be a text", field);
    } else if (text[0] == '\0') {
        keel_web_fail(request, 400, "%s: must not be empty", field);
    } else if (strlen(text) > most) {
        keel_web_fail(request, 400, "%s: must not be longer than %zu bytes", field, most);
    } else {
        return text;
    }
    return NULL;
}

bool api_number(keel_web_request *request, keel_term body, const char *field, int64_t least,
        int64_t most, int64_t *ret_number)
{
    if (!keel_get_int(keel_map_get(body, keel_string(field)), ret_number) ||
            *ret_number < least || *ret_number > most) {
        keel_web_fail(request, 400, "%s: must be a whole number from %lld to %lld", field,
                (long long)least, (long long)most);
        return false;
    }
    return true;
}

keel_term api_time(keel_term milliseconds)
{
    int64_t value;
    struct tm parts;
    char text[64];
    if (!keel_get_int(milliseconds, &value)) {
        return keel_atom(nil);
    }
    time_t seconds = (time_t)(value / 1000);
    gmtime_r(&seconds, &parts);
    size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    return keel_format("%.*s.%03dZ", (int)size, text, (int)(value % 1000));
}

// Healthy is who has all its systems: one that is being started anew is not there.
void api_health(keel_web_request *request)
{
    static const char *const systems[] = {
            "events", "rooms_system", "jobs", "tokens", "services", "patterns", "tree"};
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    keel_term missing = keel_nil();
    for (size_t index = KEEL_COUNT(systems); index > 0; index--) {
        if (keel_whereis(systems[index - 1]).word == 0) {
            missing = keel_cons(keel_string(systems[index - 1]), missing);
        }
    }
    bool healthy = keel_is_nil(missing);
    keel_web_reply_json(request, healthy ? 200 : 503,
            keel_make("{[{status, Status}, {missing, Missing}, {uptime_s, Uptime}, "
                      "{processes, Processes}]}",
                    healthy ? "ok" : "degraded", missing, view.uptime_ns / KEEL_SECONDS(1),
                    (int64_t)view.processes));
}
