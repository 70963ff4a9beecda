#include "listener.h"
#include "text.h"

#include <keel/dynamic_supervisor.h>
#include <keel/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static keel_started start_endpoint(keel_term argument);

keel_child_spec keel_web_child_opt(
        const keel_web_endpoint *endpoint, const keel_web_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_web_opts){0};
    keel_term name = keel_is_none(opts->name) ? keel_atom(web) : opts->name;
    return (keel_child_spec){
            .id = name,
            .start = start_endpoint,
            .argument = keel_tuple_of(name, kl_listener_settings(endpoint, opts)),
            .type = KEEL_SUPERVISOR,
    };
}

// `web` and what belongs to it: web.pages, web.supervisor.
static keel_term name_of(keel_term name, const char *suffix)
{
    char text[300];
    keel_term atom = KEEL_NONE;
    int length = snprintf(text, sizeof(text), "%s.%s", keel_atom_name(name), suffix);
    if (keel_atom_from(text, (size_t)length, &atom) != KEEL_OK) {
        keel_error(keel_make("{badarg, {name, Name}}", name));
    }
    return atom;
}

static keel_started start_endpoint(keel_term argument)
{
    keel_term name = keel_element(argument, 0), settings = keel_element(argument, 1);
    keel_term pages = name_of(name, "pages");
    // Where a listener that is started anew finds the port of the one before it.
    keel_term port = keel_resource("web_port", calloc(1, sizeof(int)), free);
    // Pages stand on the listener's thread, and it starts them: both go together.
    keel_child_spec children[] = {
            keel_child_dynamic_supervisor(.name = pages),
            keel_child(&kl_listener, keel_tuple_of(settings, pages, port), .name = name),
    };
    return keel_supervisor_start_link(children, KEEL_COUNT(children),
            .strategy = KEEL_ONE_FOR_ALL, .name = name_of(name, "supervisor"));
}

int keel_web_port(keel_term name)
{
    keel_term port;
    return keel_call(name, keel_atom(port), &port) == KEEL_OK ? (int)keel_to_int(port) : 0;
}

bool keel_web_inspect(keel_term name, keel_web_stats *ret_stats)
{
    keel_term holder;
    if (keel_call(name, keel_atom(web), &holder) != KEEL_OK) {
        return false;
    }
    kl_listener_stats(keel_to_pointer(holder, "web"), ret_stats);
    return true;
}

void keel_web_stylesheet(
        keel_html *html, const keel_web_endpoint *endpoint, const char *path)
{
    if (html == NULL || endpoint == NULL || path == NULL) {
        return;
    }
    uint64_t version = 0;
    for (size_t index = 0; index < endpoint->asset_count; index++) {
        const keel_web_asset *asset = &endpoint->assets[index];
        if (strcmp(asset->path, path) == 0) {
            version = kl_text_hash(KL_HASH_BEGIN, asset->data, asset->size);
        }
    }
    keel_html_print(html, "<link rel=\"stylesheet\" href=\"%s?v=%llx\">", path,
            (unsigned long long)version);
}
