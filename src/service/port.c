// Programs of the operating system as processes.
//
// A port is a gen_server. It and its program share a pair of sockets, so reading, writing
// and packets are those of any socket. Another process, the *waiter*, learns of the
// program's end; it outlives the port, so that no program stays behind unreaped.

#include "socket.h"
#include <errno.h>
#include <keel/io.h>
#include <keel/port.h>
#include <keel/timer.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const keel_duration patience = KEEL_SECONDS(1); // for SIGTERM to be obeyed
static const keel_duration rest_of_output = KEEL_MS(200); // when others hold its output

struct port {
    int64_t os_pid;
    keel_pid owner, waiter;
    keel_ref monitor;
    keel_term socket; // kept
    int32_t status; // once it has exited
    bool exited;
    bool at_end; // all of its output has come
};

static keel_result init(keel_term plan, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

static const keel_gen_server port_server = {
        .name = "port",
        .state = KEEL_STATE(struct port, os_pid, owner, waiter, monitor, socket, status,
                exited, at_end),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
        .terminate = terminate,
};

// --- starting the program ---

static keel_status prepare(posix_spawnattr_t *attributes,
        posix_spawn_file_actions_t *actions, int fd, const keel_port_opts *opts)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    // What keel_main blocks and ignores is not for others.
    int error = posix_spawnattr_setsigmask(attributes, &none);
    error = error != 0 ? error : posix_spawnattr_setsigdefault(attributes, &all);
    error = error != 0 ? error : posix_spawnattr_setpgroup(attributes, 0);
    error = error != 0 ? error
                       : posix_spawnattr_setflags(attributes,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                         POSIX_SPAWN_SETPGROUP);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(actions, fd, 0);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(actions, fd, 1);
    if (error == 0 && opts->with_errors) {
        error = posix_spawn_file_actions_adddup2(actions, fd, 2);
    }
    if (error == 0 && opts->folder != NULL) {
        error = posix_spawn_file_actions_addchdir_np(actions, opts->folder);
    }
    return -error;
}

