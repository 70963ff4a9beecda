// Changes of a gen_server's code while it runs: its own code_change, or another version of
// the module.

#include "base/base.h"
#include "server.h"
#include <string.h>

// What a state was, so that it can be put back: its bytes, and copies of the terms that the
// layout names, since whoever changes them drops the old ones.
struct snapshot {
    const keel_state_layout *layout;
    char *bytes;
    keel_term *copies; // one for each field
};

static struct snapshot take_snapshot(const keel_state_layout *layout, const void *state);
static void end_snapshot(struct snapshot *snapshot, void *state, bool restore);
static keel_term run_change(
        const keel_gen_server *module, void *state, keel_term old_version, keel_term extra);
static void drop_terms(const keel_state_layout *layout, void *state);
static bool same_layout(const keel_state_layout *one, const keel_state_layout *other);

keel_status keel_gen_server_upgrade_term(
        keel_term server, const keel_gen_server *to, keel_term extra, keel_term *ret_error)
{
    if (to == NULL || to->name == NULL) {
        return KEEL_E_BADARG;
    }
    keel_term status = KEEL_NONE;
    keel_status result = keel_sys_get_status_term(server, &status);
    bool suspended = keel_match(status, "{status, _, _, [_, suspended, _, _, _]}");
    if (result == KEEL_OK) {
        result = keel_sys_suspend(server);
    }
    if (result != KEEL_OK) {
        return result;
    }
    keel_term given = keel_is_none(extra) ? keel_nil() : extra;
    result = keel_sys_change_code_term(
            server, keel_pointer(to), keel_atom(undefined), given, ret_error);
    keel_status resumed = suspended ? KEEL_OK : keel_sys_resume(server);
    return result != KEEL_OK ? result : resumed;
}

// The module's code_change on the state where it is.
static keel_term change_in_place(struct kl_server *self, const keel_gen_server *module,
        keel_term old_version, keel_term extra)
{
    if (module->code_change == NULL) {
        return keel_atom(ok);
    }
    void *state = kl_server_state(self);
    struct snapshot snapshot = take_snapshot(&self->module->state, state);
    keel_term result = run_change(module, state, old_version, extra);
    end_snapshot(&snapshot, state, !keel_is(result, ok));
    return result;
}

keel_term kl_server_change(struct kl_server *self, keel_term old_version, keel_term extra)
{
    return change_in_place(self, self->module, old_version, extra);
}

// The state moves to memory of its own, with the new layout; only when everything has gone
// well does the server take it.
static keel_term change_layout(struct kl_server *self, const keel_gen_server *to,
        keel_term old_version, keel_term extra)
{
    const keel_gen_server *from = self->module;
    void *old_state = kl_server_state(self);
    void *new_state = keel_alloc(to->state.bytes + 1);
    struct snapshot snapshot = take_snapshot(&from->state, old_state);
    keel_state_migrate(&from->state, old_state, &to->state, new_state);
    keel_term result = keel_atom(ok);
    if (to->code_change != NULL) {
        result = run_change(to, new_state, old_version, extra);
    }
    bool done = keel_is(result, ok);
    drop_terms(done ? &from->state : &to->state, done ? old_state : new_state);
    end_snapshot(&snapshot, old_state, !done);
    void *useless = done ? old_state : new_state;
    if (done) {
        kl_server_more(self)->state = new_state;
    }
    if (useless != (char *)self + KL_SERVER_BYTES) {
        keel_free(useless);
    }
    return result;
}

keel_term kl_server_upgrade(
        struct kl_server *self, const keel_gen_server *to, keel_term extra)
{
    const char *version = self->module->version;
    keel_term old_version = version == NULL ? keel_atom(undefined) : keel_string(version);
    // A state that looks the same stays where it is: parts that are not named, and pointers
    // into it, stay right.
    keel_term result = same_layout(&self->module->state, &to->state)
                               ? change_in_place(self, to, old_version, extra)
                               : change_layout(self, to, old_version, extra);
    if (keel_is(result, ok)) {
        self->module = to;
    }
    return result;
}

