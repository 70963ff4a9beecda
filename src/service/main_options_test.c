// Command lines.

#include "main_options.h"
#include "testing/harness.h"
#include <string.h>

static const keel_option own[] = {
        {.name = "port", .letter = 'p', .value = "PORT", .help = "where to listen"},
        {.name = "verbose", .letter = 'v'},
        {.name = "config-dir",
                .letter = 'c',
                .value = "DIR",
                .help = "its c is not --config's"},
        {.name = "size", .value = "N", .min = -1, .max = 100},
        {0},
};
static const keel_application with_options = {
        .name = "test", .description = "Tests", .options = own, .arguments = "FILE..."};
static const keel_application plain = {.name = "plain"};

static struct kl_options options;

static void parse(const keel_application *application, int argc, char **argv)
{
    kl_options_parse(&options, application, argc, argv);
}
#define PARSE(application, ...)                                                            \
    do {                                                                                   \
        static const char *argv_[] = {"program", __VA_ARGS__, NULL};                       \
        parse((application), (int)KEEL_COUNT(argv_) - 1, (char **)argv_);                  \
    } while (0)

TEST("values stand behind a sign of equality, apart, or behind the letter")
{
    PARSE(&with_options, "--port=1", "--port", "2", "-p3", "-p", "4", "-v");
    CHECK_STR(options.wrong, "");
    CHECK_INT(options.given_count, 5);
    static const char *const expected[] = {"1", "2", "3", "4"};
    for (int i = 0; i < 4; i++) {
        CHECK(options.given[i].option == &own[0]);
        CHECK_STR(options.given[i].value, expected[i]);
    }
    CHECK(options.given[4].option == &own[1] && options.given[4].value == NULL);
    PARSE(&with_options, "--port=");
    CHECK_STR(options.given[0].value, "");
}

TEST("what is no option is kept in order, and all of it after two dashes")
{
    PARSE(&with_options, "a", "-v", "-", "b", "--", "--port", "-x");
    CHECK_STR(options.wrong, "");
    CHECK_INT(options.argument_count, 5);
    static const char *const expected[] = {"a", "-", "b", "--port", "-x"};
    for (int i = 0; i < 5; i++) {
        CHECK_STR(options.arguments[i], expected[i]);
    }
}

TEST("what every program knows may be given often, and an own letter goes before")
{
    PARSE(&with_options, "--config", "one", "--config=two", "-c", "dir");
    CHECK_INT(options.config_count, 2);
    CHECK_STR(options.configs[1], "two");
    CHECK(options.given[0].option == &own[2]);
    PARSE(&plain, "-c", "one", "--help");
    CHECK_INT(options.config_count, 1);
    CHECK(options.help && !options.version);
    PARSE(&plain, "--version");
    CHECK(options.version && options.control == NULL);
    PARSE(&plain, "--control", "first", "--control=second"); // as a script's and the user's
    CHECK_STR(options.control, "second");
    PARSE(&plain, "--control");
    CHECK_STR(options.wrong, "option --control wants a value: PATH");
}

TEST("what is wrong is said, the first thing first")
{
    PARSE(&plain, "--port=1", "--nope");
    CHECK_STR(options.wrong, "there is no option --port");
    PARSE(&plain, "-x1");
    CHECK_STR(options.wrong, "there is no option -x");
    PARSE(&with_options, "--verbose=1");
    CHECK_STR(options.wrong, "option --verbose takes no value");
    PARSE(&with_options, "-p");
    CHECK_STR(options.wrong, "option --port wants a value: PORT");
    PARSE(&with_options, "--size=-1", "--size", "100");
    CHECK_STR(options.wrong, "");
    PARSE(&with_options, "--size=101");
    CHECK_STR(options.wrong, "option --size wants a whole number from -1 to 100, not 101");
    PARSE(&with_options, "--size", "80x");
    CHECK_STR(options.wrong, "option --size wants a whole number from -1 to 100, not 80x");
    PARSE(&with_options, "--size=99999999999999999999");
    CHECK(strstr(options.wrong, "not 99999999999999999999") != NULL);
    PARSE(&with_options, "--size=");
    CHECK_STR(options.wrong, "option --size wants a whole number from -1 to 100, not ");
    PARSE(&plain, "what");
    CHECK_STR(options.wrong, "there is no use for the argument what");
    const char *many[KL_OPTIONS_MAX + 3];
    for (int i = 0; i < KL_OPTIONS_MAX + 2; i++) {
        many[i] = "-v";
    }
    many[KL_OPTIONS_MAX + 2] = NULL;
    parse(&with_options, KL_OPTIONS_MAX + 2, (char **)many);
    CHECK_STR(options.wrong, "there are too many options");
}

TEST("help lists the options of both")
{
    char text[1024];
    size_t length = kl_options_help(text, sizeof text, &with_options, "prog");
    CHECK(length == strlen(text));
    CHECK(strstr(text, "Usage: prog [option …] FILE...\n") == text);
    CHECK(strstr(text, "\nTests\n") != NULL);
    CHECK(strstr(text, "  -p, --port PORT              where to listen\n") != NULL);
    CHECK(strstr(text, "--config FILE") != NULL);
    char small[16];
    CHECK_INT(kl_options_help(small, sizeof small, &with_options, "prog"), length);
    CHECK_INT(strlen(small), 15);
}
