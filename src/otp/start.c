#include "start.h"
#include "registered.h"
#include "report.h"
#include <keel/inspect.h>
#include <keel/link.h>
#include <stdio.h>
#include <string.h>

static struct kl_registered start_functions;

static keel_status spawn_options(const keel_start_opts *opts, enum kl_start_kind kind,
        const struct kl_name *name, keel_spawn_opts *ret);
static keel_term pack(
        const void *module, const keel_start_opts *opts, const struct kl_name *name);
static keel_started outcome(
        keel_status status, keel_pid pid, keel_ref monitor, keel_term ack);

keel_started kl_start(const keel_handler *handler, const void *module,
        const keel_start_opts *opts, enum kl_start_kind kind)
{
    static const keel_start_opts defaults;
    opts = opts == NULL ? &defaults : opts;
    kl_report_crashes();
    struct kl_name name = kl_name_parse(opts->name);
    keel_spawn_opts spawn;
    keel_status status = spawn_options(opts, kind, &name, &spawn);
    if (handler == NULL && status == KEEL_OK) {
        status = KEEL_E_NOMEM;
    }
    if (status != KEEL_OK) {
        return outcome(status, (keel_pid){0}, (keel_ref){0}, KEEL_NONE);
    }
    if (name.kind == KL_NAME_VIA) {
        keel_pid holder = name.via->whereis(name.key);
        if (holder.word != 0) {
            return outcome(
                    KEEL_E_TAKEN, (keel_pid){0}, (keel_ref){0}, keel_from_pid(holder));
        }
    }
    keel_pid pid = {0};
    keel_ref monitor = {0};
    keel_term ack = KEEL_NONE;
    keel_deadline deadline = opts->timeout > 0 ? KEEL_IN(opts->timeout) : KEEL_NEVER;
    status = keel_gen_start(
            handler, pack(module, opts, &name), &spawn, deadline, &pid, &monitor, &ack);
    if (status != KEEL_OK && monitor.word != 0) {
        // It has ended by now, and who is told so by the result gets no message as well.
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
        monitor = (keel_ref){0};
    }
    return outcome(status, pid, monitor, ack);
}

struct kl_start_info kl_start_unpack(keel_term argument)
{
    struct kl_start_info info = {
            .module = keel_to_pointer(keel_element(argument, 0), NULL),
            .argument = keel_element(argument, 1),
            .name = KEEL_NONE,
            .debug = KEEL_NONE,
    };
    keel_term more = keel_element(argument, 2);
    if (keel_is_tuple(more)) { // {Name, HibernateAfter, Debug}, when there is one of them
        keel_term name = keel_element(more, 0);
        info.name = keel_is_tuple(name) ? name : KEEL_NONE;
        info.hibernate_after = keel_to_int(keel_element(more, 1));
        info.debug = keel_element(more, 2);
    }
    return info;
}

void kl_start_take_name(const struct kl_start_info *info)
{
    if (keel_is_none(info->name)) {
        return;
    }
    struct kl_name name = kl_name_parse(info->name);
    if (name.kind == KL_NAME_VIA && !name.via->register_name(name.key, keel_self())) {
        keel_pid holder = name.via->whereis(name.key);
        keel_term who = holder.word != 0 ? keel_from_pid(holder) : keel_atom(undefined);
        keel_term taken = keel_tuple_of(keel_atom(already_started), who);
        keel_gen_fail(keel_tuple_of(keel_atom(error), taken), keel_atom(normal));
    }
}

void kl_start_fail(keel_term name, keel_term result, keel_term reason)
{
    kl_start_drop_name(name);
    keel_gen_fail(result, reason);
}

void kl_start_drop_name(keel_term term)
{
    struct kl_name name = kl_name_parse(term);
    if (name.kind == KL_NAME_VIA) {
        name.via->unregister_name(name.key);
    }
}

