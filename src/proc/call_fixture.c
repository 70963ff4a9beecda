#include "call_fixture.h"

#include "process.h"

enum { MOST_DEFERRED = 256 };

struct call_server {
    size_t count;
    keel_from deferred[MOST_DEFERRED]; // the tags of calls on one node are immediate
};

static keel_next start(void *state, keel_term unused)
{
    (void)state, (void)unused;
    return keel_next_wait();
}

int64_t owed_by_self(void)
{
    int64_t count = 0;
    const struct kl_relation *at = kl_process_current()->relations;
    for (; at; at = at->next) {
        count += at->kind == KL_REL_OWED;
    }
    return count;
}

static keel_term time_left(void)
{
    keel_deadline deadline = keel_gen_deadline();
    return deadline.at == INT64_MAX ? keel_atom(never) : keel_int(deadline.at - keel_now());
}

static keel_next pass_on(keel_pid pid, keel_from from)
{
    CHECK_OK(keel_send(pid, keel_make("{passed, From}", keel_from_to_term(from))));
    return keel_next_wait();
}

static keel_next call_another(keel_pid pid, keel_term request, keel_from from)
{
    keel_term reply = keel_atom(none);
    keel_status status = keel_gen_call(keel_from_pid(pid), request, KEEL_NEVER, &reply);
    keel_gen_reply(from, keel_make("{Status, Reply}", (int)status, reply));
    return keel_next_wait();
}

static keel_next serve_call(
        struct call_server *server, keel_term request, const keel_from *from)
{
    keel_term term;
    keel_pid pid;
    if (keel_match(request, "{echo, Term}", &term)) {
        keel_gen_reply(*from, term);
    } else if (keel_is(request, defer)) {
        CHECK(server->count < MOST_DEFERRED);
        server->deferred[server->count++] = *from;
    } else if (keel_match(request, "{pass, Pid}", &pid)) {
        return pass_on(pid, *from);
    } else if (keel_match(request, "{'end', Reason}", &term)) {
        keel_exit(term);
    } else if (keel_match(request, "{leave, Reason}", &term)) {
        return keel_next_exit(term);
    } else if (keel_match(request, "{twice, Term}", &term)) {
        keel_gen_reply(*from, term);
        keel_gen_reply(*from, keel_make("{second, Term}", term));
    } else if (keel_is(request, left)) {
        keel_gen_reply(*from, time_left());
    } else if (keel_match(request, "{call, Pid, Term}", &pid, &term)) {
        return call_another(pid, term, *from);
    } else if (keel_is(request, owed)) {
        keel_gen_reply(*from, keel_int(owed_by_self()));
    } else {
        CHECK(keel_is(request, ignore));
    }
    return keel_next_wait();
}

static keel_next serve_cast(struct call_server *server, keel_term request)
{
    keel_term term;
    keel_pid pid;
    if (keel_match(request, "{reply_all, Term}", &term)) {
        while (server->count > 0) {
            keel_gen_reply(server->deferred[--server->count], term);
        }
    } else if (keel_match(request, "{tell, Pid}", &pid)) {
        keel_send(pid, keel_atom(told));
    } else if (keel_match(request, "{exit, Reason}", &term)) {
        return keel_next_exit(term);
    }
    return keel_next_wait();
}

static keel_next receive(void *state, const keel_message *message)
{
    switch (message->kind) {
    case KEEL_MESSAGE_CALL:
    case KEEL_MESSAGE_SYSTEM:
        return serve_call(state, message->body, &message->from);
    case KEEL_MESSAGE_CAST:
        return serve_cast(state, message->body);
    default:
        return keel_next_wait();
    }
}

const keel_handler call_server = {.name = "call_server",
        .state_bytes = sizeof(struct call_server),
        .start = start,
        .receive = receive};

keel_pid new_call_server_with(const keel_spawn_opts *opts)
{
    keel_pid pid;
    CHECK_OK(keel_spawn_handler(&call_server, KEEL_NONE, opts, &pid, NULL));
    return pid;
}

keel_pid new_call_server(void)
{
    return new_call_server_with(NULL);
}

keel_term call_ok(keel_pid server, keel_term request)
{
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_gen_call(keel_from_pid(server), request, SOON, &reply));
    return reply;
}

int64_t owed_by(keel_pid server)
{
    return keel_to_int(call_ok(server, keel_atom(owed)));
}

static keel_term act_call(keel_term argument)
{
    keel_term to, request, reply = keel_atom(none);
    keel_pid owner;
    int64_t limit;
    CHECK_TERM(argument, "{Owner, To, Request, Limit}", &owner, &to, &request, &limit);
    keel_deadline deadline = limit < 0 ? KEEL_NEVER : KEEL_IN(limit);
    keel_status status = keel_gen_call(to, request, deadline, &reply);
    CHECK_OK(keel_send(owner,
            keel_make("{outcome, Self, Status, Reply}", keel_self(), (int)status, reply)));
    return KEEL_NONE;
}

void start_call(keel_pid caller, keel_pid server, keel_term request, keel_duration limit)
{
    tell(caller, act_call,
            keel_make("{Owner, To, Request, Limit}", keel_self(), server, request, limit));
}

void await_waiting(keel_pid pid, keel_wait what)
{
    keel_process_view view;
    for (;;) {
        CHECK(keel_inspect_process(pid, &view));
        if (view.state == KEEL_STATE_WAITING && view.wait == what) {
            return;
        }
        keel_yield();
    }
}

keel_term act_answer(keel_term from_and_reply)
{
    keel_gen_reply(keel_from_of_term(keel_element(from_and_reply, 0)),
            keel_element(from_and_reply, 1));
    return KEEL_NONE;
}
