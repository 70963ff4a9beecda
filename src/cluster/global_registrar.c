// The registrar: changes of names, one at a time, each under the lock on `global` on all
// nodes that are known. {change, What, Name, Pid, Method, From}: register, re_register or
// unregister, asked for by From, who gets yes, no or ok.

#include "base/base.h"
#include "global.h"
#include "term/term.h"

static keel_term known_nodes(void)
{
    keel_term known;
    return kl_global_ask(keel_atom(get_known), &known) == KEEL_OK ? known : keel_nil();
}

static bool is_still_known(keel_term nodes)
{
    keel_term known = known_nodes(), node;
    while (keel_list_next(&known, &node)) {
        if (!keel_list_member(node, nodes)) {
            return false;
        }
    }
    return true;
}

// Returns the nodes it is locked on. Whoever becomes known meanwhile is locked, too.
static keel_term lock_known(keel_term id)
{
    for (int times = 0;; times++) {
        keel_term nodes = keel_cons(keel_node_self(), known_nodes());
        keel_term boss = keel_list_of(kl_global_boss(nodes));
        if (keel_global_lock(id, boss, 0) == KEEL_OK) {
            if (keel_global_lock(id, nodes, 0) == KEEL_OK) {
                if (is_still_known(nodes)) {
                    return nodes;
                }
                kl_global_unlock_all(id, nodes);
            }
            keel_global_unlock(id, boss);
        }
        kl_global_pause(times);
    }
}

// All at once; nodes that do not answer do not count.
static void ask_all(keel_term nodes, keel_term request)
{
    size_t count = 0;
    keel_term node, reply;
    if (!keel_list_length(nodes, &count) || count == 0) {
        return;
    }
    keel_ref *asked = keel_alloc(count * sizeof *asked);
    for (size_t i = 0; keel_list_next(&nodes, &node); i++) {
        asked[i] = keel_gen_send_request(kl_global_server_on(node), request);
    }
    for (size_t i = 0; i < count; i++) {
        keel_status status = keel_gen_receive_response(asked[i], KEEL_NEVER, &reply);
        (void)status;
    }
    keel_free(asked);
}

static keel_term change(
        keel_term what, keel_term name, keel_term pid, keel_term method, keel_term nodes)
{
    keel_term free;
    if (keel_is(what, unregister)) {
        ask_all(nodes, keel_make("{unregister, Name}", name));
        return keel_atom(ok);
    }
    if (keel_is(what, register) &&
            (kl_global_ask(keel_make("{keel, may_register, Name, Pid}", name, pid),
                     &free) != KEEL_OK ||
                    !keel_is(free, true))) {
        return keel_atom(no);
    }
    ask_all(nodes, keel_make("{register, Name, Pid, Method}", name, pid, method));
    return keel_atom(yes);
}

void kl_global_registrar(keel_term unused)
{
    (void)unused;
    keel_term id = keel_keep(keel_tuple_of(keel_atom(global), keel_from_pid(keel_self())));
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message = keel_receive(), what, name, pid, method, from;
        if (keel_match(message, "{change, What, Name, Pid, Method, From}", &what, &name,
                    &pid, &method, &from)) {
            keel_term nodes = lock_known(id);
            keel_term answer = change(what, name, pid, method, nodes);
            kl_global_unlock_all(id, nodes); // who hears of it finds the lock free
            keel_gen_reply(keel_from_of_term(from), answer);
        }
        keel_scope_close(&scope);
    }
}
