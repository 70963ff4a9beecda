#include "route.h"

#include <stdio.h>
#include <string.h>

// Goes through pattern and path part by part. With `name`, stops at the part it stands for,
// which `*ret_part` then is.
static bool match(const char *pattern, const char *path, const char *name,
        const char **ret_part, size_t *ret_size)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t wanted = strcspn(pattern, "/"), given = strcspn(path, "/");
        bool is_name = pattern[0] == ':';
        if (is_name && given == 0) {
            return false;
        }
        if (!is_name && (wanted != given || strncmp(pattern, path, given) != 0)) {
            return false;
        }
        if (is_name && name != NULL && strlen(name) == wanted - 1 &&
                strncmp(pattern + 1, name, wanted - 1) == 0) {
            *ret_part = path;
            *ret_size = given;
            return true;
        }
        pattern += wanted;
        path += given;
    }
    return name == NULL && *pattern == '\0' && *path == '\0';
}

static bool takes(const keel_web_route *route, const char *method)
{
    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    if (route->view != NULL) {
        return strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0;
    }
    return strcmp(route->method, method) == 0;
}

const keel_web_route *kl_route_find(const keel_web_endpoint *endpoint, const char *method,
        const char *path, bool *ret_path_known)
{
    *ret_path_known = false;
    for (size_t index = 0; index < endpoint->route_count; index++) {
        const keel_web_route *route = &endpoint->routes[index];
        if (match(route->path, path, NULL, NULL, NULL)) {
            *ret_path_known = true;
            if (takes(route, method)) {
                return route;
            }
        }
    }
    return NULL;
}

void kl_route_allowed(
        const keel_web_endpoint *endpoint, const char *path, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t index = 0; index < endpoint->route_count; index++) {
        const keel_web_route *route = &endpoint->routes[index];
        if (match(route->path, path, NULL, NULL, NULL)) {
            size_t length = strlen(text);
            snprintf(text + length, size - length, "%s%s", length > 0 ? ", " : "",
                    route->view != NULL ? "GET, POST" : route->method);
        }
    }
}

const keel_web_asset *kl_route_asset(const keel_web_endpoint *endpoint, const char *path)
{
    for (size_t index = 0; index < endpoint->asset_count; index++) {
        if (strcmp(endpoint->assets[index].path, path) == 0) {
            return &endpoint->assets[index];
        }
    }
    return NULL;
}

bool kl_route_param(
        const char *pattern, const char *path, const char *name, char *value, size_t size)
{
    const char *part = "";
    size_t length = 0;
    if (!match(pattern, path, name, &part, &length) || length >= size) {
        return false;
    }
    memcpy(value, part, length);
    value[length] = '\0';
    return true;
}
