// The ready-made servers.

#include "table.h"

#include <keel/parts/batcher.h>
#include <keel/parts/breaker.h>
#include <keel/parts/cache.h>
#include <keel/parts/database.h>
#include <keel/parts/health.h>
#include <keel/parts/jobs.h>
#include <keel/parts/limiter.h>
#include <keel/parts/periodic.h>
#include <keel/parts/pool.h>
#include <keel/parts/retry.h>
#include <keel/parts/worker_pool.h>

static keel_status never_call(void *context)
{
    (void)context;
    CHECK(false);
    return KEEL_OK;
}

static keel_status never_lend(void *connection, void *context)
{
    (void)context;
    return never_call(connection);
}

static keel_status never_commit(keel_database *database, void *context)
{
    (void)context;
    return never_call(database);
}

TABLE(known_by_name, "what is known by a name: nobody's, or none, is refused")
{
    UNSTARTED(KEEL_E_BADARG, keel_breaker_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_breaker_start_link_opt(&(keel_breaker_opts){0}));
    HARMLESS(keel_breaker_spec(NULL).id);
    REFUSED(keel_breaker_run_term(nobody, never_call, NULL));
    REFUSED(keel_breaker_run_term(any_word(), never_call, NULL));
    REFUSED(keel_breaker_run_term(nobody, NULL, NULL));
    REFUSED(keel_breaker_ask_term(any_word(), &(keel_permit){0}));
    REFUSED(keel_breaker_ask_term(nobody, NULL));
    HARMLESS(keel_breaker_report((keel_permit){0}, true));
    REFUSED(keel_breaker_set_term(any_word(), true));
    NOTHING(keel_breaker_state_term(any_word()));
    NOTHING(keel_breaker_stats_term(any_word()));
    UNSTARTED(KEEL_E_BADARG, keel_cache_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_cache_start_link_opt(&(keel_cache_opts){0}));
    HARMLESS(keel_cache_spec(NULL).id);
    NOTHING(keel_cache_get_term(any_word(), one));
    NOTHING(keel_cache_get_term(nobody, nothing));
    NOTHING(keel_cache_has_term(any_word(), one));
    REFUSED(keel_cache_put_term(any_word(), one, &(keel_cache_entry){.value = one}));
    REFUSED(keel_cache_put_term(nobody, one, NULL));
    NOTHING(keel_cache_delete_term(any_word(), one));
    REFUSED(keel_cache_clear_term(any_word()));
    REFUSED(keel_cache_fetch_term(any_word(), one, &result, &(keel_cache_source){0}));
    REFUSED(keel_cache_fetch_term(nobody, one, NULL, NULL));
    NOTHING(keel_cache_size_term(any_word()));
    NOTHING(keel_cache_ttl_term(any_word(), one, &ret.number));
    NOTHING(keel_cache_stats_term(any_word()));
    UNSTARTED(KEEL_E_BADARG, keel_limiter_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_limiter_start_link_opt(&(keel_limiter_opts){0}));
    HARMLESS(keel_limiter_spec(NULL).id);
    REFUSED(keel_limiter_check_term(any_word(), one, 1, &ret.number));
    REFUSED(keel_limiter_check_term(nobody, one, UINT32_MAX, NULL));
    REFUSED(keel_limiter_left_term(any_word(), one, NULL));
    REFUSED(keel_limiter_reset_term(any_word(), one));
    NOTHING(keel_limiter_size_term(any_word()));
    NOTHING(keel_limiter_stats_term(any_word()));
}

