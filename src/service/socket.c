// Sockets: the record, its keeper, and who owns it.

#include "socket.h"
#include <errno.h>
#include <keel/logger.h>
#include <unistd.h>

static const char resource_type[] = "keel_socket";

static void free_socket(void *pointer)
{
    struct kl_socket *socket = pointer;
    close(socket->fd);
    kl_free(socket->data, socket->size);
    kl_free(socket, sizeof *socket);
}

struct kl_socket *kl_inet_of(keel_term socket)
{
    return keel_to_pointer(socket, resource_type);
}

bool kl_inet_is_closed(const struct kl_socket *socket)
{
    return kl_load_acquire(&socket->closed) != 0; // pairs with the exchange of the closer
}

// The descriptor itself stays until the last term is gone, so that nobody reads from
// another file that got its number.
bool kl_inet_shut(struct kl_socket *socket)
{
    if (kl_exchange_acq_rel(&socket->closed, 1) != 0) {
        return false;
    }
    shutdown(socket->fd, SHUT_RDWR);
    return true;
}

// --- the keeper ---

struct keeper {
    keel_term term; // the socket
    struct kl_socket *socket;
    keel_ref monitor;
    keel_pid reader;
};

static keel_pid owner_of(struct kl_socket *socket)
{
    kl_lock_take(&socket->lock);
    keel_pid owner = socket->owner;
    kl_lock_give(&socket->lock);
    return owner;
}

static void stop_reader(struct keeper *keeper)
{
    if (keeper->reader.word != 0) {
        keel_term reason = KEEL_NONE;
        keel_unlink(keeper->reader);
        keel_ref monitor = keel_monitor(keeper->reader);
        keel_process_exit(keeper->reader, keel_atom(kill));
        // It has ended, and reads nothing any more, when this returns.
        keel_status status = keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Monitor, process, _, Reason}", monitor, &reason);
        (void)status;
        keeper->reader = (keel_pid){0};
    }
}

static void start_reader(struct keeper *keeper, bool once)
{
    if (keeper->reader.word == 0 && !kl_inet_is_closed(keeper->socket)) {
        keel_term plan = keel_make("{Socket, Keeper, Owner, Once}", keeper->term,
                keel_self(), owner_of(keeper->socket), keel_bool(once));
        keel_spawn_opts opts = {.link = true, .entry = "socket_reader"};
        keel_status status = keel_spawn_opt(
                kl_inet_reader, plan, &opts, &keeper->reader, NULL);
        (void)status; // in a process it cannot fail without ending it
    }
}

static void obey_active(struct keeper *keeper, keel_term mode)
{
    stop_reader(keeper);
    if (keel_is(mode, once) || keel_is(mode, true)) {
        start_reader(keeper, keel_is(mode, once));
    }
}

static void set_owner(struct keeper *keeper, keel_pid owner)
{
    keel_demonitor(keeper->monitor, KEEL_DEMONITOR_FLUSH);
    keeper->monitor = keel_monitor(owner);
    if (keeper->reader.word != 0) {
        // The reader knows the old one: another takes its place.
        uint32_t active = kl_load_relaxed(&keeper->socket->active);
        stop_reader(keeper);
        start_reader(keeper, active == KEEL_ACTIVE_ONCE);
    }
}

// One message; false when the socket is to be closed.
static bool keep(struct keeper *keeper, keel_term message)
{
    keel_term detail = KEEL_NONE;
    keel_pid pid;
    keel_from from;
    keel_term from_term = KEEL_NONE;
    if (keel_is(message, close) ||
            keel_match(message, "{'DOWN', ^Monitor, process, _, _}", keeper->monitor)) {
        return false;
    }
    if (keel_match(message, "{active, Mode}", &detail)) {
        obey_active(keeper, detail);
    } else if (keel_match(message, "{'$gen_call', From, {owner, Pid}}", &from_term, &pid)) {
        from = keel_from_of_term(from_term);
        set_owner(keeper, pid);
        keel_gen_reply(from, keel_atom(ok));
    } else if (keel_match(message, "{'EXIT', Pid, _}", &pid)) {
        keeper->reader.word = pid.word == keeper->reader.word ? 0 : keeper->reader.word;
    }
    return true;
}

static void shut_deferred(void *socket)
{
    kl_inet_shut(socket);
}

// {Socket, Owner}
static void keep_socket(keel_term plan)
{
    struct keeper keeper = {.term = keel_element(plan, 0)};
    keeper.socket = kl_inet_of(keeper.term);
    keel_trap_exit(true);
    keel_defer(shut_deferred, keeper.socket); // whatever ends it
    keeper.monitor = keel_monitor(keel_to_pid(keel_element(plan, 1)));
    keel_gen_ack(keel_atom(ok));
    bool open = true;
    while (open) {
        keel_scope scope = keel_scope_open();
        open = keep(&keeper, keel_receive());
        keel_scope_close(&scope);
    }
    kl_inet_shut(keeper.socket);
    stop_reader(&keeper);
}

