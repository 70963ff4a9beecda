// Probes: processes that remember what they get.
//
// The test asks a probe by system messages, so that nothing it asks stands among what the
// probe was sent. Requests are {'$keel_test', What, …}.

#include "kit.h"

struct kl_kit_probe_message {
    struct kl_kit_probe_message *next;
    uint64_t number;
    int64_t at; // virtual time since the start
    keel_term term; // kept
};

// Somebody who waits for the next message. Who has given up meanwhile is answered in vain.
struct kl_kit_probe_waiter {
    struct kl_kit_probe_waiter *next;
    keel_from from; // tag kept
};

static void tell_waiters(struct kl_kit_probe *probe, uint64_t number);
static keel_term list_from(const struct kl_kit_probe *probe, uint64_t since);
static bool is_probe(keel_pid pid);

keel_pid keel_test_probe(void)
{
    keel_pid pid = {0};
    if (kl_kit_check() == KEEL_OK) {
        keel_status status = keel_spawn_handler(
                &kl_kit_probe_handler, keel_nil(), NULL, &pid, NULL);
        (void)status; // none says it
    }
    return pid;
}

keel_ref keel_test_monitor_term(keel_pid probe, keel_term target)
{
    keel_term answer = KEEL_NONE;
    if (keel_is_none(target)) {
        return keel_to_ref(KEEL_NONE);
    }
    keel_status status = kl_kit_probe_ask(probe,
            keel_make("{'$keel_test', monitor, Target}", target), KEEL_NEVER, &answer);
    return keel_to_ref(status == KEEL_OK ? answer : KEEL_NONE);
}

keel_status keel_test_link(keel_pid probe, keel_pid pid)
{
    if (!keel_is_pid(keel_from_pid(pid))) {
        return KEEL_E_BADARG;
    }
    keel_term answer;
    keel_status status = kl_kit_probe_ask(
            probe, keel_make("{'$keel_test', link, Pid}", pid), KEEL_NEVER, &answer);
    return status == KEEL_OK ? (keel_status)keel_to_int(answer) : status;
}

keel_term keel_test_messages(keel_pid probe)
{
    keel_term list;
    if (kl_kit_probe_messages(probe, 0, KEEL_AT_ONCE, &list) != KEEL_OK) {
        return KEEL_NONE;
    }
    keel_term item, messages = keel_nil();
    while (keel_list_next(&list, &item)) {
        messages = keel_cons(keel_element(item, 2), messages);
    }
    return keel_list_reverse(messages);
}

// --- asking ---

keel_status kl_kit_probe_ask(
        keel_pid probe, keel_term request, keel_deadline deadline, keel_term *ret_answer)
{
    keel_status status = kl_kit_check();
    if (status != KEEL_OK) {
        return status;
    }
    if (!is_probe(probe)) {
        return KEEL_E_NOPROC;
    }
    status = keel_gen_system_call(keel_from_pid(probe), request, deadline, ret_answer);
    return status == KEEL_E_EXIT ? KEEL_E_NOPROC : status;
}

keel_status kl_kit_probe_messages(
        keel_pid probe, uint64_t since, keel_deadline deadline, keel_term *ret_list)
{
    bool wait = deadline.at != KEEL_AT_ONCE.at;
    return kl_kit_probe_ask(probe,
            keel_make("{'$keel_test', messages, Since, Wait}", since, keel_bool(wait)),
            wait ? deadline : KEEL_NEVER, ret_list);
}

keel_status kl_kit_probe_take(keel_pid probe, uint64_t number)
{
    keel_term answer;
    return kl_kit_probe_ask(
            probe, keel_make("{'$keel_test', take, Number}", number), KEEL_NEVER, &answer);
}

static bool is_probe(keel_pid pid)
{
    keel_process_view view;
    return keel_inspect_process(pid, &view) && kl_kit_owns(&view);
}

// --- in the probe ---

void kl_kit_probe_init(struct kl_kit_probe *probe)
{
    probe->end = &probe->first;
    keel_trap_exit(true);
}

