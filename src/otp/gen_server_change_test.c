// Another version of a running server: its state moves by the names of its fields, calls
// wait meanwhile, a failure leaves everything as it was.

#include "otp_testing.h"
#include <string.h>

// --- version 1 ---

struct shop_1 {
    int32_t sold;
    char name[8];
    keel_term stock; // kept
    int64_t unnamed;
};

static keel_result init_1(keel_term stock, void *state)
{
    struct shop_1 *shop = state;
    memcpy(shop->name, "corner", 7);
    shop->unnamed = 77;
    keel_set(&shop->stock, stock);
    return keel_ok();
}

static keel_result call_1(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct shop_1 *shop = state;
    if (keel_is(request, version)) {
        return keel_reply(keel_int(1));
    }
    if (keel_is(request, buy)) {
        return keel_reply(keel_int(++shop->sold));
    }
    return keel_reply(keel_int(shop->unnamed));
}

static keel_term back_to_1(keel_term old_version, void *state, keel_term extra)
{
    struct shop_1 *shop = state;
    shop->unnamed = 78;
    (void)extra;
    return keel_equal(old_version, keel_string("2")) ? keel_atom(ok) : old_version;
}

static const keel_gen_server shop_1 = {.name = "shop",
        .version = "1",
        .state = KEEL_STATE(struct shop_1, sold, name, stock),
        .init = init_1,
        .handle_call = call_1,
        .code_change = back_to_1};

// --- version 2: sold is wider and elsewhere, a field is new ---

struct shop_2 {
    keel_term stock;
    keel_term note; // kept
    int64_t sold;
    char name[32];
};

static keel_result call_2(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct shop_2 *shop = state;
    if (keel_is(request, version)) {
        return keel_reply(keel_int(2));
    }
    if (keel_is(request, buy)) {
        return keel_reply(keel_int(++shop->sold));
    }
    return keel_reply(shop->note);
}

// Extra: [] or what to answer instead of ok; {exit, R} to fail.
static keel_term to_2(keel_term old_version, void *state, keel_term extra)
{
    struct shop_2 *shop = state;
    keel_set(&shop->note, keel_tuple_of(keel_atom(from), old_version));
    keel_set(&shop->stock, keel_cons(keel_atom(new), shop->stock));
    shop->sold += 1000;
    keel_term reason = KEEL_NONE;
    if (keel_match(extra, "{exit, Reason}", &reason)) {
        keel_exit(reason);
    }
    return keel_is_nil(extra) ? keel_atom(ok) : extra;
}

static const keel_gen_server shop_2 = {.name = "shop",
        .version = "2",
        .state = KEEL_STATE(struct shop_2, stock, note, sold, name),
        .handle_call = call_2,
        .code_change = to_2};

static keel_term state_of(keel_pid pid)
{
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(pid, &state));
    return state;
}

static keel_pid open_shop(void)
{
    keel_pid pid = actor_started(
            keel_gen_server_start(&shop_1, keel_make("[{bread, 3}, milk]")));
    keel_call_or_exit(pid, keel_atom(buy));
    return pid;
}

PROCESS_TEST("a state moves up to a new layout and down again", .ids = "SY-027 GS-159")
{
    keel_pid pid = open_shop();
    CHECK_OK(keel_gen_server_upgrade(pid, &shop_2, keel_nil(), NULL));
    CHECK_TERM(state_of(pid),
            "#{sold := 1001, name := <<\"corner\">>, "
            "stock := [new, {bread, 3}, milk], note := {from, <<\"1\">>}}");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(version)), "2");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(buy)), "1002");
    CHECK_OK(keel_gen_server_upgrade(pid, &shop_1, keel_nil(), NULL));
    CHECK_TERM(state_of(pid), "#{sold := 1002, name := <<\"corner\">>, "
                              "stock := [new, {bread, 3}, milk]}");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(version)), "1");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(unnamed)), "78");
    for (int i = 0; i < 20; i++) {
        CHECK_OK(keel_gen_server_upgrade(pid, i % 2 ? &shop_1 : &shop_2, keel_nil(), NULL));
    }
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(version)), "1");
    stop_actor(pid);
}

PROCESS_TEST("an upgrade that fails leaves the old version running with its state",
        .ids = "SY-029 SY-031 GS-160")
{
    keel_pid pid = open_shop();
    keel_term before = state_of(pid);
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_gen_server_upgrade(pid, &shop_2, keel_make("{error, no}"), &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "{error, no}");
    CHECK_EQUAL(state_of(pid), before);
    CHECK_INT(keel_gen_server_upgrade(pid, &shop_2, keel_make("{exit, crash}"), &why),
            KEEL_E_REFUSED);
    CHECK_TERM(why, "{'EXIT', crash}");
    CHECK_EQUAL(state_of(pid), before);
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(version)), "1");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(unnamed)), "77");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(buy)), "2");
    stop_actor(pid);
}

PROCESS_TEST("a state of the same layout stays where it is, unnamed fields and all")
{
    static const keel_gen_server again = {.name = "shop",
            .version = "2",
            .state = {.type = "struct shop_1", .bytes = sizeof(struct shop_1)},
            .handle_call = call_1};
    keel_gen_server same = shop_1;
    same.version = "2";
    same.code_change = NULL;
    keel_pid pid = open_shop();
    CHECK_OK(keel_gen_server_upgrade(pid, &same, keel_nil(), NULL));
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(unnamed)), "77");
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(buy)), "2");
    // Without names nothing can be moved: such a state begins empty.
    CHECK_OK(keel_gen_server_upgrade(pid, &again, keel_nil(), NULL));
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(unnamed)), "0");
    stop_actor(pid);
}

PROCESS_TEST("a suspended server stays suspended, and nobody there is told")
{
    keel_pid pid = open_shop();
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_OK(keel_gen_server_upgrade(pid, &shop_2, keel_nil(), NULL));
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, _, _, [_, suspended, _, _, _]}");
    CHECK_OK(keel_sys_resume(pid));
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(version)), "2");
    stop_actor(pid);
    CHECK_INT(keel_gen_server_upgrade(pid, &shop_2, keel_nil(), NULL), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_server_upgrade(pid, NULL, keel_nil(), NULL), KEEL_E_BADARG);
}

static void buy_many(keel_term pid)
{
    int64_t last = 0;
    for (int i = 0; i < 200; i++) {
        keel_scope scope = keel_scope_open();
        int64_t sold = keel_to_int(keel_call_or_exit(pid, keel_atom(buy)));
        CHECK(sold > last);
        last = sold;
        keel_scope_close(&scope);
    }
}

PROCESS_TEST("no call is lost while versions change under traffic")
{
    enum { BUYERS = 5 };
    keel_gen_server plain_1 = shop_1;
    keel_gen_server plain_2 = shop_2;
    plain_1.code_change = NULL;
    plain_2.code_change = NULL;
    keel_pid pid = actor_started(keel_gen_server_start(&plain_1, keel_nil()));
    keel_ref monitors[BUYERS];
    for (int i = 0; i < BUYERS; i++) {
        keel_spawn_monitor(buy_many, keel_from_pid(pid), &monitors[i]);
    }
    for (int i = 0; i < 40; i++) {
        CHECK_OK(keel_gen_server_upgrade(
                pid, i % 2 ? &plain_1 : &plain_2, keel_nil(), NULL));
    }
    for (int i = 0; i < BUYERS; i++) {
        CHECK_TERM(await_down(monitors[i]), "normal");
    }
    CHECK_TERM(state_of(pid), "#{sold := 1000}");
    stop_actor(pid);
}
