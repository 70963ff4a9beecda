// What ties a process to those of other nodes, against a route that writes down what it is
// asked to carry.

#include "proc_testing.h"

#include "proc.h"

enum { THIS = 7, OTHER = 8 }; // connections

static keel_pid collector;
static uint32_t connection_now; // that links and monitors get; 0: unreachable
static int attached; // atomic
static bool lost; // attach refuses

static keel_pid remote_pid(uint32_t id)
{
    struct kl_remote_pid pid = {keel_atom_text("peer@host"), id, 3, 77};
    return kl_pid_make_remote(&pid);
}

static keel_term remote_ref(uint32_t id)
{
    struct kl_remote_ref ref = {keel_atom_text("peer@host"), 77, 3, {id, 2, 3}};
    return keel_from_ref(kl_ref_make_remote(&ref));
}

static void note(keel_term what)
{
    CHECK_OK(keel_send(collector, what));
}

static keel_status note_send(keel_pid from, keel_term to, keel_term message, bool nosuspend)
{
    note(keel_make("{route, send, From, To, M, Nosuspend}", from, to, message, nosuspend));
    return KEEL_OK;
}
static void note_exit(keel_pid from, keel_pid to, keel_term reason)
{
    note(keel_make("{route, exit, From, To, R}", from, to, reason));
}
static void note_leader(keel_pid leader, keel_pid to)
{
    note(keel_make("{route, leader, L, To}", leader, to));
}
static uint32_t attach_to(uint32_t connection)
{
    attached += connection != 0;
    return connection;
}
static uint32_t note_link(keel_pid self, keel_pid to)
{
    note(keel_make("{route, link, A, B}", self, to));
    return attach_to(connection_now);
}
static uint32_t note_monitor(keel_pid self, keel_term target, keel_ref ref)
{
    note(keel_make("{route, monitor, P, T, R}", self, target, ref));
    return attach_to(connection_now);
}
static void note_unlink(uint32_t connection, keel_pid self, keel_pid to, uint64_t id)
{
    note(keel_make("{route, unlink, C, A, B, Id}", connection, self, to, id));
}
static void note_unlink_ack(uint32_t connection, keel_pid self, keel_pid to, uint64_t id)
{
    note(keel_make("{route, unlink_ack, C, A, B, Id}", connection, self, to, id));
}
static void note_demonitor(
        uint32_t connection, keel_pid self, keel_term target, keel_ref ref)
{
    note(keel_make("{route, demonitor, C, A, B, R}", connection, self, target, ref));
}
static void note_link_exit(
        uint32_t connection, keel_pid self, keel_pid to, keel_term reason)
{
    note(keel_make("{route, link_exit, C, A, B, R}", connection, self, to, reason));
}
static void note_down(uint32_t connection, keel_term watched, keel_pid watcher,
        keel_term ref, keel_term reason)
{
    note(keel_make(
            "{route, down, C, A, B, Ref, R}", connection, watched, watcher, ref, reason));
}
static bool note_attach(uint32_t connection, keel_pid self)
{
    (void)self;
    attach_to(lost ? 0 : connection);
    return !lost;
}
static void note_detach(uint32_t connection, keel_pid self)
{
    CHECK(connection == THIS || connection == OTHER);
    CHECK(!no_pid(self));
    __atomic_sub_fetch(&attached, 1, __ATOMIC_RELAXED);
}
static bool is_old(keel_term node)
{
    return keel_is(node, old);
}
static void note_malformed(uint32_t connection, keel_status why)
{
    note(keel_make("{route, malformed, C, Why}", connection, why));
}

static const struct kl_route_ops noting = {note_send, note_exit, note_leader, note_link,
        note_monitor, note_unlink, note_unlink_ack, note_demonitor, note_link_exit,
        note_down, note_attach, note_detach, is_old, note_malformed};

static void begin(void)
{
    collector = keel_self();
    connection_now = THIS;
    attached = 0;
    lost = false;
    kl_route = &noting;
}

