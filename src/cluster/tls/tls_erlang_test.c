#include "cluster/cluster_testing.h"
#include "cluster/flags.h"
#include "cluster/link_testing.h"
#include "testing/harness.h"
#include "tls_testing.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A BEAM node started with -proto_dist inet_tls, and us with the same authority.

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

#define OWN "c@127.0.0.1"
#define PEER "beam@127.0.0.1"

static const char *write_options(void)
{
    const char *path = kl_tls_testing_path("beam.options");
    FILE *file = fopen(path, "w");
    CHECK(file);
    const char *certificate = kl_tls_testing_path("beam.pem");
    const char *key = kl_tls_testing_path("beam.key");
    const char *authority = kl_tls_testing_path("authority.pem");
    fprintf(file,
            "[{server, [{certfile, \"%s\"}, {keyfile, \"%s\"}, {cacertfile, \"%s\"},"
            " {verify, verify_peer}, {fail_if_no_peer_cert, true}]},\n"
            " {client, [{certfile, \"%s\"}, {keyfile, \"%s\"}, {cacertfile, \"%s\"},"
            " {verify, verify_peer}]}].\n",
            certificate, key, authority, certificate, key, authority);
    CHECK(fclose(file) == 0);
    return path;
}

static void prepare(void)
{
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    kl_tls_testing_prepare();
    kl_tls_testing_authority("authority");
    kl_tls_testing_authority("stranger");
    // OTP 25 looks for an address that it dials among the DNS names.
    static const char names[] = "IP:127.0.0.1,DNS:127.0.0.1";
    kl_tls_testing_certificate("beam", "authority", names);
    kl_tls_testing_certificate("us", "authority", names);
    kl_tls_testing_certificate("strange", "stranger", names);
    kl_node_identity_set(kl_testing_atom(OWN), 4);
    kl_epmd_daemon_start(&epmd);
    const char *arguments[] = {
            "-proto_dist", "inet_tls", "-ssl_dist_optfile", write_options(), NULL};
    kl_beam_start(&beam, &epmd, PEER, "biscuit", arguments);
}

static void finish(void)
{
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

static keel_transport *transport_of(const char *name, const char *authority)
{
    keel_tls_opts opts = kl_tls_testing_opts(name, authority);
    keel_transport *transport;
    CHECK_OK(keel_tls_new(&opts, NULL, 0, &transport));
    return transport;
}

static struct kl_handshake_opts opts_of(bool dialling)
{
    return (struct kl_handshake_opts){
            .own_name = OWN,
            .creation = 4,
            .flags = kl_dist_flags_offered(false),
            .challenge = 0x80000001,
            .length_bytes = 4,
            .peer_name = dialling ? PEER : NULL,
            .cookie = dialling ? "biscuit" : NULL,
    };
}

static enum kl_handshake_event dial(
        struct kl_testing_link *link, const struct keel_transport *transport)
{
    struct kl_epmd_node node;
    CHECK_INT(kl_testing_look_up(epmd.port, "beam", &node), KL_EPMD_OK);
    *link = (struct kl_testing_link){
            .fd = kl_testing_connect(node.port), .transport = transport};
    kl_testing_link_open(link, "127.0.0.1");
    struct kl_handshake_opts opts = opts_of(true);
    return kl_testing_shake(link, &opts);
}

TEST("we dial a BEAM node over TLS and talk to it", .timeout_s = 120)
{
    prepare();
    keel_transport *transport = transport_of("us", "authority");
    struct kl_testing_link link;
    CHECK_INT(dial(&link, transport), KL_HANDSHAKE_DONE);
    CHECK_STR(kl_beam_await(&beam, "up "), "'" OWN "' hidden");
    uint8_t *data;
    keel_term binary = keel_binary_new(300000, &data);
    memset(data, 'x', 300000);
    kl_testing_echo(&link, kl_testing_atom("hi"));
    CHECK(kl_testing_echo(&link, binary) >= 4);
    kl_testing_link_close(&link);
    CHECK_STR(kl_beam_await(&beam, "down "), "'" OWN "'");
    keel_tls_free(transport);
    finish();
}

TEST("a BEAM node dials us over TLS", .timeout_s = 120)
{
    prepare();
    keel_transport *transport = transport_of("us", "authority");
    uint16_t port;
    uint32_t creation;
    int listener = kl_testing_listen(&port);
    int registration = kl_testing_register(epmd.port, "c", port, &creation);
    kl_beam_ask(&beam, "net_kernel:connect_node('" OWN "')");
    struct kl_testing_link link = {.fd = accept(listener, NULL, NULL),
            .transport = transport,
            .cookie = "biscuit"};
    kl_testing_link_open(&link, NULL);
    struct kl_handshake_opts opts = opts_of(false);
    enum kl_handshake_event event = kl_testing_shake(&link, &opts);
    if (event != KL_HANDSHAKE_DONE) {
        kl_test_fail(
                __FILE__, __LINE__, "%s; %s", transport->why(link.session), link.hs.why);
    }
    CHECK_STR(kl_beam_await(&beam, "= "), "true");
    kl_testing_echo(&link, kl_testing_atom("hi"));
    kl_testing_link_close(&link);
    close(registration);
    close(listener);
    keel_tls_free(transport);
    finish();
}

TEST("neither side takes the other's certificate where strangers vouch for it",
        .timeout_s = 120)
{
    prepare();
    struct kl_testing_link link;
    keel_transport *transport = transport_of("strange", "authority");
    CHECK_INT(dial(&link, transport), KL_HANDSHAKE_REFUSED);
    CHECK(strstr(transport->why(link.session), "127.0.0.1 refused us: "));
    kl_testing_link_close(&link);
    keel_tls_free(transport);
    transport = transport_of("us", "stranger");
    CHECK_INT(dial(&link, transport), KL_HANDSHAKE_REFUSED);
    CHECK(strstr(
            transport->why(link.session), "the certificate of 127.0.0.1 is refused: "));
    kl_testing_link_close(&link);
    keel_tls_free(transport);
    finish();
}
