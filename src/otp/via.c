#include "via.h"
#include "registered.h"
#include "start.h"

static struct kl_registered keepers;

keel_status keel_via_register(keel_term module, const keel_via_ops *ops)
{
    if (!keel_is_atom(module)) {
        return KEEL_E_BADARG;
    }
    if (ops != NULL && (ops->whereis == NULL || ops->register_name == NULL ||
                               ops->unregister_name == NULL)) {
        return KEEL_E_BADARG;
    }
    bool done = kl_registered_put(&keepers, module, KEEL_NONE, (uintptr_t)ops);
    return done ? KEEL_OK : KEEL_E_NOMEM;
}

keel_term keel_server_whereis_term(keel_term server)
{
    keel_term to;
    if (kl_via_resolve(server, &to) != KEEL_OK) {
        return KEEL_NONE;
    }
    keel_term name = to;
    if (keel_is_tuple(to)) {
        if (keel_element(to, 1).word != keel_node_self().word) {
            return to;
        }
        name = keel_element(to, 0);
    }
    if (!keel_is_atom(name)) {
        return to;
    }
    return keel_from_pid(keel_whereis_term(name));
}

keel_status keel_server_send_term(keel_term server, keel_term message)
{
    struct kl_name name = kl_name_parse(server);
    if (name.kind == KL_NAME_VIA && name.via->send != NULL) {
        return name.via->send(name.key, message);
    }
    keel_term to;
    keel_status status = kl_via_resolve(server, &to);
    if (status != KEEL_OK) {
        return KEEL_E_BADARG;
    }
    return keel_send_term(to, message);
}

keel_status kl_via_resolve(keel_term server, keel_term *ret_to)
{
    if (!keel_is_tuple(server)) {
        *ret_to = server;
        return keel_is_pid(server) || keel_is_atom(server) || keel_is_ref(server)
                       ? KEEL_OK
                       : KEEL_E_BADARG;
    }
    struct kl_name name = kl_name_parse(server);
    if (name.kind == KL_NAME_VIA) {
        keel_pid pid = name.via->whereis(name.key);
        *ret_to = keel_from_pid(pid);
        return pid.word != 0 ? KEEL_OK : KEEL_E_NOPROC;
    }
    if (keel_tuple_size(server) != 2) {
        return KEEL_E_BADARG;
    }
    if (keel_is(keel_element(server, 0), global)) {
        return KEEL_E_NOPROC; // nobody keeps global names, so nobody has one
    }
    *ret_to = server;
    bool on_node = keel_is_atom(keel_element(server, 0)) &&
                   keel_is_atom(keel_element(server, 1));
    return on_node ? KEEL_OK : KEEL_E_BADARG;
}

const keel_via_ops *kl_via_ops_of(keel_term module)
{
    return (const keel_via_ops *)kl_registered_get(&keepers, module, KEEL_NONE);
}

struct kl_name kl_name_parse(keel_term name)
{
    struct kl_name parsed = {.kind = KL_NAME_BAD};
    if (keel_is_none(name) || keel_is(name, nil) || keel_is(name, undefined)) {
        parsed.kind = KL_NAME_NONE;
        return parsed;
    }
    size_t size = keel_tuple_size(name);
    keel_term kind = keel_element(name, 0);
    keel_term local = size == 2 && keel_is(kind, local) ? keel_element(name, 1) : name;
    if (keel_is_atom(local)) {
        bool reserved = keel_is_bool(local) || keel_is(local, undefined) ||
                        keel_is(local, nil);
        parsed.kind = reserved ? KL_NAME_BAD : KL_NAME_LOCAL;
        parsed.local = local;
        return parsed;
    }
    if (size == 2 && keel_is(kind, global)) {
        parsed.module = kind;
        parsed.key = keel_element(name, 1);
    } else if (size == 3 && keel_is(kind, via)) {
        parsed.module = keel_element(name, 1);
        parsed.key = keel_element(name, 2);
    } else {
        return parsed;
    }
    parsed.via = keel_is_atom(parsed.module) ? kl_via_ops_of(parsed.module) : NULL;
    parsed.kind = parsed.via != NULL ? KL_NAME_VIA : KL_NAME_BAD;
    return parsed;
}
