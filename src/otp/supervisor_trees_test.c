// Random trees of supervisors and random deaths in them, against a model. What a death must
// lead to (who is started anew, which supervisor gives up and takes what lies below it
// down) the model says; the order in which children stop, that nobody is left behind, and
// what which_children answers are checked after each.

#include "base/base.h"
#include "otp_testing.h"
#include <keel/dynamic_supervisor.h>
#include <string.h>

enum kind { LEAF, ONE_FOR_ONE, ONE_FOR_ALL, REST_FOR_ONE, DYNAMIC, KINDS };
enum { MOST = 64, BROOD = 4, DEATHS = 12, DEPTH = 3, PERIOD_S = 2, NOBODY = -1 };

// One place in the tree: its plan, what the model says of it, and what was seen.
struct node {
    enum kind kind;
    keel_restart restart;
    int parent, order, depth; // `order` among its siblings
    int children[BROOD], count;
    int intensity;
    // the model
    bool present; // its supervisor has a specification of it
    bool up;
    int starts;
    int64_t restarts[MOST]; // of its children
    int restart_count;
    // seen
    int seen_starts;
    keel_pid pid; // of the last start
};

static struct node nodes[MOST];
static int node_count;
static uint64_t chance;
static bool tree_ended; // the model says so
static keel_pid teller; // the test
static int64_t now; // of the death that is modelled

static int draw(int below)
{
    return (int)(kl_random_next(&chance) % (uint64_t)below);
}

// --- the plan ---

static int plan_node(int parent, int depth)
{
    int index = node_count++;
    bool leaf = depth == DEPTH || (depth > 0 && draw(2) == 0);
    nodes[index] = (struct node){.kind = leaf ? LEAF : (enum kind)(1 + draw(KINDS - 1)),
            .restart = (keel_restart)(draw(4) == 0 ? 1 + draw(2) : 0),
            .parent = parent,
            .depth = depth,
            .present = true,
            .intensity = draw(4)};
    for (int wanted = leaf ? 0 : 1 + draw(BROOD); wanted > 0 && node_count < MOST;
            wanted--) {
        int child = plan_node(index, depth + 1);
        nodes[child].order = nodes[index].count;
        nodes[index].children[nodes[index].count++] = child;
    }
    return index;
}

// --- the real thing ---

static keel_result init_leaf(keel_term index, void *state)
{
    *(int64_t *)state = keel_to_int(index);
    keel_trap_exit(true);
    keel_send(teller, keel_make("{start, Index, Pid}", index, keel_self()));
    return keel_ok();
}

static keel_result end_leaf(keel_term reason, void *state)
{
    (void)state;
    return keel_stop_with(reason);
}

static void leaf_ends(keel_term reason, void *state)
{
    keel_send(teller, keel_make("{stop, Index, Reason}", *(int64_t *)state, reason));
}

struct leaf {
    int64_t index;
};
static const keel_gen_server leaf = {.name = "leaf",
        .state = KEEL_STATE(struct leaf, index),
        .init = init_leaf,
        .handle_cast = end_leaf,
        .terminate = leaf_ends};

static keel_started start_node(keel_term index);

static keel_child_spec spec_of(int index)
{
    const struct node *node = &nodes[index];
    keel_child_spec spec = keel_child(&leaf, keel_int(index));
    if (node->kind != LEAF) {
        spec = keel_child_fn(start_node, keel_int(index), .type = KEEL_SUPERVISOR);
    }
    spec.id = keel_int(index);
    spec.restart = node->restart;
    return spec;
}

// The children of a dynamic supervisor come later, and only once.
static keel_started start_node(keel_term index)
{
    const struct node *node = &nodes[keel_to_int(index)];
    int intensity = node->intensity == 0 ? KEEL_NO_RESTARTS : node->intensity;
    keel_child_spec specs[BROOD];
    for (int i = 0; i < node->count; i++) {
        specs[i] = spec_of(node->children[i]);
    }
    keel_started started =
            node->kind == DYNAMIC
                    ? keel_dynamic_supervisor_start_link(.intensity = intensity,
                              .period = KEEL_SECONDS(PERIOD_S))
                    : keel_supervisor_start_link(specs, (size_t)node->count,
                              .strategy = (keel_strategy)(node->kind - ONE_FOR_ONE),
                              .intensity = intensity, .period = KEEL_SECONDS(PERIOD_S));
    if (started.status == KEEL_OK) {
        keel_send(teller, keel_make("{start, Index, Pid}", index, started.pid));
    }
    return started;
}

