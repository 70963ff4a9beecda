#include "global_resolve.h"
#include "base/base.h"
#include "global.h"
#include "term/term.h"
#include <keel/rpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- OTP's three ---

// The one on the node with the lesser name stays, so that all decide the same.
static bool second_stays(keel_pid first, keel_pid second)
{
    return keel_compare(kl_global_node_of(keel_from_pid(first)),
                   kl_global_node_of(keel_from_pid(second))) >= 0;
}

keel_pid keel_global_random_exit(keel_term name, keel_pid first, keel_pid second)
{
    bool second_is = second_stays(first, second);
    keel_pid gone = second_is ? first : second;
    kl_log(KL_LOG_INFO, "global: two had the name %s: %s is killed", keel_show(name),
            keel_show(keel_from_pid(gone)));
    keel_process_exit(gone, keel_atom(kill));
    return second_is ? second : first;
}

keel_pid keel_global_random_notify(keel_term name, keel_pid first, keel_pid second)
{
    bool second_is = second_stays(first, second);
    keel_send(second_is ? first : second, keel_make("{global_name_conflict, Name}", name));
    return second_is ? second : first;
}

keel_pid keel_global_notify_all(keel_term name, keel_pid first, keel_pid second)
{
    keel_send(first, keel_make("{global_name_conflict, Name, Other}", name, second));
    keel_send(second, keel_make("{global_name_conflict, Name, Other}", name, first));
    return (keel_pid){0};
}

// --- functions and funs ---

// A program's own resolvers have numbers: a function's address never goes on the wire.
struct numbered {
    struct numbered *next;
    keel_global_resolver resolver;
    int number;
};

static struct kl_lock lock;
static struct numbered *all; // guarded by the lock; only ever grows

static int number_of(keel_global_resolver resolver)
{
    kl_lock_take(&lock);
    struct numbered *found = all;
    while (found != NULL && found->resolver != resolver) {
        found = found->next;
    }
    if (found == NULL && (found = kl_alloc(sizeof *found)) != NULL) {
        *found = (struct numbered){all, resolver, all == NULL ? 1 : all->number + 1};
        all = found;
    }
    kl_lock_give(&lock);
    return found == NULL ? 0 : found->number;
}

static keel_term fun_of_otp(const char *name)
{
    keel_term atom;
    return keel_atom_from(name, strlen(name), &atom) == KEEL_OK
                   ? keel_export(keel_atom(global), atom, 3)
                   : KEEL_NONE;
}

static keel_term fun_of_number(int number)
{
    char name[32];
    keel_term atom;
    int size = snprintf(name, sizeof name, "resolver_%d", number);
    return keel_atom_from(name, (size_t)size, &atom) == KEEL_OK
                   ? keel_export(keel_atom(keel), atom, 3)
                   : KEEL_NONE;
}

keel_term kl_global_otp_method_of(keel_global_resolver resolver)
{
    if (resolver == NULL || resolver == keel_global_random_exit) {
        return fun_of_otp("random_exit_name");
    }
    if (resolver == keel_global_random_notify) {
        return fun_of_otp("random_notify_name");
    }
    if (resolver == keel_global_notify_all) {
        return fun_of_otp("notify_all_name");
    }
    return KEEL_NONE;
}

keel_term kl_global_method_of(keel_global_resolver resolver)
{
    keel_term method = kl_global_otp_method_of(resolver);
    if (!keel_is_none(method)) {
        return method;
    }
    int number = number_of(resolver);
    return number == 0 ? KEEL_NONE : fun_of_number(number);
}

// A fun that is none of ours can be met where another node gave the name to a process of
// this one. It cannot be called here; OTP's usual one stands in.
static keel_global_resolver resolver_of(keel_term method)
{
    if (keel_equal(method, fun_of_otp("random_notify_name"))) {
        return keel_global_random_notify;
    }
    if (keel_equal(method, fun_of_otp("notify_all_name"))) {
        return keel_global_notify_all;
    }
    kl_lock_take(&lock);
    const struct numbered *at = all;
    kl_lock_give(&lock);
    while (at != NULL && !keel_equal(method, fun_of_number(at->number))) {
        at = at->next;
    }
    return at == NULL ? keel_global_random_exit : at->resolver;
}

static void run_resolver(void *context)
{
    keel_term *arguments_and_result = context, method, name, first, second;
    if (!keel_match(arguments_and_result[0], "[Method, Name, First, Second]", &method,
                &name, &first, &second) ||
            !keel_is_pid(first) || !keel_is_pid(second)) {
        keel_exit(keel_atom(badarg));
    }
    keel_pid stays = resolver_of(method)(name, keel_to_pid(first), keel_to_pid(second));
    arguments_and_result[1] = stays.word == 0 ? keel_atom(none) : keel_from_pid(stays);
}

// A resolver that fails gives {'EXIT', Reason}: the other node's process stays.
static keel_term resolve_it(keel_term arguments)
{
    keel_term both[2] = {arguments, KEEL_NONE}, reason;
    return keel_try(run_resolver, both, &reason) == KEEL_OK
                   ? both[1]
                   : keel_make("{'EXIT', Reason}", reason);
}

keel_status kl_global_resolve_allow(void)
{
    return keel_rpc_allow(keel_atom(global), keel_atom(resolve_it), resolve_it);
}

// --- the clashes of two nodes ---

static keel_term ask_owner(keel_term owner, keel_term arguments)
{
    return owner.word == keel_node_self().word
                   ? resolve_it(arguments)
                   : keel_rpc_call(owner, keel_atom(global), keel_atom(resolve_it),
                             arguments, KEEL_NEVER);
}

static void resolve_one(keel_term clash, keel_term *ops, keel_term *resolved)
{
    keel_term name = keel_element(clash, 0), his = keel_element(clash, 1);
    keel_term ours = keel_element(clash, 3);
    keel_term result = ask_owner(
            kl_global_node_of(ours), keel_list_of(keel_element(clash, 4), name, his, ours));
    keel_term he = keel_make(
            "{insert, {Name, Pid, Method}}", name, his, keel_element(clash, 2));
    if (keel_equal(result, ours)) {
        *resolved = keel_cons(keel_make("{insert, {Name, Pid, Method}}", name, ours,
                                      keel_element(clash, 4)),
                *resolved);
    } else if (keel_equal(result, his) || keel_match(result, "{badrpc, _}") ||
               keel_match(result, "{'EXIT', _}")) {
        *ops = keel_cons(he, *ops);
    } else {
        keel_term gone = keel_make("{delete, Name}", name);
        *ops = keel_cons(gone, *ops);
        *resolved = keel_cons(gone, *resolved);
    }
}

void kl_global_resolve(keel_term task)
{
    keel_term node, tag, clashes, ops, clash, resolved = keel_nil();
    if (!keel_match(task, "[Node, Tag, Clashes, Ops]", &node, &tag, &clashes, &ops)) {
        return;
    }
    while (keel_list_next(&clashes, &clash)) {
        resolve_one(clash, &ops, &resolved);
    }
    keel_gen_cast(keel_atom(global_name_server),
            keel_make(
                    "{exchange_ops, Node, Tag, Ops, Resolved}", node, tag, ops, resolved));
}
