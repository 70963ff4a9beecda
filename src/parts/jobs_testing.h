#ifndef KL_PARTS_JOBS_TESTING_H
#define KL_PARTS_JOBS_TESTING_H

#include "testing/harness.h"
#include "testing/match_testing.h"

#include <keel/keel.h>
#include <keel/parts/jobs.h>
#include <keel/testing.h>
#include <string.h>

// What the tests of job queues share. They run under virtual time, once per seed.

#define SEEDED(...) TEST(__VA_ARGS__, .seeded = true)

static inline void simulate(keel_body body)
{
    keel_test_report report;
    keel_status status = keel_test_run(body, keel_nil(), kl_test_seed(), NULL, &report);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s: %s", keel_status_name(status), report.text);
    }
}

static inline keel_term job(int64_t id)
{
    keel_term map = keel_nil();
    keel_status status = keel_jobs_get("q", id, &map);
    return status == KEEL_OK ? map : keel_string(keel_status_name(status));
}

static inline keel_term atom_of(const char *name)
{
    keel_term atom = KEEL_NONE;
    CHECK_OK(keel_atom_from(name, strlen(name), &atom));
    return atom;
}

static inline keel_term field(int64_t id, const char *name)
{
    keel_term value = keel_map_get(job(id), atom_of(name));
    return keel_is_none(value) ? keel_atom(missing) : value;
}

static inline int64_t added(keel_status status, int64_t id)
{
    CHECK_OK(status);
    return id;
}
// Adds a job that must be accepted; the rest as of keel_jobs_add.
#define ADD(name, ...)                                                                     \
    (__extension__({                                                                       \
        int64_t id_ = 0;                                                                   \
        keel_status status_ = keel_jobs_add("q", &id_, name, __VA_ARGS__);                 \
        added(status_, id_);                                                               \
    }))

// Waits, in virtual time, until the job has that status.
static inline void await_status(int64_t id, const char *status)
{
    for (int i = 0; i < 100000; i++) {
        keel_scope scope = keel_scope_open();
        bool there = keel_equal(field(id, "status"), atom_of(status));
        keel_scope_close(&scope);
        if (there) {
            return;
        }
        keel_sleep(KEEL_MS(10));
    }
    kl_test_fail(__FILE__, __LINE__, "never %s: %s", status, keel_show(job(id)));
}

static inline int64_t wall_ms(void)
{
    return keel_system_time() / KEEL_MS(1);
}

#endif // KL_PARTS_JOBS_TESTING_H
