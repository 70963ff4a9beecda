#include "sim.h"

#include "sched_testing.h"

#include <unistd.h>

// --- what happens is a function of the seed ---

enum { TASKS = 20 };

struct runner_task {
    struct kl_task task;
    int number, left;
    struct kl_timer timer;
};

static struct {
    struct runner_task tasks[TASKS];
    char text[4096];
    size_t length;
} story;

static void tell(int number)
{
    if (story.length < sizeof story.text) {
        story.text[story.length++] = (char)('a' + number);
    }
}

static void wake_timed(struct kl_timer *timer)
{
    struct runner_task *one = KL_CONTAINER(timer, struct runner_task, timer);
    kl_sched_wake(&one->task);
}

static void live(struct kl_task *task)
{
    struct runner_task *one = (struct runner_task *)task;
    tell(one->number);
    if (one->left-- == 0) {
        return;
    }
    switch (kl_random() % 3) {
    case 0:
        kl_sched_wake(task);
        break;
    case 1:
        kl_timer_arm(&one->timer, kl_now() + (int64_t)(kl_random() % 3) * 1000000);
        break;
    default:
        kl_timer_arm(&one->timer, kl_now() + (int64_t)(kl_random() % INT64_C(5000000000)));
    }
}

static uint64_t tell_story(uint64_t seed)
{
    memset(&story, 0, sizeof story);
    start_simulated(seed);
    for (int i = 0; i < TASKS; i++) {
        story.tasks[i] = (struct runner_task){
                .task = {.run = live, .priority = KL_PRIORITY_NORMAL},
                .number = i,
                .left = 20,
                .timer = {.fire = wake_timed},
        };
        kl_sched_wake(&story.tasks[i].task);
    }
    while (kl_sim_next_timer() != INT64_MAX || story.length == 0) {
        kl_sim_advance(100000000);
    }
    uint64_t trace = kl_sim_trace();
    kl_sched_stop();
    CHECK_INT(story.length, TASKS * 21);
    return trace;
}

TEST("the same seed tells the same story, byte for byte", .seeded = true)
{
    uint64_t trace = tell_story(kl_test_seed());
    char text[sizeof story.text];
    memcpy(text, story.text, sizeof text);
    CHECK_INT(tell_story(kl_test_seed()), trace);
    CHECK(memcmp(text, story.text, sizeof text) == 0);
}

TEST("another seed tells another story", .seeded = true)
{
    uint64_t trace = tell_story(kl_test_seed());
    char text[sizeof story.text];
    memcpy(text, story.text, sizeof text);
    CHECK(tell_story(kl_test_seed() + 1000000) != trace);
    CHECK(memcmp(text, story.text, sizeof text) != 0);
}

static void note_number(struct kl_task *task)
{
    tell(((struct runner_task *)task)->number);
}

TEST("three runnable tasks run in each of their six orders under some seed")
{
    char orders[6][4] = {{0}};
    int found = 0;
    for (uint64_t seed = 0; seed < 200 && found < 6; seed++) {
        memset(&story, 0, sizeof story);
        start_simulated(seed);
        for (int i = 0; i < 3; i++) {
            story.tasks[i].task.run = note_number;
            story.tasks[i].task.priority = KL_PRIORITY_NORMAL;
            story.tasks[i].number = i;
            kl_sched_wake(&story.tasks[i].task);
        }
        CHECK(kl_sim_settle(0));
        kl_sched_stop();
        CHECK_INT(story.length, 3);
        bool known = false;
        for (int i = 0; i < found; i++) {
            known |= memcmp(orders[i], story.text, 3) == 0;
        }
        if (!known) {
            memcpy(orders[found++], story.text, 3);
        }
    }
    CHECK_INT(found, 6);
}

static void fire_number(struct kl_timer *timer)
{
    tell(KL_CONTAINER(timer, struct runner_task, timer)->number);
}

TEST("timers of one time fire in any order, those of different times in theirs")
{
    bool swapped = false, straight = false;
    for (uint64_t seed = 0; seed < 100; seed++) {
        memset(&story, 0, sizeof story);
        start_simulated(seed);
        int64_t now = kl_now();
        static const int64_t after[] = {2000000, 2000000, 1000, 1001, 3000000};
        for (int i = 0; i < 5; i++) {
            story.tasks[i].timer.fire = fire_number;
            story.tasks[i].number = i;
            kl_timer_arm(&story.tasks[i].timer, now + after[i]);
        }
        CHECK_INT(kl_sim_next_timer(), now + 1000);
        kl_sim_advance(4000000);
        CHECK_INT(kl_now(), now + 4000000);
        kl_sched_stop();
        bool this_way = memcmp(story.text, "cdabe", 5) == 0;
        CHECK(this_way || memcmp(story.text, "cdbae", 5) == 0);
        straight |= this_way;
        swapped |= !this_way;
    }
    CHECK(straight && swapped);
}

// --- time ---

static int64_t seen_now, seen_wall;

static void see_time(struct kl_timer *timer)
{
    CHECK_INT(kl_now(), timer->at);
    CHECK_INT(kl_now_exact(), timer->at);
    seen_now = kl_now();
    seen_wall = kl_now_wall();
}

TEST("virtual time stands still until it is moved, and years of it cost nothing")
{
    static const int64_t year = INT64_C(365) * 86400 * 1000000000;
    start_simulated(1);
    int64_t now = kl_now(), wall = kl_now_wall();
    CHECK(kl_sim_settle(0));
    CHECK_INT(kl_now(), now);
    struct kl_timer timer = {.fire = see_time};
    kl_timer_arm(&timer, now + 10 * year);
    kl_sim_advance(10 * year - 1);
    CHECK_INT(seen_now, 0);
    kl_sim_advance(1);
    CHECK_INT(seen_now, now + 10 * year);
    CHECK_INT(seen_wall, wall + 10 * year);
    kl_sched_stop();
    CHECK(!kl_sim_running());
    CHECK(kl_now_wall() > 0);
}

