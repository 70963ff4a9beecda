#include "showcase.h"

#include <errno.h>
#include <fcntl.h>
#include <keel/main.h>
#include <keel/node.h>
#include <keel/observer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// A setting, as its option gave it.
static keel_term setting(const char *key)
{
    keel_term atom = KEEL_NONE;
    (void)!keel_atom_from(key, strlen(key), &atom);
    return keel_application_get_env(keel_atom(showcase), atom, keel_nil());
}

// The text of a setting, "" when it is not set; lives as terms do.
static const char *setting_text(const char *key)
{
    keel_term value = setting(key);
    keel_term map = keel_map_put(keel_map(NULL, NULL, 0), keel_string("x"), value);
    const char *text = keel_web_value(map, "x");
    return text != NULL ? text : "";
}

// The secret that keys the tokens of pages lies with the data, so that tabs that are open
// while the program is started anew go on.
static bool read_secret(const char *folder, char *secret, size_t size)
{
    char path[4096];
    uint8_t bytes[24];
    snprintf(path, sizeof(path), "%s/secret", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    ssize_t length = read(fd, secret, size - 1);
    if (length < 48 && getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes)) {
        for (size_t index = 0; index < sizeof(bytes); index++) {
            snprintf(secret + 2 * index, 3, "%02x", bytes[index]);
        }
        length = pwrite(fd, secret, 48, 0);
    }
    secret[length > 0 ? length : 0] = '\0';
    close(fd);
    return length >= 48;
}

static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

// Becomes a node of a cluster, if it was given a name.
static keel_status join_cluster(void)
{
    const char *name = setting_text("name"), *cookie = setting_text("cookie");
    keel_node_config config = {
            .name = name, .cookie = cookie[0] != '\0' ? cookie : NULL, .visible = true};
    if (name[0] == '\0') {
        return KEEL_OK;
    }
    keel_status status = keel_observer_allow(true);
    return status == KEEL_OK ? keel_node_start(&config) : status;
}

static void say_where(keel_term unused)
{
    (void)unused;
    printf("\n  The showcase is at http://%s:%d/\n  Ctrl-C stops it.\n\n",
            setting_text("address"), keel_web_port(keel_atom(web)));
    if (keel_node_is_alive()) {
        printf("  This is the node %s.\n\n", keel_atom_name(keel_node_self()));
    }
    fflush(stdout);
}

// Why it does not start, as a text for people.
static __attribute__((format(printf, 1, 2))) keel_started failed(const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return keel_started_failed(keel_string(text));
}

static keel_started start(keel_term type, keel_term argument)
{
    char secret[64], folder[3000], database[4096];
    (void)type;
    (void)argument;
    snprintf(folder, sizeof(folder), "%s", setting_text("data"));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return failed("the data folder %s: %s", folder, strerror(errno));
    }
    if (!read_secret(folder, secret, sizeof(secret))) {
        return failed("the secret in the data folder %s: %s", folder, strerror(errno));
    }
    const char *url = setting_text("database");
    if (url[0] != '\0') {
        snprintf(database, sizeof(database), "%s", url);
    } else {
        snprintf(database, sizeof(database), "sqlite:%s/showcase.db", folder);
    }
    keel_status status = join_cluster();
    if (status != KEEL_OK) {
        return failed("it cannot be the node %s (NAME@HOST): %s", setting_text("name"),
                keel_status_text(status));
    }
    const char *token = setting_text("token");
    keel_child_spec children[] = {
            keel_pubsub_child(.name = EVENTS),
            jobs_child(database),
            rooms_child(),
            services_child(database),
            tokens_child(database),
            patterns_child(),
            counter_child(),
            tree_child(),
            keel_web_child(&showcase_endpoint, .address = setting_text("address"),
                    .port = (int)keel_to_int(setting("port")), .secret = secret,
                    .token = token[0] != '\0' ? token : NULL, .max_connections = 20000),
    };
    keel_started tree = keel_supervisor_start_link(children, KEEL_COUNT(children),
            .name = keel_atom(showcase_supervisor), .intensity = 10);
    if (tree.status == KEEL_OK) {
        keel_spawn(say_where, keel_nil());
    }
    return tree;
}

static const keel_option options[] = {
        {.name = "port",
                .letter = 'p',
                .value = "N",
                .max = 65535,
                .help = "where the pages are served (4000; 0: one that is free)"},
        {.name = "address",
                .letter = 'a',
                .value = "ADDRESS",
                .help = "what to listen on (127.0.0.1); others need a token"},
        {.name = "token", .letter = 't', .value = "TEXT", .help = "who has it is let in"},
        {.name = "data",
                .letter = 'd',
                .value = "DIR",
                .help = "where the data lies (./data)"},
        {.name = "database",
                .value = "URL",
                .help = "postgres://... instead of SQLite in the data folder"},
        {.name = "name",
                .letter = 'n',
                .value = "NODE",
                .help = "joins a cluster under this name, NAME@HOST"},
        {.name = "cookie", .value = "TEXT", .help = "what the nodes of the cluster share"},
        {0},
};

static const keel_application showcase = {
        .name = "showcase",
        .description = "Systems that watch out for themselves, and pages to look at them",
        .version = "0.1.0",
        .env = "[{port, 4000}, {address, <<\"127.0.0.1\">>}, {token, <<>>}, {data, "
               "<<\"data\">>}, "
               "{database, <<>>}, {name, <<>>}, {cookie, <<>>}, "
               "{token_lifetime_ms, 120000}, {token_check_ms, 30000}, {service_check_ms, "
               "3000}]",
        .options = options,
        .start = start,
};

int main(int argc, char **argv)
{
    raise_file_limit();
    return keel_main(&showcase, argc, argv);
}
