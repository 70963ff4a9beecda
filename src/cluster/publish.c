// The process that keeps this node known to epmd: registers, holds the connection, and when
// it is lost registers again, ever more patiently.

#include "epmd.h"
#include "node.h"
#include <string.h>
#include <unistd.h>

enum { ANSWER_SECONDS = 5, FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 30000 };

struct publication {
    int fd; // -1: not connected
    keel_pid answer_to; // none once it was told
    bool warned;
};

static void hang_up(void *context)
{
    struct publication *publication = context;
    if (publication->fd >= 0) {
        close(publication->fd);
    }
    publication->fd = -1;
}

static keel_status ask(int fd, enum kl_epmd_answer *ret_answer, uint32_t *ret_creation)
{
    struct kl_node_name name;
    if (!kl_node_name_parse(kl_cluster.name, strlen(kl_cluster.name), &name)) {
        return KEEL_E_BADARG;
    }
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(ANSWER_SECONDS));
    uint8_t request[KL_EPMD_REQUEST_MAX], answer[64];
    struct iovec piece = {request, kl_epmd_register(request, name.alive, name.alive_size,
                                           kl_cluster.port, kl_cluster.visible)};
    keel_status status = kl_socket_write(fd, &piece, 1, deadline);
    size_t size = 0, used;
    while (status == KEEL_OK) {
        size_t got = 0;
        status = kl_socket_read(fd, answer + size, sizeof answer - size, deadline, &got);
        size += got;
        *ret_answer = kl_epmd_registered(answer, size, ret_creation, &used);
        if (status != KEEL_OK || *ret_answer != KL_EPMD_MORE) {
            return status;
        }
        if (got == 0 || size == sizeof answer) {
            return KEEL_E_MALFORMED;
        }
    }
    return status;
}

static void tell(struct publication *publication, keel_term how)
{
    if (publication->answer_to.word != 0) {
        keel_send(publication->answer_to, keel_make("{published, How}", how));
        publication->answer_to.word = 0;
    }
}

static void warn(struct publication *publication, const char *why)
{
    if (!publication->warned) {
        kl_log(KL_LOG_WARNING,
                "epmd at port %u does not know this node (%s): others cannot find it; "
                "trying again",
                kl_cluster.epmd_port, why);
    }
    publication->warned = true;
}

// True when it was registered, and then is no more.
static bool be_registered(struct publication *publication)
{
    enum kl_epmd_answer answer = KL_EPMD_MALFORMED;
    uint32_t creation = 0;
    publication->fd = kl_socket_connect(
            "127.0.0.1", kl_cluster.epmd_port, KEEL_IN(KEEL_SECONDS(ANSWER_SECONDS)));
    keel_status status = publication->fd < 0 ? (keel_status)publication->fd
                                             : ask(publication->fd, &answer, &creation);
    if (status != KEEL_OK || answer != KL_EPMD_OK) {
        bool taken = status == KEEL_OK && answer == KL_EPMD_REFUSED;
        warn(publication, status != KEEL_OK ? keel_status_text(status)
                          : taken           ? "the name is taken"
                                            : "a wrong answer");
        tell(publication, taken ? keel_atom(taken) : keel_atom(later));
        hang_up(publication);
        return false;
    }
    tell(publication, keel_int(creation));
    if (publication->warned) {
        kl_log(KL_LOG_INFO, "epmd knows this node again");
    }
    publication->warned = false;
    uint8_t unasked[64];
    size_t got = 1;
    while (status == KEEL_OK && got > 0) {
        status = kl_socket_read(publication->fd, unasked, sizeof unasked, KEEL_NEVER, &got);
    }
    hang_up(publication);
    return true;
}

void kl_publish_body(keel_term answer_to)
{
    struct publication *publication = keel_alloc(sizeof *publication);
    publication->fd = -1;
    publication->answer_to = keel_to_pid(answer_to);
    if (keel_defer(hang_up, publication) != KEEL_OK) {
        return;
    }
    int64_t wait = FIRST_WAIT_MS;
    for (;;) {
        keel_scope scope = keel_scope_open();
        bool registered = be_registered(publication);
        keel_scope_close(&scope);
        wait = registered ? FIRST_WAIT_MS : wait * 2;
        wait = wait > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait;
        keel_sleep(KEEL_MS(wait));
    }
}
