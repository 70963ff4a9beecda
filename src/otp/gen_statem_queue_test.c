#include "gen_statem_queue.h"
#include "testing/harness.h"

#include <keel/match.h>

static struct kl_held_event *held(int number)
{
    keel_event event = {.type = KEEL_EVENT_CAST, .content = keel_make("{nr, N}", number)};
    return kl_held_event_new(&event);
}

static void append(struct kl_held_events *list, int number)
{
    kl_held_events_append(list, held(number));
}

static void check_all(struct kl_held_events *list, const char *expected)
{
    char text[200] = "";
    keel_print(text, sizeof text, kl_held_events_term(list), NULL);
    CHECK_STR(text, expected);
}

static void free_all(struct kl_held_events *list)
{
    struct kl_held_event *event;
    while ((event = kl_held_events_take(list)) != NULL) {
        kl_held_event_free(event);
    }
}

TEST("events are taken in the order in which they were appended")
{
    struct kl_held_events list = {NULL};
    CHECK(kl_held_events_take(&list) == NULL);
    check_all(&list, "[]");
    for (int i = 1; i <= 3; i++) {
        append(&list, i);
    }
    check_all(&list, "[{cast,{nr,1}},{cast,{nr,2}},{cast,{nr,3}}]");
    struct kl_held_event *first = kl_held_events_take(&list);
    CHECK(keel_match(first->event.content, "{nr, 1}"));
    kl_held_event_free(first);
    append(&list, 4);
    check_all(&list, "[{cast,{nr,2}},{cast,{nr,3}},{cast,{nr,4}}]");
    free_all(&list);
    append(&list, 5);
    check_all(&list, "[{cast,{nr,5}}]");
    free_all(&list);
}

TEST("one list goes in front of the other, and is empty then")
{
    struct kl_held_events list = {NULL};
    struct kl_held_events front = {NULL};
    kl_held_events_prepend(&list, &front);
    check_all(&list, "[]");
    append(&front, 1);
    append(&front, 2);
    kl_held_events_prepend(&list, &front);
    check_all(&list, "[{cast,{nr,1}},{cast,{nr,2}}]");
    check_all(&front, "[]");
    kl_held_events_prepend(&list, &front);
    append(&front, 3);
    append(&front, 4);
    kl_held_events_prepend(&list, &front);
    append(&list, 5);
    check_all(&list,
            "[{cast,{nr,3}},{cast,{nr,4}},{cast,{nr,1}},{cast,{nr,2}},{cast,{nr,5}}]");
    free_all(&list);
}

TEST("an event that is held keeps its terms")
{
    struct kl_held_events list = {NULL};
    keel_scope scope = keel_scope_open();
    keel_event event = {.type = KEEL_EVENT_NAMED_TIMEOUT,
            .name = keel_make("{a, name}"),
            .content = keel_make("{some, content}")};
    kl_held_events_append(&list, kl_held_event_new(&event));
    keel_scope_close(&scope);
    check_all(&list, "[{{timeout,{a,name}},{some,content}}]");
    free_all(&list);
    kl_held_event_free(NULL);
}
