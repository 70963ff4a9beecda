#ifndef KEEL_FUNCTION_H
#define KEEL_FUNCTION_H

#include <keel/term.h>

// Functions in terms: as the argument of a server, or in a message to one. They mean
// something in this OS process only.
//
//   keel_gen_server_start_link(&fetcher, keel_function(fetch_page));
//   …
//   fetcher->fetch = keel_to_function(keel_task_function, argument);

/// A function as a term: a bare pointer. @thread any @since 0.1
#define keel_function(function) keel_pointer((const void *)(uintptr_t)(function))
/// A function of the pointer type `type` from such a term; NULL when it is none.
/// @thread any @since 0.1
#define keel_to_function(type, term) ((type)(uintptr_t)keel_to_pointer((term), NULL))

#endif // KEEL_FUNCTION_H
