// Child specifications: checking and reading terms.

#include "child_spec.h"

static keel_term check_significant(
        keel_term significant, keel_term restart, keel_auto_shutdown auto_shutdown);
static keel_term check_modules(keel_term modules);
static keel_term from_tuple(keel_term tuple);
static bool is_restart(keel_term restart);
static bool is_shutdown(keel_term shutdown);
static bool is_mfa(keel_term mfa);
static keel_term wrong(keel_term what, keel_term value);

keel_term kl_child_spec_parse(
        keel_term term, keel_auto_shutdown auto_shutdown, struct kl_child_spec *ret)
{
    keel_term map = keel_is_map(term) ? term : from_tuple(term);
    if (keel_is_none(map)) {
        return wrong(keel_atom(invalid_child_spec), term);
    }
    keel_term start = keel_map_get(map, keel_atom(start));
    if (keel_is_none(keel_map_get(map, keel_atom(id)))) {
        return keel_atom(missing_id);
    }
    if (keel_is_none(start)) {
        return keel_atom(missing_start);
    }
    const keel_term keys[] = {keel_atom(restart), keel_atom(type), keel_atom(significant),
            keel_atom(shutdown), keel_atom(modules)};
    keel_term type = keel_map_get(map, keel_atom(type));
    keel_term defaults[] = {keel_atom(permanent), keel_atom(worker), keel_bool(false),
            keel_is(type, supervisor) ? keel_atom(infinity) : keel_int(5000),
            keel_list_of(is_mfa(start) ? keel_element(start, 0) : keel_nil())};
    keel_term values[KEEL_COUNT(keys)];
    for (size_t i = 0; i < KEEL_COUNT(keys); i++) {
        values[i] = keel_map_get(map, keys[i]);
        if (keel_is_none(values[i])) {
            values[i] = defaults[i];
            map = keel_map_put(map, keys[i], values[i]);
        }
    }
    if (!is_mfa(start)) {
        return wrong(keel_atom(invalid_mfa), start);
    }
    if (!is_restart(values[0])) {
        return wrong(keel_atom(invalid_restart_type), values[0]);
    }
    keel_term why = check_significant(values[2], values[0], auto_shutdown);
    if (!keel_is_none(why)) {
        return why;
    }
    if (!keel_is(values[1], worker) && !keel_is(values[1], supervisor)) {
        return wrong(keel_atom(invalid_child_type), values[1]);
    }
    if (!is_shutdown(values[3])) {
        return wrong(keel_atom(invalid_shutdown), values[3]);
    }
    why = check_modules(values[4]);
    if (keel_is_none(why)) {
        *ret = kl_child_spec_read(map);
    }
    return why;
}

struct kl_child_spec kl_child_spec_read(keel_term term)
{
    keel_term restart = keel_map_get(term, keel_atom(restart));
    keel_term shutdown = keel_map_get(term, keel_atom(shutdown));
    struct kl_child_spec spec = {
            .term = term,
            .id = keel_map_get(term, keel_atom(id)),
            .mfa = keel_map_get(term, keel_atom(start)),
            .modules = keel_map_get(term, keel_atom(modules)),
            .restart = keel_is(restart, permanent)   ? KEEL_PERMANENT
                       : keel_is(restart, transient) ? KEEL_TRANSIENT
                                                     : KEEL_TEMPORARY,
            .type = keel_is(keel_map_get(term, keel_atom(type)), supervisor)
                            ? KEEL_SUPERVISOR
                            : KEEL_WORKER,
            .significant = keel_to_bool(keel_map_get(term, keel_atom(significant))),
            .shutdown = keel_is(shutdown, brutal_kill) ? KEEL_BRUTAL_KILL
                        : keel_is(shutdown, infinity)  ? KEEL_FOREVER
                                                       : KEEL_MS(keel_to_int(shutdown)),
    };
    keel_term native = keel_map_get(term, keel_atom_text("$start"));
    void *start = keel_to_pointer(keel_element(native, 0), NULL);
    void *start_module = keel_to_pointer(keel_element(native, 1), NULL);
    spec.start = (keel_start_function)(uintptr_t)start;
    spec.start_module = (keel_start_module)(uintptr_t)start_module;
    spec.module = keel_to_pointer(keel_element(native, 2), NULL);
    spec.argument = keel_head(keel_element(spec.mfa, 2));
    spec.name = keel_element(native, 3);
    return spec;
}

keel_term kl_child_spec_shown(const struct kl_child_spec *spec)
{
    keel_term known = keel_make(
            "[id, start, restart, significant, shutdown, type, modules]");
    keel_term shown = keel_make("#{}");
    keel_term key;
    while (keel_list_next(&known, &key)) {
        shown = keel_map_put(shown, key, keel_map_get(spec->term, key));
    }
    return shown;
}

static keel_term wrong(keel_term what, keel_term value)
{
    return keel_tuple_of(what, value);
}

static bool is_mfa(keel_term mfa)
{
    return keel_tuple_size(mfa) == 3 && keel_is_atom(keel_element(mfa, 0)) &&
           keel_is_atom(keel_element(mfa, 1)) && keel_is_list(keel_element(mfa, 2));
}

static bool is_restart(keel_term restart)
{
    return keel_is(restart, permanent) || keel_is(restart, transient) ||
           keel_is(restart, temporary);
}

static bool is_shutdown(keel_term shutdown)
{
    int64_t milliseconds;
    return keel_is(shutdown, infinity) || keel_is(shutdown, brutal_kill) ||
           (keel_get_int(shutdown, &milliseconds) && milliseconds >= 0 &&
                   milliseconds <= INT64_MAX / KEEL_MS(1));
}

static keel_term check_significant(
        keel_term significant, keel_term restart, keel_auto_shutdown auto_shutdown)
{
    if (!keel_is_bool(significant)) {
        return wrong(keel_atom(invalid_significant), significant);
    }
    if (keel_to_bool(significant) && auto_shutdown == KEEL_NEVER_SHUTDOWN) {
        return keel_make(
                "{bad_combination, [{auto_shutdown, never}, {significant, true}]}");
    }
    if (keel_to_bool(significant) && keel_is(restart, permanent)) {
        return keel_make("{bad_combination, [{restart, permanent}, {significant, true}]}");
    }
    return KEEL_NONE;
}

static keel_term check_modules(keel_term modules)
{
    if (keel_is(modules, dynamic)) {
        return KEEL_NONE;
    }
    size_t count;
    if (!keel_list_length(modules, &count)) {
        return wrong(keel_atom(invalid_modules), modules);
    }
    keel_term module;
    while (keel_list_next(&modules, &module)) {
        if (!keel_is_atom(module)) {
            return wrong(keel_atom(invalid_module), module);
        }
    }
    return KEEL_NONE;
}

// {Id, Start, Restart, Shutdown, Type, Modules}
static keel_term from_tuple(keel_term tuple)
{
    if (keel_tuple_size(tuple) != 6) {
        return KEEL_NONE;
    }
    return keel_make(
            "#{id => Id, start => Start, restart => Restart, shutdown => Shutdown, "
            "type => Type, modules => Modules}",
            keel_element(tuple, 0), keel_element(tuple, 1), keel_element(tuple, 2),
            keel_element(tuple, 3), keel_element(tuple, 4), keel_element(tuple, 5));
}
