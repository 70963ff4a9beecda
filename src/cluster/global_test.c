#include "proc/proc_testing.h"
#include <keel/global.h>
#include <keel/supervisor.h>

static keel_term name_of(int number)
{
    return keel_make("{name, Number}", number);
}

static void wait_for_end(keel_term unused)
{
    (void)unused;
    keel_receive();
}

static keel_pid spawn_waiting(void)
{
    return keel_spawn(wait_for_end, keel_nil());
}

static void end(keel_pid pid)
{
    keel_ref monitor = keel_monitor(pid);
    keel_process_exit(pid, keel_atom(kill));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^Ref, _, _, _}", monitor));
}

static void begin(void)
{
    CHECK_OK(keel_global_start());
}

static void finish(void)
{
    CHECK_OK(keel_gen_server_stop(
            "global_name_server", keel_atom(normal), KEEL_IN(KEEL_SECONDS(20))));
    CHECK_OK(keel_via_register(keel_atom(global), NULL));
}

PROCESS_TEST("a name is given, found, listed and given back",
        .ids = "GL-001 GL-002 GL-005 GL-011")
{
    begin();
    keel_pid first = spawn_waiting(), second = spawn_waiting();
    CHECK(keel_global_whereis(name_of(1)).word == 0);
    CHECK_OK(keel_global_register(name_of(1), first));
    CHECK(keel_global_whereis(name_of(1)).word == first.word);
    CHECK_STR(keel_show(keel_global_registered()), "[{name,1}]");
    CHECK_INT(keel_global_register(name_of(1), second), KEEL_E_TAKEN);
    CHECK(keel_global_whereis(name_of(1)).word == first.word);
    CHECK_OK(keel_global_unregister(name_of(1)));
    CHECK_OK(keel_global_unregister(name_of(2)));
    CHECK(keel_global_whereis(name_of(1)).word == 0);
    CHECK_OK(keel_global_register(name_of(1), second));
    end(first);
    CHECK(keel_global_whereis(name_of(1)).word == second.word);
    end(second);
    finish();
}

PROCESS_TEST("a process has one name at most", .ids = "GL-001")
{
    begin();
    CHECK_OK(keel_global_register(name_of(1), keel_self()));
    CHECK_INT(keel_global_register(name_of(2), keel_self()), KEEL_E_TAKEN);
    CHECK_OK(keel_global_unregister(name_of(1)));
    CHECK_OK(keel_global_register(name_of(2), keel_self()));
    CHECK_OK(keel_global_unregister(name_of(2)));
    finish();
}

PROCESS_TEST("what is no pid gets no name, and the service lives", .ids = "GL-004 GL-015")
{
    begin();
    CHECK_INT(keel_global_register(name_of(1), (keel_pid){0}), KEEL_E_BADARG);
    CHECK_INT(keel_global_re_register(name_of(1), (keel_pid){0}), KEEL_E_BADARG);
    keel_term server = keel_atom(global_name_server), reply;
    keel_send(server, keel_atom(garbage));
    keel_gen_cast(server, keel_atom(garbage));
    CHECK_OK(keel_gen_call(server, keel_make("{register, x, y, z}"), KEEL_NEVER, &reply));
    CHECK_STR(keel_show(reply), "no");
    CHECK_INT(keel_gen_call(server, keel_atom(garbage), KEEL_IN(KEEL_MS(1)), &reply),
            KEEL_E_TIMEOUT);
    CHECK(keel_global_whereis(name_of(1)).word == 0);
    finish();
}

PROCESS_TEST("a name passes from one to another", .ids = "GL-006")
{
    begin();
    keel_pid first = spawn_waiting(), second = spawn_waiting();
    CHECK_OK(keel_global_re_register(name_of(1), first));
    CHECK_OK(keel_global_re_register(name_of(1), second));
    CHECK(keel_global_whereis(name_of(1)).word == second.word);
    end(first);
    CHECK(keel_global_whereis(name_of(1)).word == second.word);
    end(second);
    finish();
}

PROCESS_TEST("names go when their processes end", .ids = "GL-008 GL-014")
{
    enum { MANY = 200 };
    keel_pid pids[MANY];
    begin();
    for (int i = 0; i < MANY; i++) {
        pids[i] = spawn_waiting();
        CHECK_OK(keel_global_register(name_of(i), pids[i]));
    }
    size_t length;
    CHECK(keel_list_length(keel_global_registered(), &length));
    CHECK_INT(length, MANY);
    for (int i = 0; i < MANY; i++) {
        end(pids[i]);
        CHECK(keel_global_whereis(name_of(i)).word == 0);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_OK(keel_global_register(name_of(i), keel_self()));
        CHECK_OK(keel_global_unregister(name_of(i)));
    }
    CHECK_STR(keel_show(keel_global_registered()), "[]");
    finish();
}

