// Child specifications and flags that are written in C, as terms; and flags from terms.

#include "child_spec.h"
#include <keel/function.h>
#include <string.h>

enum { USUAL_INTENSITY = 3 };

static keel_term module_name(const keel_child_spec *spec);
static keel_term number_of(keel_term flags, keel_term key, keel_term usual);

keel_term keel_child_spec_to_term(const keel_child_spec *spec)
{
    struct kl_child_spec parsed;
    keel_term term = kl_child_spec_of_c(spec);
    keel_term why = kl_child_spec_parse(term, KEEL_ANY_SIGNIFICANT, &parsed);
    return keel_is_none(why) ? parsed.term : term;
}

keel_term kl_child_spec_of_c(const keel_child_spec *spec)
{
    if (spec == NULL || !keel_is_none(spec->term)) {
        return spec == NULL ? keel_nil() : spec->term;
    }
    keel_term name = module_name(spec);
    bool is_named = spec->module != NULL || spec->function != NULL;
    keel_term id = keel_is_none(spec->id) && is_named ? name : spec->id;
    keel_term argument = keel_is_none(spec->argument) ? keel_nil() : spec->argument;
    keel_duration usual = spec->type == KEEL_SUPERVISOR ? KEEL_FOREVER : KEEL_SECONDS(5);
    keel_duration shutdown = spec->shutdown == 0 ? usual : spec->shutdown;
    keel_term map = keel_make("#{restart => Restart, shutdown => Shutdown, type => Type, "
                              "significant => Significant, modules => Modules}",
            kl_restart_term(spec->restart), kl_shutdown_term(shutdown),
            kl_child_type_term(spec->type), spec->significant,
            keel_is_none(spec->modules) ? keel_list_of(name) : spec->modules);
    if (!keel_is_none(id)) {
        map = keel_map_put(map, keel_atom(id), id);
    }
    if (spec->start != NULL || spec->start_module != NULL) {
        keel_term native = keel_tuple_of(keel_function(spec->start),
                keel_function(spec->start_module), keel_pointer(spec->module),
                keel_is_none(spec->name) ? keel_atom(undefined) : spec->name);
        map = keel_map_put(map, keel_atom_text("$start"), native);
        map = keel_map_put(map, keel_atom(start),
                keel_tuple_of(name, keel_atom(start_link), keel_list_of(argument)));
    }
    return map;
}

// A behaviour's module starts with its name (see keel_start_module). A plain function goes
// by the id of its child, or by its own name.
static keel_term module_name(const keel_child_spec *spec)
{
    const char *const *module = spec->module;
    const char *name = module != NULL ? *module : spec->function;
    keel_term atom;
    if (module == NULL && keel_is_atom(spec->id)) {
        return spec->id;
    }
    bool is_atom = name != NULL && keel_atom_from(name, strlen(name), &atom) == KEEL_OK;
    return is_atom ? atom : keel_is_atom(spec->id) ? spec->id : keel_atom(native);
}

keel_term kl_restart_term(keel_restart restart)
{
    switch (restart) {
    case KEEL_PERMANENT:
        return keel_atom(permanent);
    case KEEL_TRANSIENT:
        return keel_atom(transient);
    case KEEL_TEMPORARY:
        return keel_atom(temporary);
    }
    return keel_int((int)restart);
}

keel_term kl_child_type_term(keel_child_type type)
{
    switch (type) {
    case KEEL_WORKER:
        return keel_atom(worker);
    case KEEL_SUPERVISOR:
        return keel_atom(supervisor);
    }
    return keel_int((int)type);
}

// Whole milliseconds, rounded away from zero: never less time than was given, and what is
// negative stays wrong.
keel_term kl_shutdown_term(keel_duration shutdown)
{
    if (shutdown == KEEL_BRUTAL_KILL) {
        return keel_atom(brutal_kill);
    }
    if (shutdown == KEEL_FOREVER) {
        return keel_atom(infinity);
    }
    if (shutdown == KEEL_NO_TIME) {
        return keel_int(0);
    }
    keel_duration rest = shutdown % KEEL_MS(1);
    return keel_int(shutdown / KEEL_MS(1) + (rest > 0) - (rest < 0));
}

// --- flags ---

keel_term kl_strategy_term(keel_strategy strategy)
{
    switch (strategy) {
    case KEEL_ONE_FOR_ONE:
        return keel_atom(one_for_one);
    case KEEL_ONE_FOR_ALL:
        return keel_atom(one_for_all);
    case KEEL_REST_FOR_ONE:
        return keel_atom(rest_for_one);
    case KEEL_SIMPLE_ONE_FOR_ONE:
        return keel_atom(simple_one_for_one);
    }
    return keel_int((int)strategy);
}

keel_term kl_auto_shutdown_term(keel_auto_shutdown auto_shutdown)
{
    switch (auto_shutdown) {
    case KEEL_NEVER_SHUTDOWN:
        return keel_atom(never);
    case KEEL_ANY_SIGNIFICANT:
        return keel_atom(any_significant);
    case KEEL_ALL_SIGNIFICANT:
        return keel_atom(all_significant);
    }
    return keel_int((int)auto_shutdown);
}

