// The control socket, spoken to as the command does, and as somebody who means harm.

#include "control.h"
#include "proc/proc_testing.h"
#include <errno.h>
#include <fcntl.h>
#include <keel/etf.h>
#include <keel/socket.h>
#include <keel/sys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64], path[80];

// --- the application, and a connection to it ---

static keel_status start_control(keel_term *ret_reason)
{
    keel_term config = keel_make("[{control, [{path, Path}]}]", path);
    CHECK_OK(keel_application_configure(config, NULL));
    keel_term name = keel_application_register(&keel_control);
    return keel_application_start(name, KEEL_TEMPORARY, ret_reason);
}

static void begin(void)
{
    keel_term reason = KEEL_NONE;
    strcpy(folder, P_tmpdir "/keel-control-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/socket", folder);
    if (start_control(&reason) != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "not started: %s", keel_show(reason));
    }
}

static void end(void)
{
    struct stat file;
    CHECK_OK(keel_application_stop_all());
    CHECK(lstat(path, &file) != 0); // it cleans up
    CHECK_OK(rmdir(folder));
    keel_flush();
}

static keel_term connection(void)
{
    static const keel_socket_opts opts = {.packet = KEEL_PACKET_4};
    keel_term socket = KEEL_NONE;
    CHECK_OK(keel_unix_connect(path, &opts, &socket));
    return socket;
}

static void request(keel_term socket, const char *verb, keel_term arguments)
{
    keel_term packet = KEEL_NONE;
    CHECK_OK(keel_etf_encode(
            keel_make("{keel_control, 1, Verb, Arguments}", verb, arguments), NULL,
            &packet));
    keel_bytes bytes = keel_to_bytes(packet);
    CHECK_OK(keel_socket_send(socket, bytes.data, bytes.size, SOON));
}

static keel_term receive_packet(keel_term socket)
{
    keel_term packet = KEEL_NONE, term = KEEL_NONE;
    CHECK_OK(keel_socket_recv(socket, 0, SOON, &packet));
    keel_bytes bytes = keel_to_bytes(packet);
    CHECK_OK(keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &term));
    return term;
}

// All rows of the answer, in order; *ret_last is done or {error, Text}.
static keel_term rows_of(keel_term socket, keel_term *ret_last)
{
    keel_term all = keel_nil(), rows, row;
    for (;;) {
        keel_term packet = receive_packet(socket);
        if (!keel_match(packet, "{rows, Rows}", &rows)) {
            *ret_last = packet;
            return keel_list_reverse(all);
        }
        while (keel_list_next(&rows, &row)) {
            all = keel_cons(row, all);
        }
    }
}

static keel_term ask_rows(const char *verb, keel_term arguments)
{
    keel_term socket = connection(), last;
    request(socket, verb, arguments);
    keel_term rows = rows_of(socket, &last);
    CHECK_TERM(last, "done");
    keel_socket_close(socket);
    return rows;
}

static void check_refused(
        int line, const char *verb, keel_term arguments, const char *expected)
{
    keel_term socket = connection(), last;
    keel_bytes text;
    request(socket, verb, arguments);
    rows_of(socket, &last);
    if (!keel_match(last, "{error, Text}", &text) ||
            memmem(text.data, text.size, expected, strlen(expected)) == NULL) {
        kl_test_fail(__FILE__, line, "not \"%s\" but %s", expected, keel_show(last));
    }
    keel_socket_close(socket);
}
#define CHECK_REFUSED(verb, arguments, text)                                               \
    check_refused(__LINE__, (verb), (arguments), (text))

static keel_term empty_map(void)
{
    return keel_map(NULL, NULL, 0);
}

static keel_term one(const char *key, keel_term value)
{
    keel_term text = keel_string(key);
    return keel_map(&text, &value, 1);
}

static keel_term with(keel_term map, const char *key, keel_term value)
{
    return keel_map_put(map, keel_string(key), value);
}

static keel_term field(keel_term row, const char *key)
{
    return keel_map_get(row, keel_string(key));
}

static keel_term external(keel_term term)
{
    keel_term packet = KEEL_NONE;
    CHECK_OK(keel_etf_encode(term, NULL, &packet));
    return packet;
}

static keel_term pid_text(keel_pid pid)
{
    return keel_string(keel_show(keel_from_pid(pid)));
}

