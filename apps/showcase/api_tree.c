#include "api.h"

void api_tree_show(keel_web_request *request)
{
    keel_term tree = tree_get();
    if (keel_is_none(tree)) {
        keel_web_fail(request, 503, "the one that looks at the tree is being started anew");
    } else {
        keel_web_reply_json(request, 200, keel_make("#{tree => Tree}", tree));
    }
}

void api_tree_kill(keel_web_request *request)
{
    keel_term body;
    const char *key;
    if (!keel_web_json(request, &body) ||
            (key = api_text(request, body, "key", 20)) == NULL) {
        return;
    }
    keel_status status = tree_kill(key);
    if (status == KEEL_OK) {
        keel_web_reply_json(request, 200, keel_make("#{killed => Key}", key));
    } else if (status == KEEL_E_BADARG) {
        keel_web_fail(request, 400, "key: must be a key of GET /api/tree");
    } else {
        keel_web_fail(request, 404, "there is no such process in the tree");
    }
}
