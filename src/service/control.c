// The control socket: the application, and a connection's process, which reads requests and
// answers them one after the other.

#include "control.h"
#include "base/base.h"
#include <keel/etf.h>
#include <keel/socket.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// More connections are told so and closed. A request is at most so long and takes at most
// so many words; who says nothing for so long is disconnected.
enum { CONNECTIONS_MAX = 64, REQUEST_BYTES = 256 << 10, REQUEST_WORDS = 1 << 20 };
enum { REQUEST_DEPTH = 100, NEW_ATOMS = 1000 };
static const keel_duration idle = KEEL_MINUTES(10);
static const keel_duration send_within = KEEL_SECONDS(30);

static keel_started start(keel_term type, keel_term argument);
static void stop(keel_term state);
static void serve(keel_term socket, keel_term argument);

const keel_application keel_control = {
        .name = "control",
        .description = "The socket of the command keel",
        .version = KEEL_VERSION,
        .env = "[{path, <<>>}]",
        .start = start,
        .stop = stop,
};

// --- the application ---

// What lies at the path since it listens there, so that stop removes nothing else.
static struct {
    char path[PATH_MAX];
    struct stat file;
} opened;

static void remember(const char *path)
{
    if (realpath(path, opened.path) == NULL || stat(opened.path, &opened.file) != 0) {
        opened.path[0] = '\0';
    }
}

static void stop(keel_term state)
{
    (void)state;
    struct stat file;
    if (opened.path[0] != '\0' && stat(opened.path, &file) == 0 &&
            file.st_ino == opened.file.st_ino && file.st_dev == opened.file.st_dev) {
        unlink(opened.path);
    }
    opened.path[0] = '\0';
}

static keel_started start_listening(const char *path)
{
    keel_socket_server server = {
            .path = path,
            .acceptors = 1,
            .opts = {.packet = KEEL_PACKET_4,
                    .packet_bytes = REQUEST_BYTES,
                    .mode = 0600,
                    .replace = true},
            .serve = serve,
            .name = keel_atom(keel_control_listener),
    };
    keel_term why = KEEL_NONE;
    keel_started started = keel_socket_server_start_link(&server);
    if (started.status == KEEL_OK) {
        remember(path);
    } else if (keel_match(started.reason,
                       "{shutdown, {failed_to_start_child, _, {listen, Why}}}", &why)) {
        keel_bytes text = keel_to_bytes(why);
        return keel_started_failed(keel_format("the control socket %s: %.*s", path,
                (int)text.size, (const char *)text.data));
    }
    return started;
}

static keel_started start(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    char path[PATH_MAX];
    keel_term setting = keel_application_get_env(
            keel_atom(control), keel_atom(path), KEEL_NONE);
    keel_bytes bytes = keel_to_bytes(setting);
    if (!keel_is_binary(setting) || bytes.size >= sizeof path ||
            (bytes.size > 0 &&
                    (bytes.data[0] == '@' || memchr(bytes.data, 0, bytes.size) != NULL))) {
        return keel_started_failed(
                keel_string("the path of the control socket is no path of a file"));
    }
    if (bytes.size == 0) {
        return keel_supervisor_start_link(NULL, 0);
    }
    memcpy(path, bytes.data, bytes.size);
    path[bytes.size] = '\0';
    return start_listening(path);
}

// --- a connection ---

static uint32_t connections; // how many are served

static void one_less(void *unused)
{
    (void)unused;
    kl_add_relaxed(&connections, (uint32_t)-1); // a count, it orders nothing
}

static keel_status send_term(keel_term socket, keel_term term)
{
    keel_term packet = KEEL_NONE;
    keel_status status = keel_etf_encode(term, NULL, &packet);
    if (status == KEEL_OK) {
        keel_bytes bytes = keel_to_bytes(packet);
        status = keel_socket_send(socket, bytes.data, bytes.size, KEEL_IN(send_within));
    }
    return status;
}