// The row with this value of `key`, or KEEL_NONE.
static keel_term find_row(keel_term rows, const char *key, keel_term value)
{
    keel_term row;
    while (keel_list_next(&rows, &row)) {
        keel_term got = field(row, key);
        if (!keel_is_none(got) && keel_equal(got, value)) {
            return row;
        }
    }
    return KEEL_NONE;
}

// --- a server to look at ---

static keel_result counter_call(keel_term call, keel_from from, void *state)
{
    keel_term *value = state;
    int64_t by;
    (void)from;
    if (keel_is(call, value)) {
        return keel_reply(*value);
    }
    if (keel_match(call, "{add_to_control_counter, By}", &by)) {
        keel_set(value, keel_int(keel_to_int(*value) + by));
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(call, never)) {
        return keel_noreply();
    }
    return keel_stop_with(keel_atom(asked_too_much));
}

static keel_result counter_cast(keel_term cast, void *state)
{
    (void)cast;
    (void)state;
    return keel_noreply();
}

static const keel_gen_server counter = {.name = "control_counter",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = counter_call,
        .handle_cast = counter_cast};

static keel_pid start_counter(void)
{
    return keel_started_or_exit(keel_gen_server_start(
            &counter, keel_int(7), .name = keel_atom(control_test_counter)));
}

// --- what is shown ---

THREADS_TEST("ps has a row for each process, and what each of them does")
{
    begin();
    keel_pid pid = start_counter();
    keel_term rows, row;
    size_t count;
    do { // until the counter is done with its start
        rows = ask_rows("ps", empty_map());
        row = find_row(rows, "pid", pid_text(pid));
        CHECK(!keel_is_none(row));
    } while (!keel_equal(field(row, "state"), keel_string("waiting")));
    CHECK(keel_list_length(rows, &count) && count > 3);
    CHECK_EQUAL(field(row, "name"), keel_string("control_test_counter"));
    CHECK_EQUAL(field(row, "parent"), pid_text(keel_self()));
    CHECK_EQUAL(field(row, "entry"), keel_string("control_counter:init/1"));
    CHECK_EQUAL(field(row, "wait"), keel_string("message"));
    CHECK_EQUAL(field(row, "queue"), keel_int(0));
    CHECK(keel_to_int(field(row, "memory")) > 0);
    CHECK_EQUAL(field(row, "trap_exit"), keel_bool(false));
    // The test itself waits, for the answer.
    row = find_row(rows, "pid", pid_text(keel_self()));
    CHECK(keel_is_none(field(row, "name")));
    CHECK(!keel_is_none(row));
    end_process(pid);
    end();
}

THREADS_TEST("a thousand processes come in several packets, each once")
{
    enum { MANY = 1000 };
    static keel_pid pids[MANY];
    begin();
    for (int i = 0; i < MANY; i++) {
        pids[i] = new_puppet();
    }
    keel_term socket = connection(), last, row;
    request(socket, "ps", empty_map());
    keel_term packet = receive_packet(socket), first;
    size_t count = 0;
    CHECK(keel_match(packet, "{rows, First}", &first));
    CHECK(keel_list_length(first, &count) && count == KL_CONTROL_ROWS);
    keel_term rows = rows_of(socket, &last);
    CHECK_TERM(last, "done");
    while (keel_list_next(&first, &row)) {
        rows = keel_cons(row, rows);
    }
    size_t seen = 0;
    while (keel_list_next(&rows, &row)) {
        seen += keel_match(field(row, "entry"), "<<\"puppet\">>");
    }
    CHECK_INT(seen, MANY);
    keel_socket_close(socket);
    for (int i = 0; i < MANY; i++) {
        end_process(pids[i]);
    }
    end();
}

static void wait_in_receive(keel_term name)
{
    keel_process_set_label(name);
    (void)keel_receive();
}