// --- the model ---

static void model_start(int index)
{
    struct node *node = &nodes[index];
    node->present = true;
    node->up = true;
    node->starts++;
    node->restart_count = 0;
    for (int i = 0; i < node->count; i++) {
        if (node->kind != DYNAMIC) {
            model_start(node->children[i]);
        } else {
            nodes[node->children[i]].present = false;
        }
    }
}

static void model_stop(int index)
{
    nodes[index].up = false;
    for (int i = 0; i < nodes[index].count; i++) {
        model_stop(nodes[index].children[i]);
    }
}

// A group of siblings is stopped, which ends temporary ones for good, and started.
static void model_restart_from(const struct node *supervisor, int order)
{
    for (int i = order; i < supervisor->count; i++) {
        struct node *child = &nodes[supervisor->children[i]];
        model_stop(supervisor->children[i]);
        child->present = child->present && child->restart != KEEL_TEMPORARY;
    }
    for (int i = order; i < supervisor->count; i++) {
        if (nodes[supervisor->children[i]].present) {
            model_start(supervisor->children[i]);
        }
    }
}

static bool model_allows(struct node *supervisor)
{
    int kept = 0;
    for (int i = 0; i < supervisor->restart_count; i++) {
        if (now - supervisor->restarts[i] <= KEEL_SECONDS(PERIOD_S)) {
            supervisor->restarts[kept++] = supervisor->restarts[i];
        }
    }
    supervisor->restart_count = kept;
    if (kept >= supervisor->intensity) {
        return false;
    }
    supervisor->restarts[supervisor->restart_count++] = now;
    return true;
}

static void model_end(int index, bool abnormal)
{
    struct node *node = &nodes[index];
    model_stop(index);
    if (node->parent == NOBODY) {
        tree_ended = true;
        return;
    }
    struct node *supervisor = &nodes[node->parent];
    bool again = node->restart == KEEL_PERMANENT ||
                 (node->restart == KEEL_TRANSIENT && abnormal);
    if (!again) {
        node->present = node->restart == KEEL_TRANSIENT && supervisor->kind != DYNAMIC;
    } else if (!model_allows(supervisor)) {
        model_end(node->parent, false); // with shutdown
    } else if (supervisor->kind == ONE_FOR_ONE || supervisor->kind == DYNAMIC) {
        model_start(index);
    } else {
        model_restart_from(supervisor, supervisor->kind == REST_FOR_ONE ? node->order : 0);
    }
}

// --- what is seen ---

// The one of `above`'s children at or above `index`; NOBODY when it is not below `above`.
static int branch_towards(int above, int index)
{
    while (index != NOBODY && nodes[index].parent != above) {
        index = nodes[index].parent;
    }
    return index;
}

static int common_supervisor(int one, int other)
{
    for (; one != NOBODY; one = nodes[one].parent) {
        if (branch_towards(one, other) != NOBODY) {
            return one;
        }
    }
    return NOBODY;
}

// `first` and `second` were told to stop, in this order, after the death of `cause`. The
// branch in which it happened was down before its supervisor stopped others; of the others
// the one that was started last goes first. A dynamic supervisor stops all at once.
static void check_order(int first, int second, int cause)
{
    int above = common_supervisor(first, second);
    if (nodes[above].kind == DYNAMIC) {
        return;
    }
    int guilty = branch_towards(above, cause);
    int left = branch_towards(above, first);
    int right = branch_towards(above, second);
    CHECK(right != guilty);
    CHECK(left == guilty || nodes[left].order > nodes[right].order);
}

