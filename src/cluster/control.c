#include "control.h"
#include "control_form.h"
#include "wire.h"

// Sending. A tuple is measured and written element by element, so nothing is built on the
// sender's heap for it.

enum { SMALL_TUPLE = 104, SMALL_INTEGER = 97, HEAD_BYTES = 4 };

static keel_term element_of(const struct kl_control *control, enum kl_control_field field)
{
    switch (field) {
    case KL_FIELD_COOKIE:
        return KL_ATOM(empty);
    case KL_FIELD_FROM:
        return control->from;
    case KL_FIELD_FROM_OR_NAME:
        return keel_is_none(control->from) ? control->name : control->from;
    case KL_FIELD_TO:
        return control->to;
    case KL_FIELD_TO_OR_NAME:
        return keel_is_none(control->to) ? control->name : control->to;
    case KL_FIELD_NAME:
        return control->name;
    case KL_FIELD_REF:
    case KL_FIELD_ALIAS:
        return control->ref;
    case KL_FIELD_ID:
        return keel_uint(control->id);
    case KL_FIELD_LEADER:
        return control->leader;
    case KL_FIELD_MFA:
        return control->mfa;
    case KL_FIELD_OPTS:
        return control->opts;
    case KL_FIELD_FLAGS:
        return keel_int(control->flags);
    case KL_FIELD_RESULT:
        return control->result;
    case KL_FIELD_TOKEN:
        return control->token;
    case KL_FIELD_CONTENT:
        return control->content;
    case KL_FIELD_END:
        break;
    }
    return KEEL_NONE;
}

// Who waits for an end or for the reply to a call waits for ever if it does not come: so it
// comes, without what means nothing on another node. Who sends such a message is told.
keel_status kl_control_measure(
        const struct kl_control *control, struct kl_etf_measure *ret_measure)
{
    bool awaited = control->kind == KL_CONTROL_EXIT || control->kind == KL_CONTROL_EXIT2 ||
                   control->kind == KL_CONTROL_MONITOR_EXIT ||
                   control->kind == KL_CONTROL_ALIAS_SEND;
    return awaited ? kl_etf_measure_all(control->content, ret_measure)
                   : kl_etf_measure(control->content, ret_measure);
}

keel_status kl_control_plan(
        const struct kl_control *control, uint64_t agreed, struct kl_control_plan *ret_plan)
{
    const struct kl_control_form *form = kl_control_form_for(control, agreed);
    if (!form) {
        return KEEL_E_UNSUPPORTED;
    }

    ret_plan->op = form->op;
    ret_plan->count = 0;
    ret_plan->bytes = HEAD_BYTES;
    ret_plan->content = form->payload ? control->content : KEEL_NONE;
    for (const uint8_t *field = form->fields; *field != KL_FIELD_END; field++) {
        struct kl_control_element *element = &ret_plan->element[ret_plan->count++];
        element->term = element_of(control, *field);
        keel_status status = *field == KL_FIELD_CONTENT
                                     ? kl_control_measure(control, &element->measure)
                                     : kl_etf_measure(element->term, &element->measure);
        if (status != KEEL_OK) {
            return status;
        }
        ret_plan->bytes += element->measure.bytes;
    }
    return KEEL_OK;
}

keel_status kl_control_write(uint8_t *at, const struct kl_control_plan *plan)
{
    at = kl_wire_put_8(at, SMALL_TUPLE);
    at = kl_wire_put_8(at, (uint8_t)(plan->count + 1));
    at = kl_wire_put_8(at, SMALL_INTEGER);
    at = kl_wire_put_8(at, plan->op);
    for (unsigned i = 0; i < plan->count; i++) {
        const struct kl_control_element *element = &plan->element[i];
        keel_status status = kl_etf_encode_into(at, element->term, &element->measure);
        if (status != KEEL_OK) {
            return status;
        }
        at += element->measure.bytes;
    }
    return KEEL_OK;
}

const char *kl_control_name(enum kl_control_kind kind)
{
    static const char *const names[KL_CONTROL_KINDS] = {
            [KL_CONTROL_LINK] = "LINK",
            [KL_CONTROL_SEND] = "SEND",
            [KL_CONTROL_EXIT] = "EXIT",
            [KL_CONTROL_REG_SEND] = "REG_SEND",
            [KL_CONTROL_GROUP_LEADER] = "GROUP_LEADER",
            [KL_CONTROL_EXIT2] = "EXIT2",
            [KL_CONTROL_MONITOR] = "MONITOR_P",
            [KL_CONTROL_DEMONITOR] = "DEMONITOR_P",
            [KL_CONTROL_MONITOR_EXIT] = "MONITOR_P_EXIT",
            [KL_CONTROL_SPAWN_REQUEST] = "SPAWN_REQUEST",
            [KL_CONTROL_SPAWN_REPLY] = "SPAWN_REPLY",
            [KL_CONTROL_ALIAS_SEND] = "ALIAS_SEND",
            [KL_CONTROL_UNLINK] = "UNLINK_ID",
            [KL_CONTROL_UNLINK_ACK] = "UNLINK_ID_ACK",
    };
    return names[kind];
}
