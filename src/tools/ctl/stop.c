// keel stop: the program stops in an orderly way.

#include "command.h"

enum { STOP_MS = 60000 };

static int await_end(
        const struct kl_ctl_out *out, struct kl_ctl_client *client, int timeout)
{
    if (!kl_ctl_client_await_end(client, timeout)) {
        snprintf(client->error, sizeof client->error,
                "process %d was asked to stop and is still there after %g s",
                client->os_pid, timeout / 1000.0);
        return kl_ctl_refuse(client);
    }
    fprintf(out->file, "process %d has stopped\n", client->os_pid);
    kl_ctl_client_close(client);
    return KL_CTL_FINE;
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE;
    int timeout = command->timeout_ms > 0 ? (int)command->timeout_ms : STOP_MS;
    int code = kl_ctl_ask_one(command, &client, "stop", kl_ctl_map(), &row);
    if (code != KL_CTL_FINE) {
        return code;
    }
    if (kl_ctl_value(command, "no-wait") == NULL) {
        return await_end(out, &client, timeout);
    }
    kl_ctl_client_close(&client);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"no-wait", 0, NULL, "return when it was asked"},
        {0},
};

const struct kl_ctl_verb kl_ctl_stop = {
        .name = "stop",
        .arguments = "",
        .summary = "Stop the program in an orderly way",
        .help = "As SIGTERM does: the last application started first, each within its\n"
                "time. The command waits until the program has ended: a minute, or as\n"
                "long as --timeout says.\n",
        .options = options,
        .run = run,
};