// Takes all messages of this step: who started, and in which order others were stopped.
static void take_messages(int cause)
{
    int stopped[4 * MOST];
    int count = 0;
    int index;
    keel_term pid = KEEL_NONE;
    keel_term reason = KEEL_NONE;
    keel_term message = KEEL_NONE;
    while (keel_receive_match(KEEL_AT_ONCE, "{start, Index, Pid}", &index, &pid) ==
            KEEL_OK) {
        nodes[index].seen_starts++;
        nodes[index].pid = keel_to_pid(pid);
    }
    while (keel_receive_match(KEEL_AT_ONCE, "{stop, Index, Reason}", &index, &reason) ==
            KEEL_OK) {
        if (index == cause) {
            continue;
        }
        if (keel_is(reason, killed)) { // its supervisor was: told by the link
            CHECK_INT(nodes[index].parent, cause);
            continue;
        }
        CHECK_TERM(reason, "shutdown");
        if (cause == NOBODY || branch_towards(cause, index) == NOBODY) {
            CHECK(count < 4 * MOST);
            stopped[count++] = index;
        }
    }
    for (int i = 0; i < count; i++) {
        for (int j = i + 1; j < count; j++) {
            check_order(stopped[i], stopped[j], cause);
        }
    }
    keel_status status = keel_receive_match(KEEL_AT_ONCE, "{'EXIT', _, Reason}", &message);
    CHECK_INT(status == KEEL_OK, tree_ended);
    if (tree_ended) {
        CHECK_TERM(message, "shutdown");
    }
    EXPECT_NO_MESSAGE();
}

// [{Id, Pid, Type, Modules}, …] is what the model says, the last one started first.
static void check_children(const struct node *supervisor)
{
    keel_term list = children_of(supervisor->pid);
    keel_term child = KEEL_NONE;
    for (int i = supervisor->count - 1; i >= 0; i--) {
        int index = supervisor->children[i];
        const struct node *node = &nodes[index];
        if (!node->present) {
            continue;
        }
        if (supervisor->kind == DYNAMIC) { // has no ids; new pids may go to the end
            CHECK(keel_list_member(
                    keel_make("{undefined, Pid, Type, Modules}", node->pid,
                            node->kind == LEAF ? keel_atom(worker) : keel_atom(supervisor),
                            node->kind == LEAF ? keel_make("[leaf]")
                                               : keel_make("[start_node]")),
                    list));
            continue;
        }
        CHECK(keel_list_next(&list, &child));
        CHECK_TERM(child, "{^Id, ^Pid, _, _}", index,
                node->up ? keel_from_pid(node->pid) : keel_atom(undefined));
    }
    if (supervisor->kind != DYNAMIC) {
        CHECK_TERM(list, "[]");
    }
}

static void check_all(keel_term before)
{
    size_t alive = 0;
    for (int i = 0; i < node_count; i++) {
        struct node *node = &nodes[i];
        CHECK_INT(node->seen_starts, node->starts);
        CHECK_INT(!no_pid(node->pid) && keel_process_alive(node->pid), node->up);
        alive += node->up;
        if (node->up && node->kind != LEAF) {
            check_children(node);
            keel_child_counts counts = {0};
            CHECK_OK(keel_supervisor_count_children(node->pid, &counts));
            size_t present = 0;
            for (int j = 0; j < node->count; j++) {
                present += nodes[node->children[j]].present;
            }
            CHECK_INT(counts.specs, present);
        }
    }
    size_t others;
    CHECK(keel_list_length(before, &others));
    CHECK_INT(process_count(), alive + others); // no orphan, nobody twice
}

// --- deaths ---

static void settle(void)
{
    keel_sleep(KEEL_MS(1)); // all that follows has happened when time goes on
}

static void fill_dynamic(int index)
{
    struct node *node = &nodes[index];
    for (int i = 0; i < node->count; i++) {
        if (node->kind == DYNAMIC) {
            keel_child_spec spec = spec_of(node->children[i]);
            actor_started(keel_dynamic_supervisor_start_child(node->pid, &spec));
            model_start(node->children[i]);
        }
    }
    settle();
    take_messages(NOBODY);
    for (int i = 0; i < node->count; i++) {
        fill_dynamic(node->children[i]);
    }
}

