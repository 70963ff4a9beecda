#include "ending.h"
#include <keel/inspect.h>
#include <keel/match.h>
#include <stdio.h>
#include <string.h>

bool kl_end_is_abnormal(keel_term reason)
{
    return !keel_is(reason, normal) && !keel_is(reason, shutdown) &&
           !(keel_tuple_size(reason) == 2 && keel_is(keel_element(reason, 0), shutdown));
}

// OTP has a stack in the list; making one readable takes longer than a supervisor takes to
// start the server anew.
keel_term kl_end_client(keel_from from)
{
    if (keel_is_none(from.tag)) {
        return keel_atom(undefined);
    }
    keel_term pid = keel_from_pid(from.pid);
    keel_process_view view;
    if (!keel_inspect_process(from.pid, &view)) {
        return keel_tuple_of(pid, keel_atom(dead));
    }
    keel_term name = keel_is_none(view.name) ? pid : view.name;
    return keel_tuple_of(pid, keel_tuple_of(name, keel_nil()));
}

keel_term kl_end_undef(
        const char *module, const char *callback, unsigned arity, keel_term why)
{
    keel_term name = KEEL_NONE;
    keel_term function = KEEL_NONE;
    if (keel_atom_from(module, strlen(module), &name) != KEEL_OK ||
            keel_atom_from(callback, strlen(callback), &function) != KEEL_OK) {
        return keel_tuple_of(why, keel_nil());
    }
    return keel_make("{Why, [{Module, Callback, Arity, []}]}", why, name, function, arity);
}

keel_term kl_end_class(keel_term reason)
{
    keel_term stack = keel_element(reason, 1);
    size_t frames;
    if (keel_tuple_size(reason) == 2 && keel_list_length(stack, &frames)) {
        return keel_tuple_of(keel_atom(error), keel_element(reason, 0), stack);
    }
    return keel_tuple_of(keel_atom(exit), reason, keel_nil());
}

// --- format_status ---

struct formatting {
    keel_term (*format)(keel_term status);
    keel_term status;
};

static void run_format(void *context)
{
    struct formatting *formatting = context;
    formatting->status = formatting->format(formatting->status);
}

static keel_term hide(keel_term status, keel_term key, keel_term why)
{
    return keel_is_none(keel_map_get(status, key)) ? status
                                                   : keel_map_put(status, key, why);
}

// What the callback should have hidden stays hidden: what went wrong is shown instead.
static keel_term hide_state(keel_term status, const char *module, const char *what)
{
    char text[300];
    snprintf(text, sizeof text, "%s:format_status/1 %s", module, what);
    keel_term why = keel_charlist(text);
    return hide(hide(status, keel_atom(state), why), keel_atom(data), why);
}

keel_term kl_end_format_status(
        const char *module, keel_term (*format)(keel_term status), keel_term status)
{
    if (format == NULL) {
        return status;
    }
    struct formatting formatting = {format, status};
    keel_term failure = KEEL_NONE;
    if (keel_try(run_format, &formatting, &failure) != KEEL_OK) {
        return hide_state(status, module, "crashed");
    }
    if (!keel_is_map(formatting.status)) {
        return hide_state(status, module, "did not return a map");
    }
    keel_term key;
    keel_term value;
    for (size_t i = 0; keel_map_at(status, i, &key, &value); i++) {
        if (keel_is_none(keel_map_get(formatting.status, key))) {
            return hide_state(status, module, "returned a map with unknown keys");
        }
    }
    return formatting.status;
}
