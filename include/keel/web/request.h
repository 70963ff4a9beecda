#ifndef KEEL_WEB_REQUEST_H
#define KEEL_WEB_REQUEST_H

#include <keel/web/html.h>
#include <keel/web/json.h>

// One HTTP request, as the function of its route sees it. It runs in a process of its own:
// it may call servers and wait, and when it crashes the client gets a 500 and nobody else
// notices. Everything here is @thread process, in that process. Without a request, or with
// NULL where something must be, nothing happens, and what is asked is NULL, none or false.
//
//   static void show_job(keel_web_request *request)
//   {
//       keel_term job = find_job(keel_web_param(request, "id"));
//       if (keel_is_none(job)) {
//           keel_web_fail(request, 404, "there is no such job");
//       } else {
//           keel_web_reply_json(request, 200, job);
//       }
//   }

KEEL_BEGIN_DECLS

typedef struct keel_web_request keel_web_request;

// --- what was asked; results live as long as the process ---

KEEL_API const char *keel_web_method(const keel_web_request *request); ///< @since 0.1
KEEL_API const char *keel_web_path(const keel_web_request *request); ///< @since 0.1
/// The part of the path that `:name` of the route stands for; "" when it has none.
/// @thread process @since 0.1
KEEL_API const char *keel_web_param(const keel_web_request *request, const char *name);
/// A header: host, origin, cookie, content-type, accept, authorization, user-agent,
/// sec-fetch-site; NULL when it was not sent, and for others. @thread process @since 0.1
KEEL_API const char *keel_web_header(const keel_web_request *request, const char *name);
/// The body, whatever it is. @thread process @since 0.1
KEEL_API keel_bytes keel_web_body(const keel_web_request *request);
/// What stands behind the ?: a map of binaries to binaries. @thread process @since 0.1
KEEL_API keel_term keel_web_query(const keel_web_request *request);
/// The fields of the form that was sent: a map of binaries to binaries. @thread process
/// @since 0.1
KEEL_API keel_term keel_web_form(const keel_web_request *request);
/// The JSON object that was sent, a map with binaries as keys. When the body is something
/// else it answers 400 or 415, saying why, and returns false. @thread process @since 0.1
KEEL_API bool keel_web_json(keel_web_request *request, keel_term *ret_map);
/// The text under `key` in such a map, NUL-terminated; NULL when it is not there or no
/// binary. Lives as terms do. @thread process @since 0.1
KEEL_API const char *keel_web_value(keel_term map, const char *key);

// --- answering: once; a function that returns without gives a 500 ---

/// Adds a header to the answer to come. Line breaks in it are an error of the program.
/// @thread process @since 0.1
KEEL_API void keel_web_header_set(
        keel_web_request *request, const char *name, const char *value);
/// Answers. `data` is copied. @thread process @since 0.1
KEEL_API void keel_web_reply(keel_web_request *request, int status,
        const char *content_type, const void *data, size_t size);
KEEL_API void keel_web_reply_html(
        keel_web_request *request, int status, const keel_html *html); ///< @since 0.1
/// Answers with keel_json_encode(term). @thread process @since 0.1
KEEL_API void keel_web_reply_json(keel_web_request *request, int status, keel_term term);
/// Answers {"error": text}, made as by printf. With 503 a Retry-After of one second is
/// added unless another was set. @thread process @since 0.1
KEEL_API void keel_web_fail(keel_web_request *request, int status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/// Answers 303: the browser goes to `path`, on this server. @thread process @since 0.1
KEEL_API void keel_web_redirect(keel_web_request *request, const char *path);
/// True when an answer was given. @thread process @since 0.1
KEEL_API bool keel_web_answered(const keel_web_request *request);

KEEL_END_DECLS

#endif // KEEL_WEB_REQUEST_H
