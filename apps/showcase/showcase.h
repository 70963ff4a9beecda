#ifndef SHOWCASE_H
#define SHOWCASE_H

// The showcase: systems that watch out for themselves, and pages to look at them. Each
// system is a file that says how it is supervised (…_child) and what can be asked of it;
// each page_… file shows one; each api_… file gives the same as JSON.

#include <keel/keel.h>
#include <keel/web/endpoint.h>

// Events: an instance of PubSub. Each system broadcasts on a topic of its own name.
#define EVENTS keel_atom(events)

// --- rooms.c: a registry, a dynamic supervisor, a server for each room ---

keel_child_spec rooms_child(void);
// Topics: rooms, {created, Id} and {closed, Id}; {room, Id}: {said, Message} and changed.
keel_term rooms_topic(void);
keel_term room_topic(const char *id);
// KEEL_OK; KEEL_E_TAKEN; KEEL_E_BADARG: `id` is no name for a room.
keel_status rooms_create(const char *id);
keel_status rooms_close(const char *id);
// The ids in order, a list of binaries.
keel_term rooms_list(void);
// {[{id, …}, {users, […]}, {messages, […]}]}, or KEEL_NONE when there is no such room.
keel_term rooms_get(const char *id);
// A message as a map; KEEL_NONE: no such room. `user` and `text` must not be empty.
keel_term rooms_say(const char *id, const char *user, const char *text);
// The caller is present under the name until it ends or joins again.
keel_status rooms_join(const char *id, const char *user);
bool rooms_is_name(const char *id);

// --- jobs.c: a queue of jobs in the database ---

keel_child_spec jobs_child(const char *database);
// The queue tells of each change on it, see <keel/parts/jobs.h>, whose results these give.
keel_term jobs_topic(void);
keel_status jobs_add(const char *name, int64_t duration_ms, int64_t *ret_id);
keel_status jobs_cancel(int64_t id, keel_term *ret_reason);
keel_status jobs_get(int64_t id, keel_term *ret_job);
// The newest first; `status` NULL: all.
keel_status jobs_list(const char *status, size_t limit, keel_term *ret_jobs);
keel_status jobs_stats(keel_term *ret_stats);

// --- services.c: watched over HTTP ---

keel_child_spec services_child(const char *database);
keel_term services_topic(void); // changed; the checker tells changes of status on health
// KEEL_OK; KEEL_E_TAKEN; KEEL_E_BADARG: `url` is none; what keel_call gives.
keel_status services_add(const char *name, const char *url);
keel_status services_remove(const char *name);
bool services_is_url(const char *url);
// As keel_health_status gives them.
keel_term services_list(void);
// The local test service fails when it is told to.
bool services_test_fails(void);
void services_set_test_fails(bool fails);

// --- tokens.c: lent for two minutes, in the database ---

keel_child_spec tokens_child(const char *database);
keel_term tokens_topic(void); // changed
int64_t tokens_lifetime(void); // milliseconds
// A list of {Id, Token, User | nil, ActivatedAt | nil}; KEEL_NONE: nobody answers.
keel_term tokens_list(void);
// {{Id, Token, User, ActivatedAt}, User of whom it was taken | nil}, or KEEL_NONE.
keel_term tokens_use(const char *user);
// Releases those that are used for too long: how many; -1: nobody answers.
int64_t tokens_check(void);

// --- patterns.c: one of each ready-made part, to be played with ---

keel_child_spec patterns_child(void);
// The figures of cache, limiter, pool, workers, batcher or breaker; KEEL_NONE: not there.
keel_term patterns_stats(const char *pattern);
// Uses one; `text` tells what came of it. KEEL_E_BADARG: there is no such pattern.
keel_status patterns_use(
        const char *pattern, const char *argument, char *text, size_t size);

// --- counter.c: for other nodes of a cluster to ask ---

keel_child_spec counter_child(void);

// --- tree.c: the supervision tree as it is, and how often each child came back ---

keel_child_spec tree_child(void);
keel_term tree_topic(void);
// {[{id, …}, {pid, …}, {kind, …}, …, {children, […]}]}; looks at once. While somebody
// watches, the tree is broadcast whenever it has changed.
keel_term tree_get(void);
void tree_watch(void);
// Kills the process with that key of the tree: KEEL_OK, KEEL_E_NOPROC when it is not in it.
keel_status tree_kill(const char *key);

// --- the web: layout.c and the pages ---

extern const keel_web_endpoint showcase_endpoint;
extern const keel_live_view jobs_page, rooms_page, services_page, tokens_page,
        patterns_page, tree_page;
void layout_head(keel_html *html, const keel_live *page);
void layout_header(keel_html *html, const keel_live *page);
void layout_footer(keel_html *html, const keel_live *page);
// The heading of a page, and what it is about.
void layout_title(keel_html *html, const char *title, const char *lead);
// "3 s ago", "in 2 min", from milliseconds since 1970.
void layout_ago(keel_html *html, int64_t milliseconds);

// What the build has put in: style.css and sources that pages show.
#define SHOWCASE_ASSETS 4
extern const keel_web_asset showcase_assets[SHOWCASE_ASSETS];

#endif // SHOWCASE_H
