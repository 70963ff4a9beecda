// States as terms and back, by the names of their fields.

#include <keel/state.h>
#include <stdio.h>
#include <string.h>

static keel_term field_to_term(const keel_field *field, const void *state);
static bool field_from_term(const keel_field *field, void *state, keel_term term);
static const keel_field *find_field(const keel_state_layout *layout, const char *name);

// A layout without a type's name is one bare term.
static bool is_term(const keel_state_layout *layout)
{
    return layout->type == NULL && layout->bytes == sizeof(keel_term);
}

keel_term keel_state_to_term(const keel_state_layout *layout, const void *state)
{
    if (layout == NULL || (state == NULL && layout->bytes > 0)) {
        return KEEL_NONE;
    }
    if (is_term(layout)) {
        keel_term term;
        memcpy(&term, state, sizeof term);
        return keel_is_none(term) ? keel_atom(undefined) : term;
    }
    if (layout->count == 0) {
        return keel_tuple_of(keel_atom(opaque), keel_uint(layout->bytes));
    }
    keel_term keys[24];
    keel_term values[24];
    uint32_t count = layout->count < 24 ? layout->count : 24;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = layout->fields[i].name;
        if (keel_atom_from(name, strlen(name), &keys[i]) != KEEL_OK) {
            keys[i] = keel_string(name);
        }
        values[i] = field_to_term(&layout->fields[i], state);
    }
    return keel_map(keys, values, count);
}

size_t keel_state_from_term(const keel_state_layout *layout, void *state, keel_term term)
{
    if (layout == NULL || (state == NULL && layout->bytes > 0) || keel_is_none(term)) {
        return 0;
    }
    if (is_term(layout)) {
        keel_set(state, term);
        return 1;
    }
    size_t written = 0;
    keel_term key;
    keel_term value;
    for (size_t i = 0; keel_map_at(term, i, &key, &value); i++) {
        const char *name = keel_atom_name(key);
        const keel_field *field = name == NULL ? NULL : find_field(layout, name);
        if (field != NULL && field_from_term(field, state, value)) {
            written++;
        }
    }
    return written;
}

void keel_state_migrate(const keel_state_layout *from, void *old_state,
        const keel_state_layout *to, void *new_state)
{
    if (from == NULL || old_state == NULL || to == NULL || new_state == NULL) {
        return;
    }
    if (is_term(from) || is_term(to)) {
        if (is_term(from) && is_term(to)) {
            memcpy(new_state, old_state, sizeof(keel_term));
            memset(old_state, 0, sizeof(keel_term));
        }
        return;
    }
    for (uint32_t i = 0; i < to->count; i++) {
        const keel_field *target = &to->fields[i];
        const keel_field *source = find_field(from, target->name);
        if (source == NULL) {
            continue;
        }
        char *at = (char *)old_state + source->offset;
        if (source->kind == target->kind && source->bytes == target->bytes) {
            memcpy((char *)new_state + target->offset, at, source->bytes);
            if (source->kind == KEEL_FIELD_TERM) {
                memset(at, 0, source->bytes); // moved: the old state no longer holds it
            }
        } else if (source->kind != KEEL_FIELD_OPAQUE) {
            field_from_term(target, new_state, field_to_term(source, old_state));
        }
    }
}

static const keel_field *find_field(const keel_state_layout *layout, const char *name)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        if (strcmp(layout->fields[i].name, name) == 0) {
            return &layout->fields[i];
        }
    }
    return NULL;
}

// --- one field ---

// Reads an integer of any width; `width` bytes, signed or not.
static int64_t read_signed(const void *at, size_t width)
{
    int64_t value = 0;
    memcpy(&value, at, width); // the library supports little-endian machines only
    int shift = 64 - 8 * (int)width;
    return (int64_t)((uint64_t)value << shift) >> shift;
}

static uint64_t read_unsigned(const void *at, size_t width)
{
    uint64_t value = 0;
    memcpy(&value, at, width);
    return value;
}

static keel_term real_to_term(double value)
{
    keel_term term = keel_float(value);
    return keel_is_none(term) ? keel_atom(not_a_number) : term;
}

static keel_term word_to_term(const void *at)
{
    keel_term term;
    memcpy(&term, at, sizeof term); // keel_term, keel_pid and keel_ref are one word each
    return keel_is_none(term) ? keel_atom(undefined) : term;
}

