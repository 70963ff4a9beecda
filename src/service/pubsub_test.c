// Publish and subscribe.

#include <keel/pubsub.h>

#include "registry_testing.h"

#define NEWS keel_atom(test_news)
#define SPORT keel_string("sport")

static keel_pid start_news(int pool_size)
{
    keel_trap_exit(true);
    keel_started started = keel_pubsub_start_link(.name = NEWS, .pool_size = pool_size);
    CHECK_OK(started.status);
    return started.pid;
}

// Acts of puppets.
static keel_term act_subscribe(keel_term topic)
{
    return keel_int(keel_pubsub_subscribe(NEWS, topic));
}
static keel_term act_unsubscribe(keel_term topic)
{
    return keel_int(keel_pubsub_unsubscribe(NEWS, topic));
}

static keel_pid new_subscriber(keel_term topic)
{
    keel_pid pid = new_puppet();
    CHECK_INT(keel_to_int(ask(pid, act_subscribe, topic)), 0);
    return pid;
}

// What a puppet has got since it was last asked, without changing whom it listens to.
#define CHECK_GOT(pid, ...) CHECK_TERM(ask((pid), act_messages, KEEL_NONE), __VA_ARGS__)

static const int pool_sizes[] = {1, 4};
#define EACH_POOL(i) for (size_t i = 0; i < KEEL_COUNT(pool_sizes); i++)

// --- start ---

PROCESS_TEST("a name is needed, and pools must fit", .ids = "PB-001 PB-002")
{
    keel_started started = keel_pubsub_start_link(.pool_size = 1);
    CHECK_INT(started.status, KEEL_E_BADARG);
    CHECK_TERM(started.reason, "{badarg, {name, []}}");
    started = keel_pubsub_start_link(.name = NEWS, .pool_size = 2,
            .broadcast_pool_size = 3);
    CHECK_INT(started.status, KEEL_E_BADARG);
    CHECK_TERM(started.reason, "{badarg, {broadcast_pool_size, 3}}");
    CHECK_INT(keel_pubsub_start_link(.name = NEWS, .broadcast_pool_size = 2).status,
            KEEL_E_BADARG);
    CHECK_INT(keel_pubsub_start_link(.name = NEWS, .pool_size = -1).status, KEEL_E_BADARG);
    CHECK_INT(keel_pubsub_start_link(.name = NEWS, .registry_size = -1).status,
            KEEL_E_BADARG);
    CHECK_INT(keel_pubsub_start_link(.name = keel_int(1)).status, KEEL_E_BADARG);
}

PROCESS_TEST("subscriptions have as many partitions as asked for, or as the pool",
        .ids = "PB-003")
{
    static const struct {
        int pool, registry, partitions;
    } cases[] = {{0, 0, 1}, {3, 0, 3}, {2, 5, 5}, {4, 1, 1}};
    for (size_t i = 0; i < KEEL_COUNT(cases); i++) {
        keel_trap_exit(true);
        keel_started started = keel_pubsub_start_link(.name = NEWS,
                .pool_size = cases[i].pool, .registry_size = cases[i].registry);
        CHECK_OK(started.status);
        keel_child_counts counts;
        CHECK_OK(keel_supervisor_count_children(NEWS, &counts));
        CHECK_INT(counts.active, cases[i].partitions);
        stop_registry(started.pid);
    }
}

PROCESS_TEST("instances in a tree are independent of each other", .ids = "PB-005")
{
    keel_trap_exit(true);
    const keel_child_spec children[] = {
            keel_pubsub_child(.name = NEWS, .pool_size = 2),
            keel_pubsub_child(.name = keel_atom(other_news)),
    };
    keel_started tree = keel_supervisor_start_link(children, KEEL_COUNT(children));
    CHECK_OK(tree.status);
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    CHECK_OK(keel_pubsub_broadcast(keel_atom(other_news), SPORT, keel_int(1)));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(2)));
    EXPECT_NEXT("2");
    stop_registry(tree.pid);
}

PROCESS_TEST("an instance knows the name of its node", .ids = "PB-006")
{
    keel_pid pid = start_news(1);
    CHECK_EQUAL(keel_pubsub_node_name(NEWS), keel_node_self());
    stop_registry(pid);
}

