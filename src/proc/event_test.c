// Events of the runtime, for who listens.

#include "proc_testing.h"
#include <keel/runtime_event.h>

static keel_pid watched;
static keel_runtime_event seen[8];
static uint32_t seen_count; // atomic

static void note(const keel_runtime_event *event)
{
    if (event->pid.word != watched.word && watched.word != 0) {
        return;
    }
    uint32_t at = __atomic_fetch_add(&seen_count, 1, __ATOMIC_ACQ_REL);
    if (at < KEEL_COUNT(seen)) {
        seen[at] = *event;
    }
}

static void body(keel_term argument)
{
    (void)argument;
    keel_receive();
    keel_exit(keel_atom(done));
}

PROCESS_TEST("who listens hears of a start and of an end, once each")
{
    watched = (keel_pid){0};
    seen_count = 0;
    CHECK(keel_runtime_event_listen(note) == NULL);
    keel_spawn_opts opts = {.entry = "watched"};
    keel_pid pid = {0};
    CHECK_OK(keel_spawn_opt(body, keel_nil(), &opts, &pid, NULL));
    watched = pid;
    keel_ref watch = keel_monitor(pid);
    keel_send(pid, keel_atom(go));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^Watch, process, _, done}", watch));
    CHECK(keel_runtime_event_listen(NULL) == note);
    unsigned starts = 0, ends = 0;
    for (uint32_t i = 0; i < seen_count && i < KEEL_COUNT(seen); i++) {
        if (seen[i].pid.word != pid.word) {
            continue;
        }
        CHECK_STR(seen[i].entry, "watched");
        starts += seen[i].kind == KEEL_RUNTIME_EVENT_START;
        ends += seen[i].kind == KEEL_RUNTIME_EVENT_EXIT;
        if (seen[i].kind == KEEL_RUNTIME_EVENT_START) {
            CHECK(seen[i].other.word == keel_self().word);
        } else {
            CHECK_TERM(seen[i].term, "done"); // an atom: it outlives the call
        }
    }
    CHECK_INT(starts, 1);
    CHECK_INT(ends, 1);
}

PROCESS_TEST(
        "a restart is told by the supervisor's own process, to nobody when none listens")
{
    watched = keel_self();
    seen_count = 0;
    keel_runtime_event_restart(keel_atom(unheard));
    CHECK_INT(seen_count, 0);
    CHECK(keel_runtime_event_listen(note) == NULL);
    keel_runtime_event_restart(keel_atom(child));
    CHECK(keel_runtime_event_listen(NULL) == note);
    CHECK_INT(seen_count, 1);
    CHECK_INT(seen[0].kind, KEEL_RUNTIME_EVENT_RESTART);
    CHECK_TERM(seen[0].term, "child");
}