static keel_status start_program(
        const char *const *arguments, const keel_port_opts *opts, int fd, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    if (posix_spawnattr_init(&attributes) != 0) {
        return KEEL_E_NOMEM;
    }
    if (posix_spawn_file_actions_init(&actions) != 0) {
        posix_spawnattr_destroy(&attributes);
        return KEEL_E_NOMEM;
    }
    char **environment = opts->environment != NULL ? (char **)(uintptr_t)opts->environment
                                                   : environ;
    keel_status status = prepare(&attributes, &actions, fd, opts);
    if (status == KEEL_OK) {
        status = -posix_spawnp(ret_pid, arguments[0], &actions, &attributes,
                (char **)(uintptr_t)arguments, environment);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

// --- the waiter ---

// The program's end, not reaped yet; false while it runs.
static bool has_exited(pid_t pid, int *ret_status)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (result == 0 && info.si_pid == 0) {
        return false;
    }
    // Somebody else has reaped it: then nobody knows how it ended.
    *ret_status = result != 0                  ? 255
                  : info.si_code == CLD_EXITED ? info.si_status
                                               : 128 + info.si_status;
    return true;
}

// {OsPid, Port}
static void wait_for_exit(keel_term plan)
{
    pid_t pid = (pid_t)keel_to_int(keel_element(plan, 0));
    keel_pid port = keel_to_pid(keel_element(plan, 1));
    int status = 0;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    keel_trap_exit(true);
    keel_ref monitor = keel_monitor(port);
    while (!has_exited(pid, &status)) {
        // Without such a descriptor, in an old system, one has to look again and again.
        keel_status waited = fd < 0 ? KEEL_E_UNSUPPORTED
                                    : keel_wait_fd(fd, KEEL_READABLE, KEEL_NEVER, NULL);
        if (waited != KEEL_OK) {
            keel_sleep(KEEL_MS(10));
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    keel_send(port, keel_make("{exited, Status}", status));
    // Its number is not given to another while the port may still signal it.
    keel_term message = KEEL_NONE;
    do {
        message = keel_receive();
    } while (!keel_is(message, reap) &&
             !keel_match(message, "{'DOWN', ^Monitor, process, _, _}", monitor));
    waitpid(pid, NULL, 0);
}

// --- the port ---

static void kill_group(void *state)
{
    struct port *self = state;
    if (!self->exited && self->os_pid > 0) {
        kill(-(pid_t)self->os_pid, SIGKILL);
    }
}

// {Arguments, Opts, Owner}; the pointers are the starter's, who waits.
static keel_result init(keel_term plan, void *state)
{
    struct port *self = state;
    const char *const *arguments = keel_to_pointer(keel_element(plan, 0), NULL);
    const keel_port_opts *opts = keel_to_pointer(keel_element(plan, 1), NULL);
    keel_socket_opts socket_opts = {
            .packet = opts->packet, .packet_bytes = opts->packet_bytes};
    int ends[2];
    pid_t pid = 0;
    keel_term socket = KEEL_NONE;
    keel_trap_exit(true);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return keel_fail(keel_int(-errno));
    }
    keel_status status = start_program(arguments, opts, ends[1], &pid);
    close(ends[1]);
    if (status != KEEL_OK) {
        close(ends[0]);
        return keel_fail(keel_int(status));
    }
    self->os_pid = pid;
    keel_defer(kill_group, self); // also when the port is killed
    self->waiter = keel_spawn(
            wait_for_exit, keel_make("{OsPid, Self}", (int64_t)pid, keel_self()));
    self->owner = keel_to_pid(keel_element(plan, 2));
    self->monitor = keel_monitor(self->owner);
    status = keel_socket_from_fd(ends[0], &socket_opts, &socket);
    if (status != KEEL_OK) {
        return keel_fail(keel_int(status));
    }
    keel_set(&self->socket, socket);
    keel_socket_active(self->socket, KEEL_ACTIVE);
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct port *self = state;
    (void)from;
    if (keel_is(request, socket)) {
        return keel_reply(self->socket);
    }
    if (keel_is(request, os_pid)) {
        return keel_reply(keel_int(self->exited ? 0 : self->os_pid));
    }
    return keel_unexpected(request);
}

static void tell_owner(struct port *self, keel_term what, keel_term detail)
{
    keel_send(self->owner, keel_make("{Self, {What, Detail}}", keel_self(), what, detail));
}

// The program has exited and all it wrote has come, or others hold its output.
static keel_result finish(struct port *self)
{
    tell_owner(self, keel_atom(exit_status), keel_int(self->status));
    return keel_stop_with(keel_atom(normal));
}

static keel_result handle_info(keel_term message, void *state)
{
    struct port *self = state;
    keel_term data = KEEL_NONE;
    if (keel_match(message, "{tcp, _, Data}", &data)) {
        tell_owner(self, keel_atom(data), data);
    } else if (keel_match(message, "{tcp_closed, _}")) {
        self->at_end = true;
    } else if (keel_match(message, "{exited, Status}", &self->status)) {
        self->exited = true;
        keel_send(self->waiter, keel_atom(reap));
        keel_send_after(rest_of_output, keel_self(), keel_atom(enough));
    } else if (keel_is(message, enough)) {
        self->at_end = true;
    } else if (keel_is(message, close) ||
               keel_match(message, "{'DOWN', ^Monitor, process, _, _}", self->monitor)) {
        return keel_stop_with(keel_atom(normal));
    }
    return self->exited && self->at_end ? finish(self) : keel_noreply();
}

static bool await_exit(struct port *self, keel_duration within)
{
    keel_deadline deadline = KEEL_IN(within);
    while (!self->exited) {
        if (keel_receive_match(deadline, "{exited, Status}", &self->status) != KEEL_OK) {
            return false;
        }
        self->exited = true;
        keel_send(self->waiter, keel_atom(reap));
    }
    return true;
}

static void terminate(keel_term reason, void *state)
{
    struct port *self = state;
    (void)reason;
    keel_socket_close(self->socket);
    if (!self->exited) {
        kill(-(pid_t)self->os_pid, SIGTERM);
        if (!await_exit(self, patience)) {
            kill(-(pid_t)self->os_pid, SIGKILL);
            await_exit(self, patience);
        }
    }
}

// --- from outside ---

keel_status keel_port_open(
        const char *const *arguments, const keel_port_opts *opts, keel_pid *ret_port)
{
    static const keel_port_opts defaults;
    if (arguments == NULL || arguments[0] == NULL || ret_port == NULL) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    keel_started started = keel_gen_server_start(
            &port_server, keel_tuple_of(keel_pointer(arguments),
                                  keel_pointer(opts != NULL ? opts : &defaults),
                                  keel_from_pid(keel_self())));
    int64_t error;
    if (started.status == KEEL_OK) {
        *ret_port = started.pid;
    } else if (keel_get_int(started.reason, &error)) {
        return (keel_status)error;
    }
    return started.status;
}

static keel_status socket_of(keel_pid port, keel_term *ret_socket)
{
    keel_term answer = KEEL_NONE;
    keel_status status = keel_call(port, keel_atom(socket), &answer);
    if (status == KEEL_OK) {
        *ret_socket = answer;
    }
    return status == KEEL_E_EXIT ? KEEL_E_NOPROC : status;
}

keel_status keel_port_send(
        keel_pid port, const void *data, size_t size, keel_deadline deadline)
{
    keel_term socket = KEEL_NONE;
    keel_status status = socket_of(port, &socket);
    return status == KEEL_OK ? keel_socket_send(socket, data, size, deadline) : status;
}

keel_status keel_port_end_input(keel_pid port)
{
    keel_term socket = KEEL_NONE;
    keel_status status = socket_of(port, &socket);
    return status == KEEL_OK ? keel_socket_shutdown(socket) : status;
}

void keel_port_close(keel_pid port)
{
    keel_send(port, keel_atom(close));
}

int keel_port_os_pid(keel_pid port)
{
    keel_term answer = KEEL_NONE;
    keel_status status = keel_call(port, keel_atom(os_pid), &answer);
    return status == KEEL_OK ? (int)keel_to_int(answer) : 0;
}

// --- to the end ---

// The pieces, newest first, as one binary.
static keel_term join(keel_term pieces)
{
    size_t total = 0;
    uint8_t *at = NULL;
    keel_term rest = pieces;
    keel_term piece;
    while (keel_list_next(&rest, &piece)) {
        total += keel_to_bytes(piece).size;
    }
    keel_term whole = keel_binary_new(total, &at);
    rest = pieces;
    while (keel_list_next(&rest, &piece)) {
        keel_bytes bytes = keel_to_bytes(piece);
        total -= bytes.size;
        memcpy(at + total, bytes.data, bytes.size);
    }
    return whole;
}

keel_status keel_port_run(const char *const *arguments, const keel_port_opts *opts,
        keel_deadline deadline, keel_term *ret_output, int *ret_status)
{
    keel_pid port = {0};
    keel_term pieces = keel_nil();
    int exit_status = 0;
    keel_status status = keel_port_open(arguments, opts, &port);
    bool running = status == KEEL_OK;
    if (running) {
        keel_port_end_input(port); // it may have ended already, which is as good
    }
    while (running && status == KEEL_OK) {
        keel_term what = KEEL_NONE;
        status = keel_receive_match(deadline, "{^Port, What}", port, &what);
        keel_term data = KEEL_NONE;
        if (status == KEEL_OK && keel_match(what, "{data, Data}", &data)) {
            pieces = keel_cons(data, pieces);
        } else if (status == KEEL_OK &&
                   keel_match(what, "{exit_status, Status}", &exit_status)) {
            running = false;
        }
    }
    if (running) { // too late: nothing of it comes any more when it has ended
        keel_ref monitor = keel_monitor(port);
        keel_term message;
        keel_port_close(port);
        keel_status ended = keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Monitor, process, _, _}", monitor);
        while (ended == KEEL_OK && keel_receive_match(KEEL_AT_ONCE, "{^Port, What}", port,
                                           &message) == KEEL_OK) {}
    }
    if (status == KEEL_OK && ret_output != NULL) {
        *ret_output = join(pieces);
    }
    if (status == KEEL_OK && ret_status != NULL) {
        *ret_status = exit_status;
    }
    return status;
}
