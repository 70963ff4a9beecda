#include "etf.h"
#include "heap.h"
#include "testing/harness.h"
#include <keel/alloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

// What the codec does at its limits: this node's own pids and references, depth, sizes,
// compression, exhausted memory.

static keel_bytes encode(keel_term term, const keel_etf_opts *opts)
{
    keel_term binary = KEEL_NONE;
    CHECK_OK(keel_etf_encode(term, opts, &binary));
    return keel_to_bytes(binary);
}

static keel_term decode(keel_bytes bytes)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &term));
    return term;
}

static keel_term list_of(size_t count)
{
    keel_term list = keel_nil();
    while (count-- > 0) {
        list = keel_cons(keel_int((int)(count % 1000)), list);
    }
    return list;
}

// --- this node ---

TEST("pids and references of this node are local again when they come back")
{
    kl_node_identity_set(keel_atom_text("keel@host"), 77);
    keel_pid pid = kl_pid_make(123, 456);
    keel_bytes bytes = encode(keel_from_pid(pid), NULL);
    static const uint8_t pid_bytes[] = {131, 88, 119, 9, 'k', 'e', 'e', 'l', '@', 'h', 'o',
            's', 't', 0, 0, 0, 123, 0, 0, 1, 200, 0, 0, 0, 77};
    CHECK_INT(bytes.size, sizeof pid_bytes);
    CHECK(memcmp(bytes.data, pid_bytes, sizeof pid_bytes) == 0);
    CHECK(decode(bytes).word == pid.word);

    static const uint64_t numbers[] = {
            0, 1, UINT32_MAX, (uint64_t)1 << 32, ((uint64_t)1 << 60) - 1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        keel_ref ref = kl_ref_make(numbers[i]);
        bytes = encode(keel_from_ref(ref), NULL);
        CHECK(bytes.data[1] == KL_ETF_NEWER_REFERENCE && bytes.data[3] == 3);
        CHECK(decode(bytes).word == ref.word);
    }
    pid = kl_pid_make((1 << KL_PID_SLOT_BITS) - 1, UINT32_MAX);
    CHECK(decode(encode(keel_from_pid(pid), NULL)).word == pid.word);
}

TEST("pids and references of an earlier incarnation, or of a form not ours, are remote")
{
    keel_term name = keel_atom_text("keel@host");
    kl_node_identity_set(name, 76);
    keel_term before = keel_from_pid(kl_pid_make(1, 2));
    keel_term ref_before = keel_from_ref(kl_ref_make(3));
    keel_bytes pid_bytes = encode(before, NULL), ref_bytes = encode(ref_before, NULL);
    kl_node_identity_set(name, 77);
    struct kl_remote_pid pid;
    CHECK(kl_pid_remote(keel_to_pid(decode(pid_bytes)), &pid) && pid.creation == 76);
    struct kl_remote_ref ref;
    CHECK(kl_ref_remote(keel_to_ref(decode(ref_bytes)), &ref) && ref.creation == 76);

    pid = (struct kl_remote_pid){name, 1u << KL_PID_SLOT_BITS, 2, 77};
    keel_term odd = keel_from_pid(kl_pid_make_remote(&pid));
    CHECK(keel_equal(decode(encode(odd, NULL)), odd));
    static const struct kl_remote_ref refs[] = {
            {.count = 3, .word = {1, 1u << 28, 0}},
            {.count = 3, .word = {1, 1, 1}},
            {.count = 2, .word = {1, 1}},
            {.count = 4, .word = {1, 1, 0, 0}},
    };
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
        ref = refs[i];
        ref.node = name;
        ref.creation = 77;
        odd = keel_from_ref(kl_ref_make_remote(&ref));
        keel_term again = decode(encode(odd, NULL));
        CHECK(kl_is_kind(again, KL_KIND_REF) && keel_equal(again, odd));
    }
}

// --- what has no external form ---

