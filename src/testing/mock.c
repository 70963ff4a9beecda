// Mock servers: probes that answer calls from a table.

#include "kit.h"
#include "mock_pattern.h"

#include <keel/timer.h>
#include <string.h>

struct mock {
    struct kl_kit_probe probe;
    const keel_test_answer *answers;
    size_t count;
    unsigned *used; // by row
};

static bool check_row(const keel_test_answer *row, size_t number, struct kl_kit_text *text);

keel_pid keel_test_mock_at(
        const char *file, int line, const keel_test_answer *answers, size_t count)
{
    keel_pid pid = {0};
    if (kl_kit_check() != KEEL_OK || (answers == NULL && count > 0)) {
        return pid;
    }
    char buffer[sizeof kl_kit.failure];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    for (size_t i = 0; i < count; i++) {
        kl_kit_text_add(&text, "%s:%d: ", file, line);
        if (!check_row(&answers[i], i, &text)) {
            kl_kit_fail(buffer);
            return pid;
        }
        text = kl_kit_text_in(buffer, sizeof buffer);
    }
    keel_term ack;
    keel_status status = keel_gen_start(&kl_kit_mock_handler,
            keel_tuple_of(keel_pointer(answers), keel_uint(count)), NULL, KEEL_NEVER, &pid,
            NULL, &ack);
    if (status != KEEL_OK) {
        pid.word = 0;
        kl_kit_text_add(&text, "%s:%d: the mock did not start: ", file, line);
        kl_kit_text_term(
                &text, status == KEEL_E_EXIT ? ack : keel_string(keel_status_text(status)));
        kl_kit_fail(buffer);
    }
    return pid;
}

// --- the table ---

// True when all variables of `text` stand in `request`.
static bool check_made(const char *made, const struct kl_kit_pattern_text *request,
        size_t number, struct kl_kit_text *text)
{
    struct kl_kit_pattern_text *pattern = kl_kit_pattern_of(made);
    if (pattern == NULL || pattern->wrong != NULL) {
        kl_kit_text_add(text, "row %zu of the mock, %s: %s", number, made,
                pattern == NULL ? "no memory" : pattern->wrong);
        return false;
    }
    for (size_t i = 0; i < pattern->count; i++) {
        if (kl_kit_pattern_variable(request, pattern->name[i]) < 0) {
            kl_kit_text_add(text, "row %zu of the mock: %s stands in %s but not in %s",
                    number, pattern->name[i], made, request->text);
            return false;
        }
    }
    return true;
}

static bool check_row(const keel_test_answer *row, size_t number, struct kl_kit_text *text)
{
    int ways = (row->reply != NULL) + (row->make != NULL) + (row->exit != NULL) +
               row->silent;
    if (row->request == NULL || ways != 1) {
        kl_kit_text_add(
                text, "row %zu of the mock wants a request and one way to answer", number);
        return false;
    }
    struct kl_kit_pattern_text *request = kl_kit_pattern_of(row->request);
    if (request == NULL || request->wrong != NULL) {
        kl_kit_text_add(text, "row %zu of the mock, %s: %s", number, row->request,
                request == NULL ? "no memory" : request->wrong);
        return false;
    }
    const char *made = row->reply != NULL ? row->reply : row->exit;
    return made == NULL || check_made(made, request, number, text);
}

// --- in the mock ---

// A pattern that is no term ends the process that first uses it: better now, while whoever
// starts the mock waits for it.
static void try_patterns(const struct mock *mock)
{
    keel_term values[KL_VARIABLES_MAX];
    for (size_t i = 0; i < KL_VARIABLES_MAX; i++) {
        values[i] = keel_nil();
    }
    for (size_t i = 0; i < mock->count; i++) {
        const keel_test_answer *row = &mock->answers[i];
        struct kl_kit_pattern_text *request = kl_kit_pattern_of(row->request);
        keel_term unwanted[KL_VARIABLES_MAX];
        bool matched = kl_kit_pattern_match(request, keel_nil(), unwanted);
        (void)matched;
        const char *made = row->reply != NULL ? row->reply : row->exit;
        if (made != NULL) {
            kl_kit_pattern_make(kl_kit_pattern_of(made), request, values);
        }
    }
}