void kl_start_check_entry(keel_term term)
{
    struct kl_name name = kl_name_parse(term);
    keel_pid self = keel_self();
    if (name.kind == KL_NAME_LOCAL && keel_whereis_term(name.local).word != self.word) {
        keel_exit(keel_atom(process_not_registered));
    }
    if (keel_is(keel_element(term, 0), global) &&
            (name.kind != KL_NAME_VIA || name.via->whereis(name.key).word != self.word)) {
        keel_exit(keel_atom(process_not_registered_globally));
    }
    if (name.kind == KL_NAME_VIA && name.via->whereis(name.key).word != self.word) {
        keel_exit(keel_tuple_of(keel_atom(process_not_registered_via), name.module));
    }
    if (name.kind == KL_NAME_BAD) {
        keel_error(keel_atom(badarg));
    }
    if (!keel_gen_started()) {
        keel_exit(keel_atom(process_was_not_started_by_proc_lib));
    }
}

keel_term kl_start_shown_name(keel_term name)
{
    size_t size = keel_tuple_size(name);
    if (size != 0) {
        return keel_element(name, size - 1);
    }
    keel_process_view view;
    if (keel_inspect_process(keel_self(), &view) && !keel_is_none(view.name)) {
        return view.name;
    }
    return keel_from_pid(keel_self());
}

