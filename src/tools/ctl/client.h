#ifndef KL_TOOLS_CTL_CLIENT_H
#define KL_TOOLS_CTL_CLIENT_H

#include <keel/term.h>

// The other end of a program's control socket: a request, and the rows of its answer. Plain
// system calls, no runtime. What the program says is not believed: its packets are bounded,
// and decoding them makes no atoms.
//
//   kl_ctl_client_open(&client, path) && kl_ctl_client_ask(&client, "ps", arguments)
//   while ((more = kl_ctl_client_next(&client, &row)) == KL_CTL_ROW) …

enum kl_ctl_more {
    KL_CTL_ROW,
    KL_CTL_DONE,
    KL_CTL_FAILED, // client->error says why
};

struct kl_ctl_client {
    const char *path;
    int fd;
    int timeout_ms; // how long the program may be silent; -1: for ever
    int os_pid; // of the program
    char error[1024]; // a sentence, as it came: not clean
    char *packet;
    size_t packet_size;
    keel_term rows; // of the packet that are still to come
    keel_scope scope; // of its terms
    bool in_packet;
};

// Connects. False: client->error says why.
bool kl_ctl_client_open(struct kl_ctl_client *client, const char *path);
// Sends a request; `arguments` is a map.
bool kl_ctl_client_ask(struct kl_ctl_client *client, const char *verb, keel_term arguments);
// The next row of the answer; it lives until the next call.
enum kl_ctl_more kl_ctl_client_next(struct kl_ctl_client *client, keel_term *ret_row);
// Waits until the program has ended. False: it has not within the time.
bool kl_ctl_client_await_end(struct kl_ctl_client *client, int milliseconds);
void kl_ctl_client_close(struct kl_ctl_client *client);

// --- maps with texts as keys ---

keel_term kl_ctl_map(void);
keel_term kl_ctl_map_put(keel_term map, const char *key, keel_term value);
keel_term kl_ctl_get(keel_term row, const char *key);
uint64_t kl_ctl_get_number(keel_term row, const char *key); // 0 without one
keel_bytes kl_ctl_get_text(keel_term row, const char *key); // empty without one

#endif // KL_TOOLS_CTL_CLIENT_H
