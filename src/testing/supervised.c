// Processes that belong to a test.

#include <keel/testing.h>

static keel_term key(void)
{
    return keel_atom_text("$test_supervisor");
}

// The caller's supervisor, started if need be; none and why when it cannot be had.
static keel_started supervisor(void)
{
    keel_term known = keel_process_get(key());
    if (keel_is_pid(known) && keel_process_alive(keel_to_pid(known))) {
        return keel_started_ok(keel_to_pid(known));
    }
    enum { AS_OFTEN_AS_THEY_LIKE = 1000000 };
    keel_started started = keel_supervisor_start_link(
            NULL, 0, .intensity = AS_OFTEN_AS_THEY_LIKE, .period = KEEL_SECONDS(1));
    if (started.status == KEEL_OK) {
        keel_process_put(key(), keel_from_pid(started.pid));
    }
    return started;
}

keel_started keel_test_start_supervised_spec(const keel_child_spec *spec)
{
    if (spec == NULL || !keel_in_process()) {
        return (keel_started){.status = spec == NULL ? KEEL_E_BADARG : KEEL_E_OUTSIDE,
                .reason = keel_atom(badarg)};
    }
    keel_started started = supervisor();
    return started.status == KEEL_OK ? keel_supervisor_start_child(started.pid, spec)
                                     : started;
}

keel_pid keel_test_start_supervised_pid(const char *file, int line, keel_started started)
{
    if (started.status != KEEL_OK) {
        keel_term reason = keel_is_none(started.reason) ? keel_nil() : started.reason;
        keel_test_fail_at(file, line, "the child did not start: %s: %s",
                keel_status_text(started.status), keel_show(reason));
        return (keel_pid){0};
    }
    return started.pid;
}

keel_status keel_test_stop_supervised(keel_term id)
{
    keel_term known = keel_in_process() ? keel_process_get(key()) : KEEL_NONE;
    if (!keel_is_pid(known)) {
        return KEEL_E_NOPROC;
    }
    keel_pid pid = keel_to_pid(known);
    keel_status status = keel_supervisor_terminate_child(pid, id, NULL);
    if (status == KEEL_OK) {
        // A temporary child is forgotten already.
        keel_status deleted = keel_supervisor_delete_child(pid, id, NULL);
        (void)deleted;
    }
    return status == KEEL_E_REFUSED ? KEEL_E_NOPROC : status;
}