static const struct {
    const char *name;
    keel_term (*run)(struct kl_control_answer *answer, keel_term arguments);
} verbs[] = {
        {"ps", kl_control_ps},
        {"info", kl_control_info},
        {"stop", kl_control_stop},
        {"loglevel", kl_control_loglevel},
        {"kill", kl_control_kill},
        {"call", kl_control_call},
        {"trace", kl_control_trace},
};

static keel_term run_verb(
        struct kl_control_answer *answer, keel_bytes verb, keel_term arguments)
{
    for (size_t i = 0; i < KEEL_COUNT(verbs); i++) {
        if (verb.size == strlen(verbs[i].name) &&
                memcmp(verb.data, verbs[i].name, verb.size) == 0) {
            return verbs[i].run(answer, arguments);
        }
    }
    return keel_format("this program (Keel %s) does not know \"%.*s\"", keel_version(),
            verb.size < 100 ? (int)verb.size : 100, (const char *)verb.data);
}

// A request, and its answer. False: the connection ends.
static bool answer_request(keel_term socket, keel_term request)
{
    keel_bytes verb;
    keel_term arguments = KEEL_NONE, error = KEEL_NONE;
    int version;
    if (!keel_match(request, "{keel_control, Version, Verb, Arguments}", &version, &verb,
                &arguments)) {
        return false; // it speaks something else
    }
    struct kl_control_answer answer = {.socket = socket, .scope = keel_scope_open()};
    if (version != KL_CONTROL_VERSION) {
        error = keel_format("this program (Keel %s) speaks version %d of the protocol",
                keel_version(), KL_CONTROL_VERSION);
    } else {
        error = run_verb(&answer, verb, arguments);
    }
    if (answer.count > 0) {
        // The error, if there is one, was built after these rows and is still there.
        keel_term rows = keel_list(answer.rows, answer.count);
        answer.status = send_term(socket, keel_tuple_of(keel_atom(rows), rows));
    }
    if (answer.status == KEEL_OK) {
        answer.status = send_term(socket, keel_is_none(error)
                                                  ? keel_atom(done)
                                                  : keel_tuple_of(keel_atom(error), error));
    }
    keel_scope_close(&answer.scope);
    return answer.status == KEEL_OK && !answer.last;
}

static bool read_request(keel_term socket, keel_term *ret_request)
{
    static const keel_etf_limits limits = {.max_bytes = REQUEST_BYTES,
            .max_depth = REQUEST_DEPTH,
            .max_words = REQUEST_WORDS,
            .existing_atoms_only = true};
    keel_term packet = KEEL_NONE;
    if (keel_socket_recv(socket, 0, KEEL_IN(idle), &packet) != KEEL_OK) {
        return false;
    }
    keel_bytes bytes = keel_to_bytes(packet);
    return keel_etf_decode(bytes.data, bytes.size, &limits, NULL, ret_request) == KEEL_OK;
}

// The body of a connection's process.
static void serve(keel_term socket, keel_term argument)
{
    (void)argument;
    (void)keel_atom(keel_control); // decoding makes no atom: it must be there
    keel_defer(one_less, NULL);
    if (kl_add_relaxed(&connections, 1) >= CONNECTIONS_MAX) {
        keel_status status = send_term(socket,
                keel_tuple_of(keel_atom(error),
                        keel_string("too many commands look at this program already")));
        (void)status; // it is closed either way
        return;
    }
    for (bool more = true; more;) {
        keel_scope scope = keel_scope_open();
        keel_term request = KEEL_NONE;
        more = read_request(socket, &request) && answer_request(socket, request);
        keel_scope_close(&scope);
    }
}

// --- answers ---

void kl_control_put(struct kl_control_row *row, const char *key, keel_term value)
{
    if (!keel_is_none(value) && row->count < KEEL_COUNT(row->keys)) {
        row->keys[row->count] = keel_string(key);
        row->values[row->count++] = value;
    }
}

