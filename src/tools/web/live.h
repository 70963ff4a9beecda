#ifndef KL_WEB_LIVE_H
#define KL_WEB_LIVE_H

#include "html.h"
#include "request.h"

// Where the page's own content stands in the document, beside the notice.
#define KL_LIVE_ROOT "page"

struct keel_live {
    const keel_live_view *view;
    struct kl_web_peer *peer;
    char *path;
    keel_term query; // kept
    char csrf[KL_DIGEST_SIZE];
    bool connected;
    void *state;
    // What the browser shall be told with the next push, or by the redirect.
    char *patch, *redirect; // keel_alloc
    struct kl_text notice;
    const char *notice_kind;
};

// Answers GET with the page rendered once; POST by handle_event, for browsers without
// JavaScript.
void kl_live_serve(keel_web_request *request);

// What a page rendered once and one that is connected share.
void kl_live_begin(struct keel_live *page, struct kl_web_peer *peer, keel_term query);
void kl_live_event(struct keel_live *page, const char *event, keel_term values);
void kl_live_params(struct keel_live *page, keel_term query);
keel_html *kl_live_render(struct keel_live *page);

// The server of one connected page: a child of the endpoint's supervisor of pages. Its
// argument is a term of the peer.
extern const keel_gen_server kl_live_page;

// --- what has changed: live_parts.c ---

// What the browser has: the parts of the last push, by two hashes each.
struct kl_shown {
    struct kl_shown_part {
        uint64_t key, own;
    } * parts;
    uint32_t count;
};
// Writes the parts that differ from `shown` as a JSON object, id to markup; a part that is
// written counts its nested ones in. Returns how many; `shown` is then what `html` is.
// KL_EVERYTHING: the top itself has changed, or there was nothing; nothing is written.
#define KL_EVERYTHING UINT32_MAX
uint32_t kl_live_parts(struct kl_shown *shown, const keel_html *html, struct kl_text *json);

#endif // KL_WEB_LIVE_H
