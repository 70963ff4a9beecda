// Settings from elsewhere: configuration files and the environment of the program.

#include "application.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 << 20, FILES_DEEP_MAX = 10, PATH_BYTES_MAX = 4096 };

// --- lists of settings ---

static keel_term put_pair(keel_term list, keel_term pair)
{
    keel_term result = keel_nil();
    keel_term item;
    bool found = false;
    while (keel_list_next(&list, &item)) {
        if (keel_equal(keel_element(item, 0), keel_element(pair, 0))) {
            item = pair;
            found = true;
        }
        result = keel_cons(item, result);
    }
    result = found ? result : keel_cons(pair, result);
    return keel_list_reverse(result);
}

static keel_term put_pairs(keel_term list, keel_term pairs)
{
    keel_term pair;
    while (keel_list_next(&pairs, &pair)) {
        list = put_pair(list, pair);
    }
    return list;
}

keel_term kl_app_merge(keel_term list, keel_term over)
{
    keel_term entry;
    while (keel_list_next(&over, &entry)) {
        keel_term name = keel_element(entry, 0);
        keel_term old = keel_proplist_get(list, name);
        keel_term pairs = put_pairs(
                keel_is_none(old) ? keel_nil() : old, keel_element(entry, 1));
        list = put_pair(list, keel_tuple_of(name, pairs));
    }
    return list;
}

keel_term kl_app_without(keel_term list, keel_term key)
{
    keel_term result = keel_nil();
    keel_term pair;
    while (keel_list_next(&list, &pair)) {
        if (!keel_equal(keel_element(pair, 0), key)) {
            result = keel_cons(pair, result);
        }
    }
    return keel_list_reverse(result);
}

static keel_term wrong_pairs(keel_term name, keel_term pairs)
{
    keel_term seen = keel_nil();
    keel_term pair = KEEL_NONE;
    size_t length;
    if (!keel_list_length(pairs, &length)) {
        return keel_format(
                "the settings of %s are no list: %s", keel_show(name), keel_show(pairs));
    }
    while (keel_list_next(&pairs, &pair)) {
        keel_term key = keel_element(pair, 0);
        if (keel_tuple_size(pair) != 2) {
            return keel_format("a setting of %s is no {Key, Value}: %s", keel_show(name),
                    keel_show(pair));
        }
        if (!keel_is_atom(key)) {
            return keel_format(
                    "a key of %s is no atom: %s", keel_show(name), keel_show(key));
        }
        if (keel_list_member(key, seen)) {
            return keel_format("duplicate key of %s: %s", keel_show(name), keel_show(key));
        }
        seen = keel_cons(key, seen);
    }
    return KEEL_NONE;
}

keel_term kl_app_config_wrong(keel_term config)
{
    keel_term seen = keel_nil();
    keel_term entry = KEEL_NONE;
    size_t length;
    if (!keel_list_length(config, &length)) {
        return keel_format("not a list of applications: %s", keel_show(config));
    }
    while (keel_list_next(&config, &entry)) {
        keel_term name = keel_element(entry, 0);
        if (keel_tuple_size(entry) != 2) {
            return keel_format("not {Application, Settings}: %s", keel_show(entry));
        }
        if (!keel_is_atom(name)) {
            return keel_format(
                    "the name of an application is no atom: %s", keel_show(name));
        }
        if (keel_list_member(name, seen)) {
            return keel_format("duplicate application: %s", keel_show(name));
        }
        keel_term why = wrong_pairs(name, keel_element(entry, 1));
        if (!keel_is_none(why)) {
            return why;
        }
        seen = keel_cons(name, seen);
    }
    return KEEL_NONE;
}

// --- text from outside ---

static keel_term guessed(const char *text)
{
    keel_term term = KEEL_NONE;
    bool parsed = keel_parse(text, strlen(text), &term, NULL) == KEEL_OK;
    bool plain = parsed && (keel_is_int(term) || keel_is_float(term) || keel_is_bool(term));
    return plain ? term : keel_string(text);
}

static bool is_number(keel_term term)
{
    return keel_is_int(term) || keel_is_float(term);
}

