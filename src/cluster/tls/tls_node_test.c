#include "base/base.h"
#include "cluster/cluster_testing.h"
#include "testing/harness.h"
#include "tls_testing.h"
#include <keel/keel.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// This program as a node over TLS, against a BEAM node that speaks it too.

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;
static keel_transport *transport;

#define HERE "c@127.0.0.1"
#define THERE "beam@127.0.0.1"

// What the node has said in its log, guarded by the lock.
static struct kl_lock lock;
static char told[4000];

static void listen_to_log(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)level;
    kl_lock_take(&lock);
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s\n", text);
    kl_lock_give(&lock);
}

static void await_log(const char *part)
{
    for (bool found = false; !found; sched_yield()) {
        kl_lock_take(&lock);
        found = strstr(told, part) != NULL;
        kl_lock_give(&lock);
    }
}

// The options of the BEAM node, which trusts `authority`.
static void start_beam(void)
{
    const char *path = kl_tls_testing_path("beam.options");
    const char *certificate = kl_tls_testing_path("beam.pem");
    const char *key = kl_tls_testing_path("beam.key");
    const char *authority = kl_tls_testing_path("authority.pem");
    FILE *file = fopen(path, "w");
    CHECK(file);
    for (int client = 0; client < 2; client++) {
        fprintf(file,
                "%s{%s, [{certfile, \"%s\"}, {keyfile, \"%s\"}, {cacertfile, \"%s\"},"
                " {verify, verify_peer}%s]}%s",
                client ? "" : "[", client ? "client" : "server", certificate, key,
                authority, client ? "" : ", {fail_if_no_peer_cert, true}",
                client ? "].\n" : ",\n");
    }
    CHECK(fclose(file) == 0);
    const char *arguments[] = {"-proto_dist", "inet_tls", "-ssl_dist_optfile", path, NULL};
    kl_beam_start(&beam, &epmd, THERE, "biscuit", arguments);
}

static keel_result echo(keel_term request, keel_from from, void *state)
{
    (void)from;
    (void)state;
    return keel_reply(keel_tuple_of(keel_atom(echo), request));
}

static keel_result init(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    return keel_ok();
}

static const keel_gen_server server = {.name = "server", .init = init, .handle_call = echo};

// Starts everything; our certificate is `name`, and we trust `authority`.
static void prepare(const char *name, const char *authority)
{
    static const char names[] = "IP:127.0.0.1,DNS:127.0.0.1";
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    kl_tls_testing_prepare();
    kl_tls_testing_authority("authority");
    kl_tls_testing_authority("stranger");
    kl_tls_testing_certificate("beam", "authority", names);
    kl_tls_testing_certificate("us", "authority", names);
    kl_tls_testing_certificate("strange", "stranger", names);
    kl_epmd_daemon_start(&epmd);
    start_beam();
    kl_log_sink_set(listen_to_log, NULL);
    keel_tls_opts opts = kl_tls_testing_opts(name, authority);
    CHECK_OK(keel_tls_new(&opts, NULL, 0, &transport));
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_gen_server_start(&server, KEEL_NONE, .name = keel_atom(server)).status);
    CHECK_OK(keel_node_start(&(keel_node_config){.name = HERE,
            .cookie = "biscuit",
            .epmd_port = epmd.port,
            .transport = transport}));
}

static void finish(void)
{
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    keel_tls_free(transport);
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

#define SERVER "{server, '" HERE "'}"

TEST("a BEAM node connects over TLS and calls a server here", .timeout_s = 120)
{
    prepare("us", "authority");
    CHECK_STR(kl_beam_eval(&beam, "net_adm:ping('" HERE "')"), "pong");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:call(" SERVER ", hi)"), "{echo,hi}");
    CHECK_STR(
            kl_beam_eval(&beam, "begin B = crypto:strong_rand_bytes(3000000),"
                                " {echo, B} =:= gen_server:call(" SERVER ", B, 20000) end"),
            "true");
    CHECK_STR(kl_beam_eval(&beam,
                      "begin Me = self(), [spawn(fun() -> Me ! {I, gen_server:call(" SERVER
                      ", I, 20000)} end) || I <- lists:seq(1, 500)],"
                      " lists:usort([receive {I, {echo, I}} -> ok end"
                      " || I <- lists:seq(1, 500)]) end"),
            "[ok]");
    finish();
}

TEST("we connect over TLS to a BEAM node, lose it and find it again", .timeout_s = 120)
{
    prepare("us", "authority");
    keel_term there = keel_atom_text(THERE);
    CHECK_OK(keel_node_ping(there));
    CHECK_STR(kl_beam_await(&beam, "up "), "'" HERE "' hidden");
    CHECK_OK(keel_node_disconnect(there));
    CHECK_STR(kl_beam_await(&beam, "down "), "'" HERE "'");
    CHECK_OK(keel_node_ping(there));
    CHECK_STR(kl_beam_await(&beam, "up "), "'" HERE "' hidden");
    finish();
}

TEST("certificates that are refused are told in the log", .timeout_s = 120)
{
    prepare("us", "stranger");
    CHECK_INT(keel_node_ping(keel_atom_text(THERE)), KEEL_E_NODEDOWN);
    await_log("the certificate of 127.0.0.1 is refused: ");
    CHECK_STR(kl_beam_eval(&beam, "net_adm:ping('" HERE "')"), "pang");
    await_log("the certificate of the peer is refused: ");
    finish();
}

TEST("who refuses ours is told in the log", .timeout_s = 120)
{
    prepare("strange", "authority");
    CHECK_INT(keel_node_ping(keel_atom_text(THERE)), KEEL_E_NODEDOWN);
    await_log("127.0.0.1 refused us: ");
    finish();
}

TEST("a node that does not speak TLS gets nowhere, and we serve on", .timeout_s = 120)
{
    prepare("us", "authority");
    int fd = kl_testing_connect(keel_node_port());
    kl_testing_write(fd, "\0\x14N\0\0\0\x0d\x07\xdf\x7f\xbd\0\0\0\1\0\5a@box", 22);
    char byte;
    while (kl_testing_read(fd, &byte, 1) > 0) {}
    close(fd);
    await_log("TLS with the peer failed: ");
    CHECK_STR(kl_beam_eval(&beam, "net_adm:ping('" HERE "')"), "pong");
    finish();
}
