#include "heap.h"
#include "value.h"
#include <string.h>

// Who is who: this node's name, pids and references of other nodes, ports, and the numbers
// of new references.

// --- this node ---

static uint64_t node_name = (uint64_t)KL_ATOM_nonode << 8 | KL_TAG_ATOM; // atomic
static uint32_t node_creation; // atomic

// The two may be read apart while they change: the cluster room sets them once, before it
// tells anybody a name.
void kl_node_identity_set(keel_term name, uint32_t creation)
{
    kl_store_relaxed(&node_creation, creation);
    kl_store_relaxed(&node_name, name.word);
}

keel_term kl_node_name(void)
{
    return (keel_term){kl_load_relaxed(&node_name)};
}
uint32_t kl_node_creation(void)
{
    return kl_load_relaxed(&node_creation);
}

// --- other nodes ---

keel_term kl_pid_term(struct kl_heap *heap, const struct kl_remote_pid *remote)
{
    struct kl_pid_box *box = kl_heap_alloc(heap, sizeof *box);
    if (!box) {
        return KEEL_NONE;
    }
    *box = (struct kl_pid_box){kl_header(KL_KIND_PID, 0), remote->node, remote->id,
            remote->serial, remote->creation, 0};
    return kl_boxed(box);
}

keel_pid kl_pid_make_remote(const struct kl_remote_pid *remote)
{
    return (keel_pid){kl_pid_term(kl_heap_current(), remote).word};
}

bool kl_pid_remote(keel_pid pid, struct kl_remote_pid *ret)
{
    keel_term term = {pid.word};
    if (!kl_is_kind(term, KL_KIND_PID)) {
        return false;
    }
    const struct kl_pid_box *box = kl_box(term);
    *ret = (struct kl_remote_pid){box->node, box->id, box->serial, box->creation};
    return true;
}

keel_term kl_ref_term(struct kl_heap *heap, const struct kl_remote_ref *remote)
{
    struct kl_ref_box *box = kl_heap_alloc(heap, sizeof *box);
    if (!box) {
        return KEEL_NONE;
    }
    *box = (struct kl_ref_box){.header = kl_header(KL_KIND_REF, 0),
            .node = remote->node,
            .creation = remote->creation,
            .count = remote->count};
    memcpy(box->word, remote->word, remote->count * sizeof box->word[0]);
    return kl_boxed(box);
}

keel_ref kl_ref_make_remote(const struct kl_remote_ref *remote)
{
    return (keel_ref){kl_ref_term(kl_heap_current(), remote).word};
}

bool kl_ref_remote(keel_ref ref, struct kl_remote_ref *ret)
{
    keel_term term = {ref.word};
    if (!kl_is_kind(term, KL_KIND_REF)) {
        return false;
    }
    const struct kl_ref_box *box = kl_box(term);
    *ret = (struct kl_remote_ref){
            .node = box->node, .creation = box->creation, .count = box->count};
    memcpy(ret->word, box->word, sizeof ret->word);
    return true;
}

keel_term kl_port_node(keel_term port)
{
    return ((const struct kl_port *)kl_box(port))->node;
}

keel_term kl_port_make(struct kl_heap *heap, keel_term node, uint64_t id, uint32_t creation)
{
    struct kl_port *box = kl_heap_alloc(heap, sizeof *box);
    if (!box) {
        return KEEL_NONE;
    }
    *box = (struct kl_port){kl_header(KL_KIND_PORT, 0), node, id, creation};
    return kl_boxed(box);
}

// --- new references ---

// Threads take numbers in blocks. A block belongs to an era: seeding starts a new one, in
// which the blocks handed out before are void.
enum { REFS_PER_BLOCK = 4096 };

static uint64_t next_block = 1; // atomic
static uint32_t era; // atomic

void kl_ref_seed(uint64_t first)
{
    kl_store_relaxed(&next_block, first);
    // Release, so that who sees the new era takes from the new numbers; pairs with the
    // acquire in take_number().
    (void)kl_add_acq_rel(&era, 1);
}

static uint64_t take_number(void)
{
    struct kl_here *here = kl_here();
    uint32_t now = kl_load_acquire(&era);
    if (__builtin_expect(here->ref_next == here->ref_end || here->ref_era != now, 0)) {
        here->ref_next = kl_add_relaxed(&next_block, REFS_PER_BLOCK);
        here->ref_end = here->ref_next + REFS_PER_BLOCK;
        here->ref_era = now;
    }
    return here->ref_next++;
}

keel_ref keel_make_ref(void)
{
    return kl_ref_make(take_number());
}
