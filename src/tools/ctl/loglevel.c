// keel loglevel: how much the program logs.

#include "command.h"

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE, arguments = kl_ctl_map();
    char level[64];
    if (command->count > 0) {
        arguments = kl_ctl_map_put(arguments, "level", keel_string(command->arguments[0]));
    }
    int code = kl_ctl_ask_one(command, &client, "loglevel", arguments, &row);
    if (code != KL_CTL_FINE) {
        return code;
    }
    if (kl_ctl_value(command, "json") != NULL) {
        return kl_ctl_finish_json(out, &client, row);
    }
    fprintf(out->file, "%s\n", kl_ctl_text_of(out, level, sizeof level, row, "level"));
    kl_ctl_client_close(&client);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"json", 'j', NULL, "an object with the level"},
        {0},
};

const struct kl_ctl_verb kl_ctl_loglevel = {
        .name = "loglevel",
        .arguments = "[LEVEL]",
        .most = 1,
        .summary = "Show or set how much the program logs",
        .help = "The levels: emergency, alert, critical, error, warning, notice, info,\n"
                "debug. What is less important than the one that is set is not logged,\n"
                "but for modules and processes with a level of their own.\n",
        .options = options,
        .run = run,
};
