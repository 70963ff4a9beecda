#include "postgres_testing.h"

#include "database.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_SECONDS = 40 };

// A folder for a test's files, and its end with all that is in it.
static void make_folder(char *ret_path, size_t size)
{
    const char *base = getenv("TMPDIR");
    snprintf(ret_path, size, "%s/keel-parts-XXXXXX", base != NULL ? base : P_tmpdir);
    CHECK(mkdtemp(ret_path) != NULL);
}

static int remove_entry(
        const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void make_sqlite(struct test_file *file, const char *options)
{
    if (kl_database_sqlite == NULL) {
        kl_test_skip("a build without SQLite");
    }
    make_folder(file->folder, sizeof file->folder);
    snprintf(file->url, sizeof file->url, "sqlite:%s/test.db%s", file->folder, options);
}

void remove_sqlite(const struct test_file *file)
{
    remove_folder(file->folder);
}

// The folder of initdb and postgres; false where there is none.
static bool find_programs(char *ret_path, size_t size)
{
    glob_t found = {0};
    bool good = glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0;
    if (good) {
        snprintf(ret_path, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
    }
    globfree(&found);
    return good;
}

static int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

// PostgreSQL refuses to be run by root.
static const struct passwd *unprivileged(void)
{
    if (geteuid() != 0) {
        return NULL;
    }
    const struct passwd *user = getpwnam("postgres");
    return user != NULL ? user : getpwnam("nobody");
}

static pid_t run(const char *const arguments[], const char *log)
{
    const struct passwd *user = unprivileged();
    uid_t uid = user == NULL ? geteuid() : user->pw_uid;
    gid_t gid = user == NULL ? getegid() : user->pw_gid;
    pid_t parent = getpid(), pid = fork();
    CHECK(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    if (user != NULL && (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0)) {
        _exit(126);
    }
    // Goes with the test, however that ends. After the change of user, which forgets it.
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() == parent) {
        execv(arguments[0], (char *const *)arguments);
    }
    _exit(127);
}

static void check_end(pid_t pid, const char *what, const char *log)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        kl_test_fail(__FILE__, __LINE__, "%s ended with %d; see %s", what, status, log);
    }
}

static bool says(const char *log, const char *what)
{
    char text[8192];
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return strstr(text, what) != NULL;
}

// Up when it says so: it takes connections earlier, and turns them away. Pauses are between
// attempts, nobody waits for them to pass.
static bool comes_up(const char *log, pid_t pid)
{
    for (int attempt = 0; attempt < START_SECONDS * 100; attempt++) {
        if (says(log, "ready to accept connections")) {
            return true;
        }
        if (waitpid(pid, NULL, WNOHANG) != 0) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

void start_postgres(struct test_server *server)
{
    char programs[200], program[256], data[300], log[300], port_text[16];
    if (!find_programs(programs, sizeof programs)) {
        kl_test_skip("PostgreSQL is not installed");
    }
    make_folder(server->folder, sizeof server->folder);
    const struct passwd *user = unprivileged();
    CHECK(user == NULL || chown(server->folder, user->pw_uid, user->pw_gid) == 0);
    snprintf(data, sizeof data, "%s/data", server->folder);
    snprintf(log, sizeof log, "%s/log", server->folder);
    close(open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    CHECK(chmod(log, 0666) == 0);

    snprintf(program, sizeof program, "%s/initdb", programs);
    const char *const init[] = {program, "-D", data, "-U", "keel", "-A", "trust", "-E",
            "UTF8", "--locale=C", "--no-sync", "--no-instructions", NULL};
    check_end(run(init, log), "initdb", log);

    int port = free_port();
    snprintf(port_text, sizeof port_text, "%d", port);
    snprintf(program, sizeof program, "%s/postgres", programs);
    const char *const serve[] = {program, "-D", data, "-h", "127.0.0.1", "-p", port_text,
            "-k", server->folder, "-c", "shared_buffers=16MB", "-c", "max_connections=20",
            "-c", "full_page_writes=off", NULL};
    server->pid = run(serve, log);
    CHECK(comes_up(log, server->pid));
    snprintf(
            server->url, sizeof server->url, "postgres://keel@127.0.0.1:%d/postgres", port);
}

void stop_postgres(struct test_server *server)
{
    CHECK(kill(server->pid, SIGQUIT) == 0);
    CHECK(waitpid(server->pid, NULL, 0) == server->pid);
    remove_folder(server->folder);
}
