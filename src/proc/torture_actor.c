#include "torture_actor.h"

#include <stdio.h>

enum { MOST = 64, LANES = 128 };

// A monitor that is active, and what its DOWN must say; a none reason: any of this world.
struct watch {
    keel_ref ref;
    keel_term reason; // immediate
};

struct alarm {
    keel_ref timer;
    int64_t due, number;
    bool must_come; // cancelling came too late
};

// What went to and came from one other process.
struct lane {
    keel_pid pid;
    int64_t sent, received; // numbered messages: none may be missing
    int64_t signals_sent, signals_received; // the same for exit signals
    int64_t loose_sent, loose_received; // by name or alias: some get lost, none overtakes
};

struct known_alias {
    keel_ref alias;
    keel_pid owner;
};

struct actor {
    bool traps, lasts;
    struct watch watches[MOST];
    keel_pid links[MOST];
    struct alarm alarms[MOST];
    keel_ref aliases[8];
    struct known_alias known[8];
    struct lane lanes[LANES];
    size_t watch_count, link_count, alarm_count, alias_count, known_count, lane_count;
    int64_t numbers;
};

static void act(struct actor *actor);
static void account(struct actor *actor, keel_term message);
static void take_messages(struct actor *actor, keel_deadline deadline);
static void settle(struct actor *actor, keel_term witnesses);

static size_t chance(size_t count)
{
    return keel_random() % count;
}

keel_term mortal_name(int number)
{
    char text[16];
    keel_term name = KEEL_NONE;
    int length = snprintf(text, sizeof text, "mortal_%d", number);
    CHECK_OK(keel_atom_from(text, (size_t)length, &name));
    return name;
}

static keel_term witness_name(int number)
{
    char text[16];
    keel_term name = KEEL_NONE;
    int length = snprintf(text, sizeof text, "witness_%d", number);
    CHECK_OK(keel_atom_from(text, (size_t)length, &name));
    return name;
}

void witness(keel_term controller_and_number)
{
    keel_term controller = keel_element(controller_and_number, 0), witnesses;
    struct actor *actor = keel_alloc(sizeof *actor);
    actor->lasts = actor->traps = true;
    keel_trap_exit(true);
    CHECK_OK(keel_register(
            witness_name((int)keel_to_int(keel_element(controller_and_number, 1))),
            keel_self()));
    for (int i = 0; i < WITNESS_STEPS; i++) {
        keel_scope scope = keel_scope_open();
        act(actor);
        take_messages(actor, KEEL_AT_ONCE);
        keel_scope_close(&scope);
    }
    keel_send(controller, keel_make("{worn_out, Self}", keel_self()));
    EXPECT_MESSAGE("{finish, Witnesses}", &witnesses);
    settle(actor, witnesses);
    keel_send(controller, keel_make("{settled, Self}", keel_self()));
    EXPECT_NEXT("finished");
    EXPECT_NO_MESSAGE();
}

void mortal(keel_term unused)
{
    (void)unused;
    struct actor *actor = keel_alloc(sizeof *actor);
    actor->traps = chance(2);
    keel_trap_exit(actor->traps);
    for (size_t i = chance(MORTAL_STEPS); i > 0; i--) {
        keel_scope scope = keel_scope_open();
        act(actor);
        take_messages(actor, KEEL_AT_ONCE);
        keel_scope_close(&scope);
    }
    switch (chance(4)) {
    case 0:
        return;
    case 1:
        keel_exit(keel_make("{own_end, N}", (int)chance(100)));
    case 2:
        keel_process_exit(keel_self(), keel_atom(kill));
        CHECK(false);
        return;
    default:
        take_messages(actor, KEEL_NEVER);
    }
}

bool is_reason_of_torture(keel_term reason)
{
    return keel_is(reason, normal) || keel_is(reason, killed) || keel_is(reason, noproc) ||
           keel_match(reason, "{own_end, _}") || keel_match(reason, "{signal, _, _, _}");
}

