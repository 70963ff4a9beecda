// Files that are set aside when they are full.

#include "proc/proc_testing.h"
#include <fcntl.h>
#include <keel/logger.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[80];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, P_tmpdir "/keel-log-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/x.log", folder);
}

static const char *read_back(int number)
{
    static char text[8192];
    char name[100];
    snprintf(name, sizeof name, number == 0 ? "%s%.0d" : "%s.%d", path, number);
    int fd = open(name, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
        unlink(name);
    }
    text[got > 0 ? got : 0] = '\0';
    return got < 0 ? NULL : text;
}

PROCESS_TEST("a file gets a line an event, and is added to")
{
    make_folder();
    keel_log_handler handler = {
            .output = KEEL_LOG_FILE, .format = KEEL_LOG_JSON, .path = path};
    for (int round = 1; round <= 2; round++) {
        CHECK_OK(keel_logger_add_handler(keel_atom(file), &handler));
        keel_log_info("round %d", round);
        CHECK_OK(keel_logger_remove_handler(keel_atom(file)));
    }
    const char *text = read_back(0);
    CHECK(strstr(text, "\"message\":\"round 1\"") != NULL);
    CHECK(strstr(text, "\"message\":\"round 2\"") > strchr(text, '\n'));
    CHECK_OK(rmdir(folder));
}

PROCESS_TEST("a full file is set aside, and the oldest goes")
{
    make_folder();
    keel_log_handler handler = {
            .output = KEEL_LOG_FILE, .path = path, .file_bytes = 300, .files = 2};
    CHECK_OK(keel_logger_add_handler(keel_atom(file), &handler));
    for (int i = 0; i < 10; i++) {
        keel_log_info("event %d %0150d", i, 0); // one fits, two do not
    }
    CHECK_OK(keel_logger_remove_handler(keel_atom(file)));
    CHECK(strstr(read_back(0), "event 9") != NULL);
    CHECK(strstr(read_back(1), "event 8") != NULL);
    CHECK(strstr(read_back(2), "event 7") != NULL);
    CHECK(read_back(3) == NULL);
    CHECK_OK(rmdir(folder));
}

// A pipe with no room left.
static void make_full_pipe(int ends[2])
{
    static const char bytes[4096];
    CHECK_OK(pipe2(ends, O_NONBLOCK));
    while (write(ends[1], bytes, sizeof bytes) > 0) {}
    CHECK_OK(fcntl(ends[1], F_SETFL, 0));
}

THREADS_TEST("a pipe that nobody reads holds up the handler alone")
{
    int ends[2];
    make_full_pipe(ends);
    int saved = dup(STDERR_FILENO);
    CHECK(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    keel_log_handler handler = {.output = KEEL_LOG_TERMINAL, .limit = 10};
    CHECK_OK(keel_logger_add_handler(keel_atom(pipe), &handler));
    for (int i = 0; i < 50; i++) {
        keel_log_info("%d", i);
    }
    int dropped;
    CHECK_TERM(keel_logger_handlers(), "[#{dropped := Dropped}]", &dropped);
    CHECK(dropped >= 39); // ten wait, one may be in hand
    CHECK_INT(keel_logger_flush(KEEL_IN(KEEL_MS(1))), KEEL_E_TIMEOUT);
    CHECK(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    char bytes[4096]; // makes room
    while (read(ends[0], bytes, sizeof bytes) > 0) {}
    CHECK_OK(keel_logger_remove_handler(keel_atom(pipe)));
    close(ends[0]);
    close(ends[1]);
    close(saved);
}
