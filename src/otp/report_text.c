// Reports as text: a headline, where it happened, and a line for each thing that is known.

#include "base/base.h"
#include <keel/report.h>
#include <stdio.h>
#include <string.h>

struct text {
    struct kl_bounded out;
    bool single_line;
    keel_print_opts limits;
};

static void headline(struct text *text, keel_term label, keel_term report);
static void put_application(struct text *text, keel_term items);
static void put_server(struct text *text, keel_term report);
static void put_machine(struct text *text, keel_term report);
static void put_unexpected(struct text *text, keel_term report);
static void put_task(struct text *text, keel_term report);
static void put_supervisor(struct text *text, keel_term items);
static void put_crash(struct text *text, keel_term report);
static void put_pairs(struct text *text, keel_term items);
static void put_reason(struct text *text, keel_term reason);
static void put_stack(struct text *text, keel_term stack);
static void put_term(struct text *text, keel_term term);
static void put_line(struct text *text, const char *what, keel_term term);
static void put_some(struct text *text, const char *what, keel_term list);

size_t keel_report_format(char *buffer, size_t size, keel_term report, bool single_line,
        const keel_print_opts *limits)
{
    size = buffer != NULL ? size : 0;
    static const keel_print_opts usual = {
            .max_bytes = 2000, .max_depth = 20, .max_items = 100};
    struct text text = {{buffer, size, 0}, single_line, limits == NULL ? usual : *limits};
    if (size > 0) {
        buffer[0] = '\0';
    }
    keel_scope scope = keel_scope_open();
    keel_term label = keel_map_get(report, keel_atom(label));
    if (keel_tuple_size(label) == 2) {
        headline(&text, label, report);
    } else {
        put_term(&text, report);
    }
    keel_scope_close(&scope);
    return text.out.length;
}

static void headline(struct text *text, keel_term label, keel_term report)
{
    keel_term who = keel_element(label, 0);
    keel_term what = keel_element(label, 1);
    keel_term items = keel_map_get(report, keel_atom(report));
    if (keel_is(what, terminate)) {
        (keel_is(who, gen_statem) ? put_machine : put_server)(text, report);
    } else if (keel_is(what, terminating)) {
        put_task(text, items);
    } else if (keel_is(what, unexpected_event)) {
        put_unexpected(text, report);
    } else if (keel_is(what, no_handle_info)) {
        kl_bounded_put(&text->out, "%s: no clause takes the message ",
                keel_show(keel_map_get(report, keel_atom(module))));
        put_term(text, keel_map_get(report, keel_atom(message)));
    } else if (keel_is(what, unexpected_msg)) {
        kl_bounded_put(&text->out, "supervisor got what it does not know: ");
        put_term(text, keel_map_get(report, keel_atom(msg)));
    } else if (keel_is(who, supervisor)) {
        put_supervisor(text, items);
    } else if (keel_is(who, proc_lib)) {
        put_crash(text, items);
    } else if (keel_is(who, application_controller)) {
        put_application(text, items);
    } else {
        put_term(text, report);
    }
}

static void put_machine(struct text *text, keel_term report)
{
    keel_term reason = keel_map_get(report, keel_atom(reason));
    kl_bounded_put(&text->out, "state machine ");
    put_term(text, keel_map_get(report, keel_atom(name)));
    kl_bounded_put(&text->out, " terminating: ");
    put_term(text, keel_element(reason, 1));
    put_stack(text, keel_element(reason, 2));
    put_line(text, "label", keel_map_get(report, keel_atom(process_label)));
    put_line(text, "last event", keel_head(keel_map_get(report, keel_atom(queue))));
    put_line(text, "client", keel_map_get(report, keel_atom(client_info)));
    put_line(text, "state", keel_map_get(report, keel_atom(state)));
    put_line(text, "modules", keel_map_get(report, keel_atom(modules)));
    put_line(text, "mode", keel_map_get(report, keel_atom(callback_mode)));
    put_some(text, "queued", keel_tail(keel_map_get(report, keel_atom(queue))));
    put_some(text, "postponed", keel_map_get(report, keel_atom(postponed)));
    put_some(text, "timeouts", keel_element(keel_map_get(report, keel_atom(timeouts)), 1));
    put_some(text, "log", keel_map_get(report, keel_atom(log)));
}

// A machine's event that no clause took.
static void put_unexpected(struct text *text, keel_term report)
{
    kl_bounded_put(&text->out, "%s: no clause takes the event ",
            keel_show(keel_map_get(report, keel_atom(module))));
    put_term(text, keel_map_get(report, keel_atom(event)));
    kl_bounded_put(&text->out, " in the state ");
    put_term(text, keel_map_get(report, keel_atom(state)));
}

// The start or the end of an application.
static void put_application(struct text *text, keel_term items)
{
    keel_term reason = keel_proplist_get(items, keel_atom(exited));
    kl_bounded_put(&text->out, "application ");
    put_term(text, keel_proplist_get(items, keel_atom(application)));
    if (keel_is_none(reason)) {
        kl_bounded_put(&text->out, " started at ");
        put_term(text, keel_proplist_get(items, keel_atom(started_at)));
    } else {
        kl_bounded_put(&text->out, " exited: ");
        put_term(text, reason);
        put_line(text, "type", keel_proplist_get(items, keel_atom(type)));
    }
}

