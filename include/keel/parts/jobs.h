#ifndef KEEL_PARTS_JOBS_H
#define KEEL_PARTS_JOBS_H

#include <keel/supervisor.h>

// A queue of jobs: work that is accepted now, done later, a few at a time, tried again when
// it fails, and not forgotten.
//
//   static keel_term send_mail(keel_term to) { …; return keel_atom(ok); }
//
//   static const keel_job_kind kinds[] = {{.name = "mail", .run = send_mail}};
//   keel_jobs_start_link(.name = keel_atom(jobs), .kinds = kinds,
//           .kind_count = KEEL_COUNT(kinds), .database = "sqlite:jobs.db")
//
//   int64_t id;
//   keel_jobs_add("jobs", &id, "mail", keel_string("ada@example.org"), .priority = 1);
//
// A job is pending, then processing, then completed, failed or cancelled. Each runs in a
// process of its own, so that one that crashes harms nobody.
//
// With a database what is accepted is on the disk before keel_jobs_add returns, and a job
// that has finished is recorded so before anybody hears of it: a program that is killed
// with -9 picks up where it was. A job that was running then runs again from its start, so
// what it does should bear that, or be done by keel_job_also, which happens exactly once.
// Without a database the jobs survive the death of every process of the queue, but not
// that of the program.
//
// A queue belongs to one program at a time. The start of a second one with the same queue
// in the same database waits 5 s for the first one's end, and fails with KEEL_E_TAKEN in
// its reason: {database, <<"KEEL_E_TAKEN">>, _}.

KEEL_BEGIN_DECLS

/// How one kind of job is done. Zeroed fields: the defaults given here.
typedef struct keel_job_kind {
    const char *name; ///< NULL: all names that no other kind has
    /// Runs in a process of its own, under the queue's supervisor. What it returns becomes
    /// the job's outcome: {error, Reason} fails this attempt, {cancel, Reason} ends the job
    /// as cancelled, {snooze, Milliseconds} tries again later without counting the attempt,
    /// anything else completes it. A crash fails the attempt with its reason.
    keel_term (*run)(keel_term argument);
    int max_attempts; ///< 0: 3
    keel_duration backoff, backoff_max; ///< after a failure, doubled each time, less up to
                                        ///< a quarter by chance; 0: 1 s, 1 hour
    keel_duration timeout; ///< then the attempt is killed, and failed with timeout; 0: none
} keel_job_kind;

/// A job that the queue adds by the clock, in UTC.
typedef struct keel_job_cron {
    const char *schedule; ///< minute hour day month weekday: "*/5 8-18 * * mon-fri"
    const char *name;
    const char *argument; ///< in Erlang notation; NULL: []
} keel_job_cron;

/// What a queue is; zeroed fields: the defaults given here. `kinds` and `cron` are static.
typedef struct keel_jobs_opts {
    keel_term name; ///< an atom, needed
    const keel_job_kind *kinds;
    size_t kind_count;
    const keel_job_cron *cron;
    size_t cron_count;
    const char *database; ///< see keel_database_open; NULL: in memory
    int concurrency; ///< jobs that run at once; 0: 10
    size_t limit; ///< unfinished jobs; more are refused; 0: 1,000,000
    size_t keep; ///< finished jobs that are remembered; 0: 1,000
    keel_duration grace; ///< for a job that is cancelled; then it is killed; 0: 5 s
    int max_interruptions; ///< a job that was running when the queue or the program died
                           ///< so often is failed; 0: 20
    keel_term pubsub; ///< an instance that hears of changes; KEEL_NONE: none
    int intensity; ///< restarts of the queue within 5 s that are still endured; 0: 3
} keel_jobs_opts;

// --- starting ---

