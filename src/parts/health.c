// Health checkers.

#include "errand.h"
#include "options.h"

#include <keel/parts/health.h>
#include <keel/pubsub.h>
#include <keel/timer.h>

struct service {
    struct service *next;
    uint64_t id; // what messages about it carry: its name may come and go
    keel_term name, target; // kept
    keel_term status; // an atom
    keel_term reason; // of the last failure; kept
    unsigned failures; // in a row
    int64_t response_us; // of the last check that went well; -1: none did
    int64_t last_check; // milliseconds since 1970; -1: none
    int64_t due; // when the check under way, or the last, was due
    keel_pid checker; // none: no check is under way
};

struct state {
    keel_health_opts opts; // pubsub kept
    struct service *services;
    uint64_t last_id, checks, failures;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);

static const keel_gen_server health_server = {
        .name = "health",
        .state = KEEL_STATE(struct state, last_id, checks, failures),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};
static const struct kl_options layout = KL_OPTIONS(keel_health_opts,
        offsetof(keel_health_opts, name), offsetof(keel_health_opts, pubsub));

// --- clients ---

keel_started keel_health_start_link_opt(const keel_health_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_health_opts){0};
    if (opts->every < 0 || opts->timeout < 0) {
        keel_term option = opts->every < 0 ? keel_atom(every) : keel_atom(timeout);
        return (keel_started){.status = KEEL_E_BADARG,
                .reason = keel_tuple_of(keel_atom(badarg), option)};
    }
    return keel_gen_server_start_link(
            &health_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_health_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_health_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_health_spec(const keel_health_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_health_opts){0};
    return (keel_child_spec){
            .id = keel_is_none(opts->name) ? keel_atom(health) : opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts)};
}

keel_status keel_health_add_term(keel_term health, keel_term name, keel_term target)
{
    if (keel_is_none(name) || keel_is_none(target)) {
        return KEEL_E_BADARG;
    }
    keel_term reply;
    keel_status status = keel_call(
            health, keel_make("{add, Name, Target}", name, target), &reply);
    return status == KEEL_OK && keel_is(reply, taken) ? KEEL_E_TAKEN : status;
}

keel_status keel_health_remove_term(keel_term health, keel_term name)
{
    keel_term reply;
    return keel_call(health, keel_make("{remove, Name}", kl_some(name)), &reply);
}

static keel_term ask(keel_term health, keel_term request)
{
    keel_term reply;
    return keel_call(health, request, &reply) == KEEL_OK ? reply : KEEL_NONE;
}

keel_term keel_health_status_term(keel_term health)
{
    return ask(health, keel_atom(status));
}

keel_term keel_health_status_of_term(keel_term health, keel_term name)
{
    keel_term reply = ask(health, keel_make("{status, Name}", kl_some(name)));
    return keel_is_map(reply) ? reply : KEEL_NONE;
}

keel_term keel_health_stats_term(keel_term health)
{
    return ask(health, keel_atom(stats));
}

// --- checking ---

// The errand of {Probe, Target, Timeout}: {ok, Microseconds} or {error, Reason}.
static keel_term probe(keel_term plan)
{
    keel_health_probe run = keel_to_function(keel_health_probe, keel_element(plan, 0));
    keel_term reason = KEEL_NONE;
    int64_t start = kl_clock();
    keel_status status = run(
            keel_element(plan, 1), keel_to_int(keel_element(plan, 2)), &reason);
    if (status == KEEL_OK) {
        return keel_make("{ok, Time}", (kl_clock() - start) / KEEL_US(1));
    }
    return keel_make("{error, Reason}",
            keel_is_none(reason) ? keel_string(keel_status_text(status)) : reason);
}

static void start_check(struct state *state, struct service *service)
{
    enum { STACK = 256 * 1024 }; // what libraries for TLS are used to
    keel_term plan = keel_tuple_of(keel_function(state->opts.probe), service->target,
            keel_int(state->opts.timeout));
    service->checker = kl_errand_start_on(
            STACK, "health:probe", probe, plan, keel_uint(service->id));
    state->checks++;
    keel_send_after(state->opts.timeout + KEEL_SECONDS(1), keel_self(),
            keel_make("{late, Checker}", service->checker));
}

// A check that is not over when the next one is due has that one left out, as periodic
// tasks do: those of a service that hangs would pile up.
static void check(struct state *state, struct service *service)
{
    if (service->checker.word == 0) {
        start_check(state, service);
    }
    int64_t late = kl_clock() - service->due;
    service->due += (late / state->opts.every + 1) * state->opts.every;
    keel_send_at(keel_deadline_at(service->due), keel_from_pid(keel_self()),
            keel_make("{due, Id}", service->id));
}

static void set_status(struct state *state, struct service *service, keel_term status)
{
    keel_term old = service->status;
    service->status = status;
    if (old.word != status.word && keel_is_atom(state->opts.pubsub)) {
        keel_pubsub_broadcast(state->opts.pubsub, keel_atom(health),
                keel_make("{health, Service, Old, New}", service->name, old, status));
    }
}

