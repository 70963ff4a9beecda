#include "showcase.h"

#include <keel/application.h>
#include <keel/parts/database.h>
#include <keel/parts/health.h>
#include <stdio.h>
#include <string.h>

// Services that are watched: a ready-made health checker does it, a server beside it
// remembers in the database which ones. The checker first: when it ends the server is
// started anew as well, and tells it again.

struct services {
    keel_database *database;
};

// Whether the local test service fails; atomic, for requests read it in their processes.
static bool test_fails;

static keel_answer query(struct services *services, const char *sql, keel_term parameters)
{
    keel_answer answer;
    if (keel_database_query(services->database, sql, parameters, &answer) != KEEL_OK) {
        keel_exit(
                keel_make("{database, Reason}", keel_database_reason(services->database)));
    }
    return answer;
}

static keel_result init(keel_term url, void *state)
{
    static const char *const steps[] = {
            "create table showcase_services (name text primary key, url text not null)"};
    struct services *services = state;
    keel_term row;
    keel_status status = keel_database_open(keel_to_secret(url), &services->database);
    if (status == KEEL_OK) {
        status = keel_database_migrate(
                services->database, "showcase_services", steps, KEEL_COUNT(steps), NULL);
    }
    if (status != KEEL_OK) {
        return keel_stop_with(keel_make("{database, Why}", keel_status_text(status)));
    }
    keel_term rows =
            query(services, "select name, url from showcase_services", KEEL_NONE).rows;
    while (keel_list_next(&rows, &row)) {
        (void)keel_health_add("health", keel_element(row, 0), keel_element(row, 1));
    }
    return keel_ok();
}

static void tell(void)
{
    keel_pubsub_broadcast(EVENTS, services_topic(), keel_atom(changed));
}

static keel_term add(struct services *services, keel_term name, keel_term url)
{
    keel_answer answer = query(services,
            "insert into showcase_services (name, url) values ($1, $2) "
            "on conflict (name) do nothing",
            keel_list_of(name, url));
    if (answer.changed == 0) {
        return keel_atom(taken);
    }
    (void)keel_health_add("health", name, url);
    tell();
    return keel_atom(ok);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct services *services = state;
    keel_term name, url;
    (void)from;
    if (keel_match(request, "{add, Name, Url}", &name, &url)) {
        return keel_reply(add(services, name, url));
    }
    if (keel_match(request, "{remove, Name}", &name)) {
        int64_t changed = query(services, "delete from showcase_services where name = $1",
                keel_list_of(name))
                                  .changed;
        (void)keel_health_remove("health", name);
        tell();
        return keel_reply(changed > 0 ? keel_atom(ok) : keel_atom(not_found));
    }
    return keel_unexpected(request);
}

static const keel_gen_server services_server = {
        .name = "services",
        .state = {"struct services", sizeof(struct services), NULL, 0},
        .init = init,
        .handle_call = handle_call,
};

static keel_started start_server(keel_term url)
{
    return keel_gen_server_start_link(&services_server, url, .name = keel_atom(services),
            .spawn = {.stack_bytes = 256 << 10});
}

static keel_started start_services(keel_term url)
{
    int64_t every = keel_to_int(keel_application_get_env(
            keel_atom(showcase), keel_atom(service_check_ms), keel_int(3000)));
    keel_child_spec children[] = {
            keel_health_child(.name = keel_atom(health), .every = KEEL_MS(every),
                    .timeout = KEEL_SECONDS(2), .pubsub = EVENTS),
            keel_child_fn(start_server, url, .id = keel_atom(services)),
    };
    return keel_supervisor_start_link(children, KEEL_COUNT(children),
            .strategy = KEEL_REST_FOR_ONE, .name = keel_atom(services_system));
}

keel_child_spec services_child(const char *database)
{
    keel_child_spec child = keel_child_fn(
            start_services, keel_secret(database), .id = keel_atom(services));
    child.type = KEEL_SUPERVISOR;
    return child;
}

keel_term services_topic(void)
{
    return keel_atom(services);
}

// --- asking ---

bool services_is_url(const char *url)
{
    bool http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    for (const char *at = url; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == '\x7f') {
            return false;
        }
    }
    return http && strlen(url) <= 500;
}

static keel_status ask(keel_term request)
{
    keel_term answer;
    keel_status status = keel_call("services", request, &answer);
    if (status != KEEL_OK) {
        return status;
    }
    return keel_is(answer, ok)      ? KEEL_OK
           : keel_is(answer, taken) ? KEEL_E_TAKEN
                                    : KEEL_E_NOPROC;
}

keel_status services_add(const char *name, const char *url)
{
    return services_is_url(url) ? ask(keel_make("{add, Name, Url}", name, url))
                                : KEEL_E_BADARG;
}

keel_status services_remove(const char *name)
{
    return ask(keel_make("{remove, Name}", name));
}

keel_term services_list(void)
{
    return keel_health_status("health");
}

bool services_test_fails(void)
{
    return __atomic_load_n(&test_fails, __ATOMIC_RELAXED);
}

void services_set_test_fails(bool fails)
{
    __atomic_store_n(&test_fails, fails, __ATOMIC_RELAXED);
    tell();
}
