#include "command.h"

#include "json.h"
#include <getopt.h>
#include <keel/etf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct kl_ctl_verb *const kl_ctl_verbs[] = {&kl_ctl_ps, &kl_ctl_tree, &kl_ctl_info,
        &kl_ctl_top, &kl_ctl_trace, &kl_ctl_call, &kl_ctl_loglevel, &kl_ctl_kill,
        &kl_ctl_stop, NULL};

enum { PATIENCE_MS = 10000, ERROR_BYTES = 4096 };

static const struct kl_ctl_option common[] = {
        {"control", 'c', "PATH", "the program's control socket (else KEEL_CONTROL)"},
        {"timeout", 't', "TIME", "how long to wait: 500ms, 10s, 2m"},
        {"help", 'h', NULL, "show this and end"},
        {0},
};

static const struct kl_ctl_option version_option[] = {
        {"version", 0, NULL, "show the version and end"},
        {0},
};

// --- reading ---

static __attribute__((format(printf, 2, 3))) void complain(
        struct kl_ctl_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (command->wrong[0] == '\0') {
        vsnprintf(command->wrong, sizeof command->wrong, format, arguments);
    }
    va_end(arguments);
}

// For getopt_long: each option returns its place, those of the second list from `SECOND`
// on.
enum { SECOND = 1000, LISTS = 2 };

struct table {
    struct option longs[2 * KL_CTL_OPTIONS_MAX];
    char shorts[4 * KL_CTL_OPTIONS_MAX];
    size_t count;
};

static void add_options(struct table *table, const struct kl_ctl_option *list, int first)
{
    for (int i = 0; list != NULL && list[i].name != NULL; i++) {
        bool takes = list[i].value != NULL;
        table->longs[table->count++] = (struct option){
                list[i].name, takes ? required_argument : no_argument, NULL, first + i + 1};
        if (list[i].letter != 0) {
            size_t used = strlen(table->shorts);
            snprintf(table->shorts + used, sizeof table->shorts - used, "%c%s",
                    list[i].letter, takes ? ":" : "");
        }
    }
}

// The place of an option that was given by its letter.
static int place_of(const struct kl_ctl_option *list, int first, int letter)
{
    for (int i = 0; list != NULL && list[i].name != NULL; i++) {
        if (list[i].letter == letter) {
            return first + i + 1;
        }
    }
    return 0;
}

static void take_common(struct kl_ctl_command *command, int place, const char *value)
{
    if (place == 1) {
        command->control = value;
    } else if (place == 2 && !kl_ctl_parse_time(value, &command->timeout_ms)) {
        complain(command, "--timeout wants a time such as 500ms, 10s or 2m, not %s", value);
    } else if (place == 3) {
        command->help = true;
    }
}

static void take_own(struct kl_ctl_command *command, int place, const char *value)
{
    if (command->verb == NULL) {
        command->version = true;
    } else if (place >= 1 && place <= KL_CTL_OPTIONS_MAX) {
        command->values[place - 1] = value != NULL ? value : "";
    }
}

// Reads options and returns the index of the first argument. `stop`: at that one.
static int read_options(struct kl_ctl_command *command, int argc, char **argv, bool stop)
{
    const struct kl_ctl_option *own = command->verb != NULL ? command->verb->options
                                                            : version_option;
    struct table table = {.count = 0};
    int got;
    snprintf(table.shorts, sizeof table.shorts, "%s:", stop ? "+" : "");
    add_options(&table, common, 0);
    add_options(&table, own, SECOND);
    opterr = 0;
    optind = 0; // from the beginning, and forget where it was
    while ((got = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1) {
        const char *text = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (got == '?' && optopt > 0 && optopt < 256) {
            complain(command, "there is no option -%c", optopt);
        } else if (got == '?') {
            complain(command,
                    optopt == 0 ? "there is no option %s" : "the option %s takes no value",
                    text);
        } else if (got == ':') {
            complain(command, "the option %s wants a value", text);
        } else {
            // Letters come as themselves, beyond all places of the first list.
            int place = got >= ' ' && got < 256 ? place_of(common, 0, got) : got;
            place = place == 0 ? place_of(own, SECOND, got) : place;
            if (place > SECOND) {
                take_own(command, place - SECOND, optarg);
            } else {
                take_common(command, place, optarg);
            }
        }
    }
    return optind;
}

static const struct kl_ctl_verb *find_verb(const char *name)
{
    for (size_t i = 0; kl_ctl_verbs[i] != NULL; i++) {
        if (strcmp(kl_ctl_verbs[i]->name, name) == 0) {
            return kl_ctl_verbs[i];
        }
    }
    return NULL;
}

static void check_count(struct kl_ctl_command *command)
{
    const struct kl_ctl_verb *verb = command->verb;
    if (command->count > verb->most) {
        complain(command, "there is no use for the argument %s",
                command->arguments[verb->most]);
    } else if (command->count < verb->least) {
        complain(command, "%s wants %s", verb->name, verb->arguments);
    }
}

void kl_ctl_command_parse(
        struct kl_ctl_command *command, int argc, char **argv, const char *control)
{
    *command = (struct kl_ctl_command){.control = control};
    int at = read_options(command, argc, argv, true);
    if (at < argc && strcmp(argv[at], "help") == 0) {
        command->help = true;
        at++;
    }
    if (at >= argc || command->wrong[0] != '\0') {
        return;
    }
    command->verb = find_verb(argv[at]);
    if (command->verb == NULL) {
        complain(command, "there is no command %s", argv[at]);
        return;
    }
    // What follows the verb, which plays the program's name.
    int first = at + read_options(command, argc - at, argv + at, false);
    command->arguments = argv + first;
    command->count = argc - first;
    if (!command->help) {
        check_count(command);
    }
}

const char *kl_ctl_value(const struct kl_ctl_command *command, const char *name)
{
    const struct kl_ctl_option *options = command->verb->options;
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return command->values[i];
        }
    }
    return NULL;
}

