#ifndef BATCH_PROCESSOR_H
#define BATCH_PROCESSOR_H

#include <keel/keel.h>

/// Called with the items of a batch, the oldest first.
typedef void (*batch_processor_function)(keel_term batch);

keel_started batch_processor_start_link(batch_processor_function process);
void batch_processor_add(keel_pid server, keel_term item);

#endif // BATCH_PROCESSOR_H