TABLE(served, "servers of the parts: what is no server is refused")
{
    UNSTARTED(KEEL_E_BADARG, keel_batcher_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_batcher_start_link_opt(&(keel_batcher_opts){0}));
    HARMLESS(keel_batcher_spec(NULL).id);
    UNSERVED(keel_batcher_add_term(server, one, SOON));
    UNSERVED(keel_batcher_drain_term(server, SOON));
    UNHEARD(keel_batcher_stats_term(server));
    UNSTARTED(
            KEEL_E_BADARG, keel_health_start_link_opt(&(keel_health_opts){.timeout = -1}));
    HARMLESS(keel_health_spec(NULL).id);
    UNSERVED(keel_health_add_term(server, one, one));
    UNSERVED(keel_health_remove_term(server, one));
    UNHEARD(keel_health_status_term(server));
    UNHEARD(keel_health_status_of_term(server, one));
    UNHEARD(keel_health_stats_term(server));
    REFUSED(keel_health_http(no_binary(), KEEL_SECONDS(1), NULL));
    UNSTARTED(KEEL_E_BADARG, keel_periodic_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_periodic_start_link_opt(&(keel_periodic_opts){0}));
    HARMLESS(keel_periodic_spec(NULL).id);
    UNSERVED(keel_periodic_run_term(server, SOON, &result));
    UNHEARD(keel_periodic_stats_term(server));
    UNSTARTED(KEEL_E_BADARG, keel_pool_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_pool_start_link_opt(&(keel_pool_opts){0}));
    HARMLESS(keel_pool_spec(NULL).id);
    REFUSED(keel_pool_checkout_term(any_word(), SOON, &(keel_lease){0}));
    WITHIN(KEEL_E_BADARG, keel_pool_checkout_term(nobody, SOON, NULL));
    HARMLESS(keel_pool_checkin(NULL));
    HARMLESS(keel_pool_checkin(&(keel_lease){0}));
    HARMLESS(keel_pool_discard(NULL));
    HARMLESS(keel_pool_discard(&(keel_lease){0}));
    REFUSED(keel_pool_with_term(any_word(), SOON, never_lend, NULL));
    WITHIN(KEEL_E_BADARG, keel_pool_with_term(nobody, SOON, NULL, NULL));
    UNHEARD(keel_pool_stats_term(server));
    UNSTARTED(KEEL_E_BADARG, keel_worker_pool_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_worker_pool_start_link_opt(&(keel_worker_pool_opts){0}));
    HARMLESS(keel_worker_pool_spec(NULL).id);
    UNSERVED(keel_worker_pool_call_term(server, one, SOON, &result));
    UNHEARD(keel_worker_pool_stats_term(server));
    HARMLESS(keel_backoff_delay(NULL, 3));
    NUMBER(true, keel_backoff_delay(&(keel_backoff){0}, UINT32_MAX) >= 0);
    REFUSED(keel_retry_opt(NULL, NULL));
}

TABLE(stored, "databases and jobs: what is none is refused")
{
    WITHIN(KEEL_E_BADARG, keel_database_open(NULL, &(keel_database *){NULL}));
    WITHIN(KEEL_E_BADARG, keel_database_open("no:such", &(keel_database *){NULL}));
    WITHIN(KEEL_E_BADARG, keel_database_open("sqlite::memory:", NULL));
    WITHIN(KEEL_E_BADARG, keel_database_open_opt(NULL, &(keel_database *){NULL}, NULL));
    HARMLESS(keel_database_close(NULL));
    NOTHING(keel_database_kind(NULL));
    NOTHING(keel_database_reason(NULL));
    WITHIN(KEEL_E_BADARG, keel_database_query(NULL, "select 1", keel_nil(), NULL));
    WITHIN(KEEL_E_BADARG, keel_database_batch(NULL, keel_nil(), &result));
    WITHIN(KEEL_E_BADARG, keel_database_transaction(NULL, never_commit, NULL));
    WITHIN(KEEL_E_BADARG, keel_database_migrate(NULL, "a", NULL, 0, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_jobs_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_jobs_start_link_opt(&(keel_jobs_opts){0}));
    HARMLESS(keel_jobs_spec(NULL).id);
    UNSERVED(keel_jobs_add_opt(server, &(keel_new_job){.name = "w"}, &ret.number));
    WITHIN(KEEL_E_BADARG, keel_jobs_add_opt(nobody, NULL, &ret.number));
    UNSERVED(keel_jobs_cancel_term(server, 1, &result));
    UNSERVED(keel_jobs_get_term(server, -1, &result));
    UNSERVED(keel_jobs_list_opt(server, NULL, &result));
    UNSERVED(keel_jobs_stats_term(server, &result));
    UNSERVED(keel_jobs_steer(server, keel_atom(pause)));
    UNSERVED(keel_jobs_set_concurrency_term(server, 1));
    UNSERVED(keel_jobs_prune_term(server, 1, &ret.size));
    HARMLESS(keel_jobs_topic(nothing));
    NOTHING(keel_job_id());
    NOTHING(keel_job_attempt());
    HARMLESS(keel_job_progress(-1));
    NOTHING(keel_job_cancelled());
    STATUSES(KEEL_E_OUTSIDE, KEEL_E_OUTSIDE, KEEL_OK, KEEL_E_OUTSIDE, keel_job_sleep(-1));
    REFUSED(keel_job_also("delete from jobs", keel_nil()));
}