// --- the callback ---

struct changing {
    const keel_gen_server *module;
    void *state;
    keel_term old_version, extra, result;
};

static void run_code_change(void *context)
{
    struct changing *changing = context;
    changing->result = changing->module->code_change(
            changing->old_version, changing->state, changing->extra);
}

static keel_term run_change(
        const keel_gen_server *module, void *state, keel_term old_version, keel_term extra)
{
    struct changing changing = {module, state, old_version, extra, KEEL_NONE};
    keel_term reason = KEEL_NONE;
    if (keel_try(run_code_change, &changing, &reason) != KEEL_OK) {
        return keel_tuple_of(keel_atom(EXIT), reason);
    }
    return keel_is_none(changing.result) ? keel_atom(badarg) : changing.result;
}

// --- snapshots ---

// A layout with one bare term counts as a field of its own.
static uint32_t term_fields(const keel_state_layout *layout)
{
    return layout->type == NULL && layout->bytes == sizeof(keel_term) ? 1 : layout->count;
}

// The offset of field `index` if it is a kept term, else SIZE_MAX.
static size_t term_at(const keel_state_layout *layout, uint32_t index)
{
    if (layout->count == 0) {
        return 0;
    }
    const keel_field *field = &layout->fields[index];
    return field->kind == KEEL_FIELD_TERM ? field->offset : SIZE_MAX;
}

static keel_term load(const void *state, size_t offset)
{
    keel_term term;
    memcpy(&term, (const char *)state + offset, sizeof term);
    return term;
}

static struct snapshot take_snapshot(const keel_state_layout *layout, const void *state)
{
    uint32_t count = term_fields(layout);
    struct snapshot snapshot = {.layout = layout,
            .bytes = keel_alloc(layout->bytes + 1),
            .copies = keel_alloc((count + 1) * sizeof(keel_term))};
    memcpy(snapshot.bytes, state, layout->bytes);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = term_at(layout, i);
        if (at != SIZE_MAX && !keel_is_none(load(state, at))) {
            snapshot.copies[i] = keel_keep(load(state, at));
        }
    }
    return snapshot;
}

static void end_snapshot(struct snapshot *snapshot, void *state, bool restore)
{
    const keel_state_layout *layout = snapshot->layout;
    for (uint32_t i = 0; i < term_fields(layout); i++) {
        size_t at = term_at(layout, i);
        if (at == SIZE_MAX) {
            continue;
        }
        keel_term now = load(state, at);
        if (!restore || load(snapshot->bytes, at).word == now.word) {
            keel_drop(snapshot->copies[i]);
        } else {
            keel_drop(now);
            memcpy(snapshot->bytes + at, &snapshot->copies[i], sizeof(keel_term));
        }
    }
    if (restore) {
        memcpy(state, snapshot->bytes, layout->bytes);
    }
    keel_free(snapshot->copies);
    keel_free(snapshot->bytes);
}

static void drop_terms(const keel_state_layout *layout, void *state)
{
    for (uint32_t i = 0; i < term_fields(layout); i++) {
        size_t at = term_at(layout, i);
        if (at != SIZE_MAX) {
            keel_drop(load(state, at));
            memset((char *)state + at, 0, sizeof(keel_term));
        }
    }
}

static bool same_layout(const keel_state_layout *one, const keel_state_layout *other)
{
    if (one->bytes != other->bytes || one->count != other->count) {
        return false;
    }
    for (uint32_t i = 0; i < one->count; i++) {
        const keel_field *left = &one->fields[i];
        const keel_field *right = &other->fields[i];
        if (strcmp(left->name, right->name) != 0 || left->kind != right->kind ||
                left->offset != right->offset || left->bytes != right->bytes) {
            return false;
        }
    }
    return true;
}
