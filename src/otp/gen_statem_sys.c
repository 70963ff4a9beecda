// What a gen_statem answers to sys, the events it tells of, other versions of its module.

#include "ending.h"
#include "start.h"
#include "state_change.h"
#include "statem.h"
#include "sys.h"
#include "upgrade.h"

static keel_term misc(void *memory);
static keel_term get_state(void *memory);
static void set_state(void *memory, keel_term term);
static keel_term code_change(
        void *memory, keel_term module, keel_term old_version, keel_term extra);
static keel_next resume(void *memory);
static keel_next terminate(void *memory, keel_term reason);
static keel_term name(void *memory);

const keel_sys_ops kl_statem_sys = {
        .module = "gen_statem",
        .misc = misc,
        .get_state = get_state,
        .set_state = set_state,
        .code_change = code_change,
        .resume = resume,
        .terminate = terminate,
        .name = name,
};

// --- state and status ---

keel_term kl_statem_data_term(const struct kl_statem *self)
{
    const keel_gen_statem *module = self->module;
    return module->get_data != NULL
                   ? module->get_data(kl_statem_data(self))
                   : keel_state_to_term(&module->data, kl_statem_data(self));
}

static keel_term get_state(void *memory)
{
    const struct kl_statem *self = memory;
    return keel_tuple_of(self->state, kl_statem_data_term(self));
}

static void set_state(void *memory, keel_term term)
{
    struct kl_statem *self = memory;
    const keel_gen_statem *module = self->module;
    if (keel_tuple_size(term) != 2) {
        keel_error(keel_tuple_of(keel_atom(badmatch), term));
    }
    if (module->set_data != NULL) {
        module->set_data(kl_statem_data(self), keel_element(term, 1));
    } else {
        keel_state_from_term(&module->data, kl_statem_data(self), keel_element(term, 1));
    }
    keel_set(&self->state, keel_element(term, 0));
}

keel_term kl_statem_format_status(const struct kl_statem *self, keel_term status)
{
    return kl_end_format_status(self->module->name, self->module->format_status, status);
}

static keel_term misc(void *memory)
{
    struct kl_statem *self = memory;
    size_t count;
    keel_term timeouts = kl_statem_timers_term(&self->timers, &count);
    keel_term status = keel_make("#{state => State, data => Data, postponed => Postponed, "
                                 "timeouts => Timeouts, log => Log}",
            self->state, kl_statem_data_term(self), kl_held_events_term(&self->postponed),
            timeouts, keel_sys_logged(&self->sys));
    status = kl_statem_format_status(self, status);
    return keel_make(
            "[{header, Header}, {data, [{\"Status\", Stage}, {\"Parent\", Parent}, "
            "{\"Modules\", Modules}, {\"Time-outs\", {Count, Timeouts}}, "
            "{\"Logged Events\", Log}, {\"Postponed\", Postponed}]}, "
            "{data, [{\"State\", {State, Data}}]}]",
            kl_sys_header("state machine", name(self)), kl_sys_stage(&self->sys),
            keel_gen_parent(), kl_statem_modules_term(self), count,
            keel_map_get(status, keel_atom(timeouts)), keel_map_get(status, keel_atom(log)),
            keel_map_get(status, keel_atom(postponed)),
            keel_map_get(status, keel_atom(state)), keel_map_get(status, keel_atom(data)));
}

static keel_term name(void *memory)
{
    const struct kl_statem *self = memory;
    return kl_start_shown_name(self->more == NULL ? KEEL_NONE : self->more->name);
}

static keel_next resume(void *memory)
{
    return kl_statem_wait(memory);
}

static keel_next terminate(void *memory, keel_term reason)
{
    return kl_statem_end(memory, NULL, reason);
}

// --- changes of code ---

struct changing {
    const keel_gen_statem *module; // the new one
    keel_term old_version, extra;
    keel_term state;
};

static keel_term run_code_change(void *context, void *data)
{
    struct changing *changing = context;
    if (changing->module->code_change == NULL) {
        return keel_atom(ok);
    }
    return changing->module->code_change(
            changing->old_version, &changing->state, data, changing->extra);
}

static keel_term change_to(struct kl_statem *self, const keel_gen_statem *to,
        keel_term old_version, keel_term extra)
{
    struct changing changing = {to, old_version, extra, self->state};
    void *old_data = kl_statem_data(self);
    struct kl_state_change change = {.from = &self->module->data,
            .to = &to->data,
            .state = old_data,
            .change = run_code_change,
            .context = &changing};
    void *moved;
    keel_term result = kl_state_change(&change, &moved);
    if (moved != NULL) {
        kl_statem_more(self)->data = moved;
        if (old_data != (char *)self + KL_STATEM_BYTES) {
            keel_free(old_data);
        }
    }
    if (keel_is(result, ok)) {
        self->module = to;
        if (changing.state.word != self->state.word && !keel_is_none(changing.state)) {
            keel_set(&self->state, changing.state);
        }
    }
    return result;
}

