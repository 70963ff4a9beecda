// Envelopes: copies of terms that travel.

#include "envelope.h"

#include "testing/harness.h"

#include <string.h>

// Builds in a heap of its own; what is left of it is checked at the end.
static struct kl_heap heap;
static struct kl_heap *before;

static void open_heap(void)
{
    kl_heap_init(&heap, NULL, 0);
    before = kl_heap_use(&heap);
}

static void close_heap(void)
{
    kl_heap_use(before);
    kl_heap_done(&heap);
}

static keel_term large_binary(void)
{
    uint8_t *bytes;
    keel_term binary = keel_binary_new(100000, &bytes);
    memset(bytes, 7, 100000);
    return binary;
}

// One term of each way in which a body lies in its envelope.
static size_t bodies(keel_term *ret_terms)
{
    size_t count = 0;
    ret_terms[count++] = keel_int(5);
    ret_terms[count++] = KEEL_NONE;
    ret_terms[count++] = keel_atom(atom);
    ret_terms[count++] = keel_make("{small, 1}");
    ret_terms[count++] = keel_make("{flat, [1, 2, {3, 4.5}]}");
    ret_terms[count++] = keel_make("{text, <<\"some text\">>, #{key => value}}");
    ret_terms[count++] = keel_tuple_of(keel_atom(large), large_binary());
    ret_terms[count++] = keel_int_from_bytes(true, (const uint8_t *)"0123456789abcdef", 16);
    return count;
}

TEST("an envelope carries a copy of any term, for a heap that outlives the sender's")
{
    static const enum kl_envelope_kind kinds[] = {KL_MESSAGE, KL_CAST, KL_CALL, KL_REPLY};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        for (size_t i = 0; i < 8; i++) {
            struct kl_heap receiver;
            kl_heap_init(&receiver, NULL, 0);
            open_heap();
            keel_term terms[8];
            CHECK_INT(bodies(terms), 8);
            struct kl_envelope *envelope = kl_envelope_new(kinds[kind], terms[i]);
            CHECK(envelope);
            CHECK_INT(envelope->kind, kinds[kind]);
            CHECK_INT(envelope->flags, 0);
            close_heap(); // the original is gone
            open_heap();
            CHECK_INT(bodies(terms), 8);
            keel_term copy = kl_envelope_open(envelope, &receiver);
            CHECK(copy.word == terms[i].word || keel_equal(copy, terms[i]));
            close_heap();
            kl_heap_done(&receiver);
        }
    }
}

TEST("an envelope that is not opened frees its body")
{
    open_heap();
    keel_term terms[8];
    size_t count = bodies(terms);
    for (size_t i = 0; i < count; i++) {
        kl_envelope_free(kl_envelope_new(KL_MESSAGE, terms[i]));
        kl_envelope_free(kl_envelope_new(KL_CALL, terms[i]));
    }
    close_heap();
}

TEST("a small message is one cache line")
{
    open_heap();
    struct kl_envelope *envelope = kl_envelope_new(KL_MESSAGE, keel_make("{small, 1}"));
    CHECK(envelope->brief && envelope->flat);
    CHECK(offsetof(struct kl_envelope, from) + envelope->body_bytes <= 64);
    kl_envelope_free(envelope);
    close_heap();
}

static int destroyed;

static void count_destroyed(void *unused)
{
    (void)unused;
    destroyed++;
}

TEST("a shared body lives as long as the last envelope that carries it")
{
    static int pointer;
    destroyed = 0;
    open_heap();
    keel_term resource = keel_resource("test", &pointer, count_destroyed);
    struct kl_shared_body *shared = kl_shared_body_new(
            keel_tuple_of(keel_atom(shared), resource), 4);
    CHECK(shared);
    struct kl_envelope *envelopes[3];
    for (int i = 0; i < 3; i++) {
        envelopes[i] = kl_envelope_new_shared(KL_MESSAGE, shared);
        CHECK(envelopes[i]);
        CHECK(envelopes[i]->body.word == envelopes[0]->body.word); // one copy
    }
    close_heap();
    kl_shared_body_give_back(shared, 1); // one was never made
    kl_shared_body_give_back(shared, 0);
    CHECK_INT(destroyed, 0);
    struct kl_heap receiver;
    kl_heap_init(&receiver, NULL, 0);
    keel_term body = kl_envelope_open(envelopes[0], &receiver);
    kl_envelope_free(envelopes[1]);
    kl_envelope_free(envelopes[2]);
    CHECK_INT(destroyed, 0);
    CHECK_INT(keel_tuple_size(body), 2);
    CHECK(keel_to_pointer(keel_element(body, 1), NULL) == &pointer);
    kl_heap_done(&receiver);
    CHECK_INT(destroyed, 1);
}
