// A state in a struct, some of whose fields must be given.

#include "buffer_server.h"
#include <string.h>

struct buffer {
    int64_t width, height; // given at the start
    char *cells; // memory of the process: it goes with it
    int64_t column, row; // the cursor
    keel_term mode;
    keel_term metadata; // a map
};

static keel_result init(keel_term options, void *state)
{
    struct buffer *buffer = state;
    if (!keel_match(options, "#{width := Width, height := Height}", &buffer->width,
                &buffer->height) ||
            buffer->width < 1 || buffer->height < 1) {
        return keel_stop_with(keel_make("{missing, [width, height]}"));
    }
    size_t size = (size_t)(buffer->width * buffer->height);
    buffer->cells = memset(keel_alloc(size), ' ', size);
    keel_set(&buffer->mode, keel_atom(normal));
    keel_set(&buffer->metadata, keel_make("#{}"));
    return keel_ok();
}

static void put(struct buffer *buffer, char letter)
{
    if (letter == '\n' || buffer->column == buffer->width) {
        buffer->column = 0;
        buffer->row = (buffer->row + 1) % buffer->height;
    }
    if (letter != '\n') {
        buffer->cells[buffer->row * buffer->width + buffer->column++] = letter;
    }
}

static keel_result handle_cast(keel_term request, void *state)
{
    keel_bytes text;
    if (!keel_match(request, "{write, Text}", &text)) {
        return keel_unexpected(request);
    }
    for (size_t i = 0; i < text.size; i++) {
        put(state, (char)text.data[i]);
    }
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct buffer *buffer = state;
    int64_t row;
    if (!keel_match(request, "{line, Row}", &row) || row < 0 || row >= buffer->height) {
        return keel_unexpected(request);
    }
    return keel_reply(
            keel_binary(buffer->cells + row * buffer->width, (size_t)buffer->width));
}

static const keel_gen_server buffer_server = {
        .name = "buffer_server",
        .state = KEEL_STATE(struct buffer, width, height, column, row, mode, metadata),
        .init = init,
        .handle_cast = handle_cast,
        .handle_call = handle_call,
};

keel_started buffer_server_start_link(keel_term options)
{
    return keel_gen_server_start_link(&buffer_server, options);
}

void buffer_server_write(keel_pid server, keel_term text)
{
    keel_cast(server, keel_make("{write, Text}", text));
}

keel_term buffer_server_line(keel_pid server, int64_t row)
{
    return keel_call_or_exit(server, keel_make("{line, Row}", row));
}