keel_term kl_app_value_of_text(const char *text, keel_term old)
{
    keel_term term = KEEL_NONE;
    switch (keel_type_of(old)) {
    case KEEL_TYPE_BINARY:
        return keel_string(text);
    case KEEL_TYPE_ATOM:
        if (!keel_is_bool(old)) {
            return keel_atom_from(text, strlen(text), &term) == KEEL_OK ? term : KEEL_NONE;
        }
        term = guessed(text);
        return keel_is_bool(term) ? term : KEEL_NONE;
    case KEEL_TYPE_NONE:
        return guessed(text);
    default:
        break;
    }
    if (keel_parse(text, strlen(text), &term, NULL) == KEEL_OK &&
            (keel_type_of(term) == keel_type_of(old) ||
                    (is_number(term) && is_number(old)))) {
        return term;
    }
    return keel_is_list(old) ? keel_charlist(text) : KEEL_NONE;
}

keel_status keel_application_put_env_text(keel_term name, keel_term key, const char *text)
{
    if (text == NULL) {
        return KEEL_E_BADARG;
    }
    keel_term old = keel_application_get_env(name, key, KEEL_NONE);
    keel_term value = kl_app_value_of_text(text, old);
    return keel_is_none(value) ? KEEL_E_BADARG : keel_application_put_env(name, key, value);
}

// The name of the variable that may override `key` of `name`: both in capitals, with _
// between.
static void name_variable(char *text, size_t size, keel_term name, keel_term key)
{
    snprintf(text, size, "%s_%s", keel_atom_name(name), keel_atom_name(key));
    for (char *at = text; *at != '\0'; at++) {
        *at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at) : '_';
    }
}

keel_term kl_app_env_at_load(
        keel_term name, keel_term env, keel_term config, keel_term *ret_why)
{
    keel_term over = keel_proplist_get(config, name);
    env = keel_is_none(over) ? env : put_pairs(env, over);
    keel_term pairs = env;
    keel_term pair;
    while (keel_list_next(&pairs, &pair)) {
        keel_term key = keel_element(pair, 0);
        char variable[1024];
        name_variable(variable, sizeof variable, name, key);
        const char *text = getenv(variable);
        if (text != NULL) {
            keel_term value = kl_app_value_of_text(text, keel_element(pair, 1));
            if (keel_is_none(value)) {
                *ret_why = keel_format("the variable %s=%s takes the place of %s and is "
                                       "of another kind",
                        variable, text, keel_show(pair));
                return KEEL_NONE;
            }
            env = put_pair(env, keel_tuple_of(key, value));
        }
    }
    return env;
}

// --- files ---

static keel_status read_descriptor(int fd, char **ret_text, size_t *ret_size)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        return -errno;
    }
    if (stat.st_size > FILE_BYTES_MAX) {
        return KEEL_E_TOO_LARGE;
    }
    size_t size = (size_t)stat.st_size;
    char *text = kl_alloc(size + 1);
    if (text == NULL) {
        return KEEL_E_NOMEM;
    }
    size_t used = 0;
    ssize_t got = 1;
    while (used < size && got > 0) {
        got = read(fd, text + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        keel_status status = -errno;
        kl_free(text, size + 1);
        return status;
    }
    text[used] = '\0';
    *ret_text = text;
    *ret_size = used;
    return KEEL_OK;
}

static keel_status parse_file(const char *path, keel_term *ret_term, keel_term *ret_why)
{
    char *text = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    keel_status status = fd < 0 ? -errno : read_descriptor(fd, &text, &size);
    size_t reserved = fd < 0 || status != KEEL_OK ? 0 : size;
    if (fd >= 0) {
        close(fd);
    }
    if (status != KEEL_OK) {
        *ret_why = keel_format("%s: %s", path, keel_status_text(status));
        return status;
    }
    keel_parse_error error = {0};
    size_t offset = 0;
    status = keel_parse_next(text, size, &offset, ret_term, &error);
    if (status != KEEL_OK) {
        *ret_why = keel_format(
                "%s:%u:%u: %s", path, error.line, error.column, error.message);
    } else if (keel_is_none(*ret_term)) {
        *ret_why = keel_format("%s: there is no term in it", path);
        status = KEEL_E_SYNTAX;
    }
    kl_free(text, reserved + 1);
    return status;
}

