#include "check.h"
#include "request_batcher.h"

static int fetches;

// The double of each number; nothing else is found.
static keel_term fetch(keel_term keys)
{
    keel_term values = keel_make("#{}"), key;
    fetches++;
    while (keel_list_next(&keys, &key)) {
        if (keel_is_int(key)) {
            values = keel_map_put(values, key, keel_int(2 * keel_to_int(key)));
        }
    }
    return values;
}

static keel_term get(keel_term key)
{
    return request_batcher_get(key);
}

static keel_term numbers(int64_t last)
{
    keel_term list = keel_nil();
    while (last > 0) {
        list = keel_cons(keel_int(last--), list);
    }
    return list;
}

static void many_callers_share_a_fetch(keel_term unused)
{
    fetches = 0;
    keel_started_or_exit(request_batcher_start_link(fetch));
    keel_term results = keel_task_stream_all(get, numbers(30), .max_concurrency = 30);
    keel_test_check(fetches == 3);
    for (int64_t i = 1; i <= 30; i++) {
        keel_term result;
        keel_test_check(keel_list_next(&results, &result));
        keel_test_check(keel_match(result, "{ok, ^Double}", keel_int(2 * i)));
    }
}

static void a_lonely_request_does_not_wait_long(keel_term unused)
{
    keel_started_or_exit(request_batcher_start_link(fetch));
    keel_test_check(keel_to_int(request_batcher_get(keel_int(4))) == 8);
    keel_test_check(keel_is(request_batcher_get(keel_atom(x)), not_found));
}

CHECKS({"many callers share a fetch", many_callers_share_a_fetch},
        {"a lonely request does not wait long", a_lonely_request_does_not_wait_long})
