#include "parse.h"

// The grammar of terms. Containers that are open lie on a stack, so that the depth of a
// term costs no stack of C, which a process has little of.

enum { DEPTH_MAX = 1000 };

static keel_status begin(struct kl_parse *parse, bool *ret_complete);
static keel_status go_on(struct kl_parse *parse, bool *ret_more);

void kl_parse_init(struct kl_parse *parse, const char *text, size_t size,
        const struct kl_parse_sink *sink)
{
    parse->scanner = (struct kl_scanner){text, size, 0};
    parse->sink = sink;
    parse->offset = 0;
    parse->message = "";
    kl_work_init(&parse->open);
}

void kl_parse_done(struct kl_parse *parse)
{
    kl_work_done(&parse->open);
}

keel_status kl_parse_fail(
        struct kl_parse *parse, keel_status status, size_t offset, const char *message)
{
    parse->offset = offset;
    parse->message = message;
    return status;
}

keel_status kl_parse_term(struct kl_parse *parse)
{
    for (;;) {
        // A term begins here; it is complete when it is no container, or an empty one.
        bool complete;
        keel_status status = begin(parse, &complete);
        if (status != KEEL_OK) {
            return status;
        }
        bool more = !complete;
        while (!more) {
            if (parse->open.count == 0) {
                return KEEL_OK;
            }
            status = go_on(parse, &more);
            if (status != KEEL_OK) {
                return status;
            }
        }
    }
}

static keel_status told(
        struct kl_parse *parse, size_t offset, keel_status status, const char *message)
{
    if (status == KEEL_OK) {
        return KEEL_OK;
    }
    return kl_parse_fail(parse, status, offset, message);
}

static keel_status close_container(struct kl_parse *parse, size_t offset)
{
    uint64_t top = kl_work_pop(&parse->open);
    const char *message = "the term cannot be made";
    keel_status status = parse->sink->container(
            parse->sink->context, (enum kl_parse_container)(top & 3), top >> 2, &message);
    return told(parse, offset, status, message);
}

// Opens a container; when it is closed at once it is complete.
static keel_status open_container(struct kl_parse *parse, size_t start,
        enum kl_parse_container kind, enum kl_token_kind closing, bool *ret_complete)
{
    if (parse->open.count >= DEPTH_MAX) {
        return kl_parse_fail(parse, KEEL_E_TOO_DEEP, start, "nested too deep");
    }
    if (!kl_work_push(&parse->open, kind)) {
        return kl_parse_fail(parse, KEEL_E_NOMEM, start, "memory is exhausted");
    }
    if (kl_scan_peek(&parse->scanner).kind != closing) {
        *ret_complete = false;
        return KEEL_OK;
    }
    kl_scan_next(&parse->scanner);
    *ret_complete = true;
    return close_container(parse, start);
}

static keel_status take_variable(struct kl_parse *parse, struct kl_token token, bool pinned)
{
    size_t start = token.start;
    if (pinned) {
        token = kl_scan_next(&parse->scanner);
        if (token.kind != KL_TOKEN_VARIABLE) {
            return kl_parse_fail(parse, KEEL_E_SYNTAX, start, "a ^ without a variable");
        }
    }
    if (!parse->sink->variable) {
        return kl_parse_fail(
                parse, KEEL_E_SYNTAX, start, "a variable where a term is needed");
    }
    const char *message = "no such variable";
    keel_bytes name = {(const uint8_t *)token.text, token.size};
    keel_status status = parse->sink->variable(
            parse->sink->context, name, pinned, &message);
    return told(parse, start, status, message);
}

static keel_status begin(struct kl_parse *parse, bool *ret_complete)
{
    struct kl_token token = kl_scan_next(&parse->scanner);
    keel_term leaf;
    keel_status status;
    *ret_complete = true;
    switch (token.kind) {
    case KL_TOKEN_OPEN_TUPLE:
        return open_container(
                parse, token.start, KL_PARSE_TUPLE, KL_TOKEN_CLOSE_BRACE, ret_complete);
    case KL_TOKEN_OPEN_LIST:
        return open_container(
                parse, token.start, KL_PARSE_LIST, KL_TOKEN_CLOSE_LIST, ret_complete);
    case KL_TOKEN_OPEN_MAP:
        return open_container(
                parse, token.start, KL_PARSE_MAP, KL_TOKEN_CLOSE_BRACE, ret_complete);
    case KL_TOKEN_VARIABLE:
    case KL_TOKEN_PIN:
        return take_variable(parse, token, token.kind == KL_TOKEN_PIN);
    case KL_TOKEN_OPEN_BINARY:
        status = kl_parse_binary(parse, token.start, &leaf);
        break;
    default:
        status = kl_parse_leaf(parse, token, &leaf);
        break;
    }
    if (status != KEEL_OK) {
        return status;
    }
    return told(parse, token.start, parse->sink->leaf(parse->sink->context, leaf),
            "memory is exhausted");
}

// After a part of a container: a comma and the like, then more is to come; or its end, then
// it is itself a part of the one around it.
static keel_status go_on(struct kl_parse *parse, bool *ret_more)
{
    uint64_t *top = &parse->open.words[parse->open.count - 1];
    enum kl_parse_container kind = (enum kl_parse_container)(*top & 3);
    *top += 4;
    size_t count = *top >> 2;
    struct kl_token token = kl_scan_next(&parse->scanner);
    bool key = kind == KL_PARSE_MAP && count % 2 == 1;
    *ret_more = true;
    switch (token.kind) {
    case KL_TOKEN_ARROW:
    case KL_TOKEN_EXACTLY:
        // := belongs to patterns, where both mean the same.
        if (key && (token.kind == KL_TOKEN_ARROW || parse->sink->variable)) {
            return KEEL_OK;
        }
        break;
    case KL_TOKEN_COMMA:
        if (!key && kind != KL_PARSE_LIST_TAIL) {
            return KEEL_OK;
        }
        break;
    case KL_TOKEN_BAR:
        if (kind == KL_PARSE_LIST) {
            *top = *top - KL_PARSE_LIST + KL_PARSE_LIST_TAIL;
            return KEEL_OK;
        }
        break;
    case KL_TOKEN_CLOSE_BRACE:
        if (kind == KL_PARSE_TUPLE || (kind == KL_PARSE_MAP && !key)) {
            *ret_more = false;
            return close_container(parse, token.start);
        }
        break;
    case KL_TOKEN_CLOSE_LIST:
        if (kind == KL_PARSE_LIST || kind == KL_PARSE_LIST_TAIL) {
            *ret_more = false;
            return close_container(parse, token.start);
        }
        break;
    case KL_TOKEN_ERROR:
        return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start, token.message);
    default:
        break;
    }
    static const char *const expected[] = {"a comma or } is missing",
            "a comma, | or ] is missing", "a ] is missing", "a comma or } is missing"};
    return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start,
            key ? "a => is missing after a key" : expected[kind]);
}
