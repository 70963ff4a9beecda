// Texts that are not shown.

#include "base/base.h"
#include "value.h"
#include <keel/secret.h>
#include <string.h>

static const char type[] = "secret";

static void wipe(void *pointer)
{
    char *text = pointer;
    size_t bytes = strlen(text) + 1;
    explicit_bzero(text, bytes);
    kl_free(text, bytes);
}

keel_term keel_secret(const char *text)
{
    if (!text) {
        return KEEL_NONE;
    }
    size_t bytes = strlen(text) + 1;
    char *copy = kl_alloc(bytes);
    return copy != NULL ? keel_resource(type, memcpy(copy, text, bytes), wipe) : KEEL_NONE;
}

const char *keel_to_secret(keel_term term)
{
    return kl_is_kind(term, KL_KIND_RESOURCE) ? keel_to_pointer(term, type) : NULL;
}
