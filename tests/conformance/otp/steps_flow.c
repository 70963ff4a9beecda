// Steps that decide what a callback returns, and those on the state.

#include "fixture.h"

// --- replies ---

static void reply(struct outcome *outcome, const keel_term *arguments)
{
    outcome->value = outcome->answer = arguments[0];
    outcome->reply = REPLY_TERM;
}

static void no_reply(struct outcome *outcome, const keel_term *arguments)
{
    (void)arguments;
    outcome->reply = REPLY_NONE;
}

static void reply_now(struct outcome *outcome, const keel_term *arguments)
{
    if (outcome->from != NULL) {
        keel_reply_to(*outcome->from, arguments[0]);
    }
    outcome->reply = REPLY_NONE;
}

// The server gets the message and replies, see server.c.
static void reply_after(struct outcome *outcome, const keel_term *arguments)
{
    if (outcome->from != NULL) {
        keel_send_after(script_time(arguments[0]), keel_self(),
                keel_make("{'$fixture_reply', From, Reply}",
                        keel_from_to_term(*outcome->from), arguments[1]));
    }
    outcome->reply = REPLY_NONE;
}

static void reply_as_another(keel_term argument)
{
    keel_term from, answer;
    if (keel_match(argument, "{From, Answer}", &from, &answer)) {
        keel_reply_to(keel_from_of_term(from), answer);
    }
}

static void reply_by(struct outcome *outcome, const keel_term *arguments)
{
    if (outcome->from != NULL) {
        keel_spawn(reply_as_another,
                keel_tuple_of(keel_from_to_term(*outcome->from), arguments[0]));
    }
    outcome->reply = REPLY_NONE;
}

// --- the end of the callback ---

static void then_timeout(struct outcome *outcome, const keel_term *arguments)
{
    outcome->next = keel_make("{timeout, Ms}", arguments[0]);
}

static void then_continue(struct outcome *outcome, const keel_term *arguments)
{
    outcome->next = keel_make("{continue, Argument}", arguments[0]);
}

static void then_hibernate(struct outcome *outcome, const keel_term *arguments)
{
    (void)arguments;
    outcome->next = keel_atom(hibernate);
}

static void stop(struct outcome *outcome, const keel_term *arguments)
{
    outcome->stop = arguments[0];
}

static void decline(struct outcome *outcome, const keel_term *arguments)
{
    (void)arguments;
    outcome->declined = true;
}

static void leave(struct outcome *outcome, const keel_term *arguments)
{
    (void)outcome;
    keel_exit(arguments[0]);
}

// --- the state ---

static void get(struct outcome *outcome, const keel_term *arguments)
{
    (void)arguments;
    outcome->value = outcome->state;
}

static void put(struct outcome *outcome, const keel_term *arguments)
{
    outcome->state = arguments[0];
}

static void push(struct outcome *outcome, const keel_term *arguments)
{
    outcome->state = keel_cons(arguments[0], outcome->state);
}

const struct step flow_steps[] = {
        {"reply", 1, reply},
        {"noreply", 0, no_reply},
        {"reply_now", 1, reply_now},
        {"reply_after", 2, reply_after},
        {"reply_by", 1, reply_by},
        {"timeout", 1, then_timeout},
        {"continue", 1, then_continue},
        {"hibernate", 0, then_hibernate},
        {"stop", 1, stop},
        {"ignore", 0, decline},
        {"exit", 1, leave},
        {"get", 0, get},
        {"put", 1, put},
        {"push", 1, push},
        {NULL, 0, NULL},
};
