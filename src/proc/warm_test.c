// Long mailboxes that are fetched beside each other: what is in them stays as it was.

#include "proc_testing.h"

enum { MEMBERS = 12, EACH = 40, ALONE = 100 };

// A member sends EACH numbered messages to every other one, in turns, and expects as many
// from each, in order.
struct member {
    keel_pid owner;
    int self;
    int left;
    int next[MEMBERS];
    keel_pid all[MEMBERS];
};

static keel_next start_member(void *state, keel_term argument)
{
    struct member *member = state;
    CHECK_TERM(
            argument, "{Owner, Self, Left}", &member->owner, &member->self, &member->left);
    return keel_next_wait();
}

static void send_all(struct member *member, keel_term members)
{
    for (int i = 0; i < MEMBERS; i++) {
        member->all[i] = keel_to_pid(keel_element(members, (size_t)i));
    }
    for (int number = 0; number < EACH; number++) {
        for (int i = 0; i < MEMBERS; i++) {
            if (i != member->self) {
                CHECK_OK(keel_send(
                        member->all[i], keel_make("{From, Number}", member->self, number)));
            }
        }
    }
}

static keel_next receive_member(void *state, const keel_message *message)
{
    struct member *member = state;
    keel_term members;
    int from, number;
    if (keel_match(message->body, "{all, Members}", &members)) {
        send_all(member, members);
        return keel_next_wait();
    }
    CHECK_TERM(message->body, "{From, Number}", &from, &number);
    CHECK_INT(number, member->next[from]);
    member->next[from]++;
    member->left--;
    if (member->left == 0) {
        CHECK_OK(keel_send(member->owner, keel_make("{whole, Self}", member->self)));
    }
    return keel_next_wait();
}

static const keel_handler member = {.name = "member",
        .state_bytes = sizeof(struct member),
        .start = start_member,
        .receive = receive_member};

static void start_members(keel_pid *members, int expected)
{
    for (int i = 0; i < MEMBERS; i++) {
        keel_term argument = keel_make("{Self, I, Left}", keel_self(), i, expected);
        CHECK_OK(keel_spawn_handler(&member, argument, NULL, &members[i], NULL));
    }
}

static void start_all(keel_pid *members)
{
    keel_term terms[MEMBERS];
    start_members(members, (MEMBERS - 1) * EACH);
    for (int i = 0; i < MEMBERS; i++) {
        terms[i] = keel_from_pid(members[i]);
    }
    keel_term all = keel_make("{all, Members}", keel_tuple(terms, MEMBERS));
    for (int i = 0; i < MEMBERS; i++) {
        CHECK_OK(keel_send(members[i], all));
    }
}

static void await_all(const keel_pid *members)
{
    for (int i = 0; i < MEMBERS; i++) {
        EXPECT_MESSAGE("{whole, _}");
    }
    for (int i = 0; i < MEMBERS; i++) {
        end_process(members[i]);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("all send to all, and every mailbox is whole and in order")
{
    keel_pid members[MEMBERS];
    start_all(members);
    await_all(members);
}

PROCESS_TEST("so it is when all mailboxes were long before anybody looked")
{
    keel_pid members[MEMBERS];
    start_members(members, ALONE);
    for (int i = 0; i < MEMBERS; i++) {
        CHECK_OK(keel_process_suspend(members[i]));
    }
    for (int number = 0; number < ALONE; number++) {
        for (int i = 0; i < MEMBERS; i++) {
            CHECK_OK(keel_send(members[i], keel_make("{0, Number}", number)));
        }
    }
    for (int i = 0; i < MEMBERS; i++) {
        CHECK_OK(keel_process_resume(members[i]));
    }
    await_all(members);
}

PROCESS_TEST("processes with long mailboxes may be killed before they see them")
{
    keel_pid members[MEMBERS];
    start_all(members);
    for (int i = 0; i < MEMBERS; i++) {
        end_process(members[i]);
        keel_yield();
    }
    while (keel_receive_match(KEEL_AT_ONCE, "{whole, _}") == KEEL_OK) {}
    EXPECT_NO_MESSAGE();
}
