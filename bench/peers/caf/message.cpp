// Messages: casts, floods, rings, pairs, payloads, broadcasts.
#include "bench.hpp"

static const int senders = 8;
static const int pairs = 1000;
static const int ring_size = 503;
static const int big_size = 500;
static const int subscribers = 10000;

// --- casts ---

// Has `senders` actors call `send(self, server)` `count` times in all; the server has then
// added up `each` for every message.
template <class Send>
static void flood(caf::actor_system &system, const std::string &name, int64_t count,
        int senders, int64_t each, Send send)
{
    caf::scoped_actor self{system};
    actor bench{self};
    auto sink = system.spawn(server);
    auto took = measure(count, [&](int64_t count) {
        int64_t mine = share(count, senders);
        for (int i = 0; i < senders; i++) {
            system.spawn([=](caf::event_based_actor *sender) {
                for (int64_t i = 0; i < mine; i++) {
                    send(sender, sink);
                }
                sender->send(bench, done_atom::value);
            });
        }
        await_done(self, senders);
        self->request(sink, caf::infinite, sum_atom::value)
                .receive([&](int64_t sum) { check(sum == each * mine * senders, "sum"); },
                        [](caf::error &) { check(false, "sum"); });
    });
    per_second(name, took, count);
}

static void send_add(caf::event_based_actor *self, const actor &to)
{
    self->send(to, add_atom::value, int64_t{1});
}

void cast(caf::actor_system &system, const std::string &name, int64_t count)
{
    flood(system, name, count, 1, 1, send_add);
}

void fan_in(caf::actor_system &system, const std::string &name, int64_t count)
{
    flood(system, name, count, senders, 1, send_add);
}

// One message, shared by all who get it.
void payload_64k(caf::actor_system &system, const std::string &name, int64_t count)
{
    auto data = caf::make_message(data_atom::value, std::string(65536, 'x'));
    flood(system, name, count, 1, 65536,
            [=](caf::event_based_actor *self, const actor &to) { self->send(to, data); });
}

void payload_1k(caf::actor_system &system, const std::string &name, int64_t count)
{
    order order{{12345}};
    flood(system, name, count, 1, 12345,
            [=](caf::event_based_actor *self, const actor &to) { self->send(to, order); });
}

// --- pairs ---

static behavior pong(caf::event_based_actor *self)
{
    return {
            [](ping_atom, int64_t number) -> caf::result<pong_atom, int64_t> {
                return {pong_atom::value, number};
            },
            [=](stop_atom) { self->quit(); },
    };
}

static behavior ping(caf::event_based_actor *self, int64_t rounds, actor bench)
{
    auto ponger = self->spawn(pong);
    self->send(ponger, ping_atom::value, rounds);
    return {
            [=](pong_atom, int64_t number) {
                if (number > 1) {
                    self->send(ponger, ping_atom::value, number - 1);
                    return;
                }
                self->send(ponger, stop_atom::value);
                self->send(bench, done_atom::value);
                self->quit();
            },
    };
}

void ping_pong(caf::actor_system &system, const std::string &name, int64_t count)
{
    caf::scoped_actor self{system};
    actor bench{self};
    int64_t rounds = share(count, 2 * pairs);
    auto took = measure(rounds, [&](int64_t rounds) {
        for (int i = 0; i < pairs; i++) {
            system.spawn(ping, rounds, bench);
        }
        await_done(self, pairs);
    });
    per_second(name, took, 2 * pairs * rounds);
}

// --- rings ---

struct node_state {
    actor next;
};

static behavior ring_node(caf::stateful_actor<node_state> *self, actor bench)
{
    return {
            [=](link_atom, const actor &next) { self->state.next = next; },
            [=](token_atom, int64_t left) {
                if (left == 1) {
                    self->send(bench, done_atom::value);
                } else {
                    self->send(self->state.next, token_atom::value, left - 1);
                }
            },
            [=](stop_atom) {
                self->state.next = nullptr;
                self->quit();
            },
    };
}

static void shuffle(std::vector<actor> &nodes)
{
    uint32_t seed = 42;
    for (size_t i = nodes.size() - 1; i > 0; i--) {
        seed = next_random(seed);
        std::swap(nodes[i], nodes[seed / 8 % (i + 1)]);
    }
}

