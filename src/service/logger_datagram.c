// Sinks that take a datagram an event: journald in its own protocol, and syslog.

#include "logger.h"
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_BYTES = 4096, DATAGRAM_MAX = 128 * 1024, FACILITY_DAEMON = 3 << 3 };

bool kl_log_stderr_is_journal(void)
{
    const char *text = getenv("JOURNAL_STREAM");
    unsigned long long device;
    unsigned long long inode;
    struct stat stat;
    return text != NULL && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &stat) == 0 && stat.st_dev == device &&
           stat.st_ino == inode;
}

const char *kl_log_ident(const struct kl_log_sink *sink)
{
    return sink->handler.ident != NULL ? sink->handler.ident
                                       : program_invocation_short_name;
}

// --- the formats ---

// A field of journald's: NAME=value, or with its length before it when it has lines.
static void put_field(
        struct kl_bounded *text, const char *name, const char *value, size_t size)
{
    if (memchr(value, '\n', size) == NULL) {
        kl_bounded_put(text, "%s=", name);
    } else {
        uint8_t length[8];
        for (size_t i = 0; i < sizeof length; i++) {
            length[i] = (uint8_t)((uint64_t)size >> (8 * i));
        }
        kl_bounded_put(text, "%s\n", name);
        kl_bounded_put_bytes(text, (const char *)length, sizeof length);
    }
    kl_bounded_put_bytes(text, value, size);
    kl_bounded_put(text, "\n");
}

static void put_term(struct kl_bounded *text, const char *name, keel_term value)
{
    size_t size = kl_log_value(NULL, 0, value);
    char *copy = kl_alloc(size + 1);
    if (copy != NULL) {
        kl_log_value(copy, size + 1, value);
        put_field(text, name, copy, size);
        kl_free(copy, size + 1);
    }
}

// The name of a metadatum as a field: journald takes capitals, digits and _.
static void field_name(keel_term key, char name[72])
{
    static const struct {
        const char *key, *field;
    } usual[] = {{"file", "CODE_FILE"}, {"line", "CODE_LINE"}, {"function", "CODE_FUNC"},
            {"pid", "KEEL_PID"}};
    const char *text = keel_atom_name(key);
    for (size_t i = 0; i < KEEL_COUNT(usual); i++) {
        if (strcmp(usual[i].key, text) == 0) {
            snprintf(name, 72, "%s", usual[i].field);
            return;
        }
    }
    size_t used = (size_t)snprintf(name, 72, "KEEL_");
    for (; *text != '\0' && used < 64; text++) {
        name[used++] = isalnum((unsigned char)*text) ? (char)toupper((unsigned char)*text)
                                                     : '_';
    }
    name[used] = '\0';
}

size_t kl_log_format_journal(
        char *buffer, size_t size, const keel_log_event *event, const char *ident)
{
    struct kl_bounded text = {buffer, size, 0};
    keel_scope scope = keel_scope_open();
    size_t length = kl_log_message(NULL, 0, event);
    char *message = kl_alloc(length + 1);
    if (message != NULL) {
        kl_log_message(message, length + 1, event);
        put_field(&text, "MESSAGE", message, length);
        kl_free(message, length + 1);
    }
    kl_bounded_put(&text, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n", (int)event->level, ident);
    keel_term key;
    keel_term value;
    for (size_t i = 0; keel_map_at(event->metadata, i, &key, &value); i++) {
        char name[72];
        if (keel_is_atom(key) && !keel_is(key, time)) {
            field_name(key, name);
            put_term(&text, name, value);
        }
    }
    keel_scope_close(&scope);
    return text.length;
}

size_t kl_log_format_syslog(
        char *buffer, size_t size, const keel_log_event *event, const char *ident)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct kl_bounded text = {buffer, size, 0};
    struct tm parts;
    time_t seconds = (time_t)(event->time / 1000000000);
    localtime_r(&seconds, &parts);
    kl_bounded_put(&text,
            "<%d>%.3s %2d %02d:%02d:%02d %s[%d]: ", FACILITY_DAEMON | (int)event->level,
            months + (ptrdiff_t)parts.tm_mon * 3, parts.tm_mday, parts.tm_hour,
            parts.tm_min, parts.tm_sec, ident, (int)getpid());
    size_t room;
    char *at = kl_bounded_room(&text, &room);
    text.length += kl_log_message(at, room, event);
    return text.length;
}

// --- the sockets ---

static keel_status open_socket(struct kl_log_sink *sink, const char *usual)
{
    const char *path = sink->handler.path != NULL ? sink->handler.path : usual;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    sink->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sink->fd < 0) {
        return -errno;
    }
    if (connect(sink->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        keel_status status = -errno;
        close(sink->fd);
        sink->fd = -1;
        return status;
    }
    return KEEL_OK;
}

static keel_status open_journal(struct kl_log_sink *sink)
{
    return open_socket(sink, "/run/systemd/journal/socket");
}

static keel_status open_syslog(struct kl_log_sink *sink)
{
    return open_socket(sink, "/dev/log");
}

static void close_socket(struct kl_log_sink *sink)
{
    if (sink->fd >= 0) {
        close(sink->fd);
        sink->fd = -1;
    }
}

typedef size_t (*datagram_format)(
        char *buffer, size_t size, const keel_log_event *event, const char *ident);

// The daemon may have been started anew: then the socket is connected once more. One that
// does not keep up loses the event rather than hold the handler up.
static bool send_event(struct kl_log_sink *sink, const keel_log_event *event,
        datagram_format format, keel_status (*open)(struct kl_log_sink *sink))
{
    const char *ident = kl_log_ident(sink);
    if (kl_log_sink_buffer(sink, FIRST_BYTES) == NULL) {
        return false;
    }
    size_t length = format(sink->buffer, sink->buffer_bytes, event, ident);
    if (length >= sink->buffer_bytes && kl_log_sink_buffer(sink, length + 1) != NULL) {
        length = format(sink->buffer, sink->buffer_bytes, event, ident);
    }
    length = length < sink->buffer_bytes ? length : sink->buffer_bytes - 1;
    length = length < DATAGRAM_MAX ? length : DATAGRAM_MAX;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (sink->fd >= 0 && send(sink->fd, sink->buffer, length, MSG_NOSIGNAL) >= 0) {
            return true;
        }
        if (sink->fd >= 0 && errno == EAGAIN) {
            return false;
        }
        close_socket(sink);
        if (open(sink) != KEEL_OK) {
            return false;
        }
    }
    return false;
}

static bool write_journal(struct kl_log_sink *sink, const keel_log_event *event)
{
    return send_event(sink, event, kl_log_format_journal, open_journal);
}

static bool write_syslog(struct kl_log_sink *sink, const keel_log_event *event)
{
    return send_event(sink, event, kl_log_format_syslog, open_syslog);
}

const struct kl_log_sink_ops kl_log_sink_journal = {
        .open = open_journal, .write = write_journal, .close = close_socket};
const struct kl_log_sink_ops kl_log_sink_syslog = {
        .open = open_syslog, .write = write_syslog, .close = close_socket};
