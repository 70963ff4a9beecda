// The default probe of health checkers, on libcurl: its sockets lie in an epoll set of
// their own, whose one descriptor the process waits for.

#include <keel/io.h>
#include <keel/parts/health.h>

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct get {
    CURLM *multi;
    CURL *easy;
    char *url;
    int set; // of the sockets; -1: none
    keel_deadline timer; // when libcurl wants to be called
    char error[CURL_ERROR_SIZE];
};

static bool prepare(struct get *get, keel_bytes url, keel_duration timeout);
static CURLcode perform(struct get *get);
static void clean_up(void *get);

keel_status keel_health_http(keel_term url, keel_duration timeout, keel_term *ret_reason)
{
    keel_term unwanted;
    ret_reason = ret_reason != NULL ? ret_reason : &unwanted;
    keel_bytes bytes = keel_to_bytes(url);
    struct get *get = calloc(1, sizeof *get);
    if (get == NULL) {
        return KEEL_E_NOMEM;
    }
    get->set = -1;
    keel_defer(clean_up, get); // a check that takes too long is killed
    CURLcode code = bytes.data == NULL || memchr(bytes.data, 0, bytes.size) != NULL
                            ? CURLE_URL_MALFORMAT
                    : prepare(get, bytes, timeout) ? perform(get)
                                                   : CURLE_OUT_OF_MEMORY;
    long answer = 0;
    keel_status status = KEEL_E_NODEDOWN;
    if (code == CURLE_OK) {
        curl_easy_getinfo(get->easy, CURLINFO_RESPONSE_CODE, &answer);
        status = answer == 200 ? KEEL_OK : KEEL_E_REFUSED;
        *ret_reason = keel_make("{bad_status, Code}", answer);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        status = KEEL_E_TIMEOUT;
        *ret_reason = keel_atom(timeout);
    } else {
        const char *text = get->error[0] != '\0' ? get->error : curl_easy_strerror(code);
        *ret_reason = keel_string(text);
    }
    keel_undefer(clean_up, get);
    clean_up(get);
    return status;
}

static void clean_up(void *context)
{
    struct get *get = context;
    if (get->multi != NULL && get->easy != NULL) {
        curl_multi_remove_handle(get->multi, get->easy);
    }
    curl_easy_cleanup(get->easy);
    if (get->multi != NULL) {
        curl_multi_cleanup(get->multi);
    }
    if (get->set >= 0) {
        close(get->set);
    }
    free(get->url);
    free(get);
}

// --- libcurl's callbacks ---

static int watch(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    (void)easy;
    struct get *get = context;
    struct epoll_event event = {
            .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
                      (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
            .data.fd = fd,
    };
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(get->set, EPOLL_CTL_DEL, fd, NULL);
    } else if (known != NULL) {
        epoll_ctl(get->set, EPOLL_CTL_MOD, fd, &event);
    } else {
        epoll_ctl(get->set, EPOLL_CTL_ADD, fd, &event);
        curl_multi_assign(get->multi, fd, get);
    }
    return 0;
}

static int set_timer(CURLM *multi, long milliseconds, void *context)
{
    (void)multi;
    struct get *get = context;
    get->timer = milliseconds < 0 ? KEEL_NEVER : KEEL_IN(KEEL_MS(milliseconds));
    return 0;
}

static size_t ignore(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

// --- a request ---

static void init_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool prepare(struct get *get, keel_bytes url, keel_duration timeout)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    get->url = strndup((const char *)url.data, url.size);
    get->multi = curl_multi_init();
    get->easy = curl_easy_init();
    get->set = epoll_create1(EPOLL_CLOEXEC);
    if (get->url == NULL || get->multi == NULL || get->easy == NULL || get->set < 0) {
        return false;
    }
    long milliseconds = (long)(timeout / KEEL_MS(1));
    curl_multi_setopt(get->multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(get->multi, CURLMOPT_SOCKETDATA, get);
    curl_multi_setopt(get->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(get->multi, CURLMOPT_TIMERDATA, get);
    curl_easy_setopt(get->easy, CURLOPT_URL, get->url);
    curl_easy_setopt(get->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(get->easy, CURLOPT_NOSIGNAL, 1L); // signals are not ours to handle
    curl_easy_setopt(get->easy, CURLOPT_TIMEOUT_MS, milliseconds < 1 ? 1 : milliseconds);
    curl_easy_setopt(get->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(get->easy, CURLOPT_USERAGENT, "keel");
    curl_easy_setopt(get->easy, CURLOPT_ERRORBUFFER, get->error);
    curl_easy_setopt(get->easy, CURLOPT_WRITEFUNCTION, ignore);
    return curl_multi_add_handle(get->multi, get->easy) == CURLM_OK;
}

// Waits for what libcurl waits for and tells it; the number of transfers that still run.
static int step(struct get *get)
{
    enum { AT_ONCE = 8 };
    struct epoll_event events[AT_ONCE];
    int running = 1;
    keel_status status = keel_wait_fd(get->set, KEEL_READABLE, get->timer, NULL);
    int count = status == KEEL_OK ? epoll_wait(get->set, events, AT_ONCE, 0) : 0;
    for (int i = 0; i < count; i++) {
        unsigned seen = events[i].events;
        int what = (seen & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (seen & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (seen & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(get->multi, events[i].data.fd, what, &running);
    }
    if (count <= 0) {
        get->timer = KEEL_NEVER; // libcurl sets it again when it wants to
        curl_multi_socket_action(get->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    return running;
}

static CURLcode perform(struct get *get)
{
    while (step(get) > 0) {
        // libcurl ends it when its time is over
    }
    int left;
    CURLMsg *message = curl_multi_info_read(get->multi, &left);
    return message != NULL ? message->data.result : CURLE_GOT_NOTHING;
}
