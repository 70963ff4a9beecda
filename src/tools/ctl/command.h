#ifndef KL_TOOLS_CTL_COMMAND_H
#define KL_TOOLS_CTL_COMMAND_H

#include "client.h"
#include "text.h"

// The command line: what it says, as a pure function of it, and what verbs are made of.

// What the command returns to the shell.
enum {
    KL_CTL_FINE = 0,
    KL_CTL_REFUSED = 1, // refused, or not there
    KL_CTL_WRONG = 2, // the command line is
};

struct kl_ctl_option {
    const char *name;
    char letter; // 0: none
    const char *value; // what help calls it; NULL: it takes none
    const char *help;
};

struct kl_ctl_command;

struct kl_ctl_verb {
    const char *name;
    const char *arguments; // as help shows them; "" for none
    int least, most; // how many arguments
    const char *summary; // in the list of verbs
    const char *help; // below the summary, in lines of their own
    const struct kl_ctl_option *options; // ends with {0}
    int (*run)(const struct kl_ctl_command *command, const struct kl_ctl_out *out);
};

enum { KL_CTL_OPTIONS_MAX = 12 };

struct kl_ctl_command {
    const struct kl_ctl_verb *verb; // NULL: none was given
    const char *control; // the path of the socket; NULL: neither option nor KEEL_CONTROL
    int64_t timeout_ms; // 0: not given
    const char *values[KL_CTL_OPTIONS_MAX]; // of the verb's options; "" for one without
    char **arguments;
    int count;
    bool help, version;
    char wrong[300]; // what is wrong, or ""
};

// The verbs, ends with NULL.
extern const struct kl_ctl_verb *const kl_ctl_verbs[];

// Reads the command line; `control` is the variable KEEL_CONTROL, or NULL. Rearranges argv.
void kl_ctl_command_parse(
        struct kl_ctl_command *command, int argc, char **argv, const char *control);
// The value of an option of the verb; NULL: it was not given.
const char *kl_ctl_value(const struct kl_ctl_command *command, const char *name);
// Help of the command, or of its verb.
void kl_ctl_help(const struct kl_ctl_command *command, FILE *file);

// --- for verbs ---

// Says on standard error what is wrong with the command line; returns KL_CTL_WRONG.
int kl_ctl_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Connects. False: it is said why, and the verb returns KL_CTL_REFUSED.
bool kl_ctl_connect(const struct kl_ctl_command *command, struct kl_ctl_client *client);
// Says what client->error says and closes it; returns KL_CTL_REFUSED.
int kl_ctl_refuse(struct kl_ctl_client *client);
// Connects, asks and gives the one row there is. KL_CTL_FINE: the client is still open.
int kl_ctl_ask_one(const struct kl_ctl_command *command, struct kl_ctl_client *client,
        const char *verb, keel_term arguments, keel_term *ret_row);
// The arguments of a request about the process that somebody typed: its name, or its pid,
// also without the <> that a shell takes for something else.
keel_term kl_ctl_about(const char *typed);
// The text of it: "0.12.1" becomes "<0.12.1>", all else stays.
void kl_ctl_complete_pid(char *buffer, size_t size, const char *typed);
// Reads an argument in Erlang notation. False: it is none, and it is said where.
bool kl_ctl_parse_term(const char *text, keel_term *ret_external);
// A row alone as JSON, and the connection closed; returns KL_CTL_FINE.
int kl_ctl_finish_json(
        const struct kl_ctl_out *out, struct kl_ctl_client *client, keel_term row);
// A text of a row, clean, in `buffer`.
const char *kl_ctl_text_of(const struct kl_ctl_out *out, char *buffer, size_t size,
        keel_term row, const char *key);

extern const struct kl_ctl_verb kl_ctl_ps, kl_ctl_tree, kl_ctl_info, kl_ctl_top,
        kl_ctl_call, kl_ctl_trace, kl_ctl_loglevel, kl_ctl_kill, kl_ctl_stop;

#endif // KL_TOOLS_CTL_COMMAND_H