// Sends tokens round a ring, one from each node that `step` divides.
static void run_ring(caf::actor_system &system, const std::string &name, int64_t count,
        size_t size, size_t step, bool in_order)
{
    caf::scoped_actor self{system};
    actor bench{self};
    std::vector<actor> nodes;
    for (size_t i = 0; i < size; i++) {
        nodes.push_back(system.spawn(ring_node, bench));
    }
    if (!in_order) {
        shuffle(nodes);
    }
    for (size_t i = 0; i < size; i++) {
        self->send(nodes[i], link_atom::value, nodes[(i + 1) % size]);
    }
    auto tokens = static_cast<int64_t>((size + step - 1) / step);
    int64_t hops = share(count, tokens);
    auto took = measure(hops, [&](int64_t hops) {
        for (size_t i = 0; i < size; i += step) {
            self->send(nodes[i], token_atom::value, hops);
        }
        await_done(self, tokens);
    });
    per_item(name, took, hops * tokens);
    for (auto &node : nodes) {
        self->send(node, stop_atom::value);
    }
}

void ring(caf::actor_system &system, const std::string &name, int64_t count)
{
    run_ring(system, name, count, ring_size, ring_size, true);
}

// Rings in random order with a token for every ten actors, so that the load grows with
// their number.
void growth(caf::actor_system &system, const std::string &name, int64_t count)
{
    for (int64_t size = 10; size <= std::min<int64_t>(count, 1000000); size *= 10) {
        run_ring(system, name + "_" + std::to_string(size), count,
                static_cast<size_t>(size), 10, false);
    }
}

// --- all to all ---

struct member_state {
    std::vector<actor> others;
    int64_t pings = 0; // still to come in this round
    int64_t pongs = 0;
};

static behavior member(caf::stateful_actor<member_state> *self, actor bench)
{
    auto finish = [=] {
        if (self->state.pings == 0 && self->state.pongs == 0) {
            self->send(bench, done_atom::value);
        }
    };
    return {
            [=](link_atom, const std::vector<actor> &all) {
                for (auto &one : all) {
                    if (one != self) {
                        self->state.others.push_back(one);
                    }
                }
            },
            [=](go_atom) {
                for (auto &other : self->state.others) {
                    self->send(other, ping_atom::value);
                }
                self->state.pings += big_size - 1;
                self->state.pongs += big_size - 1;
                finish();
            },
            [=](ping_atom) {
                self->state.pings--;
                finish();
                return pong_atom::value;
            },
            [=](pong_atom) {
                self->state.pongs--;
                finish();
            },
    };
}

void big(caf::actor_system &system, const std::string &name, int64_t count)
{
    caf::scoped_actor self{system};
    actor bench{self};
    int64_t per_round = 2 * big_size * (big_size - 1);
    int64_t rounds = share(count, per_round);
    std::vector<actor> all;
    for (int i = 0; i < big_size; i++) {
        all.push_back(system.spawn(member, bench));
    }
    for (auto &one : all) {
        self->send(one, link_atom::value, all);
    }
    auto took = measure(rounds, [&](int64_t rounds) {
        for (int64_t i = 0; i < rounds; i++) {
            for (auto &one : all) {
                self->send(one, go_atom::value);
            }
            await_done(self, big_size);
        }
    });
    per_second(name, took, per_round * rounds);
}

// --- broadcast ---

// One message a round, shared by all who get it.
static void publish(caf::event_based_actor *self, const std::vector<actor> &inboxes,
        int64_t rounds, const actor &bench)
{
    for (int64_t left = rounds - 1; left >= 0; left--) {
        auto news = caf::make_message(news_atom::value, std::string{"weather"},
                std::string{"sunny sunny sunny sunny sunny sunny sunny sunny "}, left,
                bench);
        for (auto &inbox : inboxes) {
            self->send(inbox, news);
        }
    }
}

void broadcast(caf::actor_system &system, const std::string &name, int64_t count)
{
    caf::scoped_actor self{system};
    actor bench{self};
    int64_t rounds = share(count, subscribers);
    std::vector<actor> inboxes;
    for (int i = 0; i < subscribers; i++) {
        inboxes.push_back(system.spawn(server));
    }
    auto took = measure(rounds, [&](int64_t rounds) {
        system.spawn([&inboxes, rounds, bench](caf::event_based_actor *publisher) {
            publish(publisher, inboxes, rounds, bench);
        });
        int i = 0;
        self->receive_for(i, subscribers)([=](done_atom, int64_t received) {
            check(received == rounds, "news received");
        });
    });
    per_item(name, took, rounds * subscribers);
}
