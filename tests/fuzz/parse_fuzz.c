// libFuzzer target: the reader of Erlang notation, the printer behind it, and patterns.
//
// What reads must print, and the text must read back as an equal term. What does not read
// must leave nothing on the heap and say where it gave up. Each text is also tried as a
// pattern to match and to make, which may be refused but nothing worse. The first byte
// chooses between one term and several.

#include "base/base.h"
#include "term/pattern.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "parse_fuzz: %s\n", what);
        abort();
    }
}

static void check_term(keel_term term)
{
    size_t size = keel_print(NULL, 0, term, NULL);
    char *text = malloc(size + 1);
    require(keel_print(text, size + 1, term, NULL) == size, "the length is the same twice");
    keel_term again = KEEL_NONE;
    keel_status status = keel_parse(text, size, &again, NULL);
    // Text that is printed may be larger than what was read: <<0:4096>> is.
    require(status == KEEL_OK, "what prints reads");
    require(keel_equal(term, again), "it reads as the same term");
    require(keel_hash(term) == keel_hash(again), "equal terms have equal hashes");
    require(keel_compare(term, again) == 0, "equal terms have no order");
    free(text);
}

static void check_one(const char *text, size_t size)
{
    struct kl_heap before = *kl_heap_current();
    keel_term term = KEEL_NONE;
    keel_parse_error error;
    if (keel_parse(text, size, &term, &error) == KEEL_OK) {
        check_term(term);
        return;
    }
    struct kl_heap *after = kl_heap_current();
    require(after->next == before.next && after->counted == before.counted &&
                    after->bytes == before.bytes,
            "a failed reading leaves nothing behind");
    require(error.offset <= size && error.line > 0 && error.column > 0 && error.message,
            "an error has its place");
}

static void check_several(const char *text, size_t size)
{
    size_t offset = 0;
    keel_term term = KEEL_NONE;
    while (keel_parse_next(text, size, &offset, &term, NULL) == KEEL_OK) {
        require(offset <= size, "the offset stays inside");
        if (keel_is_none(term)) {
            return;
        }
        check_term(term);
    }
}

static void check_pattern(const char *text, size_t size)
{
    char copy[1024];
    if (size >= sizeof copy) {
        return;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    keel_term captured[2];
    const keel_arg to[] = {KEEL_ARG(&captured[0]), KEEL_ARG(&captured[1])};
    const keel_arg from[] = {KEEL_ARG(1), KEEL_ARG("text")};
    for (size_t count = 0; count <= 2; count++) {
        keel_pattern_site make = {copy, NULL};
        keel_pattern_site match = {copy, NULL};
        keel_term made = keel_make_at(&make, from, count);
        bool matches = keel_match_at(&match, made, to, count);
        require(!matches || !keel_is_none(made), "no term matches nothing");
        if (matches) {
            check_term(made);
        }
        kl_pattern_forget(&make);
        kl_pattern_forget(&match);
    }
}

static void drop_log(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kl_log_sink_set(drop_log, NULL);
    if (size == 0) {
        return 0;
    }
    uint8_t choice = *data++;
    size--;
    keel_scope scope = keel_scope_open();
    if (choice % 2 == 0) {
        check_one((const char *)data, size);
    } else {
        check_several((const char *)data, size);
    }
    check_pattern((const char *)data, size);
    keel_scope_close(&scope);
    return 0;
}
