// Trackers on one node.

#include <keel/tracker.h>

#include "tracker_testing.h"
#include <keel/sys.h>

#define ROOMS (testing_nodes[0].tracker)
#define LOBBY keel_string("lobby")
#define ANN keel_string("ann")
#define SHARD keel_atom(a_rooms_shard0)

static const int pool_sizes[] = {1, 8};
#define EACH_POOL(i) for (size_t i = 0; i < KEEL_COUNT(pool_sizes); i++)

static void start(int pool_size)
{
    testing_start(1, 1, &(keel_tracker_opts){.pool_size = pool_size});
}

static size_t length(keel_term list)
{
    size_t count;
    CHECK(keel_list_length(list, &count));
    return count;
}

// --- tracking ---

PROCESS_TEST("who is tracked is listed with its reference, and told of",
        .ids = "PB-045 PB-057 PB-058")
{
    EACH_POOL(i)
    {
        start(pool_sizes[i]);
        keel_term ref, self = keel_from_pid(keel_self());
        CHECK_TERM(keel_tracker_list(ROOMS, LOBBY), "[]");
        CHECK_OK(keel_tracker_track(
                ROOMS, LOBBY, ANN, .meta = keel_make("#{age => 7}"), .ret_ref = &ref));
        CHECK(keel_is_binary(ref));
        CHECK_TERM(keel_tracker_list(ROOMS, LOBBY),
                "[{<<\"ann\">>, #{age := 7, phx_ref := ^Ref}}]", ref);
        EXPECT_NEXT("{diff, a_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, #{age := 7, "
                    "phx_ref := ^Ref}}], []}}}",
                ref);
        CHECK_TERM(keel_tracker_get_by_key(ROOMS, LOBBY, ANN),
                "[{^Self, #{phx_ref := ^Ref}}]", self, ref);
        CHECK_INT(keel_tracker_track(ROOMS, LOBBY, ANN), KEEL_E_TAKEN);
        CHECK_INT(length(keel_tracker_list(ROOMS, LOBBY)), 1);
        EXPECT_NO_MESSAGE();
        testing_stop();
    }
}

PROCESS_TEST("a process may have many keys and topics, and a key many processes",
        .ids = "PB-047 PB-056 PB-057")
{
    EACH_POOL(i)
    {
        start(pool_sizes[i]);
        keel_pid bob = new_puppet();
        keel_term attic = keel_make("{attic, 1}");
        CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN));
        CHECK_OK(keel_tracker_track(ROOMS, LOBBY, keel_string("anna")));
        CHECK_OK(keel_tracker_track(ROOMS, attic, ANN));
        CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = bob));
        CHECK_INT(length(keel_tracker_list(ROOMS, LOBBY)), 3);
        CHECK_INT(length(keel_tracker_get_by_key(ROOMS, LOBBY, ANN)), 2);
        CHECK_TERM(keel_tracker_get_by_key(ROOMS, LOBBY, keel_string("anna")), "[{^P, _}]",
                keel_self());
        CHECK_TERM(keel_tracker_get_by_key(ROOMS, attic, ANN), "[{^P, _}]", keel_self());
        CHECK_TERM(keel_tracker_list(ROOMS, keel_string("cellar")), "[]");
        CHECK_TERM(keel_tracker_get_by_key(ROOMS, LOBBY, keel_string("bob")), "[]");
        testing_stop();
        end_process(bob);
    }
}

PROCESS_TEST("untracked is one presence, or all of a process", .ids = "PB-048 PB-049")
{
    EACH_POOL(i)
    {
        start(pool_sizes[i]);
        keel_term bob = keel_string("bob");
        CHECK_OK(keel_tracker_untrack(ROOMS, LOBBY, ANN));
        EXPECT_NO_MESSAGE();
        for (int topic = 0; topic < 10; topic++) {
            CHECK_OK(keel_tracker_track(ROOMS, keel_int(topic), ANN));
            CHECK_OK(keel_tracker_track(ROOMS, keel_int(topic), bob));
        }
        CHECK_INT(keel_flush(), 20);
        CHECK_OK(keel_tracker_untrack(ROOMS, keel_int(3), ANN));
        EXPECT_NEXT("{diff, a_rooms, #{3 := {[], [{<<\"ann\">>, _}]}}}");
        CHECK_TERM(keel_tracker_list(ROOMS, keel_int(3)), "[{<<\"bob\">>, _}]");
        CHECK_INT(length(keel_tracker_list(ROOMS, keel_int(4))), 2);
        CHECK_OK(keel_tracker_untrack_all(ROOMS, keel_self()));
        for (int topic = 0; topic < 10; topic++) {
            CHECK_TERM(keel_tracker_list(ROOMS, keel_int(topic)), "[]");
        }
        CHECK_OK(keel_tracker_untrack_all(ROOMS, keel_self()));
        testing_stop();
    }
}

