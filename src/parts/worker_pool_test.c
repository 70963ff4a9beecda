// Worker pools.

#include "proc/proc_testing.h"
#include <keel/parts/worker_pool.h>

// A worker: {sleep, Time} and {die, Reason} do so; else it answers {Worker, Request}.
struct worker {
    int64_t calls;
};

static keel_result worker_init(keel_term argument, void *state)
{
    (void)state;
    return keel_is(argument, fails) ? keel_stop_with(keel_atom(shutdown)) : keel_ok();
}

static keel_result worker_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct worker *worker = state;
    worker->calls++;
    int64_t time;
    keel_term reason;
    if (keel_match(request, "{sleep, Time}", &time)) {
        keel_sleep(time);
    } else if (keel_match(request, "{die, Reason}", &reason)) {
        keel_exit(reason);
    }
    return keel_reply(keel_make("{Self, Request}", keel_self(), request));
}

static const keel_gen_server worker_server = {
        .name = "worker",
        .state = KEEL_STATE(struct worker, calls),
        .init = worker_init,
        .handle_call = worker_call,
};

static keel_pid start(keel_worker_pool_opts opts)
{
    keel_trap_exit(true);
    opts.worker = &worker_server;
    opts.name = keel_atom(workers);
    return keel_started_or_exit(keel_worker_pool_start_link_opt(&opts));
}

static void stop(keel_pid pool)
{
    CHECK_OK(keel_gen_server_stop(pool, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Pool, normal}", pool);
}

PROCESS_TEST("a call is answered by a worker")
{
    size_t before = process_count();
    keel_pid pool = start((keel_worker_pool_opts){.size = 3});
    CHECK_INT(process_count(), before + 4);
    keel_term reply;
    CHECK_OK(keel_worker_pool_call("workers", keel_make("{job, 1}"), &reply));
    CHECK_TERM(reply, "{_, {job, 1}}");
    CHECK_TERM(keel_worker_pool_stats("workers"),
            "#{kind := worker_pool, size := 3, idle := 3, busy := 0, waiting := 0,"
            " calls := 1, timeouts := 0, refused := 0, ended := 0}");
    stop(pool);
    CHECK_INT(process_count(), before);
    CHECK_INT(keel_worker_pool_call("workers", keel_nil(), &reply), KEEL_E_NOPROC);
}

PROCESS_TEST("a worker that ends fails its call and comes back")
{
    keel_pid pool = start((keel_worker_pool_opts){.size = 2});
    keel_term reply = KEEL_NONE;
    for (int i = 0; i < 4; i++) {
        CHECK_INT(keel_worker_pool_call(
                          "workers", keel_make("{die, {shutdown, oops}}"), &reply),
                KEEL_E_EXIT);
        CHECK_TERM(reply, "{shutdown, oops}");
    }
    for (int i = 0; i < 10; i++) {
        CHECK_OK(keel_worker_pool_call("workers", keel_nil(), &reply));
    }
    CHECK_TERM(keel_worker_pool_stats("workers"), "#{idle := 2, ended := 4}");
    stop(pool);
}

PROCESS_TEST("a pool whose workers end too often ends itself")
{
    keel_pid pool = start((keel_worker_pool_opts){.size = 2, .intensity = 2});
    keel_term reply = KEEL_NONE;
    for (int i = 0; i < 3; i++) {
        keel_status status = keel_worker_pool_call(
                "workers", keel_make("{die, shutdown}"), &reply);
        CHECK_INT(status, KEEL_E_EXIT);
    }
    EXPECT_NEXT("{'EXIT', ^Pool, shutdown}", pool);
    keel_started started = keel_worker_pool_start_link(
            &worker_server, .argument = keel_atom(fails));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_INT(keel_worker_pool_start_link(NULL).status, KEEL_E_BADARG);
}

static void call_and_tell(keel_term owner_and_time)
{
    keel_term request = keel_make("{sleep, Time}", keel_element(owner_and_time, 1));
    keel_term reply;
    CHECK_OK(keel_worker_pool_call_within("workers", request, KEEL_NEVER, &reply));
    keel_send(keel_element(owner_and_time, 0), keel_atom(done));
}

SIMULATED_TEST("calls that find no worker free wait in order, no longer than they like")
{
    keel_pid pool = start((keel_worker_pool_opts){.size = 2, .queue_limit = 1});
    keel_term plan = keel_make("{Self, Time}", keel_self(), KEEL_SECONDS(10));
    keel_spawn(call_and_tell, plan);
    keel_spawn(call_and_tell, plan);
    keel_sleep(KEEL_SECONDS(1));
    keel_pid dying = keel_spawn(call_and_tell, plan);
    keel_sleep(KEEL_SECONDS(1));
    keel_term reply;
    CHECK_INT(keel_worker_pool_call("workers", keel_nil(), &reply), KEEL_E_OVERLOAD);
    end_process(dying);
    keel_sleep(KEEL_MS(1));
    CHECK_INT(keel_worker_pool_call("workers", keel_nil(), &reply), KEEL_E_TIMEOUT);
    CHECK_TERM(keel_worker_pool_stats("workers"),
            "#{busy := 2, waiting := 0, timeouts := 1, refused := 1, calls := 2}");
    CHECK_OK(keel_worker_pool_call("workers", keel_nil(), &reply));
    EXPECT_NEXT("done");
    keel_sleep(KEEL_MS(1));
    EXPECT_NEXT("done");
    stop(pool);
}

static void call_at_random(keel_term unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        keel_term reply = KEEL_NONE;
        keel_term request = keel_make("{sleep, Time}", KEEL_US(keel_random() % 3000));
        keel_deadline deadline = KEEL_IN(KEEL_MS(1 + keel_random() % 20));
        keel_status status = keel_worker_pool_call_within(
                "workers", request, deadline, &reply);
        CHECK(status != KEEL_OK || keel_match(reply, "{_, ^Request}", request));
        CHECK(status != KEEL_E_EXIT || keel_is(reply, killed));
    }
}

SIMULATED_TEST("whoever is killed, every call has its own answer and all workers come back")
{
    keel_pid pool = start((keel_worker_pool_opts){.size = 3, .intensity = 1000});
    keel_term spared = keel_list_of(
            keel_from_pid(pool), keel_from_pid(keel_self()), keel_from_pid(keel_parent()));
    for (int i = 0; i < 15; i++) {
        keel_spawn(call_at_random, keel_nil());
    }
    for (int i = 0; i < 30; i++) {
        keel_sleep(KEEL_US(keel_random() % 3000));
        keel_term list = keel_process_list(), pid;
        size_t length;
        CHECK(keel_list_length(list, &length));
        size_t chosen = keel_random() % length;
        for (size_t j = 0; keel_list_next(&list, &pid); j++) {
            if (j == chosen && !keel_list_member(pid, spared)) {
                keel_process_exit(keel_to_pid(pid), keel_atom(kill));
            }
        }
    }
    keel_sleep(KEEL_SECONDS(1));
    CHECK_TERM(keel_worker_pool_stats("workers"), "#{idle := 3, waiting := 0, busy := 0}");
    stop(pool);
}

PROCESS_TEST("a worker pool is a child like others")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            keel_worker_pool_child(&worker_server, .name = keel_atom(workers), .size = 2)};
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    keel_term reply;
    CHECK_OK(keel_worker_pool_call("workers", keel_atom(hello), &reply));
    CHECK_TERM(reply, "{_, hello}");
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}