TEST("pointers, resources and nothing cannot be encoded, however deep they lie")
{
    int target;
    keel_term binary = keel_nil();
    keel_term all[] = {keel_pointer(&target), keel_resource("file", &target, NULL)};
    for (size_t i = 0; i < 2; i++) {
        keel_term deep = keel_list_of(keel_int(1), keel_tuple_of(keel_nil(), all[i]));
        CHECK_INT(keel_etf_encode(all[i], NULL, &binary), KEEL_E_NOT_ENCODABLE);
        CHECK_INT(keel_etf_encode(deep, NULL, &binary), KEEL_E_NOT_ENCODABLE);
    }
    CHECK_INT(keel_etf_encode(KEEL_NONE, NULL, &binary), KEEL_E_NOT_ENCODABLE);
    CHECK(keel_is_nil(binary));
}

TEST("without the version byte the rest is the same")
{
    keel_term term = keel_tuple_of(keel_atom(ok), keel_int(1));
    keel_bytes with = encode(term, NULL);
    keel_bytes without = encode(term, &(keel_etf_opts){.no_version = true});
    CHECK_INT(without.size + 1, with.size);
    CHECK(memcmp(with.data + 1, without.data, without.size) == 0);
    size_t used;
    keel_term again;
    CHECK_OK(kl_etf_decode(without.data, without.size, NULL, &used, &again));
    CHECK(used == without.size && keel_equal(again, term));
}

// --- limits ---

TEST("an input over max_bytes is refused before it is read")
{
    keel_bytes bytes = encode(list_of(100), NULL);
    keel_etf_limits limits = {.max_bytes = bytes.size};
    keel_term term;
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &term));
    limits.max_bytes--;
    CHECK_INT(keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &term),
            KEEL_E_TOO_LARGE);
    size_t used;
    CHECK_INT(kl_etf_walk(bytes.data, bytes.size, &limits, &used, NULL), KEEL_E_TOO_LARGE);
    CHECK_INT(
            kl_etf_decode(bytes.data, bytes.size, &limits, &used, &term), KEEL_E_TOO_LARGE);
}

TEST("a tuple of 2^24 terms is too large")
{
    size_t count = (1 << 24) - 1, size = 1 + 1 + 4 + count;
    uint8_t *data = malloc(size + 1);
    memset(data, KL_ETF_NIL, size + 1);
    data[0] = KL_ETF_VERSION;
    data[1] = KL_ETF_LARGE_TUPLE;
    kl_etf_put_32(data + 2, (uint32_t)count);
    keel_term term;
    CHECK_OK(keel_etf_decode(data, size, NULL, NULL, &term));
    CHECK_INT(keel_tuple_size(term), count);
    kl_etf_put_32(data + 2, (uint32_t)count + 1);
    CHECK_INT(keel_etf_decode(data, size + 1, NULL, NULL, &term), KEEL_E_TOO_LARGE);
    free(data);
}

