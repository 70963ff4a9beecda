#include "api.h"

static keel_term none_is_nil(keel_term term)
{
    return keel_is(term, none) || keel_is_none(term) ? keel_atom(nil) : term;
}

static keel_term as_json(keel_term name, keel_term about)
{
    int64_t took;
    bool known = keel_get_int(keel_map_get(about, keel_atom(response_us)), &took);
    return keel_make("{[{name, Name}, {url, Url}, {status, Status}, {failures, Failures}, "
                     "{reason, Reason}, {response_ms, Took}, {last_check, Last}]}",
            name, keel_map_get(about, keel_atom(target)),
            keel_map_get(about, keel_atom(status)),
            keel_map_get(about, keel_atom(failures)),
            none_is_nil(keel_map_get(about, keel_atom(reason))),
            known ? keel_float((double)took / 1000) : keel_atom(nil),
            api_time(keel_map_get(about, keel_atom(last_check))));
}

static keel_term find(const char *name)
{
    keel_term services = services_list();
    return keel_is_map(services) ? keel_map_get(services, keel_string(name)) : KEEL_NONE;
}

void api_services_list(keel_web_request *request)
{
    keel_term services = services_list(), name, about, list = keel_nil();
    if (keel_is_none(services)) {
        keel_web_fail(request, 503, "the checker is being started anew");
        return;
    }
    for (size_t index = keel_map_size(services); index > 0; index--) {
        (void)keel_map_at(services, index - 1, &name, &about);
        list = keel_cons(as_json(name, about), list);
    }
    keel_web_reply_json(request, 200, keel_make("#{services => List}", list));
}

void api_services_show(keel_web_request *request)
{
    const char *name = keel_web_param(request, "name");
    keel_term about = find(name);
    if (keel_is_none(about)) {
        keel_web_fail(request, 404, "there is no such service");
    } else {
        keel_web_reply_json(request, 200, as_json(keel_string(name), about));
    }
}

void api_services_add(keel_web_request *request)
{
    keel_term body;
    const char *name, *url;
    if (!keel_web_json(request, &body) ||
            (name = api_text(request, body, "name", 60)) == NULL ||
            (url = api_text(request, body, "url", 500)) == NULL) {
        return;
    }
    keel_status status = services_add(name, url);
    if (status == KEEL_OK) {
        keel_term about = find(name);
        keel_web_reply_json(request, 201,
                keel_is_none(about) ? keel_make("#{name => Name, url => Url}", name, url)
                                    : as_json(keel_string(name), about));
    } else if (status == KEEL_E_TAKEN) {
        keel_web_fail(request, 409, "name: there is a service of that name");
    } else if (status == KEEL_E_BADARG) {
        keel_web_fail(request, 400, "url: must begin with http:// or https://");
    } else {
        keel_web_fail(request, 503, "the list of services is being started anew");
    }
}

void api_services_remove(keel_web_request *request)
{
    const char *name = keel_web_param(request, "name");
    keel_status status = services_remove(name);
    if (status == KEEL_OK) {
        keel_web_reply_json(request, 200, keel_make("#{removed => Name}", name));
    } else {
        keel_web_fail(request, 404, "there is no such service");
    }
}

// The service one can watch failing.
void api_test_service(keel_web_request *request)
{
    if (services_test_fails()) {
        keel_web_fail(request, 500, "told to fail");
    } else {
        keel_web_reply_json(request, 200, keel_make("#{status => ok}"));
    }
}

void api_test_service_switch(keel_web_request *request)
{
    keel_term body, fails;
    if (!keel_web_json(request, &body)) {
        return;
    }
    fails = keel_map_get(body, keel_string("fails"));
    if (!keel_is_bool(fails)) {
        keel_web_fail(request, 400, "fails: must be true or false");
        return;
    }
    services_set_test_fails(keel_to_bool(fails));
    keel_web_reply_json(request, 200, keel_make("#{fails => Fails}", fails));
}
