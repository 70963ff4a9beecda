#include "showcase.h"

#include <keel/parts/jobs.h>
#include <string.h>

// The queue of jobs, and what its jobs do: work for as long as they were asked to, telling
// how far they are. The queue itself is a ready-made part: what it accepts lies in the
// database, and is done whatever is killed meanwhile.

// Works in small steps: between them it learns that it was cancelled. `argument` is
// {Label, DurationMs}.
static keel_term work(keel_term argument)
{
    int64_t duration = keel_to_int(keel_element(argument, 1));
    int64_t begin = keel_now(), end = begin + KEEL_MS(duration);
    uint64_t digest = 14695981039346656037u;
    while (keel_now() < end) {
        // Real work: a sum over bytes, then rest, so that a hundred jobs share the machine.
        for (int byte = 0; byte < 20000; byte++) {
            digest = (digest ^ (uint64_t)byte) * 1099511628211u;
        }
        int64_t left = end - keel_now();
        if (keel_job_sleep(left < KEEL_MS(50) ? (left > 0 ? left : 0) : KEEL_MS(50)) !=
                KEEL_OK) {
            return keel_make("{cancel, requested}");
        }
        keel_job_progress((int)((keel_now() - begin) * 100 / (end - begin + 1)));
    }
    return keel_make("{done, Digest}", digest & 0xffffffff);
}

// A job whose name begins with "fail" fails; the queue tries it again, and then no more.
static keel_term work_or_fail(keel_term argument)
{
    keel_bytes name = keel_to_bytes(keel_element(argument, 0));
    keel_term outcome = work(argument);
    if (name.size >= 4 && memcmp(name.data, "fail", 4) == 0) {
        return keel_make("{error, <<\"it is called so\">>}");
    }
    return outcome;
}

static const keel_job_kind kinds[] = {{
        .name = "work",
        .run = work_or_fail,
        .max_attempts = 2,
        .backoff = KEEL_MS(500),
        .backoff_max = KEEL_SECONDS(2),
}};

keel_child_spec jobs_child(const char *database)
{
    return keel_child_jobs(.name = keel_atom(jobs), .kinds = kinds,
            .kind_count = KEEL_COUNT(kinds), .database = database, .concurrency = 4,
            .limit = 100000, .keep = 500, .grace = KEEL_SECONDS(2), .pubsub = EVENTS);
}

keel_term jobs_topic(void)
{
    return keel_jobs_topic(keel_atom(jobs));
}

keel_status jobs_add(const char *name, int64_t duration_ms, int64_t *ret_id)
{
    return keel_jobs_add(
            "jobs", ret_id, "work", keel_make("{Name, Duration}", name, duration_ms));
}

keel_status jobs_cancel(int64_t id, keel_term *ret_reason)
{
    return keel_jobs_cancel("jobs", id, ret_reason);
}

keel_status jobs_get(int64_t id, keel_term *ret_job)
{
    return keel_jobs_get("jobs", id, ret_job);
}

keel_status jobs_list(const char *status, size_t limit, keel_term *ret_jobs)
{
    keel_term wanted = KEEL_NONE;
    if (status != NULL && keel_atom_existing(status, strlen(status), &wanted) != KEEL_OK) {
        *ret_jobs = keel_nil();
        return KEEL_OK;
    }
    return keel_jobs_list(
            "jobs", ret_jobs, .status = wanted, .newest_first = true, .limit = limit);
}

keel_status jobs_stats(keel_term *ret_stats)
{
    return keel_jobs_stats("jobs", ret_stats);
}
