// Answering: what a behaviour does with a system message.

#include "copy.h"
#include "ending.h"
#include "start.h"
#include "sys.h"
#include <stdio.h>

static keel_term answer(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term request);
static keel_term get_state(const keel_sys_ops *ops, void *state);
static keel_term replace_state(const keel_sys_ops *ops, void *state, keel_term holder);
static keel_term get_status(keel_sys *sys, const keel_sys_ops *ops, void *state);
static keel_term change_code(const keel_sys_ops *ops, void *state, keel_term request);
static keel_term unknown(keel_term request);

keel_next keel_sys_handle(
        keel_sys *sys, const keel_sys_ops *ops, void *state, const keel_message *message)
{
    if (sys == NULL || ops == NULL || message == NULL) {
        keel_error(keel_atom(badarg));
    }
    keel_term reason = KEEL_NONE;
    if (keel_match(message->body, "{terminate, Reason}", &reason)) {
        keel_gen_reply(message->from, keel_atom(ok));
        return ops->terminate != NULL ? ops->terminate(state, reason)
                                      : keel_next_exit(reason);
    }
    keel_term reply = answer(sys, ops, state, message->body);
    if (keel_is(message->body, get_state) && keel_is(keel_element(reply, 0), ok) &&
            keel_gen_bare_state(keel_from_pid(message->from.pid))) {
        reply = keel_element(reply, 1); // as who asks expects it
    }
    keel_gen_reply(message->from, reply);
    if (sys->suspended) {
        return keel_next_suspended();
    }
    return ops->resume != NULL ? ops->resume(state) : keel_next_wait();
}

// Messages a suspended body takes: system messages, and its parent's exit, which ends it.
static bool is_urgent(keel_term message, void *context)
{
    const keel_pid *parent = context;
    keel_pid from;
    return keel_match(message, "{system, {_, _}, _}") ||
           (keel_match(message, "{'EXIT', From, _}", &from) && parent->word != 0 &&
                   from.word == parent->word);
}

bool keel_sys_message(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term message)
{
    keel_term from = KEEL_NONE;
    keel_message system = {.kind = KEEL_MESSAGE_SYSTEM};
    if (!keel_match(message, "{system, From, Request}", &from, &system.body)) {
        return false;
    }
    for (;;) {
        system.from = keel_from_of_term(from);
        keel_next next = keel_sys_handle(sys, ops, state, &system);
        if (next.action == KEEL_NEXT_EXIT) {
            keel_exit(next.reason);
        }
        if (!sys->suspended) {
            return true;
        }
        keel_pid parent = keel_gen_parent();
        keel_term urgent = KEEL_NONE;
        keel_term reason = KEEL_NONE;
        if (keel_receive_where(is_urgent, &parent, KEEL_NEVER, &urgent) != KEEL_OK) {
            continue;
        }
        if (keel_match(urgent, "{'EXIT', _, Reason}", &reason)) {
            next = ops->terminate != NULL ? ops->terminate(state, reason)
                                          : keel_next_exit(reason);
            keel_exit(next.action == KEEL_NEXT_EXIT ? next.reason : reason);
        }
        keel_match(urgent, "{system, From, Request}", &from, &system.body);
    }
}

keel_term kl_sys_name(const keel_sys_ops *ops, void *state)
{
    if (ops->name != NULL) {
        return ops->name(state);
    }
    return kl_start_shown_name(KEEL_NONE);
}

keel_term kl_sys_state(const keel_sys_ops *ops, void *state)
{
    return (ops->get_state != NULL ? ops->get_state : ops->misc)(state);
}

static keel_term answer(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term request)
{
    keel_term argument = KEEL_NONE;
    if (keel_is(request, get_state)) {
        return get_state(ops, state);
    }
    if (keel_is(request, get_status)) {
        return get_status(sys, ops, state);
    }
    if (keel_is(request, suspend) || keel_is(request, resume)) {
        sys->suspended = keel_is(request, suspend);
        return keel_atom(ok);
    }
    if (keel_match(request, "{replace_state, Holder}", &argument)) {
        return replace_state(ops, state, argument);
    }
    if (keel_match(request, "{debug, Command}", &argument)) {
        return kl_sys_debug_command(sys, ops, state, argument);
    }
    if (keel_match(request, "{change_code, _, _, _}") && sys->suspended) {
        return change_code(ops, state, request);
    }
    return unknown(request);
}

static keel_term unknown(keel_term request)
{
    return keel_make("{error, {unknown_system_msg, Request}}", request);
}

// --- calling the behaviour, which may fail ---

static keel_term callback_failed(
        const keel_sys_ops *ops, const char *callback, keel_term reason)
{
    keel_term module = KEEL_NONE;
    keel_term name = KEEL_NONE;
    if (keel_atom_from(ops->module, __builtin_strlen(ops->module), &module) != KEEL_OK ||
            keel_atom_from(callback, __builtin_strlen(callback), &name) != KEEL_OK) {
        return keel_tuple_of(keel_atom(error), reason);
    }
    keel_term why = kl_end_class(reason);
    return keel_make("{error, {callback_failed, {Module, Callback}, {Class, Reason}}}",
            module, name, keel_element(why, 0), keel_element(why, 1));
}

