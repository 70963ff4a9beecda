// Changes of a gen_server's code while it runs: its own code_change, or another version of
// the module.

#include "server.h"
#include "state_change.h"
#include "sys.h"

keel_status keel_gen_server_upgrade_term(
        keel_term server, const keel_gen_server *to, keel_term extra, keel_term *ret_error)
{
    if (to == NULL || to->name == NULL) {
        return KEEL_E_BADARG;
    }
    return kl_sys_upgrade(server, keel_pointer(to), extra, ret_error);
}

struct changing {
    const keel_gen_server *module; // the new one
    keel_term old_version, extra;
};

static keel_term run_code_change(void *context, void *state)
{
    const struct changing *changing = context;
    if (changing->module->code_change == NULL) {
        return keel_atom(ok);
    }
    return changing->module->code_change(changing->old_version, state, changing->extra);
}

static keel_term change_to(struct kl_server *self, const keel_gen_server *to,
        keel_term old_version, keel_term extra)
{
    struct changing changing = {to, old_version, extra};
    void *old_state = kl_server_state(self);
    struct kl_state_change change = {.from = &self->module->state,
            .to = &to->state,
            .state = old_state,
            .change = run_code_change,
            .context = &changing};
    void *moved;
    keel_term result = kl_state_change(&change, &moved);
    if (moved != NULL) {
        kl_server_more(self)->state = moved;
        if (old_state != (char *)self + KL_SERVER_BYTES) {
            keel_free(old_state);
        }
    }
    return result;
}

keel_term kl_server_change(struct kl_server *self, keel_term old_version, keel_term extra)
{
    return change_to(self, self->module, old_version, extra);
}

keel_term kl_server_upgrade(
        struct kl_server *self, const keel_gen_server *to, keel_term extra)
{
    keel_term old_version = kl_state_version(self->module->version);
    keel_term result = change_to(self, to, old_version, extra);
    if (keel_is(result, ok)) {
        self->module = to;
    }
    return result;
}