// --- the books ---

static struct lane *lane_of(struct actor *actor, keel_pid pid)
{
    for (size_t i = 0; i < actor->lane_count; i++) {
        if (same_pid(actor->lanes[i].pid, pid)) {
            return &actor->lanes[i];
        }
    }
    CHECK(actor->lane_count < LANES);
    struct lane *lane = &actor->lanes[actor->lane_count++];
    lane->pid = pid;
    return lane;
}

static void add_watch(struct actor *actor, keel_ref ref, keel_term reason)
{
    CHECK(!no_ref(ref));
    actor->watches[actor->watch_count++] = (struct watch){ref, reason};
}

static size_t find_watch(const struct actor *actor, keel_ref ref)
{
    size_t i = 0;
    while (i < actor->watch_count && !same_ref(actor->watches[i].ref, ref)) {
        i++;
    }
    return i;
}

static size_t find_link(const struct actor *actor, keel_pid pid)
{
    size_t i = 0;
    while (i < actor->link_count && !same_pid(actor->links[i], pid)) {
        i++;
    }
    return i;
}

static size_t find_alias(const struct actor *actor, keel_ref alias)
{
    size_t i = 0;
    while (i < actor->alias_count && !same_ref(actor->aliases[i], alias)) {
        i++;
    }
    return i;
}

static void account_down(struct actor *actor, keel_ref ref, keel_term reason)
{
    size_t i = find_watch(actor, ref);
    if (i == actor->watch_count) {
        kl_test_fail(__FILE__, __LINE__, "a DOWN too many, or after demonitor: %s",
                keel_show(reason));
    }
    if (keel_is_none(actor->watches[i].reason)) {
        CHECK(is_reason_of_torture(reason));
    } else {
        CHECK_EQUAL(reason, actor->watches[i].reason);
    }
    actor->watches[i] = actor->watches[--actor->watch_count];
}

static void account_exit(struct actor *actor, keel_pid from, keel_term reason)
{
    int64_t number;
    CHECK(actor->traps);
    // The reason of a process that died of a signal, and of those linked to it, names
    // another receiver.
    if (keel_match(reason, "{signal, ^From, ^Self, Number}", from, keel_self(), &number)) {
        struct lane *lane = lane_of(actor, from);
        CHECK_INT(number, lane->signals_received);
        lane->signals_received++;
        return;
    }
    CHECK(is_reason_of_torture(reason));
    size_t i = find_link(actor, from);
    if (i < actor->link_count) {
        actor->links[i] = actor->links[--actor->link_count];
    } else if (actor->lasts) {
        // Nobody links to a witness, so its books are complete.
        kl_test_fail(__FILE__, __LINE__, "an EXIT too many, or after unlink: %s",
                keel_show(reason));
    }
}

static void account_alarm(struct actor *actor, int64_t number)
{
    for (size_t i = 0; i < actor->alarm_count; i++) {
        if (actor->alarms[i].number == number) {
            CHECK(time_now() >= actor->alarms[i].due);
            actor->alarms[i] = actor->alarms[--actor->alarm_count];
            return;
        }
    }
    kl_test_fail(__FILE__, __LINE__, "a timer fired twice, or after it was cancelled");
}

