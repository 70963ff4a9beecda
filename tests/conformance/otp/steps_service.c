// Steps on agents, registries, publish/subscribe and partitions.

#include "fixture.h"

// --- agents ---

static keel_term agent_put(keel_term state, keel_term value)
{
    (void)state;
    return value;
}

// The sum of two integers of 64 bits and one sign, of which it takes one bit more.
static keel_term wide_sum(int64_t left, int64_t right)
{
    bool negative = left < 0;
    uint64_t a = negative ? 0 - (uint64_t)left : (uint64_t)left;
    uint64_t sum = a + (negative ? 0 - (uint64_t)right : (uint64_t)right);
    uint8_t bytes[sizeof sum + 1];
    for (size_t i = 0; i < sizeof sum; i++) {
        bytes[i] = (uint8_t)(sum >> 8 * i);
    }
    bytes[sizeof sum] = sum < a;
    return keel_int_from_bytes(negative, bytes, sizeof bytes);
}

static bool is_number(keel_term term, double *ret_value)
{
    int64_t integer;
    bool known = keel_get_int(term, &integer);
    *ret_value = known ? (double)integer : keel_to_float(term);
    return known || keel_is_float(term);
}

// As Erlang's + for floats and integers of 64 bits.
static keel_term agent_add(keel_term state, keel_term number)
{
    int64_t left, right;
    if (keel_get_int(state, &left) && keel_get_int(number, &right)) {
        int64_t sum;
        return __builtin_add_overflow(left, right, &sum) ? wide_sum(left, right)
                                                         : keel_int(sum);
    }
    double a, b;
    if (!is_number(state, &a) || !is_number(number, &b)) {
        keel_error(keel_atom(badarith));
    }
    return keel_float(a + b);
}

static keel_term agent_get_add(keel_term state, keel_term number)
{
    return keel_tuple_of(state, agent_add(state, number));
}

static keel_term agent_sleep(keel_term state, keel_term milliseconds)
{
    (void)state;
    keel_sleep(script_time(milliseconds));
    return keel_atom(ok);
}

static keel_term agent_exit(keel_term state, keel_term reason)
{
    (void)state;
    keel_exit(reason);
}

// What to ask an agent for {Operation, Argument}; KEEL_NONE: an unknown one.
static keel_term agent_request(keel_term operation)
{
    keel_term argument;
    if (keel_is(operation, get)) {
        return keel_agent_request(KEEL_AGENT_GET, keel_agent_state, keel_nil());
    }
    if (keel_match(operation, "{put, Value}", &argument)) {
        return keel_agent_request(KEEL_AGENT_UPDATE, agent_put, argument);
    }
    if (keel_match(operation, "{add, Number}", &argument)) {
        return keel_agent_request(KEEL_AGENT_UPDATE, agent_add, argument);
    }
    if (keel_match(operation, "{get_add, Number}", &argument)) {
        return keel_agent_request(KEEL_AGENT_GET_AND_UPDATE, agent_get_add, argument);
    }
    if (keel_match(operation, "{sleep, Ms}", &argument)) {
        return keel_agent_request(KEEL_AGENT_GET, agent_sleep, argument);
    }
    if (keel_match(operation, "{exit, Reason}", &argument)) {
        return keel_agent_request(KEEL_AGENT_UPDATE, agent_exit, argument);
    }
    return KEEL_NONE;
}

static keel_term ask_agent(const keel_term *arguments)
{
    keel_term number;
    if (keel_match(arguments[1], "{cast_add, Number}", &number)) {
        keel_agent_cast(arguments[0], agent_add, number);
        return keel_atom(ok);
    }
    return keel_call_or_exit_within(
            arguments[0], agent_request(arguments[1]), script_time(arguments[2]));
}

static void agent(struct outcome *outcome, const keel_term *arguments)
{
    keel_term number;
    bool known = keel_match(arguments[1], "{cast_add, Number}", &number) ||
                 !keel_is_none(agent_request(arguments[1]));
    if (known) {
        outcome->value = script_attempt(ask_agent, arguments);
    } else {
        outcome->value = outcome->answer = script_unsupported();
        outcome->reply = REPLY_TERM;
    }
}

// --- registries ---

static void enter(struct outcome *outcome, const keel_term *arguments)
{
    keel_pid owner = keel_self();
    keel_status status = keel_registry_register(
            arguments[0], arguments[1], arguments[2], &owner);
    outcome->value = status == KEEL_E_TAKEN
                             ? keel_make("{error, {already_registered, Pid}}", owner)
                             : keel_make("{ok, Pid}", keel_self());
}

static void withdraw(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_registry_unregister(arguments[0], arguments[1]);
}

static void lookup(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = keel_registry_lookup(arguments[0], arguments[1]);
}

static void keys(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = keel_registry_keys_of(arguments[0], keel_to_pid(arguments[1]));
}

static void count(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = keel_int((int64_t)keel_registry_count(arguments[0]));
}

static void send_to_each(keel_term entries, void *context)
{
    const keel_term *message = context;
    keel_term entry;
    while (keel_list_next(&entries, &entry)) {
        keel_send(keel_element(entry, 0), *message);
    }
}

static void dispatch(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_term message = arguments[2];
    keel_registry_dispatch(arguments[0], arguments[1], send_to_each, &message);
}

// --- publish/subscribe ---

static void subscribe(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_pubsub_subscribe(arguments[0], arguments[1]);
}

static void unsubscribe(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_pubsub_unsubscribe(arguments[0], arguments[1]);
}

static void broadcast(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_pubsub_broadcast(arguments[0], arguments[1], arguments[2]);
}

static void broadcast_from(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_pubsub_broadcast_from(arguments[0], keel_self(), arguments[1], arguments[2]);
}

// --- partitions ---

static void partition(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = keel_server_whereis(keel_partition(arguments[0], arguments[1]));
}

const struct step service_steps[] = {
        {"agent", 3, agent},
        {"register", 3, enter},
        {"unregister", 2, withdraw},
        {"lookup", 2, lookup},
        {"keys", 2, keys},
        {"count", 1, count},
        {"dispatch", 3, dispatch},
        {"subscribe", 2, subscribe},
        {"unsubscribe", 2, unsubscribe},
        {"broadcast", 3, broadcast},
        {"broadcast_from", 3, broadcast_from},
        {"partition", 2, partition},
        {NULL, 0, NULL},
};
