#include "cluster_testing.h"
#include "proc/proc_testing.h"
#include <keel/global.h>
#include <keel/node.h>
#include <keel/via.h>
#include <stdio.h>
#include <string.h>

// One name for the processes of several nodes: ours, visible, and BEAM nodes.

#define HERE "c@127.0.0.1"
#define FIRST "beam@127.0.0.1"
#define SECOND "zebra@127.0.0.1"

static struct kl_epmd_daemon epmd;
static struct kl_beam first, second;

static void connect_to(const char *name)
{
    keel_term node;
    CHECK_OK(keel_atom_from(name, strlen(name), &node));
    CHECK_OK(keel_node_ping(node));
    CHECK_OK(keel_global_sync());
}

// With one BEAM node, to which the body connects when it likes.
static void with_a_node(keel_body body)
{
    keel_term ack;
    keel_pid pid;
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&first, &epmd, FIRST, "biscuit", NULL);
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_global_start());
    CHECK_OK(keel_node_start(&(keel_node_config){.name = HERE,
            .cookie = "biscuit",
            .epmd_port = epmd.port,
            .setup_time = KEEL_SECONDS(60), // else a slow machine is a partition
            .visible = true}));
    CHECK_OK(keel_start_body(body, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack));
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_beam_stop(&first);
    kl_epmd_daemon_stop(&epmd);
}

static void wait_for_end(keel_term unused)
{
    (void)unused;
    keel_receive();
}

static void end(keel_pid pid)
{
    keel_ref monitor = keel_monitor(pid);
    keel_process_exit(pid, keel_atom(kill));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^Ref, _, _, _}", monitor));
}

// Until an expression on a node is as told: what a node learns by a monitor takes a while.
static void await(struct kl_beam *beam, const char *expression, const char *wanted)
{
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(30));
    while (strcmp(kl_beam_eval(beam, expression), wanted) != 0) {
        if (keel_now() > deadline.at) {
            CHECK_STR(kl_beam_eval(beam, expression), wanted);
        }
        keel_yield();
    }
}

static void await_free(keel_term name)
{
    while (keel_global_whereis(name).word != 0) {
        keel_yield();
    }
}

static void share_names(keel_term unused)
{
    (void)unused;
    keel_pid before = keel_spawn(wait_for_end, keel_nil());
    CHECK_OK(keel_global_register(keel_make("{ours, before}"), before));
    CHECK_STR(kl_beam_eval(&first, "global:register_name(theirs, whereis(ear))"), "yes");
    connect_to(FIRST);
    CHECK_STR(kl_beam_eval(&first, "global:sync()"), "ok");
    // Each knows what the other had.
    CHECK_STR(kl_beam_eval(&first, "node(global:whereis_name({ours, before}))"),
            "'" HERE "'");
    CHECK_OK(keel_global_send(
            keel_atom(theirs), keel_make("{echo, Me, hello}", keel_self())));
    CHECK_STR(keel_show(keel_receive()), "hello");
    // What is new is known everywhere when the call returns.
    CHECK_OK(keel_global_register(keel_atom(me), keel_self()));
    CHECK_STR(kl_beam_eval(
                      &first, "global:send(me, hi), lists:sort(global:registered_names())"),
            "[me,theirs,{ours,before}]");
    CHECK_STR(keel_show(keel_receive()), "hi");
    CHECK_INT(keel_global_register(keel_atom(theirs), before), KEEL_E_TAKEN);
    CHECK_STR(kl_beam_eval(&first, "global:register_name(me, whereis(kernel_sup))"), "no");
    // Either side may take a name back, or give it to another.
    CHECK_STR(kl_beam_eval(&first, "global:unregister_name(me)"), "ok");
    CHECK(keel_global_whereis(keel_atom(me)).word == 0);
    CHECK_OK(keel_global_unregister(keel_atom(theirs)));
    CHECK_STR(kl_beam_eval(&first, "global:whereis_name(theirs)"), "undefined");
    CHECK_STR(kl_beam_eval(&first, "global:re_register_name({ours, before}, whereis(ear))"),
            "yes");
    keel_term ear = keel_from_pid(keel_global_whereis(keel_make("{ours, before}")));
    CHECK(!keel_equal(ear, keel_from_pid(before)));
    CHECK_STR(kl_beam_eval(&first, "global:set_lock({res, me}, [node()|nodes()], 0)"),
            "true");
    CHECK_INT(keel_global_lock(keel_make("{res, us}"), KEEL_NONE, 0), KEEL_E_TAKEN);
    end(before);
    keel_gen_ack(keel_atom(done));
}

