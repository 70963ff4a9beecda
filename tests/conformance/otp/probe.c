// What a process tells its probe, and what it knows of itself: kept in its dictionary, so
// that its state is exactly the scripted one.

#include "fixture.h"

void probe_setup(keel_term options, keel_term default_tag)
{
    keel_process_put(keel_atom(fixture_tag), option(options, keel_atom(tag), default_tag));
    keel_term probe = option(options, keel_atom(probe), KEEL_NONE);
    if (keel_is_pid(probe)) {
        keel_process_put(keel_atom(fixture_probe), probe);
    }
    if (keel_to_bool(option(options, keel_atom(trap_exit), keel_bool(false)))) {
        keel_trap_exit(true);
    }
}

void probe_report(keel_term callback, keel_term details)
{
    keel_term why, module, function, probe = keel_process_get(keel_atom(fixture_probe));
    if (keel_is_none(probe) || keel_send(probe, keel_tuple_of(probe_tag(), callback,
                                                        details)) != KEEL_E_NOT_ENCODABLE) {
        return;
    }
    // The request of a failed call may hold a C function, which no other node can read.
    if (keel_match(details, "{Why, {Module, Function, _}}", &why, &module, &function)) {
        details = keel_make("{Why, {Module, Function, []}}", why, module, function);
        keel_send(probe, keel_tuple_of(probe_tag(), callback, details));
    }
}

bool probe_traps(void)
{
    bool traps = keel_trap_exit(true);
    keel_trap_exit(traps);
    return traps;
}

void probe_exit_signal(keel_pid pid, keel_term reason)
{
    if (probe_traps()) {
        keel_send(keel_self(), keel_make("{'EXIT', Pid, Reason}", pid, reason));
    }
}

keel_term probe_tag(void)
{
    keel_term tag = keel_process_get(keel_atom(fixture_tag));
    return keel_is_none(tag) ? keel_atom(task) : tag;
}

keel_term option(keel_term options, keel_term key, keel_term otherwise)
{
    keel_term value = keel_map_get(options, key);
    return keel_is_none(value) ? otherwise : value;
}
