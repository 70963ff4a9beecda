// The environment.

#include "application_testing.h"

static const keel_application env_app = {
        .name = "env_app", .env = "[{port, 8080}, {depth, 3}]"};

PROCESS_TEST("a setting is read with and without a value for its absence", .ids = "AP-011")
{
    keel_term app = keel_application_register(&env_app);
    keel_term value = KEEL_NONE;
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_OK(keel_application_fetch_env(app, keel_atom(port), &value));
    CHECK_TERM(value, "8080");
    CHECK_TERM(keel_application_get_env(app, keel_atom(port), keel_int(1)), "8080");
    CHECK_TERM(keel_application_get_env(app, keel_atom(absent), keel_int(1)), "1");
    CHECK_INT(keel_application_fetch_env(app, keel_atom(absent), &value), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_application_get_env(app, keel_atom(absent), KEEL_NONE)));
    application_test_end();
}

static void fetch(keel_term name_and_key)
{
    keel_application_fetch_env_or_exit(
            keel_element(name_and_key, 0), keel_element(name_and_key, 1));
}

static keel_term fetch_failure(const char *name_and_key)
{
    keel_ref monitor;
    keel_spawn_monitor(fetch, term_of(name_and_key), &monitor);
    return await_down(monitor);
}

PROCESS_TEST("a fetch that fails tells one that is not loaded from one without the key",
        .ids = "AP-012")
{
    keel_term app = keel_application_register(&env_app);
    CHECK_TERM(fetch_failure("{env_app, port}"),
            "{{badarg, <<\"no setting port of application env_app: it is not loaded\">>}, "
            "_}");
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_TERM(fetch_failure("{env_app, absent}"),
            "{{badarg, <<\"no setting absent of application env_app: there is no such "
            "key\">>}, _}");
    CHECK_TERM(keel_application_fetch_env_or_exit(app, keel_atom(port)), "8080");
    application_test_end();
}

PROCESS_TEST("settings of any name can be made and taken away", .ids = "AP-013 AP-014")
{
    keel_term app = keel_atom(never_loaded);
    CHECK_OK(keel_application_put_env(app, keel_atom(a), keel_make("[1, {two, 3}]")));
    CHECK_OK(keel_application_put_env(app, keel_atom(b), keel_int(2)));
    CHECK_OK(keel_application_put_env(app, keel_atom(b), keel_int(3)));
    CHECK_TERM(keel_application_get_env(app, keel_atom(a), KEEL_NONE), "[1, {two, 3}]");
    size_t count = 0;
    keel_term all = keel_application_get_all_env(app);
    CHECK(keel_list_length(all, &count));
    CHECK_INT(count, 2);
    CHECK_TERM(keel_proplist_get(all, keel_atom(b)), "3");
    CHECK_OK(keel_application_delete_env(app, keel_atom(a)));
    CHECK_OK(keel_application_delete_env(app, keel_atom(a)));
    CHECK_OK(keel_application_delete_env(keel_atom(no_such), keel_atom(a)));
    CHECK_TERM(keel_application_get_all_env(app), "[{b, 3}]");
    CHECK_INT(keel_application_put_env(keel_int(1), keel_atom(a), keel_int(1)),
            KEEL_E_BADARG);
    CHECK_INT(keel_application_put_env(app, keel_int(1), keel_int(1)), KEEL_E_BADARG);
    CHECK_INT(keel_application_put_env(app, keel_atom(a), KEEL_NONE), KEEL_E_BADARG);
    application_test_end();
}

PROCESS_TEST(
        "several settings of several applications are made in one step", .ids = "AP-015")
{
    CHECK_OK(keel_application_put_env(keel_atom(one), keel_atom(x), keel_int(0)));
    CHECK_OK(keel_application_put_all_env(
            keel_make("[{one, [{x, 1}, {y, 2}]}, {two, [{x, 3}]}, {three, []}]"), NULL));
    CHECK_TERM(keel_application_get_env(keel_atom(one), keel_atom(x), KEEL_NONE), "1");
    CHECK_TERM(keel_application_get_env(keel_atom(one), keel_atom(y), KEEL_NONE), "2");
    CHECK_TERM(keel_application_get_all_env(keel_atom(two)), "[{x, 3}]");
    application_test_end();
}

PROCESS_TEST("loading overwrites what was set before, unloading drops all",
        .ids = "AP-016 AP-017")
{
    keel_term app = keel_application_register(&env_app);
    CHECK_OK(keel_application_put_env(app, keel_atom(port), keel_int(1)));
    CHECK_OK(keel_application_put_env(app, keel_atom(own), keel_int(2)));
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_TERM(keel_application_get_env(app, keel_atom(port), KEEL_NONE), "8080");
    CHECK_TERM(keel_application_get_env(app, keel_atom(own), KEEL_NONE), "2");
    CHECK_OK(keel_application_put_env(app, keel_atom(port), keel_int(1)));
    CHECK_OK(keel_application_unload(app, NULL));
    CHECK_TERM(keel_application_get_all_env(app), "[]");
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_TERM(keel_application_get_env(app, keel_atom(port), KEEL_NONE), "8080");
    CHECK(keel_is_none(keel_application_get_env(app, keel_atom(own), KEEL_NONE)));
    application_test_end();
}

