#include "check.h"
#include "rooms.h"
#include <string.h>

static void start(void)
{
    keel_child_spec children[] = {rooms_registry(), rooms_supervisor()};
    keel_started_or_exit(keel_supervisor_start_link(children, KEEL_COUNT(children)));
}

static void a_room_is_found_by_its_id(keel_term unused)
{
    start();
    keel_term id = keel_string("lobby"), room;
    keel_started created = rooms_create(id);
    keel_test_check(created.status == KEEL_OK);
    keel_test_check(rooms_find(id).word == created.pid.word);
    keel_test_check(rooms_say(id, keel_string("ana"), keel_string("hola")) == KEEL_OK);
    keel_test_check(rooms_say(id, keel_string("leo"), keel_string("hey")) == KEEL_OK);
    keel_test_check(rooms_read(id, &room) == KEEL_OK);
    CHECK_SHOWN(keel_map_get(room, keel_atom(users)), "[<<\"leo\">>,<<\"ana\">>]");
}

static void there_is_one_room_of_an_id(keel_term unused)
{
    start();
    keel_pid first = rooms_create(keel_int(1)).pid;
    keel_started second = rooms_create(keel_int(1));
    keel_test_check(second.status == KEEL_E_REFUSED && second.pid.word == first.word);
}

static void a_closed_room_is_gone(keel_term unused)
{
    start();
    keel_term room;
    keel_test_check(rooms_create(keel_int(1)).status == KEEL_OK);
    keel_test_check(rooms_close(keel_int(1)) == KEEL_OK);
    keel_test_check(rooms_find(keel_int(1)).word == 0);
    keel_test_check(rooms_close(keel_int(1)) == KEEL_E_NOPROC);
    keel_test_check(rooms_read(keel_int(1), &room) == KEEL_E_NOPROC);
}

static void a_room_that_crashes_comes_back_empty(keel_term unused)
{
    start();
    keel_term room;
    keel_pid pid = rooms_create(keel_int(1)).pid;
    keel_test_check(rooms_say(keel_int(1), keel_atom(ana), keel_atom(hola)) == KEEL_OK);
    keel_process_exit(pid, keel_atom(kill));
    keel_sleep(KEEL_MS(1));
    keel_test_check(rooms_read(keel_int(1), &room) == KEEL_OK);
    CHECK_SHOWN(keel_map_get(room, keel_atom(messages)), "[]");
}

CHECKS({"a room is found by its id", a_room_is_found_by_its_id},
        {"there is one room of an id", there_is_one_room_of_an_id},
        {"a closed room is gone", a_closed_room_is_gone},
        {"a room that crashes comes back empty", a_room_that_crashes_comes_back_empty})
