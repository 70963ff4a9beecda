#include "route.h"

#include "testing/harness.h"

static void nothing(keel_web_request *request)
{
    (void)request;
}

static const keel_live_view view = {.name = "view"};
static const keel_web_route routes[] = {
        {"GET", "/", nothing, NULL},
        {"GET", "/jobs/:id", nothing, NULL},
        {"DELETE", "/jobs/:id", nothing, NULL},
        {"POST", "/rooms/:room/messages/:number", nothing, NULL},
        {.path = "/jobs", .view = &view},
};
static const keel_web_endpoint endpoint = {
        .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};

static int found(const char *method, const char *path)
{
    bool known;
    const keel_web_route *route = kl_route_find(&endpoint, method, path, &known);
    return route != NULL ? (int)(route - routes) : known ? -2 : -1;
}

TEST("a path finds its route by method and parts")
{
    CHECK_INT(found("GET", "/"), 0);
    CHECK_INT(found("GET", "/jobs/7"), 1);
    CHECK_INT(found("HEAD", "/jobs/7"), 1);
    CHECK_INT(found("DELETE", "/jobs/7"), 2);
    CHECK_INT(found("POST", "/rooms/a/messages/1"), 3);
    CHECK_INT(found("POST", "/jobs"), 4);
    CHECK_INT(found("PUT", "/jobs"), -2);
    CHECK_INT(found("POST", "/jobs/7"), -2);
}

TEST("what is nearly a path is none")
{
    CHECK_INT(found("GET", ""), -1);
    CHECK_INT(found("GET", "jobs"), -1);
    CHECK_INT(found("GET", "/jobs/"), -1);
    CHECK_INT(found("GET", "/jobs//"), -1);
    CHECK_INT(found("GET", "/jobs/7/8"), -1);
    CHECK_INT(found("GET", "/job"), -1);
    CHECK_INT(found("GET", "//"), -1);
}

TEST("a part of a path is found by its name")
{
    char value[8];
    CHECK(kl_route_param("/rooms/:room/messages/:number", "/rooms/lobby/messages/12",
            "number", value, sizeof(value)));
    CHECK_STR(value, "12");
    CHECK(!kl_route_param("/jobs/:id", "/jobs/7", "i", value, sizeof(value)));
    CHECK(!kl_route_param("/jobs/:id", "/jobs/12345678", "id", value, sizeof(value)));
}

TEST("the methods of a path are told")
{
    char text[64];
    kl_route_allowed(&endpoint, "/jobs/7", text, sizeof(text));
    CHECK_STR(text, "GET, DELETE");
    kl_route_allowed(&endpoint, "/jobs", text, sizeof(text));
    CHECK_STR(text, "GET, POST");
}
