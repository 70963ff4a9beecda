#include "control.h"
#include "control_form.h"

// Receiving. The tuple comes from another node: every element is checked before anybody
// acts on it, so what acts need not check again.

// Where a pid or reference was made.
enum home { HERE, AT_THE_PEER, ELSEWHERE };

static enum home home_of_node(keel_term node, keel_term peer)
{
    if (keel_equal(node, kl_node_name())) {
        return HERE; // in an earlier life of ours, or it would be local
    }
    return keel_equal(node, peer) ? AT_THE_PEER : ELSEWHERE;
}

static enum home home_of_pid(keel_term term, keel_term peer)
{
    struct kl_remote_pid remote;
    keel_pid pid = keel_to_pid(term);
    if (kl_pid_is_local(pid)) {
        return HERE;
    }
    return kl_pid_remote(pid, &remote) ? home_of_node(remote.node, peer) : ELSEWHERE;
}

static enum home home_of_ref(keel_term term, keel_term peer)
{
    struct kl_remote_ref remote;
    keel_ref ref = keel_to_ref(term);
    if (kl_ref_is_local(ref)) {
        return HERE;
    }
    return kl_ref_remote(ref, &remote) ? home_of_node(remote.node, peer) : ELSEWHERE;
}

// What of a field was wrong; NULL: it is in order and stands in `control` now.

static const char *take_from(struct kl_control *control, keel_term term, keel_term peer)
{
    if (!keel_is_pid(term)) {
        return "a sender is no pid";
    }
    // A peer speaks for its own processes only.
    if (home_of_pid(term, peer) != AT_THE_PEER) {
        return "a sender does not live on the node that it came from";
    }
    control->from = term;
    return NULL;
}

static const char *take_to(struct kl_control *control, keel_term term, keel_term peer)
{
    if (!keel_is_pid(term)) {
        return "a receiver is no pid";
    }
    if (home_of_pid(term, peer) != HERE) {
        return "a receiver does not live on this node";
    }
    control->to = term;
    return NULL;
}

static const char *take_name(struct kl_control *control, keel_term term)
{
    if (!keel_is_atom(term)) {
        return "a name is no atom";
    }
    control->name = term;
    return NULL;
}

static const char *take_ref(struct kl_control *control, keel_term term)
{
    if (!keel_is_ref(term)) {
        return "a reference is none";
    }
    control->ref = term;
    return NULL;
}

static const char *take_alias(struct kl_control *control, keel_term term, keel_term peer)
{
    if (!keel_is_ref(term) || home_of_ref(term, peer) != HERE) {
        return "an alias is no reference of this node";
    }
    control->ref = term;
    return NULL;
}

static const char *take_id(struct kl_control *control, keel_term term)
{
    if (!keel_get_uint(term, &control->id) || control->id == 0) {
        return "an id of unlinking is out of range";
    }
    return NULL;
}

static const char *take_leader(struct kl_control *control, keel_term term)
{
    if (!keel_is_pid(term)) {
        return "a group leader is no pid";
    }
    control->leader = term;
    return NULL;
}

static const char *take_mfa(struct kl_control *control, keel_term term)
{
    int64_t arity;
    if (keel_tuple_size(term) != 3 || !keel_is_atom(keel_element(term, 0)) ||
            !keel_is_atom(keel_element(term, 1)) ||
            !keel_get_int(keel_element(term, 2), &arity) || arity < 0 || arity > 255) {
        return "what is to be spawned is no function";
    }
    control->mfa = term;
    return NULL;
}

static const char *take_opts(struct kl_control *control, keel_term term)
{
    size_t length;
    if (!keel_list_length(term, &length)) {
        return "options of spawning are no list";
    }
    control->opts = term;
    return NULL;
}

static const char *take_flags(struct kl_control *control, keel_term term)
{
    uint64_t flags;
    if (!keel_get_uint(term, &flags) || flags > UINT32_MAX) {
        return "flags of spawning are out of range";
    }
    control->flags = (uint32_t)flags;
    return NULL;
}

static const char *take_result(struct kl_control *control, keel_term term, keel_term peer)
{
    if (!keel_is_atom(term) &&
            !(keel_is_pid(term) && home_of_pid(term, peer) == AT_THE_PEER)) {
        return "what was spawned is no process of its node";
    }
    control->result = term;
    return NULL;
}

static const char *take_field(struct kl_control *control, enum kl_control_field field,
        keel_term term, keel_term peer)
{
    switch (field) {
    case KL_FIELD_COOKIE:
        return keel_is_atom(term) ? NULL : "a cookie is no atom";
    case KL_FIELD_FROM:
        return take_from(control, term, peer);
    case KL_FIELD_FROM_OR_NAME:
        return keel_is_atom(term) ? take_name(control, term)
                                  : take_from(control, term, peer);
    case KL_FIELD_TO:
        return take_to(control, term, peer);
    case KL_FIELD_TO_OR_NAME:
        return keel_is_atom(term) ? take_name(control, term) : take_to(control, term, peer);
    case KL_FIELD_NAME:
        return take_name(control, term);
    case KL_FIELD_REF:
        return take_ref(control, term);
    case KL_FIELD_ALIAS:
        return take_alias(control, term, peer);
    case KL_FIELD_ID:
        return take_id(control, term);
    case KL_FIELD_LEADER:
        return take_leader(control, term);
    case KL_FIELD_MFA:
        return take_mfa(control, term);
    case KL_FIELD_OPTS:
        return take_opts(control, term);
    case KL_FIELD_FLAGS:
        return take_flags(control, term);
    case KL_FIELD_RESULT:
        return take_result(control, term, peer);
    case KL_FIELD_TOKEN:
        control->token = term;
        return NULL;
    case KL_FIELD_CONTENT:
        control->content = term;
        return NULL;
    case KL_FIELD_END:
        break;
    }
    return "a control message has more elements than its kind";
}

static const char *take_tuple(struct kl_control *control, keel_term tuple, keel_term peer)
{
    uint64_t op;
    size_t size = keel_tuple_size(tuple);
    if (size == 0 || !keel_get_uint(keel_element(tuple, 0), &op)) {
        return "a control message is no tuple with a number";
    }
    const struct kl_control_form *form = kl_control_form_of(op);
    if (!form) {
        return "a control message is of an unknown kind";
    }

    *control = (struct kl_control){.kind = form->kind, .payload = form->payload};
    for (size_t i = 1; i < size; i++) {
        // A form ends with KL_FIELD_END, which takes no element.
        const char *why = take_field(
                control, form->fields[i - 1], keel_element(tuple, i), peer);
        if (why) {
            return why;
        }
    }
    return form->fields[size - 1] == KL_FIELD_END
                   ? NULL
                   : "a control message has fewer elements than its kind";
}

keel_status kl_control_decode(const uint8_t *body, size_t size, keel_term peer,
        const keel_etf_limits *limits, struct kl_control *ret_control, size_t *ret_used,
        const char **ret_why)
{
    // The body may have a long payload behind the term. How long a frame may be has been
    // looked after already.
    keel_etf_limits bounded = limits ? *limits : (keel_etf_limits){0};
    if (bounded.max_bytes < size) {
        bounded.max_bytes = size;
    }

    keel_term tuple;
    *ret_why = "a control message is no term";
    keel_status status = kl_etf_decode(body, size, &bounded, ret_used, &tuple);
    if (status != KEEL_OK) {
        return status;
    }
    struct kl_control control;
    *ret_why = take_tuple(&control, tuple, peer);
    if (*ret_why) {
        return KEEL_E_MALFORMED;
    }
    *ret_control = control;
    return KEEL_OK;
}
