#ifndef KL_WEB_TESTING_H
#define KL_WEB_TESTING_H

// What the tests of this folder share: an endpoint under a supervisor, and a client that
// says what it is told to, byte for byte.

#include "testing/harness.h"

#include <keel/keel.h>
#include <keel/web/endpoint.h>

// Starts the runtime and an endpoint on a port of the system's choice, which it returns.
int start_endpoint(const keel_web_endpoint *endpoint, keel_web_opts opts);
// Stops both; nobody may have to be killed.
void stop_endpoint(void);

// A connection to 127.0.0.1; ends the test when there is none.
int connect_to(int port);
void say(int fd, const void *data, size_t size);
// Reads until `size` bytes, the end, or five seconds; returns how many, NUL-terminated.
size_t hear(int fd, char *buffer, size_t size);
// Reads one answer: its headers and as much body as they tell. Returns its status, 0: none.
int hear_answer(int fd, char *buffer, size_t size);
// One request on a connection of its own. `head` is without its Host and empty line.
int ask(int port, const char *head, const char *body, char *answer, size_t size);
// The value of a header in an answer, up to the end of its line; "" when it has none.
const char *header_of(const char *answer, const char *name);
// What stands between `before` and the next quote in an answer.
const char *between(const char *answer, const char *before);

// --- WebSockets ---

// Opens the page at `path` as a browser would, with the cookie and token of `document`, an
// answer to GET. The descriptor, or -1 when it was refused.
int open_page(int port, const char *path, const char *document);
// Sends a text frame, masked.
void say_text(int fd, const char *text);
// Reads one text frame; false: the connection was closed.
bool hear_text(int fd, char *buffer, size_t size);

#endif // KL_WEB_TESTING_H