static keel_next start_mock(void *state, keel_term argument)
{
    struct mock *mock = state;
    void *answers;
    uint64_t count;
    kl_kit_probe_init(&mock->probe);
    if (!keel_match(argument, "{Answers, Count}", &answers, &count)) {
        keel_error(keel_atom(badarg));
    }
    mock->answers = answers;
    mock->count = (size_t)count;
    mock->used = keel_alloc((mock->count + 1) * sizeof *mock->used);
    try_patterns(mock);
    keel_gen_ack(keel_atom(ok));
    return keel_next_wait();
}

static const keel_test_answer *find_row(
        struct mock *mock, keel_term request, keel_term *ret_values)
{
    for (size_t i = 0; i < mock->count; i++) {
        const keel_test_answer *row = &mock->answers[i];
        if (row->times > 0 && mock->used[i] >= row->times) {
            continue;
        }
        if (kl_kit_pattern_match(kl_kit_pattern_of(row->request), request, ret_values)) {
            mock->used[i]++;
            return row;
        }
    }
    return NULL;
}

static void fail_unexpected(const struct mock *mock, keel_term request)
{
    char buffer[sizeof kl_kit.failure];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_add(&text, "the mock ");
    kl_kit_text_pid(&text, keel_self());
    kl_kit_text_add(&text, " was called with ");
    kl_kit_text_term(&text, request);
    kl_kit_text_add(&text, "; it answers:");
    for (size_t i = 0; i < mock->count; i++) {
        const keel_test_answer *row = &mock->answers[i];
        bool spent = row->times > 0 && mock->used[i] >= row->times;
        kl_kit_text_add(&text, "\n    %s%s", row->request, spent ? " (no more)" : "");
    }
    kl_kit_fail(buffer);
}

// What the row says, now or later.
static void follow_row(
        const keel_test_answer *row, const keel_term *values, const keel_message *message)
{
    struct kl_kit_pattern_text *request = kl_kit_pattern_of(row->request);
    keel_term result;
    if (row->make != NULL) {
        result = row->make(message->body);
    } else {
        result = kl_kit_pattern_make(
                kl_kit_pattern_of(row->reply != NULL ? row->reply : row->exit), request,
                values);
    }
    keel_term how = row->exit != NULL ? keel_atom(exit) : keel_atom(reply);
    if (row->after > 0) {
        keel_send_after(row->after, keel_self(),
                keel_make("{'$keel_test', How, From, Result}", how,
                        keel_from_to_term(message->from), result));
    } else if (row->exit != NULL) {
        keel_exit(result);
    } else {
        keel_gen_reply(message->from, result);
    }
}

// True when it was an answer whose time has come.
static bool follow_later(const keel_message *message)
{
    keel_term from, result;
    if (message->kind != KEEL_MESSAGE_INFO) {
        return false;
    }
    if (keel_match(message->body, "{'$keel_test', exit, _, Result}", &result)) {
        keel_exit(result);
    }
    if (!keel_match(message->body, "{'$keel_test', reply, From, Result}", &from, &result)) {
        return false;
    }
    keel_gen_reply(keel_from_of_term(from), result);
    return true;
}

static keel_next mock_receive(void *state, const keel_message *message)
{
    struct mock *mock = state;
    if (kl_kit_probe_serve(&mock->probe, message) || follow_later(message)) {
        return keel_next_wait();
    }
    kl_kit_probe_record(&mock->probe, message);
    if (message->kind == KEEL_MESSAGE_CALL) {
        keel_term values[KL_VARIABLES_MAX];
        const keel_test_answer *row = find_row(mock, message->body, values);
        if (row == NULL) {
            fail_unexpected(mock, message->body);
        } else if (!row->silent) {
            follow_row(row, values, message);
        }
    }
    return keel_next_wait();
}

const keel_handler kl_kit_mock_handler = {
        .name = "keel_test_mock",
        .state_bytes = sizeof(struct mock),
        .start = start_mock,
        .receive = mock_receive,
};