TEST("with existing_atoms_only no atom is made")
{
    static const uint8_t known[] = {
            131, 104, 2, 119, 2, 'o', 'k', 119, 5, 'e', 'r', 'r', 'o', 'r'};
    static const uint8_t new[] = {
            131, 104, 2, 119, 2, 'o', 'k', 119, 8, 'n', 'e', 'v', 'e', 'r', 'y', 'e', 't'};
    static const uint8_t before[] = {131, 104, 3, 119, 2, 'o', 'k', 119, 8, 'n', 'e', 'v',
            'e', 'r', 'y', 'e', 't', 110, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t node[] = {131, 88, 119, 8, 'n', 'e', 'v', 'e', 'r', 'y', 'e', 't',
            0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    static const uint8_t latin1[] = {131, 100, 0, 4, 0xe4, 0xe4, 0xe4, 0xe4};
    keel_etf_limits limits = {.existing_atoms_only = true};
    keel_term term;
    CHECK_OK(keel_etf_decode(known, sizeof known, &limits, NULL, &term));
    size_t count = keel_atom_count(NULL);
    CHECK_INT(keel_etf_decode(new, sizeof new, &limits, NULL, &term), KEEL_E_BADARG);
    CHECK_INT(keel_etf_decode(before, sizeof before, &limits, NULL, &term), KEEL_E_BADARG);
    CHECK_INT(keel_etf_decode(node, sizeof node, &limits, NULL, &term), KEEL_E_BADARG);
    CHECK_INT(keel_etf_decode(latin1, sizeof latin1, &limits, NULL, &term), KEEL_E_BADARG);
    CHECK_INT(keel_atom_count(NULL), count);
    CHECK_OK(keel_etf_decode(new, sizeof new, NULL, NULL, &term));
    CHECK_INT(keel_atom_count(NULL), count + 1);
    CHECK_OK(keel_etf_decode(new, sizeof new, &limits, NULL, &term));
}

TEST("a full atom table is an error, and nothing stays on the heap")
{
    kl_atom_limit_set(KL_ATOM_PREDEFINED + 1);
    static const uint8_t data[] = {
            131, 104, 3, 119, 2, 'a', '1', 109, 0, 0, 0, 1, 7, 119, 2, 'a', '2'};
    struct kl_heap *heap = kl_heap_current();
    uint8_t *next = heap->next;
    keel_term term = keel_nil();
    CHECK_INT(keel_etf_decode(data, sizeof data, NULL, NULL, &term), KEEL_E_SYSTEM_LIMIT);
    CHECK(keel_is_nil(term) && heap->next == next);
}

// --- depth ---

enum { DEEP = 1000000 };

// Encodings nested `depth` levels deep: `open` bytes so many times, a nil, `close` bytes.
static keel_bytes nested(size_t depth, const void *open, size_t open_bytes,
        const void *close, size_t close_bytes)
{
    size_t size = 1 + depth * (open_bytes + close_bytes) + 1;
    uint8_t *data = malloc(size), *at = data;
    *at++ = KL_ETF_VERSION;
    for (size_t i = 0; i < depth; i++, at += open_bytes) {
        memcpy(at, open, open_bytes);
    }
    *at++ = KL_ETF_NIL;
    for (size_t i = 0; i < depth; i++, at += close_bytes) {
        memcpy(at, close, close_bytes);
    }
    return (keel_bytes){data, size};
}

static void check_depth(const char *what, const void *open, size_t open_bytes,
        const void *close, size_t close_bytes)
{
    keel_scope scope = keel_scope_open();
    keel_bytes bytes = nested(DEEP, open, open_bytes, close, close_bytes);
    keel_etf_limits limits = {.max_depth = DEEP};
    keel_term term;
    keel_status status = keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &term);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s: %s", what, keel_status_name(status));
    }
    keel_bytes written = encode(term, NULL);
    CHECK(written.size == bytes.size);
    CHECK(memcmp(written.data, bytes.data, bytes.size) == 0);
    limits.max_depth--;
    CHECK_INT(
            keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &term), KEEL_E_TOO_DEEP);
    CHECK_INT(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &term), KEEL_E_TOO_DEEP);
    free((void *)(uintptr_t)bytes.data);
    keel_scope_close(&scope);
}

static void *check_depths(void *unused)
{
    check_depth("tuple", "\x68\x01", 2, "", 0);
    check_depth("first of two", "\x68\x02", 2, "\x6a", 1);
    check_depth("list", "\x6c\0\0\0\x01", 5, "\x6a", 1);
    check_depth("value of a map", "\x74\0\0\0\x01\x61\x05", 7, "", 0);
    return unused;
}