TEST("names are the same on a visible node and on a BEAM node",
        .ids = "GL-016 GL-017 GL-019", .timeout_s = 120)
{
    with_a_node(share_names);
}

static void names_go(keel_term unused)
{
    (void)unused;
    connect_to(FIRST);
    keel_pid ours = keel_spawn(wait_for_end, keel_nil());
    CHECK_OK(keel_global_register(keel_atom(ours), ours));
    CHECK_STR(kl_beam_eval(&first, "global:register_name(theirs, whereis(ear))"), "yes");
    // A node may give a name to another one's process.
    keel_pid ear = keel_global_whereis(keel_atom(theirs));
    CHECK_OK(keel_global_unregister(keel_atom(theirs)));
    CHECK_OK(keel_global_register(keel_atom(ear), ear));
    CHECK_STR(kl_beam_eval(&first, "global:whereis_name(ear) =:= whereis(ear)"), "true");
    end(ours);
    CHECK(keel_global_whereis(keel_atom(ours)).word == 0);
    await(&first, "global:whereis_name(ours)", "undefined");
    kl_beam_stop(&first);
    await_free(keel_atom(ear));
    CHECK_STR(keel_show(keel_global_registered()), "[]");
    CHECK_OK(keel_global_register(keel_atom(ear), keel_self()));
    keel_gen_ack(keel_atom(done));
}

TEST("names go everywhere with their process, and with its node",
        .ids = "GL-008 GL-018 GL-021", .timeout_s = 120)
{
    with_a_node(names_go);
}

static void stop_when_told(keel_term unused)
{
    (void)unused;
    keel_receive();
    keel_exit(keel_make("{told, ours}"));
}

// As in OTP who watches a name watches who has it now: DOWN is about a pid.
static void watch_names(keel_term unused)
{
    (void)unused;
    keel_term reason;
    connect_to(FIRST);
    CHECK_STR(
            kl_beam_eval(&first, "global:register_name(theirs, spawn(fun() -> receive stop"
                                 " -> exit({told, theirs}) end end))"),
            "yes");
    keel_term pid = keel_server_whereis(keel_make("{global, theirs}"));
    CHECK(keel_equal(keel_node_of(pid), keel_atom_text(FIRST)));
    CHECK(keel_equal(pid, keel_server_whereis(keel_make("{via, global, theirs}"))));
    keel_ref by_global = keel_monitor(keel_server_whereis(keel_make("{global, theirs}")));
    keel_ref by_via = keel_monitor(keel_server_whereis(keel_make("{via, global, theirs}")));
    CHECK_OK(keel_server_send(keel_make("{global, theirs}"), keel_atom(stop)));
    CHECK_OK(keel_receive_match(
            KEEL_NEVER, "{'DOWN', ^Ref, process, ^Pid, Reason}", by_global, pid, &reason));
    CHECK_STR(keel_show(reason), "{told,theirs}");
    CHECK_OK(keel_receive_match(
            KEEL_NEVER, "{'DOWN', ^Ref, process, ^Pid, Reason}", by_via, pid, &reason));
    CHECK_STR(keel_show(reason), "{told,theirs}");
    await_free(keel_atom(theirs));
    CHECK(keel_is_none(keel_server_whereis(keel_make("{via, global, theirs}"))));

    keel_pid ours = keel_spawn(stop_when_told, keel_nil());
    CHECK_OK(keel_global_register(keel_atom(ours), ours));
    kl_beam_eval(&first, "spawn(fun() -> Pid = global:whereis_name(ours),"
                         " Ref = monitor(process, Pid), global:send(ours, stop),"
                         " receive {'DOWN', Ref, process, Pid, Reason} ->"
                         " ear ! {down, node(Pid), Reason} end end)");
    CHECK_STR(kl_beam_await(&first, "heard "), "{down,'" HERE "',{told,ours}}");
    await(&first, "global:whereis_name(ours)", "undefined");
    keel_gen_ack(keel_atom(done));
}

TEST("who watches a global name of the other node hears how its process ended, both ways",
        .timeout_s = 120)
{
    with_a_node(watch_names);
}

// --- both have the name ---

static int asked; // how often the program's own resolver was

