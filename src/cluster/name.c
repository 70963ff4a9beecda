#include "name.h"
#include <string.h>

bool kl_node_name_parse(const char *text, size_t size, struct kl_node_name *ret_name)
{
    if (size > KL_NODE_NAME_MAX) {
        return false;
    }

    size_t at_sign = size;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '!' || text[i] > '~') {
            return false;
        }
        if (text[i] == '@') {
            if (at_sign < size) {
                return false;
            }
            at_sign = i;
        }
    }
    if (at_sign == 0 || at_sign + 1 >= size) {
        return false;
    }

    *ret_name = (struct kl_node_name){
            .alive = text,
            .alive_size = at_sign,
            .host = text + at_sign + 1,
            .host_size = size - at_sign - 1,
    };
    return true;
}

// Not isalnum(): that depends on the host's locale.
static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool consists_of(const char *text, size_t size, const char *besides)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_alphanumeric(text[i]) && !strchr(besides, text[i])) {
            return false;
        }
    }
    return true;
}

bool kl_node_name_parse_own(const char *text, struct kl_node_name *ret_name)
{
    struct kl_node_name name;
    if (!kl_node_name_parse(text, strnlen(text, KL_NODE_NAME_MAX + 1), &name) ||
            !consists_of(name.alive, name.alive_size, "_-") ||
            !consists_of(name.host, name.host_size, "._-:")) {
        return false;
    }
    *ret_name = name;
    return true;
}

bool kl_node_name_is_long(const struct kl_node_name *name)
{
    return memchr(name->host, '.', name->host_size) ||
           memchr(name->host, ':', name->host_size);
}