keel_term kl_control_map(const struct kl_control_row *row)
{
    return keel_map(row->keys, row->values, row->count);
}

bool kl_control_add(struct kl_control_answer *answer, const struct kl_control_row *row)
{
    answer->rows[answer->count++] = kl_control_map(row);
    return answer->count < KL_CONTROL_ROWS ? answer->status == KEEL_OK
                                           : kl_control_flush(answer);
}

bool kl_control_flush(struct kl_control_answer *answer)
{
    if (answer->count > 0 && answer->status == KEEL_OK) {
        keel_term rows = keel_list(answer->rows, answer->count);
        answer->status = send_term(answer->socket, keel_tuple_of(keel_atom(rows), rows));
    }
    answer->count = 0;
    keel_scope_close(&answer->scope);
    answer->scope = keel_scope_open();
    return answer->status == KEEL_OK;
}

// --- arguments ---

keel_term kl_control_argument(keel_term arguments, const char *key)
{
    return keel_map_get(arguments, keel_string(key));
}

keel_pid kl_control_process(keel_term arguments, keel_term *ret_error)
{
    char text[4 * KEEL_ATOM_CHARS_MAX + 1];
    keel_term argument = kl_control_argument(arguments, "process"), name = KEEL_NONE;
    keel_bytes bytes = keel_to_bytes(argument);
    keel_pid pid = {0};
    if (bytes.size > 0 && bytes.size < sizeof text) {
        memcpy(text, bytes.data, bytes.size);
        text[bytes.size] = '\0';
        pid = keel_inspect_pid(text);
        if (pid.word == 0 && keel_atom_existing(text, bytes.size, &name) == KEEL_OK) {
            pid = keel_whereis(name);
        }
    }
    if (pid.word == 0) {
        *ret_error = keel_format("there is no process %.*s",
                bytes.size < 300 ? (int)bytes.size : 300, (const char *)bytes.data);
    }
    return pid;
}

keel_term kl_control_term(keel_term arguments, const char *key, keel_term *ret_error)
{
    // A server's own atoms may not have been made yet: a pattern makes its atoms when it is
    // reached first. So new ones are allowed, but not so many that the table is in danger.
    static uint32_t spent;
    uint32_t used = kl_load_relaxed(&spent);
    size_t before = keel_atom_count(NULL);
    keel_etf_limits limits = {.max_bytes = REQUEST_BYTES,
            .max_depth = REQUEST_DEPTH,
            .max_words = REQUEST_WORDS,
            .max_atoms = before + (used < NEW_ATOMS ? NEW_ATOMS - used : 0)};
    keel_term term = KEEL_NONE;
    keel_bytes bytes = keel_to_bytes(kl_control_argument(arguments, key));
    keel_status status = keel_etf_decode(bytes.data, bytes.size, &limits, NULL, &term);
    // What others made meanwhile counts as ours, which errs on the safe side.
    kl_add_relaxed(&spent, (uint32_t)(keel_atom_count(NULL) - before));
    if (status == KEEL_E_SYSTEM_LIMIT) {
        *ret_error = keel_string("the term has atoms that this program does not know, and "
                                 "its control socket makes no more of them");
    } else if (status != KEEL_OK) {
        *ret_error = keel_format("the term was refused: %s", keel_status_text(status));
    }
    return status == KEEL_OK ? term : KEEL_NONE;
}

keel_term kl_control_pid(keel_pid pid)
{
    return pid.word != 0 ? kl_control_show(keel_from_pid(pid), 200) : KEEL_NONE;
}

keel_term kl_control_show(keel_term term, size_t most)
{
    const keel_print_opts opts = {.max_bytes = most};
    char small[256];
    size_t length = keel_print(small, sizeof small, term, &opts);
    if (length < sizeof small) {
        return keel_binary(small, length);
    }
    uint8_t *text;
    keel_term whole = keel_binary_new(length + 1, &text);
    keel_print((char *)text, length + 1, term, &opts);
    return keel_binary_part(whole, 0, length);
}
