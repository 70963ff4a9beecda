// A bare process that obeys: no server, it answers neither calls nor system messages.

#include "fixture.h"

static void bare(keel_term options);
static void take_name(keel_term name);

keel_started bare_start(keel_term options, bool link)
{
    keel_pid pid;
    keel_term answer;
    const keel_spawn_opts how = {.link = link};
    keel_status status = keel_start_body(
            bare, options, &how, KEEL_NEVER, &pid, NULL, &answer);
    if (link && status == KEEL_E_CANCELED) { // the name was taken, and it has ended
        probe_exit_signal(pid, keel_atom(normal));
    }
    return status == KEEL_OK || status == KEEL_E_CANCELED ? keel_started_from_term(answer)
                                                          : keel_started_failed(answer);
}

static void bare(keel_term options)
{
    take_name(option(options, keel_atom(name), KEEL_NONE));
    probe_setup(options, keel_atom(proc));
    probe_report(keel_atom(init), keel_from_pid(keel_self()));
    keel_gen_ack(keel_make("{ok, Self}", keel_self()));
    script_value(option(options, keel_atom(init), keel_nil()));
    for (;;) {
        keel_term script, message = keel_receive();
        if (script_asked(message, &script)) {
            probe_report(keel_atom(did), script_value(script));
        } else {
            probe_report(keel_atom(message), message);
        }
    }
}

static void take_name(keel_term name)
{
    if (!keel_is_none(name) && keel_register(name, keel_self()) == KEEL_E_TAKEN) {
        keel_gen_fail(keel_make("{error, {already_started, Pid}}", keel_whereis(name)),
                keel_atom(normal));
    }
}
