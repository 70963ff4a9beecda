// Settings from files, from the environment of the program, from what people type.

#include "application_testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const keel_application conf_app = {.name = "conf_app",
        .env = "[{port, 8080}, {mode, slow}, {host, \"local\"}, {title, <<\"t\">>}, "
               "{on, false}]"};

static keel_term setting(const char *key)
{
    return keel_application_get_env(keel_atom(conf_app), term_of(key), keel_atom(none));
}

PROCESS_TEST("configuration overrides what a specification says, the later the stronger",
        .ids = "AP-021")
{
    keel_term app = keel_application_register(&conf_app);
    keel_term why = KEEL_NONE;
    CHECK_OK(keel_application_configure(
            keel_make("[{conf_app, [{port, 1}, {mode, fast}]}, {other, [{x, 1}]}]"), NULL));
    CHECK_OK(keel_application_configure(
            keel_make("[{conf_app, [{port, 2}, {extra, 3}]}]"), NULL));
    CHECK_INT(
            keel_application_configure(keel_make("[{conf_app, no}]"), &why), KEEL_E_BADARG);
    CHECK_TERM(why, "<<\"the settings of conf_app are no list: no\">>");
    CHECK_TERM(setting("port"), "none"); // it is not loaded
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_TERM(setting("port"), "2");
    CHECK_TERM(setting("mode"), "fast");
    CHECK_TERM(setting("host"), "\"local\"");
    CHECK_TERM(setting("extra"), "3");
    application_test_end();
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK_INT(fclose(file), 0);
}

static const char *configure_from(const char *path)
{
    keel_term why = keel_string("");
    CHECK(keel_application_configure_file(path, &why) != KEEL_OK);
    return keel_show(why);
}

PROCESS_TEST(
        "configuration is read from files, of which one may name another", .ids = "AP-021")
{
    char folder[] = P_tmpdir "/keel-config-XXXXXX";
    char path[64];
    char other[64];
    char text[256];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/sys.config", folder);
    snprintf(other, sizeof other, "%s/other.config", folder);
    write_file(path, "%% settings\n[{conf_app, [{port, 1}, {mode, first}]},\n"
                     " \"other.config\"].\n");
    write_file(other, "[{conf_app, [{mode, second}]}].\n");
    keel_term app = keel_application_register(&conf_app);
    CHECK_OK(keel_application_configure_file(path, NULL));
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_TERM(setting("port"), "1");
    CHECK_TERM(setting("mode"), "second");
    write_file(other, "[{conf_app, [{mode, }]}].\n");
    snprintf(text, sizeof text, "%s:1:", other);
    CHECK(strstr(configure_from(path), text) != NULL); // file, line and column
    write_file(other, "[{conf_app, no}].\n");
    CHECK(strstr(configure_from(path), "are no list: no") != NULL);
    write_file(other, "");
    CHECK(strstr(configure_from(path), "there is no term in it") != NULL);
    write_file(other, "[\"other.config\"].\n");
    CHECK_INT(keel_application_configure_file(other, NULL), KEEL_E_TOO_DEEP);
    CHECK_INT(unlink(other), 0);
    CHECK(strstr(configure_from(path), "other.config: ") != NULL);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rmdir(folder), 0);
    application_test_end();
}

PROCESS_TEST("a variable of the environment overrides in the type of what it replaces",
        .ids = "AP-021")
{
    keel_term app = keel_application_register(&conf_app);
    setenv("CONF_APP_PORT", "99", 1);
    setenv("CONF_APP_MODE", "7", 1);
    setenv("CONF_APP_HOST", "example.net", 1);
    setenv("CONF_APP_TITLE", "12", 1);
    setenv("CONF_APP_ON", "true", 1);
    setenv("CONF_APP_UNKNOWN", "1", 1);
    CHECK_OK(keel_application_configure(keel_make("[{conf_app, [{port, 1}]}]"), NULL));
    CHECK_OK(keel_application_load(app, NULL));
    CHECK_TERM(setting("port"), "99");
    CHECK_TERM(setting("mode"), "'7'");
    CHECK_TERM(setting("host"), "\"example.net\"");
    CHECK_TERM(setting("title"), "<<\"12\">>");
    CHECK_TERM(setting("on"), "true");
    CHECK_TERM(setting("unknown"), "none");
    CHECK_OK(keel_application_unload(app, NULL));
    setenv("CONF_APP_PORT", "http", 1);
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_application_load(app, &why), KEEL_E_REFUSED);
    CHECK_TERM(why,
            "<<\"the variable CONF_APP_PORT=http takes the place of {port,1} and is "
            "of another kind\">>");
    unsetenv("CONF_APP_PORT");
    application_test_end();
}

PROCESS_TEST("what people type becomes what was there, or a number, or text")
{
    keel_term app = keel_atom(conf_app);
    CHECK_OK(keel_application_put_env_text(app, keel_atom(new), "12"));
    CHECK_TERM(setting("new"), "12");
    CHECK_OK(keel_application_put_env_text(app, keel_atom(new), "1.5"));
    CHECK_TERM(setting("new"), "1.5");
    CHECK_OK(keel_application_put_env_text(app, keel_atom(text), "thirteen"));
    CHECK_TERM(setting("text"), "<<\"thirteen\">>");
    CHECK_OK(keel_application_put_env_text(app, keel_atom(word), "local"));
    CHECK_TERM(setting("word"), "<<\"local\">>");
    CHECK_OK(keel_application_put_env_text(app, keel_atom(yes), "true"));
    CHECK_TERM(setting("yes"), "true");
    CHECK_OK(keel_application_put_env(app, keel_atom(pair), keel_make("{1, 2}")));
    CHECK_OK(keel_application_put_env_text(app, keel_atom(pair), "{3, 4}"));
    CHECK_TERM(setting("pair"), "{3, 4}");
    CHECK_INT(keel_application_put_env_text(app, keel_atom(pair), NULL), KEEL_E_BADARG);
    // What is of another kind is refused, and nothing has changed.
    CHECK_INT(keel_application_put_env_text(app, keel_atom(pair), "3"), KEEL_E_BADARG);
    CHECK_INT(keel_application_put_env_text(app, keel_atom(yes), "perhaps"), KEEL_E_BADARG);
    CHECK_INT(keel_application_put_env_text(app, keel_atom(new), "http"), KEEL_E_BADARG);
    CHECK_TERM(setting("pair"), "{3, 4}");
    CHECK_TERM(setting("yes"), "true");
    application_test_end();
}
