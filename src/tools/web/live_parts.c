#include "json.h"
#include "live.h"

#include <keel/process.h>
#include <string.h>

// Where a part stood in what is shown; pages change little, so it mostly is where the last
// one was found.
static const struct kl_shown_part *find(
        const struct kl_shown *shown, uint64_t key, uint32_t *hint)
{
    for (uint32_t step = 0; step < shown->count; step++) {
        uint32_t index = (*hint + step) % shown->count;
        if (shown->parts[index].key == key) {
            *hint = index + 1;
            return &shown->parts[index];
        }
    }
    return NULL;
}

static void remember(struct kl_shown *shown, const keel_html *html)
{
    keel_free(shown->parts);
    shown->parts = keel_alloc(html->count * sizeof(*shown->parts) + 1);
    shown->count = html->count;
    for (uint32_t index = 0; index < html->count; index++) {
        shown->parts[index] = (struct kl_shown_part){
                html->parts[index].key, html->parts[index].own};
    }
}

static void write_part(
        struct kl_text *json, const keel_html *html, const struct kl_part *part, bool first)
{
    kl_text_addz(json, first ? "{" : ",");
    kl_json_string(json, html->text.data + part->id, part->id_size);
    kl_text_addz(json, ":");
    kl_json_string(json, html->text.data + part->begin, part->end - part->begin);
}

uint32_t kl_live_parts(struct kl_shown *shown, const keel_html *html, struct kl_text *json)
{
    uint32_t written = 0, hint = 0;
    size_t covered = 0; // up to here the document is in what was written
    // The first part is the page itself.
    bool everything = shown->count == 0 || html->count == 0 ||
                      shown->parts[0].key != html->parts[0].key ||
                      shown->parts[0].own != html->parts[0].own;
    for (uint32_t index = 1; index < html->count && !everything; index++) {
        const struct kl_part *part = &html->parts[index];
        if (part->begin < covered) {
            continue;
        }
        const struct kl_shown_part *before = find(shown, part->key, &hint);
        if (before == NULL || before->own != part->own) {
            write_part(json, html, part, written++ == 0);
            covered = part->end;
        }
    }
    if (written > 0) {
        kl_text_addz(json, "}");
    }
    remember(shown, html);
    return everything ? KL_EVERYTHING : written;
}