// A name as text: a binary or a list of characters. False when it is neither.
static bool text_of(keel_term term, char *buffer, size_t size)
{
    keel_bytes bytes = keel_to_bytes(term);
    size_t used = 0;
    if (keel_is_binary(term) && bytes.size < size) {
        memcpy(buffer, bytes.data, bytes.size);
        buffer[bytes.size] = '\0';
        return true;
    }
    keel_term item;
    bool good = keel_is_list(term) && !keel_is_nil(term);
    while (good && keel_list_next(&term, &item)) {
        int64_t code = keel_to_int(item);
        good = code > 0 && code < 128 && used + 1 < size;
        buffer[used++] = (char)code;
    }
    buffer[used < size ? used : 0] = '\0';
    return good;
}

static keel_status read_config(
        const char *path, int depth, keel_term *config, keel_term *ret_why);

// A string in a file: the name of a further one, looked for beside the first. Its name may
// be long and a process's stack is small.
static keel_status read_further(
        const char *path, int depth, keel_term entry, keel_term *config, keel_term *ret_why)
{
    char *other = keel_alloc(PATH_BYTES_MAX);
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    keel_status status = KEEL_E_BADARG;
    if (other == NULL || folder >= PATH_BYTES_MAX) {
        keel_free(other);
        return other == NULL ? KEEL_E_NOMEM : KEEL_E_TOO_LARGE;
    }
    memcpy(other, path, folder);
    if (!text_of(entry, other + folder, PATH_BYTES_MAX - folder)) {
        *ret_why = keel_format("%s: no name of a file: %s", path, keel_show(entry));
    } else if (depth == FILES_DEEP_MAX) {
        *ret_why = keel_format("%s: files that name each other", path);
        status = KEEL_E_TOO_DEEP;
    } else {
        const char *name = other[folder] == '/' ? other + folder : other;
        status = read_config(name, depth + 1, config, ret_why);
    }
    keel_free(other);
    return status;
}

// Merges what the file says into *config.
static keel_status read_config(
        const char *path, int depth, keel_term *config, keel_term *ret_why)
{
    keel_term list = KEEL_NONE;
    keel_status status = parse_file(path, &list, ret_why);
    keel_term entry = KEEL_NONE;
    while (status == KEEL_OK && keel_list_next(&list, &entry)) {
        keel_term why = KEEL_NONE;
        if (!keel_is_tuple(entry)) {
            status = read_further(path, depth, entry, config, ret_why);
        } else if (why = kl_app_config_wrong(keel_list_of(entry)), keel_is_none(why)) {
            *config = kl_app_merge(*config, keel_list_of(entry));
        } else {
            keel_bytes text = keel_to_bytes(why);
            *ret_why = keel_format(
                    "%s: %.*s", path, (int)text.size, (const char *)text.data);
            status = KEEL_E_BADARG;
        }
    }
    if (status == KEEL_OK && !keel_is_nil(list)) {
        *ret_why = keel_format("%s: not a list of applications", path);
        status = KEEL_E_BADARG;
    }
    return status;
}

keel_status keel_application_configure(keel_term config, keel_term *ret_why)
{
    keel_term why = kl_app_config_wrong(config);
    if (keel_is_none(why)) {
        return kl_app_request(keel_tuple_of(keel_atom(configure), config), ret_why);
    }
    if (ret_why != NULL) {
        *ret_why = why;
    }
    return KEEL_E_BADARG;
}

keel_status keel_application_configure_file(const char *path, keel_term *ret_why)
{
    keel_term unwanted = KEEL_NONE;
    keel_term config = keel_nil();
    ret_why = ret_why != NULL ? ret_why : &unwanted;
    if (path == NULL) {
        return KEEL_E_BADARG;
    }
    keel_status status = read_config(path, 0, &config, ret_why);
    return status == KEEL_OK ? keel_application_configure(config, ret_why) : status;
}
