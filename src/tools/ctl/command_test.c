// The command line, and what verbs print of one row.

#include "ctl_testing.h"
#include "steer.h"
#include <string.h>

static struct kl_ctl_command command;

#define PARSE(...)                                                                         \
    do {                                                                                   \
        static const char *argv_[] = {"keel", __VA_ARGS__, NULL};                          \
        int argc_ = (int)(sizeof argv_ / sizeof argv_[0]) - 1;                             \
        kl_ctl_command_parse(&command, argc_, (char **)argv_, "/from/environment");        \
    } while (0)

TEST("options stand before the command and behind it, before and behind arguments")
{
    PARSE("-c", "a.sock", "ps", "--sort", "queue", "word", "-n5", "other", "-j");
    CHECK_STR(command.wrong, "");
    CHECK(command.verb == &kl_ctl_ps);
    CHECK_STR(command.control, "a.sock");
    CHECK_STR(kl_ctl_value(&command, "sort"), "queue");
    CHECK_STR(kl_ctl_value(&command, "number"), "5");
    CHECK_STR(kl_ctl_value(&command, "json"), "");
    CHECK(kl_ctl_value(&command, "reverse") == NULL);
    CHECK(kl_ctl_value(&command, "nonsense") == NULL);
    CHECK_INT(command.count, 2);
    CHECK_STR(command.arguments[0], "word");
    CHECK_STR(command.arguments[1], "other");
    PARSE("call", "counter", "value", "--timeout=250ms", "--control", "b.sock");
    CHECK_STR(command.wrong, "");
    CHECK_STR(command.control, "b.sock");
    CHECK_INT(command.timeout_ms, 250);
    CHECK_INT(command.count, 2);
    PARSE("info");
    CHECK_STR(command.control, "/from/environment");
    PARSE("call", "--", "counter", "-5");
    CHECK_STR(command.wrong, "");
    CHECK_STR(command.arguments[1], "-5");
}

TEST("help and version are asked for in the usual ways")
{
    PARSE("--help");
    CHECK(command.help && command.verb == NULL);
    PARSE("help");
    CHECK(command.help && command.verb == NULL);
    PARSE("help", "tree");
    CHECK(command.help && command.verb == &kl_ctl_tree);
    PARSE("call", "-h"); // its arguments may be left out
    CHECK(command.help && command.verb == &kl_ctl_call);
    CHECK_STR(command.wrong, "");
    PARSE("--version");
    CHECK(command.version && command.wrong[0] == '\0');
}

TEST("what is wrong with a command line is named")
{
    PARSE("frob");
    CHECK_STR(command.wrong, "there is no command frob");
    PARSE("--frob", "ps");
    CHECK_STR(command.wrong, "there is no option --frob");
    PARSE("ps", "-z");
    CHECK_STR(command.wrong, "there is no option -z");
    PARSE("ps", "--sort");
    CHECK_STR(command.wrong, "the option --sort wants a value");
    PARSE("ps", "--json=1");
    CHECK_STR(command.wrong, "the option --json=1 takes no value");
    PARSE("ps", "-t", "soon");
    CHECK_STR(command.wrong, "--timeout wants a time such as 500ms, 10s or 2m, not soon");
    PARSE("call", "counter");
    CHECK_STR(command.wrong, "call wants NAME|PID TERM");
    PARSE("stop", "now");
    CHECK_STR(command.wrong, "there is no use for the argument now");
    PARSE("ps", "--version");
    CHECK_STR(command.wrong, "there is no option --version");
}

