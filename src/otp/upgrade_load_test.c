// Versions from shared objects: upgrade_fixture.c is built into three of them.

#include "upgrade_testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *version(int number)
{
    return upgrade_object("upgrade", number);
}

static void copy_file(const char *from, const char *to)
{
    char command[9000];
    snprintf(command, sizeof command, "cat '%s' >'%s'", from, to);
    CHECK_INT(system(command), 0);
}

enum { CALLS = 2000 };

// Every answer is greater than the last one by the step of the version that gave it.
static void call_often(keel_term pair)
{
    keel_term server = keel_element(pair, 0);
    int last = 0;
    int seen = 0;
    for (int i = 0; i < CALLS; i++) {
        keel_scope scope = keel_scope_open();
        int by;
        int value;
        keel_term answer = keel_call_or_exit(server, keel_atom(next));
        CHECK(keel_match(answer, "{By, Value}", &by, &value));
        CHECK_INT(value, last + by);
        last = value;
        seen |= by;
        keel_scope_close(&scope);
        keel_yield();
    }
    keel_send(keel_to_pid(keel_element(pair, 1)), keel_make("{done, Seen}", seen));
}

THREADS_TEST("a loaded server is upgraded and downgraded under traffic, and loses no call")
{
    const keel_module_export *first = NULL;
    CHECK_OK(keel_module_load(version(1), &first, NULL));
    CHECK_INT(first->kind, KEEL_MODULE_GEN_SERVER);
    const keel_gen_server *module = first->module;
    CHECK_STR(module->version, "1");
    keel_pid server = actor_started(keel_gen_server_start(module, keel_int(0)));
    keel_spawn(
            call_often, keel_tuple_of(keel_from_pid(server), keel_from_pid(keel_self())));
    for (int round = 0; round < 5; round++) {
        CHECK_OK(keel_upgrade_file(version(2), keel_nil(), NULL));
        keel_term view = keel_call_or_exit(server, keel_atom(view));
        CHECK_TERM(view, "#{version := 2, label := {label, 0}, step := 2}");
        CHECK_OK(keel_upgrade_file(version(1), keel_nil(), NULL));
        view = keel_call_or_exit(server, keel_atom(view));
        CHECK_TERM(view, "#{version := 1, label := {label, 0}, step := 1}");
    }
    EXPECT_MESSAGE("{done, _}");
    stop_actor(server);
}

THREADS_TEST("a version that refuses leaves the old one running")
{
    const keel_module_export *first = NULL;
    keel_term why = KEEL_NONE;
    CHECK_OK(keel_module_load(version(1), &first, NULL));
    keel_pid server = actor_started(keel_gen_server_start(first->module, keel_int(0)));
    CHECK_INT(keel_upgrade_file(version(3), keel_atom(please), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{^Server, {error, {refused, please}}}", server);
    CHECK_TERM(keel_call_or_exit(server, keel_atom(next)), "{1, 1}");
    stop_actor(server);
}

THREADS_TEST("a file that is overwritten in place is loaded anew")
{
    char path[] = P_tmpdir "/keel-module-XXXXXX";
    const keel_module_export *first = NULL;
    const keel_module_export *second = NULL;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    copy_file(version(1), path);
    CHECK_OK(keel_module_load(path, &first, NULL));
    copy_file(version(2), path);
    CHECK_OK(keel_module_load(path, &second, NULL));
    CHECK_STR(((const keel_gen_server *)first->module)->version, "1");
    CHECK_STR(((const keel_gen_server *)second->module)->version, "2");
    CHECK_OK(unlink(path));
}

THREADS_TEST("what is no module is refused with the reason")
{
    const keel_module_export *module = NULL;
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_module_load("/nowhere/x.so", &module, &why), -2); // ENOENT
    CHECK(keel_is_binary(why));
    char path[] = P_tmpdir "/keel-module-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, "no object\n", 10) == 10);
    close(fd);
    CHECK_INT(keel_upgrade_file(path, keel_nil(), &why), KEEL_E_UNSUPPORTED);
    CHECK_OK(unlink(path));
    CHECK_INT(keel_module_load(NULL, &module, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_module_load("x", NULL, NULL), KEEL_E_BADARG);
    CHECK(module == NULL);
}
