// keel call: asks a server.

#include "steer.h"
#include <stdlib.h>
#include <string.h>

enum { CALL_MS = 5000, BEYOND_MS = 20000 };

void kl_ctl_call_print(const struct kl_ctl_out *out, keel_term row)
{
    keel_bytes reply = kl_ctl_get_text(row, "reply");
    size_t size = reply.size * 4 + 1;
    char *text = malloc(size);
    if (text != NULL) {
        kl_ctl_clean(text, size, reply.data, reply.size, out->utf8);
        fprintf(out->file, "%s\n", text);
    }
    free(text);
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE, request = KEEL_NONE;
    if (!kl_ctl_parse_term(command->arguments[1], &request)) {
        return KL_CTL_WRONG;
    }
    int64_t timeout = command->timeout_ms > 0 ? command->timeout_ms : CALL_MS;
    // The program watches the time; the command gives it a little more.
    struct kl_ctl_command patient = *command;
    patient.timeout_ms = timeout + BEYOND_MS;
    keel_term arguments = kl_ctl_about(command->arguments[0]);
    arguments = kl_ctl_map_put(arguments, "request", request);
    arguments = kl_ctl_map_put(arguments, "timeout_ms", keel_int(timeout));
    int code = kl_ctl_ask_one(&patient, &client, "call", arguments, &row);
    if (code != KL_CTL_FINE) {
        return code;
    }
    if (kl_ctl_value(command, "json") != NULL) {
        return kl_ctl_finish_json(out, &client, row);
    }
    kl_ctl_call_print(out, row);
    kl_ctl_client_close(&client);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"json", 'j', NULL, "an object with the reply as text"},
        {0},
};

const struct kl_ctl_verb kl_ctl_call = {
        .name = "call",
        .arguments = "NAME|PID TERM",
        .least = 2,
        .most = 2,
        .summary = "Call a server and print its reply",
        .help = "TERM is in Erlang notation; quote it for the shell. The server has 5 s\n"
                "to reply, or what --timeout says. One that does not know the request\n"
                "ends, as in OTP.\n\n"
                "  keel call counter value\n"
                "  keel call counter '{add, 5}'\n",
        .options = options,
        .run = run,
};
