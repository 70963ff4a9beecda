// Calls while servers and callers are killed as chance wills: each call has one outcome,
// and it is a true one.

#include "call_fixture.h"

enum { SERVERS = 4, CALLERS = 10, CALLS = 15 };

// What a caller may hear, given what it asked for.
static void check_outcome(keel_status status, keel_term reply, int number, bool limited)
{
    switch (status) {
    case KEEL_OK:
        CHECK(keel_is(reply, all) || keel_match(reply, "^Number", number) ||
                keel_match(reply, "{0, ^Number}", number) ||
                keel_match(reply, "{Failure, none}", &(int){0}) ||
                keel_match(reply, "{Failure, killed}", &(int){0}) ||
                keel_match(reply, "{Failure, over}", &(int){0}));
        break;
    case KEEL_E_EXIT:
        CHECK(keel_is(reply, killed) || keel_is(reply, over));
        break;
    case KEEL_E_TIMEOUT:
        CHECK(limited);
        CHECK(keel_is(reply, untouched));
        break;
    default:
        CHECK_INT(status, KEEL_E_NOPROC);
        CHECK(keel_is(reply, untouched));
        break;
    }
}

static keel_term random_request(int number, keel_term servers)
{
    keel_pid other = keel_to_pid(keel_element(servers, keel_random() % SERVERS));
    switch (keel_random() % 5) {
    case 0:
        return keel_atom(defer);
    case 1:
        return keel_make("{call, Other, {echo, Number}}", other, number);
    case 2:
        return keel_random() % 4 == 0 ? keel_make("{'end', over}") : keel_atom(defer);
    default:
        return keel_make("{echo, Number}", number);
    }
}

static void make_calls(keel_term argument)
{
    keel_term owner, servers;
    int first;
    CHECK_TERM(argument, "{Owner, Servers, First}", &owner, &servers, &first);
    for (int number = first; number < first + CALLS; number++) {
        keel_scope scope = keel_scope_open();
        keel_term reply = keel_atom(untouched);
        keel_term to = keel_element(servers, keel_random() % SERVERS);
        bool limited = keel_random() % 3 == 0;
        keel_deadline deadline = limited ? KEEL_IN(KEEL_US(keel_random() % 2000))
                                         : KEEL_NEVER;
        keel_status status = keel_gen_call(
                to, random_request(number, servers), deadline, &reply);
        check_outcome(status, reply, number, limited);
        EXPECT_NO_MESSAGE(); // no late reply
        keel_scope_close(&scope);
    }
}

// What must hold in the end: nobody waits any more, and the servers alive owe nothing.
static void check_remains(keel_term servers)
{
    for (size_t i = 0; i < SERVERS; i++) {
        keel_pid server = keel_to_pid(keel_element(servers, i));
        keel_term owed = KEEL_NONE;
        keel_status status = keel_gen_call(
                keel_from_pid(server), keel_atom(owed), KEEL_NEVER, &owed);
        CHECK(status == KEEL_E_NOPROC || (status == KEEL_OK && keel_to_int(owed) == 0));
        if (status == KEEL_OK) {
            end_process(server);
        }
    }
}

// Answers what is deferred, and now and then kills somebody, until all callers have ended.
static void disturb(keel_term servers, const keel_pid *callers)
{
    keel_term reason;
    for (int ended = 0; ended < CALLERS;) {
        keel_scope scope = keel_scope_open();
        keel_term server = keel_element(servers, keel_random() % SERVERS);
        uint64_t chance = keel_random() % 60;
        if (chance == 0) {
            CHECK_OK(keel_process_exit(keel_to_pid(server), keel_atom(kill)));
        } else if (chance == 1) {
            CHECK_OK(keel_process_exit(callers[keel_random() % CALLERS], keel_atom(kill)));
        } else {
            CHECK_OK(keel_gen_cast(server, keel_make("{reply_all, all}")));
        }
        if (keel_receive_match(KEEL_IN(KEEL_US(50)), "{'DOWN', _, _, _, Reason}",
                    &reason) == KEEL_OK) {
            CHECK(keel_is(reason, normal) || keel_is(reason, killed));
            ended++;
        }
        keel_scope_close(&scope);
    }
}

PROCESS_TEST("every call has one true outcome, whoever dies when")
{
    keel_term list[SERVERS];
    for (int i = 0; i < SERVERS; i++) {
        list[i] = keel_from_pid(new_call_server());
    }
    keel_term servers = keel_tuple(list, SERVERS);
    keel_pid callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        keel_ref monitor;
        callers[i] = keel_spawn_monitor(make_calls,
                keel_make("{Owner, Servers, First}", keel_self(), servers, i * CALLS),
                &monitor);
    }
    disturb(servers, callers);
    check_remains(servers);
    EXPECT_NO_MESSAGE();
}