static void end(void)
{
    CHECK_INT(__atomic_load_n(&attached, __ATOMIC_RELAXED), 0);
    EXPECT_NO_MESSAGE();
    kl_route = NULL;
}

// A puppet that traps exits.
static keel_pid new_trapping(void)
{
    keel_pid pid = new_puppet();
    ask(pid, act_trap_exit, keel_bool(true));
    return pid;
}

PROCESS_TEST("a link to another node ends with the reason that comes from there")
{
    begin();
    keel_pid a = new_trapping();
    ask(a, act_link, keel_from_pid(remote_pid(1)));
    EXPECT_NEXT("{route, link, ^A, ^B}", a, remote_pid(1));
    ask(a, act_link, keel_from_pid(remote_pid(1))); // is linked already
    CHECK_INT(attached, 1);
    kl_remote_link_exit(THIS, remote_pid(2), a, keel_atom(wrong));
    kl_remote_link_exit(OTHER, remote_pid(1), a, keel_atom(wrong));
    kl_remote_link_exit(THIS, remote_pid(1), a, keel_atom(boom));
    CHECK_TERM(ask(a, act_messages, KEEL_NONE), "[{'EXIT', ^B, boom}]", remote_pid(1));
    end_process(a);
    end();
}

PROCESS_TEST("an unlinked process hears nothing more, and may link again before the answer")
{
    begin();
    keel_pid a = new_trapping();
    keel_term b = keel_from_pid(remote_pid(1));
    uint64_t id, second;
    ask(a, act_link, b);
    EXPECT_NEXT("{route, link, ^A, ^B}", a, remote_pid(1));
    ask(a, act_unlink, b);
    EXPECT_NEXT("{route, unlink, 7, ^A, ^B, Id}", a, remote_pid(1), &id);
    kl_remote_link_exit(THIS, remote_pid(1), a, keel_atom(boom));
    CHECK_TERM(ask(a, act_messages, KEEL_NONE), "[]");
    ask(a, act_link, b);
    EXPECT_NEXT("{route, link, ^A, ^B}", a, remote_pid(1));
    ask(a, act_unlink, b);
    EXPECT_NEXT("{route, unlink, 7, ^A, ^B, Id}", a, remote_pid(1), &second);
    CHECK(id != 0 && second != id);
    ask(a, act_link, b);
    EXPECT_NEXT("{route, link, ^A, ^B}", a, remote_pid(1));
    kl_remote_unlink_ack(THIS, remote_pid(1), a, id); // of a link that was made anew
    kl_remote_unlink_ack(THIS, remote_pid(1), a, second);
    kl_remote_link_exit(THIS, remote_pid(1), a, keel_atom(boom));
    CHECK_TERM(ask(a, act_messages, KEEL_NONE), "[{'EXIT', _, boom}]");
    end_process(a);
    end();
}

PROCESS_TEST("a link from another node is told of the end, an unlink is acknowledged first")
{
    begin();
    keel_pid a = new_puppet();
    kl_remote_link(THIS, remote_pid(1), a);
    kl_remote_link(THIS, remote_pid(1), a);
    kl_remote_link(THIS, remote_pid(2), a);
    kl_remote_unlink(THIS, remote_pid(2), a, 99);
    EXPECT_NEXT("{route, unlink_ack, 7, ^A, ^B, 99}", a, remote_pid(2));
    tell(a, act_exit, keel_atom(over));
    EXPECT_NEXT("{route, link_exit, 7, ^A, ^B, over}", a, remote_pid(1));
    end_of(a);
    kl_remote_link(THIS, remote_pid(3), a);
    EXPECT_NEXT("{route, link_exit, 7, ^A, ^B, noproc}", a, remote_pid(3));
    kl_remote_unlink(THIS, remote_pid(3), a, 5);
    EXPECT_NEXT("{route, unlink_ack, 7, ^A, ^B, 5}", a, remote_pid(3));
    end();
}