static void check_refused(const char *config, const char *text)
{
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_application_put_all_env(term_of(config), &why), KEEL_E_BADARG);
    CHECK_EQUAL(why, keel_string(text));
}

PROCESS_TEST("malformed settings are refused with the culprit, and nothing is set",
        .ids = "AP-020")
{
    check_refused(
            "[{good, [{k, 1}]}, {1, []}]", "the name of an application is no atom: 1");
    check_refused("[{good, [{k, 1}]}, bad]", "not {Application, Settings}: bad");
    check_refused("[{good, [{k, 1}]}, {a, b}]", "the settings of a are no list: b");
    check_refused("[{good, [{k, 1}]}, {a, [b]}]", "a setting of a is no {Key, Value}: b");
    check_refused("[{good, [{k, 1}]}, {a, [{2, b}]}]", "a key of a is no atom: 2");
    check_refused("[{good, [{k, 1}]}, {good, []}]", "duplicate application: good");
    check_refused("[{good, [{k, 1}, {k, 2}]}]", "duplicate key of good: k");
    check_refused("nonsense", "not a list of applications: nonsense");
    CHECK_TERM(keel_application_get_all_env(keel_atom(good)), "[]");
    application_test_end();
}

enum { WRITES = 200 };

static void write_often(keel_term parent)
{
    for (int i = 0; i < WRITES; i++) {
        keel_application_put_env(keel_atom(busy), keel_atom(k),
                keel_make(
                        "{I, <<\"a long text that is shared and counted, so that a reader "
                        "may hold what a writer replaces\">>, I}",
                        i));
        keel_yield();
    }
    keel_send(keel_to_pid(parent), keel_atom(written));
}

PROCESS_TEST("a reader sees the old or the new value while others write", .ids = "AP-023")
{
    CHECK_OK(keel_application_put_env(
            keel_atom(busy), keel_atom(k), keel_make("{0, first, 0}")));
    keel_spawn(write_often, keel_from_pid(keel_self()));
    int last = 0;
    while (last < WRITES - 1) {
        keel_scope scope = keel_scope_open();
        int left;
        int right;
        keel_term value = keel_application_get_env(
                keel_atom(busy), keel_atom(k), KEEL_NONE);
        CHECK_TERM(value, "{Left, _, Right}", &left, &right);
        CHECK_INT(left, right);
        CHECK(left >= last);
        last = left;
        keel_scope_close(&scope);
        keel_yield();
    }
    EXPECT_NEXT("written");
    application_test_end();
}

PROCESS_TEST("a persistent setting stands over those of later loads until it is taken away")
{
    application_test_begin();
    keel_term app = keel_atom(lasting);
    keel_term own = keel_atom(own);
    keel_term more = keel_atom(more);
    CHECK_OK(keel_application_put_env_persistent(app, own, keel_int(1)));
    CHECK_OK(keel_application_put_env_persistent(app, more, keel_int(2)));
    for (int i = 0; i < 2; i++) {
        load_app_with("lasting", NULL, NULL, "[{env, [{own, spec}, {other, spec}]}]");
        CHECK_TERM(keel_application_get_env(app, own, KEEL_NONE), "1");
        CHECK_TERM(keel_application_get_env(app, more, KEEL_NONE), "2");
        CHECK_TERM(keel_application_get_env(app, keel_atom(other), KEEL_NONE), "spec");
        CHECK_OK(keel_application_unload(app, NULL));
    }
    load_app_with("lasting", NULL, NULL, "[{env, [{own, spec}]}]");
    CHECK_OK(keel_application_put_env(app, more, keel_int(3))); // this one does not last
    CHECK_OK(keel_application_delete_env_persistent(app, own));
    CHECK(keel_is_none(keel_application_get_env(app, own, KEEL_NONE)));
    CHECK_OK(keel_application_unload(app, NULL));
    load_app_with("lasting", NULL, NULL, "[{env, [{own, spec}]}]");
    CHECK_TERM(keel_application_get_env(app, own, KEEL_NONE), "spec");
    CHECK_TERM(keel_application_get_env(app, more, KEEL_NONE), "2");
    CHECK_OK(keel_application_delete_env_persistent(app, more));
    CHECK_OK(keel_application_delete_env_persistent(app, keel_atom(never_there)));
    CHECK_INT(keel_application_put_env_persistent(app, keel_int(1), own), KEEL_E_BADARG);
    CHECK_INT(keel_application_delete_env_persistent(keel_int(1), own), KEEL_E_BADARG);
    CHECK_OK(keel_application_unload(app, NULL));
    application_test_end();
}
