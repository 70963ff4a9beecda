#include "bench.hpp"

behavior server(caf::stateful_actor<server_state> *self)
{
    return {
            [](next_atom, int64_t number) { return number + 1; },
            [=](sum_atom) {
                int64_t sum = self->state.sum;
                self->state.sum = 0;
                return sum;
            },
            [=](add_atom, int64_t number) { self->state.sum += number; },
            [=](data_atom, const std::string &bytes) {
                self->state.sum += static_cast<int64_t>(bytes.size());
            },
            [=](const order &order) { self->state.sum += order.words[0]; },
            [=](news_atom, const std::string &, const std::string &, int64_t left,
                    const actor &publisher) {
                self->state.sum++;
                if (left == 0) {
                    self->send(publisher, done_atom::value, self->state.sum);
                    self->state.sum = 0;
                }
            },
    };
}
