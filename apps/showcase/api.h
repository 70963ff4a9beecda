#ifndef SHOWCASE_API_H
#define SHOWCASE_API_H

#include "showcase.h"

// The pages as JSON: GET shows, POST and DELETE act. Bad input is a 400 that names the
// field and says why, what is not there a 404.

// A text field of a body: answers 400 and gives NULL when it is not there, empty, or longer
// than `most` bytes.
const char *api_text(
        keel_web_request *request, keel_term body, const char *field, size_t most);
// A whole number: answers 400 and gives false when it is none, or not within the bounds.
bool api_number(keel_web_request *request, keel_term body, const char *field, int64_t least,
        int64_t most, int64_t *ret_number);
// Milliseconds since 1970 as JSON readers expect them, "2026-11-21T04:00:00.000Z"; nil
// stays.
keel_term api_time(keel_term milliseconds);

void api_health(keel_web_request *request);

void api_jobs_list(keel_web_request *request);
void api_jobs_add(keel_web_request *request);
void api_jobs_show(keel_web_request *request);
void api_jobs_cancel(keel_web_request *request);

void api_tokens_list(keel_web_request *request);
void api_tokens_use(keel_web_request *request);
void api_tokens_check(keel_web_request *request);

void api_rooms_list(keel_web_request *request);
void api_rooms_create(keel_web_request *request);
void api_rooms_show(keel_web_request *request);
void api_rooms_say(keel_web_request *request);
void api_rooms_close(keel_web_request *request);

void api_services_list(keel_web_request *request);
void api_services_show(keel_web_request *request);
void api_services_add(keel_web_request *request);
void api_services_remove(keel_web_request *request);
void api_test_service(keel_web_request *request);
void api_test_service_switch(keel_web_request *request);

void api_patterns_show(keel_web_request *request);
void api_patterns_use(keel_web_request *request);

void api_tree_show(keel_web_request *request);
void api_tree_kill(keel_web_request *request);

#endif // SHOWCASE_API_H