static void use_unstarted(void *which)
{
    if (*(int *)which == 0) {
        keel_pubsub_subscribe(keel_atom(no_news), SPORT);
    } else if (*(int *)which == 1) {
        keel_pubsub_broadcast(keel_atom(no_news), SPORT, keel_int(1));
    } else {
        keel_pubsub_local_broadcast(keel_atom(no_news), SPORT, keel_int(1));
    }
}

PROCESS_TEST("an instance that was not started is a mistake to use", .ids = "PB-007")
{
    for (int which = 0; which < 3; which++) {
        CHECK_TERM(failure_of(use_unstarted, &which),
                "{{badarg, {unknown_registry, no_news}}, _}");
    }
}

// --- subscribing ---

PROCESS_TEST("subscribers get the message itself, others nothing",
        .ids = "PB-004 PB-008 PB-017 PB-019 PB-020")
{
    EACH_POOL(i)
    {
        keel_pid pid = start_news(pool_sizes[i]);
        keel_pid one = new_subscriber(SPORT);
        keel_pid two = new_subscriber(SPORT);
        keel_pid pattern = new_subscriber(keel_string("sp*"));
        CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
        CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_make("{goal, [1, \"x\"]}")));
        CHECK_GOT(one, "[{goal, [1, \"x\"]}]");
        CHECK_GOT(two, "[{goal, [1, \"x\"]}]");
        CHECK_GOT(pattern, "[]");
        EXPECT_NEXT("{goal, [1, \"x\"]}");
        CHECK_OK(keel_pubsub_broadcast(NEWS, keel_string("sp*"), keel_int(1)));
        CHECK_GOT(pattern, "[1]");
        CHECK_GOT(one, "[]");
        EXPECT_NO_MESSAGE();
        end_process(one);
        end_process(two);
        end_process(pattern);
        stop_registry(pid);
    }
}

PROCESS_TEST("who unsubscribes gets nothing any more, others still do",
        .ids = "PB-004 PB-009 PB-010 PB-012 PB-013")
{
    EACH_POOL(i)
    {
        keel_pid pid = start_news(pool_sizes[i]);
        keel_pid one = new_subscriber(SPORT);
        CHECK_INT(keel_to_int(ask(one, act_subscribe, SPORT)), 0);
        CHECK_INT(keel_to_int(ask(one, act_subscribe, keel_atom(weather))), 0);
        keel_pid two = new_subscriber(SPORT);
        CHECK_OK(keel_pubsub_unsubscribe(NEWS, SPORT)); // the caller never subscribed
        CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(1)));
        CHECK_GOT(one, "[1, 1]");
        CHECK_GOT(two, "[1]");
        CHECK_INT(keel_to_int(ask(one, act_unsubscribe, SPORT)), 0);
        CHECK_INT(keel_to_int(ask(one, act_unsubscribe, SPORT)), 0);
        CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(2)));
        CHECK_OK(keel_pubsub_broadcast(NEWS, keel_atom(weather), keel_int(3)));
        CHECK_GOT(one, "[3]");
        CHECK_GOT(two, "[2]");
        end_process(one);
        end_process(two);
        stop_registry(pid);
    }
}

PROCESS_TEST("the subscriptions of a process that ends vanish", .ids = "PB-014")
{
    keel_pid pid = start_news(2);
    keel_pid one = new_subscriber(SPORT);
    keel_pid two = new_subscriber(SPORT);
    end_process(one);
    CHECK_INT(keel_registry_count(NEWS), 1);
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(1)));
    CHECK_GOT(two, "[1]");
    end_process(two);
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(2)));
    stop_registry(pid);
}

PROCESS_TEST("metadata are kept with a subscription", .ids = "PB-015")
{
    keel_pid pid = start_news(1);
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT, .metadata = keel_make("{some, data}")));
    CHECK_TERM(keel_registry_lookup(NEWS, SPORT), "[{^S, nil}, {^S2, {some, data}}]",
            keel_self(), keel_self());
    stop_registry(pid);
}

// --- broadcasting ---

