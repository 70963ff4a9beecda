// Asks a peer for its release. The flags of the handshake do not tell it, and one answer
// depends on it: to get_state, which is {ok, State} from OTP 26.1 (stdlib 5.1) on and the
// bare state before (otp issue 4029).

#include "node.h"
#include <keel/rpc.h>

enum { ANSWER_SECONDS = 10, WRAPS_FROM = 501 };

// "5.1.2" as 501; 0: none of that form. Versions are charlists.
static int version_of(keel_term text)
{
    int number[2] = {0, 0}, at = 0;
    keel_term digit;
    while (keel_list_next(&text, &digit)) {
        int64_t character = keel_to_int(digit);
        if (character == '.') {
            if (++at == 2) {
                break;
            }
        } else if (character >= '0' && character <= '9' && number[at] < 1000) {
            number[at] = number[at] * 10 + (int)(character - '0');
        } else {
            return 0;
        }
    }
    return number[0] * 100 + number[1];
}

// {Index, Connection}
static void ask(keel_term argument)
{
    struct kl_peer *peer = kl_peer_at((uint32_t)keel_to_int(keel_element(argument, 0)));
    uint32_t connection = (uint32_t)keel_to_int(keel_element(argument, 1));
    keel_term version;
    keel_term answer = keel_rpc_call(peer->name, keel_atom(application), keel_atom(get_key),
            keel_make("[stdlib, vsn]"), KEEL_IN(KEEL_SECONDS(ANSWER_SECONDS)));
    bool bare = keel_match(answer, "{ok, Version}", &version) && version_of(version) > 0 &&
                version_of(version) < WRAPS_FROM;
    kl_peer_form_set(peer, connection, bare ? KL_PEER_FORM_BARE : KL_PEER_FORM_WRAPPED);
}

void kl_release_ask(struct kl_peer *peer)
{
    if (kl_peer_is_full(peer)) {
        keel_spawn(ask,
                keel_make("{Index, Connection}", peer->index, kl_peer_connection(peer)));
    }
}
