#ifndef REQUEST_BATCHER_H
#define REQUEST_BATCHER_H

#include <keel/keel.h>

/// Looks up many keys at once: a map from each to its value.
typedef keel_term (*request_batcher_fetch)(keel_term keys);

keel_started request_batcher_start_link(request_batcher_fetch fetch);
/// The value of one key, or the atom not_found; waits for its batch.
keel_term request_batcher_get(keel_term key);

#endif // REQUEST_BATCHER_H
