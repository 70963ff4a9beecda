// Requests of many callers, answered by one fetch: at ten of them or after 20 ms.

#include "request_batcher.h"

enum { BATCH_SIZE = 10 };

struct batcher {
    request_batcher_fetch fetch;
    int64_t count;
    keel_term waiting; // of {Key, From}
};

static keel_result init(keel_term fetch, void *state)
{
    struct batcher *batcher = state;
    batcher->fetch = keel_to_function(request_batcher_fetch, fetch);
    keel_set(&batcher->waiting, keel_nil());
    return keel_ok();
}

static void answer_all(struct batcher *batcher)
{
    keel_term keys = keel_nil(), pair, rest = batcher->waiting;
    while (keel_list_next(&rest, &pair)) {
        keys = keel_cons(keel_element(pair, 0), keys);
    }
    keel_term values = batcher->fetch(keys);
    for (rest = batcher->waiting; keel_list_next(&rest, &pair);) {
        keel_term value = keel_map_get(values, keel_element(pair, 0));
        keel_reply_to(keel_from_of_term(keel_element(pair, 1)),
                keel_is_none(value) ? keel_atom(not_found) : value);
    }
    keel_set(&batcher->waiting, keel_nil());
    batcher->count = 0;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct batcher *batcher = state;
    keel_term key;
    if (!keel_match(request, "{get, Key}", &key)) {
        return keel_unexpected(request);
    }
    keel_set(&batcher->waiting,
            keel_cons(keel_tuple_of(key, keel_from_to_term(from)), batcher->waiting));
    if (++batcher->count == 1) {
        keel_send_after(KEEL_MS(20), keel_self(), keel_atom(flush));
    } else if (batcher->count == BATCH_SIZE) {
        answer_all(batcher);
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct batcher *batcher = state;
    if (keel_is(message, flush) && batcher->count > 0) {
        answer_all(batcher);
    }
    return keel_noreply();
}

static const keel_gen_server request_batcher = {
        .name = "request_batcher",
        .state = KEEL_STATE(struct batcher, count, waiting, fetch),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started request_batcher_start_link(request_batcher_fetch fetch)
{
    return keel_gen_server_start_link(
            &request_batcher, keel_function(fetch), .name = keel_atom(request_batcher));
}

keel_term request_batcher_get(keel_term key)
{
    return keel_call_or_exit("request_batcher", keel_make("{get, Key}", key));
}
