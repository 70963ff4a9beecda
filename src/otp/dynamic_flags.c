// A dynamic supervisor's flags and its children's specifications, and the functions that
// ask it: what is checked before anything is sent, and again where it arrives.

#include "call.h"
#include "dynamic.h"

static keel_term spec_map(keel_term term);

keel_term keel_dynamic_supervisor_init_opt(const keel_dynamic_supervisor_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_dynamic_supervisor_opts){0};
    keel_supervisor_opts common = {
            .strategy = opts->strategy,
            .intensity = opts->intensity,
            .period = opts->period,
            .auto_shutdown = opts->auto_shutdown,
    };
    keel_term most = opts->max_children == 0 ? keel_atom(infinity)
                     : opts->max_children == KEEL_NO_CHILDREN
                             ? keel_int(0)
                             : keel_uint(opts->max_children);
    bool extra = !keel_is_none(opts->extra_arguments);
    keel_term flags = kl_supervisor_flags_of_c(&common);
    flags = keel_map_put(flags, keel_atom(max_children), most);
    flags = keel_map_put(
            flags, keel_atom(extra_arguments), extra ? opts->extra_arguments : keel_nil());
    return keel_tuple_of(keel_atom(ok), flags);
}

static keel_term wrong(keel_term what, keel_term value)
{
    return keel_tuple_of(what, value);
}

keel_term kl_dynamic_flags_parse(keel_term term, struct kl_dynamic_flags *ret)
{
    struct kl_supervisor_flags common;
    keel_term strategy = keel_map_get(term, keel_atom(strategy));
    keel_term automatic = keel_map_get(term, keel_atom(auto_shutdown));
    keel_term most = keel_map_get(term, keel_atom(max_children));
    keel_term extra = keel_map_get(term, keel_atom(extra_arguments));
    if (!keel_is_none(strategy) && !keel_is(strategy, one_for_one)) {
        return wrong(keel_atom(invalid_strategy), strategy);
    }
    keel_term why = kl_supervisor_flags_parse(term, &common);
    if (!keel_is_none(why)) {
        return why;
    }
    struct kl_dynamic_flags flags = {
            .intensity = common.intensity, .period = common.period, .extra = keel_nil()};
    uint64_t number = SIZE_MAX;
    if (!keel_is_none(most) && !keel_is(most, infinity) && !keel_get_uint(most, &number)) {
        return wrong(keel_atom(invalid_max_children), most);
    }
    flags.max_children = number;
    size_t length;
    if (!keel_is_none(extra) && !keel_list_length(extra, &length)) {
        return wrong(keel_atom(invalid_extra_arguments), extra);
    }
    flags.extra = keel_is_none(extra) ? keel_nil() : extra;
    if (!keel_is_none(automatic) && !keel_is(automatic, never)) {
        return wrong(keel_atom(invalid_auto_shutdown), automatic);
    }
    *ret = flags;
    return KEEL_NONE;
}

keel_term kl_dynamic_spec_parse(keel_term term, struct kl_child_spec *ret)
{
    keel_term map = spec_map(term);
    if (keel_is(keel_map_get(map, keel_atom(significant)), true)) {
        return wrong(keel_atom(invalid_significant), keel_bool(true));
    }
    keel_term why = kl_child_spec_parse(map, KEEL_NEVER_SHUTDOWN, ret);
    bool no_start = keel_is_map(term) &&
                    keel_tuple_size(keel_map_get(map, keel_atom(start))) != 3;
    if (keel_is(why, missing_id) || no_start) {
        return wrong(keel_atom(invalid_child_spec), term);
    }
    return keel_is(keel_element(why, 0), invalid_module)
                   ? wrong(keel_atom(invalid_modules),
                             keel_map_get(map, keel_atom(modules)))
                   : why;
}

// {Start, Restart, Shutdown, Type, Modules} as a map; others as they are.
static keel_term spec_map(keel_term term)
{
    if (keel_tuple_size(term) != 5) {
        return term;
    }
    return keel_make("#{id => undefined, start => Start, restart => Restart, "
                     "shutdown => Shutdown, type => Type, modules => Modules}",
            keel_element(term, 0), keel_element(term, 1), keel_element(term, 2),
            keel_element(term, 3), keel_element(term, 4));
}

// --- the client's half ---

keel_started keel_dynamic_supervisor_start_child_term(
        keel_term supervisor, const keel_child_spec *spec)
{
    struct kl_child_spec checked;
    keel_term why = kl_dynamic_spec_parse(kl_child_spec_of_c(spec), &checked);
    if (!keel_is_none(why)) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = why};
    }
    keel_term answer = KEEL_NONE;
    keel_term request = keel_tuple_of(keel_atom(start_child), checked.term);
    keel_status status = keel_call_term(supervisor, request, KEEL_NEVER, &answer);
    if (status != KEEL_OK) {
        return (keel_started){.status = status,
                .reason = keel_make("{Why, {gen_server, call, [To, Request, infinity]}}",
                        kl_call_why(status, supervisor, answer), supervisor, request)};
    }
    keel_started started = keel_started_from_term(answer);
    if (started.status != KEEL_OK && started.status != KEEL_E_IGNORED) {
        started.status = KEEL_E_REFUSED;
    }
    return started;
}
