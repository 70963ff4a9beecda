// Tokens in a database, released when they have been active for more than two minutes.

#include "token_manager.h"
#include <keel/parts/database.h>
#include <string.h>

#define CHECK_INTERVAL KEEL_SECONDS(30)
#define LIFETIME_MS 120000

struct manager {
    keel_database *database;
    keel_ref timer;
};

static keel_answer run(struct manager *manager, const char *sql, keel_term parameters)
{
    keel_answer answer = {0};
    KEEL_ASSERT(
            keel_database_query(manager->database, sql, parameters, &answer) == KEEL_OK);
    return answer;
}

static int64_t now_ms(void)
{
    return keel_system_time() / KEEL_MS(1);
}

static int64_t release_expired(struct manager *manager)
{
    return run(manager,
            "update tokens set username = null where activated_at <= $1 "
            "and username is not null",
            keel_list_of(keel_int(now_ms() - LIFETIME_MS)))
            .changed;
}

static keel_term use(struct manager *manager, keel_term user)
{
    keel_answer answer = run(manager,
            "select id from tokens order by username is not null, "
            "activated_at, id limit 1",
            KEEL_NONE);
    keel_term id = keel_element(keel_head(answer.rows), 0);
    run(manager, "update tokens set username = $1, activated_at = $2 where id = $3",
            keel_list_of(user, keel_int(now_ms()), id));
    return id;
}

static keel_result init(keel_term options, void *state)
{
    struct manager *manager = state;
    char url[256] = "";
    keel_bytes text = keel_to_bytes(keel_element(options, 0));
    memcpy(url, text.data, text.size < sizeof url ? text.size : sizeof url - 1);
    keel_status status = keel_database_open(url, &manager->database);
    if (status != KEEL_OK) {
        return keel_stop_with(keel_string(keel_status_name(status)));
    }
    run(manager,
            "create table if not exists tokens (id bigint primary key, username text, "
            "activated_at bigint not null)",
            KEEL_NONE);
    for (int64_t id = 1; id <= keel_to_int(keel_element(options, 1)); id++) {
        run(manager, "insert into tokens values ($1, null, 0) on conflict (id) do nothing",
                keel_list_of(keel_int(id)));
    }
    manager->timer = keel_send_after(
            CHECK_INTERVAL, keel_self(), keel_atom(check_expired_tokens));
    return keel_ok();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct manager *manager = state;
    if (keel_is(message, check_expired_tokens)) {
        release_expired(manager);
        manager->timer = keel_send_after(CHECK_INTERVAL, keel_self(), message);
    }
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term user;
    if (keel_is(request, check_and_release_expired)) {
        return keel_reply(keel_int(release_expired(state)));
    }
    if (keel_match(request, "{use, User}", &user)) {
        return keel_reply(use(state, user));
    }
    return keel_unexpected(request);
}

static const keel_gen_server token_manager = {
        .name = "token_manager",
        .state = KEEL_STATE(struct manager, timer),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started token_manager_start_link(keel_term options)
{
    return keel_gen_server_start_link(&token_manager, options,
            .name = keel_atom(token_manager), .spawn.stack_bytes = 256 * 1024);
}

int64_t token_manager_use(const char *user)
{
    return keel_to_int(keel_call_or_exit("token_manager", keel_make("{use, User}", user)));
}

int64_t token_manager_check_and_release_expired(void)
{
    return keel_to_int(
            keel_call_or_exit("token_manager", keel_atom(check_and_release_expired)));
}