TEST("terms a million levels deep pass both ways on a stack of 64 KiB", .timeout_s = 120)
{
    if (KL_ASAN || KL_TSAN) {
        check_depths(NULL); // their frames are larger
        return;
    }
    pthread_attr_t attributes;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    long least = sysconf(_SC_THREAD_STACK_MIN); // 128 KiB on some processors
    size_t bytes = least > 64 * 1024 ? (size_t)least : 64 * 1024;
    CHECK_INT(pthread_attr_setstacksize(&attributes, bytes), 0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, &attributes, check_depths, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(pthread_attr_destroy(&attributes), 0);
}

TEST("lists are no deeper for being long")
{
    keel_term list = list_of(200000);
    keel_bytes bytes = encode(list, NULL);
    keel_etf_limits limits = {.max_depth = 1};
    keel_term again;
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &again));
    CHECK(keel_equal(list, again));
    // The same with a new list in each tail, as no one writes it.
    bytes = nested(200000, "\x6c\0\0\0\x01\x77\0", 7, "", 0);
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &again));
    size_t length;
    CHECK(keel_list_length(again, &length) && length == 200000);
    free((void *)(uintptr_t)bytes.data);
}

// --- maps ---

TEST("maps of any order are sorted, and equal keys are found wherever they are")
{
    enum { PAIRS = 1000 };
    static uint8_t data[1 + 5 + PAIRS * 6];
    data[0] = KL_ETF_VERSION;
    data[1] = KL_ETF_MAP;
    kl_etf_put_32(data + 2, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint32_t key = i * 7919 % PAIRS; // all of them, since 7919 is prime
        uint8_t *at = data + 6 + 6 * (size_t)i;
        at[0] = KL_ETF_INTEGER;
        kl_etf_put_32(at + 1, key);
        at[5] = KL_ETF_NIL;
    }
    keel_term map = decode((keel_bytes){data, sizeof data});
    CHECK_INT(keel_map_size(map), PAIRS);
    for (size_t i = 0; i < PAIRS; i++) {
        keel_term key, value;
        CHECK(keel_map_at(map, i, &key, &value) && keel_to_int(key) == (int64_t)i);
    }

    for (uint32_t i = 1; i < PAIRS; i += 37) {
        uint8_t *at = data + 6 + 6 * (size_t)i + 1;
        uint32_t key = kl_etf_get_32(at);
        kl_etf_put_32(at, (key + i) % PAIRS);
        keel_term term;
        CHECK_INT(keel_etf_decode(data, sizeof data, NULL, NULL, &term), KEEL_E_MALFORMED);
        kl_etf_put_32(at, key);
    }
}

// --- compression ---

static bool has_zlib(void)
{
    size_t size;
    uint8_t out[64] = {0};
    return kl_etf_deflate(1, out, 0, out, sizeof out, &size) == KEEL_OK;
}

TEST("a build without zlib says that it has none")
{
    if (has_zlib()) {
        kl_test_skip("this build has zlib");
    }
    keel_term term, binary;
    CHECK_INT(keel_etf_encode(list_of(1000), &(keel_etf_opts){.compress = 6}, &binary),
            KEEL_E_UNSUPPORTED);
    static const uint8_t data[] = {131, 80, 0, 0, 0, 1, 0x78, 0x9c};
    CHECK_INT(keel_etf_decode(data, sizeof data, NULL, NULL, &term), KEEL_E_UNSUPPORTED);
}

TEST("compressed terms come back, and what would not get smaller is not compressed")
{
    if (!has_zlib()) {
        kl_test_skip("this build has no zlib");
    }
    keel_term term = list_of(5000);
    keel_bytes plain = encode(term, NULL);
    for (int level = 1; level <= 9; level++) {
        keel_bytes packed = encode(term, &(keel_etf_opts){.compress = level});
        CHECK(packed.size < plain.size / 2);
        CHECK_INT(packed.data[1], KL_ETF_COMPRESSED);
        CHECK_INT(kl_etf_get_32(packed.data + 2), plain.size - 1);
        CHECK(keel_equal(decode(packed), term));
    }
    term = keel_tuple_of(keel_atom(ok), keel_int(1));
    plain = encode(term, NULL);
    keel_bytes packed = encode(term, &(keel_etf_opts){.compress = 9});
    CHECK(packed.size == plain.size && memcmp(packed.data, plain.data, plain.size) == 0);

    keel_term binary;
    CHECK_INT(keel_etf_encode(term, &(keel_etf_opts){.compress = 10}, &binary),
            KEEL_E_BADARG);
    CHECK_INT(keel_etf_encode(term, &(keel_etf_opts){.compress = -1}, &binary),
            KEEL_E_BADARG);
    CHECK_INT(keel_etf_encode(
                      term, &(keel_etf_opts){.compress = 1, .no_version = true}, &binary),
            KEEL_E_BADARG);
}

