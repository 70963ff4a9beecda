// Asking: the client's half of sys. sys_handle.c is the other one.

#include "sys.h"
#include "base/base.h"
#include "via.h"
#include <keel/function.h>
#include <string.h>

static keel_status sort_answer(keel_status status, keel_term answer, keel_term *ret);

keel_status keel_sys_request_term(
        keel_term server, keel_term request, keel_deadline deadline, keel_term *ret_answer)
{
    keel_term to;
    keel_status status = kl_via_resolve(server, &to);
    return status == KEEL_OK ? keel_gen_system_call(to, request, deadline, ret_answer)
                             : status;
}

static keel_status ask(keel_term server, keel_term request, keel_term *ret)
{
    keel_term answer = KEEL_NONE;
    keel_status status = keel_sys_request_term(
            server, request, KEEL_IN(KEEL_SECONDS(5)), &answer);
    return sort_answer(status, answer, ret);
}

keel_status keel_sys_get_state_term(keel_term server, keel_term *ret_state)
{
    if (keel_gen_bare_state(server)) {
        return keel_gen_system_call(
                server, keel_atom(get_state), KEEL_IN(KEEL_SECONDS(5)), ret_state);
    }
    return ask(server, keel_atom(get_state), ret_state);
}

keel_status keel_sys_get_status_term(keel_term server, keel_term *ret_status)
{
    return ask(server, keel_atom(get_status), ret_status);
}

keel_status keel_sys_simple_term(keel_term server, keel_term request)
{
    return ask(server, request, NULL);
}

keel_status keel_sys_debug_term(
        keel_term server, keel_term what, keel_term flag, keel_term *ret_result)
{
    return ask(
            server, keel_tuple_of(keel_atom(debug), keel_tuple_of(what, flag)), ret_result);
}

keel_status keel_sys_log_to_file_term(keel_term server, const char *path)
{
    keel_term name = path == NULL ? keel_bool(false) : keel_string(path);
    return keel_sys_debug_term(server, keel_atom(log_to_file), name, NULL);
}

keel_status keel_sys_install_term(
        keel_term server, keel_term id, keel_sys_watch watch, keel_term initial)
{
    if (watch == NULL) {
        return KEEL_E_BADARG;
    }
    keel_term function = keel_function(watch);
    keel_term what = keel_is_none(id) ? keel_tuple_of(function, initial)
                                      : keel_tuple_of(id, function, initial);
    return keel_sys_debug_term(server, keel_atom(install), what, NULL);
}

keel_status keel_sys_remove_term(keel_term server, keel_term id, keel_sys_watch watch)
{
    keel_term which = keel_is_none(id) ? keel_function(watch) : id;
    return keel_sys_debug_term(server, keel_atom(remove), which, NULL);
}

keel_status keel_sys_change_code_term(keel_term server, keel_term module,
        keel_term old_version, keel_term extra, keel_term *ret_error)
{
    keel_term request = keel_tuple_of(keel_atom(change_code), module, old_version, extra);
    return ask(server, request, ret_error);
}

// Suspended and resumed only if it was not suspended before.
keel_status kl_sys_upgrade(
        keel_term server, keel_term to, keel_term extra, keel_term *ret_error)
{
    keel_term status = KEEL_NONE;
    keel_status result = keel_sys_get_status_term(server, &status);
    bool suspended = keel_match(status, "{status, _, _, [_, suspended, _, _, _]}");
    if (result == KEEL_OK) {
        result = keel_sys_suspend(server);
    }
    if (result != KEEL_OK) {
        return result;
    }
    keel_term given = keel_is_none(extra) ? keel_nil() : extra;
    result = keel_sys_change_code_term(server, to, keel_atom(undefined), given, ret_error);
    keel_status resumed = suspended ? KEEL_OK : keel_sys_resume(server);
    return result != KEEL_OK ? result : resumed;
}

// {error, R} is KEEL_E_REFUSED with R, as is unknown_debug; {ok, X} is X.
static keel_status sort_answer(keel_status status, keel_term answer, keel_term *ret)
{
    keel_term unused;
    ret = ret == NULL ? &unused : ret;
    if (status != KEEL_OK) {
        if (status == KEEL_E_EXIT) {
            *ret = answer;
        }
        return status;
    }
    *ret = answer;
    if (keel_is(answer, unknown_debug)) {
        return KEEL_E_REFUSED;
    }
    if (keel_tuple_size(answer) == 2) {
        keel_term kind = keel_element(answer, 0);
        if (keel_is(kind, error)) {
            *ret = keel_element(answer, 1);
            return KEEL_E_REFUSED;
        }
        if (keel_is(kind, ok)) {
            *ret = keel_element(answer, 1);
        }
    }
    return KEEL_OK;
}

// --- replacing a state ---
//
// The function and its context are the asker's, who may give up while the server is busy.
// Whoever moves the errand on from WAITING decides: the server, which then runs it, or the
// asker, who then may go. An asker that comes too late waits for the answer after all.

static void free_errand(void *errand)
{
    kl_free(errand, sizeof(struct kl_sys_errand));
}

keel_status keel_sys_replace_state_term(
        keel_term server, keel_sys_replace replace, void *context, keel_term *ret_state)
{
    if (replace == NULL) {
        return KEEL_E_BADARG;
    }
    struct kl_sys_errand *errand = kl_alloc(sizeof *errand);
    if (errand == NULL) {
        return KEEL_E_NOMEM;
    }
    *errand = (struct kl_sys_errand){replace, context, KL_ERRAND_WAITING};
    keel_term holder = keel_resource(KL_SYS_ERRAND, errand, free_errand);
    keel_term request = keel_tuple_of(keel_atom(replace_state), holder);
    keel_status status = ask(server, request, ret_state);
    if (status == KEEL_E_TIMEOUT) {
        uint32_t waiting = KL_ERRAND_WAITING;
        // Acquire and release: pairs with the same exchange in the server (sys_handle.c).
        if (!kl_cas_acq_rel(&errand->stage, &waiting, KL_ERRAND_LEFT)) {
            while (kl_load_acquire(&errand->stage) != KL_ERRAND_DONE) {
                keel_sleep(KEEL_MS(1));
            }
        }
    }
    return status;
}
