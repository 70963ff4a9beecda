#ifndef KL_OTP_SERVER_H
#define KL_OTP_SERVER_H

#include <keel/gen_server.h>
#include <keel/sys.h>

// What the files of gen_server share. The server's own state lies behind struct kl_server.

// What the server does now; also says what its last message was.
enum kl_doing {
    KL_DOING_INIT,
    KL_DOING_CALL,
    KL_DOING_CAST,
    KL_DOING_INFO,
    KL_DOING_TIMEOUT,
    KL_DOING_CONTINUE,
    KL_DOING_SYSTEM,
    KL_DOING_PARENT_EXIT,
};

// How far the end has come. A failure in one stage goes on with the next one, so that a
// crashing terminate or format_status is heard of and the end is reached all the same.
enum kl_ending { KL_RUNS, KL_SHOWS_STATE, KL_TERMINATES, KL_REPORTS };

struct kl_server {
    const keel_gen_server *module;
    void *state; // the module's
    keel_sys sys;
    struct kl_server_more *more; // what few servers have
    keel_term body; // of the message being handled
    keel_from from; // of the call being handled
    int64_t time; // of the wait: a duration or a point, as `then` says
    keel_term extra; // kept: the wait's message, or the argument of continue
    uint8_t doing; // enum kl_doing
    uint8_t then; // KEEL_THEN_…: what the wait is for
    uint8_t ending; // enum kl_ending
    bool hibernate;
    bool linked; // to its parent
};

// Memory of the process, made when needed.
struct kl_server_more {
    keel_term name; // kept: {via, …} or {global, …}
    keel_duration hibernate_after;
    // while it ends; these lie in the memory of the callback
    keel_term reason;
    keel_term shown; // the state as it was before terminate
    keel_term reply; // of stop_with_reply
};

// The server's state starts at a multiple of 16.
#define KL_SERVER_BYTES ((sizeof(struct kl_server) + 15) / 16 * 16)

// --- gen_server.c ---
struct kl_server_more *kl_server_more(struct kl_server *self);
keel_next kl_server_wait(struct kl_server *self);

// --- gen_server_end.c ---
// Terminates: shows the state, calls terminate, reports, replies, ends. `reply` may be
// none.
keel_next kl_server_end(struct kl_server *self, keel_term reason, keel_term reply);
// The handler's `failed`.
keel_next kl_server_failed(
        void *memory, keel_term reason, const keel_message *message);
// {undef, [{Module, Callback, Arity, []}]}: a callback is missing.
keel_term kl_server_undef(
        const keel_gen_server *module, const char *callback, unsigned arity, keel_term why);
// The message being handled, as it stands in reports.
keel_term kl_server_last_message(const struct kl_server *self);

// --- gen_server_sys.c ---
extern const keel_sys_ops kl_server_sys;
keel_term kl_server_state_term(const struct kl_server *self);
// The status through format_status: #{state, message, reason, log}; terms may be none.
keel_term kl_server_format_status(const struct kl_server *self, keel_term state,
        keel_term message, keel_term reason, keel_term log);
// --- gen_server_change.c ---
// Runs the module's code_change; the state is as before unless it returns ok.
keel_term kl_server_change(struct kl_server *self, keel_term old_version, keel_term extra);
// The same with another module, whose layout the state takes on.
keel_term kl_server_upgrade(
        struct kl_server *self, const keel_gen_server *to, keel_term extra);

// Tells the debug functions; call only while there are any.
void kl_server_event_in(struct kl_server *self);
void kl_server_event_out(struct kl_server *self, keel_term reply);

#endif // KL_OTP_SERVER_H
