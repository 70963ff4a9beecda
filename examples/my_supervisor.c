// A supervisor with the three ways to say what a child is.

#include "my_supervisor.h"
#include "buffer_server.h"
#include "config_server.h"
#include "key_value.h"

static keel_term init(keel_term argument)
{
    keel_child_spec children[] = {
            // simple: everything as usual
            keel_child_fn(config_server_start_link, keel_make("#{}")),
            // full
            {
                    .id = keel_atom(buffer_server),
                    .start = buffer_server_start_link,
                    .argument = keel_make("#{width => 80, height => 24}"),
                    .restart = KEEL_PERMANENT,
                    .shutdown = KEEL_SECONDS(5),
                    .type = KEEL_WORKER,
            },
            // the usual one with some things changed
            keel_child_fn(key_value_start_link, keel_nil(), .restart = KEEL_TRANSIENT,
                    .shutdown = KEEL_SECONDS(10)),
    };
    return keel_supervisor_init(
            children, KEEL_COUNT(children), .strategy = KEEL_ONE_FOR_ONE);
}

static const keel_supervisor my_supervisor = {"my_supervisor", init};

keel_started my_supervisor_start_link(keel_term argument)
{
    return keel_supervisor_start_link_module(
            &my_supervisor, argument, .name = keel_atom(my_supervisor));
}
