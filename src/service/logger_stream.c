// Sinks that are a stream of lines: the terminal, and files that are set aside when they
// are full.

#include "logger.h"
#include <errno.h>
#include <fcntl.h>
#include <keel/io.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_BYTES = 4096, PATIENCE_S = 5, PATH_BYTES = 600 };

char *kl_log_sink_buffer(struct kl_log_sink *sink, size_t bytes)
{
    if (sink->buffer_bytes < bytes) {
        size_t more = bytes > FIRST_BYTES ? bytes * 2 : FIRST_BYTES;
        char *buffer = keel_realloc(sink->buffer, more);
        if (buffer == NULL) {
            return NULL;
        }
        sink->buffer = buffer;
        sink->buffer_bytes = more;
    }
    return sink->buffer;
}

static size_t format(struct kl_log_sink *sink, const keel_log_event *event)
{
    return sink->handler.format == KEEL_LOG_JSON
                   ? keel_log_format_json(sink->buffer, sink->buffer_bytes, event)
                   : keel_log_format_text(
                             sink->buffer, sink->buffer_bytes, event, sink->colour);
}

// The event and a newline in the sink's buffer; 0 when memory is exhausted.
static size_t format_line(struct kl_log_sink *sink, const keel_log_event *event)
{
    if (kl_log_sink_buffer(sink, FIRST_BYTES) == NULL) {
        return 0;
    }
    size_t length = format(sink, event);
    if (length + 2 > sink->buffer_bytes) {
        if (kl_log_sink_buffer(sink, length + 2) == NULL) {
            return 0;
        }
        format(sink, event);
    }
    sink->buffer[length] = '\n';
    return length + 1;
}

// Waits until a pipe or terminal takes more: only the handler waits, and not for ever.
// Files and what cannot be waited for are always ready.
static bool await_room(int fd)
{
    struct pollfd now = {fd, POLLOUT, 0};
    if (poll(&now, 1, 0) != 0) {
        return true;
    }
    keel_status status = keel_wait_fd(
            fd, KEEL_WRITABLE, KEEL_IN(KEEL_SECONDS(PATIENCE_S)), NULL);
    return status != KEEL_E_TIMEOUT;
}

// A pipe that poll calls writable takes 4 KiB at once without blocking.
static bool write_all(int fd, const char *data, size_t size)
{
    enum { PIECE = 4096 };
    while (size > 0) {
        if (!await_room(fd)) {
            return false;
        }
        ssize_t written = write(fd, data, size < PIECE ? size : PIECE);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        data += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

// --- the terminal ---

static keel_status open_terminal(struct kl_log_sink *sink)
{
    sink->fd = STDERR_FILENO;
    sink->colour = sink->handler.format == KEEL_LOG_TEXT && isatty(sink->fd) == 1 &&
                   getenv("NO_COLOR") == NULL;
    return KEEL_OK;
}

static bool write_terminal(struct kl_log_sink *sink, const keel_log_event *event)
{
    size_t length = format_line(sink, event);
    return length > 0 && write_all(sink->fd, sink->buffer, length);
}

static void close_nothing(struct kl_log_sink *sink)
{
    (void)sink;
}

const struct kl_log_sink_ops kl_log_sink_terminal = {
        .open = open_terminal, .write = write_terminal, .close = close_nothing};

// --- files ---

static keel_status open_file(struct kl_log_sink *sink)
{
    struct stat stat;
    sink->fd = open(sink->handler.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (sink->fd < 0) {
        return -errno;
    }
    sink->written = fstat(sink->fd, &stat) == 0 ? (size_t)stat.st_size : 0;
    return KEEL_OK;
}

static void close_file(struct kl_log_sink *sink)
{
    if (sink->fd >= 0) {
        close(sink->fd);
        sink->fd = -1;
    }
}

static void numbered(const struct kl_log_sink *sink, unsigned number, char path[PATH_BYTES])
{
    if (number == 0) {
        snprintf(path, PATH_BYTES, "%s", sink->handler.path);
    } else {
        snprintf(path, PATH_BYTES, "%s.%u", sink->handler.path, number);
    }
}

// path.4 becomes path.5, …, path becomes path.1.
static void set_aside(struct kl_log_sink *sink)
{
    char from[PATH_BYTES];
    char to[PATH_BYTES];
    close_file(sink);
    for (unsigned number = sink->handler.files; number > 0; number--) {
        numbered(sink, number - 1, from);
        numbered(sink, number, to);
        if (rename(from, to) != 0 && errno != ENOENT) {
            kl_log(KL_LOG_ERROR, "the log file %s cannot be renamed: %s", from,
                    strerror(errno));
        }
    }
    open_file(sink);
}

static bool write_file(struct kl_log_sink *sink, const keel_log_event *event)
{
    size_t length = format_line(sink, event);
    size_t limit = sink->handler.file_bytes;
    if (limit > 0 && sink->written > 0 && sink->written + length > limit) {
        set_aside(sink);
    }
    if (length == 0 || (sink->fd < 0 && open_file(sink) != KEEL_OK)) {
        return false;
    }
    sink->written += length;
    return write_all(sink->fd, sink->buffer, length);
}

const struct kl_log_sink_ops kl_log_sink_file = {
        .open = open_file, .write = write_file, .close = close_file};
