#include "state_change.h"
#include <keel/process.h>
#include <string.h>

// What a state was, so that it can be put back: its bytes, and copies of the terms that the
// layout names, since whoever changes them drops the old ones.
struct snapshot {
    const keel_state_layout *layout;
    char *bytes;
    keel_term *copies; // one for each field
};

static keel_term change_in_place(const struct kl_state_change *change);
static keel_term change_layout(const struct kl_state_change *change, void **ret_moved);
static keel_term run(const struct kl_state_change *change, void *state);
static struct snapshot take_snapshot(const keel_state_layout *layout, const void *state);
static void end_snapshot(struct snapshot *snapshot, void *state, bool restore);
static void drop_terms(const keel_state_layout *layout, void *state);
static bool same_layout(const keel_state_layout *one, const keel_state_layout *other);

// A state that looks the same stays where it is: parts that are not named, and pointers
// into it, stay right.
keel_term kl_state_change(const struct kl_state_change *change, void **ret_moved)
{
    *ret_moved = NULL;
    return same_layout(change->from, change->to) ? change_in_place(change)
                                                 : change_layout(change, ret_moved);
}

static keel_term change_in_place(const struct kl_state_change *change)
{
    struct snapshot snapshot = take_snapshot(change->from, change->state);
    keel_term result = run(change, change->state);
    end_snapshot(&snapshot, change->state, !keel_is(result, ok));
    return result;
}

// The state moves to memory of its own, with the new layout; only when everything has gone
// well is the old one given up.
static keel_term change_layout(const struct kl_state_change *change, void **ret_moved)
{
    void *new_state = keel_alloc(change->to->bytes + 1);
    struct snapshot snapshot = take_snapshot(change->from, change->state);
    keel_state_migrate(change->from, change->state, change->to, new_state);
    keel_term result = run(change, new_state);
    bool done = keel_is(result, ok);
    drop_terms(done ? change->from : change->to, done ? change->state : new_state);
    end_snapshot(&snapshot, change->state, !done);
    if (done) {
        *ret_moved = new_state;
    } else {
        keel_free(new_state);
    }
    return result;
}

// --- the function ---

struct running {
    const struct kl_state_change *change;
    void *state;
    keel_term result;
};

static void run_guarded(void *context)
{
    struct running *running = context;
    running->result = running->change->change(running->change->context, running->state);
}

static keel_term run(const struct kl_state_change *change, void *state)
{
    struct running running = {change, state, KEEL_NONE};
    keel_term reason = KEEL_NONE;
    if (keel_try(run_guarded, &running, &reason) != KEEL_OK) {
        return keel_tuple_of(keel_atom(EXIT), reason);
    }
    return keel_is_none(running.result) ? keel_atom(badarg) : running.result;
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
