#include "silence.h"

#include <stddef.h>

static void begin_ring(struct kl_silent *ring)
{
    ring->next = ring;
    ring->before = ring;
}

static void append(struct kl_silent *ring, struct kl_silent *page)
{
    page->next = ring;
    page->before = ring->before;
    ring->before->next = page;
    ring->before = page;
}

void kl_silence_init(struct kl_silence *silence, int64_t ask_after, int64_t give_up_after)
{
    silence->ask_after = ask_after;
    silence->give_up_after = give_up_after;
    begin_ring(&silence->heard);
    begin_ring(&silence->asked);
}

void kl_silence_heard(struct kl_silence *silence, struct kl_silent *page, int64_t now)
{
    kl_silence_forget(page);
    page->since = now;
    page->asked = false;
    append(&silence->heard, page);
}

void kl_silence_forget(struct kl_silent *page)
{
    if (page->next != NULL) {
        page->next->before = page->before;
        page->before->next = page->next;
        page->next = NULL;
        page->before = NULL;
    }
}

struct kl_silent *kl_silence_next(
        struct kl_silence *silence, int64_t now, bool *ret_give_up)
{
    struct kl_silent *page = silence->asked.next;
    if (page != &silence->asked && now - page->since >= silence->give_up_after) {
        kl_silence_forget(page);
        *ret_give_up = true;
        return page;
    }
    page = silence->heard.next;
    if (page != &silence->heard && now - page->since >= silence->ask_after) {
        kl_silence_forget(page);
        page->since = now;
        page->asked = true;
        append(&silence->asked, page);
        *ret_give_up = false;
        return page;
    }
    return NULL;
}