// OTP's flags count the period in seconds; $period says it exactly.
keel_term kl_supervisor_flags_of_c(const keel_supervisor_opts *opts)
{
    int intensity = opts->intensity == 0                  ? USUAL_INTENSITY
                    : opts->intensity == KEEL_NO_RESTARTS ? 0
                                                          : opts->intensity;
    keel_duration period = opts->period == 0 ? KEEL_SECONDS(5) : opts->period;
    keel_duration idle = opts->hibernate_after == 0 ? KEEL_SECONDS(1)
                                                    : opts->hibernate_after;
    return keel_make("#{strategy => Strategy, intensity => Intensity, period => Period, "
                     "auto_shutdown => Auto, hibernate_after => Idle, '$period' => Exact, "
                     "'$backoff' => {First, Most}}",
            kl_strategy_term(opts->strategy), intensity,
            (period + KEEL_SECONDS(1) - 1) / KEEL_SECONDS(1),
            kl_auto_shutdown_term(opts->auto_shutdown), kl_shutdown_term(idle), period,
            opts->backoff, opts->backoff_max);
}

// The older form: {Strategy, Intensity, Period}.
static keel_term flags_map(keel_term term)
{
    if (keel_tuple_size(term) == 3) {
        return keel_make(
                "#{strategy => Strategy, intensity => Intensity, period => Period}",
                keel_element(term, 0), keel_element(term, 1), keel_element(term, 2));
    }
    return term;
}

static bool strategy_of(keel_term term, keel_strategy *ret)
{
    static const keel_strategy all[] = {
            KEEL_ONE_FOR_ONE, KEEL_ONE_FOR_ALL, KEEL_REST_FOR_ONE, KEEL_SIMPLE_ONE_FOR_ONE};
    for (size_t i = 0; i < KEEL_COUNT(all); i++) {
        if (keel_equal(term, kl_strategy_term(all[i]))) {
            *ret = all[i];
            return true;
        }
    }
    return false;
}

keel_term kl_supervisor_flags_parse(keel_term term, struct kl_supervisor_flags *ret)
{
    keel_term map = flags_map(term);
    if (!keel_is_map(map)) {
        return keel_tuple_of(keel_atom(invalid_type), term);
    }
    struct kl_supervisor_flags flags = {0};
    keel_term strategy = number_of(map, keel_atom(strategy), keel_atom(one_for_one));
    keel_term intensity = number_of(map, keel_atom(intensity), keel_int(1));
    keel_term period = number_of(map, keel_atom(period), keel_int(5));
    keel_term automatic = number_of(map, keel_atom(auto_shutdown), keel_atom(never));
    keel_term idle = number_of(map, keel_atom(hibernate_after), keel_int(1000));
    int64_t number;
    if (!strategy_of(strategy, &flags.strategy)) {
        return keel_tuple_of(keel_atom(invalid_strategy), strategy);
    }
    if (!keel_get_int(intensity, &number) || number < 0) {
        return keel_tuple_of(keel_atom(invalid_intensity), intensity);
    }
    flags.intensity = number > INT32_MAX ? INT32_MAX : (uint32_t)number;
    if (!keel_get_int(period, &number) || number < 1) {
        return keel_tuple_of(keel_atom(invalid_period), period);
    }
    flags.period = number > INT64_MAX / KEEL_SECONDS(1) ? INT64_MAX : KEEL_SECONDS(number);
    if (keel_is(automatic, any_significant) || keel_is(automatic, all_significant)) {
        flags.auto_shutdown = keel_is(automatic, any_significant) ? KEEL_ANY_SIGNIFICANT
                                                                  : KEEL_ALL_SIGNIFICANT;
    } else if (!keel_is(automatic, never)) {
        return keel_tuple_of(keel_atom(invalid_auto_shutdown), automatic);
    }
    if (keel_is(idle, infinity)) {
        flags.hibernate_after = KEEL_FOREVER;
    } else if (keel_get_int(idle, &number) && number >= 0 &&
               number <= INT64_MAX / KEEL_MS(1)) {
        flags.hibernate_after = KEEL_MS(number);
    } else {
        return keel_tuple_of(keel_atom(invalid_hibernate_after), idle);
    }
    if (keel_get_int(keel_map_get(map, keel_atom_text("$period")), &number)) {
        flags.period = number;
    }
    if (flags.strategy == KEEL_SIMPLE_ONE_FOR_ONE &&
            flags.auto_shutdown != KEEL_NEVER_SHUTDOWN) {
        return keel_make("{bad_combination, [{auto_shutdown, Auto}, {strategy, Strategy}]}",
                automatic, strategy);
    }
    keel_term backoff = keel_map_get(map, keel_atom_text("$backoff"));
    flags.backoff = keel_to_int(keel_element(backoff, 0));
    flags.backoff_max = keel_to_int(keel_element(backoff, 1));
    *ret = flags;
    return KEEL_NONE;
}

static keel_term number_of(keel_term flags, keel_term key, keel_term usual)
{
    keel_term value = keel_map_get(flags, key);
    return keel_is_none(value) ? usual : value;
}