// As keel_receive would have given it.
static keel_term whole(const keel_message *message)
{
    switch (message->kind) {
    case KEEL_MESSAGE_CALL:
        return keel_make("{'$gen_call', From, Request}", keel_from_to_term(message->from),
                message->body);
    case KEEL_MESSAGE_CAST:
        return keel_make("{'$gen_cast', Request}", message->body);
    case KEEL_MESSAGE_SYSTEM:
        return keel_make(
                "{system, From, Request}", keel_from_to_term(message->from), message->body);
    case KEEL_MESSAGE_PARENT_EXIT:
        return keel_make("{'EXIT', Parent, Reason}", keel_parent(), message->body);
    default:
        return message->body;
    }
}

void kl_kit_probe_record(struct kl_kit_probe *probe, const keel_message *message)
{
    struct kl_kit_probe_message *entry = keel_alloc(sizeof *entry);
    entry->number = probe->count++;
    entry->at = kl_kit_elapsed();
    entry->term = keel_keep(whole(message));
    *probe->end = entry;
    probe->end = &entry->next;
    tell_waiters(probe, entry->number);
}

static void tell_waiters(struct kl_kit_probe *probe, uint64_t number)
{
    while (probe->waiters != NULL) {
        struct kl_kit_probe_waiter *waiter = probe->waiters;
        probe->waiters = waiter->next;
        keel_gen_reply(waiter->from, list_from(probe, number));
        keel_drop(waiter->from.tag);
        keel_free(waiter);
    }
}

static keel_term list_from(const struct kl_kit_probe *probe, uint64_t since)
{
    keel_term list = keel_nil();
    const struct kl_kit_probe_message *message = probe->first;
    for (; message != NULL; message = message->next) {
        if (message->number >= since) {
            keel_term parts[] = {
                    keel_uint(message->number), keel_int(message->at), message->term};
            list = keel_cons(keel_tuple(parts, 3), list);
        }
    }
    return keel_list_reverse(list);
}

static void take(struct kl_kit_probe *probe, uint64_t number)
{
    struct kl_kit_probe_message **link = &probe->first;
    while (*link != NULL && (*link)->number != number) {
        link = &(*link)->next;
    }
    struct kl_kit_probe_message *message = *link;
    if (message == NULL) {
        return;
    }
    *link = message->next;
    if (message->next == NULL) {
        probe->end = link;
    }
    keel_drop(message->term);
    keel_free(message);
}

static void answer_messages(
        struct kl_kit_probe *probe, const keel_message *message, uint64_t since, bool wait)
{
    keel_term list = list_from(probe, since);
    if (!wait || !keel_is_nil(list)) {
        keel_gen_reply(message->from, list);
        return;
    }
    struct kl_kit_probe_waiter *waiter = keel_alloc(sizeof *waiter);
    waiter->from.pid = message->from.pid;
    waiter->from.tag = keel_keep(message->from.tag);
    waiter->next = probe->waiters;
    probe->waiters = waiter;
}

bool kl_kit_probe_serve(struct kl_kit_probe *probe, const keel_message *message)
{
    keel_term what = message->body, target;
    keel_pid pid;
    uint64_t number;
    bool wait;
    if (message->kind != KEEL_MESSAGE_SYSTEM ||
            keel_element(what, 0).word != keel_atom_text("$keel_test").word) {
        return false;
    }
    if (keel_match(what, "{_, messages, Since, Wait}", &number, &wait)) {
        answer_messages(probe, message, number, wait);
    } else if (keel_match(what, "{_, take, Number}", &number)) {
        take(probe, number);
        keel_gen_reply(message->from, keel_atom(ok));
    } else if (keel_match(what, "{_, monitor, Target}", &target)) {
        keel_ref monitor = keel_monitor(target);
        keel_gen_reply(message->from,
                monitor.word != 0 ? keel_from_ref(monitor) : keel_atom(none));
    } else if (keel_match(what, "{_, link, Pid}", &pid)) {
        keel_gen_reply(message->from, keel_int(keel_link(pid)));
    }
    return true;
}

static keel_next start_probe(void *state, keel_term unused)
{
    (void)unused;
    kl_kit_probe_init(state);
    return keel_next_wait();
}

static keel_next probe_receive(void *state, const keel_message *message)
{
    if (!kl_kit_probe_serve(state, message)) {
        kl_kit_probe_record(state, message);
    }
    return keel_next_wait();
}

const keel_handler kl_kit_probe_handler = {
        .name = "keel_test_probe",
        .state_bytes = sizeof(struct kl_kit_probe),
        .start = start_probe,
        .receive = probe_receive,
};