static void arm_now(struct kl_task *task)
{
    (void)task;
    kl_timer_arm(&story.tasks[0].timer, kl_now());
}

TEST("settling fires what is due at the present time")
{
    memset(&story, 0, sizeof story);
    start_simulated(kl_test_seed());
    story.tasks[0].timer.fire = fire_number;
    struct kl_task task = {.run = arm_now, .priority = KL_PRIORITY_NORMAL};
    kl_sched_wake(&task);
    CHECK(kl_sim_settle(0));
    CHECK_INT(story.length, 1);
    kl_sched_stop();
}

static void wake_again(struct kl_task *task)
{
    kl_sched_wake(task);
}

TEST("a program that never settles is told apart by its number of turns")
{
    start_simulated(1);
    struct kl_task task = {.run = wake_again, .priority = KL_PRIORITY_NORMAL};
    CHECK(kl_sim_settle(10));
    kl_sched_wake(&task);
    CHECK(!kl_sim_settle(1000));
    struct kl_worker_stats stats;
    kl_worker_stats(0, &stats);
    CHECK_INT(stats.turns, 1000);
    kl_sched_stop();
}

// --- choices ---

TEST("a choice takes every value, each about as often")
{
    start_simulated(kl_test_seed());
    int counts[7] = {0};
    for (int i = 0; i < 7000; i++) {
        counts[kl_sim_choose(7)]++;
    }
    for (int i = 0; i < 7; i++) {
        CHECK(counts[i] > 800 && counts[i] < 1200);
    }
    uint64_t trace = kl_sim_trace();
    CHECK_INT(kl_sim_choose(1), 0);
    CHECK_INT(kl_sim_choose(0), 0);
    CHECK_INT(kl_sim_trace(), trace); // no choice
    kl_sched_stop();
}

TEST("numbers drawn by programs do not disturb the scheduler's choices")
{
    size_t first[20];
    for (int round = 0; round < 2; round++) {
        start_simulated(7);
        for (int i = 0; i < 20; i++) {
            size_t choice = kl_sim_choose(1000);
            CHECK(round == 0 || first[i] == choice);
            first[i] = choice;
            for (int k = 0; k < round; k++) {
                kl_random();
            }
        }
        kl_sched_stop();
    }
}

TEST("fibers give way now and then, as the seed wills, and only while simulated")
{
    CHECK(!kl_sim_should_yield());
    start_simulated(kl_test_seed());
    int yields = 0;
    for (int i = 0; i < 1000; i++) {
        yields += kl_sim_should_yield();
    }
    CHECK(yields > 150 && yields < 350);
    kl_sched_stop();
}

static void note_priority(struct kl_task *task)
{
    tell(task->priority);
}

TEST("priorities are kept, and low tasks come before normal ones now and then")
{
    bool low_first = false;
    for (uint64_t seed = 0; seed < 100; seed++) {
        memset(&story, 0, sizeof story);
        start_simulated(seed);
        for (int i = 0; i < 4; i++) {
            story.tasks[i].task = (struct kl_task){
                    .run = note_priority, .priority = (uint8_t)(3 - i)};
            kl_sched_wake(&story.tasks[i].task);
        }
        CHECK(kl_sim_settle(0));
        kl_sched_stop();
        CHECK(memcmp(story.text, "ab", 2) == 0);
        low_first |= memcmp(story.text, "abdc", 4) == 0;
    }
    CHECK(low_first);
}

// --- the outside ---

static struct {
    char order[3];
    int count;
} heard;

static void hear(struct kl_watch *watch)
{
    char byte;
    CHECK_INT(read(watch->fd, &byte, 1), 1);
    heard.order[heard.count++] = byte;
}

TEST("descriptors that are ready together are told in an order of the seed's")
{
    bool rising = false, other = false;
    for (uint64_t seed = 0; seed < 60; seed++) {
        memset(&heard, 0, sizeof heard);
        start_simulated(seed);
        int ends[3][2];
        struct kl_watch watches[3];
        for (int i = 0; i < 3; i++) {
            CHECK_INT(pipe(ends[i]), 0);
            watches[i] = (struct kl_watch){
                    .fd = ends[i][0], .events = KL_POLL_IN, .ready = hear};
            CHECK_OK(kl_poll_watch(&watches[i]));
        }
        CHECK(kl_sim_settle(0));
        CHECK_INT(heard.count, 0);
        for (int i = 0; i < 3; i++) {
            char byte = (char)('0' + i);
            CHECK_INT(write(ends[i][1], &byte, 1), 1);
        }
        CHECK(kl_sim_settle(0));
        CHECK_INT(heard.count, 3);
        rising |= memcmp(heard.order, "012", 3) == 0;
        other |= memcmp(heard.order, "012", 3) != 0;
        for (int i = 0; i < 3; i++) {
            close(ends[i][0]);
            close(ends[i][1]);
        }
        kl_sched_stop();
    }
    CHECK(rising && other);
}

static void yield_twice(void *argument)
{
    struct fiber_task *fiber = argument;
    for (int i = 0; i < 2; i++) {
        tell(i);
        fiber->again = true;
        kl_fiber_yield();
    }
}

TEST("fibers run under the simulator")
{
    memset(&story, 0, sizeof story);
    start_simulated(3);
    struct fiber_task fiber = {.body = yield_twice, .argument = &fiber};
    fiber_task_wake(&fiber);
    CHECK(kl_sim_settle(0));
    CHECK_INT(fiber.end, KL_FIBER_DONE);
    CHECK_STR(story.text, "ab");
    kl_sched_stop();
}