// --- help ---

static void put_options(FILE *file, const struct kl_ctl_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        char left[64], letter[8] = "    ";
        snprintf(left, sizeof left, "--%s%s%s", list->name, list->value != NULL ? " " : "",
                list->value != NULL ? list->value : "");
        if (list->letter != 0) {
            snprintf(letter, sizeof letter, "-%c, ", list->letter);
        }
        fprintf(file, "  %s%-20s %s\n", letter, left, list->help);
    }
}

static void put_overview(FILE *file)
{
    fputs("Usage: keel [-c PATH] COMMAND [option ...] [argument ...]\n"
          "Looks into a running Keel program and steers it, through the control\n"
          "socket that the program opens when it is started with --control PATH.\n\n",
            file);
    for (size_t i = 0; kl_ctl_verbs[i] != NULL; i++) {
        fprintf(file, "  %-10s %s\n", kl_ctl_verbs[i]->name, kl_ctl_verbs[i]->summary);
    }
    fputs("\n", file);
    put_options(file, common);
    put_options(file, version_option);
    fputs("\nkeel COMMAND --help tells more. The exit code is 0, 1 (refused, or not\n"
          "there) or 2 (the command line is wrong). Colours go to terminals only, and\n"
          "not with NO_COLOR.\n",
            file);
}

void kl_ctl_help(const struct kl_ctl_command *command, FILE *file)
{
    const struct kl_ctl_verb *verb = command->verb;
    if (verb == NULL) {
        put_overview(file);
        return;
    }
    fprintf(file, "Usage: keel %s [option ...]%s%s\n%s.\n\n%s\n", verb->name,
            verb->arguments[0] != '\0' ? " " : "", verb->arguments, verb->summary,
            verb->help);
    put_options(file, verb->options);
    put_options(file, common);
}

// --- for verbs ---

// What is said may carry what a program or a user has put into it.
static void say(const char *text)
{
    char line[ERROR_BYTES];
    kl_ctl_clean(line, sizeof line, text, strlen(text), true);
    fprintf(stderr, "keel: %s\n", line);
}

int kl_ctl_misuse(const char *format, ...)
{
    char text[ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say(text);
    return KL_CTL_WRONG;
}

bool kl_ctl_connect(const struct kl_ctl_command *command, struct kl_ctl_client *client)
{
    *client = (struct kl_ctl_client){.fd = -1, .timeout_ms = PATIENCE_MS};
    if (command->timeout_ms > 0) {
        client->timeout_ms = (int)command->timeout_ms;
    }
    if (command->control == NULL || command->control[0] == '\0') {
        say("which program? Give --control PATH or set KEEL_CONTROL to the path that it "
            "was started with");
        return false;
    }
    if (!kl_ctl_client_open(client, command->control)) {
        kl_ctl_refuse(client);
        return false;
    }
    return true;
}

int kl_ctl_refuse(struct kl_ctl_client *client)
{
    say(client->error);
    kl_ctl_client_close(client);
    return KL_CTL_REFUSED;
}

int kl_ctl_ask_one(const struct kl_ctl_command *command, struct kl_ctl_client *client,
        const char *verb, keel_term arguments, keel_term *ret_row)
{
    if (!kl_ctl_connect(command, client)) {
        return KL_CTL_REFUSED;
    }
    if (!kl_ctl_client_ask(client, verb, arguments)) {
        return kl_ctl_refuse(client);
    }
    enum kl_ctl_more more = kl_ctl_client_next(client, ret_row);
    if (more == KL_CTL_DONE) {
        snprintf(client->error, sizeof client->error, "the program gave no answer");
    }
    return more == KL_CTL_ROW ? KL_CTL_FINE : kl_ctl_refuse(client);
}

void kl_ctl_complete_pid(char *buffer, size_t size, const char *typed)
{
    bool bare = typed[0] >= '0' && typed[0] <= '9' &&
                typed[strspn(typed, "0123456789.")] == '\0';
    snprintf(buffer, size, bare ? "<%s>" : "%s", typed);
}

keel_term kl_ctl_about(const char *typed)
{
    char text[1100];
    kl_ctl_complete_pid(text, sizeof text, typed);
    return kl_ctl_map_put(kl_ctl_map(), "process", keel_string(text));
}

bool kl_ctl_parse_term(const char *text, keel_term *ret_external)
{
    keel_term term = KEEL_NONE;
    keel_parse_error error = {.message = NULL};
    keel_status status = keel_parse(text, strlen(text), &term, &error);
    if (status == KEEL_E_SYNTAX) {
        kl_ctl_misuse("%s is no term in Erlang notation: %s at column %u", text,
                error.message, error.column);
    } else if (status == KEEL_OK) {
        status = keel_etf_encode(term, NULL, ret_external);
    }
    if (status != KEEL_OK && status != KEEL_E_SYNTAX) {
        kl_ctl_misuse("the term is refused: %s", keel_status_text(status));
    }
    return status == KEEL_OK;
}

int kl_ctl_finish_json(
        const struct kl_ctl_out *out, struct kl_ctl_client *client, keel_term row)
{
    kl_ctl_json_term(out->file, row);
    fputc('\n', out->file);
    kl_ctl_client_close(client);
    return KL_CTL_FINE;
}

const char *kl_ctl_text_of(const struct kl_ctl_out *out, char *buffer, size_t size,
        keel_term row, const char *key)
{
    keel_bytes text = kl_ctl_get_text(row, key);
    kl_ctl_clean(buffer, size, text.data, text.size, out->utf8);
    return buffer;
}