keel_status kl_inet_new(
        int fd, enum kl_inet_kind kind, const keel_socket_opts *opts, keel_term *ret_socket)
{
    struct kl_socket *socket = kl_alloc_zero(sizeof *socket);
    if (socket == NULL) {
        close(fd);
        return KEEL_E_NOMEM;
    }
    socket->fd = fd;
    socket->kind = kind;
    socket->packet = (uint32_t)opts->packet;
    socket->opts = *opts;
    socket->opts.address = NULL;
    socket->opts.packet_bytes = opts->packet_bytes != 0 ? opts->packet_bytes
                                                        : (size_t)16 << 20;
    socket->owner = keel_self();
    keel_term term = keel_resource(resource_type, socket, free_socket);
    keel_term ack = KEEL_NONE;
    keel_spawn_opts spawn = {.entry = "socket"};
    keel_pid keeper = {0};
    keel_status status = keel_start_body(keep_socket,
            keel_tuple_of(term, keel_from_pid(keel_self())), &spawn, KEEL_NEVER, &keeper,
            NULL, &ack);
    if (status != KEEL_OK) {
        return status;
    }
    kl_lock_take(&socket->lock);
    socket->keeper = keeper;
    kl_lock_give(&socket->lock);
    *ret_socket = term;
    return kind != KL_LISTENER && opts->active != KEEL_PASSIVE
                   ? keel_socket_active(term, opts->active)
                   : KEEL_OK;
}

// --- from outside ---

static keel_pid keeper_of(struct kl_socket *socket)
{
    kl_lock_take(&socket->lock);
    keel_pid keeper = socket->keeper;
    kl_lock_give(&socket->lock);
    return keeper;
}

keel_status keel_socket_active(keel_term term, keel_active active)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket == NULL || socket->kind == KL_LISTENER) {
        return KEEL_E_BADARG;
    }
    if (kl_inet_is_closed(socket)) {
        return KEEL_SOCKET_CLOSED;
    }
    kl_store_relaxed(&socket->active, (uint32_t)active);
    keel_term mode = active == KEEL_PASSIVE       ? keel_atom(false)
                     : active == KEEL_ACTIVE_ONCE ? keel_atom(once)
                                                  : keel_atom(true);
    return keel_send(keeper_of(socket), keel_tuple_of(keel_atom(active), mode));
}

keel_status keel_socket_packet(keel_term term, keel_packet packet)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket == NULL || (unsigned)packet > KEEL_PACKET_4) {
        return KEEL_E_BADARG;
    }
    kl_store_relaxed(&socket->packet, (uint32_t)packet);
    return KEEL_OK;
}

keel_status keel_socket_give(keel_term term, keel_pid to)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket == NULL || to.word == 0) {
        return KEEL_E_BADARG;
    }
    kl_lock_take(&socket->lock);
    bool own = socket->owner.word == keel_self().word;
    if (own) {
        socket->owner = to;
    }
    kl_lock_give(&socket->lock);
    if (!own) {
        return KEEL_E_REFUSED;
    }
    keel_term reply = KEEL_NONE;
    keel_status status = keel_gen_call(keel_from_pid(keeper_of(socket)),
            keel_tuple_of(keel_atom(owner), keel_from_pid(to)), KEEL_NEVER, &reply);
    return status == KEEL_OK ? KEEL_OK : KEEL_SOCKET_CLOSED;
}

keel_status keel_socket_shutdown(keel_term term)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket == NULL) {
        return KEEL_E_BADARG;
    }
    return shutdown(socket->fd, SHUT_WR) == 0 ? KEEL_OK : -errno;
}

void keel_socket_close(keel_term term)
{
    struct kl_socket *socket = kl_inet_of(term);
    if (socket != NULL && kl_inet_shut(socket)) {
        keel_send(keeper_of(socket), keel_atom(close));
    }
}

static keel_term address_by(
        keel_term term, int (*get)(int fd, struct sockaddr *address, socklen_t *length))
{
    struct kl_socket *socket = kl_inet_of(term);
    struct kl_address address = {.length = sizeof address.as};
    if (socket == NULL || get(socket->fd, &address.as.any, &address.length) != 0) {
        return KEEL_NONE;
    }
    return kl_address_term(&address);
}

keel_term keel_socket_name(keel_term socket)
{
    return address_by(socket, getsockname);
}

keel_term keel_socket_peer(keel_term socket)
{
    return address_by(socket, getpeername);
}
