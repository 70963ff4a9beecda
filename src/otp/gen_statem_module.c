// The modules of a state machine: which is asked, and how one takes another's place.

#include "ending.h"
#include "statem.h"
#include <string.h>

keel_term kl_statem_module_error(const keel_gen_statem *module, size_t bytes)
{
    if ((module->states == NULL) == (module->handle_event == NULL)) {
        return module->states == NULL
                       ? keel_make("{{bad_return_from_callback_mode, []}, []}")
                       : keel_make("{{bad_return_from_callback_mode, [state_functions, "
                                   "handle_event_function]}, []}");
    }
    return module->data.bytes == bytes ? KEEL_NONE : keel_make("{badarg, []}");
}

keel_result kl_statem_call_state(struct kl_statem *self, const keel_event *event)
{
    const keel_gen_statem *module = self->module;
    if (module->states == NULL) {
        return module->handle_event(event, kl_statem_data(self));
    }
    const char *name = keel_atom_name(event->state);
    if (name == NULL) {
        keel_error(keel_atom(badarg));
    }
    const keel_state_function *state = module->states;
    while (state->state != NULL && strcmp(state->state, name) != 0) {
        state++;
    }
    if (state->handle == NULL) {
        keel_exit(kl_end_undef(module->name, name, 3, keel_atom(undef)));
    }
    return state->handle(event, kl_statem_data(self));
}

static void push(struct kl_statem *self)
{
    struct kl_statem_more *more = kl_statem_more(self);
    more->modules = keel_realloc(
            more->modules, (more->module_count + 1) * sizeof *more->modules);
    more->modules[more->module_count++] = self->module;
}

// Data that looks otherwise cannot be handed on.
static keel_term change(struct kl_statem *self, keel_term action)
{
    if (keel_is(action, pop_callback_module)) {
        self->module = self->more->modules[--self->more->module_count];
        return KEEL_NONE;
    }
    const keel_gen_statem *to = keel_to_pointer(keel_element(action, 1), NULL);
    if (to->data.bytes != self->module->data.bytes) {
        return keel_make("{{bad_action_from_state_function, Action}, []}", action);
    }
    keel_term wrong = kl_statem_module_error(to, to->data.bytes);
    if (!keel_is_none(wrong)) {
        return wrong;
    }
    if (keel_is(keel_element(action, 0), push_callback_module)) {
        push(self);
    }
    self->module = to;
    return KEEL_NONE;
}

keel_term kl_statem_change_modules(struct kl_statem *self, keel_term newest_first)
{
    keel_term actions = kl_statem_in_order(newest_first);
    keel_term action;
    keel_term wrong = KEEL_NONE;
    while (keel_is_none(wrong) && keel_list_next(&actions, &action)) {
        wrong = change(self, action);
    }
    return wrong;
}

keel_term kl_statem_module_name(const keel_gen_statem *module)
{
    keel_term name = KEEL_NONE;
    return keel_atom_from(module->name, strlen(module->name), &name) == KEEL_OK
                   ? name
                   : keel_string(module->name);
}

keel_term kl_statem_modules_term(const struct kl_statem *self)
{
    keel_term names = keel_nil();
    for (unsigned i = 0; self->more != NULL && i < self->more->module_count; i++) {
        names = keel_cons(kl_statem_module_name(self->more->modules[i]), names);
    }
    return keel_cons(kl_statem_module_name(self->module), names);
}
