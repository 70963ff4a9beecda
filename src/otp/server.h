#ifndef KL_OTP_SERVER_H
#define KL_OTP_SERVER_H

#include <keel/gen_server.h>
#include <keel/sys.h>

// What the files of gen_server share. There may be a million servers, so what each of them
// holds is 32 bytes; the module's own state lies behind.

// How far the end has come. A failure in one stage goes on with the next one, so that a
// crashing terminate or format_status is heard of and the end is reached all the same.
enum kl_ending { KL_RUNS, KL_SHOWS_STATE, KL_TERMINATES, KL_REPORTS };

struct kl_server {
    const keel_gen_server *module;
    struct kl_server_more *more; // what not every server has
    keel_sys sys; // its own bytes: enum kl_server_byte
};

// The bytes of `sys.own`.
enum kl_server_byte {
    KL_SERVER_THEN, // KEEL_THEN_…: what it waits for, or continues with
    KL_SERVER_HIBERNATES,
    KL_SERVER_ENDING, // enum kl_ending
};

// Memory of the process, made when it is first needed.
struct kl_server_more {
    void *state; // the module's, when a change of code has moved it
    keel_term name; // kept: {via, …} or {global, …}
    keel_duration hibernate_after; // 0: never
    int64_t time; // of the wait: a duration or a point, as KL_SERVER_THEN says
    keel_term extra; // kept: the wait's message, or the argument of continue
    // while it ends; these lie in the memory of the callback
    keel_term reason;
    keel_term shown; // the state as it was before terminate
    keel_term reply; // of stop_with_reply
};

// The module's state starts at a multiple of 16.
#define KL_SERVER_BYTES ((sizeof(struct kl_server) + 15) / 16 * 16)

static inline void *kl_server_state(const struct kl_server *self)
{
    const struct kl_server_more *more = self->more;
    return more != NULL && more->state != NULL ? more->state
                                               : (char *)(uintptr_t)self + KL_SERVER_BYTES;
}

// --- gen_server.c ---
struct kl_server_more *kl_server_more(struct kl_server *self);
keel_next kl_server_wait(struct kl_server *self);
// The end of a wait: the timeout or message that a callback asked for.
bool kl_server_is_wake(const struct kl_server *self, const keel_message *message);
// What a message means to the server: the argument of its callback.
keel_term kl_server_body(const struct kl_server *self, const keel_message *message);

// --- gen_server_end.c ---
// Terminates: shows the state, calls terminate, reports, replies, ends. `message` is what
// was being handled; `reply` may be none.
keel_next kl_server_end(struct kl_server *self, const keel_message *message,
        keel_term reason, keel_term reply);
// The handler's `failed`.
keel_next kl_server_failed(void *memory, keel_term reason, const keel_message *message);
// {undef, [{Module, Callback, Arity, []}]}: a callback is missing.
keel_term kl_server_undef(
        const keel_gen_server *module, const char *callback, unsigned arity, keel_term why);
// The message as it stands in reports and events.
keel_term kl_server_shown_message(
        const struct kl_server *self, const keel_message *message);

// --- gen_server_sys.c ---
extern const keel_sys_ops kl_server_sys;
keel_term kl_server_state_term(const struct kl_server *self);
// The status through format_status: #{state, message, reason, log}; terms may be none.
keel_term kl_server_format_status(const struct kl_server *self, keel_term state,
        keel_term message, keel_term reason, keel_term log);
// Tells the debug functions; call only while there are any.
void kl_server_event_in(struct kl_server *self, const keel_message *message);
void kl_server_event_out(struct kl_server *self, keel_from from, keel_term reply);

// --- gen_server_change.c ---
// Runs the module's code_change; the state is as before unless it returns ok.
keel_term kl_server_change(struct kl_server *self, keel_term old_version, keel_term extra);
// The same with another module, whose layout the state takes on.
keel_term kl_server_upgrade(
        struct kl_server *self, const keel_gen_server *to, keel_term extra);

#endif // KL_OTP_SERVER_H