PROCESS_TEST("whoever ends is not there any more", .ids = "PB-050")
{
    EACH_POOL(i)
    {
        start(pool_sizes[i]);
        keel_pid bob = new_puppet();
        CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = bob));
        CHECK_OK(keel_tracker_track(ROOMS, LOBBY, keel_string("bob"), .pid = bob));
        CHECK_INT(keel_flush(), 2);
        end_process(bob);
        EXPECT_NEXT("{diff, a_rooms, #{<<\"lobby\">> := {[], [{_, _}, {_, _}]}}}");
        CHECK_TERM(keel_tracker_list(ROOMS, LOBBY), "[]");
        // The same for one that is dead before it is tracked.
        CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = bob));
        EXPECT_NEXT("{diff, a_rooms, #{<<\"lobby\">> := {[_], []}}}");
        EXPECT_NEXT("{diff, a_rooms, #{<<\"lobby\">> := {[], [_]}}}");
        CHECK_TERM(keel_tracker_list(ROOMS, LOBBY), "[]");
        testing_stop();
    }
}

// --- updates ---

static keel_term grow(keel_term meta, keel_term by)
{
    int64_t age = keel_to_int(keel_map_get(meta, keel_atom(age)));
    return keel_map_put(meta, keel_atom(age), keel_int(age + keel_to_int(by)));
}

PROCESS_TEST("an update replaces the meta, and is one leave and one join",
        .ids = "PB-052 PB-053 PB-054 PB-055")
{
    EACH_POOL(i)
    {
        start(pool_sizes[i]);
        keel_term first, second, third;
        CHECK_INT(keel_tracker_update(ROOMS, LOBBY, ANN), KEEL_E_REFUSED);
        CHECK_OK(keel_tracker_track(
                ROOMS, LOBBY, ANN, .meta = keel_make("#{age => 7}"), .ret_ref = &first));
        CHECK_INT(keel_flush(), 1);
        CHECK_OK(keel_tracker_update(
                ROOMS, LOBBY, ANN, .meta = keel_make("#{age => 8}"), .ret_ref = &second));
        CHECK(!keel_equal(first, second));
        CHECK_TERM(keel_tracker_list(ROOMS, LOBBY),
                "[{<<\"ann\">>, #{age := 8, phx_ref := ^Ref, phx_ref_prev := ^Old}}]",
                second, first);
        EXPECT_NEXT("{diff, a_rooms, #{<<\"lobby\">> := {[{<<\"ann\">>, #{age := 8, "
                    "phx_ref := ^Ref}}], [{<<\"ann\">>, #{age := 7, phx_ref := ^Old}}]}}}",
                second, first);
        CHECK_OK(keel_tracker_update(ROOMS, LOBBY, ANN, .change = grow,
                .argument = keel_int(10), .ret_ref = &third));
        CHECK_TERM(keel_tracker_list(ROOMS, LOBBY),
                "[{<<\"ann\">>, #{age := 18, phx_ref := ^Ref, phx_ref_prev := ^Old}}]",
                third, second);
        keel_flush();
        // Of somebody else there is no such presence.
        keel_pid bob = new_puppet();
        CHECK_INT(keel_tracker_update(ROOMS, LOBBY, ANN, .pid = bob), KEEL_E_REFUSED);
        EXPECT_NO_MESSAGE();
        end_process(bob);
        testing_stop();
    }
}

// --- what is not in order ---

PROCESS_TEST("options that cannot be are refused", .ids = "PB-060")
{
    static const keel_tracker module = {.name = "none"};
    keel_term news = keel_atom(a_news), rooms = keel_atom(a_rooms);
    const struct {
        keel_tracker_opts opts;
        const char *option;
    } cases[] = {
            {{.pubsub = news}, "name"},
            {{.name = keel_int(1), .pubsub = news}, "name"},
            {{.name = rooms}, "pubsub"},
            {{.name = rooms, .pubsub = news, .pool_size = -1}, "pool_size"},
            {{.name = rooms, .pubsub = news, .broadcast_period = -1}, "broadcast_period"},
            {{.name = rooms, .pubsub = news, .max_silent_periods = -2},
                    "max_silent_periods"},
            {{.name = rooms,
                     .pubsub = news,
                     .broadcast_period = KEEL_MS(100),
                     .down_period = KEEL_MS(199)},
                    "down_period"},
            {{.name = rooms,
                     .pubsub = news,
                     .down_period = KEEL_SECONDS(10),
                     .permdown_period = KEEL_SECONDS(9)},
                    "permdown_period"},
            {{.name = rooms, .pubsub = news, .clock_sample_periods = -1},
                    "clock_sample_periods"},
            {{.name = rooms, .pubsub = news, .max_delta_sizes = {10, 5, 20}},
                    "max_delta_sizes"},
    };
    for (size_t i = 0; i < KEEL_COUNT(cases); i++) {
        const char *option;
        keel_started started = keel_tracker_start_link_opt(&module, &cases[i].opts);
        CHECK_INT(started.status, KEEL_E_BADARG);
        CHECK_TERM(started.reason, "{badarg, {Option, _}}", &option);
        CHECK_STR(option, cases[i].option);
    }
}