/// Starts a queue with its supervisor, linked to the caller. KEEL_E_BADARG with {badarg,
/// {Option, Value}}; else what the start of a supervisor gives, with the database's reason.
/// @thread process @since 0.1
#define keel_jobs_start_link(...)                                                          \
    keel_jobs_start_link_opt(KEEL_OPTS(keel_jobs_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_jobs_start_link_opt(const keel_jobs_opts *opts);
/// A queue as a child of a supervisor, with its name as id. @thread any @since 0.1
#define keel_child_jobs(...) keel_jobs_spec(KEEL_OPTS(keel_jobs_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_jobs_spec(const keel_jobs_opts *opts);

// --- adding and asking; `queue` is any name of the queue ---
//
// All give, beside what is said, what keel_call gives. After KEEL_E_TIMEOUT, when the
// database does not answer, a job may or may not be accepted.

/// What to do; zeroed fields: the defaults given here.
typedef struct keel_new_job {
    const char *name; ///< of its kind
    keel_term argument; ///< of the function; KEEL_NONE: []
    int priority; ///< 0 to 9; 0 goes first; jobs of equal priority in order of their ids
    keel_duration delay; ///< not before so long from now
    int64_t at; ///< or not before this time, in milliseconds since 1970
    keel_term unique; ///< no two unfinished jobs have the same; KEEL_NONE: any number
    int max_attempts; ///< 0: as its kind says
} keel_new_job;

/// Adds a job: keel_jobs_add("jobs", &id, "mail", argument, .delay = KEEL_MINUTES(5)).
/// @param ret_id  its number, counted from 1, never used again; may be NULL
/// @return KEEL_OK: it will be done; KEEL_E_TAKEN: an unfinished one has the same `unique`,
///         `ret_id` is its number; KEEL_E_OVERLOAD: the queue is at its limit;
///         KEEL_E_BADARG: no such kind, a priority out of range, or an argument that cannot
///         be stored (a pointer); -ENOSPC, -EIO: it cannot be stored
/// @thread any
/// @since 0.1
#define keel_jobs_add(queue, ret_id, job_name, ...)                                        \
    keel_jobs_add_opt(KEEL_TO(queue),                                                      \
            KEEL_OPTS(keel_new_job, .name = (job_name), .argument = __VA_ARGS__),          \
            (ret_id))
KEEL_API KEEL_MUST_USE keel_status keel_jobs_add_opt(
        keel_term queue, const keel_new_job *job, int64_t *ret_id);

/// Cancels a job. One that is processing learns of it (keel_job_cancelled), has the grace
/// to end in, and is killed then; this returns when it has ended and that is recorded.
/// @param ret_reason  with KEEL_E_REFUSED: not_found, or {finished, Status}; may be NULL
/// @thread any @since 0.1
#define keel_jobs_cancel(queue, id, ret_reason)                                            \
    keel_jobs_cancel_term(KEEL_TO(queue), (id), (ret_reason))
KEEL_API keel_status keel_jobs_cancel_term(
        keel_term queue, int64_t id, keel_term *ret_reason);

/// A job as a map: id, name, argument, status, priority, attempt, max_attempts, progress
/// (0 to 100), outcome (what it returned, or why it failed), unique, and as milliseconds
/// since 1970 inserted_at, run_at, started_at, finished_at; nil where there is none.
/// @return KEEL_OK, KEEL_E_REFUSED: there is no such job, or it is forgotten
/// @thread any @since 0.1
#define keel_jobs_get(queue, id, ret_job)                                                  \
    keel_jobs_get_term(KEEL_TO(queue), (id), (ret_job))
KEEL_API KEEL_MUST_USE keel_status keel_jobs_get_term(
        keel_term queue, int64_t id, keel_term *ret_job);

/// Which jobs; zeroed fields: all.
typedef struct keel_jobs_filter {
    size_t size; ///< of this struct; filled in by the macro
    keel_term status; ///< pending, processing, completed, failed or cancelled
    const char *name;
    int64_t after; ///< only larger ids
    bool newest_first;
    size_t limit; ///< 0: 100
} keel_jobs_filter;
/// The list of jobs: keel_jobs_list("jobs", &list, .status = keel_atom(failed)).
/// @thread any @since 0.1
#define keel_jobs_list(queue, ret_jobs, ...)                                               \
    keel_jobs_list_opt(KEEL_TO(queue), KEEL_JOBS_FILTER_(__VA_ARGS__), (ret_jobs))
#define KEEL_JOBS_FILTER_(...)                                                             \
    (KEEL_OPTS(keel_jobs_filter, .size = sizeof(keel_jobs_filter), __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_status keel_jobs_list_opt(
        keel_term queue, const keel_jobs_filter *filter, keel_term *ret_jobs);

/// A map of how many are pending (scheduled of those for later) and processing, how many
/// are completed, failed and cancelled, those forgotten included; of concurrency, and
/// paused (true or false). @thread any @since 0.1
#define keel_jobs_stats(queue, ret_stats) keel_jobs_stats_term(KEEL_TO(queue), (ret_stats))
KEEL_API KEEL_MUST_USE keel_status keel_jobs_stats_term(
        keel_term queue, keel_term *ret_stats);

/// Starts no further jobs until resumed, also after a restart. @thread any @since 0.1
#define keel_jobs_pause(queue) keel_jobs_steer(KEEL_TO(queue), keel_atom(pause))
#define keel_jobs_resume(queue) keel_jobs_steer(KEEL_TO(queue), keel_atom(resume))
KEEL_API keel_status keel_jobs_steer(keel_term queue, keel_term request);
/// How many may run at once from now on; KEEL_E_BADARG below 1. @thread any @since 0.1
#define keel_jobs_set_concurrency(queue, count)                                            \
    keel_jobs_set_concurrency_term(KEEL_TO(queue), (count))
KEEL_API keel_status keel_jobs_set_concurrency_term(keel_term queue, int count);
/// Forgets finished jobs but for the newest `keep`; how many, if `ret_count` is not NULL.
/// @thread any @since 0.1
#define keel_jobs_prune(queue, keep, ret_count)                                            \
    keel_jobs_prune_term(KEEL_TO(queue), (keep), (ret_count))
KEEL_API keel_status keel_jobs_prune_term(keel_term queue, size_t keep, size_t *ret_count);

/// The topic on which the queue of that name broadcasts {jobs, Name, Job}, a map as of
/// keel_jobs_get, whenever a job has changed. @thread any @since 0.1
KEEL_API keel_term keel_jobs_topic(keel_term name);

// --- for the functions that do the work: in the job's own process ---

/// Its id, and which attempt this is, from 1; 0 elsewhere. @thread process @since 0.1
KEEL_API int64_t keel_job_id(void);
KEEL_API int keel_job_attempt(void);
/// Tells how far it is, 0 to 100; not stored. @thread process @since 0.1
KEEL_API void keel_job_progress(int percent);
/// True when it was cancelled and should end; the message {job, cancel} tells it as well.
/// @thread process @since 0.1
KEEL_API bool keel_job_cancelled(void);
/// Waits; KEEL_E_CANCELED as soon as it is cancelled. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_job_sleep(keel_duration duration);
/// Has a statement take place together with the job's completion, in the queue's own
/// database and the same transaction: both or neither, so exactly once. A statement the
/// database refuses fails the attempt. Those of attempts that fail are dropped.
/// @return KEEL_OK, KEEL_E_UNSUPPORTED (a queue in memory), KEEL_E_OUTSIDE (no job)
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_job_also(const char *sql, keel_term parameters);

KEEL_END_DECLS

#endif // KEEL_PARTS_JOBS_H
