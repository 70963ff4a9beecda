#include "cluster_testing.h"
#include "proc/proc_testing.h"
#include <keel/global.h>
#include <keel/node.h>
#include <string.h>

// Names and locks beside those of a BEAM node.

#define HERE "c@127.0.0.1"
#define THERE "beam@127.0.0.1"

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

static keel_term nodes_of(const char *first, const char *second)
{
    keel_term nodes = keel_nil(), node;
    const char *const names[] = {first, second};
    for (int i = 0; i < 2; i++) {
        if (names[i]) {
            CHECK_OK(keel_atom_from(names[i], strlen(names[i]), &node));
            nodes = keel_cons(node, nodes);
        }
    }
    return nodes;
}

static void with_a_node(keel_body body)
{
    keel_term ack;
    keel_pid pid;
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, THERE, "biscuit", NULL);
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_global_start());
    CHECK_OK(keel_node_start(&(keel_node_config){
            .name = HERE, .cookie = "biscuit", .epmd_port = epmd.port}));
    CHECK_OK(keel_node_ping(keel_atom_text(THERE)));
    CHECK_OK(keel_start_body(body, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack));
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

static void locks(keel_term unused)
{
    (void)unused;
    keel_term id = keel_make("{res, us}");
    keel_term both = nodes_of(HERE, THERE), only_there = nodes_of(THERE, NULL);
    static const char there[] = "global:set_lock({res, they}, ['" THERE "'], 0)";
    static const char here[] = "global:set_lock({res, they}, ['" HERE "'], 0)";
    CHECK_OK(keel_global_lock(id, only_there, 0));
    CHECK_STR(kl_beam_eval(&beam, there), "false");
    CHECK_STR(kl_beam_eval(&beam, here), "true");
    CHECK_INT(keel_global_lock(id, both, 0), KEEL_E_TAKEN);
    CHECK_STR(kl_beam_eval(&beam, "global:del_lock({res, they}, ['" HERE "'])"), "true");
    CHECK_OK(keel_global_lock(id, both, 0));
    CHECK_STR(kl_beam_eval(&beam, here), "false");
    CHECK_OK(keel_global_unlock(id, both));
    CHECK_STR(kl_beam_eval(&beam, there), "true");
    CHECK_INT(keel_global_lock(id, both, 0), KEEL_E_TAKEN);
    // What could not be locked on all nodes is locked on none.
    CHECK_STR(kl_beam_eval(&beam, here), "true");
    CHECK_STR(kl_beam_eval(&beam, "global:del_lock({res, they}, ['" HERE "'])"), "true");
    CHECK_OK(keel_global_lock(id, nodes_of(HERE, NULL), 0));
    CHECK_STR(kl_beam_eval(
                      &beam, "global:set_lock({res, they}, ['" THERE "', '" HERE "'], 0)"),
            "false");
    keel_gen_ack(keel_atom(done));
}

TEST("locks reach as far as the nodes that are listed, both ways", .ids = "GL-045",
        .timeout_s = 120)
{
    with_a_node(locks);
}

static void holder_goes(keel_term unused)
{
    (void)unused;
    keel_term id = keel_make("{res, us}");
    kl_beam_eval(&beam, "spawn(fun() -> global:set_lock({res, they}, ['" HERE "'], 0),"
                        " ear ! locked, receive after infinity -> ok end end)");
    CHECK_STR(kl_beam_await(&beam, "heard "), "locked");
    CHECK_INT(keel_global_lock(id, nodes_of(HERE, NULL), 0), KEEL_E_TAKEN);
    kl_beam_stop(&beam);
    CHECK_OK(keel_global_lock(id, nodes_of(HERE, NULL), KEEL_GLOBAL_FOREVER));
    keel_gen_ack(keel_atom(done));
}

TEST("locks of a node that goes down are freed", .ids = "GL-047", .timeout_s = 120)
{
    with_a_node(holder_goes);
}

static void names(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_global_register(keel_atom(name), keel_self()));
    CHECK_STR(kl_beam_eval(&beam, "global:whereis_name(name)"), "undefined");
    CHECK_STR(kl_beam_eval(&beam, "global:register_name(name, self())"), "yes");
    CHECK(keel_global_whereis(keel_atom(name)).word == keel_self().word);
    CHECK_STR(kl_beam_eval(&beam, "global:sync()"), "ok");
    CHECK_STR(kl_beam_eval(&beam, "global:unregister_name(name)"), "ok");
    CHECK(keel_global_whereis(keel_atom(name)).word == keel_self().word);
    keel_gen_ack(keel_atom(done));
}

