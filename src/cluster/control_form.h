#ifndef KL_CLUSTER_CONTROL_FORM_H
#define KL_CLUSTER_CONTROL_FORM_H

#include "control.h"

// The forms that control messages have on the wire. One kind may have several: with and
// without a trace token, with the content in the tuple or behind it.
enum kl_control_field {
    KL_FIELD_END,
    KL_FIELD_COOKIE, // an atom that nobody reads
    KL_FIELD_FROM, // pid of the sending node
    KL_FIELD_FROM_OR_NAME, // the same, or a name that was monitored there
    KL_FIELD_TO, // pid of the receiving node
    KL_FIELD_TO_OR_NAME,
    KL_FIELD_NAME, // atom
    KL_FIELD_REF,
    KL_FIELD_ALIAS, // reference of the receiving node
    KL_FIELD_ID, // integer from 1 to 2^64-1
    KL_FIELD_LEADER, // pid of any node
    KL_FIELD_MFA,
    KL_FIELD_OPTS,
    KL_FIELD_FLAGS,
    KL_FIELD_RESULT,
    KL_FIELD_TOKEN,
    KL_FIELD_CONTENT,
};

struct kl_control_form {
    uint8_t op; // first element of the tuple
    uint8_t kind; // enum kl_control_kind
    bool payload; // the content follows the tuple
    uint64_t needs; // flags without which a peer does not understand it
    uint8_t fields[KL_CONTROL_ELEMENTS]; // enum kl_control_field, up to KL_FIELD_END
};

// The number of the op in a tuple, NULL when there is none such.
const struct kl_control_form *kl_control_form_of(uint64_t op);
// The best form for a message to a peer with these flags, NULL when it knows none.
const struct kl_control_form *kl_control_form_for(
        const struct kl_control *control, uint64_t agreed);

#endif // KL_CLUSTER_CONTROL_FORM_H
