#ifndef KL_WEB_HTML_H
#define KL_WEB_HTML_H

#include "text.h"

#include <keel/web/html.h>

// One part of a document: from the < of its opening tag to the > of its closing one.
struct kl_part {
    size_t begin, end;
    size_t id, id_size; // where its id stands
    uint32_t parent; // index; KL_NO_PART at the top
    uint64_t key; // hash of its id
    uint64_t own; // hash of what it says itself: its nested parts count by their ids only
    const char *element;
};
#define KL_NO_PART UINT32_MAX

struct keel_html {
    struct kl_text text;
    struct kl_part *parts; // in the order in which they begin
    uint32_t count, capacity;
    uint32_t open; // the innermost part that has not ended, or KL_NO_PART
    size_t hashed; // up to here the text counts in `own` of a part already
};

#endif // KL_WEB_HTML_H
