// The fixture as a program: a node with the server `fixture`, until SIGTERM.
//
//   fixture-node --name c@127.0.0.1 --cookie SECRET

#include "fixture.h"
#include <keel/main.h>
#include <keel/node.h>
#include <stdio.h>

static const char *text_option(keel_term key, char *buffer, size_t size);

// The reference is started without a link and outlives whatever its scripts do; so the
// supervisor only waits for the end of the program.
static keel_started start(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    char name[256], cookie[256];
    const keel_node_config node = {
            .name = text_option(keel_atom(name), name, sizeof name),
            .cookie = text_option(keel_atom(cookie), cookie, sizeof cookie),
    };
    kinds_register();
    keel_report_level_set(KEEL_REPORT_NONE); // crashes are what the cases are about
    keel_started fixture = keel_gen_server_start(&scripted_server,
            keel_make("#{trap_exit => true}"), .name = keel_atom(fixture));
    if (fixture.status != KEEL_OK) {
        return fixture;
    }
    keel_status status = keel_node_start(&node);
    if (status != KEEL_OK) {
        fprintf(stderr, "no node: %s\n", keel_status_text(status));
        return keel_started_failed(keel_string(keel_status_text(status)));
    }
    printf("fixture ready\n");
    fflush(stdout);
    return keel_supervisor_start_link(NULL, 0);
}

// The option as a C string; NULL when it was not given.
static const char *text_option(keel_term key, char *buffer, size_t size)
{
    keel_bytes text = keel_to_bytes(keel_application_get_env(KEEL_NONE, key, KEEL_NONE));
    snprintf(buffer, size, "%.*s", (int)text.size, (const char *)text.data);
    return text.size > 0 ? buffer : NULL;
}

static const keel_option options[] = {
        {.name = "name", .value = "NODE", .help = "name of the node"},
        {.name = "cookie", .value = "SECRET", .help = "what its peers must know"},
        {0},
};

static const keel_application fixture = {
        .name = "fixture",
        .version = "0.1.0",
        .start = start,
        .env = "[{name, <<>>}, {cookie, <<>>}]", // binaries: whatever is given is text
        .options = options,
};

int main(int argc, char **argv)
{
    return keel_main(&fixture, argc, argv);
}
