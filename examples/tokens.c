// Tokens in a database: whose they are and since when.

#include "tokens.h"
#include <keel/parts/database.h>
#include <string.h>

enum { LIFETIME_MS = 120000 };

static keel_answer run(keel_database *database, const char *sql, keel_term parameters)
{
    keel_answer answer = {0};
    KEEL_ASSERT(keel_database_query(database, sql, parameters, &answer) == KEEL_OK);
    return answer;
}

static int64_t now_ms(void)
{
    return keel_system_time() / KEEL_MS(1);
}

static keel_term release_expired(keel_database *database)
{
    keel_answer answer;
    keel_status status = keel_database_query(database,
            "update tokens set username = null where activated_at <= $1 "
            "and username is not null",
            keel_list_of(keel_int(now_ms() - LIFETIME_MS)), &answer);
    return status == KEEL_OK ? keel_make("{ok, Count}", answer.changed)
                             : keel_make("{error, Reason}", keel_database_reason(database));
}

static keel_term use(keel_database *database, keel_term user)
{
    keel_answer answer = run(database,
            "select id from tokens order by username is not null, "
            "activated_at, id limit 1",
            KEEL_NONE);
    keel_term id = keel_element(keel_head(answer.rows), 0);
    run(database, "update tokens set username = $1, activated_at = $2 where id = $3",
            keel_list_of(user, keel_int(now_ms()), id));
    return id;
}

static keel_result init(keel_term options, void *state)
{
    keel_database **database = state;
    char url[256] = "";
    keel_bytes text = keel_to_bytes(keel_element(options, 0));
    memcpy(url, text.data, text.size < sizeof url ? text.size : sizeof url - 1);
    keel_status status = keel_database_open(url, database);
    if (status != KEEL_OK) {
        return keel_stop_with(keel_string(keel_status_name(status)));
    }
    run(*database,
            "create table if not exists tokens (id bigint primary key, username text, "
            "activated_at bigint not null)",
            KEEL_NONE);
    for (int64_t id = 1; id <= keel_to_int(keel_element(options, 1)); id++) {
        run(*database,
                "insert into tokens values ($1, null, 0) on conflict (id) do nothing",
                keel_list_of(keel_int(id)));
    }
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_database **database = state;
    keel_term user;
    if (keel_is(request, release_expired)) {
        return keel_reply(release_expired(*database));
    }
    if (keel_match(request, "{use, User}", &user)) {
        return keel_reply(use(*database, user));
    }
    return keel_unexpected(request);
}

static const keel_gen_server tokens = {
        .name = "tokens",
        .state = {.bytes = sizeof(keel_database *)},
        .init = init,
        .handle_call = handle_call,
};

keel_started tokens_start_link(keel_term options)
{
    return keel_gen_server_start_link(
            &tokens, options, .name = keel_atom(tokens), .spawn.stack_bytes = 256 * 1024);
}

int64_t tokens_use(const char *user)
{
    return keel_to_int(keel_call_or_exit("tokens", keel_make("{use, User}", user)));
}

keel_term tokens_release_expired(void)
{
    return keel_call_or_exit("tokens", keel_atom(release_expired));
}
