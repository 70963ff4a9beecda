// Specifications: loading, unloading, what is wrong with them, their fields.

#include "application_testing.h"

static const char *const optional[] = {"not_there", NULL};
static const char *const names[] = {"shop_tree", NULL};
static keel_started start_nothing(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    return keel_started_failed(keel_atom(unused));
}
static const keel_application inner = {.name = "inner", .version = "0"};
static const keel_application included = {.name = "included",
        .version = "1",
        .included_applications = (const keel_application *const[]){&inner, NULL}};
static const keel_application needed = {.name = "needed", .version = "3.1"};
static const keel_application shop = {
        .name = "shop",
        .description = "Sells things",
        .version = "1.2.3",
        .applications = (const keel_application *const[]){&needed, NULL},
        .optional_applications = optional,
        .included_applications = (const keel_application *const[]){&included, NULL},
        .registered = names,
        .module = "shop_app",
        .argument = "[fast]",
        .start_phases = "[{warm, 1}]",
        .env = "[{port, 8080}, {host, \"local\"}]",
        .start = start_nothing,
};

static keel_term loaded_names(void)
{
    keel_term rows = keel_application_loaded();
    keel_term list = keel_nil();
    keel_term row;
    while (keel_list_next(&rows, &row)) {
        list = keel_cons(keel_element(row, 0), list);
    }
    return list;
}

PROCESS_TEST(
        "loading puts an application and what it includes on the list, and starts nothing",
        .ids = "AP-001 AP-002 AP-004 AP-005")
{
    keel_term name = keel_application_register(&shop);
    keel_term reason = KEEL_NONE;
    CHECK_TERM(name, "shop");
    CHECK_OK(keel_application_load(name, NULL));
    keel_term rows = keel_application_loaded();
    CHECK(keel_list_member(keel_make("{shop, \"Sells things\", \"1.2.3\"}"), rows));
    CHECK_TERM(running(), "[]");
    keel_term all = loaded_names();
    CHECK(keel_list_member(keel_atom(included), all));
    CHECK(keel_list_member(keel_atom(inner), all));
    CHECK(!keel_list_member(keel_atom(needed), all));
    CHECK_REFUSED(keel_application_load(name, &reason), reason, "{already_loaded, shop}");
    keel_term spec = keel_make("{application, shop, []}");
    CHECK_REFUSED(keel_application_load_term(spec, &reason), reason,
            "{already_loaded, {application, shop, []}}");
    application_test_end();
}

PROCESS_TEST("a name without a specification is not found", .ids = "AP-003")
{
    keel_term reason = KEEL_NONE;
    CHECK_REFUSED(keel_application_load(keel_atom(nowhere), &reason), reason,
            "{\"no such file or directory\", \"nowhere.app\"}");
    reason = KEEL_NONE;
    CHECK_REFUSED(keel_application_start(keel_atom(nowhere), KEEL_TEMPORARY, &reason),
            reason, "{\"no such file or directory\", \"nowhere.app\"}");
    application_test_end();
}

static void check_wrong(const char *spec, const char *expected)
{
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_application_load_term(term_of(spec), &reason), KEEL_E_REFUSED);
    CHECK_EQUAL(reason, term_of(expected));
}

PROCESS_TEST("a wrong specification is refused with what is wrong", .ids = "AP-006")
{
    check_wrong("{application, \"a\", []}", "{bad_application, {application, \"a\", []}}");
    check_wrong("{application, a}", "{bad_application, {application, a}}");
    check_wrong("{application, a, no_list}", "{invalid_options, no_list}");
    check_wrong("{application, a, [x]}", "{invalid_options, [x]}");
    check_wrong("{application, a, [{env, x}]}", "{invalid_options, {env, x}}");
    check_wrong("{application, a, [{env, [x]}]}", "{invalid_options, {env, [x]}}");
    check_wrong("{application, a, [{env, [{\"k\", 1}]}]}",
            "{invalid_options, {env, [{\"k\", 1}]}}");
    check_wrong("{application, a, [{env, [{k, 1}, {k, 2}]}]}",
            "{invalid_options, {env, [{k, 1}, {k, 2}]}}");
    check_wrong("{application, a, [{applications, [1]}]}",
            "{invalid_options, {applications, [1]}}");
    check_wrong("{application, a, [{mod, [x]}]}", "{invalid_options, {mod, [x]}}");
    check_wrong("{application, a, [{maxT, soon}]}", "{invalid_options, {maxT, soon}}");
    keel_term reason = KEEL_NONE;
    CHECK_REFUSED(keel_application_load_term(keel_atom(a), &reason), reason,
            "{bad_application, a}");
    static const keel_application broken = {.name = "broken", .env = "[{port, "};
    CHECK_REFUSED(keel_application_load(keel_application_register(&broken), &reason),
            reason, "{invalid_options, <<\"[{port, \">>}");
    CHECK_TERM(loaded_names(), "[]");
    application_test_end();
}