TEST("a hidden node and the others have names of their own", .ids = "GL-020 GL-048",
        .timeout_s = 120)
{
    with_a_node(names);
}

// --- through a BEAM node ---

struct count {
    int64_t value;
};

static keel_result count_init(keel_term argument, void *state)
{
    struct count *count = state;
    count->value = keel_to_int(argument);
    return keel_ok();
}

static keel_result count_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct count *count = state;
    return keel_is(request, stop) ? keel_stop_with_reply(keel_atom(normal), keel_atom(ok))
                                  : keel_reply(keel_int(++count->value));
}

static const keel_gen_server counter = {.name = "counter",
        .state = KEEL_STATE(struct count, value),
        .init = count_init,
        .handle_call = count_call};

static void await_eval(const char *expression, const char *result)
{
    while (strcmp(kl_beam_eval(&beam, expression), result) != 0) {
        keel_yield();
    }
}

static void through_the_other(keel_term unused)
{
    (void)unused;
    keel_term ours = keel_make("{global, {counter, ours}}");
    keel_term theirs = keel_make("{global, theirs}"), reply, known;
    CHECK_INT(keel_global_through(keel_atom(no_list)), KEEL_E_BADARG);
    CHECK_INT(keel_global_through(keel_list_of(keel_int(1))), KEEL_E_BADARG);
    CHECK_OK(keel_global_through(keel_list_of(keel_atom_text("nobody@127.0.0.1"))));
    CHECK_INT(keel_global_register(keel_atom(name), keel_self()), KEEL_E_NODEDOWN);
    CHECK(keel_global_whereis(keel_atom(name)).word == 0);
    CHECK(keel_is_nil(keel_global_registered()));
    CHECK_OK(keel_global_through(
            keel_list_of(keel_atom_text("nobody@127.0.0.1"), keel_atom_text(THERE))));

    // Ours, called there by its name.
    keel_started started = keel_gen_server_start(&counter, keel_int(6), .name = ours);
    CHECK_OK(started.status);
    CHECK_STR(kl_beam_eval(&beam, "gen_server:call({global, {counter, ours}}, up)"), "7");
    CHECK(keel_gen_server_start(&counter, keel_int(1), .name = ours).status ==
            KEEL_E_TAKEN);
    CHECK_OK(keel_call(ours, keel_atom(up), &reply));
    CHECK_INT(keel_to_int(reply), 8);

    // Theirs, called here.
    kl_beam_eval(&beam, "yes = global:register_name(theirs, spawn(fun() -> receive "
                        "{'$gen_call', {P, T}, Q} -> P ! {T, {heard, Q}} end end))");
    CHECK_OK(keel_call(theirs, keel_atom(question), &reply));
    CHECK_TERM(reply, "{heard, question}");
    CHECK_OK(keel_global_sync());

    known = keel_global_registered();
    CHECK(keel_list_member(keel_make("{counter, ours}"), known));
    CHECK_INT(
            keel_global_register(keel_make("{counter, ours}"), keel_self()), KEEL_E_TAKEN);
    CHECK_OK(keel_global_re_register_with(
            keel_make("{counter, ours}"), keel_self(), keel_global_notify_all));
    CHECK(keel_global_whereis(keel_make("{counter, ours}")).word == keel_self().word);
    CHECK_OK(keel_global_send(keel_make("{counter, ours}"), keel_atom(hello)));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "hello"));
    CHECK_OK(keel_global_unregister(keel_make("{counter, ours}")));
    CHECK_STR(kl_beam_eval(&beam, "global:whereis_name({counter, ours})"), "undefined");

    // The name goes with its process.
    CHECK_OK(keel_global_register(keel_atom(name), started.pid));
    await_eval("is_pid(global:whereis_name(name))", "true");
    CHECK_OK(keel_call(started.pid, keel_atom(stop), &reply));
    await_eval("global:whereis_name(name)", "undefined");

    // Names of its own again.
    CHECK_OK(keel_global_register(keel_atom(name), keel_self()));
    CHECK_OK(keel_global_through(keel_nil()));
    CHECK(keel_global_whereis(keel_atom(name)).word == 0);
    keel_gen_ack(keel_atom(done));
}

TEST("a hidden node has its names kept by a BEAM node", .timeout_s = 120)
{
    with_a_node(through_the_other);
}
