#include "showcase.h"

#include <keel/parts/batcher.h>
#include <keel/parts/breaker.h>
#include <keel/parts/cache.h>
#include <keel/parts/limiter.h>
#include <keel/parts/pool.h>
#include <keel/parts/worker_pool.h>
#include <stdio.h>
#include <string.h>

// One of each ready-made part, to be played with: what they do here takes a while, or fails
// when it is told to, so that one sees them at work.

// --- what they work on ---

static keel_term look_up(keel_term key, keel_term unused)
{
    (void)unused;
    keel_sleep(KEEL_MS(700)); // far away
    return keel_format("price of %.*s: %d", (int)keel_to_bytes(key).size,
            (const char *)keel_to_bytes(key).data, (int)(keel_random() % 90 + 10));
}

static void *open_line(keel_term unused, keel_term *ret_reason)
{
    static const char line;
    (void)unused;
    (void)ret_reason;
    keel_sleep(KEEL_MS(300));
    return (void *)(uintptr_t)&line;
}

static void close_line(void *line)
{
    (void)line;
}

static bool line_is_fine(void *line)
{
    return line != NULL;
}

static const keel_pool_kind lines = {.name = "line",
        .open = open_line,
        .close = close_line,
        .check = line_is_fine,
        .reset = line_is_fine};

// A worker: takes a second to turn a text around.
static keel_result start_worker(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_ok();
}

static keel_result turn_around(keel_term text, keel_from from, void *state)
{
    (void)from;
    (void)state;
    keel_bytes bytes = keel_to_bytes(text);
    uint8_t *turned;
    keel_term result = keel_binary_new(bytes.size, &turned);
    for (size_t index = 0; index < bytes.size; index++) {
        turned[index] = bytes.data[bytes.size - 1 - index];
    }
    keel_sleep(KEEL_SECONDS(1));
    return keel_reply(result);
}

static const keel_gen_server turner = {
        .name = "turner", .init = start_worker, .handle_call = turn_around};

// A batch fails the first time when "fail" is in it: it comes again, nothing is lost.
static keel_status write_batch(const keel_batch *batch)
{
    keel_sleep(KEEL_MS(400));
    bool told_to = keel_list_member(keel_string("fail"), batch->items);
    return told_to && batch->attempt == 1 ? KEEL_E_REFUSED : KEEL_OK;
}

// --- the tree ---

static keel_started start_patterns(keel_term unused)
{
    (void)unused;
    keel_child_spec children[] = {
            keel_cache_child(.name = keel_atom(prices), .ttl = KEEL_SECONDS(15),
                    .max_entries = 100),
            keel_limiter_child(.name = keel_atom(tries), .limit = 5,
                    .per = KEEL_SECONDS(10)),
            keel_pool_child(&lines, .name = keel_atom(lines), .size = 3, .overflow = 1),
            keel_worker_pool_child(&turner, .name = keel_atom(turners), .size = 2),
            keel_batcher_child(write_batch, .name = keel_atom(letters), .max_size = 5,
                    .max_wait = KEEL_SECONDS(3)),
            keel_breaker_child(.name = keel_atom(gateway), .failures = 3,
                    .reset_after = KEEL_SECONDS(8)),
    };
    return keel_supervisor_start_link(
            children, KEEL_COUNT(children), .name = keel_atom(patterns));
}

keel_child_spec patterns_child(void)
{
    keel_child_spec child = keel_child_fn(
            start_patterns, keel_nil(), .id = keel_atom(patterns));
    child.type = KEEL_SUPERVISOR;
    return child;
}

keel_term patterns_stats(const char *pattern)
{
    if (strcmp(pattern, "cache") == 0) {
        return keel_cache_stats("prices");
    }
    if (strcmp(pattern, "limiter") == 0) {
        return keel_limiter_stats("tries");
    }
    if (strcmp(pattern, "pool") == 0) {
        return keel_pool_stats("lines");
    }
    if (strcmp(pattern, "workers") == 0) {
        return keel_worker_pool_stats("turners");
    }
    if (strcmp(pattern, "batcher") == 0) {
        return keel_batcher_stats("letters");
    }
    return strcmp(pattern, "breaker") == 0 ? keel_breaker_stats("gateway") : KEEL_NONE;
}

// --- playing ---

// Who borrows a line for three seconds; the page does not wait for it.
static void borrow(keel_term unused)
{
    keel_lease lease;
    (void)unused;
    if (keel_pool_checkout("lines", KEEL_IN(KEEL_SECONDS(10)), &lease) == KEEL_OK) {
        keel_sleep(KEEL_SECONDS(3));
        keel_pool_checkin(&lease);
    }
}

static void ask_worker(keel_term text)
{
    keel_term reply;
    (void)!keel_worker_pool_call_within("turners", text, KEEL_IN(KEEL_SECONDS(30)), &reply);
}

static keel_status call_gateway(void *context)
{
    return strcmp(context, "fail") == 0 ? KEEL_E_REFUSED : KEEL_OK;
}

static keel_status use_cache(const char *argument, char *text, size_t size)
{
    keel_term value;
    keel_status status = keel_cache_fetch("prices", keel_string(argument), &value, look_up);
    if (status == KEEL_OK) {
        keel_bytes bytes = keel_to_bytes(value);
        snprintf(text, size, "%.*s", (int)bytes.size, (const char *)bytes.data);
    }
    return status;
}

static keel_status use_limiter(const char *argument, char *text, size_t size)
{
    keel_duration wait = 0;
    keel_status status = keel_limiter_check("tries", keel_string(argument), &wait);
    snprintf(text, size, status == KEEL_OK ? "%s may" : "%s may not, but in %lld ms",
            argument, (long long)(wait / KEEL_MS(1)));
    return status;
}

static keel_status use_breaker(char *argument, char *text, size_t size)
{
    keel_term before = keel_breaker_state("gateway");
    bool let_through = !keel_is(before, open);
    keel_status status = keel_breaker_run("gateway", call_gateway, argument);
    snprintf(text, size, "%s",
            status == KEEL_OK ? "The call went through and worked."
            : let_through     ? "The call went through and failed."
                              : "Refused at once: the breaker is open.");
    return status;
}

keel_status patterns_use(const char *pattern, const char *argument, char *text, size_t size)
{
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", argument);
    snprintf(text, size, "accepted");
    if (strcmp(pattern, "cache") == 0) {
        return use_cache(argument, text, size);
    }
    if (strcmp(pattern, "limiter") == 0) {
        return use_limiter(argument, text, size);
    }
    if (strcmp(pattern, "pool") == 0) {
        keel_spawn(borrow, keel_nil());
        return KEEL_OK;
    }
    if (strcmp(pattern, "workers") == 0) {
        keel_spawn(ask_worker, keel_string(argument));
        return KEEL_OK;
    }
    if (strcmp(pattern, "batcher") == 0) {
        return keel_batcher_add("letters", keel_string(argument));
    }
    return strcmp(pattern, "breaker") == 0 ? use_breaker(copy, text, size) : KEEL_E_BADARG;
}
