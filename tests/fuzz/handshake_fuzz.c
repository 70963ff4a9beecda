// libFuzzer target: the handshake, in both roles, with packet lengths of both kinds.
//
// The first byte chooses role and answers, the second how the bytes are cut. Whatever
// comes, the machine must not take more than it is given, nor say more than a handshake has
// to say, and who does not know the cookie must not get in: the input cannot hold a right
// digest but by chance of 2^-128, unless it was made of one, so DONE is an error.

#include "cluster/flags.h"
#include "cluster/handshake.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "handshake_fuzz: %s\n", what);
        abort();
    }
}

static size_t said;

static void drain(struct kl_handshake *hs)
{
    const uint8_t *output;
    said += kl_handshake_output(hs, &output);
    require(said <= sizeof hs->out, "no handshake has so much to say");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    uint8_t choice = data[0];
    size_t piece = (size_t)data[1] + 1;
    bool dialling = choice & 1;
    data += 2;
    size -= 2;
    struct kl_handshake_opts opts = {
            .own_name = "me@box",
            .creation = 4,
            .flags = kl_dist_flags_offered(choice & 2),
            .challenge = 17,
            .length_bytes = choice & 4 ? 4 : 2,
            .peer_name = dialling ? "you@box" : NULL,
            .cookie = dialling ? "a cookie that no input knows" : NULL,
    };
    struct kl_handshake hs;
    kl_handshake_init(&hs, &opts);
    said = 0;
    drain(&hs);
    while (size > 0 && hs.event < KL_HANDSHAKE_DONE) {
        size_t given = piece < size ? piece : size, used = 0;
        enum kl_handshake_event event = kl_handshake_feed(&hs, data, given, &used);
        require(used <= given, "no more is used than there is");
        data += used;
        size -= used;
        if (event == KL_HANDSHAKE_NAME) {
            struct kl_node_name name;
            require(kl_node_name_parse(hs.peer.name, strlen(hs.peer.name), &name),
                    "a name that is told is one");
            kl_handshake_answer(&hs, choice >> 3 & 3 ? KL_STATUS_OK : KL_STATUS_ALIVE,
                    "a cookie that no input knows");
        } else if (event == KL_HANDSHAKE_ALIVE) {
            kl_handshake_proceed(&hs, (choice & 32) != 0);
        } else {
            require(event != KL_HANDSHAKE_MORE || used == given, "what is wanted is taken");
        }
        drain(&hs);
    }
    require(hs.event != KL_HANDSHAKE_DONE, "nobody gets in without the cookie");
    if (choice & 64) {
        require(kl_handshake_closed(&hs) == KL_HANDSHAKE_REFUSED, "hanging up is the end");
    }
    require(hs.event != KL_HANDSHAKE_REFUSED ||
                    (hs.why[0] && hs.refusal != KL_REFUSAL_NONE),
            "a refusal has a reason");
    kl_handshake_done(&hs);
    return 0;
}