PROCESS_TEST(
        "a broadcast from somebody skips them", .ids = "PB-004 PB-022 PB-024 PB-027 PB-028")
{
    EACH_POOL(i)
    {
        keel_pid pid = start_news(pool_sizes[i]);
        keel_pid one = new_subscriber(SPORT);
        keel_pid two = new_subscriber(SPORT);
        CHECK_OK(keel_pubsub_broadcast_from(NEWS, one, SPORT, keel_int(1)));
        CHECK_OK(keel_pubsub_local_broadcast_from(NEWS, two, SPORT, keel_int(2)));
        CHECK_OK(keel_pubsub_broadcast_from(NEWS, keel_self(), SPORT, keel_int(3)));
        CHECK_OK(keel_pubsub_local_broadcast(NEWS, SPORT, keel_int(4)));
        CHECK_GOT(one, "[2, 3, 4]");
        CHECK_GOT(two, "[1, 3, 4]");
        CHECK_INT(keel_pubsub_broadcast_from(NEWS, (keel_pid){0}, SPORT, keel_int(5)),
                KEEL_E_BADARG);
        CHECK_INT(keel_pubsub_broadcast(NEWS, SPORT, KEEL_NONE), KEEL_E_BADARG);
        CHECK_GOT(one, "[]");
        end_process(one);
        end_process(two);
        stop_registry(pid);
    }
}

PROCESS_TEST("who is skipped gets nothing however often it has subscribed, and others all")
{
    EACH_POOL(i)
    {
        keel_pid pid = start_news(pool_sizes[i]);
        keel_pid one = new_subscriber(SPORT);
        CHECK_INT(keel_to_int(ask(one, act_subscribe, SPORT)), 0);
        CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
        CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT, .metadata = keel_int(7)));
        CHECK_OK(keel_pubsub_broadcast_from(NEWS, keel_self(), SPORT, keel_int(1)));
        EXPECT_NO_MESSAGE();
        CHECK_GOT(one, "[1, 1]");
        CHECK_OK(keel_pubsub_local_broadcast_from(NEWS, one, SPORT, keel_int(2)));
        EXPECT_NEXT("2");
        EXPECT_NEXT("2");
        CHECK_GOT(one, "[]");
        CHECK_OK(keel_pubsub_unsubscribe(NEWS, SPORT)); // both
        CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(3)));
        EXPECT_NO_MESSAGE();
        end_process(one);
        CHECK_INT(keel_registry_count(NEWS), 0);
        stop_registry(pid);
    }
}

PROCESS_TEST("a topic without subscribers is fine in every form, and one may come back")
{
    keel_pid pid = start_news(2);
    keel_term node = keel_pubsub_node_name(NEWS);
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(1)));
    CHECK_OK(keel_pubsub_broadcast_from(NEWS, keel_self(), SPORT, keel_int(1)));
    CHECK_OK(keel_pubsub_local_broadcast(NEWS, SPORT, keel_int(1)));
    CHECK_OK(keel_pubsub_local_broadcast_from(NEWS, keel_self(), SPORT, keel_int(1)));
    CHECK_OK(keel_pubsub_direct_broadcast(NEWS, node, SPORT, keel_int(1)));
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    CHECK_OK(keel_pubsub_unsubscribe(NEWS, SPORT));
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    CHECK_OK(keel_pubsub_direct_broadcast(NEWS, node, SPORT, keel_int(2)));
    EXPECT_NEXT("2");
    EXPECT_NO_MESSAGE();
    stop_registry(pid);
}

PROCESS_TEST("a direct broadcast reaches the own node, and an unknown one silently not",
        .ids = "PB-029 PB-030")
{
    keel_pid pid = start_news(1);
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    CHECK_OK(keel_pubsub_direct_broadcast(NEWS, keel_node_self(), SPORT, keel_int(1)));
    EXPECT_NEXT("1");
    keel_term nobody = keel_atom_text("nobody@nowhere");
    CHECK_OK(keel_pubsub_direct_broadcast(NEWS, nobody, SPORT, keel_int(2)));
    keel_pubsub_or_exit(keel_pubsub_direct_broadcast(NEWS, nobody, SPORT, keel_int(3)));
    EXPECT_NO_MESSAGE();
    stop_registry(pid);
}

