// The command `keel`.

#include "command.h"
#include <errno.h>
#include <keel/version.h>
#include <stdlib.h>
#include <string.h>

// What could not be written is a failure, unless nobody reads any more: `keel ps | head` is
// no reason to complain, however the shell treats SIGPIPE.
static int finish(int code)
{
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (failed && errno != EPIPE) {
        fprintf(stderr, "keel: the output cannot be written: %s\n", strerror(errno));
        return code != KL_CTL_FINE ? code : KL_CTL_REFUSED;
    }
    return code;
}

int main(int argc, char **argv)
{
    struct kl_ctl_command command;
    struct kl_ctl_out out;
    kl_ctl_out_init(&out);
    kl_ctl_command_parse(&command, argc, argv, getenv("KEEL_CONTROL"));
    if (command.wrong[0] != '\0') {
        return kl_ctl_misuse("%s; try keel%s%s --help", command.wrong,
                command.verb != NULL ? " " : "",
                command.verb != NULL ? command.verb->name : "");
    }
    if (command.version) {
        printf("keel %s\n", keel_version());
        return finish(KL_CTL_FINE);
    }
    if (command.help) {
        kl_ctl_help(&command, stdout);
        return finish(KL_CTL_FINE);
    }
    if (command.verb == NULL) {
        kl_ctl_help(&command, stderr);
        return KL_CTL_WRONG;
    }
    return finish(command.verb->run(&command, &out));
}
