// Starting and waiting for it: the proc_lib of this library; starts as values; start
// functions by name; handlers.

#include "otp_testing.h"
#include "start.h"
#include <string.h>

// --- what proc_lib promises ---

static void ack_and_wait(keel_term ack)
{
    keel_gen_ack(ack);
    wait_forever(KEEL_NONE);
}

PROCESS_TEST("a start returns what the child acknowledged with, whatever it is",
        .ids = "PL-008 PL-012")
{
    keel_term acks = keel_make("[{ok, 1}, ready, {any, [term]}, <<\"text\">>]");
    keel_term ack;
    while (keel_list_next(&acks, &ack)) {
        keel_pid pid;
        keel_term seen = KEEL_NONE;
        CHECK_OK(keel_start_body(ack_and_wait, ack, NULL, SOON, &pid, NULL, &seen));
        CHECK_EQUAL(seen, ack);
        CHECK(keel_process_alive(pid));
        end_process(pid);
        EXPECT_NO_MESSAGE();
    }
}

static void ack_when_told(keel_term starter)
{
    keel_send(starter, keel_from_pid(keel_self()));
    keel_receive_match(KEEL_NEVER, "go") == KEEL_OK ? (void)0 : keel_exit(keel_atom(odd));
    keel_gen_ack(keel_atom(at_last));
    wait_forever(KEEL_NONE);
}

static void start_it(keel_term watcher)
{
    keel_pid pid;
    keel_term ack = KEEL_NONE;
    CHECK_OK(keel_start_body(ack_when_told, watcher, NULL, SOON, &pid, NULL, &ack));
    keel_send(watcher, keel_tuple_of(keel_atom(started), ack));
    end_process(pid);
}

PROCESS_TEST("a start does not return before the child acknowledges", .ids = "PL-008")
{
    keel_pid child;
    keel_ref monitor;
    keel_pid starter = keel_spawn_monitor(start_it, keel_from_pid(keel_self()), &monitor);
    EXPECT_NEXT("Pid", &child);
    CHECK(keel_process_alive(starter)); // a round trip: it had its chance to go on
    info_of(starter, keel_atom(status));
    EXPECT_NO_MESSAGE();
    keel_send(child, keel_atom(go));
    EXPECT_NEXT("{started, at_last}");
    CHECK_TERM(await_down(monitor), "normal");
}

PROCESS_TEST(
        "a linked start links and a monitored one monitors", .ids = "PL-009 PL-010 PL-011")
{
    keel_trap_exit(true);
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
    keel_spawn_opts opts = {.link = true, .monitor = true};
    CHECK_OK(keel_start_body(
            ack_and_wait, keel_atom(up), &opts, SOON, &pid, &monitor, &ack));
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    EXPECT_MESSAGE("{'EXIT', ^Pid, killed}", pid);
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, killed}", monitor, pid);
    opts = (keel_spawn_opts){.monitor = true};
    CHECK_OK(keel_start_body(
            ack_and_wait, keel_atom(up), &opts, SOON, &pid, &monitor, &ack));
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, killed}", monitor, pid);
    EXPECT_NO_MESSAGE();
}

static void die_with_error(keel_term reason)
{
    keel_error(reason);
}

static void die_killed(keel_term unused)
{
    (void)unused;
    keel_process_exit(keel_self(), keel_atom(kill));
    wait_forever(KEEL_NONE);
}

