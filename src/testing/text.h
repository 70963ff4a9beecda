#ifndef KL_TESTING_TEXT_H
#define KL_TESTING_TEXT_H

#include <keel/inspect.h>

// Text for people that is put together in a buffer of fixed size, and cut with "..." when
// it does not fit.
struct kl_kit_text {
    char *buffer;
    size_t size;
    size_t length;
    bool cut;
};

// `size` is 4 or more.
struct kl_kit_text kl_kit_text_in(char *buffer, size_t size);
void kl_kit_text_add(struct kl_kit_text *text, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
// In Erlang notation, no more than a few lines of it.
void kl_kit_text_term(struct kl_kit_text *text, keel_term term);
void kl_kit_text_pid(struct kl_kit_text *text, keel_pid pid);
// As seconds since the run began, such as "3.000000001 s".
void kl_kit_text_time(struct kl_kit_text *text, int64_t ns);
// Who it is and what it waits for.
void kl_kit_text_process(struct kl_kit_text *text, const keel_process_view *view);
// A line for each process but those of the kit, which are none of the test's; the first of
// them only.
void kl_kit_text_processes(struct kl_kit_text *text);

#endif // KL_TESTING_TEXT_H