TEST("each help fits a screen and names every option")
{
    for (size_t i = 0; kl_ctl_verbs[i] != NULL; i++) {
        const struct kl_ctl_verb *verb = kl_ctl_verbs[i];
        struct caught caught;
        size_t lines = 0, longest = 0;
        catch_output(&caught, true, false, 0);
        command = (struct kl_ctl_command){.verb = verb};
        kl_ctl_help(&command, caught.out.file);
        fclose(caught.out.file);
        for (char *line = strtok(caught.text, "\n"); line != NULL;
                line = strtok(NULL, "\n")) {
            lines++;
            longest = strlen(line) > longest ? strlen(line) : longest;
        }
        CHECK(lines <= 24 && longest <= 88);
        CHECK(verb->options == NULL || verb->options[0].name != NULL);
        free(caught.text);
    }
    struct caught caught;
    catch_output(&caught, true, false, 0);
    command = (struct kl_ctl_command){.verb = NULL};
    kl_ctl_help(&command, caught.out.file);
    fclose(caught.out.file);
    for (size_t i = 0; kl_ctl_verbs[i] != NULL; i++) {
        CHECK(strstr(caught.text, kl_ctl_verbs[i]->summary) != NULL);
    }
    free(caught.text);
}

TEST("a term that is none is refused with its place")
{
    keel_term external = KEEL_NONE;
    CHECK(kl_ctl_parse_term("{add, 5}", &external));
    CHECK(keel_is_binary(external));
    external = KEEL_NONE;
    CHECK(!kl_ctl_parse_term("{add, ", &external));
    CHECK(!kl_ctl_parse_term("", &external));
    CHECK(keel_is_none(external));
}

TEST("a pid may be typed without what a shell would take for something else")
{
    static const char *const cases[][2] = {{"0.12.1", "<0.12.1>"}, {"<0.12.1>", "<0.12.1>"},
            {"counter", "counter"}, {"12th", "12th"}, {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        kl_ctl_complete_pid(text, sizeof text, cases[i][0]);
        CHECK_STR(text, cases[i][1]);
        keel_bytes bytes = kl_ctl_get_text(kl_ctl_about(cases[i][0]), "process");
        CHECK_INT(bytes.size, strlen(text));
    }
}

TEST("kill tells what came of it")
{
    struct caught caught;
    keel_term row = set_text(row_of("<0.5.1>", NULL, "db"), "sent", "kill");
    catch_output(&caught, true, false, 0);
    kl_ctl_kill_print(&caught.out,
            set_text(kl_ctl_map_put(row, "ended", keel_bool(true)), "reason", "killed"));
    row = kl_ctl_map_put(row, "ended", keel_bool(false));
    kl_ctl_kill_print(&caught.out, row);
    kl_ctl_kill_print(&caught.out, kl_ctl_map_put(row, "trap_exit", keel_bool(true)));
    CHECK_CAUGHT(&caught,
            "<0.5.1> db has ended: killed\n"
            "<0.5.1> db got the exit signal kill and is still there\n"
            "<0.5.1> db got the exit signal kill and is still there: it traps exits\n");
}

TEST("call prints the reply, in one line and without what would steer the terminal")
{
    struct caught caught;
    catch_output(&caught, true, false, 0);
    kl_ctl_call_print(&caught.out, set_text(kl_ctl_map(), "reply", "{ok,\n\033[1m}"));
    CHECK_CAUGHT(&caught, "{ok,\\x0A\\x1B[1m}\n");
}

TEST("trace prints a line an event")
{
    struct caught caught;
    keel_term row = set_number(kl_ctl_map(), "time_ns", 1234000000);
    row = set_text(set_text(row, "event", "call"), "text", "value");
    setenv("TZ", "UTC", 1);
    catch_output(&caught, true, false, 0);
    kl_ctl_trace_print(&caught.out, set_text(row, "peer", "<0.7.1>"));
    kl_ctl_trace_print(
            &caught.out, set_text(set_text(row, "event", "reply"), "peer", "<0.7.1>"));
    kl_ctl_trace_print(&caught.out, set_text(row, "event", "cast"));
    kl_ctl_trace_print(&caught.out, set_number(kl_ctl_map(), "dropped", 12));
    CHECK_CAUGHT(&caught, "00:00:01.234  call     value  from <0.7.1>\n"
                          "00:00:01.234  reply    value  to <0.7.1>\n"
                          "00:00:01.234  cast     value\n"
                          "12 more came too fast to be shown\n");
}