TEST("a compressed term must be of exactly the size it claims, and end there")
{
    if (!has_zlib()) {
        kl_test_skip("this build has no zlib");
    }
    keel_bytes packed = encode(list_of(1000), &(keel_etf_opts){.compress = 6});
    uint8_t data[8192] = {0};
    CHECK(packed.size < sizeof data);
    memcpy(data, packed.data, packed.size);
    uint32_t size = kl_etf_get_32(data + 2);
    static const int32_t wrong[] = {1, -1, -100};
    keel_term term;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kl_etf_put_32(data + 2, size + (uint32_t)wrong[i]);
        CHECK_INT(keel_etf_decode(data, packed.size, NULL, NULL, &term), KEEL_E_MALFORMED);
    }
    kl_etf_put_32(data + 2, 0);
    CHECK_INT(keel_etf_decode(data, packed.size, NULL, NULL, &term), KEEL_E_MALFORMED);
    kl_etf_put_32(data + 2, size);
    for (size_t cut = 0; cut < packed.size; cut++) {
        CHECK_INT(keel_etf_decode(data, cut, NULL, NULL, &term), KEEL_E_MALFORMED);
    }
    CHECK_INT(keel_etf_decode(data, packed.size + 1, NULL, NULL, &term), KEEL_E_MALFORMED);
    size_t used = 0;
    CHECK_OK(keel_etf_decode(data, sizeof data, NULL, &used, &term));
    CHECK_INT(used, packed.size);

    uint8_t room[8192];
    CHECK_OK(kl_etf_inflate(data + 6, packed.size - 6, room, size, &used));
    CHECK_INT(kl_etf_inflate(data + 6, packed.size - 6, room, size + 1, &used),
            KEEL_E_MALFORMED);

    // Flipped bits: the checksum of zlib finds them all.
    for (size_t i = 6; i < packed.size; i++) {
        data[i] ^= 0x10;
        CHECK_INT(keel_etf_decode(data, packed.size, NULL, NULL, &term), KEEL_E_MALFORMED);
        data[i] ^= 0x10;
    }
}

TEST("what is compressed is one term, and not compressed again")
{
    if (!has_zlib()) {
        kl_test_skip("this build has no zlib");
    }
    static const struct {
        uint8_t plain[8];
        size_t size;
    } bad[] = {{{97, 1, 0}, 3}, {{131, 97, 1}, 3}, {{97}, 1}, {{80, 0, 0, 0, 1, 106}, 6}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t data[64] = {131, 80};
        size_t size;
        kl_etf_put_32(data + 2, (uint32_t)bad[i].size);
        CHECK_OK(kl_etf_deflate(6, bad[i].plain, bad[i].size, data + 6, 58, &size));
        keel_term term;
        CHECK_INT(keel_etf_decode(data, 6 + size, NULL, NULL, &term), KEEL_E_MALFORMED);
    }
}

// An allocator that remembers the largest request and fails at a given one.
static size_t largest;
static uint64_t requests, failing;

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    largest = bytes > largest ? bytes : largest;
    return ++requests == failing ? NULL : malloc(bytes);
}
static void *reallocate(void *context, void *memory, size_t old_bytes, size_t new_bytes)
{
    (void)context, (void)old_bytes;
    return ++requests == failing ? NULL : realloc(memory, new_bytes);
}
static void release(void *context, void *memory, size_t bytes)
{
    (void)context, (void)bytes;
    free(memory);
}
static const keel_allocator counting = {
        .allocate = allocate, .reallocate = reallocate, .release = release};

