#include "showcase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 100 // jobs on the page
#define LONGEST_S 3600

static const char *const states[] = {
        "pending", "processing", "completed", "failed", "cancelled"};

struct jobs_view {
    keel_term jobs, stats; // as the queue told last
    char status[16]; // shown alone; "": all
    bool source; // the tab
    bool stale; // something has changed since
    bool away; // the queue does not answer
};

static void load(struct jobs_view *view)
{
    keel_term jobs, stats;
    keel_status status = jobs_list(
            view->status[0] != '\0' ? view->status : NULL, SHOWN, &jobs);
    if (status == KEEL_OK) {
        status = jobs_stats(&stats);
    }
    view->away = status != KEEL_OK;
    view->stale = view->away;
    if (!view->away) {
        keel_set(&view->jobs, jobs);
        keel_set(&view->stats, stats);
    }
}

static void mount(keel_live *page, void *state)
{
    struct jobs_view *view = state;
    keel_set(&view->jobs, keel_nil());
    keel_set(&view->stats, keel_map(NULL, NULL, 0));
    if (keel_live_connected(page)) {
        keel_pubsub_subscribe(EVENTS, jobs_topic());
        // A queue that was killed tells nobody that it is back.
        (void)keel_send_interval(
                KEEL_SECONDS(1), keel_from_pid(keel_self()), keel_atom(second), NULL);
    }
}

static void handle_params(keel_live *page, keel_term query, void *state)
{
    struct jobs_view *view = state;
    const char *status = keel_web_value(query, "status"),
               *tab = keel_web_value(query, "tab");
    (void)page;
    view->status[0] = '\0';
    for (size_t index = 0; status != NULL && index < KEEL_COUNT(states); index++) {
        if (strcmp(status, states[index]) == 0) {
            snprintf(view->status, sizeof(view->status), "%s", status);
        }
    }
    view->source = tab != NULL && strcmp(tab, "source") == 0;
    load(view);
}

static void add(keel_live *page, keel_term values)
{
    const char *name = keel_web_value(values, "name");
    const char *seconds = keel_web_value(values, "seconds");
    char *end = NULL;
    double duration = seconds != NULL ? strtod(seconds, &end) : -1;
    if (name == NULL || name[0] == '\0' || strlen(name) > 200) {
        keel_live_notice(page, "error", "A job has a name of 1 to 200 letters.");
    } else if (end == seconds || *end != '\0' ||
               !(duration >= 0 && duration <= LONGEST_S)) {
        keel_live_notice(page, "error", "A job takes 0 to %d seconds.", LONGEST_S);
    } else {
        keel_status status = jobs_add(name, (int64_t)(duration * 1000), NULL);
        if (status != KEEL_OK) {
            keel_live_notice(page, "error", "Not accepted: %s.", keel_status_text(status));
        }
    }
}

static void cancel(keel_live *page, const char *id)
{
    keel_term reason;
    if (id != NULL && jobs_cancel(strtoll(id, NULL, 10), &reason) == KEEL_E_REFUSED) {
        keel_live_notice(page, "info", "Job %s has finished already.", id);
    }
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    if (strcmp(event, "add") == 0) {
        add(page, values);
    } else if (strcmp(event, "cancel") == 0) {
        cancel(page, keel_web_value(values, "id"));
    }
    load(state);
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    struct jobs_view *view = state;
    (void)page;
    view->stale = view->stale || !keel_is(message, second) || view->away;
}

// --- showing ---

static void render_tabs(keel_html *html, const struct jobs_view *view)
{
    keel_html_print(html,
            "<div class=\"tabs\"><a data-live-patch href=\"/jobs\"%s>Queue</a>"
            "<a data-live-patch href=\"/jobs?tab=source\"%s>Source of the server</a></div>",
            view->source ? "" : " aria-current=true",
            view->source ? " aria-current=true" : "");
}

static void render_stats(keel_html *html, const struct jobs_view *view)
{
    static const char *const labels[] = {
            "pending", "processing", "completed", "failed", "cancelled"};
    keel_html_begin(html, "ul", "class=\"stats\" aria-label=\"Filter by status\"", "stats");
    for (size_t index = 0; index < KEEL_COUNT(states); index++) {
        keel_term key = KEEL_NONE;
        (void)!keel_atom_existing(states[index], strlen(states[index]), &key);
        bool chosen = strcmp(view->status, states[index]) == 0;
        keel_html_print(html,
                "<li><a data-live-patch href=\"/jobs%s%s\"%s><b>%lld</b><span>%s"
                "</span></a></li>",
                chosen ? "" : "?status=", chosen ? "" : states[index],
                chosen ? " aria-current=true" : "",
                (long long)keel_to_int(keel_map_get(view->stats, key)), labels[index]);
    }
    keel_html_end(html);
}

