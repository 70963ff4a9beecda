// The program that end_to_end_test.c looks at.

#include <keel/keel.h>
#include <stdio.h>

static keel_result counter_call(keel_term request, keel_from from, void *state)
{
    keel_term *value = state;
    int64_t by;
    (void)from;
    if (keel_is(request, value)) {
        return keel_reply(*value);
    }
    if (keel_match(request, "{add, By}", &by)) {
        keel_set(value, keel_int(keel_to_int(*value) + by));
        return keel_reply(keel_make("{ok, Value}", *value));
    }
    return keel_is(request, wait) ? keel_noreply() : keel_unexpected(request);
}

static const keel_gen_server counter = {.name = "counter",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = counter_call};

// A name that would clear the screen.
static keel_result rude_init(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    keel_process_set_label(keel_string("\033[2Jrude"));
    return keel_ok();
}

static const keel_gen_server rude = {.name = "rude", .init = rude_init};

static keel_started start(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    keel_child_spec children[] = {
            keel_child(&counter, keel_int(7), .name = keel_atom(counter)),
            keel_child(&rude, keel_nil(), .name = keel_atom_text("日本\033[2J")),
    };
    keel_started started = keel_supervisor_start_link(
            children, KEEL_COUNT(children), .name = keel_atom(shop_supervisor));
    printf("serving\n");
    fflush(stdout);
    return started;
}

static const keel_application shop = {.name = "shop", .start = start};

int main(int argc, char **argv)
{
    return keel_main(&shop, argc, argv);
}