static void send_to_nobody(void *unused)
{
    (void)unused;
    keel_global_send_or_exit(keel_atom(nobody), keel_atom(hi));
}

PROCESS_TEST("a message goes to who has the name", .ids = "GL-010")
{
    begin();
    CHECK_OK(keel_global_register(name_of(1), keel_self()));
    CHECK_OK(keel_global_send(name_of(1), keel_atom(one)));
    CHECK(keel_global_send_or_exit(name_of(1), keel_atom(two)).word == keel_self().word);
    CHECK_STR(keel_show(keel_receive()), "one");
    CHECK_STR(keel_show(keel_receive()), "two");
    CHECK_INT(keel_global_send(keel_atom(nobody), keel_atom(hi)), KEEL_E_BADARG);
    keel_term reason;
    CHECK_INT(keel_try(send_to_nobody, NULL, &reason), KEEL_E_EXIT);
    CHECK_STR(keel_show(reason), "{badarg,{nobody,hi}}");
    CHECK_OK(keel_global_unregister(name_of(1)));
    finish();
}

// --- servers ---

static keel_result init(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    return keel_ok();
}

static keel_result echo(keel_term request, keel_from from, void *state)
{
    (void)from;
    (void)state;
    return keel_reply(request);
}

static const keel_gen_server server = {.name = "server", .init = init, .handle_call = echo};

PROCESS_TEST("a server is started and called by a global name", .ids = "GL-012")
{
    begin();
    keel_term name = keel_make("{global, {counter, 1}}"), reply;
    keel_started started = keel_gen_server_start(&server, KEEL_NONE, .name = name);
    CHECK_OK(started.status);
    CHECK_OK(keel_call(name, keel_atom(hi), &reply));
    CHECK_STR(keel_show(reply), "hi");
    keel_started second = keel_gen_server_start(&server, KEEL_NONE, .name = name);
    CHECK_INT(second.status, KEEL_E_TAKEN);
    CHECK(second.pid.word == started.pid.word);
    CHECK_OK(keel_gen_server_stop(name, keel_atom(normal), KEEL_NEVER));
    CHECK_INT(keel_call(name, keel_atom(hi), &reply), KEEL_E_NOPROC);
    started = keel_gen_server_start(&server, KEEL_NONE, .name = name);
    CHECK_OK(started.status);
    CHECK_OK(keel_gen_server_stop(name, keel_atom(normal), KEEL_NEVER));
    finish();
}

PROCESS_TEST(
        "a child with a global name has it again when it was restarted", .ids = "GL-012")
{
    begin();
    keel_term name = keel_make("{global, child}"), reply;
    keel_term tree = keel_make("{global, tree}");
    keel_child_spec children[] = {keel_child(&server, keel_nil(), .name = name)};
    keel_started started = keel_supervisor_start_link(children, 1, .name = tree);
    CHECK_OK(started.status);
    CHECK(keel_global_whereis(keel_atom(tree)).word == started.pid.word);
    CHECK_INT(keel_supervisor_start_link(children, 1, .name = tree).status, KEEL_E_TAKEN);
    keel_pid before = keel_global_whereis(keel_atom(child));
    end(before);
    while (keel_global_whereis(keel_atom(child)).word == 0) {
        keel_yield();
    }
    CHECK(keel_global_whereis(keel_atom(child)).word != before.word);
    CHECK_OK(keel_call(name, keel_atom(hi), &reply));
    CHECK_STR(keel_show(reply), "hi");
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), KEEL_NEVER));
    CHECK_INT(keel_call(name, keel_atom(hi), &reply), KEEL_E_NOPROC);
    finish();
}

static void try_name(keel_term parent)
{
    keel_status status = keel_global_register(name_of(1), keel_self());
    keel_send(keel_to_pid(parent), keel_int(status));
    keel_receive();
}

PROCESS_TEST("of two that want a name at the same time one gets it", .ids = "GL-013")
{
    begin();
    keel_pid pids[2];
    int64_t statuses[2];
    for (int i = 0; i < 2; i++) {
        pids[i] = keel_spawn(try_name, keel_from_pid(keel_self()));
    }
    for (int i = 0; i < 2; i++) {
        statuses[i] = keel_to_int(keel_receive());
    }
    CHECK_INT(statuses[0] + statuses[1], KEEL_E_TAKEN);
    CHECK(statuses[0] == KEEL_OK || statuses[1] == KEEL_OK);
    end(pids[0]);
    end(pids[1]);
    finish();
}

