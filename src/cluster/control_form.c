#include "control_form.h"
#include "flags.h"

// DIST_MONITOR_NAME is told apart from DIST_MONITOR by no peer there is: BEAM nodes use
// neither where one of them is missing.
#define MONITORS (KL_FLAG_DIST_MONITOR | KL_FLAG_DIST_MONITOR_NAME)
#define COOKIE KL_FIELD_COOKIE
#define FROM KL_FIELD_FROM
#define TO KL_FIELD_TO
#define TOKEN KL_FIELD_TOKEN
#define REF KL_FIELD_REF
#define CONTENT KL_FIELD_CONTENT

// In order of preference where a kind has several forms.
static const struct kl_control_form forms[] = {
        {1, KL_CONTROL_LINK, false, 0, {FROM, TO}},
        {22, KL_CONTROL_SEND, true, KL_FLAG_SEND_SENDER, {FROM, TO}},
        {23, KL_CONTROL_SEND, true, KL_FLAG_SEND_SENDER, {FROM, TO, TOKEN}},
        {2, KL_CONTROL_SEND, true, 0, {COOKIE, TO}},
        {12, KL_CONTROL_SEND, true, 0, {COOKIE, TO, TOKEN}},
        {24, KL_CONTROL_EXIT, true, KL_FLAG_EXIT_PAYLOAD, {FROM, TO}},
        {25, KL_CONTROL_EXIT, true, KL_FLAG_EXIT_PAYLOAD, {FROM, TO, TOKEN}},
        {3, KL_CONTROL_EXIT, false, 0, {FROM, TO, CONTENT}},
        {13, KL_CONTROL_EXIT, false, 0, {FROM, TO, TOKEN, CONTENT}},
        {6, KL_CONTROL_REG_SEND, true, 0, {FROM, COOKIE, KL_FIELD_NAME}},
        {16, KL_CONTROL_REG_SEND, true, 0, {FROM, COOKIE, KL_FIELD_NAME, TOKEN}},
        {7, KL_CONTROL_GROUP_LEADER, false, 0, {KL_FIELD_LEADER, TO}},
        {26, KL_CONTROL_EXIT2, true, KL_FLAG_EXIT_PAYLOAD, {FROM, TO}},
        {27, KL_CONTROL_EXIT2, true, KL_FLAG_EXIT_PAYLOAD, {FROM, TO, TOKEN}},
        {8, KL_CONTROL_EXIT2, false, 0, {FROM, TO, CONTENT}},
        {18, KL_CONTROL_EXIT2, false, 0, {FROM, TO, TOKEN, CONTENT}},
        {19, KL_CONTROL_MONITOR, false, MONITORS, {FROM, KL_FIELD_TO_OR_NAME, REF}},
        {20, KL_CONTROL_DEMONITOR, false, MONITORS, {FROM, KL_FIELD_TO_OR_NAME, REF}},
        {28, KL_CONTROL_MONITOR_EXIT, true, MONITORS | KL_FLAG_EXIT_PAYLOAD,
                {KL_FIELD_FROM_OR_NAME, TO, REF}},
        {21, KL_CONTROL_MONITOR_EXIT, false, MONITORS,
                {KL_FIELD_FROM_OR_NAME, TO, REF, CONTENT}},
        {29, KL_CONTROL_SPAWN_REQUEST, true, KL_FLAG_SPAWN,
                {REF, FROM, KL_FIELD_LEADER, KL_FIELD_MFA, KL_FIELD_OPTS}},
        {30, KL_CONTROL_SPAWN_REQUEST, true, KL_FLAG_SPAWN,
                {REF, FROM, KL_FIELD_LEADER, KL_FIELD_MFA, KL_FIELD_OPTS, TOKEN}},
        {31, KL_CONTROL_SPAWN_REPLY, false, KL_FLAG_SPAWN,
                {REF, TO, KL_FIELD_FLAGS, KL_FIELD_RESULT}},
        {32, KL_CONTROL_SPAWN_REPLY, false, KL_FLAG_SPAWN,
                {REF, TO, KL_FIELD_FLAGS, KL_FIELD_RESULT, TOKEN}},
        {33, KL_CONTROL_ALIAS_SEND, true, KL_FLAG_ALIAS, {FROM, KL_FIELD_ALIAS}},
        {34, KL_CONTROL_ALIAS_SEND, true, KL_FLAG_ALIAS, {FROM, KL_FIELD_ALIAS, TOKEN}},
        {35, KL_CONTROL_UNLINK, false, KL_FLAG_UNLINK_ID, {KL_FIELD_ID, FROM, TO}},
        {36, KL_CONTROL_UNLINK_ACK, false, KL_FLAG_UNLINK_ID, {KL_FIELD_ID, FROM, TO}},
};
enum { FORMS = sizeof forms / sizeof *forms };

const struct kl_control_form *kl_control_form_of(uint64_t op)
{
    for (unsigned i = 0; i < FORMS; i++) {
        if (forms[i].op == op) {
            return &forms[i];
        }
    }
    return NULL;
}

static bool has_field(const struct kl_control_form *form, enum kl_control_field field)
{
    for (unsigned i = 0; form->fields[i] != KL_FIELD_END; i++) {
        if (form->fields[i] == field) {
            return true;
        }
    }
    return false;
}

const struct kl_control_form *kl_control_form_for(
        const struct kl_control *control, uint64_t agreed)
{
    bool token = !keel_is_none(control->token), from = !keel_is_none(control->from);
    for (unsigned i = 0; i < FORMS; i++) {
        const struct kl_control_form *form = &forms[i];
        if (form->kind == control->kind && (form->needs & ~agreed) == 0 &&
                has_field(form, TOKEN) == token && (from || !has_field(form, FROM))) {
            return form;
        }
    }
    return NULL;
}