PROCESS_TEST("unloading forgets the fields and the environment", .ids = "AP-007 AP-008")
{
    application_test_begin();
    keel_term reason = KEEL_NONE;
    keel_term app = load_app_with("a", NULL, NULL, "[{env, [{k, 1}]}]");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    CHECK_REFUSED(keel_application_unload(app, &reason), reason, "{running, a}");
    CHECK_OK(keel_application_stop(app, NULL));
    CHECK_OK(keel_application_unload(app, NULL));
    CHECK_TERM(keel_application_get_all_env(app), "[]");
    CHECK(keel_is_none(keel_application_get_key(app, keel_atom(vsn))));
    CHECK_REFUSED(keel_application_unload(app, &reason), reason, "{not_loaded, a}");
    application_test_end();
}

PROCESS_TEST("the fields of a specification can be read", .ids = "AP-008 AP-009")
{
    keel_term name = keel_application_register(&shop);
    CHECK(keel_is_none(keel_application_get_key(name, keel_atom(vsn))));
    CHECK(keel_is_none(keel_application_get_all_key(name)));
    CHECK_OK(keel_application_load(name, NULL));
    CHECK_TERM(keel_application_get_key(name, keel_atom(description)), "\"Sells things\"");
    CHECK_TERM(keel_application_get_key(name, keel_atom(vsn)), "\"1.2.3\"");
    CHECK_TERM(keel_application_get_key(name, keel_atom(modules)), "[]");
    CHECK_TERM(keel_application_get_key(name, keel_atom(registered)), "[shop_tree]");
    CHECK_TERM(
            keel_application_get_key(name, keel_atom(applications)), "[needed, not_there]");
    CHECK_TERM(keel_application_get_key(name, keel_atom(optional_applications)),
            "[not_there]");
    CHECK_TERM(
            keel_application_get_key(name, keel_atom(included_applications)), "[included]");
    CHECK_TERM(keel_application_get_key(name, keel_atom(mod)), "{shop_app, [fast]}");
    CHECK_TERM(keel_application_get_key(name, keel_atom(start_phases)), "[{warm, 1}]");
    CHECK_TERM(keel_application_get_key(name, keel_atom(maxP)), "infinity");
    CHECK_TERM(keel_application_get_key(name, keel_atom(maxT)), "infinity");
    keel_term env = keel_application_get_key(name, keel_atom(env));
    CHECK_TERM(keel_proplist_get(env, keel_atom(port)), "8080");
    CHECK(keel_is_none(keel_application_get_key(name, keel_atom(nonsense))));
    keel_term all = keel_application_get_all_key(name);
    size_t count = 0;
    CHECK(keel_list_length(all, &count));
    CHECK_INT(count, 13);
    CHECK_TERM(keel_proplist_get(all, keel_atom(vsn)), "\"1.2.3\"");
    CHECK_EQUAL(keel_proplist_get(all, keel_atom(env)), env);
    application_test_end();
}

static keel_result own_fields(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    return keel_reply(keel_tuple_of(keel_application_get_key(KEEL_NONE, keel_atom(vsn)),
            keel_application_get_env(KEEL_NONE, keel_atom(k), keel_atom(none)),
            keel_application_get_env(KEEL_NONE, keel_atom(other), keel_atom(none))));
}

PROCESS_TEST("inside an application its name may be left out", .ids = "AP-010")
{
    application_test_begin();
    keel_term app = load_app_with("a", NULL, NULL, "[{vsn, \"7\"}, {env, [{k, 1}]}]");
    CHECK_OK(keel_application_start(app, KEEL_TEMPORARY, NULL));
    keel_pid worker = KID_OF(keel_application_supervisor(app), kid);
    CHECK_TERM(keel_call_or_exit(worker, ACT(own_fields, keel_nil())), "{\"7\", 1, none}");
    CHECK(keel_is_none(keel_application_get_key(KEEL_NONE, keel_atom(vsn))));
    keel_term value = KEEL_NONE;
    CHECK_INT(keel_application_fetch_env(KEEL_NONE, keel_atom(k), &value), KEEL_E_NOPROC);
    application_test_end();
}
