#include "api.h"

static keel_term as_json(keel_term row)
{
    keel_term activated = keel_element(row, 3);
    int64_t since;
    bool used = keel_get_int(activated, &since);
    keel_term expires = used ? api_time(keel_int(since + tokens_lifetime()))
                             : keel_atom(nil);
    return keel_make("{[{id, Id}, {token, Token}, {status, Status}, {user, User}, "
                     "{activated_at, Activated}, {expires_at, Expires}]}",
            keel_element(row, 0), keel_element(row, 1), used ? "used" : "free",
            keel_element(row, 2), api_time(activated), expires);
}

static void fail(keel_web_request *request)
{
    keel_web_fail(request, 503, "the tokens are being started anew");
}

void api_tokens_list(keel_web_request *request)
{
    keel_term rows = tokens_list(), row, list = keel_nil();
    int64_t used = 0, unused = 0;
    if (keel_is_none(rows)) {
        fail(request);
        return;
    }
    while (keel_list_next(&rows, &row)) {
        bool is_used = keel_is_int(keel_element(row, 3));
        used += is_used;
        unused += !is_used;
        list = keel_cons(as_json(row), list);
    }
    keel_web_reply_json(request, 200,
            keel_make("{[{tokens, Tokens}, {stats, {[{used, Used}, {free, Free}]}}]}",
                    keel_list_reverse(list), used, unused));
}

void api_tokens_use(keel_web_request *request)
{
    keel_term body, token, before;
    const char *user;
    if (!keel_web_json(request, &body) ||
            (user = api_text(request, body, "user", 60)) == NULL) {
        return;
    }
    if (!keel_match(tokens_use(user), "{Token, Before}", &token, &before)) {
        fail(request);
        return;
    }
    keel_web_reply_json(request, 200,
            keel_make("{[{token, Token}, {id, Id}, {user, User}, {activated_at, At}, "
                      "{released_from, Before}]}",
                    keel_element(token, 1), keel_element(token, 0), user,
                    api_time(keel_element(token, 3)), before));
}

void api_tokens_check(keel_web_request *request)
{
    int64_t released = tokens_check();
    if (released < 0) {
        fail(request);
    } else {
        keel_web_reply_json(request, 200, keel_make("#{released => Released}", released));
    }
}
