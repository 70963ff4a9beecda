#ifndef JOB_QUEUE_H
#define JOB_QUEUE_H

#include <keel/keel.h>

/// `pubsub` is the name of an instance that hears {queue_updated, Status} on the topic
/// job_queue.
keel_started job_queue_start_link(keel_term pubsub);
/// The job's number.
int64_t job_queue_add(keel_term name, int64_t seconds);
/// The atom ok, or not_found when it is not there or has ended.
keel_term job_queue_cancel(int64_t id);
/// #{jobs => #{Id => #{name, seconds, status, progress}}, stats => #{Status => Count}}.
keel_term job_queue_status(void);

#endif // JOB_QUEUE_H
