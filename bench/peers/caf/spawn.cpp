// Life and death of actors, and what an idle one costs.
#include "bench.hpp"

static const int64_t batch = 100000;

static void do_nothing(caf::event_based_actor *) {}

// Spawns `width` monitored actors at a time until `left` have ended.
static void spawn_next(caf::event_based_actor *self, int64_t left, int64_t width)
{
    for (int64_t i = 0; i < std::min(left, width); i++) {
        self->spawn<caf::monitored>(do_nothing);
    }
}

static behavior spawner(
        caf::stateful_actor<server_state> *self, int64_t count, int64_t width, actor bench)
{
    self->set_down_handler([=](caf::down_msg &) {
        self->state.sum++;
        if (self->state.sum == count) {
            self->send(bench, done_atom::value);
            self->quit();
        } else if (self->state.sum % width == 0) {
            spawn_next(self, count - self->state.sum, width);
        }
    });
    spawn_next(self, count, width);
    return {[](stop_atom) {}};
}

static double spawn_many(caf::actor_system &system, int64_t count, int64_t width)
{
    caf::scoped_actor self{system};
    actor bench{self};
    return measure(count, [&](int64_t count) {
        // An actor that nobody refers to is ended.
        auto parent = system.spawn(spawner, std::max(count, width), width, bench);
        await_done(self, 1);
    });
}

void spawn_exit(caf::actor_system &system, const std::string &name, int64_t count)
{
    per_item(name, spawn_many(system, count, 1), count);
}

void spawn_batch(caf::actor_system &system, const std::string &name, int64_t count)
{
    int64_t whole = share(count, batch) * batch;
    per_item(name, spawn_many(system, whole, batch), whole);
}

// Starts `count` servers and has some of them answer. The table that holds them (8 bytes a
// server) is allowed for.
void idle(caf::actor_system &system, const std::string &, int64_t count)
{
    caf::scoped_actor self{system};
    std::vector<actor> servers;
    servers.reserve(static_cast<size_t>(count));
    double before = resident();
    auto start = clock_type::now();
    for (int64_t i = 0; i < count; i++) {
        servers.push_back(system.spawn(server));
    }
    double took = since(start);
    for (size_t i = 0; i < servers.size(); i += 1000) {
        self->request(servers[i], caf::infinite, next_atom::value, int64_t{7})
                .receive([](int64_t reply) { check(reply == 8, "reply"); },
                        [](caf::error &) { check(false, "reply"); });
    }
    double grown = resident() - before;
    std::printf("idle_start %.4f us\n", took / 1000 / static_cast<double>(count));
    std::printf("idle_bytes %.1f B\n", grown / static_cast<double>(count) - 8);
}

// --- restart ---

static behavior child(caf::event_based_actor *self, actor client)
{
    self->send(client, up_atom::value, actor{self});
    return {[=](crash_atom) { self->quit(caf::make_error(caf::sec::runtime_error)); }};
}

// CAF has monitors but no supervisor: this one starts a child and, when it hears of its
// end, the next.
static behavior supervise(caf::event_based_actor *self, actor client)
{
    self->set_down_handler(
            [=](caf::down_msg &) { self->spawn<caf::monitored>(child, client); });
    self->spawn<caf::monitored>(child, client);
    return {[](stop_atom) {}};
}

struct client_state {
    std::vector<double> took;
    clock_type::time_point start;
};

// Crashes each child that comes up, `count` times.
static behavior crash_many(caf::stateful_actor<client_state> *self, std::string name,
        int64_t count, actor bench)
{
    return {
            [=](up_atom, const actor &next) {
                auto &state = self->state;
                if (state.start != clock_type::time_point{}) {
                    state.took.push_back(since(state.start));
                }
                if (static_cast<int64_t>(state.took.size()) < count) {
                    state.start = clock_type::now();
                    self->send(next, crash_atom::value);
                    return;
                }
                std::sort(state.took.begin(), state.took.end());
                std::printf("%s %.4f us\n", name.c_str(),
                        state.took[state.took.size() / 2] / 1000);
                self->send(bench, done_atom::value);
                self->quit();
            },
    };
}

void restart(caf::actor_system &system, const std::string &name, int64_t count)
{
    caf::scoped_actor self{system};
    auto client = system.spawn(crash_many, name, count, actor{self});
    auto supervisor = system.spawn(supervise, client);
    await_done(self, 1);
}