PROCESS_TEST("messages on a topic arrive in the order sent", .ids = "PB-032")
{
    enum { MESSAGES = 200 };
    keel_pid pid = start_news(4);
    keel_pid one = new_subscriber(SPORT);
    keel_pid two = new_subscriber(SPORT);
    for (int i = 0; i < MESSAGES; i++) {
        CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_make("{number, I}", i)));
    }
    const keel_pid subscribers[] = {one, two};
    for (size_t k = 0; k < 2; k++) {
        keel_term list = ask(subscribers[k], act_messages, KEEL_NONE);
        for (int i = 0; i < MESSAGES; i++) {
            CHECK_TERM(keel_head(list), "{number, ^I}", i);
            list = keel_tail(list);
        }
        CHECK(keel_is_nil(list));
        end_process(subscribers[k]);
    }
    stop_registry(pid);
}

// --- an adapter ---

// Stands for other nodes: tells `test_nodes` what it is asked to send.
static keel_term adapter_node_name(keel_term pubsub)
{
    (void)pubsub;
    return keel_atom(this_one);
}

static keel_status adapter_broadcast(keel_term pubsub, keel_term topic, keel_term message,
        const keel_pubsub_dispatcher *dispatcher)
{
    CHECK(dispatcher == NULL);
    if (keel_is(message, refuse)) {
        return KEEL_E_NODEDOWN;
    }
    return keel_send("test_nodes", keel_make("{all, P, T, M}", pubsub, topic, message));
}

static keel_status adapter_direct(keel_term pubsub, keel_term node, keel_term topic,
        keel_term message, const keel_pubsub_dispatcher *dispatcher)
{
    CHECK(dispatcher == NULL);
    return keel_send("test_nodes", keel_make("{N, P, T, M}", node, pubsub, topic, message));
}

static keel_result adapter_init(keel_term argument, void *state)
{
    (void)state;
    keel_send("test_nodes", argument);
    return keel_ok();
}

static const keel_gen_server adapter_server = {.name = "adapter", .init = adapter_init};

static keel_child_spec adapter_child(keel_term pubsub, int pool, int broadcast_pool)
{
    return keel_child(
            &adapter_server, keel_make("{up, P, A, B}", pubsub, pool, broadcast_pool));
}

static const keel_pubsub_adapter adapter = {
        .node_name = adapter_node_name,
        .broadcast = adapter_broadcast,
        .direct_broadcast = adapter_direct,
        .child = adapter_child,
};

static void refuse(void *context)
{
    (void)context;
    keel_pubsub_or_exit(keel_pubsub_broadcast(NEWS, SPORT, keel_atom(refuse)));
}

PROCESS_TEST("an adapter carries broadcasts to other nodes, and its failure is told",
        .ids = "PB-025")
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(test_nodes), keel_self()));
    keel_started started = keel_pubsub_start_link(.name = NEWS, .pool_size = 3,
            .broadcast_pool_size = 2, .adapter = &adapter);
    CHECK_OK(started.status);
    EXPECT_NEXT("{up, test_news, 3, 2}");
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT));
    CHECK_TERM(keel_pubsub_node_name(NEWS), "this_one");
    keel_pubsub_or_exit(keel_pubsub_broadcast(NEWS, SPORT, keel_int(1)));
    EXPECT_NEXT("{all, test_news, <<\"sport\">>, 1}");
    EXPECT_NEXT("1");
    CHECK_OK(keel_pubsub_broadcast_from(NEWS, keel_self(), SPORT, keel_int(2)));
    EXPECT_NEXT("{all, test_news, <<\"sport\">>, 2}");
    CHECK_OK(keel_pubsub_local_broadcast(NEWS, SPORT, keel_int(3)));
    EXPECT_NEXT("3");
    CHECK_OK(keel_pubsub_direct_broadcast(NEWS, keel_atom(there), SPORT, keel_int(4)));
    EXPECT_NEXT("{there, test_news, <<\"sport\">>, 4}");
    CHECK_INT(keel_pubsub_broadcast(NEWS, SPORT, keel_atom(refuse)), KEEL_E_NODEDOWN);
    CHECK_TERM(failure_of(refuse, NULL), "{broadcast_error, nodedown}");
    EXPECT_NO_MESSAGE();
    stop_registry(started.pid);
}

