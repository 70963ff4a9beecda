#include "base/base.h"
#include "discover.h"
#include <keel/blocking.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

// Nodes behind a host's name: each of its addresses is one, named after it.

enum { ADDRESSES_MAX = 256, ADDRESS_TEXT = 48 };

// Shared by the process, which may be killed meanwhile, and the thread that waits for the
// name server; the last one frees it.
struct question {
    uint32_t refs; // atomic
    char host[256];
    size_t count;
    char addresses[ADDRESSES_MAX][ADDRESS_TEXT];
};

static void unref(void *context)
{
    struct question *question = context;
    if (kl_add_acq_rel(&question->refs, (uint32_t)-1) == 1) {
        kl_free(question, sizeof *question);
    }
}

static void look_up(void *context)
{
    struct question *question = context;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(question->host, NULL, &hints, &found) != 0) {
        return;
    }
    for (struct addrinfo *at = found; at && question->count < ADDRESSES_MAX;
            at = at->ai_next) {
        char *text = question->addresses[question->count];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, ADDRESS_TEXT, NULL, 0,
                    NI_NUMERICHOST) == 0) {
            question->count++;
        }
    }
    freeaddrinfo(found);
}

static keel_term names_of(const struct question *question, const char *alive)
{
    keel_term names = keel_nil();
    for (size_t i = question->count; i-- > 0;) {
        names = keel_cons(keel_format("%s@%s", alive, question->addresses[i]), names);
    }
    return names;
}

static keel_term ask(const keel_discover_opts *opts)
{
    struct question *question = kl_alloc_zero(sizeof *question);
    if (!question) {
        return keel_nil();
    }
    question->refs = 2;
    snprintf(question->host, sizeof question->host, "%s", opts->dns_host);
    if (keel_defer(unref, question) != KEEL_OK) {
        kl_free(question, sizeof *question);
        return keel_nil();
    }
    // Whatever becomes of the job, it calls unref once.
    keel_term names = keel_nil();
    if (keel_blocking(look_up, question, unref, KEEL_NEVER) == KEEL_OK) {
        names = names_of(question, opts->dns_alive);
    }
    keel_undefer(unref, question);
    unref(question);
    return names;
}

void kl_discover_dns_body(keel_term argument)
{
    keel_pid server;
    const keel_discover_opts *opts = kl_discover_argument(argument, &server);
    for (;;) {
        keel_scope scope = keel_scope_open();
        kl_discover_tell(server, KL_FOUND_DNS, ask(opts));
        keel_scope_close(&scope);
        keel_sleep(kl_discover_interval(opts));
    }
}