THREADS_TEST("info shows the stack, the links and the monitors of one process")
{
    begin();
    keel_pid pid = keel_spawn_link(wait_in_receive, keel_make("{label, 1}"));
    keel_ref monitor = keel_monitor(pid);
    char stack[8192];
    size_t length, shown = 0;
    keel_term row, frames, each;
    // It has a second to answer, and a stack to show while it waits: it may just be taking
    // the monitor, or what it was asked before. Not every way to switch stacks tells of
    // them.
    do {
        keel_yield();
        row = keel_head(ask_rows("info", one("process", pid_text(pid))));
        frames = field(row, "frames");
        length = keel_inspect_stack(pid, stack, sizeof stack);
    } while (!keel_to_bool(field(row, "answers")) || keel_is_none(field(row, "label")) ||
             keel_is_none(frames) != (length == 0));
    CHECK_EQUAL(field(row, "label"), keel_string("{label,1}"));
    CHECK_EQUAL(field(keel_head(field(row, "links")), "pid"), pid_text(keel_self()));
    CHECK_EQUAL(field(keel_head(field(row, "monitored_by")), "pid"), pid_text(keel_self()));
    CHECK(keel_is_none(field(row, "monitors")));
    // The lines of what is seen from inside.
    for (; keel_list_next(&frames, &each); shown++) {
        keel_bytes line = keel_to_bytes(each);
        CHECK(memmem(stack, length, line.data, line.size) != NULL);
        CHECK(line.size > 0 && memchr(line.data, '\n', line.size) == NULL);
    }
    CHECK((shown > 0) == (length > 0));
    keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    end_process(pid);
    CHECK_REFUSED("info", one("process", keel_string("nobody_of_that_name")),
            "there is no process nobody_of_that_name");
    CHECK_REFUSED("info", one("process", keel_string("<0.1.99999>")), "no process <0.1.99");
    CHECK_REFUSED("info", one("process", keel_int(1)), "there is no process");
    end();
}

static void stay_busy(keel_term flag)
{
    uint32_t *stop = keel_to_pointer(flag, NULL);
    while (__atomic_load_n(stop, __ATOMIC_ACQUIRE) == 0) { // pairs with the test's store
        keel_yield();
    }
}

THREADS_TEST("info does not wait for a process that is suspended")
{
    begin();
    uint32_t stop = 0;
    keel_pid pid = keel_spawn(stay_busy, keel_pointer(&stop));
    CHECK_OK(keel_process_suspend(pid));
    keel_term row = keel_head(ask_rows("info", one("process", pid_text(pid))));
    CHECK_EQUAL(field(row, "pid"), pid_text(pid));
    CHECK(keel_is_bool(field(row, "answers"))); // not at all, or as a suspended one may
    CHECK_OK(keel_process_resume(pid));
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    CHECK_TERM(end_of(pid), "_");
    end();
}

THREADS_TEST("info without a process is the runtime")
{
    begin();
    keel_term row = keel_head(ask_rows("info", empty_map()));
    CHECK_EQUAL(field(row, "os_pid"), keel_int(getpid()));
    CHECK_EQUAL(field(row, "workers"), keel_int(2));
    CHECK_EQUAL(field(row, "applications"), keel_list_of(keel_string("control")));
    CHECK(keel_to_int(field(row, "processes")) > 3);
    CHECK(keel_is_binary(field(row, "program")) && keel_is_binary(field(row, "keel")));
    end();
}

// --- what is changed ---

THREADS_TEST("call gives the reply, and says why there is none")
{
    begin();
    keel_pid pid = start_counter();
    keel_term who = one("process", keel_string("control_test_counter"));
    keel_term rows = ask_rows("call", with(who, "request", external(keel_atom(value))));
    CHECK_TERM(rows, "[#{<<\"reply\">> => <<\"7\">>}]");
    ask_rows("call",
            with(who, "request", external(keel_make("{add_to_control_counter, 5}"))));
    who = one("process", pid_text(pid));
    rows = ask_rows("call", with(who, "request", external(keel_atom(value))));
    CHECK_TERM(rows, "[#{<<\"reply\">> => <<\"12\">>}]");
    keel_term never = with(who, "request", external(keel_atom(never)));
    CHECK_REFUSED("call", with(never, "timeout_ms", keel_int(20)),
            "did not answer within 0.02 s");
    CHECK_REFUSED("call", with(never, "timeout_ms", keel_int(0)), "between 1 ms and");
    CHECK_REFUSED("call", with(who, "request", keel_string("no term")), "was refused");
    CHECK_REFUSED("call", who, "was refused");
    keel_term end_it = with(who, "request", external(keel_atom(end_yourself)));
    CHECK_REFUSED("call", end_it, "asked_too_much");
    CHECK_REFUSED("call", end_it, "there is no process");
    end();
}

