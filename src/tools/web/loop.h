#ifndef KL_WEB_LOOP_H
#define KL_WEB_LOOP_H

#include "peer.h"
#include "silence.h"

// The thread that libwebsockets runs on. It reads requests, turns away those that may not
// be, hands the others to the listener as messages, and writes what processes answer.
//
//   to the listener   {web_started, Port}, once; Port 0: there was none to be had
//                     {web_request, Peer}, {web_page, Peer}
//   to a page         {web_event, Text}, then nothing more is read until kl_web_peer_resume
//                     web_sent, when a push is out
//                     web_closed, when the browser is gone

// Starts the thread, which takes a reference of its own; false: the system refused.
bool kl_loop_start(struct kl_web *web);
// Waits until that thread is gone, and the port with it; it has failed or been stopped.
void kl_loop_join(struct kl_web *web);

// --- what its files share ---

struct kl_loop {
    struct kl_web *web;
    struct kl_silence silence;
};

// What is known of one connection: hangs on the wsi.
struct kl_connection {
    struct kl_silent silent; // first: an open page is found by it
    struct kl_loop *loop;
    struct kl_web *web;
    struct kl_web_peer *peer; // the request, or the open page
    char *text; // of an event that arrives in pieces
    size_t text_size;
    bool counted;
    bool ask; // a ping is to be written
    bool over; // one too many: it may ask once and is told to come later
};

// Makes a peer of the request whose headers have arrived; NULL when there is no memory.
struct kl_web_peer *kl_loop_read(struct kl_connection *connection, struct lws *wsi);
// Decides whether a request may be; else answers it, saying why, and returns false.
bool kl_gate_admits(struct kl_web_peer *peer);
// The same for the WebSocket of a page.
bool kl_gate_admits_page(struct kl_web_peer *peer);
// The value of a field of the query, as it stands in there; NULL when it has none.
const char *kl_web_peer_query(const struct kl_web_peer *peer, const char *name);

// Answers from the loop itself.
void kl_loop_fail(struct kl_web_peer *peer, int status, const char *why);
void kl_loop_serve(struct kl_web_peer *peer, const keel_web_asset *asset);
// Writes as much of the answer as may be written now: what a callback has to return.
int kl_loop_write(struct kl_web_peer *peer, struct lws *wsi);
// Adds a header to an answer that is being made.
void kl_answer_header(struct kl_answer *answer, const char *name, const char *value);

// Sends, unless the listener has ended: the runtime may stop then, and the loop's thread is
// none of its own.
void kl_loop_send(struct kl_web *web, keel_pid to, keel_term message);
// Tells the listener of a "request" or a "page".
void kl_loop_tell(struct kl_web *web, struct kl_web_peer *peer, const char *kind);
// The peer has come to its end on this connection.
void kl_loop_let_go(struct kl_connection *connection);
// What libwebsockets says of requests, and what the callback returns to it.
int kl_loop_on_http(struct lws *wsi, int reason, struct kl_connection *connection,
        const char *data, size_t size);
// The same of the WebSocket of a page.
int kl_loop_on_page(struct lws *wsi, int reason, struct kl_connection *connection,
        const char *data, size_t size);
// Asks pages that have long been silent, and closes those that do not answer.
void kl_loop_watch_pages(struct kl_loop *loop);

#endif // KL_WEB_LOOP_H
