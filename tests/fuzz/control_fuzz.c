// libFuzzer target: one control message, as the peer writes it.
//
// To give the fuzzer a start, the input is not the message itself but a recipe: the first
// byte is the op, each further one takes an element from a table of good and bad ones, and
// what is left of the input replaces bytes of the message. What is understood must keep to
// the rules that those rely on who act on it.

#include "cluster/control.h"
#include "term/term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "control_fuzz: %s\n", what);
        abort();
    }
}

static keel_term atom(const char *text)
{
    keel_term term = KEEL_NONE;
    require(keel_atom_from(text, strlen(text), &term) == KEEL_OK, "an atom");
    return term;
}

static keel_term pid_of(const char *node)
{
    struct kl_remote_pid remote = {atom(node), 1, 2, 3};
    return keel_from_pid(kl_pid_make_remote(&remote));
}

static keel_term ref_of(const char *node)
{
    struct kl_remote_ref remote = {atom(node), 3, 3, {1, 2, 3}};
    return keel_from_ref(kl_ref_make_remote(&remote));
}

static keel_term element_of(uint8_t choice)
{
    switch (choice & 15) {
    case 0:
    case 1:
        return pid_of("you@box");
    case 2:
    case 3:
        return keel_from_pid(kl_pid_make(5, 6));
    case 4:
        return pid_of("they@box");
    case 5:
        return pid_of("me@box");
    case 6:
        return keel_from_ref(kl_ref_make(77));
    case 7:
        return ref_of("you@box");
    case 8:
        return atom("");
    case 9:
        return atom("name");
    case 10:
        return keel_nil();
    case 11:
        return keel_tuple((keel_term[]){atom("m"), atom("f"), keel_int(choice >> 4)}, 3);
    case 12:
        return keel_uint(UINT64_MAX);
    case 13:
        return keel_int((int64_t)(choice >> 4) - 1);
    case 14:
        return keel_cons(keel_int(1), keel_int(2));
    default:
        return keel_map(NULL, NULL, 0);
    }
}

static bool lives_on(keel_term term, const char *node)
{
    struct kl_remote_pid remote;
    if (kl_pid_is_local(keel_to_pid(term))) {
        return strcmp(node, "me@box") == 0;
    }
    return kl_pid_remote(keel_to_pid(term), &remote) && keel_equal(remote.node, atom(node));
}

static void check_rules(const struct kl_control *control)
{
    require(control->kind < KL_CONTROL_KINDS, "a kind is one");
    require(keel_is_none(control->from) || lives_on(control->from, "you@box"),
            "a sender lives on its node");
    require(keel_is_none(control->to) || lives_on(control->to, "me@box"),
            "a receiver lives here");
    require(keel_is_none(control->name) || keel_is_atom(control->name),
            "a name is an atom");
    require(keel_is_none(control->ref) || keel_is_ref(control->ref), "a reference is one");
    bool unlinks = control->kind == KL_CONTROL_UNLINK ||
                   control->kind == KL_CONTROL_UNLINK_ACK;
    require(!unlinks || control->id != 0, "an id is not 0");
    require(keel_is_none(control->mfa) || keel_tuple_size(control->mfa) == 3,
            "a function has three parts");
    size_t length;
    require(keel_is_none(control->opts) || keel_list_length(control->opts, &length),
            "options are a list");
}

static void mix_in(uint8_t *message, size_t message_size, const uint8_t *data, size_t size)
{
    for (; size >= 2; data += 2, size -= 2) {
        message[data[0] % message_size] = data[1];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    kl_node_identity_set(atom("me@box"), 7);
    keel_scope scope = keel_scope_open();
    keel_term elements[10] = {keel_int(data[0])};
    size_t count = 1 + (data[1] & 7);
    data += 2;
    size -= 2;
    for (size_t i = 1; i < count; i++) {
        elements[i] = element_of(size > 0 ? *data : 0);
        data += size > 0;
        size -= size > 0;
    }
    keel_term binary = KEEL_NONE;
    keel_etf_opts bare = {.no_version = true};
    require(keel_etf_encode(keel_tuple(elements, count), &bare, &binary) == KEEL_OK,
            "the recipe is a term");
    keel_bytes encoded = keel_to_bytes(binary);
    uint8_t *message = malloc(encoded.size);
    memcpy(message, encoded.data, encoded.size);
    mix_in(message, encoded.size, data, size);

    struct kl_control control;
    const char *why = NULL;
    size_t used = 0;
    if (kl_control_decode(message, encoded.size, atom("you@box"), NULL, &control, &used,
                &why) == KEEL_OK) {
        require(used <= encoded.size, "no more is used than there is");
        check_rules(&control);
    } else {
        require(why, "a refusal has a reason");
    }
    free(message);
    keel_scope_close(&scope);
    return 0;
}