static void run_get_state(void *context)
{
    struct kl_sys_guarded *run = context;
    run->result = kl_sys_state(run->ops, run->state);
}

static keel_term get_state(const keel_sys_ops *ops, void *state)
{
    struct kl_sys_guarded run = {.ops = ops, .state = state};
    keel_term reason = KEEL_NONE;
    if (keel_try(run_get_state, &run, &reason) != KEEL_OK) {
        return callback_failed(ops, "system_get_state", reason);
    }
    return keel_tuple_of(keel_atom(ok), run.result);
}

static void run_replace_state(void *context)
{
    struct kl_sys_guarded *run = context;
    run->result = run->errand->replace(
            kl_sys_state(run->ops, run->state), run->errand->context);
    if (keel_is_none(run->result)) {
        keel_error(keel_atom(badarg));
    }
    // Part of it may be the old state's, which goes now.
    run->result = kl_copy_here(run->result);
    if (run->ops->set_state != NULL) {
        run->ops->set_state(run->state, run->result);
    }
}

static keel_term replace_state(const keel_sys_ops *ops, void *state, keel_term holder)
{
    struct kl_sys_errand *errand = keel_to_pointer(holder, KL_SYS_ERRAND);
    uint32_t waiting = KL_ERRAND_WAITING;
    // Acquire and release: pairs with the same exchange in the asker, who has given up
    // when this fails (sys.c).
    if (errand == NULL || !kl_cas_acq_rel(&errand->stage, &waiting, KL_ERRAND_TAKEN)) {
        return unknown(keel_tuple_of(keel_atom(replace_state), holder));
    }
    struct kl_sys_guarded run = {.ops = ops, .state = state, .errand = errand};
    keel_term reason = KEEL_NONE;
    keel_status status = keel_try(run_replace_state, &run, &reason);
    // Release: pairs with the acquire of an asker that waits for the end of it.
    kl_store_release(&errand->stage, KL_ERRAND_DONE);
    if (status != KEEL_OK) {
        return callback_failed(ops, "system_replace_state", reason);
    }
    return keel_tuple_of(keel_atom(ok), run.result);
}

static void run_misc(void *context)
{
    struct kl_sys_guarded *run = context;
    run->result = run->ops->misc(run->state);
}

static keel_term debug_options(const struct kl_sys_debug *debug)
{
    keel_term list = keel_nil();
    if (debug == NULL) {
        return list;
    }
    if (debug->statistics) {
        list = keel_cons(keel_make("{statistics, true}"), list);
    }
    if (debug->log_limit != 0) {
        list = keel_cons(keel_make("{log, N}", debug->log_limit), list);
    }
    if (debug->file >= 0) {
        list = keel_cons(keel_make("{log_to_file, true}"), list);
    }
    return debug->trace ? keel_cons(keel_make("{trace, true}"), list) : list;
}

keel_term kl_sys_stage(const keel_sys *sys)
{
    return sys->suspended ? keel_atom(suspended) : keel_atom(running);
}

keel_term kl_sys_header(const char *what, keel_term name)
{
    char header[512];
    int length = snprintf(header, sizeof header, "Status for %s ", what);
    keel_print(header + length, sizeof header - (size_t)length, name, NULL);
    return keel_charlist(header);
}

static keel_term get_status(keel_sys *sys, const keel_sys_ops *ops, void *state)
{
    struct kl_sys_guarded run = {.ops = ops, .state = state};
    keel_term reason = KEEL_NONE;
    if (keel_try(run_misc, &run, &reason) != KEEL_OK) {
        run.result = keel_tuple_of(keel_atom(callback_failed), reason);
    }
    keel_term module = KEEL_NONE;
    if (keel_atom_from(ops->module, __builtin_strlen(ops->module), &module) != KEEL_OK) {
        module = keel_atom(undefined);
    }
    return keel_make(
            "{status, Self, {module, Module}, [Dictionary, Stage, Parent, Debug, Misc]}",
            keel_self(), module, keel_process_dictionary(), kl_sys_stage(sys),
            keel_gen_parent(), debug_options(sys->debug), run.result);
}

static void run_change_code(void *context)
{
    struct kl_sys_guarded *run = context;
    run->result = run->ops->code_change(
            run->state, run->arguments[0], run->arguments[1], run->arguments[2]);
}

static keel_term change_code(const keel_sys_ops *ops, void *state, keel_term request)
{
    if (ops->code_change == NULL) {
        return keel_make("{error, {'EXIT', Why}}",
                kl_end_undef(ops->module, "system_code_change", 4, keel_atom(undef)));
    }
    struct kl_sys_guarded run = {.ops = ops, .state = state};
    for (size_t i = 0; i < 3; i++) {
        run.arguments[i] = keel_element(request, i + 1);
    }
    keel_term reason = KEEL_NONE;
    if (keel_try(run_change_code, &run, &reason) != KEEL_OK) {
        return keel_make("{error, {'EXIT', Reason}}", reason);
    }
    return keel_is(run.result, ok) ? run.result
                                   : keel_tuple_of(keel_atom(error), run.result);
}