static void account(struct actor *actor, keel_term message)
{
    keel_pid from;
    keel_ref ref;
    keel_term reason;
    int64_t number;
    if (keel_match(message, "{numbered, From, Number}", &from, &number)) {
        struct lane *lane = lane_of(actor, from);
        CHECK_INT(number, lane->received);
        lane->received++;
    } else if (keel_match(message, "{loose, From, Number}", &from, &number)) {
        struct lane *lane = lane_of(actor, from);
        CHECK(number > lane->loose_received);
        lane->loose_received = number;
    } else if (keel_match(message, "{via, Ref, From, Number}", &ref, &from, &number)) {
        CHECK(find_alias(actor, ref) < actor->alias_count);
        struct lane *lane = lane_of(actor, from);
        CHECK(number > lane->loose_received);
        lane->loose_received = number;
    } else if (keel_match(message, "{my_alias, Ref, From}", &ref, &from)) {
        size_t i = actor->known_count < 8 ? actor->known_count++ : chance(8);
        actor->known[i] = (struct known_alias){ref, from};
    } else if (keel_match(message, "{alarm, Number}", &number)) {
        account_alarm(actor, number);
    } else if (keel_match(message, "{'DOWN', Ref, process, _, Reason}", &ref, &reason)) {
        account_down(actor, ref, reason);
    } else if (keel_match(message, "{'EXIT', From, Reason}", &from, &reason)) {
        account_exit(actor, from, reason);
    } else {
        kl_test_fail(__FILE__, __LINE__, "nobody sent this: %s", keel_show(message));
    }
}

static void take_messages(struct actor *actor, keel_deadline deadline)
{
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message;
        keel_status status = keel_receive_until(deadline, &message);
        if (status == KEEL_OK) {
            account(actor, message);
        }
        keel_scope_close(&scope);
        if (status != KEEL_OK) {
            return;
        }
    }
}

// --- what it does ---

static keel_pid somebody(void)
{
    size_t number = chance(MORTALS + WITNESSES);
    return keel_whereis(number < MORTALS ? mortal_name((int)number)
                                         : witness_name((int)number - MORTALS));
}

static keel_pid some_mortal(void)
{
    return keel_whereis(mortal_name((int)chance(MORTALS)));
}

static void send_numbered(struct actor *actor)
{
    keel_pid to = somebody();
    if (!no_pid(to)) {
        struct lane *lane = lane_of(actor, to);
        CHECK_OK(keel_send(to, keel_make("{numbered, Self, N}", keel_self(), lane->sent)));
        lane->sent++;
    }
}

static void send_by_name(struct actor *actor)
{
    int64_t number = ++actor->numbers;
    keel_status status = keel_send(mortal_name((int)chance(MORTALS)),
            keel_make("{loose, Self, N}", keel_self(), number));
    CHECK(status == KEEL_OK || status == KEEL_E_BADARG);
}

static void send_by_alias(struct actor *actor)
{
    if (actor->known_count > 0) {
        struct known_alias *known = &actor->known[chance(actor->known_count)];
        int64_t number = ++actor->numbers;
        CHECK_OK(keel_send(known->alias,
                keel_make("{via, A, Self, N}", known->alias, keel_self(), number)));
    }
}

static void make_alias(struct actor *actor)
{
    keel_pid to = somebody();
    if (actor->alias_count < 8 && !no_pid(to)) {
        keel_ref alias = keel_alias();
        actor->aliases[actor->alias_count++] = alias;
        CHECK_OK(keel_send(to, keel_make("{my_alias, A, Self}", alias, keel_self())));
    }
}

static void end_alias(struct actor *actor)
{
    if (actor->alias_count == 0) {
        return;
    }
    size_t i = chance(actor->alias_count);
    keel_ref alias = actor->aliases[i];
    CHECK(keel_unalias(alias));
    // What came before stays; it is accounted now, since nothing may come later.
    take_messages(actor, KEEL_AT_ONCE);
    i = find_alias(actor, alias);
    actor->aliases[i] = actor->aliases[--actor->alias_count];
}

static void watch_somebody(struct actor *actor)
{
    if (actor->watch_count == MOST) {
        return;
    }
    keel_monitor_opts opts = {0};
    keel_ref ref;
    keel_term target = mortal_name((int)chance(MORTALS));
    if (chance(2)) {
        keel_pid pid = keel_whereis(target);
        if (no_pid(pid)) {
            return;
        }
        target = keel_from_pid(pid);
    }
    CHECK_OK(keel_monitor_opt(target, &opts, &ref));
    add_watch(actor, ref, KEEL_NONE);
}