static void render_times(keel_html *html, keel_term job)
{
    int64_t finished, started;
    if (keel_get_int(keel_map_get(job, keel_atom(finished_at)), &finished)) {
        keel_html_raw(html, "· finished ");
        layout_ago(html, finished);
    } else if (keel_get_int(keel_map_get(job, keel_atom(started_at)), &started)) {
        keel_html_raw(html, "· started ");
        layout_ago(html, started);
    }
}

static void render_job(keel_live *page, keel_html *html, keel_term job)
{
    keel_term argument = keel_map_get(job, keel_atom(argument));
    const char *status = keel_atom_name(keel_map_get(job, keel_atom(status)));
    int64_t id = keel_to_int(keel_map_get(job, keel_atom(id)));
    int64_t progress = keel_to_int(keel_map_get(job, keel_atom(progress)));
    int64_t attempt = keel_to_int(keel_map_get(job, keel_atom(attempt)));
    bool processing = strcmp(status, "processing") == 0;
    keel_html_begin(html, "li", "", "job-%lld", (long long)id);
    keel_html_raw(html, "<span class=\"name\">");
    keel_html_term(html, keel_element(argument, 0));
    keel_html_print(html, " <small class=\"soft\">#%lld · %.3g s%s ", (long long)id,
            (double)keel_to_int(keel_element(argument, 1)) / 1000,
            attempt > 1 ? " · second try" : "");
    if (!processing) {
        render_times(html, job);
    }
    keel_html_print(
            html, "</small></span><span class=\"pill %s\">%s</span>", status, status);
    if (processing || strcmp(status, "pending") == 0) {
        keel_live_form(page, html, "cancel", "");
        keel_html_print(html,
                "<input type=\"hidden\" name=\"id\" value=\"%lld\"><button class=\"danger "
                "small\" "
                "aria-label=\"Cancel job %lld\">Cancel</button></form>",
                (long long)id, (long long)id);
    }
    if (processing) {
        keel_html_print(html, "<progress max=\"100\" value=\"%lld\">%lld %%</progress>",
                (long long)progress, (long long)progress);
    }
    keel_html_end(html);
}

static void render_queue(keel_live *page, keel_html *html, struct jobs_view *view)
{
    keel_term jobs = view->jobs, job;
    render_stats(html, view);
    keel_html_raw(html, "<section class=\"card\">");
    keel_live_form(page, html, "add", "class=\"row\"");
    keel_html_raw(html,
            "<label class=\"grow\">Job<input name=\"name\" required maxlength=\"200\" "
            "value=\"report\" autocomplete=\"off\"></label><label>Seconds<input "
            "name=\"seconds\" "
            "type=\"number\" min=\"0\" max=\"3600\" step=\"0.1\" value=\"5\" "
            "required></label>"
            "<button>Add</button></form></section><section class=\"card\">");
    keel_html_begin(html, "p", "class=\"empty\"", "queue-state");
    if (view->away) {
        keel_html_raw(html, "The queue is being started anew; nothing is lost.");
    } else if (keel_is_nil(jobs)) {
        keel_html_raw(html,
                "No job here. One whose name begins with “fail” fails, and is tried "
                "twice.");
    }
    keel_html_end(html);
    keel_html_begin(html, "ul", "class=\"items\"", "jobs");
    while (keel_list_next(&jobs, &job)) {
        render_job(page, html, job);
    }
    keel_html_end(html);
    keel_html_raw(html, "</section>");
}

static void render_source(keel_html *html)
{
    for (int index = 0; index < SHOWCASE_ASSETS; index++) {
        const keel_web_asset *asset = &showcase_assets[index];
        if (strncmp(asset->path, "/source/", 8) == 0) {
            keel_html_print(html,
                    "<section class=\"card\"><h2>%s</h2><pre "
                    "tabindex=\"0\"><code>%.*s</code>"
                    "</pre></section>",
                    asset->path + 8, (int)asset->size, (const char *)asset->data);
        }
    }
}

static void render(keel_live *page, keel_html *html, void *state)
{
    struct jobs_view *view = state;
    if (view->stale) {
        load(view);
    }
    layout_title(html, "Jobs",
            "A queue that forgets nothing: what it accepts is on the disk before you hear "
            "of it, "
            "and done once, whatever is killed meanwhile. Four run at a time, each in a "
            "process.");
    render_tabs(html, view);
    if (view->source) {
        render_source(html);
    } else {
        render_queue(page, html, view);
    }
}

const keel_live_view jobs_page = {
        .name = "jobs_page",
        .title = "Jobs · Keel",
        .state = KEEL_STATE(struct jobs_view, jobs, stats, status, source, away),
        .mount = mount,
        .handle_params = handle_params,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};