PROCESS_TEST("a watcher of another node hears of the end by the name it gave")
{
    begin();
    keel_pid a = new_puppet();
    kl_remote_monitor(THIS, remote_pid(1), a, remote_ref(1), KEEL_NONE);
    kl_remote_monitor(THIS, remote_pid(1), a, remote_ref(2), keel_atom(some_name));
    kl_remote_monitor(THIS, remote_pid(1), a, remote_ref(3), KEEL_NONE);
    kl_remote_demonitor(THIS, a, remote_ref(3));
    ask(a, act_nothing, KEEL_NONE);
    CHECK_INT(attached, 2);
    tell(a, act_exit, keel_make("{over, 1}"));
    EXPECT_MESSAGE(
            "{route, down, 7, ^A, ^B, ^Ref, {over, 1}}", a, remote_pid(1), remote_ref(1));
    EXPECT_MESSAGE("{route, down, 7, some_name, ^B, ^Ref, {over, 1}}", remote_pid(1),
            remote_ref(2));
    end_of(a);
    kl_remote_monitor(THIS, remote_pid(1), a, remote_ref(4), keel_atom(some_name));
    EXPECT_NEXT(
            "{route, down, 7, some_name, ^B, ^Ref, noproc}", remote_pid(1), remote_ref(4));
    end();
}

PROCESS_TEST("a monitor of another node's process or name fires once")
{
    begin();
    keel_term target = keel_make("{server, 'peer@host'}");
    keel_ref by_name = keel_monitor(target);
    EXPECT_NEXT("{route, monitor, _, ^Target, ^Ref}", target, by_name);
    keel_monitor_opts opts = {.tag = keel_atom(gone)};
    keel_ref by_pid;
    CHECK_OK(keel_monitor_opt(keel_from_pid(remote_pid(1)), &opts, &by_pid));
    EXPECT_NEXT("{route, monitor, _, ^Target, ^Ref}", remote_pid(1), by_pid);
    kl_remote_down(OTHER, keel_self(), by_name, keel_atom(wrong));
    kl_remote_down(THIS, keel_self(), by_name, keel_atom(boom));
    kl_remote_down(THIS, keel_self(), by_name, keel_atom(again));
    kl_remote_down(THIS, keel_self(), by_pid, keel_atom(boom));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Target, boom}", by_name, target);
    EXPECT_NEXT("{gone, ^Ref, process, ^Target, boom}", by_pid, remote_pid(1));
    keel_ref third = keel_monitor(target);
    EXPECT_NEXT("{route, monitor, _, ^Target, ^Ref}", target, third);
    CHECK(keel_demonitor(third, KEEL_DEMONITOR_INFO));
    EXPECT_NEXT("{route, demonitor, 7, ^Self, ^Target, ^Ref}", keel_self(), target, third);
    kl_remote_down(THIS, keel_self(), third, keel_atom(late));
    end();
}

PROCESS_TEST("the loss of a connection ends what hangs on it and nothing else")
{
    begin();
    keel_pid a = new_trapping();
    ask(a, act_link, keel_from_pid(remote_pid(1)));
    EXPECT_NEXT("{route, link, _, _}");
    keel_term monitor = ask(a, act_monitor, keel_make("{x, 'peer@host'}"));
    EXPECT_NEXT("{route, monitor, _, _, _}");
    kl_remote_monitor(THIS, remote_pid(5), a, remote_ref(1), KEEL_NONE);
    connection_now = OTHER;
    ask(a, act_link, keel_from_pid(remote_pid(2)));
    EXPECT_NEXT("{route, link, _, _}");
    CHECK_INT(attached, 4);
    kl_remote_lost(THIS, a);
    keel_term messages = ask(a, act_messages, KEEL_NONE);
    size_t count;
    CHECK(keel_list_length(messages, &count));
    CHECK_INT(count, 2);
    CHECK(keel_list_member(
            keel_make("{'EXIT', P, noconnection}", remote_pid(1)), messages));
    CHECK(keel_list_member(
            keel_make("{'DOWN', T, process, {x, 'peer@host'}, noconnection}", monitor),
            messages));
    CHECK_INT(attached, 1);
    tell(a, act_exit, keel_atom(over));
    EXPECT_NEXT("{route, link_exit, 8, ^A, ^B, over}", a, remote_pid(2));
    end_of(a);
    end();
}

