#include "json.h"

#include <inttypes.h>
#include <jansson.h>
#include <keel/match.h>
#include <keel/process.h>
#include <keel/web/json.h>
#include <stdio.h>
#include <string.h>

// Reading recurses on the stack of a process, which is small.
#define DEEPEST 64

static void write_term(struct kl_text *text, keel_term term, int depth);

keel_term keel_json_encode(keel_term term)
{
    if (keel_is_none(term)) {
        return KEEL_NONE;
    }
    struct kl_text text = {0};
    write_term(&text, term, 0);
    keel_term binary = keel_binary(text.data, text.size);
    kl_text_done(&text);
    return binary;
}

// --- writing ---

void kl_json_string(struct kl_text *text, const void *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *end = at + size;
    kl_text_add(text, "\"", 1);
    while (at < end) {
        size_t length = kl_utf8_length(at, (size_t)(end - at));
        if (length == 0) {
            kl_text_addz(text, "\xef\xbf\xbd");
            at++;
        } else if (*at == '"' || *at == '\\') {
            kl_text_print(text, "\\%c", *at++);
        } else if (*at < 0x20 || *at == 0x7f) {
            kl_text_print(text, "\\u%04x", *at++);
        } else {
            kl_text_add(text, at, length);
            at += length;
        }
    }
    kl_text_add(text, "\"", 1);
}

static void write_key(struct kl_text *text, keel_term key)
{
    if (keel_is_binary(key)) {
        keel_bytes bytes = keel_to_bytes(key);
        kl_json_string(text, bytes.data, bytes.size);
    } else {
        const char *name = keel_is_atom(key) ? keel_atom_name(key) : keel_show(key);
        kl_json_string(text, name, strlen(name));
    }
    kl_text_add(text, ":", 1);
}

static void write_map(struct kl_text *text, keel_term map, int depth)
{
    keel_term key, value;
    kl_text_add(text, "{", 1);
    for (size_t index = 0; keel_map_at(map, index, &key, &value); index++) {
        kl_text_addz(text, index > 0 ? "," : "");
        write_key(text, key);
        write_term(text, value, depth + 1);
    }
    kl_text_add(text, "}", 1);
}

// {[{Key, Value}, …]}: an object whose keys keep their order.
static bool write_pairs(struct kl_text *text, keel_term tuple, int depth)
{
    keel_term pairs = keel_element(tuple, 0), pair;
    if (keel_tuple_size(tuple) != 1 || !keel_is_list(pairs)) {
        return false;
    }
    bool first = true;
    kl_text_add(text, "{", 1);
    while (keel_list_next(&pairs, &pair)) {
        kl_text_addz(text, first ? "" : ",");
        first = false;
        write_key(text, keel_element(pair, 0));
        write_term(text, keel_element(pair, 1), depth + 1);
    }
    kl_text_add(text, "}", 1);
    return true;
}

static void write_list(struct kl_text *text, keel_term list, int depth)
{
    keel_term item;
    bool first = true;
    kl_text_add(text, "[", 1);
    while (keel_list_next(&list, &item)) {
        kl_text_addz(text, first ? "" : ",");
        first = false;
        write_term(text, item, depth + 1);
    }
    kl_text_add(text, "]", 1);
}

static void write_atom(struct kl_text *text, keel_term atom)
{
    if (keel_is_bool(atom)) {
        kl_text_addz(text, keel_atom_name(atom));
    } else if (keel_is(atom, nil) || keel_is(atom, undefined)) {
        kl_text_addz(text, "null");
    } else {
        kl_json_string(text, keel_atom_name(atom), strlen(keel_atom_name(atom)));
    }
}

static void write_term(struct kl_text *text, keel_term term, int depth)
{
    keel_type type = keel_type_of(term);
    int64_t integer;
    if (type == KEEL_TYPE_ATOM) {
        write_atom(text, term);
    } else if (type == KEEL_TYPE_BINARY) {
        keel_bytes bytes = keel_to_bytes(term);
        kl_json_string(text, bytes.data, bytes.size);
    } else if (type == KEEL_TYPE_INTEGER) {
        if (keel_get_int(term, &integer)) {
            kl_text_print(text, "%" PRId64, integer);
        } else {
            kl_text_addz(text, keel_show(term));
        }
    } else if (type == KEEL_TYPE_FLOAT) {
        kl_text_print(text, "%.15g", keel_to_float(term));
    } else if (type == KEEL_TYPE_MAP && depth < DEEPEST) {
        write_map(text, term, depth);
    } else if ((type == KEEL_TYPE_LIST || type == KEEL_TYPE_NIL) && depth < DEEPEST) {
        write_list(text, term, depth);
    } else if (type != KEEL_TYPE_TUPLE || !write_pairs(text, term, depth)) {
        const char *shown = keel_show(term);
        kl_json_string(text, shown, strlen(shown));
    }
}

// --- reading ---

// How deep brackets nest; those in strings do not count.
static int depth_of(const char *text, size_t size)
{
    int depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t index = 0; index < size; index++) {
        char letter = text[index];
        if (in_string) {
            index += letter == '\\';
            in_string = letter != '"';
        } else if (letter == '"') {
            in_string = true;
        } else if (letter == '[' || letter == '{') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (letter == ']' || letter == '}') {
            depth--;
        }
    }
    return deepest;
}

static keel_term term_of(json_t *json);

static keel_term array_of(json_t *json)
{
    keel_term list = keel_nil();
    for (size_t left = json_array_size(json); left > 0; left--) {
        list = keel_cons(term_of(json_array_get(json, left - 1)), list);
    }
    return list;
}

static keel_term object_of(json_t *json)
{
    size_t size = json_object_size(json), at = 0;
    keel_term *terms = keel_alloc(2 * size * sizeof(*terms) + 1);
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        terms[at] = keel_string(key);
        terms[size + at++] = term_of(value);
    }
    keel_term map = keel_map(terms, terms + size, size);
    keel_free(terms);
    return map;
}

static keel_term term_of(json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return object_of(json);
    case JSON_ARRAY:
        return array_of(json);
    case JSON_STRING:
        return keel_binary(json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return keel_int(json_integer_value(json));
    case JSON_REAL:
        return keel_float(json_real_value(json));
    case JSON_TRUE:
        return keel_bool(true);
    case JSON_FALSE:
        return keel_bool(false);
    default:
        return keel_atom(nil);
    }
}

// Jansson's memory is not the process's: it must go even if building the terms ends it.
static void forget(void *json)
{
    json_decref(json);
}

keel_status keel_json_decode(
        const char *text, size_t size, keel_term *ret_term, keel_json_error *ret_error)
{
    if ((text == NULL && size > 0) || ret_term == NULL) {
        return KEEL_E_BADARG;
    }
    keel_json_error ignored;
    keel_json_error *error = ret_error != NULL ? ret_error : &ignored;
    *error = (keel_json_error){0};
    if (depth_of(text, size) > DEEPEST) {
        snprintf(error->text, sizeof(error->text), "deeper than %d levels", DEEPEST);
        return KEEL_E_TOO_DEEP;
    }
    json_error_t why;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (json == NULL) {
        error->line = why.line;
        error->column = why.column > 0 ? why.column : 0;
        snprintf(error->text, sizeof(error->text), "%.150s", why.text);
        return KEEL_E_SYNTAX;
    }
    bool deferred = keel_in_process() && keel_defer(forget, json) == KEEL_OK;
    *ret_term = term_of(json);
    if (deferred) {
        (void)keel_undefer(forget, json);
    }
    json_decref(json);
    return KEEL_OK;
}
