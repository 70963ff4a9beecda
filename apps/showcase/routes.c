#include "api.h"

static void go_home(keel_web_request *request)
{
    keel_web_redirect(request, "/jobs");
}

static const keel_web_route routes[] = {
        {"GET", "/", go_home, NULL},
        {"GET", "/health", api_health, NULL},
        {"GET", "/metrics", keel_web_metrics, NULL},
        {.path = "/jobs", .view = &jobs_page},
        {"GET", "/api/jobs", api_jobs_list, NULL},
        {"POST", "/api/jobs", api_jobs_add, NULL},
        {"GET", "/api/jobs/:id", api_jobs_show, NULL},
        {"DELETE", "/api/jobs/:id", api_jobs_cancel, NULL},
        {.path = "/services", .view = &services_page},
        {"GET", "/api/services", api_services_list, NULL},
        {"POST", "/api/services", api_services_add, NULL},
        {"GET", "/api/services/:name", api_services_show, NULL},
        {"DELETE", "/api/services/:name", api_services_remove, NULL},
        {"GET", "/test-service", api_test_service, NULL},
        {"POST", "/api/test-service", api_test_service_switch, NULL},
        {.path = "/tokens", .view = &tokens_page},
        {"GET", "/api/tokens", api_tokens_list, NULL},
        {"POST", "/api/tokens/use", api_tokens_use, NULL},
        {"POST", "/api/tokens/check", api_tokens_check, NULL},
        {.path = "/rooms", .view = &rooms_page},
        {"GET", "/api/rooms", api_rooms_list, NULL},
        {"POST", "/api/rooms", api_rooms_create, NULL},
        {"GET", "/api/rooms/:id", api_rooms_show, NULL},
        {"DELETE", "/api/rooms/:id", api_rooms_close, NULL},
        {"POST", "/api/rooms/:id/messages", api_rooms_say, NULL},
        {.path = "/patterns", .view = &patterns_page},
        {"GET", "/api/patterns", api_patterns_show, NULL},
        {"POST", "/api/patterns/:pattern", api_patterns_use, NULL},
        {.path = "/tree", .view = &tree_page},
        {"GET", "/api/tree", api_tree_show, NULL},
        {"POST", "/api/tree/kill", api_tree_kill, NULL},
};

const keel_web_endpoint showcase_endpoint = {
        .routes = routes,
        .route_count = KEEL_COUNT(routes),
        .assets = showcase_assets,
        .asset_count = KEEL_COUNT(showcase_assets),
        .head = layout_head,
        .header = layout_header,
        .footer = layout_footer,
};
