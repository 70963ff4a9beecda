#ifndef KL_WEB_SILENCE_H
#define KL_WEB_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

// Which pages have said nothing for long: those are asked whether they are there, and given
// up when they do not answer. A browser that sleeps or has lost its network is noticed so.
//
// Pure bookkeeping: no clock, no connections, no allocation. Since all wait for the same
// time, two queues in the order of time say who is next, however many there are; the
// timers of libwebsockets walk a list of all connections at each change.

// A page: part of what the caller knows of it; zero: not watched.
struct kl_silent {
    struct kl_silent *next, *before;
    int64_t since; // heard of last, or asked
    bool asked;
};

struct kl_silence {
    int64_t ask_after, give_up_after; // the latter counted from the asking
    struct kl_silent heard, asked; // rings, the longest silent first
};

void kl_silence_init(struct kl_silence *silence, int64_t ask_after, int64_t give_up_after);
// `page` has been heard of at `now`, which never goes back; the first time it begins to be
// watched.
void kl_silence_heard(struct kl_silence *silence, struct kl_silent *page, int64_t now);
// `page` is watched no longer; one that was not is left as it is.
void kl_silence_forget(struct kl_silent *page);
// The next page to be asked or, when `*ret_give_up`, to be given up, which then is watched
// no longer. NULL: nobody has been silent for so long.
struct kl_silent *kl_silence_next(
        struct kl_silence *silence, int64_t now, bool *ret_give_up);

#endif // KL_WEB_SILENCE_H