PROCESS_TEST("out of reach, a link and a monitor end with noconnection")
{
    begin();
    connection_now = 0;
    keel_pid a = new_trapping();
    ask(a, act_link, keel_from_pid(remote_pid(1)));
    EXPECT_NEXT("{route, link, _, _}");
    ask(a, act_monitor, keel_make("{x, 'peer@host'}"));
    EXPECT_NEXT("{route, monitor, _, _, _}");
    CHECK_TERM(ask(a, act_messages, KEEL_NONE),
            "[{'EXIT', _, noconnection}, {'DOWN', _, process, _, noconnection}]");
    lost = true; // the connection breaks just when a signal of it is looked at
    kl_remote_link(THIS, remote_pid(1), a);
    kl_remote_monitor(THIS, remote_pid(1), a, remote_ref(1), KEEL_NONE);
    CHECK_TERM(ask(a, act_messages, KEEL_NONE), "[{'EXIT', _, noconnection}]");
    end_process(a);
    end();
}

PROCESS_TEST("a pid of an earlier life of this node is dead")
{
    begin();
    struct kl_remote_pid past = {kl_node_name(), 1, 2, 3};
    keel_pid a = new_trapping();
    keel_term pid = keel_from_pid(kl_pid_make_remote(&past));
    ask(a, act_link, pid);
    ask(a, act_monitor, pid);
    CHECK_TERM(ask(a, act_messages, KEEL_NONE),
            "[{'EXIT', _, noproc}, {'DOWN', _, process, _, noproc}]");
    end_process(a);
    end();
}

PROCESS_TEST("exit signals of another node act as those of this one")
{
    begin();
    keel_pid trapping = new_trapping();
    kl_remote_exit(remote_pid(1), trapping, keel_atom(boom));
    CHECK_TERM(
            ask(trapping, act_messages, KEEL_NONE), "[{'EXIT', ^B, boom}]", remote_pid(1));
    keel_ref monitor = keel_monitor(trapping);
    kl_remote_exit(remote_pid(1), trapping, keel_atom(kill));
    CHECK_TERM(await_down(monitor), "killed");
    keel_pid plain = new_puppet();
    kl_remote_exit(remote_pid(1), plain, keel_atom(normal));
    ask(plain, act_nothing, KEEL_NONE);
    monitor = keel_monitor(plain);
    kl_remote_exit(remote_pid(1), plain, keel_atom(boom));
    CHECK_TERM(await_down(monitor), "boom");
    CHECK_OK(keel_process_exit(remote_pid(4), keel_atom(stop)));
    EXPECT_NEXT("{route, exit, ^Self, ^B, stop}", keel_self(), remote_pid(4));
    end();
}

static keel_term encoded(keel_term message)
{
    keel_etf_opts opts = {.no_version = true};
    keel_term binary;
    CHECK_OK(keel_etf_encode(message, &opts, &binary));
    return binary;
}

static void deliver_raw(keel_pid to, keel_ref alias, keel_term message)
{
    keel_bytes bytes = keel_to_bytes(encoded(message));
    struct kl_raw raw = {.data = bytes.data, .size = bytes.size};
    if (no_ref(alias)) {
        CHECK_OK(kl_remote_send(THIS, to, &raw));
    } else {
        kl_remote_send_alias(THIS, alias, &raw);
    }
}

