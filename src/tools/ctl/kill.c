// keel kill: an exit signal for one process.

#include "steer.h"
#include <string.h>

enum { TEXT = 4200, WAIT_MS = 5000, BEYOND_MS = 20000 };

void kl_ctl_kill_print(const struct kl_ctl_out *out, keel_term row)
{
    char pid[128], name[1100], sent[TEXT], reason[TEXT];
    kl_ctl_text_of(out, pid, sizeof pid, row, "pid");
    kl_ctl_text_of(out, name, sizeof name, row, "name");
    kl_ctl_text_of(out, sent, sizeof sent, row, "sent");
    kl_ctl_text_of(out, reason, sizeof reason, row, "reason");
    kl_ctl_put(out, KL_CTL_BOLD, pid);
    fprintf(out->file, "%s%s", name[0] != '\0' ? " " : "", name);
    if (keel_to_bool(kl_ctl_get(row, "ended"))) {
        fprintf(out->file, " has ended: %s\n", reason);
    } else {
        fprintf(out->file, " got the exit signal %s and is still there%s\n", sent,
                keel_to_bool(kl_ctl_get(row, "trap_exit")) ? ": it traps exits" : "");
    }
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE, reason = KEEL_NONE;
    keel_term arguments = kl_ctl_about(command->arguments[0]);
    if (command->count > 1) {
        if (!kl_ctl_parse_term(command->arguments[1], &reason)) {
            return KL_CTL_WRONG;
        }
        arguments = kl_ctl_map_put(arguments, "reason", reason);
    }
    int64_t wait = command->timeout_ms > 0 ? command->timeout_ms : WAIT_MS;
    struct kl_ctl_command patient = *command; // the program watches the time
    patient.timeout_ms = wait + BEYOND_MS;
    arguments = kl_ctl_map_put(arguments, "wait_ms", keel_int(wait));
    int code = kl_ctl_ask_one(&patient, &client, "kill", arguments, &row);
    if (code != KL_CTL_FINE) {
        return code;
    }
    if (kl_ctl_value(command, "json") != NULL) {
        return kl_ctl_finish_json(out, &client, row);
    }
    kl_ctl_kill_print(out, row);
    kl_ctl_client_close(&client);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"json", 'j', NULL, "an object: who, what was sent, whether it has ended"},
        {0},
};

const struct kl_ctl_verb kl_ctl_kill = {
        .name = "kill",
        .arguments = "NAME|PID [REASON]",
        .least = 1,
        .most = 2,
        .summary = "End a process with an exit signal",
        .help = "REASON is a term in Erlang notation; without one it is kill, which\n"
                "cannot be trapped. Its supervisor, if it has one, starts another. The\n"
                "command tells whether the process has ended: it waits 5 s for that, or\n"
                "as long as --timeout says.\n\n"
                "  keel kill 0.12.1\n"
                "  keel kill cache shutdown\n",
        .options = options,
        .run = run,
};
