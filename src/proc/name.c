// Registered names. Atoms are dense numbers, so the table is an array by atom: looking a
// name up takes no lock.

#include "process.h"
#include <string.h>

enum { CHUNK = 4096, CHUNKS = 4096 };

static uint64_t **chunks; // words of pids, 0: free
static struct kl_lock lock; // guards changes

static uint64_t *entry(keel_term name, bool make)
{
    uint32_t index = kl_atom_index(name);
    uint64_t **table = kl_load_acquire(&chunks);
    if (index / CHUNK >= CHUNKS) {
        return NULL;
    }
    if (table == NULL) {
        if (!make || (table = kl_alloc_zero(CHUNKS * sizeof *table)) == NULL) {
            return NULL;
        }
        kl_store_release(&chunks, table); // pairs with the acquire above
    }
    uint64_t *chunk = kl_load_acquire(&table[index / CHUNK]);
    if (chunk == NULL) {
        if (!make || (chunk = kl_alloc_zero(CHUNK * sizeof *chunk)) == NULL) {
            return NULL;
        }
        kl_store_release(&table[index / CHUNK], chunk);
    }
    return &chunk[index % CHUNK];
}

static bool reserved(keel_term name)
{
    return !keel_is_atom(name) || keel_is(name, undefined) || keel_is(name, nil) ||
           keel_is(name, true) || keel_is(name, false);
}

static keel_status register_locked(keel_term name, keel_pid pid, struct kl_process *process)
{
    uint64_t *at = entry(name, true);
    if (at == NULL) {
        return KEEL_E_NOMEM;
    }
    if (*at != 0 || process->name != 0) {
        return KEEL_E_TAKEN;
    }
    kl_store_release(at, pid.word);
    // The process may have closed its door since it was found. Sequentially consistent:
    // either we see the closed door, or kl_name_release, which comes after the closing,
    // sees the name.
    __atomic_exchange_n(&process->name, kl_atom_index(name) + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&process->door, __ATOMIC_SEQ_CST) == KL_DOOR_CLOSED ||
            kl_load_relaxed(&process->generation) != kl_pid_generation(pid)) {
        kl_store_relaxed(at, 0);
        kl_store_relaxed(&process->name, 0);
        return KEEL_E_NOPROC;
    }
    return KEEL_OK;
}

keel_status keel_register(keel_term name, keel_pid pid)
{
    if (reserved(name) || !keel_is_pid(keel_from_pid(pid)) || !kl_pid_is_local(pid)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    struct kl_process *process = kl_process_find(pid);
    if (process == NULL || kl_load_acquire(&process->door) == KL_DOOR_CLOSED) {
        return KEEL_E_NOPROC;
    }
    kl_observable();
    kl_lock_take(&lock);
    keel_status status = register_locked(name, pid, process);
    kl_lock_give(&lock);
    return status;
}

keel_status keel_unregister(keel_term name)
{
    if (!keel_is_atom(name)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    kl_observable();
    keel_status status = KEEL_E_BADARG;
    kl_lock_take(&lock);
    uint64_t *at = entry(name, false);
    if (at != NULL && *at != 0) {
        struct kl_process *process = kl_process_find((keel_pid){*at});
        if (process != NULL) {
            kl_store_relaxed(&process->name, 0);
        }
        kl_store_relaxed(at, 0);
        status = KEEL_OK;
    }
    kl_lock_give(&lock);
    return status;
}

void kl_name_release(struct kl_process *self)
{
    // Comes after the closing of the door: pairs with the exchange in keel_register.
    if (__atomic_load_n(&self->name, __ATOMIC_SEQ_CST) == 0) {
        return;
    }
    kl_lock_take(&lock);
    if (self->name != 0) {
        uint64_t *at = entry((keel_term){(uint64_t)(self->name - 1) << 8 | 4}, false);
        if (at != NULL && *at == kl_process_pid(self).word) {
            kl_store_relaxed(at, 0);
        }
        kl_store_relaxed(&self->name, 0);
    }
    kl_lock_give(&lock);
}

keel_pid keel_whereis_term(keel_term name)
{
    keel_pid none = {0};
    if (!keel_is_atom(name)) {
        return keel_is_pid(name) ? keel_to_pid(name) : none;
    }
    uint64_t *at = entry(name, false);
    if (at == NULL) {
        return none;
    }
    keel_pid pid = {kl_load_acquire(at)};
    struct kl_process *process = pid.word == 0 ? NULL : kl_process_find(pid);
    if (process == NULL || kl_load_acquire(&process->door) == KL_DOOR_CLOSED) {
        return none; // it is ending: the name becomes free at once
    }
    return pid;
}

keel_term keel_registered(void)
{
    keel_term list = keel_nil();
    uint64_t **table = kl_load_acquire(&chunks);
    for (size_t i = 0; table != NULL && i < CHUNKS; i++) {
        uint64_t *chunk = kl_load_acquire(&table[i]);
        for (size_t j = 0; chunk != NULL && j < CHUNK; j++) {
            if (kl_load_acquire(&chunk[j]) != 0) {
                keel_term name = {(uint64_t)(i * CHUNK + j) << 8 | 4};
                list = keel_cons(name, list);
            }
        }
    }
    return list;
}

keel_term keel_node_self(void)
{
    return kl_node_name();
}

keel_term keel_node_of(keel_term term)
{
    struct kl_remote_pid pid;
    struct kl_remote_ref ref;
    if (keel_is_pid(term)) {
        return kl_pid_remote(keel_to_pid(term), &pid) ? pid.node : kl_node_name();
    }
    if (keel_is_ref(term)) {
        return kl_ref_remote(keel_to_ref(term), &ref) ? ref.node : kl_node_name();
    }
    return keel_type_of(term) == KEEL_TYPE_PORT ? kl_port_node(term) : KEEL_NONE;
}

void kl_names_stop(void)
{
    for (size_t i = 0; chunks != NULL && i < CHUNKS; i++) {
        if (chunks[i] != NULL) {
            kl_free(chunks[i], CHUNK * sizeof **chunks);
        }
    }
    if (chunks != NULL) {
        kl_free(chunks, CHUNKS * sizeof *chunks);
    }
    chunks = NULL;
}
