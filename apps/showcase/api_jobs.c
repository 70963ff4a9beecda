#include "api.h"

#include <stdlib.h>
#include <string.h>

static keel_term field(keel_term job, keel_term key)
{
    return keel_map_get(job, key);
}

static keel_term as_json(keel_term job)
{
    keel_term argument = field(job, keel_atom(argument));
    keel_term outcome = field(job, keel_atom(outcome));
    return keel_make("{[{id, Id}, {name, Name}, {status, Status}, {progress, Progress}, "
                     "{duration_ms, Duration}, {attempt, Attempt}, {outcome, Outcome}, "
                     "{inserted_at, Inserted}, {started_at, Started}, "
                     "{finished_at, Finished}]}",
            field(job, keel_atom(id)), keel_element(argument, 0),
            field(job, keel_atom(status)), field(job, keel_atom(progress)),
            keel_element(argument, 1), field(job, keel_atom(attempt)), outcome,
            api_time(field(job, keel_atom(inserted_at))),
            api_time(field(job, keel_atom(started_at))),
            api_time(field(job, keel_atom(finished_at))));
}

static void fail(keel_web_request *request, keel_status status)
{
    keel_web_fail(
            request, 503, "the queue does not take it now: %s", keel_status_text(status));
}

void api_jobs_list(keel_web_request *request)
{
    static const char *const states[] = {
            "pending", "processing", "completed", "failed", "cancelled"};
    keel_term jobs, stats, job, list = keel_nil();
    const char *wanted = keel_web_value(keel_web_query(request), "status");
    bool known = wanted == NULL;
    for (size_t index = 0; index < KEEL_COUNT(states); index++) {
        known = known || strcmp(wanted, states[index]) == 0;
    }
    if (!known) {
        keel_web_fail(request, 400,
                "status: must be pending, processing, completed, failed or cancelled");
        return;
    }
    keel_status status = jobs_list(wanted, 500, &jobs);
    if (status == KEEL_OK) {
        status = jobs_stats(&stats);
    }
    if (status != KEEL_OK) {
        fail(request, status);
        return;
    }
    while (keel_list_next(&jobs, &job)) {
        list = keel_cons(as_json(job), list);
    }
    keel_web_reply_json(request, 200,
            keel_make("{[{jobs, Jobs}, {stats, Stats}]}", keel_list_reverse(list), stats));
}

void api_jobs_add(keel_web_request *request)
{
    keel_term body, job;
    const char *name;
    int64_t duration, id;
    if (!keel_web_json(request, &body) ||
            (name = api_text(request, body, "name", 200)) == NULL ||
            !api_number(request, body, "duration_ms", 0, 3600000, &duration)) {
        return;
    }
    keel_status status = jobs_add(name, duration, &id);
    if (status == KEEL_OK) {
        status = jobs_get(id, &job);
    }
    if (status == KEEL_OK) {
        keel_web_reply_json(request, 201, as_json(job));
    } else {
        fail(request, status);
    }
}

// The number in the path; answers 404 when it is none.
static bool take_id(keel_web_request *request, int64_t *ret_id)
{
    char *end;
    const char *text = keel_web_param(request, "id");
    *ret_id = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        keel_web_fail(request, 404, "there is no such job");
        return false;
    }
    return true;
}

void api_jobs_show(keel_web_request *request)
{
    int64_t id;
    keel_term job;
    if (!take_id(request, &id)) {
        return;
    }
    keel_status status = jobs_get(id, &job);
    if (status == KEEL_OK) {
        keel_web_reply_json(request, 200, as_json(job));
    } else if (status == KEEL_E_REFUSED) {
        keel_web_fail(request, 404, "there is no such job");
    } else {
        fail(request, status);
    }
}

void api_jobs_cancel(keel_web_request *request)
{
    int64_t id;
    keel_term reason = KEEL_NONE, job;
    if (!take_id(request, &id)) {
        return;
    }
    keel_status status = jobs_cancel(id, &reason);
    if (status == KEEL_E_REFUSED && keel_is(reason, not_found)) {
        keel_web_fail(request, 404, "there is no such job");
    } else if (status == KEEL_E_REFUSED) {
        keel_web_fail(request, 409, "the job is finished");
    } else if (status != KEEL_OK || (status = jobs_get(id, &job)) != KEEL_OK) {
        fail(request, status);
    } else {
        keel_web_reply_json(request, 200, as_json(job));
    }
}