PROCESS_TEST("an adapter can be set for all that name none", .ids = "PB-025")
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(test_nodes), keel_self()));
    keel_pubsub_adapter_set(&adapter);
    keel_pid pid = start_news(1);
    keel_pubsub_adapter_set(NULL);
    EXPECT_NEXT("{up, test_news, 1, 1}");
    CHECK_TERM(keel_pubsub_node_name(NEWS), "this_one");
    stop_registry(pid);
}

// --- dispatching ---

// Sends each its metadata with the message, and the broadcaster what it was called with.
static void fastlane(keel_term entries, keel_pid from, keel_term message)
{
    size_t length = 0;
    keel_list_length(entries, &length);
    keel_send(keel_self(), keel_make("{dispatched, N}", length));
    keel_term entry;
    while (keel_list_next(&entries, &entry)) {
        keel_term metadata;
        keel_pid pid;
        CHECK(keel_match(entry, "{Pid, Metadata}", &pid, &metadata));
        if (!same_pid(pid, from)) {
            keel_send(pid, keel_make("{fast, Metadata, Message}", metadata, message));
        }
    }
}

static const keel_pubsub_dispatcher dispatcher = {"fastlane", fastlane};

static keel_term act_subscribe_twice(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT, .metadata = keel_atom(a)));
    CHECK_OK(keel_pubsub_subscribe(NEWS, SPORT, .metadata = keel_atom(b)));
    return keel_atom(ok);
}

PROCESS_TEST("a dispatcher delivers in its own way, for all forms of broadcast",
        .ids = "PB-004 PB-015 PB-035 PB-037 PB-038 PB-039")
{
    EACH_POOL(i)
    {
        keel_pid pid = start_news(pool_sizes[i]);
        CHECK_OK(
                keel_pubsub_broadcast(NEWS, SPORT, keel_int(0), .dispatcher = &dispatcher));
        EXPECT_NO_MESSAGE(); // nobody is there: it was not called
        keel_pid twice = new_puppet();
        CHECK_TERM(ask(twice, act_subscribe_twice, KEEL_NONE), "ok");
        CHECK_OK(
                keel_pubsub_broadcast(NEWS, SPORT, keel_int(1), .dispatcher = &dispatcher));
        EXPECT_NEXT("{dispatched, 2}");
        CHECK_OK(keel_pubsub_broadcast_from(
                NEWS, keel_self(), SPORT, keel_int(2), .dispatcher = &dispatcher));
        EXPECT_NEXT("{dispatched, 2}");
        CHECK_OK(keel_pubsub_local_broadcast(
                NEWS, SPORT, keel_int(3), .dispatcher = &dispatcher));
        EXPECT_NEXT("{dispatched, 2}");
        CHECK_OK(keel_pubsub_local_broadcast_from(
                NEWS, twice, SPORT, keel_int(4), .dispatcher = &dispatcher));
        EXPECT_NEXT("{dispatched, 2}");
        CHECK_OK(keel_pubsub_direct_broadcast(
                NEWS, keel_node_self(), SPORT, keel_int(5), .dispatcher = &dispatcher));
        EXPECT_NEXT("{dispatched, 2}");
        CHECK_GOT(twice, "[{fast, a, 1}, {fast, b, 1}, {fast, a, 2}, {fast, b, 2}, "
                         "{fast, a, 3}, {fast, b, 3}, {fast, a, 5}, {fast, b, 5}]");
        end_process(twice);
        stop_registry(pid);
    }
}

PROCESS_TEST(
        "a dispatcher is called once for each partition with subscribers", .ids = "PB-039")
{
    enum { SUBSCRIBERS = 30 };
    keel_pid pid = start_news(8);
    keel_pid subscribers[SUBSCRIBERS];
    for (int i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i] = new_subscriber(SPORT);
    }
    CHECK_OK(keel_pubsub_broadcast(NEWS, SPORT, keel_int(1), .dispatcher = &dispatcher));
    size_t calls = keel_queue_length();
    CHECK(calls > 1 && calls <= 8);
    int64_t entries = 0;
    for (size_t i = 0; i < calls; i++) {
        int64_t some;
        CHECK(keel_match(keel_receive(), "{dispatched, N}", &some));
        entries += some;
    }
    CHECK_INT(entries, SUBSCRIBERS);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        CHECK_GOT(subscribers[i], "[{fast, nil, 1}]");
        end_process(subscribers[i]);
    }
    stop_registry(pid);
}