PROCESS_TEST("a child that ends before it acknowledges is the error of the start",
        .ids = "PL-014 PL-015 PL-017 PL-022 PL-023")
{
    keel_trap_exit(true);
    const struct {
        keel_body body;
        const char *pattern;
    } ends[] = {{exit_with, "gone"}, {die_with_error, "error"}, {die_killed, "killed"}};
    for (size_t i = 0; i < KEEL_COUNT(ends); i++) {
        for (int linked = 0; linked < 2; linked++) {
            keel_pid pid;
            keel_ref monitor;
            keel_term why = KEEL_NONE;
            keel_spawn_opts opts = {
                    .link = linked, .monitor = true, .name = keel_atom(short_lived)};
            CHECK_INT(keel_start_body(ends[i].body, keel_atom(gone), &opts, SOON, &pid,
                              &monitor, &why),
                    KEEL_E_EXIT);
            if (i == 0) {
                CHECK_TERM(why, "gone");
            } else if (i == 1) {
                CHECK_TERM(why, "{gone, [_ | _]}");
            } else {
                CHECK_TERM(why, "killed");
            }
            CHECK(!keel_process_alive(pid));
            CHECK(no_pid(keel_whereis("short_lived")));
            CHECK_EQUAL(await_down(monitor), why);
            EXPECT_NO_MESSAGE();
        }
    }
}

PROCESS_TEST("a child that acknowledges and ends at once has started", .ids = "PL-025")
{
    keel_trap_exit(true);
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start_body(keel_gen_ack, keel_atom(here), NULL, SOON, &pid, NULL, &ack));
    CHECK_TERM(ack, "here");
    keel_spawn_opts opts = {.link = true};
    CHECK_OK(keel_start_body(keel_gen_ack, keel_atom(here), &opts, SOON, &pid, NULL, &ack));
    EXPECT_NEXT("{'EXIT', ^Pid, normal}", pid);
    EXPECT_NO_MESSAGE();
}

static void ack_twice(keel_term ack)
{
    keel_gen_ack(ack);
    keel_gen_ack(keel_atom(again));
    keel_gen_fail(keel_atom(not_heard), keel_atom(later));
}

PROCESS_TEST("only the first acknowledgement counts, and a failure after it is an end")
{
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
    keel_spawn_opts opts = {.monitor = true};
    CHECK_OK(keel_start_body(
            ack_twice, keel_atom(first), &opts, SOON, &pid, &monitor, &ack));
    CHECK_TERM(ack, "first");
    CHECK_TERM(await_down(monitor), "later");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "a monitored start that takes too long leaves the message of its end, no other")
{
    keel_trap_exit(true);
    for (int linked = 0; linked < 2; linked++) {
        keel_pid pid;
        keel_ref monitor;
        keel_term ack;
        keel_spawn_opts opts = {.monitor = true, .link = linked};
        CHECK_INT(keel_start_body(wait_forever, KEEL_NONE, &opts, KEEL_IN(KEEL_MS(2)), &pid,
                          &monitor, &ack),
                KEEL_E_TIMEOUT);
        CHECK(!keel_process_alive(pid));
        CHECK_TERM(await_down(monitor), "killed");
        EXPECT_NO_MESSAGE();
    }
}

static void fail_in_order(keel_term result_and_reason)
{
    keel_gen_fail(keel_element(result_and_reason, 0), keel_element(result_and_reason, 1));
}

PROCESS_TEST("a child may fail with a result of its own and another reason",
        .ids = "PL-028 PL-029 PL-031")
{
    keel_trap_exit(true);
    keel_pid pid;
    keel_ref monitor;
    keel_term result = KEEL_NONE;
    keel_spawn_opts opts = {.link = true, .monitor = true};
    CHECK_INT(keel_start_body(fail_in_order, keel_make("{{no, today}, tired}"), &opts, SOON,
                      &pid, &monitor, &result),
            KEEL_E_CANCELED);
    CHECK_TERM(result, "{no, today}");
    CHECK(!keel_process_alive(pid));
    CHECK_TERM(await_down(monitor), "tired");
    EXPECT_NO_MESSAGE();
}

static void throw_up(keel_term reason)
{
    keel_gen_ack(keel_nil());
    keel_error(reason);
}

static void exit_plainly(keel_term reason)
{
    keel_gen_ack(keel_nil());
    keel_exit(reason);
}