THREADS_TEST("kill sends an exit signal and tells what came of it")
{
    begin();
    keel_pid pid = new_puppet();
    keel_term long_enough = keel_int(600000); // it is waited for, however slow all is
    keel_term who = with(one("process", pid_text(pid)), "wait_ms", long_enough);
    keel_term row = keel_head(ask_rows("kill", who));
    CHECK_EQUAL(field(row, "ended"), keel_bool(true));
    CHECK_EQUAL(field(row, "reason"), keel_string("killed"));
    CHECK(!keel_process_alive(pid));
    pid = new_puppet();
    who = with(one("process", pid_text(pid)), "wait_ms", long_enough);
    row = keel_head(ask_rows("kill", with(who, "reason", external(keel_make("{bye, 1}")))));
    CHECK_EQUAL(field(row, "reason"), keel_string("{bye,1}"));
    pid = new_puppet();
    ask(pid, act_trap_exit, keel_bool(true));
    who = one("process", pid_text(pid));
    row = keel_head(ask_rows("kill", with(who, "reason", external(keel_atom(shutdown)))));
    CHECK_EQUAL(field(row, "ended"), keel_bool(false));
    CHECK_EQUAL(field(row, "trap_exit"), keel_bool(true));
    CHECK(keel_process_alive(pid));
    CHECK_REFUSED("kill", with(who, "reason", keel_int(1)), "was refused");
    CHECK_REFUSED("kill", with(who, "wait_ms", keel_int(0)), "between 1 ms and");
    end_process(pid);
    end();
}

THREADS_TEST("loglevel tells and sets the level of the program")
{
    begin();
    keel_log_level before = keel_logger_level();
    CHECK_TERM(ask_rows("loglevel", empty_map()), "[#{<<\"level\">> => <<\"info\">>}]");
    CHECK_TERM(ask_rows("loglevel", one("level", keel_string("debug"))),
            "[#{<<\"level\">> => <<\"debug\">>}]");
    CHECK_INT(keel_logger_level(), KEEL_LOG_DEBUG);
    CHECK_REFUSED("loglevel", one("level", keel_string("loud")), "no such level");
    CHECK_REFUSED("loglevel", one("level", keel_int(3)), "no such level");
    CHECK_INT(keel_logger_level(), KEEL_LOG_DEBUG);
    keel_logger_level_set(before);
    end();
}

THREADS_TEST("a program with a main of its own is not stopped")
{
    begin();
    CHECK_REFUSED("stop", empty_map(), "does not run under keel_main");
    end();
}

// The first row of a trace says whose it is, and that it has begun.
static void await_trace(keel_term socket, keel_pid pid)
{
    keel_term row = KEEL_NONE;
    CHECK(keel_match(receive_packet(socket), "{rows, [Row]}", &row));
    CHECK_EQUAL(field(row, "pid"), pid_text(pid));
}

THREADS_TEST("trace shows what a server gets and sends, as many events as asked for")
{
    begin();
    keel_pid pid = start_counter();
    keel_term socket = connection(), last, reply = KEEL_NONE;
    keel_term who = one("process", pid_text(pid));
    who = with(with(who, "for_ms", keel_int(86400000)), "count", keel_int(4));
    request(socket, "trace", who);
    await_trace(socket, pid);
    CHECK_OK(keel_call(pid, keel_atom(value), &reply));
    CHECK_OK(keel_cast(pid, keel_make("{note, <<\"x\">>}")));
    keel_send(pid, keel_atom(hello));
    keel_term rows = rows_of(socket, &last), row;
    static const char *const expected[][2] = {{"call", "value"}, {"reply", "7"},
            {"cast", "{note,<<\"x\">>}"}, {"message", "hello"}};
    for (int i = 0; i < 4; i++) {
        CHECK(keel_list_next(&rows, &row));
        CHECK_EQUAL(field(row, "event"), keel_string(expected[i][0]));
        CHECK_EQUAL(field(row, "text"), keel_string(expected[i][1]));
        CHECK(keel_to_int(field(row, "time_ns")) > 0);
        keel_term peer = field(row, "peer");
        CHECK_EQUAL(i < 2 ? peer : pid_text(keel_self()), pid_text(keel_self()));
    }
    CHECK(keel_is_nil(rows));
    CHECK_TERM(last, "done");
    keel_socket_close(socket);
    end_process(pid);
    end();
}

