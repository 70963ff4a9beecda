// Expectations: looking for a message that matches, and telling what was there instead.

#include "kit.h"

enum { LISTED = 20 }; // messages that a failure shows

// What an expectation is about.
struct question {
    keel_test_place place;
    keel_pattern_site *site;
    const keel_arg *args;
    size_t count;
};

enum answer { MET, NOT_MET, NO_PROBE };

static enum answer ask_probe(const struct question *question);
static enum answer ask_self(const struct question *question);
static bool refuse(const struct question *question, enum answer answer);

bool keel_test_expect_at(
        keel_pattern_site *site, keel_test_place place, const keel_arg *args, size_t count)
{
    struct question question = {place, site, args, count};
    keel_status status = kl_kit_check();
    if (status != KEEL_OK) {
        return keel_test_fail_at(place.file, place.line, "nothing can be expected: %s",
                keel_status_text(status));
    }
    bool own = keel_in_process() && place.probe.word == keel_self().word;
    enum answer answer = own ? ask_self(&question) : ask_probe(&question);
    return answer == MET || refuse(&question, answer);
}

static bool matches(const struct question *question, keel_term message)
{
    return keel_match_at(question->site, message, question->args, question->count);
}

// --- of a probe ---

// Looks for a message that matches in a list of {Number, Time, Message}.
static bool find(const struct question *question, keel_term list, uint64_t *ret_number)
{
    keel_term item;
    while (keel_list_next(&list, &item)) {
        if (matches(question, keel_element(item, 2))) {
            *ret_number = (uint64_t)keel_to_int(keel_element(item, 0));
            return true;
        }
        if (question->place.kind == KEEL_TEST_FIRST) {
            return false;
        }
    }
    return false;
}

// What is there now.
static enum answer look(const struct question *question)
{
    keel_term list;
    uint64_t number;
    keel_pid probe = question->place.probe;
    if (kl_kit_probe_messages(probe, 0, KEEL_AT_ONCE, &list) != KEEL_OK) {
        return NO_PROBE;
    }
    if (!find(question, list, &number)) {
        return NOT_MET;
    }
    if (question->place.kind != KEEL_TEST_NONE &&
            kl_kit_probe_take(probe, number) != KEEL_OK) {
        return NO_PROBE;
    }
    return MET;
}

// What comes until the deadline.
static enum answer wait_for(const struct question *question)
{
    keel_deadline deadline = KEEL_IN(question->place.within);
    uint64_t since = 0, number;
    keel_term list, item;
    for (;;) {
        keel_status status = kl_kit_probe_messages(
                question->place.probe, since, deadline, &list);
        if (status != KEEL_OK) {
            return status == KEEL_E_TIMEOUT ? NOT_MET : NO_PROBE;
        }
        if (find(question, list, &number)) {
            status = kl_kit_probe_take(question->place.probe, number);
            return status == KEEL_OK ? MET : NO_PROBE;
        }
        while (keel_list_next(&list, &item)) {
            since = (uint64_t)keel_to_int(keel_element(item, 0)) + 1;
        }
    }
}

static enum answer ask_probe(const struct question *question)
{
    bool unwanted = question->place.kind == KEEL_TEST_NONE;
    enum answer answer = unwanted ? NOT_MET : look(question);
    if (answer == NOT_MET) {
        keel_test_settle();
        answer = look(question);
    }
    if (unwanted) {
        return answer == MET ? NOT_MET : answer == NOT_MET ? MET : answer;
    }
    if (answer == NOT_MET && question->place.within > 0) {
        answer = wait_for(question);
    }
    return answer;
}

// --- of the own mailbox ---

static keel_term own_messages(void)
{
    keel_term info;
    if (keel_process_info(keel_self(), keel_atom(messages), &info) != KEEL_OK) {
        return keel_nil();
    }
    return keel_element(info, 1);
}

