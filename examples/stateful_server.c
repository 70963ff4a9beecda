// A state with versions: a running server moves from one to the next. Fields of the same
// name are carried over; code_change fills in what is new.

#include "stateful_server.h"

struct state_v1 {
    keel_term data, config;
};

struct state_v2 {
    keel_term data, config, metadata;
    int64_t version;
};

static keel_result init(keel_term data, void *state)
{
    struct state_v1 *server = state; // both versions begin with these
    keel_set(&server->data, data);
    keel_set(&server->config, keel_nil());
    return keel_ok();
}

static keel_result init_v2(keel_term data, void *state)
{
    struct state_v2 *server = state;
    keel_set(&server->metadata, keel_make("#{}"));
    server->version = 2;
    return init(data, state);
}

static keel_term code_change(keel_term old_version, void *state, keel_term extra)
{
    struct state_v2 *server = state;
    if (keel_equal(old_version, keel_string("1.0.0"))) {
        keel_set(&server->metadata, keel_make("#{}"));
        server->version = 2;
    }
    return keel_atom(ok);
}

const keel_gen_server stateful_server_v1 = {
        .name = "stateful_server",
        .version = "1.0.0",
        .state = KEEL_STATE(struct state_v1, data, config),
        .init = init,
};

const keel_gen_server stateful_server_v2 = {
        .name = "stateful_server",
        .version = "2.0.0",
        .state = KEEL_STATE(struct state_v2, data, config, metadata, version),
        .init = init_v2,
        .code_change = code_change,
};
