#ifndef KL_OTP_START_H
#define KL_OTP_START_H

#include <keel/start.h>
#include <keel/via.h>

// How the behaviours of this room start: names of every kind, the argument that travels
// into the new process, the outcome as a keel_started. The story of a start:
//
//   starter                              child
//   kl_start ── keel_gen_start ────────▸ handler->start(state, argument)
//                                        kl_start_unpack, kl_start_take_name, init …
//   keel_started ◂── ack ─────────────── keel_gen_ack(ok)
//                ◂── fail ────────────── kl_start_fail(info, result, reason)

enum kl_start_kind { KL_START_ALONE, KL_START_LINKED, KL_START_MONITORED };

// A name, taken apart.
struct kl_name {
    enum { KL_NAME_NONE, KL_NAME_LOCAL, KL_NAME_VIA, KL_NAME_BAD } kind;
    keel_term local; // the atom
    keel_term module, key; // of via and global
    const keel_via_ops *via;
};
struct kl_name kl_name_parse(keel_term name);

// What a start takes into the new process.
struct kl_start_info {
    const void *module; // of callbacks
    keel_term argument; // of init
    keel_term name; // {via, …} or {global, …}, else none: a local name is given by the
                    // runtime
    keel_term debug; // a list, or none
    keel_duration hibernate_after; // 0: never
};

// Starts a process of `handler` for `module`.
keel_started kl_start(const keel_handler *handler, const void *module,
        const keel_start_opts *opts, enum kl_start_kind kind);
// In the child: reads the argument of handler->start.
struct kl_start_info kl_start_unpack(keel_term argument);
// In the child: takes the via name, or ends with already_started.
void kl_start_take_name(const struct kl_start_info *info);
// In the child: gives the via name back and ends; `result` is what the start returns:
// {error, Reason} or ignore.
_Noreturn void kl_start_fail(keel_term name, keel_term result, keel_term reason);
// Gives a via name back, so that it is free before anybody hears of the end.
void kl_start_drop_name(keel_term name);

// For a process that turns itself into a behaviour: it exits unless `name` (or none) is its
// own and it was started under proc_lib's lines.
void kl_start_check_entry(keel_term name);

// A handler whose state holds `bytes` and that inspection calls "name:init/1". Each module
// has its own, made when it is first started, and kept for good. NULL: no memory.
const keel_handler *kl_start_handler(
        const void *module, const char *name, size_t bytes, const keel_handler *pattern);

// The name a process is known by in reports: its via or global name's last part, its
// registered name, else its pid.
keel_term kl_start_shown_name(keel_term name);

// The module that the handler with this very name was made from, or NULL.
const void *kl_start_module_of(const char *entry);

#endif // KL_OTP_START_H