// {gen_statem, Pointer} is another version of the module: keel_gen_statem_upgrade.
static keel_term code_change(
        void *memory, keel_term module, keel_term old_version, keel_term extra)
{
    struct kl_statem *self = memory;
    void *to = NULL;
    if (keel_match(module, "{gen_statem, To}", &to) && to != NULL) {
        const keel_gen_statem *machine = to;
        if (machine == self->module && keel_equal(old_version, KL_UPGRADE_LATE)) {
            return keel_atom(ok);
        }
        keel_term wrong = kl_statem_module_error(machine, machine->data.bytes);
        return keel_is_none(wrong) ? change_to(self, machine,
                                             kl_state_version(self->module->version), extra)
                                   : wrong;
    }
    if (self->module->code_change == NULL) {
        return keel_tuple_of(keel_atom(EXIT),
                kl_end_undef(self->module->name, "code_change", 4, keel_atom(undef)));
    }
    return change_to(self, self->module, old_version, extra);
}

keel_status keel_gen_statem_upgrade_term(
        keel_term machine, const keel_gen_statem *to, keel_term extra, keel_term *ret_error)
{
    if (to == NULL || to->name == NULL) {
        return KEEL_E_BADARG;
    }
    keel_term module = keel_tuple_of(keel_atom(gen_statem), keel_pointer(to));
    return kl_sys_upgrade(machine, module, extra, ret_error);
}

// --- events ---

void kl_statem_tell(struct kl_statem *self, keel_term event)
{
    keel_sys_event(&self->sys, &kl_statem_sys, self, event);
}

// The modules as the actions that were told so far leave them.
struct modules {
    const keel_gen_statem *top;
    keel_term pushed; // what lies below `top` and was pushed by one of them: pointers
    unsigned depth; // of the machine's own stack
};

static keel_term change_told(
        const struct kl_statem *self, struct modules *modules, keel_term action)
{
    if (keel_is(action, pop_callback_module)) {
        bool own = keel_is_nil(modules->pushed);
        modules->top = own ? self->more->modules[--modules->depth]
                           : keel_to_pointer(keel_head(modules->pushed), NULL);
        modules->pushed = own ? modules->pushed : keel_tail(modules->pushed);
    } else {
        if (keel_is(keel_element(action, 0), push_callback_module)) {
            modules->pushed = keel_cons(keel_pointer(modules->top), modules->pushed);
        }
        modules->top = keel_to_pointer(keel_element(action, 1), NULL);
    }
    return kl_statem_module_name(modules->top);
}

void kl_statem_tell_actions(struct kl_statem *self, struct kl_statem_plan *plan)
{
    keel_term actions = kl_statem_in_order(plan->told);
    keel_term action;
    struct modules modules = {.top = self->module,
            .pushed = keel_nil(),
            .depth = self->more == NULL ? 0 : self->more->module_count};
    plan->told = KEEL_NONE;
    while (keel_list_next(&actions, &action)) {
        keel_term what = keel_element(action, 0);
        keel_term first = keel_element(action, 1);
        keel_term second = keel_element(action, 2);
        if (keel_is(what, reply)) {
            kl_statem_tell(self, keel_make("{out, Reply, To}", second, first));
        } else if (keel_is(what, next_event)) {
            kl_statem_tell(self,
                    keel_make("{in, {Type, Content}, State}", first, second, plan->state));
        } else {
            kl_statem_tell(self, keel_make("{module, Module, State}",
                                         change_told(self, &modules, action), plan->state));
        }
    }
}

void kl_statem_tell_timers(struct kl_statem *self, keel_term newest_first)
{
    keel_term newer = keel_nil();
    keel_term action;
    while (keel_list_next(&newest_first, &action)) {
        struct kl_timeout timeout;
        kl_statem_timeout(action, &timeout);
        bool starts = timeout.what == KL_TIMEOUT_AFTER || timeout.what == KL_TIMEOUT_AT;
        if (starts && !kl_statem_overrides(newer, &timeout)) {
            bool bare = keel_tuple_size(action) == 0;
            keel_term type = bare ? keel_atom(timeout) : keel_element(action, 0);
            keel_term time = bare ? action : keel_element(action, 1);
            keel_term options = keel_tuple_size(action) == 4 ? keel_element(action, 3)
                                                             : keel_nil();
            options = keel_is_list(options) ? options : keel_list_of(options);
            kl_statem_tell(
                    self, keel_make("{start_timer, {Type, Time, Content, Options}, State}",
                                  type, time, timeout.content, options, self->state));
        }
        newer = keel_cons(action, newer);
    }
}
