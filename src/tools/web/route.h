#ifndef KL_WEB_ROUTE_H
#define KL_WEB_ROUTE_H

#include <keel/web/endpoint.h>

// Which route answers a path. Pure functions.

// A route that matches method and path; NULL when there is none, then `*ret_path_known`
// tells whether another method would do. A view takes GET, HEAD and POST.
const keel_web_route *kl_route_find(const keel_web_endpoint *endpoint, const char *method,
        const char *path, bool *ret_path_known);
// The methods that a path takes, for the Allow header: "GET, POST".
void kl_route_allowed(
        const keel_web_endpoint *endpoint, const char *path, char *text, size_t size);
const keel_web_asset *kl_route_asset(const keel_web_endpoint *endpoint, const char *path);
// Copies the part of `path` that `:name` of `pattern` stands for; false when it has none.
bool kl_route_param(
        const char *pattern, const char *path, const char *name, char *value, size_t size);

#endif // KL_WEB_ROUTE_H