PROCESS_TEST("messages are decoded where they arrive, in their order")
{
    begin();
    keel_ref none = {0};
    deliver_raw(keel_self(), none, keel_make("{first, #{a => [1, 2.5, <<\"x\">>]}}"));
    deliver_raw(keel_self(), none, keel_from_pid(remote_pid(9)));
    CHECK_OK(keel_send(keel_self(), keel_atom(own)));
    deliver_raw(keel_self(), none, keel_from_pid(keel_self()));
    CHECK_OK(kl_remote_send(THIS, keel_self(),
            &(struct kl_raw){.data = (const uint8_t *)"\x83", .size = 1}));
    EXPECT_NEXT("{first, #{a => [1, 2.5, <<\"x\">>]}}");
    CHECK_EQUAL(keel_receive(), keel_from_pid(remote_pid(9)));
    EXPECT_NEXT("own");
    CHECK_EQUAL(keel_receive(), keel_from_pid(keel_self()));
    EXPECT_NEXT("{route, malformed, 7, _}");
    end();
}

static bool lies_in(keel_term part, keel_term whole)
{
    keel_bytes inner = keel_to_bytes(part), outer = keel_to_bytes(whole);
    return inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size;
}

PROCESS_TEST("a large binary of a message that is held on to is not copied")
{
    enum { LARGE = 100000, SMALL = 1000 };
    static uint8_t bytes[LARGE];
    begin();
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    keel_term message = keel_tuple_of(keel_atom(data), keel_binary(bytes, LARGE),
            keel_binary(bytes, SMALL), keel_binary(bytes, 10));
    keel_term binary = encoded(message);
    struct kl_raw raw = {.binary = binary};
    CHECK_OK(kl_remote_send(THIS, keel_self(), &raw));
    keel_term got = keel_receive();
    CHECK_EQUAL(got, message);
    CHECK(lies_in(keel_element(got, 1), binary));
    CHECK(!lies_in(keel_element(got, 2), binary));
    CHECK(!lies_in(keel_element(got, 3), binary));

    keel_ref alias = keel_alias();
    kl_remote_send_alias(THIS, alias, &raw);
    CHECK_EQUAL(keel_receive(), message);
    CHECK(keel_unalias(alias));
    kl_remote_send_alias(THIS, alias, &raw);

    raw.binary = keel_binary(bytes, LARGE);
    CHECK_OK(kl_remote_send(THIS, keel_self(), &raw));
    EXPECT_NEXT("{route, malformed, 7, _}");
    end();
}

PROCESS_TEST("an alias lets messages of other nodes in until it ends")
{
    begin();
    keel_ref alias = keel_alias();
    deliver_raw(keel_self(), alias, keel_atom(one));
    EXPECT_NEXT("one");
    CHECK(keel_unalias(alias));
    deliver_raw(keel_self(), alias, keel_atom(two));
    end();
}

static void pass_on(keel_term unused)
{
    (void)unused;
    keel_term from;
    CHECK_OK(keel_receive_match(SOON, "{'$gen_call', From, hello}", &from));
    // Another node answers in this process's place, as one that got `From` does.
    keel_from caller = keel_from_of_term(from);
    deliver_raw(caller.pid, (keel_ref){0}, keel_tuple_of(caller.tag, keel_atom(answer)));
}

PROCESS_TEST("the answer to a call that was passed on to another node reaches the caller")
{
    begin();
    keel_pid server = keel_spawn(pass_on, KEEL_NONE);
    keel_term reply;
    CHECK_OK(keel_gen_call(keel_from_pid(server), keel_atom(hello), SOON, &reply));
    CHECK_TERM(reply, "answer");
    end_of(server);
    end();
}

