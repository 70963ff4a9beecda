// A supervisor in three versions: VERSION says which. The first has the children a and b,
// the second b and c; the third returns what no init may. A child tells which version of
// this file it came from.

#include <keel/upgrade.h>

static keel_result init_kid(keel_term argument, void *state)
{
    keel_set(state, argument);
    return keel_ok();
}

static keel_result call_kid(keel_term request, keel_from from, void *state)
{
    (void)from;
    return keel_is(request, version)
                   ? keel_reply(keel_make("{Version, Id}", VERSION, *(keel_term *)state))
                   : keel_stop_with(request);
}

static const keel_gen_server kid = {.name = "upgrade_kid",
        .state = KEEL_STATE_TERM,
        .init = init_kid,
        .handle_call = call_kid};

static keel_term init(keel_term argument)
{
    (void)argument;
    keel_term first = VERSION == 1 ? keel_atom(a) : keel_atom(b);
    keel_term second = VERSION == 1 ? keel_atom(b) : keel_atom(c);
    keel_child_spec children[] = {
            keel_child(&kid, first, .id = first), keel_child(&kid, second, .id = second)};
    return VERSION == 3 ? keel_atom(nonsense)
                        : keel_supervisor_init(children, 2, .intensity = 1000000);
}

static const keel_supervisor tree = {.name = "upgrade_tree", .init = init};

KEEL_MODULE(tree);