PROCESS_TEST("a started body ends with what it exits with, or its error and the stack",
        .ids = "PL-005")
{
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
    keel_spawn_opts opts = {.monitor = true};
    CHECK_OK(keel_start_body(
            exit_plainly, keel_make("{odd, 1}"), &opts, SOON, &pid, &monitor, &ack));
    CHECK_TERM(await_down(monitor), "{odd, 1}");
    CHECK_OK(keel_start_body(
            throw_up, keel_make("{odd, 1}"), &opts, SOON, &pid, &monitor, &ack));
    CHECK_TERM(await_down(monitor), "{{odd, 1}, [_ | _]}");
}

PROCESS_TEST("options of a spawn work for a start as well, and the link is there at once",
        .ids = "PL-006 PL-007")
{
    keel_trap_exit(true);
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
    keel_spawn_opts opts = {.link = true,
            .monitor = true,
            .priority = KEEL_LOW_PRIORITY,
            .mailbox_limit = 7,
            .label = keel_atom(labelled)};
    for (int i = 0; i < 20; i++) {
        // It ends as soon as it runs: only a link that was there before tells why.
        CHECK_OK(keel_start_body(
                exit_plainly, keel_atom(at_once), &opts, SOON, &pid, &monitor, &ack));
        EXPECT_MESSAGE("{'EXIT', ^Pid, at_once}", pid);
        CHECK_TERM(await_down(monitor), "at_once");
    }
    CHECK_OK(keel_start_body(
            ack_and_wait, keel_atom(up), &opts, SOON, &pid, &monitor, &ack));
    CHECK_TERM(info_of(pid, keel_atom(priority)), "low");
    CHECK_TERM(keel_process_get_label(pid), "labelled");
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
}

static void fail_with_words(keel_term words)
{
    keel_gen_fail(words, keel_atom(normal));
}

PROCESS_TEST("a failure goes to whoever started the process, who need not be named",
        .ids = "PL-032")
{
    keel_pid pid;
    keel_term result = KEEL_NONE;
    CHECK_INT(keel_start_body(fail_with_words, keel_make("[my, words]"), NULL, SOON, &pid,
                      NULL, &result),
            KEEL_E_CANCELED);
    CHECK_TERM(result, "[my, words]");
}

static void fail_awake(keel_term reason)
{
    keel_receive();
    keel_error(reason);
}

static void ack_and_hibernate(keel_term reason)
{
    keel_gen_ack(keel_nil());
    keel_hibernate_then(fail_awake, reason);
}

PROCESS_TEST("a process that hibernated still makes its crash report", .ids = "PL-044")
{
    catch_reports();
    stop_actor(lone_actor()); // the first start has crashes reported
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start_body(
            ack_and_hibernate, keel_atom(sleepy), NULL, SOON, &pid, NULL, &ack));
    keel_send(pid, keel_atom(wake));
    keel_term info = KEEL_NONE;
    EXPECT_MESSAGE(
            "{report, 0, #{label := {proc_lib, crash}, report := [Info, _]}}", &info);
    CHECK_TERM(keel_proplist_get(info, keel_atom(error_info)), "{error, sleepy, _}");
    CHECK_TERM(keel_proplist_get(info, keel_atom(pid)), "^Pid", pid);
}

// --- starts as values ---

PROCESS_TEST("what a start gave turns into a term and back")
{
    keel_pid pid = keel_self();
    keel_term terms = keel_make("[{ok, P}, {ok, P, info}, ignore, {error, why}, "
                                "{error, {already_started, P}}]",
            pid);
    keel_term term;
    while (keel_list_next(&terms, &term)) {
        CHECK_EQUAL(keel_started_to_term(keel_started_from_term(term)), term);
    }
    CHECK_INT(keel_started_from_term(keel_make("{ok, P}", pid)).status, KEEL_OK);
    CHECK_INT(keel_started_from_term(keel_atom(ignore)).status, KEEL_E_IGNORED);
    CHECK_INT(
            keel_started_from_term(keel_make("{error, {already_started, P}}", pid)).status,
            KEEL_E_TAKEN);
    keel_started odd = keel_started_from_term(keel_make("{odd, thing}"));
    CHECK_INT(odd.status, KEEL_E_EXIT);
    CHECK_TERM(keel_started_to_term(odd), "{error, {odd, thing}}");
    CHECK_TERM(keel_started_to_term(keel_started_ok_with(pid, keel_atom(x))), "{ok, ^P, x}",
            pid);
    CHECK_TERM(keel_started_to_term(keel_started_failed(keel_atom(x))), "{error, x}");
    CHECK(same_pid(keel_started_or_exit(keel_started_ok(pid)), pid));
}

