#include "tls_testing.h"
#include "testing/harness.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static void run(const char *const *arguments, bool quiet)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (quiet) {
            int null = open("/dev/null", O_RDWR);
            dup2(null, STDOUT_FILENO);
            dup2(null, STDERR_FILENO);
        }
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        kl_test_skip("%s is not installed", arguments[0]);
    }
    CHECK_INT(status, 0);
}

static void remove_directory(void)
{
    run((const char *const[]){"rm", "-rf", directory, NULL}, true);
}

void kl_tls_testing_prepare(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(
            directory, sizeof directory, "%.30s/keel-tls-XXXXXX", parent ? parent : "/tmp");
    CHECK(mkdtemp(directory));
    atexit(remove_directory);
    run((const char *const[]){"openssl", "version", NULL}, true);
}

const char *kl_tls_testing_path(const char *file)
{
    // Never given back: a test has no more than this.
    static char room[16 << 10];
    static size_t used;
    char *path = room + used;
    used += (size_t)snprintf(path, sizeof room - used, "%s/%.100s", directory, file) + 1;
    CHECK(used < sizeof room);
    return path;
}

static const char *path_of(const char *name, const char *ending)
{
    char file[100];
    snprintf(file, sizeof file, "%.80s%s", name, ending);
    return kl_tls_testing_path(file);
}

// What a certificate of either kind takes: a key on a curve that every peer knows, since
// one is made in no time.
#define NEW_CERTIFICATE                                                                    \
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",                                \
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"

void kl_tls_testing_authority(const char *name)
{
    char subject[100];
    snprintf(subject, sizeof subject, "/CN=%.80s", name);
    run((const char *const[]){NEW_CERTIFICATE, "-keyout", path_of(name, ".key"), "-out",
                path_of(name, ".pem"), "-subj", subject, NULL},
            true);
}

void kl_tls_testing_certificate(const char *name, const char *authority, const char *names)
{
    char subject[100], extension[200];
    snprintf(subject, sizeof subject, "/CN=%.80s", name);
    snprintf(extension, sizeof extension, "subjectAltName=%.150s", names);
    run((const char *const[]){NEW_CERTIFICATE, "-keyout", path_of(name, ".key"), "-out",
                path_of(name, ".pem"), "-subj", subject, "-addext", extension, "-addext",
                "basicConstraints=critical,CA:FALSE", "-CA", path_of(authority, ".pem"),
                "-CAkey", path_of(authority, ".key"), NULL},
            true);
}

keel_tls_opts kl_tls_testing_opts(const char *name, const char *authority)
{
    return (keel_tls_opts){
            .certificate = path_of(name, ".pem"),
            .key = path_of(name, ".key"),
            .authorities = path_of(authority, ".pem"),
    };
}
