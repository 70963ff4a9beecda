// The process dictionary and the label: PR-236 to PR-239.

#include "proc_testing.h"

PROCESS_TEST("put, get and erase give the value that was there", .ids = "PR-236")
{
    keel_term key = keel_make("{compound, <<\"key\">>}");
    CHECK(keel_is_none(keel_process_get(key)));
    CHECK(keel_is_none(keel_process_erase(key)));
    CHECK(keel_is_none(keel_process_put(key, keel_make("[first]"))));
    CHECK_TERM(keel_process_get(key), "[first]");
    CHECK_TERM(keel_process_put(key, keel_make("{second, 2}")), "[first]");
    CHECK_TERM(keel_process_get(keel_make("{compound, <<\"key\">>}")), "{second, 2}");
    CHECK_TERM(keel_process_erase(key), "{second, 2}");
    CHECK(keel_is_none(keel_process_get(key)));
    CHECK(keel_is_none(keel_process_erase(key)));
    // Keys are compared as =:= does.
    keel_process_put(keel_int(1), keel_atom(integer));
    keel_process_put(keel_float(1.0), keel_atom(real));
    CHECK_TERM(keel_process_get(keel_int(1)), "integer");
    CHECK_TERM(keel_process_get(keel_float(1.0)), "real");
}

PROCESS_TEST("what is in the dictionary outlives the scope it was made in", .ids = "PR-236")
{
    for (int i = 0; i < 200; i++) {
        keel_scope scope = keel_scope_open();
        keel_process_put(keel_int(i), keel_format("the value of the key number %d", i));
        keel_scope_close(&scope);
    }
    for (int i = 0; i < 200; i++) {
        keel_scope scope = keel_scope_open();
        CHECK_EQUAL(keel_process_put(keel_int(i), keel_int(-i)),
                keel_format("the value of the key number %d", i));
        keel_scope_close(&scope);
    }
    for (int i = 0; i < 200; i += 2) {
        CHECK_INT(keel_to_int(keel_process_erase(keel_int(i))), -i);
    }
    for (int i = 0; i < 200; i++) {
        CHECK_INT(keel_is_none(keel_process_get(keel_int(i))), i % 2 == 0);
    }
    size_t length;
    CHECK(keel_list_length(keel_process_dictionary(), &length));
    CHECK_INT(length, 100);
}

PROCESS_TEST("keys and pairs are listed, all or by value", .ids = "PR-237")
{
    CHECK_TERM(keel_process_dictionary(), "[]");
    CHECK_TERM(keel_process_keys(KEEL_NONE), "[]");
    keel_process_put(keel_atom(a), keel_int(1));
    keel_process_put(keel_atom(b), keel_int(2));
    keel_process_put(keel_atom(c), keel_int(1));
    keel_process_put(keel_atom(d), keel_float(1.0));
    keel_term all = keel_process_keys(KEEL_NONE), ones = keel_process_keys(keel_int(1));
    size_t length;
    CHECK(keel_list_length(all, &length) && length == 4);
    CHECK(keel_list_length(ones, &length) && length == 2);
    CHECK(keel_list_member(keel_atom(a), all) && keel_list_member(keel_atom(b), all));
    CHECK(keel_list_member(keel_atom(c), all) && keel_list_member(keel_atom(d), all));
    CHECK(keel_list_member(keel_atom(a), ones) && keel_list_member(keel_atom(c), ones));
    CHECK_TERM(keel_process_keys(keel_int(3)), "[]");
    keel_term pairs = keel_process_dictionary();
    CHECK(keel_list_length(pairs, &length) && length == 4);
    CHECK(keel_list_member(keel_make("{b, 2}"), pairs));
    CHECK(keel_list_member(keel_make("{d, 1.0}"), pairs));
}

static void tell_dictionary(keel_term to)
{
    keel_send(to, keel_process_dictionary());
}

PROCESS_TEST("a child's dictionary is empty", .ids = "PR-238")
{
    keel_process_put(keel_atom(a), keel_int(1));
    end_of(keel_spawn(tell_dictionary, keel_from_pid(keel_self())));
    EXPECT_NEXT("[]");
    CHECK_TERM(keel_process_dictionary(), "[{a, 1}]");
}

static keel_term act_set_label(keel_term label)
{
    CHECK_OK(keel_process_set_label(label));
    return KEEL_NONE;
}

PROCESS_TEST("any term may be a label, and anyone may ask for it", .ids = "PR-239")
{
    keel_pid pid = new_puppet();
    CHECK(keel_is_none(keel_process_get_label(pid)));
    keel_term labels = keel_make(
            "[atom, {worker, 1}, <<\"text\">>, 7, 1.5, [], #{a => [b]}]");
    keel_term label;
    while (keel_list_next(&labels, &label)) {
        ask(pid, act_set_label, label);
        CHECK_EQUAL(keel_process_get_label(pid), label);
    }
    CHECK_OK(keel_process_set_label(keel_atom(mine)));
    CHECK_TERM(keel_process_get_label(keel_self()), "mine");
    end_process(pid);
    CHECK(keel_is_none(keel_process_get_label(pid)));
    CHECK(keel_is_none(keel_process_get_label((keel_pid){0})));
}