static void insist(keel_term term)
{
    keel_started_or_exit(keel_started_from_term(term));
}

PROCESS_TEST("who insists on a start that failed ends with its reason")
{
    keel_ref monitor;
    keel_spawn_monitor(insist, keel_make("{error, {so, sad}}"), &monitor);
    CHECK_TERM(await_down(monitor), "{so, sad}");
    keel_spawn_monitor(insist, keel_atom(ignore), &monitor);
    CHECK_TERM(await_down(monitor), "ignore");
}

// --- start functions by name ---

static keel_started give_arguments(keel_term arguments)
{
    return keel_started_failed(arguments);
}

static keel_started give_nothing(keel_term arguments)
{
    (void)arguments;
    return keel_started_ignored();
}

static void apply_unknown(keel_term unused)
{
    (void)unused;
    keel_start_apply(keel_atom(nobody), keel_atom(knows), keel_make("[1]"));
}

PROCESS_TEST("a start function is found by its name, the last one registered")
{
    keel_term module = keel_atom(start_test);
    keel_term function = keel_atom(begin);
    CHECK_OK(keel_start_register(module, function, give_nothing));
    CHECK_OK(keel_start_register(module, function, give_arguments));
    CHECK_TERM(keel_start_apply(module, function, keel_make("[a, b]")).reason, "[a, b]");
    CHECK_INT(keel_start_register(module, keel_int(1), give_nothing), KEEL_E_BADARG);
    CHECK_INT(keel_start_register(keel_nil(), function, give_nothing), KEEL_E_BADARG);
    CHECK_INT(keel_start_register(module, function, NULL), KEEL_E_BADARG);
    keel_ref monitor;
    keel_spawn_monitor(apply_unknown, KEEL_NONE, &monitor);
    CHECK_TERM(await_down(monitor), "{undef, [{nobody, knows, [1], []}]}");
}

// --- handlers ---

static keel_next start_nothing(void *state, keel_term argument)
{
    (void)state;
    (void)argument;
    return keel_next_wait();
}

TEST("each module has a handler of its own, made once and anew when it has changed")
{
    static const keel_handler pattern = {.start = start_nothing};
    static int module;
    const keel_handler *first = kl_start_handler(&module, "shop", 100, &pattern);
    CHECK(first != NULL);
    CHECK_STR(first->name, "shop:init/1");
    CHECK_INT(first->state_bytes, 100);
    CHECK(first->start == start_nothing);
    CHECK(kl_start_handler(&module, "shop", 100, &pattern) == first);
    const keel_handler *larger = kl_start_handler(&module, "shop", 200, &pattern);
    CHECK(larger != first);
    CHECK_INT(larger->state_bytes, 200);
    CHECK(kl_start_handler(&module, "shops", 100, &pattern) != first);
    CHECK(kl_start_handler(&module, "sho", 100, &pattern) != first);
    CHECK(kl_start_handler(&module, "shop", 100, &pattern) == first);
}

PROCESS_TEST("a server shows its module as its entry, and its ancestors",
        .ids = "PL-001 PL-002 PL-004")
{
    keel_pid pid = lone_actor();
    keel_process_view view;
    CHECK(keel_inspect_process(pid, &view));
    CHECK_STR(view.entry, "actor:init/1");
    CHECK_TERM(info_of(pid, keel_atom(parent)), "^Self", keel_self());
    stop_actor(pid);
}
