// A supervised server in C++, with the macros that take options by name. Prints what a call
// gives before and after its end.

#include <cstdio>
#include <keel/keel.h>

struct counter {
    int64_t value;
};

static keel_result init(keel_term initial, void *state)
{
    static_cast<counter *>(state)->value = keel_to_int(initial);
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from, void *state)
{
    auto *self = static_cast<counter *>(state);
    int64_t by;
    if (keel_match(request, "{add, By}", &by)) {
        self->value += by;
        return keel_reply(keel_tuple_of(keel_atom(sum), keel_int(self->value)));
    }
    if (keel_is(request, fail)) {
        keel_exit(keel_atom(asked));
    }
    return keel_unexpected(request);
}

static keel_gen_server counter_server()
{
    keel_gen_server server{};
    server.name = "counter";
    server.state.bytes = sizeof(counter);
    server.init = init;
    server.handle_call = handle_call;
    return server;
}
static const keel_gen_server server = counter_server();

static void body(keel_term)
{
    keel_child_spec children[] = {
            keel_child(&server, keel_int(40), .name = keel_atom(counter))};
    keel_started tree = keel_supervisor_start_link(
            children, 1, .strategy = KEEL_ONE_FOR_ONE, .intensity = 3);
    keel_term reply = keel_nil();
    keel_status status = keel_call("counter", keel_make("{add, N}", 2), &reply);
    bool good = tree.status == KEEL_OK && status == KEEL_OK &&
                keel_equal(reply, keel_make("{sum, 42}"));
    good = good && keel_call("counter", keel_atom(fail), &reply) == KEEL_E_EXIT &&
           keel_is(reply, asked);
    // The supervisor starts it anew; until then there is nobody of that name.
    do {
        keel_yield();
        status = keel_call("counter", keel_make("{add, N}", 1), &reply);
    } while (status == KEEL_E_NOPROC);
    good = good && keel_equal(keel_list_of(reply), keel_make("[{sum, 41}]"));
    std::puts(good ? "good" : keel_show(reply));
}

int main()
{
    keel_config config{};
    config.no_threads = true;
    if (keel_start(&config) != KEEL_OK) {
        return 1;
    }
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_pid pid = keel_spawn(body, keel_nil());
    while (keel_process_alive(pid)) {
        keel_run_once(KEEL_NEVER);
    }
    return keel_stop(KEEL_IN(KEEL_SECONDS(5)), nullptr) == KEEL_OK ? 0 : 1;
}
