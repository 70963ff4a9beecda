#ifndef KL_WEB_JSON_H
#define KL_WEB_JSON_H

#include "text.h"

#include <keel/web/json.h>

// Writes `size` bytes as a JSON string; what is no UTF-8 is replaced.
void kl_json_string(struct kl_text *text, const void *data, size_t size);

#endif // KL_WEB_JSON_H