static keel_term field_to_term(const keel_field *field, const void *state)
{
    const char *at = (const char *)state + field->offset;
    switch (field->kind) {
    case KEEL_FIELD_BOOL:
        return keel_bool(*(const bool *)at);
    case KEEL_FIELD_INT8:
    case KEEL_FIELD_INT16:
    case KEEL_FIELD_INT32:
    case KEEL_FIELD_INT64:
        return keel_int(read_signed(at, field->bytes));
    case KEEL_FIELD_UINT8:
    case KEEL_FIELD_UINT16:
    case KEEL_FIELD_UINT32:
    case KEEL_FIELD_UINT64:
        return keel_uint(read_unsigned(at, field->bytes));
    case KEEL_FIELD_FLOAT:
        return real_to_term((double)*(const float *)(const void *)at);
    case KEEL_FIELD_DOUBLE:
        return real_to_term(*(const double *)(const void *)at);
    case KEEL_FIELD_TERM:
    case KEEL_FIELD_PID:
    case KEEL_FIELD_REF:
        return word_to_term(at);
    case KEEL_FIELD_CHARS:
        return keel_binary(at, strnlen(at, field->bytes));
    case KEEL_FIELD_STRING: {
        const char *text;
        memcpy(&text, at, sizeof text);
        return text == NULL ? keel_atom(undefined) : keel_string(text);
    }
    default:
        return keel_tuple_of(keel_atom(opaque), keel_uint(field->bytes));
    }
}

static bool signed_from_term(void *at, size_t width, keel_term term)
{
    int64_t value;
    if (!keel_get_int(term, &value)) {
        return false;
    }
    int64_t bound = width == 8 ? INT64_MAX : ((int64_t)1 << (8 * width - 1)) - 1;
    if (value > bound || value < -bound - 1) {
        return false;
    }
    memcpy(at, &value, width);
    return true;
}

static bool unsigned_from_term(void *at, size_t width, keel_term term)
{
    uint64_t value;
    if (!keel_get_uint(term, &value) || (width < 8 && value >> (8 * width) != 0)) {
        return false;
    }
    memcpy(at, &value, width);
    return true;
}

static bool chars_from_term(char *at, size_t bytes, keel_term term)
{
    keel_bytes text = keel_to_bytes(term);
    if (!keel_is_binary(term) || text.size >= bytes) {
        return false;
    }
    memset(at, 0, bytes);
    memcpy(at, text.data, text.size);
    return true;
}

// Pids and references of other nodes are boxed: the field then holds a kept copy.
static bool identifier_from_term(void *at, keel_term term, bool fits)
{
    if (!fits && !keel_is(term, undefined)) {
        return false;
    }
    keel_term kept = fits ? keel_keep(term) : KEEL_NONE;
    memcpy(at, &kept, sizeof kept);
    return true;
}

static bool real_from_term(const keel_field *field, void *at, keel_term term)
{
    if (!keel_is_float(term) && !keel_is_int(term)) {
        return false;
    }
    double value = keel_to_float(term);
    float single = (float)value;
    bool is_single = field->kind == KEEL_FIELD_FLOAT;
    memcpy(at, is_single ? (void *)&single : (void *)&value, field->bytes);
    return true;
}

static bool field_from_term(const keel_field *field, void *state, keel_term term)
{
    void *at = (char *)state + field->offset;
    switch (field->kind) {
    case KEEL_FIELD_BOOL:
        if (!keel_is_bool(term)) {
            return false;
        }
        *(bool *)at = keel_to_bool(term);
        return true;
    case KEEL_FIELD_INT8:
    case KEEL_FIELD_INT16:
    case KEEL_FIELD_INT32:
    case KEEL_FIELD_INT64:
        return signed_from_term(at, field->bytes, term);
    case KEEL_FIELD_UINT8:
    case KEEL_FIELD_UINT16:
    case KEEL_FIELD_UINT32:
    case KEEL_FIELD_UINT64:
        return unsigned_from_term(at, field->bytes, term);
    case KEEL_FIELD_FLOAT:
    case KEEL_FIELD_DOUBLE:
        return real_from_term(field, at, term);
    case KEEL_FIELD_TERM:
        keel_set(at, term);
        return true;
    case KEEL_FIELD_PID:
        return identifier_from_term(at, term, keel_is_pid(term));
    case KEEL_FIELD_REF:
        return identifier_from_term(at, term, keel_is_ref(term));
    case KEEL_FIELD_CHARS:
        return chars_from_term(at, field->bytes, term);
    default:
        return false;
    }
}
