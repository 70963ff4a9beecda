#include "main_options.h"

#include "base/base.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG, CONTROL, HELP, VERSION }; // the order of:
static const keel_option common[] = {
        {.name = "config",
                .letter = 'c',
                .value = "FILE",
                .help = "read settings from FILE, in Erlang's notation"},
        {.name = "control", .value = "PATH", .help = "listen there for the command keel"},
        {.name = "help", .letter = 'h', .help = "show this and end"},
        {.name = "version", .help = "show the version and end"},
        {0},
};

static __attribute__((format(printf, 2, 3))) void complain(
        struct kl_options *options, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (options->wrong[0] == '\0') {
        vsnprintf(options->wrong, sizeof options->wrong, format, arguments);
    }
    va_end(arguments);
}

static const keel_option *find_in(
        const keel_option *list, const char *name, size_t length, char letter)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (letter != 0 ? list->letter == letter
                        : strlen(list->name) == length &&
                                  memcmp(list->name, name, length) == 0) {
            return list;
        }
    }
    return NULL;
}

// The application's own options go first: it may have another meaning for a letter.
static const keel_option *find(
        const keel_application *application, const char *name, size_t length, char letter)
{
    const keel_option *own = find_in(application->options, name, length, letter);
    return own != NULL ? own : find_in(common, name, length, letter);
}

// False, and said: the option wants a number, and this is none in its range.
static bool fits(struct kl_options *options, const keel_option *option, const char *value)
{
    if (option->min == 0 && option->max == 0) {
        return true;
    }
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || number < option->min ||
            number > option->max) {
        complain(options,
                "option --%s wants a whole number from %" PRId64 " to %" PRId64 ", not %s",
                option->name, option->min, option->max, value);
        return false;
    }
    return true;
}

static void take(struct kl_options *options, const keel_option *option, const char *value)
{
    if (value != NULL && !fits(options, option, value)) {
        return;
    }
    if (option == &common[CONFIG]) {
        if (options->config_count < KL_OPTIONS_MAX) {
            options->configs[options->config_count++] = value;
        } else {
            complain(options, "--config is given too often");
        }
    } else if (option == &common[CONTROL]) {
        options->control = value;
    } else if (option == &common[HELP]) {
        options->help = true;
    } else if (option == &common[VERSION]) {
        options->version = true;
    } else if (options->given_count < KL_OPTIONS_MAX) {
        options->given[options->given_count++] = (struct kl_given){option, value};
    } else {
        complain(options, "there are too many options");
    }
}

// One option, at argv[*at]; *at moves on to its value, if that stands apart.
static void parse_one(struct kl_options *options, const keel_application *application,
        int argc, char **argv, int *at)
{
    const char *text = argv[*at];
    bool is_long = text[1] == '-';
    const char *name = text + (is_long ? 2 : 1);
    size_t length = is_long ? strcspn(name, "=") : 1;
    const keel_option *option = find(application, name, length, is_long ? 0 : *name);
    const char *value = name[length] == '\0' ? NULL : name + length + (is_long ? 1 : 0);
    if (option == NULL) {
        complain(
                options, "there is no option %.*s", (int)(name - text + (int)length), text);
    } else if (option->value == NULL && value != NULL) {
        complain(options, "option --%s takes no value", option->name);
    } else if (option->value != NULL && value == NULL && *at + 1 >= argc) {
        complain(options, "option --%s wants a value: %s", option->name, option->value);
    } else {
        if (option->value != NULL && value == NULL) {
            value = argv[++*at];
        }
        take(options, option, value);
    }
}

void kl_options_parse(struct kl_options *options, const keel_application *application,
        int argc, char **argv)
{
    *options = (struct kl_options){.arguments = argv + 1};
    bool more = true; // options may follow
    for (int at = 1; at < argc; at++) {
        if (more && strcmp(argv[at], "--") == 0) {
            more = false;
        } else if (more && argv[at][0] == '-' && argv[at][1] != '\0') {
            parse_one(options, application, argc, argv, &at);
        } else {
            options->arguments[options->argument_count++] = argv[at];
        }
    }
    if (options->argument_count > 0 && application->arguments == NULL) {
        complain(options, "there is no use for the argument %s", options->arguments[0]);
    }
}

// --- help ---

static void put_option(struct kl_bounded *text, const keel_option *option)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", option->name, option->value != NULL ? " " : "",
            option->value != NULL ? option->value : "");
    if (option->letter != 0) {
        kl_bounded_put(text, "  -%c, %-24s %s\n", option->letter, left,
                option->help != NULL ? option->help : "");
    } else {
        kl_bounded_put(
                text, "      %-24s %s\n", left, option->help != NULL ? option->help : "");
    }
}

size_t kl_options_help(
        char *buffer, size_t size, const keel_application *application, const char *program)
{
    struct kl_bounded text = {buffer, size, 0};
    const char *rest = application->arguments;
    kl_bounded_put(&text, "Usage: %s [option …]%s%s\n", program, rest != NULL ? " " : "",
            rest != NULL ? rest : "");
    if (application->description != NULL) {
        kl_bounded_put(&text, "%s\n", application->description);
    }
    kl_bounded_put(&text, "\n");
    const keel_option *lists[] = {application->options, common};
    for (size_t i = 0; i < KEEL_COUNT(lists); i++) {
        for (const keel_option *at = lists[i]; at != NULL && at->name != NULL; at++) {
            put_option(&text, at);
        }
    }
    return text.length;
}