TEST("no memory is taken for a size that the packed bytes cannot unpack to")
{
    CHECK_OK(keel_allocator_set(&counting));
    static const uint8_t bomb[] = {131, 80, 3, 0xff, 0xff, 0xff, 0x78, 0x9c, 3, 0};
    keel_term term;
    CHECK_INT(keel_etf_decode(bomb, sizeof bomb, NULL, NULL, &term), KEEL_E_MALFORMED);
    keel_etf_limits limits = {.max_bytes = 1000};
    static const uint8_t large[] = {131, 80, 0, 0, 4, 0, 0x78, 0x9c, 3, 0};
    CHECK_INT(keel_etf_decode(large, sizeof large, &limits, NULL, &term), KEEL_E_TOO_LARGE);
    CHECK(largest < 100000);
}

// --- memory ---

// A term that needs everything that can be allocated: depth, shared blocks, new chunks, a
// map to sort.
static keel_bytes demanding(void)
{
    static uint8_t data[60000];
    uint8_t *at = data;
    *at++ = KL_ETF_VERSION;
    for (int i = 0; i < 200; i++) {
        memcpy(at, "\x68\x02\x6d\0\0\0\x46", 7);
        memset(at + 7, i, 70);
        at += 77;
    }
    memcpy(at, "\x74\0\0\0\x03\x61\x03\x6a\x61\x02\x6a\x61\x01\x6a", 14);
    at += 14;
    return (keel_bytes){data, (size_t)(at - data)};
}

TEST("exhausted memory is reported at every place, and nothing leaks")
{
    CHECK_OK(keel_allocator_set(&counting));
    keel_bytes bytes = demanding();
    keel_term term, binary;
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &term));
    keel_etf_opts compress = {.compress = has_zlib() ? 6 : 0};
    CHECK_OK(keel_etf_encode(term, &compress, &binary));
    keel_bytes packed = keel_to_bytes(binary);

    int failures = 0;
    for (uint64_t nth = 1;; nth++) {
        keel_scope scope = keel_scope_open();
        keel_term again = KEEL_NONE, written = KEEL_NONE;
        int64_t used = keel_memory_used();
        requests = 0;
        failing = nth;
        keel_status decoded = keel_etf_decode(packed.data, packed.size, NULL, NULL, &again);
        keel_status encoded = keel_etf_encode(term, &compress, &written);
        failing = 0;
        bool is_done = decoded == KEEL_OK && encoded == KEEL_OK;
        CHECK(decoded == KEEL_OK || decoded == KEEL_E_NOMEM);
        CHECK(encoded == KEEL_OK || encoded == KEEL_E_NOMEM);
        CHECK(decoded == KEEL_OK ? keel_equal(term, again) : keel_is_none(again));
        CHECK(encoded == KEEL_OK || keel_is_none(written));
        keel_scope_close(&scope);
        CHECK_INT(keel_memory_used(), used);
        if (is_done && requests < nth) {
            break;
        }
        failures += !is_done;
    }
    CHECK(failures > 200); // each block is one place
}

TEST("a heap at its limit is reported as exhausted memory")
{
    keel_bytes bytes = demanding();
    keel_term term, again = KEEL_NONE, written = KEEL_NONE;
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &term));
    struct kl_heap full;
    kl_heap_init(&full, NULL, 0);
    full.max_bytes = 8;
    struct kl_heap *before = kl_heap_use(&full);
    int64_t used = keel_memory_used();
    CHECK_INT(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &again), KEEL_E_NOMEM);
    CHECK_INT(keel_etf_encode(term, NULL, &written), KEEL_E_NOMEM);
    CHECK_INT(keel_etf_encode(keel_int(1), NULL, &written), KEEL_E_NOMEM);
    CHECK(keel_is_none(again) && keel_is_none(written));
    CHECK_INT(keel_memory_used(), used);
    kl_heap_use(before);
    kl_heap_done(&full);
}