static void end_watch(struct actor *actor)
{
    if (actor->watch_count > 0) {
        size_t i = chance(actor->watch_count);
        keel_ref ref = actor->watches[i].ref;
        actor->watches[i] = actor->watches[--actor->watch_count];
        CHECK(keel_demonitor(ref, KEEL_DEMONITOR_FLUSH));
    }
}

static void link_mortal(struct actor *actor)
{
    keel_pid pid = some_mortal();
    if (actor->link_count < MOST && !no_pid(pid) && !same_pid(pid, keel_self())) {
        // A second link to one that has died meanwhile would be a second EXIT.
        if (find_link(actor, pid) == actor->link_count) {
            actor->links[actor->link_count++] = pid;
            CHECK_OK(keel_link(pid));
        }
    }
}

static void unlink_mortal(struct actor *actor)
{
    if (actor->link_count == 0) {
        return;
    }
    keel_pid pid = actor->links[chance(actor->link_count)];
    CHECK_OK(keel_unlink(pid));
    // An EXIT that came before stays; none comes later.
    take_messages(actor, KEEL_AT_ONCE);
    size_t i = find_link(actor, pid);
    if (i < actor->link_count) {
        actor->links[i] = actor->links[--actor->link_count];
    }
}

static void signal_somebody(struct actor *actor)
{
    keel_pid pid = somebody();
    if (no_pid(pid) || same_pid(pid, keel_self())) {
        return;
    }
    struct lane *lane = lane_of(actor, pid);
    CHECK_OK(keel_process_exit(
            pid, keel_make("{signal, Self, To, N}", keel_self(), pid, lane->signals_sent)));
    lane->signals_sent++;
    keel_pid other = some_mortal();
    if (!no_pid(other) && !same_pid(other, keel_self())) {
        CHECK_OK(keel_process_exit(other, keel_atom(normal)));
    }
}

static void kill_mortal(struct actor *actor)
{
    keel_pid pid = some_mortal();
    if (!no_pid(pid) && !same_pid(pid, keel_self()) && actor->lasts) {
        CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
        if (chance(2)) {
            CHECK(!keel_process_alive(pid));
        }
    }
}

static void arm_alarm(struct actor *actor)
{
    if (actor->alarm_count == MOST) {
        return;
    }
    int64_t number = ++actor->numbers;
    keel_duration time = KEEL_US((int64_t)chance(20000));
    struct alarm *alarm = &actor->alarms[actor->alarm_count];
    *alarm = (struct alarm){.number = number, .due = time_now() + time};
    alarm->timer = keel_send_after(time, keel_self(), keel_make("{alarm, N}", number));
    CHECK(!no_ref(alarm->timer));
    actor->alarm_count++;
}

static void cancel_alarm(struct actor *actor)
{
    if (actor->alarm_count == 0) {
        return;
    }
    struct alarm *alarm = &actor->alarms[chance(actor->alarm_count)];
    if (keel_cancel_timer(alarm->timer, NULL)) {
        CHECK(!alarm->must_come);
        *alarm = actor->alarms[--actor->alarm_count];
    } else {
        alarm->must_come = true;
    }
}

static void spawn_short_life(struct actor *actor)
{
    if (actor->watch_count == MOST || actor->link_count == MOST) {
        return;
    }
    keel_spawn_opts opts = {.monitor = true, .link = actor->lasts && chance(2)};
    keel_pid pid;
    keel_ref ref;
    CHECK_OK(keel_spawn_opt(do_nothing, KEEL_NONE, &opts, &pid, &ref));
    add_watch(actor, ref, keel_atom(normal));
    if (opts.link) {
        actor->links[actor->link_count++] = pid;
    }
}

