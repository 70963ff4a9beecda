// Links and monitors, from the side of the one who makes them.

#include "proc.h"
#include "process.h"

static uint64_t unlink_ids; // 0 is none

static struct kl_process *caller(keel_status *ret_status)
{
    struct kl_process *self = kl_process_current();
    *ret_status = self == NULL ? KEEL_E_OUTSIDE : KEEL_OK;
    return self;
}

// Signals that the caller caused to itself act before it goes on.
static void act_at_once(struct kl_process *self)
{
    kl_take(self);
    kl_end_if_dying(self);
}

// A pid with this node's name that is none of ours is of an earlier life of the node.
static bool is_of_the_past(keel_pid pid)
{
    struct kl_remote_pid remote;
    return kl_pid_remote(pid, &remote) && remote.node.word == kl_node_name().word;
}

static void link_remote(struct kl_process *self, struct kl_relation *link, keel_pid pid)
{
    keel_pid self_pid = kl_process_pid(self);
    uint32_t before = link->connection;
    bool past = is_of_the_past(pid);
    link->connection = past || kl_route == NULL ? 0 : kl_route->link(self_pid, pid);
    if (before != 0) {
        kl_route->detach(before, self_pid);
    }
    if (link->connection == 0) {
        kl_remote_link_exit(
                0, pid, self_pid, past ? KL_ATOM(noproc) : KL_ATOM(noconnection));
        act_at_once(self);
    }
}

static keel_status link_to(keel_pid pid, uint8_t flags)
{
    keel_status status;
    struct kl_process *self = caller(&status);
    if (!keel_is_pid(keel_from_pid(pid))) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return status;
    }
    kl_observable();
    if (pid.word == kl_process_pid(self).word) {
        return KEEL_OK;
    }
    struct kl_relation *link = kl_relation_find_term(self, keel_from_pid(pid));
    if (link != NULL && (link->flags & KL_REL_INACTIVE) == 0) {
        link->flags = (uint8_t)((link->flags & ~KL_REL_FIRST) | flags);
        return KEEL_OK;
    }
    if (link == NULL) {
        link = kl_relation_add_term(self, keel_from_pid(pid), KL_REL_LINK, pid);
        if (link == NULL) {
            kl_exit_now(self, KL_ATOM(system_limit), 0);
        }
    }
    // Active again, whatever unlink is under way.
    link->flags = (uint8_t)((link->flags & KL_REL_SHARES_KEY) | flags);
    link->id = 0;
    if (!kl_pid_is_local(pid)) {
        link_remote(self, link, pid);
        return KEEL_OK;
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_LINK, KEEL_NONE);
    if (envelope == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    envelope->from = kl_process_pid(self).word;
    if (!kl_deliver(pid, envelope)) {
        act_at_once(self); // noproc has come
    }
    return KEEL_OK;
}

keel_status keel_link(keel_pid pid)
{
    return link_to(pid, 0);
}

keel_status keel_link_priority(keel_pid pid)
{
    return link_to(pid, KL_REL_FIRST);
}

keel_status keel_unlink(keel_pid pid)
{
    keel_status status;
    struct kl_process *self = caller(&status);
    if (!keel_is_pid(keel_from_pid(pid))) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return status;
    }
    kl_observable();
    struct kl_relation *link = kl_relation_find_term(self, keel_from_pid(pid));
    if (link == NULL || (link->flags & KL_REL_INACTIVE) != 0) {
        return KEEL_OK;
    }
    link->flags |= KL_REL_INACTIVE;
    link->id = kl_add_relaxed(&unlink_ids, 1) + 1;
    if (!kl_pid_is_local(pid)) {
        if (link->connection != 0) {
            kl_route->unlink(link->connection, kl_process_pid(self), pid, link->id);
        } else {
            kl_relation_remove(self, link); // nobody will acknowledge
        }
        return KEEL_OK;
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_UNLINK, KEEL_NONE);
    if (envelope == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    envelope->from = kl_process_pid(self).word;
    envelope->ref = link->id;
    kl_deliver(pid, envelope);
    return KEEL_OK;
}

// --- monitors ---