static keel_pid first_stays(keel_term name, keel_pid one, keel_pid two)
{
    (void)two;
    CHECK_STR(keel_show(name), "own");
    __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED);
    return one;
}

static keel_pid a_third_stays(keel_term name, keel_pid one, keel_pid two)
{
    (void)name;
    (void)one;
    (void)two;
    return keel_self();
}

static keel_pid fails(keel_term name, keel_pid one, keel_pid two)
{
    (void)one;
    (void)two;
    keel_exit(name);
}

// A process that tells its owner what it gets.
static void pass_on(keel_term owner)
{
    for (;;) {
        keel_send(keel_to_pid(owner), keel_make("{got, What}", keel_receive()));
    }
}

// Names that this node and the BEAM node have when they meet, each with a resolver.
enum { CLASHES = 6 };
static keel_pid ours[CLASHES];

static void meet_with_clashes(struct kl_beam *beam, const char *node)
{
    static const char theirs[] = "F = fun(N, M) -> P = spawn(fun G() ->"
                                 " receive stop -> ok; X -> ear ! {N, element(1, X), "
                                 "element(2, X)}, G() end end),"
                                 " register(N, P), global:register_name(N, P, M) end,"
                                 "[F(killed, fun global:random_exit_name/3),"
                                 " F(notify, fun global:random_notify_name/3),"
                                 " F(none, fun global:notify_all_name/3),"
                                 " F(own, fun(_, P, _) -> P end),"
                                 " F(third, fun(_, _, _) -> self() end),"
                                 " F(fails, fun(N, _, _) -> exit(N) end)]";
    static const keel_global_resolver resolvers[CLASHES] = {keel_global_random_exit,
            keel_global_random_notify, keel_global_notify_all, first_stays, a_third_stays,
            fails};
    static const char *const names[CLASHES] = {
            "killed", "notify", "none", "own", "third", "fails"};
    CHECK_STR(kl_beam_eval(beam, theirs), "[yes,yes,yes,yes,yes,yes]");
    asked = 0;
    for (int i = 0; i < CLASHES; i++) {
        keel_term name;
        CHECK_OK(keel_atom_from(names[i], strlen(names[i]), &name));
        ours[i] = keel_spawn(pass_on, keel_from_pid(keel_self()));
        CHECK_OK(keel_global_register_with(name, ours[i], resolvers[i]));
    }
    connect_to(node);
    CHECK_STR(kl_beam_eval(beam, "global:sync()"), "ok");
    CHECK(keel_global_whereis(keel_atom(none)).word == 0);
    CHECK_STR(kl_beam_eval(beam, "lists:sort(global:registered_names())"),
            "[fails,killed,notify,own]");
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{got, {global_name_conflict, none, _}}"));
    // What names neither leaves the name to nobody, and both alive.
    CHECK(keel_global_whereis(keel_atom(third)).word == 0);
    CHECK(keel_process_alive(ours[4]) && keel_process_alive(ours[5]));
    CHECK_STR(kl_beam_eval(beam, "whereis(third) =/= undefined andalso whereis(fails) =/= "
                                 "undefined"),
            "true");
}

static const char *theirs_has(struct kl_beam *beam, const char *name)
{
    char text[100];
    snprintf(text, sizeof text, "global:whereis_name(%s) =:= whereis(%s)", name, name);
    return kl_beam_eval(beam, text);
}

// The BEAM node has the lesser name: it decides, and by OTP's resolvers its own stay.
static void they_decide(keel_term unused)
{
    (void)unused;
    keel_ref monitor;
    meet_with_clashes(&first, FIRST);
    monitor = keel_monitor(ours[0]);
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^Ref, _, _, _}", monitor));
    CHECK_STR(theirs_has(&first, "killed"), "true");
    CHECK_STR(theirs_has(&first, "notify"), "true");
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{got, {global_name_conflict, notify}}"));
    // Its resolver chose the first it was given, which is ours.
    CHECK(keel_global_whereis(keel_atom(own)).word == ours[3].word);
    CHECK_STR(theirs_has(&first, "own"), "false");
    CHECK_INT(asked, 0);
    // Its resolver failed: what the other one has stays.
    CHECK(keel_global_whereis(keel_atom(fails)).word == ours[5].word);
    keel_gen_ack(keel_atom(done));
}

