#include <keel/parts/retry.h>

// An attempt as keel_try runs it.
struct attempt {
    keel_retry_function fn;
    void *context;
    keel_status status;
};

static keel_status attempt(keel_retry_function fn, const keel_retry_opts *opts);

keel_duration keel_backoff_delay(const keel_backoff *backoff, unsigned failures)
{
    keel_backoff chosen = backoff == NULL ? (keel_backoff){0} : *backoff;
    double factor = chosen.factor < 1 ? 2 : chosen.factor;
    keel_duration most = chosen.most <= 0 ? KEEL_SECONDS(30) : chosen.most;
    double delay = (double)(chosen.first <= 0 ? KEEL_MS(100) : chosen.first);
    for (unsigned i = 1; i < failures && delay < (double)most; i++) {
        delay *= factor;
    }
    keel_duration whole = delay < (double)most ? (keel_duration)delay : most;
    if (chosen.exact) {
        return whole;
    }
    keel_duration half = whole / 2;
    return whole - (keel_duration)(keel_random() % (uint64_t)(half + 1));
}

keel_status keel_retry_opt(keel_retry_function fn, const keel_retry_opts *opts)
{
    if (fn == NULL) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    unsigned attempts = opts->attempts == 0 ? 3 : opts->attempts;
    keel_deadline deadline = opts->timeout == 0 ? KEEL_NEVER : KEEL_IN(opts->timeout);
    for (unsigned i = 1;; i += i < attempts) {
        keel_status status = attempt(fn, opts);
        bool again = status != KEEL_OK && (i < attempts || attempts == UINT32_MAX) &&
                     (opts->retry_if == NULL || opts->retry_if(status, opts->context));
        keel_duration wait = again ? keel_backoff_delay(&opts->backoff, i) : 0;
        if (!again || KEEL_IN(wait).at > deadline.at) {
            return status;
        }
        if (opts->failed != NULL) {
            opts->failed(status, i, wait, opts->context);
        }
        keel_sleep(wait);
    }
}

static void run(void *at)
{
    struct attempt *this = at;
    this->status = this->fn(this->context);
}

static keel_status attempt(keel_retry_function fn, const keel_retry_opts *opts)
{
    if (!opts->catch_exits) {
        return fn(opts->context);
    }
    struct attempt this = {.fn = fn, .context = opts->context};
    keel_term reason;
    keel_status status = keel_try(run, &this, &reason);
    return status == KEEL_OK ? this.status : status;
}
