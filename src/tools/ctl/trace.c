// keel trace: the messages of one server for a while.

#include "json.h"
#include "steer.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT = 4200, TRACE_MS = 10000, BEYOND_MS = 20000 };

// The time of day, to the millisecond.
static void put_time(const struct kl_ctl_out *out, uint64_t nanoseconds)
{
    char text[32];
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", parts.tm_hour, parts.tm_min,
            parts.tm_sec, (int)(nanoseconds / 1000000 % 1000));
    kl_ctl_put(out, KL_CTL_DIM, text);
}

void kl_ctl_trace_print(const struct kl_ctl_out *out, keel_term row)
{
    char event[64], text[TEXT], peer[800];
    uint64_t dropped = kl_ctl_get_number(row, "dropped");
    kl_ctl_text_of(out, event, sizeof event, row, "event");
    kl_ctl_text_of(out, text, sizeof text, row, "text");
    kl_ctl_text_of(out, peer, sizeof peer, row, "peer");
    if (event[0] != '\0') {
        put_time(out, kl_ctl_get_number(row, "time_ns"));
        fprintf(out->file, "  %-7s  ", event);
        kl_ctl_put(out, KL_CTL_BOLD, text);
        fprintf(out->file, "%s%s\n",
                peer[0] == '\0'               ? ""
                : strcmp(event, "reply") == 0 ? "  to "
                                              : "  from ",
                peer);
    } else if (dropped > 0) {
        fprintf(out->file, "%llu more came too fast to be shown\n",
                (unsigned long long)dropped);
    }
}

static void say_begun(const struct kl_ctl_out *out, keel_term row)
{
    char pid[128], name[1100];
    kl_ctl_text_of(out, pid, sizeof pid, row, "pid");
    kl_ctl_text_of(out, name, sizeof name, row, "name");
    fprintf(stderr, "tracing %s%s%s; Ctrl-C ends it\n", pid, name[0] != '\0' ? " " : "",
            name);
}

// Prints rows until the end. Each is seen at once, also through a pipe.
static enum kl_ctl_more show(
        const struct kl_ctl_out *out, struct kl_ctl_client *client, bool json)
{
    keel_term row = KEEL_NONE;
    bool begun = false;
    enum kl_ctl_more more;
    while ((more = kl_ctl_client_next(client, &row)) == KL_CTL_ROW) {
        if (!begun) { // the first says whose it is
            say_begun(out, row);
        } else if (json) {
            kl_ctl_json_term(out->file, row);
            fputc('\n', out->file);
        } else {
            kl_ctl_trace_print(out, row);
        }
        begun = true;
        if (fflush(out->file) != 0) {
            return KL_CTL_DONE; // nobody reads any more
        }
    }
    return more;
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    const char *span = kl_ctl_value(command, "for"),
               *count = kl_ctl_value(command, "number");
    int64_t milliseconds = TRACE_MS;
    char *end = NULL;
    keel_term arguments = kl_ctl_about(command->arguments[0]);
    if (span != NULL && !kl_ctl_parse_time(span, &milliseconds)) {
        return kl_ctl_misuse("--for wants a time such as 500ms, 10s or 2m, not %s", span);
    }
    arguments = kl_ctl_map_put(arguments, "for_ms", keel_int(milliseconds));
    if (count != NULL) {
        long most = strtol(count, &end, 10);
        if (*end != '\0' || most < 1) {
            return kl_ctl_misuse("--number wants a whole number from 1 on, not %s", count);
        }
        arguments = kl_ctl_map_put(arguments, "count", keel_int(most));
    }
    if (!kl_ctl_connect(command, &client)) {
        return KL_CTL_REFUSED;
    }
    client.timeout_ms = (int)milliseconds + BEYOND_MS;
    bool asked = kl_ctl_client_ask(&client, "trace", arguments);
    if (!asked ||
            show(out, &client, kl_ctl_value(command, "json") != NULL) != KL_CTL_DONE) {
        return kl_ctl_refuse(&client);
    }
    kl_ctl_client_close(&client);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"for", 'f', "TIME", "how long: 10s, unless said otherwise"},
        {"number", 'n', "N", "end after N of them"},
        {"json", 'j', NULL, "an object in each line"},
        {0},
};

const struct kl_ctl_verb kl_ctl_trace = {
        .name = "trace",
        .arguments = "NAME|PID",
        .least = 1,
        .most = 1,
        .summary = "Show what a server gets and sends",
        .help = "Calls, casts, other messages and replies of a gen_server, gen_statem\n"
                "or supervisor, as they come. States are not shown. A process that is\n"
                "no behaviour cannot be traced: to it the request is one more message.\n",
        .options = options,
        .run = run,
};
