#ifndef KL_TERM_PARSE_H
#define KL_TERM_PARSE_H

#include "scan.h"
#include "term/term.h"
#include "work.h"

// Reads one term in Erlang notation and tells a sink about it from the inside out: leaves
// and variables as they come, then each container with the number of its parts. keel_parse
// makes terms of that, patterns make patterns.

enum kl_parse_container {
    KL_PARSE_TUPLE,
    KL_PARSE_LIST,
    KL_PARSE_LIST_TAIL, // the last part is the tail
    KL_PARSE_MAP, // parts: key, value, key, value …
};

struct kl_parse_sink {
    void *context;
    // A leaf, made in the current heap. Each function returns KEEL_OK or what the parser
    // shall fail with; for KEEL_E_SYNTAX it sets `*ret_message`.
    keel_status (*leaf)(void *context, keel_term leaf);
    // NULL: variables are refused. `pinned`: written with ^.
    keel_status (*variable)(
            void *context, keel_bytes name, bool pinned, const char **ret_message);
    keel_status (*container)(void *context, enum kl_parse_container kind, size_t count,
            const char **ret_message);
};

struct kl_parse {
    struct kl_scanner scanner;
    const struct kl_parse_sink *sink;
    struct kl_work open; // containers: parts so far << 2 | kl_parse_container
    size_t offset; // of the error
    const char *message;
};

void kl_parse_init(struct kl_parse *parse, const char *text, size_t size,
        const struct kl_parse_sink *sink);
void kl_parse_done(struct kl_parse *parse);
// Reads a term. On failure parse->offset and parse->message tell more.
keel_status kl_parse_term(struct kl_parse *parse);
// Remembers where and why, returns `status`.
keel_status kl_parse_fail(
        struct kl_parse *parse, keel_status status, size_t offset, const char *message);

// Reads a leaf that begins with `token` (parse_leaf.c).
keel_status kl_parse_leaf(
        struct kl_parse *parse, struct kl_token token, keel_term *ret_leaf);
// Reads a binary after its << (parse_binary.c).
keel_status kl_parse_binary(struct kl_parse *parse, size_t start, keel_term *ret_binary);
// Makes the integer that `token` stands for.
keel_status kl_parse_integer(struct kl_parse *parse, const struct kl_token *token,
        bool negative, keel_term *ret_integer);

#endif // KL_TERM_PARSE_H
