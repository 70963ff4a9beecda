#ifndef KL_PARTS_JOBS_STORE_H
#define KL_PARTS_JOBS_STORE_H

#include "jobs_table.h"
#include <keel/gen_server.h>

// The process that writes a queue's changes into its database, one transaction after the
// other. The queue goes on meanwhile: what comes up then is the next transaction.
//
// Rule 1: a transaction takes place only while the queue in the database is still ours: its
//         first statement breaks a constraint when another program has taken the queue
//         over since (`epoch`), or when it has taken place already (`batch`). So one that
//         was sent when the server was lost can be sent again.
// Rule 2: the store never gives up because a server is lost or a file is locked.
//
//   call   load                     {Queue, [Row, …]}, see kl_jobs_store_fill
//   cast   {write, Number, NextId, [[{Sql, Parameters}, …], …]}
//   sends  {written, Number, [ok | {error, Status, Reason}, …]}, one for each list

extern const keel_gen_server kl_jobs_store;

// The store's argument; `owner` is the name of the queue's process.
keel_term kl_jobs_store_argument(const char *url, keel_term owner);
// Fills an empty table from the answer to `load`; false: it cannot be.
bool kl_jobs_store_fill(struct kl_jobs_table *table, keel_term answer);

// What the queue has written; `queue` is its name as a binary. The terms live as terms do.
keel_term kl_jobs_store_insert(keel_term queue, const struct kl_job *job);
keel_term kl_jobs_store_change(
        keel_term queue, int64_t id, const struct kl_job_state *state);
keel_term kl_jobs_store_forget(keel_term queue, const struct kl_job *job);
keel_term kl_jobs_store_pause(keel_term queue, bool paused);
keel_term kl_jobs_store_cron(keel_term queue, int64_t cron_at);

// Whether a term can be stored; a pointer cannot.
bool kl_jobs_can_store(keel_term term);

#endif // KL_PARTS_JOBS_STORE_H