static void put_server(struct text *text, keel_term report)
{
    kl_bounded_put(&text->out, "server ");
    put_term(text, keel_map_get(report, keel_atom(name)));
    kl_bounded_put(&text->out, " terminating: ");
    put_reason(text, keel_map_get(report, keel_atom(reason)));
    put_line(text, "label", keel_map_get(report, keel_atom(process_label)));
    put_line(text, "last message", keel_map_get(report, keel_atom(last_message)));
    put_line(text, "client", keel_map_get(report, keel_atom(client_info)));
    put_line(text, "state", keel_map_get(report, keel_atom(state)));
    put_some(text, "log", keel_map_get(report, keel_atom(log)));
}

static void put_task(struct text *text, keel_term report)
{
    kl_bounded_put(&text->out, "task ");
    put_term(text, keel_map_get(report, keel_atom(function)));
    kl_bounded_put(&text->out, " ");
    put_term(text, keel_map_get(report, keel_atom(name)));
    kl_bounded_put(&text->out, " terminating: ");
    put_reason(text, keel_map_get(report, keel_atom(reason)));
    put_line(text, "label", keel_map_get(report, keel_atom(process_label)));
    put_line(text, "started by", keel_map_get(report, keel_atom(starter)));
    put_some(text, "argument", keel_head(keel_map_get(report, keel_atom(args))));
}

static void put_supervisor(struct text *text, keel_term items)
{
    kl_bounded_put(&text->out, "supervisor ");
    put_term(text, keel_proplist_get(items, keel_atom(supervisor)));
    keel_term started = keel_proplist_get(items, keel_atom(started));
    if (!keel_is_none(started)) {
        kl_bounded_put(&text->out, " started ");
        put_term(text, keel_proplist_get(started, keel_atom(id)));
        kl_bounded_put(&text->out, " ");
        put_term(text, keel_proplist_get(started, keel_atom(pid)));
        return;
    }
    kl_bounded_put(&text->out, ": ");
    put_term(text, keel_proplist_get(items, keel_atom(errorContext)));
    kl_bounded_put(&text->out, ": ");
    put_reason(text, keel_proplist_get(items, keel_atom(reason)));
    put_line(text, "child", keel_proplist_get(items, keel_atom(offender)));
}

static void put_crash(struct text *text, keel_term report)
{
    keel_term info = keel_head(report);
    keel_term error = keel_proplist_get(info, keel_atom(error_info));
    kl_bounded_put(&text->out, "process ");
    put_term(text, keel_proplist_get(info, keel_atom(pid)));
    kl_bounded_put(&text->out, " crashed: ");
    put_term(text, keel_element(error, 1));
    put_stack(text, keel_element(error, 2));
    put_pairs(text, info);
    keel_term others = keel_head(keel_tail(report));
    keel_term other;
    while (keel_list_next(&others, &other)) {
        kl_bounded_put(&text->out, text->single_line ? "; neighbour:" : "\n  neighbour:");
        put_pairs(text, keel_element(other, 1));
    }
}

static void put_pairs(struct text *text, keel_term items)
{
    keel_term item;
    while (keel_list_next(&items, &item)) {
        const char *name = keel_atom_name(keel_element(item, 0));
        if (name != NULL && !keel_is(keel_element(item, 0), error_info)) { // the headline
            put_some(text, name, keel_element(item, 1));
        }
    }
}

// [{Function, [{file, File}, {line, Line}]}, …]
static bool is_stack(keel_term term)
{
    keel_term frame = keel_head(term);
    return keel_tuple_size(frame) == 2 && keel_is_binary(keel_element(frame, 0)) &&
           keel_is_list(keel_element(frame, 1));
}

// The reason, and below it the stack that an error brings along.
static void put_reason(struct text *text, keel_term reason)
{
    keel_term stack = keel_element(reason, 1);
    if (keel_tuple_size(reason) == 2 && is_stack(stack)) {
        put_term(text, keel_element(reason, 0));
        put_stack(text, stack);
    } else {
        put_term(text, reason);
    }
}

// A frame a line, the one that failed first.
static void put_stack(struct text *text, keel_term stack)
{
    keel_term frame;
    while (is_stack(stack) && keel_list_next(&stack, &frame)) {
        keel_bytes function = keel_to_bytes(keel_element(frame, 0));
        keel_term place = keel_element(frame, 1);
        keel_bytes file = keel_to_bytes(keel_proplist_get(place, keel_atom(file)));
        // As seen from where the program was built.
        while (file.size > 3 && memcmp(file.data, "../", 3) == 0) {
            file.data += 3;
            file.size -= 3;
        }
        kl_bounded_put(&text->out, "%sat %.*s", text->single_line ? "; " : "\n    ",
                (int)function.size, (const char *)function.data);
        if (file.size > 0) {
            kl_bounded_put(&text->out, " (%.*s:%lld)", (int)file.size,
                    (const char *)file.data,
                    (long long)keel_to_int(keel_proplist_get(place, keel_atom(line))));
        }
    }
}

static void put_term(struct text *text, keel_term term)
{
    size_t room;
    char *at = kl_bounded_room(&text->out, &room);
    text->out.length += keel_print(at, room, term, &text->limits);
}

// What is known: neither missing nor undefined.
static void put_line(struct text *text, const char *what, keel_term term)
{
    if (!keel_is_none(term) && !keel_is(term, undefined)) {
        kl_bounded_put(&text->out, text->single_line ? "; %s: " : "\n    %s: ", what);
        put_term(text, term);
    }
}

// A list, unless it is empty.
static void put_some(struct text *text, const char *what, keel_term list)
{
    if (!keel_is_nil(list)) {
        put_line(text, what, list);
    }
}
