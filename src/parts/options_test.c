// Options on their way to a process.

#include "options.h"
#include "proc/proc_testing.h"

struct sample {
    keel_term name;
    int64_t number;
    keel_term extra;
    void (*function)(void);
};
static const struct kl_options layout = KL_OPTIONS(
        struct sample, offsetof(struct sample, name), offsetof(struct sample, extra));

static void some_function(void) {}

TEST("options arrive with their terms, and none stays none")
{
    struct sample sent = {.name = keel_atom(a), .number = 7, .function = some_function};
    keel_scope scope = keel_scope_open();
    keel_term packed = kl_options_pack(&layout, &sent);
    struct sample got;
    CHECK(kl_options_unpack(&layout, packed, &got));
    CHECK(keel_is(got.name, a));
    CHECK(keel_is_none(got.extra));
    CHECK_INT(got.number, 7);
    CHECK(got.function == some_function);
    sent.extra = keel_make("{x, [1]}");
    CHECK(kl_options_unpack(&layout, kl_options_pack(&layout, &sent), &got));
    CHECK(keel_match(got.extra, "{x, [1]}"));
    keel_scope_close(&scope);
}

TEST("what is no packed options is refused")
{
    struct sample got;
    keel_scope scope = keel_scope_open();
    CHECK(!kl_options_unpack(&layout, keel_nil(), &got));
    CHECK(!kl_options_unpack(&layout, keel_make("{<<1, 2>>, a, b}"), &got));
    keel_scope_close(&scope);
}
