#include "tracker_deltas.h"

#include "testing/harness.h"
#include <keel/etf.h>
#include <keel/match.h>

static struct kl_presences here, delta;
static struct kl_deltas deltas;

static keel_term some_pid(void)
{
    static const uint8_t form[] = {
            131, 88, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
    keel_term pid;
    CHECK_OK(keel_etf_decode(form, sizeof form, NULL, NULL, &pid));
    return pid;
}

static void open_set(void)
{
    here.own = kl_presences_meet(&here, keel_make("{here, 1}"));
    deltas.limits[0] = 4;
    deltas.limits[1] = 16;
    deltas.limits[2] = 64;
}

static void tell_others(void)
{
    kl_deltas_push(&deltas, kl_presences_all(&delta));
    kl_presences_done(&delta);
}

static void come(int number)
{
    kl_presences_add(&here, &delta, keel_make("{t, Pid, Key, #{}}", some_pid(), number));
    tell_others();
}

static void go(int number)
{
    struct kl_presence *presence = kl_presence_of_key(
            &here.index, keel_atom(t), keel_int(number), NULL);
    CHECK(presence != NULL);
    kl_presences_remove(&here, &delta, presence);
    tell_others();
}

static void close_set(void)
{
    kl_presences_done(&here);
    kl_presences_done(&delta);
    kl_deltas_done(&deltas);
}

// Which lot fills the gap of one who knows of `known` dots; and that what it gets is all
// that it lacks.
static int lot_for(struct kl_presences *peer)
{
    int lot;
    keel_term lacks = kl_deltas_since(&deltas, &here, kl_presences_clock(peer), &lot);
    kl_presences_merge(peer, lacks, false, NULL);
    CHECK_INT(peer->alive, here.alive);
    CHECK(keel_equal(kl_presences_clock(peer), kl_presences_clock(&here)));
    kl_presences_done(peer);
    return lot;
}

static struct kl_presences peer_now(void)
{
    struct kl_presences peer = {0};
    kl_presences_merge(&peer, kl_presences_all(&here), true, NULL);
    kl_presences_meet(&peer, here.own->ref);
    return peer;
}

TEST("who has missed little gets a small lot, and who has missed much everything")
{
    open_set();
    struct kl_presences newcomer = peer_now();
    struct kl_presences peers[3];
    for (int i = 0; i < 30; i++) {
        come(i);
    }
    peers[0] = peer_now();
    for (int i = 30; i < 50; i++) {
        come(i);
    }
    peers[1] = peer_now();
    go(7);
    for (int i = 50; i < 58; i++) {
        come(i);
    }
    peers[2] = peer_now();
    CHECK_INT(lot_for(&peers[2]), 0); // nothing is missing
    CHECK_INT(lot_for(&peers[1]), 1);
    CHECK_INT(lot_for(&peers[0]), 2);
    CHECK_INT(lot_for(&newcomer), 2);
    newcomer = (struct kl_presences){0};
    kl_presences_meet(&newcomer, here.own->ref);
    for (int i = 58; i < 80; i++) {
        come(i);
    }
    CHECK_INT(lot_for(&newcomer), KL_DELTA_LOTS); // the largest lot has begun anew
    close_set();
}

TEST("presences that came and went cost a lot nothing")
{
    open_set();
    struct kl_presences newcomer = peer_now();
    for (int i = 0; i < 1000; i++) {
        come(i);
        go(i);
    }
    CHECK_INT(kl_presences_size(&deltas.lots[0]), 1);
    CHECK_INT(lot_for(&newcomer), 0);
    close_set();
}

TEST("lots forget a replica with the set")
{
    open_set();
    come(1);
    kl_deltas_forget(&deltas, here.own->ref);
    CHECK_INT(kl_presences_size(&deltas.lots[2]), 0);
    struct kl_presences newcomer = {0};
    kl_presences_meet(&newcomer, here.own->ref);
    CHECK_INT(lot_for(&newcomer), KL_DELTA_LOTS);
    close_set();
}