// What a target names: a local pid, or none and the {Name, Node} of what is watched.
struct target {
    keel_pid pid;
    keel_term object; // KEEL_NONE: the pid
    bool remote;
};

static bool resolve(keel_term to, struct target *ret)
{
    *ret = (struct target){.pid = {0}, .object = KEEL_NONE, .remote = false};
    if (keel_is_pid(to)) {
        ret->pid = keel_to_pid(to);
        ret->remote = !kl_pid_is_local(ret->pid);
        return true;
    }
    keel_term name = to;
    keel_term node = kl_node_name();
    if (keel_tuple_size(to) == 2) {
        name = keel_element(to, 0);
        node = keel_element(to, 1);
    }
    if (!keel_is_atom(name) || !keel_is_atom(node)) {
        return false;
    }
    ret->object = keel_tuple_of(name, node);
    ret->remote = node.word != kl_node_name().word;
    if (!ret->remote) {
        ret->pid = keel_whereis_term(name);
    }
    return true;
}

static void down_self(struct kl_process *self, const struct target *target, keel_term tag,
        keel_ref ref, keel_term reason)
{
    keel_term object = keel_is_none(target->object) ? keel_from_pid(target->pid)
                                                    : target->object;
    keel_term body = keel_tuple_of(keel_is_none(tag) ? KL_ATOM(DOWN) : tag,
            keel_from_ref(ref), KL_ATOM(process), object, reason);
    struct kl_envelope *envelope = kl_envelope_new(KL_DOWN, body);
    if (envelope == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    envelope->ref = ref.word;
    kl_deliver(kl_process_pid(self), envelope);
}

static void send_monitor(
        struct kl_process *self, const struct target *target, keel_term tag, keel_ref ref)
{
    // None, {Object} or {Object, Tag}; an object of [] is the pid.
    keel_term object = keel_is_none(target->object) ? keel_nil() : target->object;
    keel_term body = KEEL_NONE;
    if (!keel_is_none(tag)) {
        body = keel_tuple_of(object, tag);
    } else if (!keel_is_none(target->object)) {
        body = keel_tuple_of(object);
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_MONITOR, body);
    if (envelope == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    envelope->from = kl_process_pid(self).word;
    envelope->ref = ref.word;
    kl_deliver(target->pid, envelope); // a dead one answers noproc
}

static void watch(struct kl_process *self, const struct target *target,
        const keel_monitor_opts *opts, keel_ref ref)
{
    struct kl_relation *monitor = kl_relation_add_term(
            self, keel_from_ref(ref), KL_REL_MONITOR, target->pid);
    if (monitor == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    monitor->alias = (uint8_t)opts->alias;
    monitor->flags = opts->priority ? KL_REL_FIRST : 0;
    if (!keel_is_none(target->object)) {
        monitor->object = kl_keep_for(self, target->object);
    }
    if (target->remote) {
        keel_term to = keel_is_none(target->object) ? keel_from_pid(target->pid)
                                                    : target->object;
        monitor->tag = keel_is_none(opts->tag) ? KEEL_NONE : kl_keep_for(self, opts->tag);
        bool past = is_of_the_past(target->pid);
        monitor->connection = past || kl_route == NULL
                                      ? 0
                                      : kl_route->monitor(kl_process_pid(self), to, ref);
        if (monitor->connection == 0) {
            down_self(self, target, opts->tag, ref,
                    past ? KL_ATOM(noproc) : KL_ATOM(noconnection));
        }
    } else if (target->pid.word == 0) {
        down_self(self, target, opts->tag, ref, KL_ATOM(noproc));
    } else {
        send_monitor(self, target, opts->tag, ref);
    }
}

keel_status keel_monitor_opt(keel_term to, const keel_monitor_opts *opts, keel_ref *ret_ref)
{
    static const keel_monitor_opts none;
    keel_status status;
    struct kl_process *self = caller(&status);
    opts = opts != NULL ? opts : &none;
    if (ret_ref == NULL || opts->alias > KEEL_ALIAS_REPLY_DEMONITOR) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return status;
    }
    struct target target;
    if (!resolve(to, &target)) {
        return KEEL_E_BADARG;
    }
    kl_observable();
    keel_ref ref = keel_make_ref();
    if (opts->alias != KEEL_ALIAS_NONE &&
            kl_alias_make(self, ref, (uint8_t)opts->alias, opts->priority) != KEEL_OK) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    if (target.pid.word != kl_process_pid(self).word) {
        watch(self, &target, opts, ref); // a monitor of oneself never fires
    }
    *ret_ref = ref;
    return KEEL_OK;
}

keel_ref keel_monitor_term(keel_term target)
{
    keel_ref ref = {0};
    keel_status status = keel_monitor_opt(target, NULL, &ref);
    (void)status;
    return ref;
}

// Takes the DOWN (or whatever tag) of `ref` out of the mailbox.
static void flush_down(struct kl_process *self, keel_ref ref)
{
    kl_take(self);
    for (struct kl_envelope **link = &self->head; *link != NULL; link = &(*link)->next) {
        keel_term body = (*link)->body;
        if ((*link)->kind == KL_MESSAGE && keel_tuple_size(body) == 5 &&
                keel_element(body, 1).word == ref.word &&
                keel_is(keel_element(body, 2), process)) {
            kl_envelope_free(kl_mailbox_remove(self, link));
            return;
        }
    }
}

static void end_monitor(struct kl_process *self, struct kl_relation *monitor, keel_ref ref)
{
    keel_pid self_pid = kl_process_pid(self);
    bool queue = (monitor->flags & KL_REL_QUEUE) != 0;
    if (monitor->connection != 0) {
        keel_term target = keel_is_none(monitor->object) ? keel_from_pid(monitor->pid)
                                                         : monitor->object;
        kl_route->demonitor(monitor->connection, self_pid, target, ref);
    } else if (kl_process_find(monitor->pid) != NULL) {
        struct kl_envelope *envelope = kl_envelope_new(KL_DEMONITOR, KEEL_NONE);
        if (envelope == NULL) {
            kl_exit_now(self, KL_ATOM(system_limit), 0);
        }
        envelope->from = self_pid.word;
        envelope->ref = ref.word;
        kl_deliver(monitor->pid, envelope);
    }
    if (!queue && monitor->alias > KEEL_ALIAS_EXPLICIT_UNALIAS) {
        kl_alias_release(self, ref.word);
    }
    kl_relation_remove(self, monitor);
}

bool kl_demonitor(struct kl_process *self, keel_ref ref)
{
    struct kl_relation *monitor = kl_relation_find(self, ref.word);
    bool active = monitor != NULL && monitor->kind == KL_REL_MONITOR;
    if (active) {
        end_monitor(self, monitor, ref);
    }
    return active;
}

bool keel_demonitor(keel_ref ref, int flags)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || !keel_is_ref(keel_from_ref(ref))) {
        return false;
    }
    kl_observable();
    bool active = kl_demonitor(self, ref);
    if ((flags & KEEL_DEMONITOR_FLUSH) != 0 && !active) {
        flush_down(self, ref);
        kl_end_if_dying(self);
    }
    return (flags & KEEL_DEMONITOR_INFO) != 0 ? active : true;
}

keel_status keel_demonitor_opt(keel_term monitor, keel_term options, bool *ret_result)
{
    int flags = 0;
    keel_term item;
    if (!keel_is_ref(monitor) || !kl_ref_is_local(keel_to_ref(monitor))) {
        return KEEL_E_BADARG; // a reference of another node is a monitor of nobody here
    }
    while (keel_list_next(&options, &item)) {
        if (keel_is(item, flush)) {
            flags |= KEEL_DEMONITOR_FLUSH;
        } else if (keel_is(item, info)) {
            flags |= KEEL_DEMONITOR_INFO;
        } else {
            return KEEL_E_BADARG;
        }
    }
    if (!keel_is_nil(options)) {
        return KEEL_E_BADARG;
    }
    if (kl_process_current() == NULL) {
        return KEEL_E_OUTSIDE;
    }
    bool result = keel_demonitor(keel_to_ref(monitor), flags);
    if (ret_result != NULL) {
        *ret_result = result;
    }
    return KEEL_OK;
}
