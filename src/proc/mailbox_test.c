// The mailbox behind the door: what is taken from anywhere in it leaves the rest in order.

#include "proc_testing.h"

#include "process.h"

static void append(int number, bool first)
{
    struct kl_envelope *envelope = kl_envelope_new(KL_MESSAGE, keel_int(number));
    CHECK(envelope);
    envelope->flags |= first ? KL_FIRST : 0;
    kl_mailbox_append(kl_process_current(), envelope);
}

static void remove_number(int number)
{
    struct kl_process *self = kl_process_current();
    struct kl_envelope **link = &self->head;
    while (*link && keel_to_int((*link)->body) != number) {
        link = &(*link)->next;
    }
    CHECK(*link);
    kl_envelope_free(kl_mailbox_remove(self, link));
}

// The numbers in the mailbox, as one decimal number.
static int64_t content(void)
{
    const struct kl_process *self = kl_process_current();
    int64_t digits = 0;
    uint32_t count = 0;
    struct kl_envelope *const *link = &self->head;
    for (; *link; link = &(*link)->next) {
        digits = digits * 10 + keel_to_int((*link)->body);
        count++;
    }
    CHECK(self->tail == link);
    CHECK_INT(self->queue_len, count);
    return digits;
}

PROCESS_TEST("a message is taken from the beginning, the middle and the end")
{
    for (int i = 1; i <= 5; i++) {
        append(i, false);
    }
    remove_number(3);
    CHECK_INT(content(), 1245);
    remove_number(5);
    append(6, false);
    CHECK_INT(content(), 1246);
    remove_number(1);
    CHECK_INT(content(), 246);
    remove_number(6);
    remove_number(4);
    remove_number(2);
    CHECK_INT(content(), 0);
    append(7, false);
    CHECK_INT(content(), 7);
    CHECK_INT(keel_flush(), 1);
    CHECK_INT(content(), 0);
}

PROCESS_TEST("priority messages stand in front, in their own order, whatever is taken")
{
    append(1, false);
    append(2, true);
    append(3, true);
    append(4, false);
    CHECK_INT(content(), 2314);
    remove_number(3); // the last of them
    append(5, true);
    CHECK_INT(content(), 2514);
    remove_number(2); // the first
    append(6, true);
    CHECK_INT(content(), 5614);
    remove_number(5);
    remove_number(6); // all of them
    append(7, true);
    CHECK_INT(content(), 714);
    remove_number(1);
    remove_number(4);
    append(8, true);
    append(9, false);
    CHECK_INT(content(), 789);
    CHECK_INT(keel_flush(), 3);
    append(1, true);
    append(2, false);
    CHECK_INT(content(), 12);
    CHECK_INT(keel_flush(), 2);
}

PROCESS_TEST("calls, casts and system messages look as OTP's tuples do")
{
    keel_term body = keel_make("{request, 1}");
    keel_from from = {keel_self(), keel_from_ref(keel_make_ref())};
    static const enum kl_envelope_kind kinds[] = {KL_MESSAGE, KL_CAST, KL_CALL, KL_SYSTEM};
    for (size_t i = 0; i < 4; i++) {
        struct kl_envelope *envelope = kl_envelope_new(kinds[i], body);
        CHECK(envelope);
        if (kinds[i] == KL_CALL || kinds[i] == KL_SYSTEM) {
            envelope->from = from.pid.word;
            envelope->ref = from.tag.word;
        }
        keel_term view = kl_mailbox_view(envelope), pair = keel_from_to_term(from);
        if (kinds[i] == KL_MESSAGE) {
            CHECK_TERM(view, "{request, 1}");
        } else if (kinds[i] == KL_CAST) {
            CHECK_TERM(view, "{'$gen_cast', {request, 1}}");
        } else if (kinds[i] == KL_CALL) {
            CHECK_TERM(view, "{'$gen_call', ^From, {request, 1}}", pair);
        } else {
            CHECK_TERM(view, "{system, ^From, {request, 1}}", pair);
        }
        kl_envelope_free(envelope);
    }
}

static void end_at_once(keel_term unused)
{
    (void)unused;
}

PROCESS_TEST("what comes through a closed door is answered as sent to a dead process")
{
    for (int i = 0; i < 50; i++) { // racing with the end
        keel_pid pid = keel_spawn(end_at_once, KEEL_NONE);
        keel_ref monitor = keel_monitor(pid);
        keel_term reply, reason = await_down(monitor);
        CHECK(keel_is(reason, normal) || keel_is(reason, noproc));
        CHECK_INT(keel_gen_call(keel_from_pid(pid), keel_atom(x), KEEL_NEVER, &reply),
                KEEL_E_NOPROC);
        struct kl_envelope *envelope = kl_envelope_new(KL_MESSAGE, keel_atom(late));
        CHECK(!kl_deliver(pid, envelope));
        CHECK_TERM(end_of(pid), "noproc");
    }
    EXPECT_NO_MESSAGE();
}
