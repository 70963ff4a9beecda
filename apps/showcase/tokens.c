#include "showcase.h"

#include <keel/application.h>
#include <keel/parts/database.h>
#include <stdio.h>
#include <string.h>

// Tokens that are lent: to whoever asks, released when they have been in use for too long,
// and the oldest is taken away when all are. They lie in the database, so they are lent
// still when this server, or the program, was killed.

#define TOKENS 10

struct tokens {
    keel_database *database;
    int64_t lifetime_ms, check_ms;
};

keel_term tokens_topic(void)
{
    return keel_atom(tokens);
}

int64_t tokens_lifetime(void)
{
    return keel_to_int(keel_application_get_env(
            keel_atom(showcase), keel_atom(token_lifetime_ms), keel_int(120000)));
}

static int64_t now_ms(void)
{
    return keel_system_time() / 1000000;
}

// Runs a statement; a database that fails ends the server, which its supervisor starts
// anew: what it knows is in the database.
static keel_answer query(struct tokens *tokens, const char *sql, keel_term parameters)
{
    keel_answer answer;
    keel_status status = keel_database_query(tokens->database, sql, parameters, &answer);
    if (status != KEEL_OK) {
        keel_exit(keel_make("{database, Reason}", keel_database_reason(tokens->database)));
    }
    return answer;
}

static void make_tokens(struct tokens *tokens)
{
    static const char *const steps[] = {
            "create table showcase_tokens (id integer primary key, token text not null, "
            "username text, activated_at bigint)"};
    keel_status status = keel_database_migrate(
            tokens->database, "showcase_tokens", steps, KEEL_COUNT(steps), NULL);
    if (status != KEEL_OK) {
        keel_exit(keel_make("{database, Reason}", keel_database_reason(tokens->database)));
    }
    for (int id = 1; id <= TOKENS; id++) {
        char token[32];
        snprintf(token, sizeof(token), "tk-%02d-%08llx", id,
                (unsigned long long)(keel_random() & 0xffffffff));
        query(tokens,
                "insert into showcase_tokens (id, token) values ($1, $2) "
                "on conflict (id) do nothing",
                keel_list_of(keel_int(id), keel_string(token)));
    }
}

static void schedule_next_check(const struct tokens *tokens)
{
    keel_send_after(KEEL_MS(tokens->check_ms), keel_self(), keel_atom(check_expired));
}

static keel_result init(keel_term url, void *state)
{
    struct tokens *tokens = state;
    keel_status status = keel_database_open(keel_to_secret(url), &tokens->database);
    if (status != KEEL_OK) {
        return keel_stop_with(keel_make("{database, Why}", keel_status_text(status)));
    }
    tokens->lifetime_ms = tokens_lifetime();
    tokens->check_ms = keel_to_int(keel_application_get_env(
            keel_atom(showcase), keel_atom(token_check_ms), keel_int(30000)));
    make_tokens(tokens);
    schedule_next_check(tokens);
    return keel_ok();
}

static void tell_changed(void)
{
    keel_pubsub_broadcast(EVENTS, tokens_topic(), keel_atom(changed));
}

static int64_t release_expired(struct tokens *tokens)
{
    keel_answer answer = query(tokens,
            "update showcase_tokens set username = null, activated_at = null "
            "where activated_at < $1",
            keel_list_of(keel_int(now_ms() - tokens->lifetime_ms)));
    if (answer.changed > 0) {
        tell_changed();
    }
    return answer.changed;
}

#define COLUMNS "id, token, username, activated_at"

// {Id, Token, User | nil, ActivatedAt | nil}
static keel_term list(struct tokens *tokens)
{
    return query(tokens, "select " COLUMNS " from showcase_tokens order by id", KEEL_NONE)
            .rows;
}

// A free one; else the one lent longest ago, which is released.
static keel_term use(struct tokens *tokens, keel_term user)
{
    keel_answer answer = query(tokens,
            "select " COLUMNS " from showcase_tokens "
            "order by coalesce(activated_at, 0), id limit 1",
            KEEL_NONE);
    keel_term chosen = keel_head(answer.rows);
    keel_term id = keel_element(chosen, 0), now = keel_int(now_ms());
    query(tokens,
            "update showcase_tokens set username = $1, activated_at = $2 where id = $3",
            keel_list_of(user, now, id));
    tell_changed();
    return keel_tuple_of(
            keel_tuple_of(id, keel_element(chosen, 1), user, now), keel_element(chosen, 2));
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct tokens *tokens = state;
    keel_term user;
    (void)from;
    if (keel_is(request, list)) {
        return keel_reply(list(tokens));
    }
    if (keel_is(request, check)) {
        return keel_reply(keel_int(release_expired(tokens)));
    }
    if (keel_match(request, "{use, User}", &user)) {
        return keel_reply(use(tokens, user));
    }
    return keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct tokens *tokens = state;
    if (keel_is(message, check_expired)) {
        release_expired(tokens);
        schedule_next_check(tokens);
        return keel_noreply();
    }
    return keel_unexpected(message);
}

static const keel_gen_server tokens_server = {
        .name = "tokens",
        .state = KEEL_STATE(struct tokens, lifetime_ms, check_ms),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

static keel_started start_link(keel_term url)
{
    return keel_gen_server_start_link(&tokens_server, url, .name = keel_atom(tokens),
            .spawn = {.stack_bytes = 256 << 10});
}

keel_child_spec tokens_child(const char *database)
{
    return keel_child_fn(start_link, keel_secret(database), .id = keel_atom(tokens));
}

// --- asking ---

static keel_term ask(keel_term request)
{
    keel_term answer;
    return keel_call("tokens", request, &answer) == KEEL_OK ? answer : KEEL_NONE;
}

keel_term tokens_list(void)
{
    return ask(keel_atom(list));
}

keel_term tokens_use(const char *user)
{
    return ask(keel_make("{use, User}", user));
}

int64_t tokens_check(void)
{
    keel_term released = ask(keel_atom(check));
    return keel_is_none(released) ? -1 : keel_to_int(released);
}
