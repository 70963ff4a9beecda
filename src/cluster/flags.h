#ifndef KL_CLUSTER_FLAGS_H
#define KL_CLUSTER_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a node can do, told in the handshake. What both can do is used on the connection.
// clang-format off
#define KL_FLAG_PUBLISHED           UINT64_C(0x1) // a visible node
#define KL_FLAG_ATOM_CACHE          UINT64_C(0x2)
#define KL_FLAG_EXTENDED_REFERENCES UINT64_C(0x4)
#define KL_FLAG_DIST_MONITOR        UINT64_C(0x8)
#define KL_FLAG_FUN_TAGS            UINT64_C(0x10)
#define KL_FLAG_DIST_MONITOR_NAME   UINT64_C(0x20)
#define KL_FLAG_HIDDEN_ATOM_CACHE   UINT64_C(0x40)
#define KL_FLAG_NEW_FUN_TAGS        UINT64_C(0x80)
#define KL_FLAG_EXTENDED_PIDS_PORTS UINT64_C(0x100)
#define KL_FLAG_EXPORT_PTR_TAG      UINT64_C(0x200)
#define KL_FLAG_BIT_BINARIES        UINT64_C(0x400)
#define KL_FLAG_NEW_FLOATS          UINT64_C(0x800)
#define KL_FLAG_HEADER_ATOM_CACHE   UINT64_C(0x2000)
#define KL_FLAG_SMALL_ATOM_TAGS     UINT64_C(0x4000)
#define KL_FLAG_UTF8_ATOMS          UINT64_C(0x10000)
#define KL_FLAG_MAP_TAG             UINT64_C(0x20000)
#define KL_FLAG_BIG_CREATION        UINT64_C(0x40000)
#define KL_FLAG_SEND_SENDER         UINT64_C(0x80000)
#define KL_FLAG_BIG_SEQTRACE_LABELS UINT64_C(0x100000)
#define KL_FLAG_EXIT_PAYLOAD        UINT64_C(0x400000)
#define KL_FLAG_FRAGMENTS           UINT64_C(0x800000)
#define KL_FLAG_HANDSHAKE_23        UINT64_C(0x1000000)
#define KL_FLAG_UNLINK_ID           UINT64_C(0x2000000)
#define KL_FLAG_MANDATORY_25_DIGEST UINT64_C(0x4000000) // stands for all that OTP 25 demands
#define KL_FLAG_SPAWN               UINT64_C(0x100000000)
#define KL_FLAG_NAME_ME             UINT64_C(0x200000000) // asks for a name
#define KL_FLAG_V4_NC               UINT64_C(0x400000000)
#define KL_FLAG_ALIAS               UINT64_C(0x800000000)
#define KL_FLAG_ALTACT_SIG          UINT64_C(0x2000000000)
// clang-format on

// What OTP 25 demands of every peer, and so do we: without these we could not read what
// the peer sends.
#define KL_FLAGS_MANDATORY_25                                                              \
    (KL_FLAG_EXTENDED_REFERENCES | KL_FLAG_FUN_TAGS | KL_FLAG_NEW_FUN_TAGS |               \
            KL_FLAG_EXTENDED_PIDS_PORTS | KL_FLAG_EXPORT_PTR_TAG | KL_FLAG_BIT_BINARIES |  \
            KL_FLAG_NEW_FLOATS | KL_FLAG_UTF8_ATOMS | KL_FLAG_MAP_TAG |                    \
            KL_FLAG_BIG_CREATION | KL_FLAG_HANDSHAKE_23)

// What this node offers. The caches for atoms are declined: without them the header of a
// frame is constant.
uint64_t kl_dist_flags_offered(bool visible);
// What a peer's flags mean: the digest is replaced by what it stands for.
uint64_t kl_dist_flags_expanded(uint64_t flags);
// What both can do; of the peer's own state (PUBLISHED, NAME_ME) nothing is left out.
uint64_t kl_dist_flags_agreed(uint64_t ours, uint64_t theirs);
// The mandatory flags that `theirs` lacks; 0: it may come in.
uint64_t kl_dist_flags_missing(uint64_t theirs);
// Writes the names of `flags`, separated by blanks, as OTP calls them ("UTF8_ATOMS"), and
// what has no name in hexadecimal; cut to `size`, always ended by 0.
void kl_dist_flags_text(uint64_t flags, char *text, size_t size);

#endif // KL_CLUSTER_FLAGS_H