static keel_status spawn_options(const keel_start_opts *opts, enum kl_start_kind kind,
        const struct kl_name *name, keel_spawn_opts *ret)
{
    if (name->kind == KL_NAME_BAD || opts->spawn.monitor) {
        return KEEL_E_BADARG;
    }
    if (kind != KL_START_ALONE && !keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    *ret = opts->spawn;
    ret->name = name->kind == KL_NAME_LOCAL ? name->local : KEEL_NONE;
    ret->link = kind == KL_START_LINKED || opts->spawn.link;
    ret->monitor = kind == KL_START_MONITORED;
    return KEEL_OK;
}

static keel_term pack(
        const void *module, const keel_start_opts *opts, const struct kl_name *name)
{
    keel_term argument = keel_is_none(opts->argument) ? keel_nil() : opts->argument;
    keel_term more = keel_nil();
    if (name->kind == KL_NAME_VIA || opts->hibernate_after > 0 ||
            !keel_is_none(opts->debug)) {
        keel_term via = name->kind == KL_NAME_VIA ? opts->name : keel_nil();
        keel_term debug = keel_is_none(opts->debug) ? keel_nil() : opts->debug;
        more = keel_tuple_of(via, keel_int(opts->hibernate_after), debug);
    }
    return keel_tuple_of(keel_pointer(module), argument, more);
}

static keel_started outcome(
        keel_status status, keel_pid pid, keel_ref monitor, keel_term ack)
{
    keel_started started = {.status = status, .monitor = monitor};
    switch (status) {
    case KEEL_OK:
        started.pid = pid;
        return started;
    case KEEL_E_EXIT:
        started.pid = pid;
        started.reason = ack;
        return started;
    case KEEL_E_CANCELED:
        started = keel_started_from_term(ack);
        started.monitor = monitor;
        started.pid = started.status == KEEL_E_TAKEN ? started.pid : pid;
        return started;
    case KEEL_E_TAKEN:
        started.pid = keel_to_pid(ack);
        started.reason = keel_tuple_of(keel_atom(already_started), ack);
        return started;
    case KEEL_E_TIMEOUT:
        started.reason = keel_atom(timeout);
        return started;
    case KEEL_E_SYSTEM_LIMIT:
    case KEEL_E_NOMEM:
        started.reason = keel_atom(system_limit);
        return started;
    case KEEL_E_BADARG:
        started.reason = keel_atom(badarg);
        return started;
    default:
        started.reason = keel_is_none(ack) ? keel_string(keel_status_text(status)) : ack;
        return started;
    }
}

// --- starts as values ---

keel_started keel_started_ok(keel_pid pid)
{
    return (keel_started){.status = KEEL_OK, .pid = pid};
}

keel_started keel_started_ok_with(keel_pid pid, keel_term info)
{
    return (keel_started){.status = KEEL_OK, .pid = pid, .info = info};
}

keel_started keel_started_ignored(void)
{
    return (keel_started){.status = KEEL_E_IGNORED};
}

keel_started keel_started_failed(keel_term reason)
{
    return (keel_started){.status = KEEL_E_EXIT, .reason = reason};
}

keel_term keel_started_to_term(keel_started started)
{
    if (started.status == KEEL_E_IGNORED) {
        return keel_atom(ignore);
    }
    if (started.status != KEEL_OK) {
        return keel_tuple_of(keel_atom(error),
                keel_is_none(started.reason) ? keel_atom(undefined) : started.reason);
    }
    keel_term pid = keel_from_pid(started.pid);
    return keel_is_none(started.info) ? keel_tuple_of(keel_atom(ok), pid)
                                      : keel_tuple_of(keel_atom(ok), pid, started.info);
}

keel_started keel_started_from_term(keel_term term)
{
    keel_pid pid;
    keel_term reason = KEEL_NONE;
    keel_term info = KEEL_NONE;
    if (keel_is(term, ignore)) {
        return keel_started_ignored();
    }
    if (keel_match(term, "{ok, Pid}", &pid)) {
        return keel_started_ok(pid);
    }
    if (keel_match(term, "{ok, Pid, Info}", &pid, &info)) {
        return keel_started_ok_with(pid, info);
    }
    keel_started failed = keel_started_failed(term);
    if (keel_match(term, "{error, Reason}", &reason)) {
        failed.reason = reason;
    }
    if (keel_match(failed.reason, "{already_started, Pid}", &pid)) {
        failed.status = KEEL_E_TAKEN;
        failed.pid = pid;
    }
    return failed;
}

keel_pid keel_started_or_exit(keel_started started)
{
    if (started.status == KEEL_E_IGNORED) {
        keel_exit(keel_atom(ignore));
    }
    if (started.status != KEEL_OK) {
        keel_exit(started.reason);
    }
    return started.pid;
}

// --- start functions by name ---

keel_status keel_start_register(
        keel_term module, keel_term function, keel_start_function start)
{
    if (!keel_is_atom(module) || !keel_is_atom(function) || start == NULL) {
        return KEEL_E_BADARG;
    }
    bool done = kl_registered_put(&start_functions, module, function, (uintptr_t)start);
    return done ? KEEL_OK : KEEL_E_NOMEM;
}

keel_started keel_start_apply(keel_term module, keel_term function, keel_term arguments)
{
    keel_start_function start = (keel_start_function)kl_registered_get(
            &start_functions, module, function);
    if (start == NULL) {
        keel_exit(keel_make("{undef, [{Module, Function, Arguments, []}]}", module,
                function, arguments));
    }
    return start(arguments);
}

// --- handlers ---

struct made_handler {
    struct made_handler *next;
    const void *module;
    keel_handler handler;
    char name[];
};

static struct made_handler *handlers; // newest first; entries stay for good
static struct kl_lock handlers_lock; // of those who add

// A module's memory may come to hold another one, when a shared object is replaced: so
// what the handler was made from is compared too.
static const keel_handler *find_handler(
        const void *module, const char *name, size_t bytes, const keel_handler *pattern)
{
    // Acquire: pairs with the release in kl_start_handler; the entry is complete.
    const struct made_handler *made = kl_load_acquire(&handlers);
    for (; made != NULL; made = made->next) {
        if (made->module == module && made->handler.state_bytes == bytes &&
                made->handler.receive == pattern->receive &&
                strncmp(made->name, name, strlen(name)) == 0 &&
                made->name[strlen(name)] == ':') {
            return &made->handler;
        }
    }
    return NULL;
}

const keel_handler *kl_start_handler(
        const void *module, const char *name, size_t bytes, const keel_handler *pattern)
{
    const keel_handler *found = find_handler(module, name, bytes, pattern);
    if (found != NULL) {
        return found;
    }
    kl_lock_take(&handlers_lock);
    found = find_handler(module, name, bytes, pattern);
    if (found == NULL) {
        size_t name_bytes = strlen(name) + sizeof ":init/1";
        struct made_handler *made = kl_alloc(sizeof *made + name_bytes);
        if (made != NULL) {
            snprintf(made->name, name_bytes, "%s:init/1", name);
            made->next = handlers;
            made->module = module;
            made->handler = *pattern;
            made->handler.name = made->name;
            made->handler.state_bytes = bytes;
            kl_store_release(&handlers, made);
            found = &made->handler;
        }
    }
    kl_lock_give(&handlers_lock);
    return found;
}

const void *kl_start_module_of(const char *entry)
{
    const struct made_handler *made = kl_load_acquire(&handlers); // as find_handler
    while (made != NULL && made->name != entry) {
        made = made->next;
    }
    return made != NULL ? made->module : NULL;
}