static void judge(struct state *state, struct service *service, keel_term outcome)
{
    service->checker = (keel_pid){0};
    service->last_check = keel_system_time() / KEEL_MS(1);
    keel_term reason;
    if (keel_match(outcome, "{ok, Time}", &service->response_us)) {
        service->failures = 0;
        keel_set(&service->reason, keel_atom(none));
        set_status(state, service, keel_atom(healthy));
    } else if (keel_match(outcome, "{error, Reason}", &reason)) {
        service->failures++;
        state->failures++;
        keel_set(&service->reason, reason);
        bool many = service->failures >= state->opts.max_failures;
        set_status(state, service, many ? keel_atom(critical) : keel_atom(degraded));
    }
}

// --- services ---

static struct service *find_id(struct state *state, uint64_t id)
{
    struct service *service = state->services;
    while (service != NULL && service->id != id) {
        service = service->next;
    }
    return service;
}

static struct service **find_name(struct state *state, keel_term name)
{
    struct service **at = &state->services;
    while (*at != NULL && !keel_equal((*at)->name, name)) {
        at = &(*at)->next;
    }
    return at;
}

static keel_term add(struct state *state, keel_term name, keel_term target)
{
    struct service **at = find_name(state, name);
    if (*at != NULL) {
        return keel_atom(taken);
    }
    struct service *service = keel_alloc(sizeof *service);
    *service = (struct service){.id = ++state->last_id,
            .name = keel_keep(name),
            .target = keel_keep(target),
            .status = keel_atom(unknown),
            .reason = keel_atom(none),
            .response_us = -1,
            .last_check = -1,
            .due = kl_clock()};
    *at = service;
    check(state, service);
    return keel_atom(ok);
}

static void remove_service(struct state *state, keel_term name)
{
    struct service **at = find_name(state, name);
    struct service *service = *at;
    if (service != NULL) {
        *at = service->next;
        keel_drop(service->name);
        keel_drop(service->target);
        keel_drop(service->reason);
        keel_free(service);
    }
}

static keel_term known(int64_t value)
{
    return value < 0 ? keel_atom(none) : keel_int(value);
}

static keel_term status_of(const struct service *service)
{
    return keel_make("#{status => S, target => T, failures => F, reason => R,"
                     " response_us => U, last_check => L}",
            service->status, service->target, service->failures, service->reason,
            known(service->response_us), known(service->last_check));
}

static keel_term all_of(const struct state *state)
{
    keel_term all = keel_make("#{}");
    for (struct service *service = state->services; service != NULL;
            service = service->next) {
        all = keel_map_put(all, service->name, status_of(service));
    }
    return all;
}

static keel_term stats_of(const struct state *state)
{
    int64_t services = 0, healthy = 0, degraded = 0, critical = 0;
    for (struct service *service = state->services; service != NULL;
            service = service->next) {
        services++;
        healthy += keel_is(service->status, healthy);
        degraded += keel_is(service->status, degraded);
        critical += keel_is(service->status, critical);
    }
    return keel_make("#{kind => health, services => N, healthy => H, degraded => D,"
                     " critical => C, checks => K, failures => F}",
            services, healthy, degraded, critical, state->checks, state->failures);
}

// --- callbacks ---

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    kl_options_unpack(&layout, argument, &state->opts);
    keel_health_opts *opts = &state->opts;
    opts->name = KEEL_NONE;
    opts->pubsub = keel_keep(kl_some(opts->pubsub));
    opts->every = kl_or(opts->every, KEEL_SECONDS(30));
    opts->timeout = kl_or(opts->timeout, KEEL_SECONDS(5));
    opts->max_failures = (unsigned)kl_or(opts->max_failures, 3);
    opts->probe = opts->probe == NULL ? keel_health_http : opts->probe;
    keel_trap_exit(true);
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    (void)from;
    struct state *state = at;
    keel_term name, target;
    if (keel_is(request, status)) {
        return keel_reply(all_of(state));
    }
    if (keel_is(request, stats)) {
        return keel_reply(stats_of(state));
    }
    if (keel_match(request, "{status, Name}", &name)) {
        struct service *service = *find_name(state, name);
        return keel_reply(service == NULL ? keel_atom(none) : status_of(service));
    }
    if (keel_match(request, "{add, Name, Target}", &name, &target)) {
        return keel_reply(add(state, name, target));
    }
    if (keel_match(request, "{remove, Name}", &name)) {
        remove_service(state, name);
        return keel_reply(keel_atom(ok));
    }
    return keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_term tag, value;
    keel_status status;
    keel_pid checker;
    uint64_t id;
    if (kl_errand_ended(message, &tag, &status, &value)) {
        struct service *service = find_id(state, (uint64_t)keel_to_int(tag));
        if (service != NULL) {
            keel_term outcome = status == KEEL_OK ? value
                                                  : keel_make("{error, Reason}", value);
            judge(state, service, outcome);
        }
    } else if (keel_match(message, "{due, Id}", &id)) {
        struct service *service = find_id(state, id);
        if (service != NULL) {
            check(state, service);
        }
    } else if (keel_match(message, "{late, Checker}", &checker)) {
        keel_process_exit(checker, keel_atom(kill)); // it has ended long ago, mostly
    } else if (!keel_match(message, "{'EXIT', _, _}")) {
        return keel_unexpected(message);
    }
    return keel_noreply();
}