TEST("when two nodes meet that both have a name, the other one's resolver decides",
        .ids = "GL-024 GL-025 GL-026", .timeout_s = 120)
{
    with_a_node(they_decide);
}

static void we_decide(keel_term unused)
{
    (void)unused;
    kl_beam_start(&second, &epmd, SECOND, "biscuit", NULL);
    meet_with_clashes(&second, SECOND);
    CHECK(keel_global_whereis(keel_atom(killed)).word == ours[0].word);
    await(&second, "whereis(killed)", "undefined");
    CHECK(keel_global_whereis(keel_atom(notify)).word == ours[1].word);
    CHECK_STR(theirs_has(&second, "own"), "true");
    CHECK(keel_global_whereis(keel_atom(own)).word != ours[3].word);
    CHECK_INT(asked, 1);
    CHECK_STR(theirs_has(&second, "fails"), "true");
    kl_beam_stop(&second);
    keel_gen_ack(keel_atom(done));
}

TEST("when two nodes meet that both have a name, our resolver decides, once",
        .ids = "GL-024 GL-025 GL-026", .timeout_s = 120)
{
    with_a_node(we_decide);
}

// --- three nodes ---

static void three(keel_term unused)
{
    (void)unused;
    kl_beam_start(&second, &epmd, SECOND, "biscuit", NULL);
    CHECK_STR(kl_beam_eval(&second, "global:register_name(far, whereis(ear))"), "yes");
    CHECK_STR(kl_beam_eval(&first, "global:register_name(near, whereis(ear))"), "yes");
    CHECK_OK(keel_global_register(keel_atom(me), keel_self()));
    connect_to(FIRST);
    connect_to(SECOND);
    // All are connected to all, and agree.
    static const char *const names = "lists:sort(global:registered_names())";
    await(&first, names, "[far,me,near]");
    await(&second, names, "[far,me,near]");
    await(&first, "lists:sort(nodes())", "['" HERE "','" SECOND "']");
    await(&second, "lists:sort(nodes())", "['" FIRST "','" HERE "']");
    CHECK_STR(kl_beam_eval(&first, "global:sync()"), "ok");
    CHECK_STR(kl_beam_eval(&second, "global:sync()"), "ok");
    CHECK_STR(kl_beam_eval(&second, "global:unregister_name(me)"), "ok");
    CHECK(keel_global_whereis(keel_atom(me)).word == 0);
    CHECK_STR(kl_beam_eval(&first, "global:whereis_name(me)"), "undefined");
    CHECK_OK(keel_global_register(keel_atom(again), keel_self()));
    CHECK_STR(kl_beam_eval(&first, "global:send(again, one), ok"), "ok");
    CHECK_STR(kl_beam_eval(&second, "global:send(again, one), ok"), "ok");
    CHECK_STR(keel_show(keel_receive()), "one");
    CHECK_STR(keel_show(keel_receive()), "one");
    kl_beam_stop(&second);
    await_free(keel_atom(far));
    await(&first, "lists:sort(global:registered_names())", "[again,near]");
    keel_gen_ack(keel_atom(done));
}

TEST("of three nodes each knows the names of all", .ids = "GL-016 GL-018 GL-019 GL-031",
        .timeout_s = 120)
{
    with_a_node(three);
}

static void overlap(keel_term unused)
{
    (void)unused;
    kl_beam_start(&second, &epmd, SECOND, "biscuit", NULL);
    connect_to(FIRST);
    connect_to(SECOND);
    await(&first, "lists:sort(nodes())", "['" HERE "','" SECOND "']");
    CHECK_STR(kl_beam_eval(&first, "global:sync()"), "ok");
    CHECK_STR(kl_beam_eval(&second, "global:sync()"), "ok");
    CHECK_OK(keel_global_sync());
    // The two BEAM nodes lose each other: nobody may stay connected to both.
    CHECK_STR(kl_beam_eval(&first, "erlang:disconnect_node('" SECOND "')"), "true");
    size_t both = 2;
    while (both == 2) {
        keel_scope scope = keel_scope_open();
        CHECK(keel_list_length(keel_node_list(KEEL_NODES_VISIBLE), &both));
        keel_scope_close(&scope);
        keel_yield();
    }
    kl_beam_stop(&second);
    keel_gen_ack(keel_atom(done));
}

TEST("partitions do not overlap: who sees two that do not see each other leaves",
        .ids = "GL-031", .timeout_s = 120)
{
    with_a_node(overlap);
}