THREADS_TEST("a trace ends with its time, and with whoever looked")
{
    begin();
    keel_pid pid = start_counter();
    size_t before = process_count();
    keel_term who = one("process", pid_text(pid)), reply = KEEL_NONE;
    CHECK_TERM(ask_rows("trace", with(who, "for_ms", keel_int(10))), "[#{}]");
    keel_term socket = connection();
    request(socket, "trace", with(who, "for_ms", keel_int(86400000)));
    await_trace(socket, pid);
    keel_socket_close(socket);
    while (process_count() > before) { // the connection's process ends
        keel_yield();
    }
    CHECK_OK(keel_call(pid, keel_atom(value), &reply));
    CHECK_REFUSED("trace", with(who, "for_ms", keel_int(0)), "lasts between");
    CHECK_REFUSED("trace", with(who, "count", keel_int(0)), "one event or more");
    end_process(pid);
    end();
}

// --- the file ---

THREADS_TEST("only its owner may open the socket")
{
    struct stat file;
    begin();
    CHECK(lstat(path, &file) == 0);
    CHECK(S_ISSOCK(file.st_mode));
    CHECK_INT(file.st_mode & 07777, 0600);
    end();
}

THREADS_TEST("a socket at which somebody answers fails the start, one left behind does not")
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    keel_term reason = KEEL_NONE;
    begin();
    CHECK_OK(keel_application_stop_all());
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&address, sizeof address));
    CHECK_OK(listen(fd, 1));
    CHECK_INT(start_control(&reason), KEEL_E_REFUSED);
    CHECK(strstr(keel_show(reason), "Address already in use") != NULL);
    CHECK(strstr(keel_show(reason), path) != NULL);
    CHECK_OK(keel_application_stop_all());
    close(fd); // as after a crash: the file stays
    CHECK_OK(start_control(&reason));
    ask_rows("info", empty_map());
    end();
}

THREADS_TEST("what is no path opens nothing, and an empty one is fine")
{
    keel_term reason = KEEL_NONE;
    strcpy(path, "");
    CHECK_OK(start_control(&reason));
    CHECK_OK(keel_application_stop_all());
    strcpy(path, "@abstract");
    CHECK_INT(start_control(&reason), KEEL_E_REFUSED);
    CHECK(strstr(keel_show(reason), "no path of a file") != NULL);
    CHECK_OK(keel_application_stop_all());
    keel_flush();
}

// --- those who mean harm ---

// Sends raw bytes and expects the connection to be closed without a word.
static void send_raw(const void *bytes, size_t size)
{
    keel_term socket = KEEL_NONE, got = KEEL_NONE;
    CHECK_OK(keel_unix_connect(path, NULL, &socket));
    keel_status status = keel_socket_send(socket, bytes, size, SOON);
    keel_socket_shutdown(socket);
    status = keel_socket_recv(socket, 0, SOON, &got);
    CHECK(status == KEEL_SOCKET_CLOSED || status == -ECONNRESET);
    keel_socket_close(socket);
}

static void send_packet(keel_term packet)
{
    static uint8_t raw[512 << 10];
    keel_bytes bytes = keel_to_bytes(packet);
    CHECK(bytes.size + 4 <= sizeof raw);
    for (int i = 0; i < 4; i++) {
        raw[i] = (uint8_t)(bytes.size >> (24 - 8 * i));
    }
    memcpy(raw + 4, bytes.data, bytes.size);
    send_raw(raw, bytes.size + 4);
}

THREADS_TEST("lengths, nonsense and depths that mean harm close the connection, no more")
{
    static uint8_t deep[100000];
    begin();
    send_raw("\xff\xff\xff\xff", 4); // a length that never comes
    send_raw("\x00\x10\x00\x00 and so on", 14);
    send_raw("", 0);
    send_raw("\x00\x00\x00\x00", 4);
    send_raw("GET / HTTP/1.1\r\n\r\n", 18);
    send_packet(keel_string("no term"));
    send_packet(external(keel_atom(keel_control)));
    send_packet(external(keel_make("{keel_control, 1, <<\"ps\">>, #{}, more}")));
    // A tuple in a tuple in a tuple …
    deep[0] = 131;
    for (size_t i = 1; i + 2 < sizeof deep; i += 2) {
        deep[i] = 104;
        deep[i + 1] = 1;
    }
    send_packet(keel_binary(deep, sizeof deep));
    // A list that says it has four thousand million items.
    send_packet(keel_binary("\x83l\xff\xff\xff\xff\x61\x01", 8));
    CHECK_REFUSED("nonsense", empty_map(), "does not know \"nonsense\"");
    CHECK_REFUSED("info", one("process", keel_string("\x1b[31m\x01")), "no process");
    ask_rows("ps", keel_nil()); // what is no map has no arguments
    end();
}

