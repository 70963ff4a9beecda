// What tools of OTP call on a node that they look at, and which of it is allowed.

#include "observer.h"
#include <keel/application.h>
#include <keel/message.h>
#include <string.h>

void kl_observer_badarg(void)
{
    keel_error(keel_atom(badarg));
}

keel_term kl_observer_argument(keel_term arguments, size_t index)
{
    keel_term item = KEEL_NONE;
    for (size_t i = 0; i <= index; i++) {
        if (!keel_list_next(&arguments, &item)) {
            kl_observer_badarg();
        }
    }
    return item;
}

keel_term kl_observer_atom(const char *text)
{
    keel_term atom;
    size_t size = strnlen(text, 255);
    return keel_atom_from(text, size, &atom) == KEEL_OK ? atom : keel_atom(undefined);
}

// --- small ones ---

static keel_term none(keel_term arguments)
{
    (void)arguments;
    return keel_nil(); // ports, sockets and tables there are none
}

// A table that is asked for is gone by now, as far as the tool can tell.
static keel_term no_table(keel_term arguments)
{
    keel_term parent = kl_observer_argument(arguments, 0);
    keel_send(parent, keel_make("{Self, '$end_of_table'}", keel_self()));
    return keel_from_pid(keel_self());
}

static keel_term loaded(keel_term arguments)
{
    return keel_make("{module, Module}", kl_observer_argument(arguments, 0));
}

// Of the module that stands for all that runs here: see kl_observer_initial_call.
static keel_term module_info(keel_term arguments)
{
    keel_term what = kl_observer_argument(arguments, 0);
    return keel_is(what, attributes) ? keel_make("[{behaviour, [gen_server]}]")
                                     : keel_nil();
}

static keel_term registered(keel_term arguments)
{
    (void)arguments;
    return keel_registered();
}

static keel_term whereis(keel_term arguments)
{
    keel_term name = kl_observer_argument(arguments, 0);
    if (!keel_is_atom(name)) {
        kl_observer_badarg();
    }
    keel_pid pid = keel_whereis_term(name);
    return pid.word == 0 ? keel_atom(undefined) : keel_from_pid(pid);
}

static keel_term is_alive(keel_term arguments)
{
    keel_term pid = kl_observer_argument(arguments, 0);
    if (!keel_is_pid(pid)) {
        kl_observer_badarg();
    }
    return keel_bool(keel_process_alive(keel_to_pid(pid)));
}

static keel_term nodes(keel_term arguments)
{
    (void)arguments;
    return keel_node_list(KEEL_NODES_VISIBLE);
}

static keel_term applications(keel_term arguments)
{
    (void)arguments;
    return keel_application_which();
}

static keel_term version(keel_term arguments)
{
    (void)arguments;
    return keel_make("{ok, Version}", keel_charlist(keel_version()));
}

// --- which of them there are ---

static keel_term exported(keel_term arguments);

static const struct function {
    const char *module, *name;
    uint8_t least, most; // arguments
    keel_rpc_function run;
} functions[] = {
        {"observer_backend", "vsn", 0, 0, version},
        {"observer_backend", "sys_info", 0, 0, kl_observer_sys_info},
        {"observer_backend", "procs_info", 1, 1, kl_observer_procs_info},
        {"observer_backend", "etop_collect", 1, 1, kl_observer_etop},
        {"observer_backend", "fetch_stats", 2, 2, kl_observer_fetch_stats},
        {"observer_backend", "get_port_list", 0, 0, none},
        {"observer_backend", "get_socket_list", 0, 0, none},
        {"observer_backend", "socket_info", 0, 0, none},
        {"observer_backend", "get_table_list", 2, 2, none},
        {"observer_backend", "get_table", 3, 3, no_table},
        {"appmon_info", "start_link2", 3, 3, kl_observer_appmon},
        {"code", "ensure_loaded", 1, 1, loaded},
        {"keel", "module_info", 1, 1, module_info},
        {"application", "which_applications", 0, 1, applications},
        {"proc_lib", "translate_initial_call", 1, 1, kl_observer_initial_call},
        {"sys", "get_status", 1, 2, kl_observer_get_status},
        {"sys", "get_state", 1, 2, kl_observer_get_state},
        {"erlang", "processes", 0, 0, kl_observer_processes},
        {"erlang", "process_info", 1, 2, kl_observer_process_info},
        {"Elixir.Process", "list", 0, 0, kl_observer_processes},
        {"Elixir.Process", "info", 1, 2, kl_observer_elixir_info},
        {"Elixir.Process", "alive?", 1, 1, is_alive},
        {"erlang", "is_process_alive", 1, 1, is_alive},
        {"erlang", "registered", 0, 0, registered},
        {"erlang", "whereis", 1, 1, whereis},
        {"erlang", "nodes", 0, 0, nodes},
        {"erlang", "system_info", 1, 1, kl_observer_system_info},
        {"erlang", "memory", 0, 1, kl_observer_memory},
        {"erlang", "statistics", 1, 1, kl_observer_statistics},
        {"erlang", "function_exported", 3, 3, exported},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static keel_term exported(keel_term arguments)
{
    keel_term module = kl_observer_argument(arguments, 0);
    keel_term name = kl_observer_argument(arguments, 1);
    keel_term arity = kl_observer_argument(arguments, 2);
    if (!keel_is_atom(module) || !keel_is_atom(name) || !keel_is_int(arity)) {
        kl_observer_badarg();
    }
    int64_t count = 0;
    bool counts = keel_get_int(arity, &count);
    for (size_t i = 0; counts && i < FUNCTIONS; i++) {
        const struct function *at = &functions[i];
        if (keel_equal(module, kl_observer_atom(at->module)) &&
                keel_equal(name, kl_observer_atom(at->name)) && count >= at->least &&
                count <= at->most) {
            return keel_bool(true);
        }
    }
    return keel_bool(false);
}

keel_status keel_observer_allow(bool on)
{
    keel_status status = KEEL_OK;
    for (size_t i = 0; i < FUNCTIONS && status == KEEL_OK; i++) {
        const struct function *at = &functions[i];
        status = keel_rpc_allow(kl_observer_atom(at->module), kl_observer_atom(at->name),
                on ? at->run : NULL);
    }
    return status;
}