PROCESS_TEST("many links to other nodes are told apart, be their hashes what they will")
{
    begin();
    keel_trap_exit(true);
    enum { MANY = 40 };
    for (uint32_t i = 0; i < MANY; i++) {
        CHECK_OK(keel_link(remote_pid(i)));
        EXPECT_NEXT("{route, link, _, _}");
    }
    CHECK_INT(attached, MANY);
    for (uint32_t i = 0; i < MANY; i += 2) {
        kl_remote_link_exit(THIS, remote_pid(i), keel_self(), keel_int(i));
        EXPECT_NEXT("{'EXIT', ^Pid, ^I}", remote_pid(i), (int64_t)i);
    }
    for (uint32_t i = 1; i < MANY; i += 2) {
        CHECK_OK(keel_unlink(remote_pid(i)));
        uint64_t id;
        EXPECT_NEXT("{route, unlink, 7, _, ^Pid, Id}", remote_pid(i), &id);
        kl_remote_unlink_ack(THIS, remote_pid(i), keel_self(), id);
    }
    CHECK_INT(keel_queue_length(), 0);
    end();
}

static keel_term act_leader(keel_term unused)
{
    (void)unused;
    return keel_from_pid(keel_group_leader());
}

PROCESS_TEST("a group leader may live on another node, and is inherited")
{
    begin();
    keel_pid a = new_puppet();
    CHECK_OK(keel_group_leader_set(remote_pid(6), a));
    CHECK_EQUAL(ask(a, act_leader, KEEL_NONE), keel_from_pid(remote_pid(6)));
    keel_pid child = keel_to_pid(ask(a, act_spawn_puppet, KEEL_NONE));
    end_process(a);
    CHECK_EQUAL(ask(child, act_leader, KEEL_NONE), keel_from_pid(remote_pid(6)));
    kl_remote_leader(remote_pid(8), child);
    CHECK_EQUAL(ask(child, act_leader, KEEL_NONE), keel_from_pid(remote_pid(8)));
    end_process(child);
    CHECK_OK(keel_group_leader_set(keel_self(), remote_pid(6)));
    EXPECT_NEXT("{route, leader, ^Self, ^B}", keel_self(), remote_pid(6));
    end();
}

PROCESS_TEST("the older form of get_state is a matter of the other node")
{
    begin();
    CHECK(keel_gen_bare_state(keel_make("{x, old}")));
    CHECK(!keel_gen_bare_state(keel_make("{x, new}")));
    CHECK(!keel_gen_bare_state(keel_from_pid(keel_self())));
    CHECK(!keel_gen_bare_state(keel_from_pid(remote_pid(1))));
    end();
}

PROCESS_TEST("what is sent to other nodes takes the route")
{
    begin();
    CHECK_OK(keel_send(remote_pid(1), keel_atom(a)));
    EXPECT_NEXT("{route, send, ^Self, ^To, a, false}", keel_self(), remote_pid(1));
    CHECK_OK(keel_send_nosuspend(keel_make("{x, 'peer@host'}"), keel_atom(b)));
    EXPECT_NEXT("{route, send, _, {x, 'peer@host'}, b, true}");
    CHECK_OK(keel_send_term(remote_ref(1), keel_atom(c)));
    EXPECT_NEXT("{route, send, _, ^To, c, false}", remote_ref(1));
    end();
}

PROCESS_TEST(
        "a pid, a reference and a port tell which node has made them, other terms none")
{
    // NEW_PORT_EXT: the node's atom, the number, the creation.
    static const char port[] = "\x83\x59\x77\x09peer@host\0\0\0\x07\0\0\0\x01";
    keel_term term;
    CHECK_OK(keel_etf_decode(port, sizeof port - 1, NULL, NULL, &term));
    CHECK_TERM(keel_node_of(term), "'peer@host'");

    CHECK_TERM(keel_node_of(keel_from_pid(remote_pid(7))), "'peer@host'");
    CHECK_TERM(keel_node_of(remote_ref(7)), "'peer@host'");
    CHECK_TERM(keel_node_of(keel_from_pid(keel_self())), "nonode@nohost");
    CHECK_TERM(keel_node_of(keel_from_ref(keel_make_ref())), "nonode@nohost");
    CHECK(keel_is_none(keel_node_of(keel_atom(nonode))));
    CHECK(keel_is_none(keel_node_of(keel_make("{pid, [Self]}", keel_self()))));
    CHECK(keel_is_none(keel_node_of(KEEL_NONE)));
}
