// Calls: one server, many servers by name.
#include "bench.hpp"

static const int named = 10000;

// Asks again when the answer has come, `left` times.
static void ask(caf::event_based_actor *self, actor server, int64_t left, actor bench)
{
    if (left == 0) {
        self->send(bench, done_atom::value);
        return;
    }
    self->request(server, caf::infinite, next_atom::value, left).then([=](int64_t reply) {
        check(reply == left + 1, "reply");
        ask(self, server, left - 1, bench);
    });
}

void call(caf::actor_system &system, const std::string &name, int64_t count)
{
    caf::scoped_actor self{system};
    actor bench{self};
    auto one = system.spawn(server);
    auto took = measure(count, [&](int64_t count) {
        system.spawn(
                [=](caf::event_based_actor *client) { ask(client, one, count, bench); });
        await_done(self, 1);
    });
    per_item(name, took, count);
}

// CAF's registry knows actors by atoms.
static void ask_named(caf::event_based_actor *self,
        const std::vector<caf::atom_value> *names, int64_t left, uint32_t seed, actor bench)
{
    if (left == 0) {
        self->send(bench, done_atom::value);
        return;
    }
    auto found = self->system().registry().get((*names)[seed / 8 % named]);
    self->request(caf::actor_cast<actor>(found), caf::infinite, next_atom::value, left)
            .then([=](int64_t reply) {
                check(reply == left + 1, "reply");
                ask_named(self, names, left - 1, next_random(seed), bench);
            });
}

void named_call(caf::actor_system &system, const std::string &name, int64_t count)
{
    caf::scoped_actor self{system};
    actor bench{self};
    std::vector<caf::atom_value> names;
    for (int i = 0; i < named; i++) {
        names.push_back(caf::atom_from_string("server" + std::to_string(i)));
        system.registry().put(names.back(), system.spawn(server));
    }
    auto took = measure(count, [&](int64_t count) {
        system.spawn([=, &names](caf::event_based_actor *client) {
            ask_named(client, &names, count, 42, bench);
        });
        await_done(self, 1);
    });
    per_item(name, took, count);
}