TEST("names are not there before the service is")
{
    CHECK_OK(keel_start(NULL));
    CHECK(keel_global_whereis(keel_atom(x)).word == 0);
    CHECK_STR(keel_show(keel_global_registered()), "[]");
    CHECK_INT(keel_global_send(keel_atom(x), keel_atom(hi)), KEEL_E_BADARG);
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

// --- locks ---

static keel_term lock_of(const char *resource, int requester)
{
    return keel_make("{Resource, Requester}", keel_string(resource), requester);
}

static keel_term here(void)
{
    return keel_cons(keel_node_self(), keel_nil());
}

PROCESS_TEST("a lock excludes other requesters, not the same one",
        .ids = "GL-032 GL-033 GL-036 GL-037 GL-039")
{
    begin();
    CHECK_OK(keel_global_lock(lock_of("a", 1), here(), 0));
    CHECK_OK(keel_global_lock(lock_of("a", 1), here(), 0));
    CHECK_INT(keel_global_lock(lock_of("a", 2), here(), 0), KEEL_E_TAKEN);
    CHECK_INT(keel_global_lock(lock_of("a", 2), KEEL_NONE, 0), KEEL_E_TAKEN);
    CHECK_OK(keel_global_lock(lock_of("b", 2), here(), 0));
    CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    CHECK_INT(keel_global_lock(lock_of("a", 2), here(), 0), KEEL_E_TAKEN);
    CHECK_OK(keel_global_unlock(lock_of("a", 1), here()));
    CHECK_OK(keel_global_lock(lock_of("a", 2), here(), 0));
    CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    CHECK_OK(keel_global_unlock(lock_of("b", 2), here()));
    CHECK_OK(keel_global_unlock(lock_of("b", 2), here()));
    finish();
}

static void hold(keel_term parent)
{
    keel_status status = keel_global_lock(lock_of("a", 1), here(), 0);
    keel_send(keel_to_pid(parent), keel_int(status));
    keel_receive();
    keel_global_unlock(lock_of("a", 1), here());
}

PROCESS_TEST("who waits for a lock gets it when it is free, also by the holder's end",
        .ids = "GL-033 GL-038")
{
    begin();
    for (int killed = 0; killed < 2; killed++) {
        keel_pid holder = keel_spawn(hold, keel_from_pid(keel_self()));
        CHECK_INT(keel_to_int(keel_receive()), KEEL_OK);
        CHECK_INT(keel_global_lock(lock_of("a", 2), here(), 1), KEEL_E_TAKEN);
        keel_ref monitor = keel_monitor(holder);
        if (killed) {
            keel_process_exit(holder, keel_atom(kill));
        } else {
            keel_send(holder, keel_atom(go));
        }
        CHECK_OK(keel_global_lock(lock_of("a", 2), here(), KEEL_GLOBAL_FOREVER));
        CHECK_OK(keel_receive_match(KEEL_NEVER, "{'DOWN', ^Ref, _, _, _}", monitor));
        CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    }
    finish();
}

PROCESS_TEST("two that hold a lock together free it together", .ids = "GL-038")
{
    begin();
    keel_pid holder = keel_spawn(hold, keel_from_pid(keel_self()));
    CHECK_INT(keel_to_int(keel_receive()), KEEL_OK);
    CHECK_OK(keel_global_lock(lock_of("a", 1), here(), 0));
    end(holder);
    CHECK_INT(keel_global_lock(lock_of("a", 2), here(), 0), KEEL_E_TAKEN);
    CHECK_OK(keel_global_unlock(lock_of("a", 1), here()));
    // The name server may hear of the holder's end after us.
    CHECK_OK(keel_global_lock(lock_of("a", 2), here(), KEEL_GLOBAL_FOREVER));
    CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    finish();
}

PROCESS_TEST("a lock on no node is had at once, and what is no lock is refused",
        .ids = "GL-040 GL-041")
{
    begin();
    CHECK_OK(keel_global_lock(lock_of("a", 1), keel_nil(), 0));
    CHECK_OK(keel_global_lock(lock_of("a", 2), keel_nil(), 0));
    CHECK_INT(keel_global_lock(keel_atom(a), here(), 0), KEEL_E_BADARG);
    CHECK_INT(keel_global_lock(lock_of("a", 1), keel_atom(a), 0), KEEL_E_BADARG);
    CHECK_INT(keel_global_lock(lock_of("a", 1), keel_make("[1]"), 0), KEEL_E_BADARG);
    CHECK_INT(keel_global_lock(lock_of("a", 1), here(), -2), KEEL_E_BADARG);
    CHECK_INT(keel_global_unlock(keel_atom(a), here()), KEEL_E_BADARG);
    CHECK_OK(keel_global_lock(lock_of("a", 1), here(), 0));
    CHECK_OK(keel_global_unlock(lock_of("a", 1), here()));
    finish();
}

static void see_lock(void *taken)
{
    *(keel_status *)taken = keel_global_lock(lock_of("a", 2), here(), 0);
}

static void fail(void *unused)
{
    (void)unused;
    keel_exit(keel_atom(oops));
}

static void transact_and_fail(void *unused)
{
    keel_status status = keel_global_transaction(lock_of("a", 1), fail, unused, here(), 0);
    (void)status;
}

PROCESS_TEST("a transaction runs under the lock, or not at all", .ids = "GL-042")
{
    begin();
    keel_status taken = KEEL_OK;
    keel_term reason;
    CHECK_OK(keel_global_transaction(lock_of("a", 1), see_lock, &taken, here(), 0));
    CHECK_INT(taken, KEEL_E_TAKEN);
    CHECK_INT(keel_try(transact_and_fail, NULL, &reason), KEEL_E_EXIT);
    CHECK_STR(keel_show(reason), "oops");
    CHECK_OK(keel_global_lock(lock_of("a", 2), here(), 0));
    taken = KEEL_OK;
    CHECK_INT(keel_global_transaction(lock_of("a", 1), see_lock, &taken, here(), 0),
            KEEL_E_TAKEN);
    CHECK_OK(taken);
    CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    finish();
}

static void hold_global(keel_term parent)
{
    keel_status status = keel_global_lock(keel_make("{global, me}"), here(), 0);
    keel_send(keel_to_pid(parent), keel_int(status));
    keel_receive();
}

PROCESS_TEST("locks leave names alone, but for the lock on names", .ids = "GL-044")
{
    begin();
    CHECK_OK(keel_global_lock(keel_make("{{name, 1}, me}"), here(), 0));
    CHECK_OK(keel_global_register(name_of(1), keel_self()));
    CHECK_OK(keel_global_unregister(name_of(1)));
    CHECK_OK(keel_global_unlock(keel_make("{{name, 1}, me}"), here()));
    keel_pid holder = keel_spawn(hold_global, keel_from_pid(keel_self()));
    CHECK_INT(keel_to_int(keel_receive()), KEEL_OK);
    keel_pid waiting = keel_spawn(try_name, keel_from_pid(keel_self()));
    keel_term message;
    CHECK_INT(keel_receive_until(KEEL_IN(KEEL_MS(200)), &message), KEEL_E_TIMEOUT);
    CHECK(keel_global_whereis(name_of(1)).word == 0);
    end(holder);
    CHECK_INT(keel_to_int(keel_receive()), KEEL_OK);
    CHECK(keel_global_whereis(name_of(1)).word == waiting.word);
    end(waiting);
    finish();
}

// --- corners ---

PROCESS_TEST("a name that has passed on does not go with who had it")
{
    begin();
    keel_pid first = spawn_waiting(), second = spawn_waiting();
    CHECK_OK(keel_global_register(name_of(1), first));
    CHECK_OK(keel_global_re_register(name_of(1), second));
    CHECK_OK(keel_global_register(name_of(2), first)); // it has no other name now
    CHECK_OK(keel_global_unregister(name_of(1)));
    CHECK_OK(keel_global_register(name_of(1), second));
    end(first);
    CHECK(keel_global_whereis(name_of(1)).word == second.word);
    CHECK(keel_global_whereis(name_of(2)).word == 0);
    CHECK_OK(keel_global_re_register(name_of(1), second)); // its own
    CHECK(keel_global_whereis(name_of(1)).word == second.word);
    end(second);
    CHECK_STR(keel_show(keel_global_registered()), "[]");
    finish();
}

PROCESS_TEST("a lock is freed by who has it, not by another of the same requester")
{
    begin();
    keel_pid holder = keel_spawn(hold, keel_from_pid(keel_self()));
    CHECK_INT(keel_to_int(keel_receive()), KEEL_OK);
    CHECK_OK(keel_global_unlock(lock_of("a", 1), here()));
    CHECK_INT(keel_global_lock(lock_of("a", 2), here(), 0), KEEL_E_TAKEN);
    end(holder);
    CHECK_OK(keel_global_lock(lock_of("a", 2), here(), KEEL_GLOBAL_FOREVER));
    CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    finish();
}

static void within(void *status)
{
    keel_status inner = KEEL_OK;
    *(keel_status *)status = keel_global_transaction(
            lock_of("a", 1), see_lock, &inner, here(), 0);
    CHECK_INT(inner, KEEL_E_TAKEN);
}

PROCESS_TEST("a transaction in a transaction of the same requester has the lock")
{
    begin();
    keel_status inner = KEEL_E_TAKEN;
    CHECK_OK(keel_global_transaction(lock_of("a", 1), within, &inner, here(), 0));
    CHECK_OK(inner);
    CHECK_OK(keel_global_lock(lock_of("a", 2), here(), 0));
    CHECK_OK(keel_global_unlock(lock_of("a", 2), here()));
    finish();
}