// Any but the top one.
static int pick_victim(void)
{
    int alive[MOST];
    int count = 0;
    for (int i = 1; i < node_count; i++) {
        if (nodes[i].up) {
            alive[count++] = i;
        }
    }
    return count == 0 ? NOBODY : alive[draw(count)];
}

static void kill_one(int index)
{
    static const char *const reasons[] = {
            "kill", "boom", "boom", "normal", "shutdown", "{shutdown, x}"};
    keel_term reason = KEEL_NONE;
    const char *text = reasons[draw(KEEL_COUNT(reasons))];
    CHECK_OK(keel_parse(text, strlen(text), &reason, NULL));
    now = time_now();
    if (nodes[index].kind != LEAF || keel_is(reason, kill)) {
        keel_process_exit(nodes[index].pid, keel_atom(kill));
        model_end(index, true);
    } else {
        keel_cast(nodes[index].pid, reason);
        model_end(index, keel_is(reason, boom));
    }
    settle();
    take_messages(index);
}

static void begin(void)
{
    keel_trap_exit(true);
    keel_report_level_set(KEEL_REPORT_NONE);
    chance = kl_test_seed();
    teller = keel_self();
    node_count = 0;
    tree_ended = false;
    plan_node(NOBODY, 0);
    model_start(0);
    actor_started(start_node(keel_int(0)));
    settle();
    take_messages(NOBODY);
    fill_dynamic(0);
}

SIMULATED_TEST("random deaths in random trees lead to what OTP says, and leave no orphan",
        .ids = "SU-072 SU-073 SU-080 SU-084 SU-098")
{
    keel_term before = keel_process_list();
    begin();
    check_all(before);
    for (int i = 0; i < DEATHS && !tree_ended; i++) {
        // Never a whole period after another death: what is in it is not left to rounding.
        keel_sleep(KEEL_MS(draw(900)) + KEEL_US(i + 1));
        int victim = pick_victim();
        if (victim != NOBODY) {
            kill_one(victim);
            check_all(before);
        }
    }
    if (!tree_ended) {
        tree_ended = true;
        model_stop(0);
        keel_process_exit(nodes[0].pid, keel_atom(shutdown));
        settle();
        take_messages(NOBODY);
    }
    check_all(before);
}

SIMULATED_TEST("many deaths at once end in a tree that is whole or gone")
{
    keel_term before = keel_process_list();
    begin();
    for (int round = 0; round < 4; round++) {
        for (int i = 1; i < node_count; i++) {
            if (draw(3) == 0 && !no_pid(nodes[i].pid)) {
                keel_process_exit(nodes[i].pid, keel_atom(kill));
            }
        }
        settle();
    }
    keel_term reason = keel_atom(shutdown);
    if (keel_process_alive(nodes[0].pid)) {
        // Whoever is there answers for all below it: each is alive, and nobody else is.
        keel_term rest = keel_list_of(keel_from_pid(nodes[0].pid));
        size_t alive = 0;
        while (!keel_is_nil(rest)) {
            keel_pid pid = keel_to_pid(keel_head(rest));
            keel_term list = children_of(pid);
            keel_term child = KEEL_NONE;
            rest = keel_tail(rest);
            CHECK(keel_process_alive(pid));
            alive++;
            while (keel_list_next(&list, &child)) {
                keel_term below = keel_element(child, 1);
                bool up = keel_is_pid(below);
                CHECK(!up || keel_process_alive(keel_to_pid(below)));
                if (up && keel_is(keel_element(child, 2), supervisor)) {
                    rest = keel_cons(below, rest);
                } else {
                    alive += up;
                }
            }
        }
        size_t others;
        CHECK(keel_list_length(before, &others));
        CHECK_INT(process_count(), alive + others);
        keel_process_exit(nodes[0].pid, keel_atom(shutdown));
    }
    EXPECT_MESSAGE("{'EXIT', ^Pid, ^Reason}", nodes[0].pid, reason);
    settle();
    keel_flush();
    CHECK(keel_equal(keel_process_list(), before));
}
