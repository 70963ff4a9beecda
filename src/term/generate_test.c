#include "generate.h"

#include "testing/harness.h"

TEST("the same seed gives the same terms, and every kind of them comes up", .seeded = true)
{
    struct kl_generate first = {
            .random = kl_test_seed(), .identifiers = true, .funs = true, .pointers = true};
    struct kl_generate second = first;
    unsigned seen = 0;
    for (int i = 0; i < 2000; i++) {
        keel_scope scope = keel_scope_open();
        keel_term term = kl_generate_term(&first);
        keel_term again = kl_generate_term(&second);
        CHECK(!keel_is_none(term));
        CHECK_INT(keel_type_of(term), keel_type_of(again));
        // Resources are new each time they are made.
        struct kl_generate plain = {.random = first.random};
        struct kl_generate same = plain;
        CHECK(keel_equal(kl_generate_term(&plain), kl_generate_term(&same)));
        seen |= 1u << keel_type_of(term);
        keel_scope_close(&scope);
    }
    CHECK_INT(seen, (2u << KEEL_TYPE_POINTER) - 2);
}
