// Obeying a script: which word it is, and when it ends.

#include "fixture.h"
#include <string.h>

struct attempt {
    keel_term (*ask)(const keel_term *arguments);
    const keel_term *arguments;
    keel_term reply;
};

static bool obey_step(struct outcome *outcome, keel_term step);
static const struct step *step_of(const char *name, size_t arity);
static void run_attempt(void *context);

void script_obey(struct outcome *outcome, keel_term script)
{
    outcome->value = keel_atom(ok);
    if (!keel_is_list(script)) {
        obey_step(outcome, script);
        return;
    }
    keel_term step;
    while (keel_list_next(&script, &step)) {
        if (!obey_step(outcome, step)) {
            return;
        }
    }
    if (!keel_is_nil(script)) {
        obey_step(outcome, script); // the tail of an improper list is a step
    }
}

keel_term script_value(keel_term script)
{
    struct outcome outcome = {.state = keel_nil()};
    script_obey(&outcome, script);
    return outcome.value;
}

keel_term script_unsupported(void)
{
    return keel_make("{error, unsupported}");
}

bool script_asked(keel_term message, keel_term *ret_script)
{
    return keel_match(message, "{do, Script}", ret_script);
}

keel_term script_attempt(
        keel_term (*ask)(const keel_term *arguments), const keel_term *arguments)
{
    struct attempt attempt = {ask, arguments, KEEL_NONE};
    keel_term reason, why, function, module;
    if (keel_try(run_attempt, &attempt, &reason) == KEEL_OK) {
        return keel_make("{ok, Reply}", attempt.reply);
    }
    bool wrapped = keel_match(reason, "{Why, {Module, Function, [_ | _]}}", &why, &module,
                           &function) &&
                   keel_is_atom(module) && keel_is_atom(function);
    return keel_make("{exit, Why}", wrapped ? why : reason);
}

keel_duration script_time(keel_term milliseconds)
{
    return keel_is(milliseconds, infinity) ? KEEL_FOREVER
                                           : KEEL_MS(keel_to_int(milliseconds));
}

// False when nothing may follow.
static bool obey_step(struct outcome *outcome, keel_term term)
{
    keel_term arguments[8];
    size_t size = keel_tuple_size(term);
    keel_term word = size > 0 ? keel_element(term, 0) : term;
    const char *name = keel_atom_name(word);
    size_t arity = size > 0 ? size - 1 : 0;
    const struct step *step = name != NULL && size != 1 && arity <= KEEL_COUNT(arguments)
                                      ? step_of(name, arity)
                                      : NULL;
    if (step == NULL) {
        outcome->value = outcome->answer = script_unsupported();
        outcome->reply = REPLY_TERM;
        return false;
    }
    for (size_t i = 0; i < arity; i++) {
        arguments[i] = keel_element(term, i + 1);
    }
    outcome->value = keel_atom(ok);
    step->run(outcome, arguments);
    return outcome->reply != REPLY_TERM ||
           !keel_equal(outcome->answer, script_unsupported());
}

static const struct step *step_of(const char *name, size_t arity)
{
    const struct step *const tables[] = {
            flow_steps, process_steps, task_steps, service_steps};
    for (size_t i = 0; i < KEEL_COUNT(tables); i++) {
        for (const struct step *step = tables[i]; step->name != NULL; step++) {
            if (step->arity == arity && strcmp(step->name, name) == 0) {
                return step;
            }
        }
    }
    return NULL;
}

static void run_attempt(void *context)
{
    struct attempt *attempt = context;
    attempt->reply = attempt->ask(attempt->arguments);
}
