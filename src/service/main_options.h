#ifndef KL_SERVICE_MAIN_OPTIONS_H
#define KL_SERVICE_MAIN_OPTIONS_H

#include <keel/main.h>

// The command line of a program, as a pure function of it.

enum { KL_OPTIONS_MAX = 64 };

// One option that was given: which, and its value (NULL: it takes none).
struct kl_given {
    const keel_option *option;
    const char *value;
};

struct kl_options {
    const char *configs[KL_OPTIONS_MAX]; // files, in their order
    size_t config_count;
    const char *control; // where the control socket is to be, or NULL
    struct kl_given given[KL_OPTIONS_MAX];
    size_t given_count;
    bool help, version;
    char wrong[256]; // what is wrong, or ""
    char **arguments; // the rest: the vector itself, rearranged
    size_t argument_count;
};

// Reads argv[1] and what follows. Arguments that are no options are moved to the front of
// argv[1]…, so the vector must be the program's own.
void kl_options_parse(struct kl_options *options, const keel_application *application,
        int argc, char **argv);
// Writes the text of --help; returns the length it has, as snprintf does.
size_t kl_options_help(char *buffer, size_t size, const keel_application *application,
        const char *program);

#endif // KL_SERVICE_MAIN_OPTIONS_H