PROCESS_TEST("periods just long enough are fine", .ids = "PB-060")
{
    testing_start(1, 1,
            &(keel_tracker_opts){.broadcast_period = KEEL_MS(100),
                    .down_period = KEEL_MS(200),
                    .permdown_period = KEEL_MS(200)});
    CHECK_TERM(keel_tracker_list(ROOMS, LOBBY), "[]");
    testing_stop();
}

PROCESS_TEST("presences without topic, key or map are refused")
{
    start(1);
    CHECK_INT(keel_tracker_track(ROOMS, KEEL_NONE, ANN), KEEL_E_BADARG);
    CHECK_INT(keel_tracker_track(ROOMS, LOBBY, KEEL_NONE), KEEL_E_BADARG);
    CHECK_INT(keel_tracker_track(ROOMS, LOBBY, ANN, .meta = keel_nil()), KEEL_E_BADARG);
    CHECK_INT(keel_tracker_update(ROOMS, LOBBY, ANN, .meta = LOBBY), KEEL_E_BADARG);
    CHECK_INT(keel_tracker_untrack(ROOMS, LOBBY, KEEL_NONE), KEEL_E_BADARG);
    CHECK_INT(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = {ANN.word}), KEEL_E_BADARG);
    CHECK_INT(keel_tracker_untrack_all(ROOMS, (keel_pid){0}), KEEL_E_BADARG);
    CHECK(keel_is_none(keel_tracker_list(ROOMS, KEEL_NONE)));
    CHECK(keel_is_none(keel_tracker_get_by_key(ROOMS, LOBBY, KEEL_NONE)));
    testing_stop();
}

// --- the process ---

PROCESS_TEST("other messages go to handle_info, and what it may not return ends the shard",
        .ids = "PB-059")
{
    start(1);
    keel_pid shard = keel_whereis_term(SHARD);
    CHECK_OK(keel_send(shard, keel_make("{hello, 1}")));
    EXPECT_MESSAGE("{info, a_rooms, {hello, 1}}");
    keel_ref ref = keel_monitor(shard);
    CHECK_OK(keel_send(shard, keel_atom(bad)));
    CHECK_TERM(await_down(ref), "{bad_return_value, _}");
    testing_stop();
}

PROCESS_TEST("a shard that ends unexpectedly takes along whom it tracks, and comes back")
{
    start(1);
    keel_pid bob = new_puppet(), shard = keel_whereis_term(SHARD);
    keel_ref end = keel_monitor(bob);
    CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = bob));
    CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN)); // traps exits
    keel_process_exit(shard, keel_atom(kill));
    CHECK_TERM(await_down(end), "killed");
    EXPECT_MESSAGE("{'EXIT', ^Shard, killed}", shard);
    while (keel_whereis_term(SHARD).word == 0) {
        keel_yield();
    }
    CHECK_TERM(keel_tracker_list(ROOMS, LOBBY), "[]");
    CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN));
    CHECK_INT(length(keel_tracker_list(ROOMS, LOBBY)), 1);
    testing_stop();
}

PROCESS_TEST("who is not tracked any more is not linked either")
{
    start(1);
    keel_pid bob = new_puppet();
    CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = bob));
    CHECK_OK(keel_tracker_track(ROOMS, LOBBY, keel_string("bob"), .pid = bob));
    CHECK_OK(keel_tracker_untrack(ROOMS, LOBBY, ANN, .pid = bob));
    CHECK_TERM(info_of(bob, keel_atom(links)), "[_]");
    CHECK_OK(keel_tracker_untrack(ROOMS, LOBBY, keel_string("bob"), .pid = bob));
    CHECK_TERM(info_of(bob, keel_atom(links)), "[]");
    CHECK_OK(keel_tracker_track(ROOMS, LOBBY, ANN, .pid = bob));
    CHECK_OK(keel_tracker_untrack_all(ROOMS, bob));
    CHECK_TERM(info_of(bob, keel_atom(links)), "[]");
    end_process(bob);
    testing_stop();
}

static keel_term first_state(keel_term shard)
{
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(shard, &state));
    return state;
}

PROCESS_TEST("a tracker is a child like others, and can be looked into")
{
    static const keel_tracker module = {.name = "none"};
    keel_trap_exit(true);
    const keel_child_spec children[] = {
            keel_pubsub_child(.name = keel_atom(a_news)),
            keel_tracker_child(
                    &module, .name = keel_atom(a_rooms), .pubsub = keel_atom(a_news)),
    };
    keel_started tree = keel_supervisor_start_link(children, KEEL_COUNT(children));
    CHECK_OK(tree.status);
    CHECK_OK(keel_tracker_track(keel_atom(a_rooms), LOBBY, ANN));
    CHECK_TERM(first_state(SHARD), "#{replica := {_, _}, clock := _, presences := 1}");
    CHECK_OK(keel_tracker_untrack(keel_atom(a_rooms), LOBBY, ANN));
    keel_unlink(tree.pid);
    CHECK_OK(keel_gen_server_stop(tree.pid, keel_atom(normal), SOON));
    keel_flush();
}
