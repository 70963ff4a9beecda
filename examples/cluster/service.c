// A service in C that is a node of an Erlang or Elixir cluster: supervised, callable by
// name from any other node, and visible in their Observer. cluster.exs is its other side.
//
//   service --name c@127.0.0.1 --cookie SECRET

#include <keel/keel.h>
#include <keel/main.h>
#include <stdio.h>
#include <string.h>

struct sums {
    int64_t calls;
};

static keel_result init(keel_term unused, void *state)
{
    return keel_ok();
}

static int64_t sum(keel_term numbers)
{
    int64_t total = 0;
    keel_term number;
    while (keel_list_next(&numbers, &number)) {
        total += keel_to_int(number);
    }
    return total;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct sums *sums = state;
    keel_term numbers;
    if (keel_match(request, "{sum, Numbers}", &numbers)) {
        sums->calls++;
        return keel_reply(keel_int(sum(numbers)));
    }
    if (keel_is(request, crash)) {
        *(volatile char *)NULL = 0; // ends this process; its supervisor starts another
    }
    return keel_unexpected(request);
}

// Whatever else is sent to it goes back to the sender, if it says who that is.
static keel_result handle_info(keel_term message, void *state)
{
    keel_pid who;
    keel_term what;
    if (keel_match(message, "{echo, Who, What}", &who, &what)) {
        keel_send(who, keel_make("{here, Node, What}", keel_node_self(), what));
    }
    return keel_noreply();
}

static const keel_gen_server sums = {
        .name = "sums",
        .state = KEEL_STATE(struct sums, calls),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

static const char *setting(const char *key, char *text, size_t size)
{
    keel_term name;
    if (keel_atom_from(key, strlen(key), &name) != KEEL_OK) {
        return NULL;
    }
    keel_bytes value = keel_to_bytes(keel_application_get_env(KEEL_NONE, name, KEEL_NONE));
    snprintf(text, size, "%.*s", (int)value.size, (const char *)value.data);
    return value.size > 0 ? text : NULL;
}

static keel_started start(keel_term type, keel_term argument)
{
    char name[256], cookie[256];
    const keel_node_config node = {
            .name = setting("name", name, sizeof name),
            .cookie = setting("cookie", cookie, sizeof cookie),
            .visible = true,
    };
    keel_status status = keel_observer_allow(true);
    if (status == KEEL_OK) {
        status = keel_node_start(&node);
    }
    if (status != KEEL_OK) {
        return keel_started_failed(keel_make("{node, Why}", keel_status_text(status)));
    }
    const keel_child_spec children[] = {
            keel_child(&sums, keel_nil(), .name = keel_atom(sums))};
    keel_started tree = keel_supervisor_start_link(
            children, KEEL_COUNT(children), .name = keel_atom(service));
    printf("ready\n");
    fflush(stdout);
    return tree;
}

static const keel_option options[] = {
        {.name = "name", .value = "NODE", .help = "name of this node, such as c@127.0.0.1"},
        {.name = "cookie", .value = "SECRET", .help = "what all nodes of the cluster know"},
        {0},
};

static const keel_application service = {
        .name = "service",
        .description = "sums for Elixir",
        .version = "1.0",
        .start = start,
        .env = "[{name, <<\"c@127.0.0.1\">>}, {cookie, <<>>}]",
        .options = options,
};

int main(int argc, char **argv)
{
    return keel_main(&service, argc, argv);
}