// A witness gives its name up and takes it back: nobody else may have got it, and
// whoever looks for it finds this process or nobody.
static void renew_name(struct actor *actor)
{
    keel_term name = info_of(keel_self(), keel_atom(registered_name));
    CHECK(same_pid(keel_whereis(name), keel_self()));
    CHECK_INT(keel_register(keel_atom(second_name), keel_self()), KEEL_E_TAKEN);
    if (actor->lasts) {
        CHECK_OK(keel_unregister(name));
        keel_yield();
        CHECK(no_pid(keel_whereis(name)));
        CHECK_OK(keel_register(name, keel_self()));
    }
}

static void suspend_mortal(struct actor *actor)
{
    keel_pid pid = some_mortal();
    if (!actor->lasts || no_pid(pid)) {
        return;
    }
    keel_status status = keel_process_suspend(pid);
    CHECK(status == KEEL_OK || status == KEEL_E_NOPROC);
    if (status == KEEL_OK) {
        keel_yield();
        keel_process_resume(pid);
    }
}

static void look_at_somebody(struct actor *actor)
{
    (void)actor;
    keel_pid pid = some_mortal();
    keel_term info;
    if (!no_pid(pid)) {
        CHECK_OK(keel_process_info(pid, keel_make("[status, links, messages]"), &info));
        CHECK(keel_is(info, undefined) || keel_is_list(info));
    }
}

static void rest(struct actor *actor)
{
    switch (chance(4)) {
    case 0:
        keel_sleep(KEEL_US((int64_t)chance(5000)));
        break;
    case 1:
        take_messages(actor, KEEL_IN(KEEL_US((int64_t)chance(5000))));
        break;
    default:
        keel_yield();
    }
}

static void (*const acts[])(struct actor *actor) = {send_numbered, send_numbered,
        send_numbered, send_by_name, send_by_alias, make_alias, end_alias, watch_somebody,
        watch_somebody, end_watch, link_mortal, link_mortal, unlink_mortal, signal_somebody,
        kill_mortal, arm_alarm, arm_alarm, cancel_alarm, spawn_short_life, renew_name,
        suspend_mortal, look_at_somebody, rest, rest};

static void act(struct actor *actor)
{
    acts[chance(sizeof acts / sizeof *acts)](actor);
}

// --- the end ---

// All mortals are dead, and no witness does anything any more: what is owed comes now, and
// nothing else.
static void settle(struct actor *actor, keel_term witnesses)
{
    keel_term pid, message;
    size_t others = 0;
    for (keel_term list = witnesses; keel_list_next(&list, &pid); others++) {
        struct lane *lane = lane_of(actor, keel_to_pid(pid));
        keel_send(pid, keel_make("{totals, Self, N, M}", keel_self(), lane->sent,
                               lane->signals_sent));
    }
    while (others > 0 || actor->watch_count > 0 || actor->link_count > 0 ||
            actor->alarm_count > 0) {
        keel_scope scope = keel_scope_open();
        if (keel_receive_until(SOON, &message) != KEEL_OK) {
            kl_test_fail(__FILE__, __LINE__,
                    "%zu witnesses, %zu DOWN, %zu EXIT and %zu timers have not come",
                    others, actor->watch_count, actor->link_count, actor->alarm_count);
        }
        keel_pid from;
        int64_t sent, signals_sent;
        if (keel_match(message, "{totals, From, N, M}", &from, &sent, &signals_sent)) {
            struct lane *lane = lane_of(actor, from);
            CHECK_INT(lane->received, sent);
            CHECK_INT(lane->signals_received, signals_sent);
            others--;
        } else {
            account(actor, message);
        }
        keel_scope_close(&scope);
    }
    while (actor->alias_count > 0) {
        CHECK(keel_unalias(actor->aliases[--actor->alias_count]));
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(links)), "[]");
    CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
    CHECK_TERM(info_of(keel_self(), keel_atom(monitored_by)), "[_]"); // the controller
}
