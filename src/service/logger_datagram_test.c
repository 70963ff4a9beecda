// journald and syslog: a socket of the test's takes their place.

#include "logger.h"
#include "proc/proc_testing.h"
#include <keel/match.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TEST("a datagram for journald has a field for each metadatum")
{
    char text[1024];
    keel_log_event event = {.level = KEEL_LOG_ERROR,
            .message = keel_string("one\ntwo"),
            .metadata = keel_make("#{file => <<\"a.c\">>, line => 7, time => 1, "
                                  "'user id' => ann}")};
    size_t length = kl_log_format_journal(text, sizeof text, &event, "test");
    static const char expected[] = "MESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\n"
                                   "PRIORITY=3\nSYSLOG_IDENTIFIER=test\n";
    CHECK(memcmp(text, expected, sizeof expected - 1) == 0);
    CHECK(memmem(text, length, "\nCODE_FILE=a.c\n", 15) != NULL);
    CHECK(memmem(text, length, "\nCODE_LINE=7\n", 13) != NULL);
    CHECK(memmem(text, length, "\nKEEL_USER_ID=ann\n", 18) != NULL);
    CHECK(memmem(text, length, "TIME", 4) == NULL);
}

TEST("a datagram for syslog has priority, time and program")
{
    char text[256];
    char expected[128];
    setenv("TZ", "UTC", 1);
    keel_log_event event = {.level = KEEL_LOG_WARNING,
            .time = 1700000000123456789,
            .message = keel_string("hot")};
    kl_log_format_syslog(text, sizeof text, &event, "test");
    snprintf(expected, sizeof expected, "<28>Nov 14 22:13:20 test[%d]: hot", (int)getpid());
    CHECK_STR(text, expected);
}

TEST("standard error is the journal's when its numbers say so")
{
    struct stat stat;
    char text[64];
    CHECK_OK(fstat(STDERR_FILENO, &stat));
    snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)stat.st_dev,
            (unsigned long long)stat.st_ino);
    unsetenv("JOURNAL_STREAM");
    CHECK(!kl_log_stderr_is_journal());
    setenv("JOURNAL_STREAM", text, 1);
    CHECK(kl_log_stderr_is_journal());
    setenv("JOURNAL_STREAM", "1:1", 1);
    CHECK(!kl_log_stderr_is_journal());
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

// Two datagrams have come, in whichever order: each of the texts is in one of them.
static void check_datagrams(int fd, const char *one, const char *other)
{
    char text[4096];
    size_t length = 0;
    for (int i = 0; i < 2; i++) {
        ssize_t got = recv(fd, text + length, sizeof text - length, MSG_DONTWAIT);
        CHECK(got > 0);
        length += (size_t)got;
    }
    CHECK(memmem(text, length, one, strlen(one)) != NULL);
    CHECK(memmem(text, length, other, strlen(other)) != NULL);
}

PROCESS_TEST("a daemon that is started anew is found again")
{
    char folder[] = P_tmpdir "/keel-log-XXXXXX";
    char path[80];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/log", folder);
    keel_log_handler handler = {.output = KEEL_LOG_JOURNAL, .path = path, .ident = "me"};
    CHECK_INT(keel_logger_add_handler(keel_atom(journal), &handler), -2); // ENOENT
    int fd = listen_at(path);
    CHECK_OK(keel_logger_add_handler(keel_atom(journal), &handler));
    handler.output = KEEL_LOG_SYSLOG;
    CHECK_OK(keel_logger_add_handler(keel_atom(syslog), &handler));
    keel_log_info("first");
    CHECK_OK(keel_logger_flush(SOON));
    check_datagrams(fd, "MESSAGE=first\nPRIORITY=6\nSYSLOG_IDENTIFIER=me\n", "]: first");
    close(fd);
    CHECK_OK(unlink(path));
    keel_log_info("lost");
    CHECK_OK(keel_logger_flush(SOON));
    fd = listen_at(path);
    keel_log_info("second");
    CHECK_OK(keel_logger_remove_handler(keel_atom(journal)));
    CHECK_OK(keel_logger_remove_handler(keel_atom(syslog)));
    check_datagrams(fd, "MESSAGE=second\n", "]: second");
    close(fd);
    CHECK_OK(unlink(path));
    CHECK_OK(rmdir(folder));
}