THREADS_TEST("another version of the protocol is answered with a sentence")
{
    begin();
    keel_term socket = connection(), last;
    keel_term packet = external(keel_make("{keel_control, 2, <<\"ps\">>, #{}}"));
    keel_bytes bytes = keel_to_bytes(packet);
    CHECK_OK(keel_socket_send(socket, bytes.data, bytes.size, SOON));
    rows_of(socket, &last);
    CHECK_TERM(last, "{error, _}");
    keel_socket_close(socket);
    end();
}

// [new_N_0, new_N_1, …] in external format, without making the atoms here.
static keel_term unknown_atoms(int round, int count)
{
    static uint8_t bytes[256 << 10];
    size_t used = 0;
    bytes[used++] = 131;
    bytes[used++] = 108;
    for (int i = 3; i >= 0; i--) {
        bytes[used++] = (uint8_t)(count >> (8 * i));
    }
    for (int i = 0; i < count; i++) {
        char name[64];
        int length = snprintf(name, sizeof name, "control_unknown_%d_%d", round, i);
        bytes[used++] = 119;
        bytes[used++] = (uint8_t)length;
        memcpy(bytes + used, name, (size_t)length);
        used += (size_t)length;
    }
    bytes[used++] = 106;
    return keel_binary(bytes, used);
}

THREADS_TEST("atoms by the thousand are not made: some for calls, none for anything else")
{
    begin();
    keel_pid pid = start_counter();
    keel_term who = one("process", pid_text(pid));
    ask_rows("call", with(who, "request", external(keel_atom(value))));
    send_packet(unknown_atoms(0, 10)); // whatever the first makes, it has made by now
    size_t before = keel_atom_count(NULL);
    for (int round = 1; round < 5; round++) {
        send_packet(unknown_atoms(round, 5000));
    }
    CHECK(keel_atom_count(NULL) - before < 100); // of the program's own, made late
    for (int round = 5; round < 10; round++) {
        CHECK_REFUSED("call", with(who, "request", unknown_atoms(round, 5000)),
                "makes no more of them");
    }
    CHECK(keel_atom_count(NULL) - before <= 1100);
    // What it knows it still takes.
    ask_rows("call", with(who, "request", external(keel_atom(value))));
    end_process(pid);
    end();
}

// False: refused, which may be before the request was sent.
static bool is_served(void)
{
    keel_term socket = connection(), packet = KEEL_NONE, term = KEEL_NONE;
    keel_bytes bytes = keel_to_bytes(
            external(keel_make("{keel_control, 1, <<\"loglevel\">>, #{}}")));
    keel_status status = keel_socket_send(socket, bytes.data, bytes.size, SOON);
    if (status == KEEL_OK) {
        status = keel_socket_recv(socket, 0, SOON, &packet);
    }
    bytes = keel_to_bytes(packet);
    bool served = status == KEEL_OK &&
                  keel_etf_decode(bytes.data, bytes.size, NULL, NULL, &term) == KEEL_OK &&
                  keel_match(term, "{rows, _}");
    keel_socket_close(socket);
    return served;
}

THREADS_TEST("a command too many is told so; when others have gone there is room again")
{
    enum { MOST = 64 };
    keel_term sockets[MOST], last = KEEL_NONE;
    begin();
    for (int i = 0; i < MOST; i++) {
        sockets[i] = connection();
        request(sockets[i], "loglevel", empty_map());
        rows_of(sockets[i], &last);
        CHECK_TERM(last, "done");
    }
    keel_term socket = connection();
    CHECK_TERM(receive_packet(socket), "{error, _}");
    keel_socket_close(socket);
    for (int i = 0; i < MOST; i++) {
        keel_socket_close(sockets[i]);
    }
    while (!is_served()) {} // their processes end one by one
    end();
}