static enum answer ask_self_first(const struct question *question)
{
    keel_test_settle();
    keel_term list = own_messages(), first;
    if (!keel_list_next(&list, &first) || !matches(question, first)) {
        return NOT_MET;
    }
    keel_status status = keel_receive_until(KEEL_AT_ONCE, &first);
    return status == KEEL_OK && matches(question, first) ? MET : NOT_MET;
}

static enum answer ask_self_none(const struct question *question)
{
    keel_test_settle();
    keel_term list = own_messages(), message;
    while (keel_list_next(&list, &message)) {
        if (matches(question, message)) {
            return NOT_MET;
        }
    }
    return MET;
}

static enum answer ask_self(const struct question *question)
{
    if (question->place.kind == KEEL_TEST_FIRST) {
        return ask_self_first(question);
    }
    if (question->place.kind == KEEL_TEST_NONE) {
        return ask_self_none(question);
    }
    // One nanosecond for what comes without time moving: see keel_test_settle.
    keel_duration within = question->place.within > 0 ? question->place.within : 1;
    keel_status status = keel_receive_match_at(
            question->site, KEEL_IN(within), question->args, question->count);
    return status == KEEL_OK ? MET : NOT_MET;
}

// --- what a failure says ---

static void add_probe_messages(struct kl_kit_text *text, keel_pid probe)
{
    keel_term list, item;
    size_t count = 0;
    if (kl_kit_probe_messages(probe, 0, KEEL_AT_ONCE, &list) != KEEL_OK) {
        return;
    }
    for (; keel_list_next(&list, &item); count++) {
        if (count < LISTED) {
            kl_kit_text_add(text, "\n    at ");
            kl_kit_text_time(text, keel_to_int(keel_element(item, 1)));
            kl_kit_text_add(text, "  ");
            kl_kit_text_term(text, keel_element(item, 2));
        }
    }
    if (count > LISTED) {
        kl_kit_text_add(text, "\n    and %zu more", count - LISTED);
    }
    if (count == 0) {
        kl_kit_text_add(text, " nothing");
    }
}

static void add_own_messages(struct kl_kit_text *text)
{
    keel_term list = own_messages(), message;
    if (keel_is_nil(list)) {
        kl_kit_text_add(text, " nothing");
    }
    for (size_t count = 0; count < LISTED && keel_list_next(&list, &message); count++) {
        kl_kit_text_add(text, "\n    ");
        kl_kit_text_term(text, message);
    }
}

static void add_expectation(struct kl_kit_text *text, const struct question *question)
{
    static const char *const words[] = {[KEEL_TEST_ANY] = "expected",
            [KEEL_TEST_FIRST] = "expected next",
            [KEEL_TEST_NONE] = "did not expect"};
    kl_kit_text_add(text, "%s:%d: %s %s", question->place.file, question->place.line,
            words[question->place.kind], question->site->text);
    if (question->place.within > 0) {
        kl_kit_text_add(text, " within ");
        kl_kit_text_time(text, question->place.within);
    }
}

static bool refuse(const struct question *question, enum answer answer)
{
    char buffer[sizeof kl_kit.failure];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    keel_pid probe = question->place.probe;
    add_expectation(&text, question);
    if (answer == NO_PROBE) {
        kl_kit_text_add(&text, " of ");
        kl_kit_text_pid(&text, probe);
        kl_kit_text_add(&text, ", which is no probe or has ended");
    } else if (keel_in_process() && probe.word == keel_self().word) {
        kl_kit_text_add(&text, "; in the mailbox at ");
        kl_kit_text_time(&text, kl_kit_elapsed());
        kl_kit_text_add(&text, ":");
        add_own_messages(&text);
    } else {
        kl_kit_text_add(&text, "; at ");
        kl_kit_text_time(&text, kl_kit_elapsed());
        kl_kit_text_add(&text, " the probe ");
        kl_kit_text_pid(&text, probe);
        kl_kit_text_add(&text, " has:");
        add_probe_messages(&text, probe);
    }
    return kl_kit_fail(buffer);
}
