#include "flags.h"
#include <stdio.h>

static const struct {
    uint64_t flag;
    const char *name;
} names[] = {
        {KL_FLAG_PUBLISHED, "PUBLISHED"},
        {KL_FLAG_ATOM_CACHE, "ATOM_CACHE"},
        {KL_FLAG_EXTENDED_REFERENCES, "EXTENDED_REFERENCES"},
        {KL_FLAG_DIST_MONITOR, "DIST_MONITOR"},
        {KL_FLAG_FUN_TAGS, "FUN_TAGS"},
        {KL_FLAG_DIST_MONITOR_NAME, "DIST_MONITOR_NAME"},
        {KL_FLAG_HIDDEN_ATOM_CACHE, "HIDDEN_ATOM_CACHE"},
        {KL_FLAG_NEW_FUN_TAGS, "NEW_FUN_TAGS"},
        {KL_FLAG_EXTENDED_PIDS_PORTS, "EXTENDED_PIDS_PORTS"},
        {KL_FLAG_EXPORT_PTR_TAG, "EXPORT_PTR_TAG"},
        {KL_FLAG_BIT_BINARIES, "BIT_BINARIES"},
        {KL_FLAG_NEW_FLOATS, "NEW_FLOATS"},
        {KL_FLAG_HEADER_ATOM_CACHE, "DIST_HDR_ATOM_CACHE"},
        {KL_FLAG_SMALL_ATOM_TAGS, "SMALL_ATOM_TAGS"},
        {KL_FLAG_UTF8_ATOMS, "UTF8_ATOMS"},
        {KL_FLAG_MAP_TAG, "MAP_TAG"},
        {KL_FLAG_BIG_CREATION, "BIG_CREATION"},
        {KL_FLAG_SEND_SENDER, "SEND_SENDER"},
        {KL_FLAG_BIG_SEQTRACE_LABELS, "BIG_SEQTRACE_LABELS"},
        {KL_FLAG_EXIT_PAYLOAD, "EXIT_PAYLOAD"},
        {KL_FLAG_FRAGMENTS, "FRAGMENTS"},
        {KL_FLAG_HANDSHAKE_23, "HANDSHAKE_23"},
        {KL_FLAG_UNLINK_ID, "UNLINK_ID"},
        {KL_FLAG_MANDATORY_25_DIGEST, "MANDATORY_25_DIGEST"},
        {KL_FLAG_SPAWN, "SPAWN"},
        {KL_FLAG_NAME_ME, "NAME_ME"},
        {KL_FLAG_V4_NC, "V4_NC"},
        {KL_FLAG_ALIAS, "ALIAS"},
        {KL_FLAG_ALTACT_SIG, "ALTACT_SIG"},
};

// UNLINK_ID and V4_NC are demanded by OTP 26 and later. We demand neither: OTP 25 offers
// them, and libei's nodes, which do not, are guests that never unlink.
uint64_t kl_dist_flags_offered(bool visible)
{
    return KL_FLAGS_MANDATORY_25 | KL_FLAG_MANDATORY_25_DIGEST | KL_FLAG_DIST_MONITOR |
           KL_FLAG_DIST_MONITOR_NAME | KL_FLAG_SMALL_ATOM_TAGS | KL_FLAG_SEND_SENDER |
           KL_FLAG_BIG_SEQTRACE_LABELS | KL_FLAG_EXIT_PAYLOAD | KL_FLAG_FRAGMENTS |
           KL_FLAG_UNLINK_ID | KL_FLAG_SPAWN | KL_FLAG_V4_NC | KL_FLAG_ALIAS |
           (visible ? KL_FLAG_PUBLISHED : 0);
}

uint64_t kl_dist_flags_expanded(uint64_t flags)
{
    return flags & KL_FLAG_MANDATORY_25_DIGEST ? flags | KL_FLAGS_MANDATORY_25 : flags;
}

uint64_t kl_dist_flags_agreed(uint64_t ours, uint64_t theirs)
{
    const uint64_t of_the_peer = KL_FLAG_PUBLISHED | KL_FLAG_NAME_ME;
    ours = kl_dist_flags_expanded(ours);
    theirs = kl_dist_flags_expanded(theirs);
    return (ours & theirs & ~of_the_peer) | (theirs & of_the_peer);
}

uint64_t kl_dist_flags_missing(uint64_t theirs)
{
    return KL_FLAGS_MANDATORY_25 & ~kl_dist_flags_expanded(theirs);
}

void kl_dist_flags_text(uint64_t flags, char *text, size_t size)
{
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && length < size; i++) {
        if (flags & names[i].flag) {
            const char *blank = length > 0 ? " " : "";
            length += (size_t)snprintf(
                    text + length, size - length, "%s%s", blank, names[i].name);
            flags &= ~names[i].flag;
        }
    }
    if (flags != 0 && length < size) {
        snprintf(text + length, size - length, "%s0x%llx", length > 0 ? " " : "",
                (unsigned long long)flags);
    }
}
