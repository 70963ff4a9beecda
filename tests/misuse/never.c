// Callbacks for rows that must refuse before anything is called.

#include "table.h"

keel_term never(keel_term state, keel_term context)
{
    (void)state, (void)context;
    CHECK(false);
    return KEEL_NONE;
}

keel_term never_run(keel_term argument)
{
    return never(argument, argument);
}

void never_body(keel_term argument)
{
    (void)never_run(argument);
}

keel_started never_start_child(keel_term argument)
{
    return keel_started_failed(never_run(argument));
}

static keel_next never_start(void *state, keel_term argument)
{
    (void)state, (void)argument;
    CHECK(false);
    return keel_next_wait();
}

static keel_next never_receive(void *state, const keel_message *message)
{
    (void)state, (void)message;
    CHECK(false);
    return keel_next_wait();
}

const keel_handler never_handler = {
        .name = "never", .start = never_start, .receive = never_receive};
const keel_handler no_start = {.name = "x", .receive = never_receive};
const keel_handler no_receive = {.name = "x", .start = never_start};
