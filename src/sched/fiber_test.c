#include "sched_testing.h"

#include <fenv.h>
#include <stdio.h>

static void note_and_return(void *argument)
{
    *(int *)argument += 1;
}

TEST("a fiber runs its entry with its argument and is done when that returns")
{
    start_workers(1);
    int count = 41;
    struct fiber_task fiber = run_in_fiber(note_and_return, &count);
    CHECK_INT(fiber.end, KL_FIBER_DONE);
    CHECK_INT(count, 42);
    kl_sched_stop();
}

static void check_place(void *argument)
{
    struct kl_stack *stack = kl_fiber_current();
    CHECK(stack);
    uint8_t here[64];
    CHECK(&here[0] > stack->low && &here[0] < stack->high);
    CHECK((size_t)(stack->high - &here[0]) < 16384); // with the red zones of sanitizers
    CHECK((uintptr_t)__builtin_frame_address(0) % 16 == 0);
    memset(stack->scratch, 7, stack->scratch_bytes);
    CHECK(kl_task_current() == argument);
    CHECK_INT(kl_worker_current(), 0);
    char text[64]; // formatting a double needs an aligned stack
    snprintf(text, sizeof text, "%.3f %d", 3.25, 7);
    CHECK_STR(text, "3.250 7");
}

TEST("a fiber is on its own stack, aligned, with room below")
{
    start_workers(1);
    CHECK(kl_fiber_current() == NULL);
    CHECK(kl_task_current() == NULL);
    CHECK_INT(kl_worker_current(), -1);
    struct fiber_task fiber = {.body = check_place, .argument = &fiber};
    fiber_task_wake(&fiber);
    signal_wait(&fiber.done, 1);
    kl_sched_stop();
}

static __attribute__((noinline)) int use_stack(int depth)
{
    volatile char room[512];
    room[0] = (char)depth;
    room[511] = (char)depth;
    return depth == 0 ? 0 : use_stack(depth - 1) + (room[0] == room[511]);
}

static void go_deep(void *argument)
{
    *(int *)argument = use_stack(*(int *)argument);
}

TEST("a fiber may use the whole stack that was asked for")
{
    start_workers(1);
    int depth = 60 * 1024 / (512 + 128);
#if KL_ASAN || KL_TSAN
    depth /= 4; // frames are larger
#endif
    int expected = depth;
    CHECK_INT(run_in_fiber(go_deep, &depth).end, KL_FIBER_DONE);
    CHECK_INT(depth, expected);

    depth = expected * 16;
    struct fiber_task fiber = {.body = go_deep, .argument = &depth, .stack_bytes = 1 << 20};
    fiber_task_wake(&fiber);
    signal_wait(&fiber.done, 1);
    CHECK_INT(depth, expected * 16);
    kl_sched_stop();
}

struct switches {
    struct kl_stack *stack;
    int rounds, seen;
    bool checked;
};

// Keeps more values alive over a switch than there are registers to keep them.
static void keep_values(void *argument)
{
    struct switches *switches = argument;
    uint64_t random = (uintptr_t)switches;
    for (int i = 0; i < switches->rounds; i++) {
        uint64_t v[8];
        double d[8];
        for (int k = 0; k < 8; k++) {
            v[k] = kl_random_next(&random);
            d[k] = (double)(v[k] >> 12);
        }
        uint64_t a = v[0] ^ v[1], b = v[2] ^ v[3], c = v[4] + v[5], e = v[6] - v[7];
        double f = d[0] * d[1], g = d[2] - d[3];
        switches->seen = i;
        kl_fiber_yield();
        CHECK(a == (v[0] ^ v[1]) && b == (v[2] ^ v[3]));
        CHECK(c == v[4] + v[5] && e == v[6] - v[7]);
        CHECK(f == d[0] * d[1] && g == d[2] - d[3]);
    }
}

static void resume_many(void *argument)
{
    struct switches *all = argument;
    for (int k = 0; k < 10; k++) {
        all[k] = (struct switches){.stack = kl_stack_acquire(0), .rounds = 100 + k};
        kl_fiber_prepare(all[k].stack, keep_values, &all[k]);
    }
    int done = 0;
    for (int i = 0; done < 10; i++) {
        for (int k = 0; k < 10; k++) {
            if (i <= all[k].rounds) {
                enum kl_fiber_end end = kl_fiber_resume(all[k].stack);
                CHECK_INT(end, i < all[k].rounds ? KL_FIBER_YIELDED : KL_FIBER_DONE);
                CHECK_INT(all[k].seen, i < all[k].rounds ? i : all[k].rounds - 1);
                CHECK(kl_fiber_current() == NULL);
                done += end == KL_FIBER_DONE;
            }
        }
    }
    for (int k = 0; k < 10; k++) {
        kl_stack_release(all[k].stack);
    }
}

TEST("fibers that alternate keep their values")
{
    static struct switches all[10];
    start_workers(1);
    call_and_wait(resume_many, all);
    kl_sched_stop();
}

static void round_up(void *argument)
{
    (void)argument;
    CHECK_INT(fegetround(), FE_TONEAREST);
    fesetround(FE_UPWARD);
    kl_fiber_yield();
    CHECK_INT(fegetround(), FE_UPWARD);
}

static void resume_with_rounding(void *argument)
{
    (void)argument;
    struct kl_stack *stack = kl_stack_acquire(0);
    kl_fiber_prepare(stack, round_up, NULL);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_YIELDED);
    CHECK_INT(fegetround(), FE_TONEAREST);
    fesetround(FE_DOWNWARD);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_DONE);
    CHECK_INT(fegetround(), FE_DOWNWARD);
    fesetround(FE_TONEAREST);
    kl_stack_release(stack);
}

TEST("each fiber has its own rounding mode")
{
    start_workers(1);
    call_and_wait(resume_with_rounding, NULL);
    kl_sched_stop();
}

// Through a pointer, so that the compiler does not see that nothing returns.
static void (*volatile finish)(void) = kl_fiber_finish;

static __attribute__((noinline)) void finish_at(int depth)
{
    volatile char room[100];
    room[depth % 100] = 1;
    if (depth == 0) {
        finish();
    } else {
        finish_at(depth - 1);
    }
    CHECK(!room[depth % 100] && "nothing comes back from a finished fiber");
}

static void finish_deep(void *argument)
{
    finish_at(*(int *)argument);
}

TEST("a fiber can be finished from any depth")
{
    start_workers(1);
    for (int depth = 0; depth < 20; depth++) {
        CHECK_INT(run_in_fiber(finish_deep, &depth).end, KL_FIBER_DONE);
    }
    kl_sched_stop();
}

static void yield_forever(void *argument)
{
    for (;;) {
        ++*(int *)argument;
        kl_fiber_yield();
    }
}

static void abandon_and_reuse(void *argument)
{
    int *count = argument;
    struct kl_stack *stack = kl_stack_acquire(0);
    for (int i = 0; i < 10; i++) {
        kl_fiber_prepare(stack, yield_forever, count);
        for (int k = 0; k < 3; k++) {
            CHECK_INT(kl_fiber_resume(stack), KL_FIBER_YIELDED);
        }
        kl_fiber_abandon(stack);
    }
    kl_stack_release(stack);
}

TEST("the frames of a yielded fiber can be forgotten")
{
    start_workers(1);
    int count = 0;
    call_and_wait(abandon_and_reuse, &count);
    CHECK_INT(count, 30);
    kl_sched_stop();
}

enum { TRAVELS = 2000, TRAVELERS = 8 };

struct traveler {
    struct fiber_task fiber;
    int moves, left;
    uint64_t sum;
};

static void travel(void *argument)
{
    struct traveler *traveler = argument;
    int last = kl_worker_current();
    while (traveler->left-- > 0) {
        struct kl_stack *stack = kl_fiber_current();
        traveler->fiber.again = true;
        kl_fiber_yield();
        CHECK(kl_fiber_current() == stack);
        CHECK(kl_task_current() == &traveler->fiber.task);
        int here = kl_worker_current();
        CHECK(here <= 1);
        // Below 0 on a busy machine: the thread was away for so long that its worker went
        // on without it.
        if (here >= 0) {
            traveler->moves += here != last;
            last = here;
        }
        traveler->sum += kl_random() & 1;
    }
}

static void start_travelers(void *argument)
{
    struct traveler *travelers = argument;
    for (int i = 0; i < TRAVELERS; i++) {
        fiber_task_wake(&travelers[i].fiber);
    }
}

TEST("fibers go on on whatever worker runs them next")
{
    static struct traveler travelers[TRAVELERS];
    start_workers(2);
    int moves = 0;
    // Gifts depend on who is idle when: try until some have moved.
    for (int round = 0; round < 1000 && moves == 0; round++) {
        for (int i = 0; i < TRAVELERS; i++) {
            travelers[i] = (struct traveler){
                    .fiber = {.body = travel, .argument = &travelers[i]}, .left = TRAVELS};
        }
        call_and_wait(start_travelers, travelers);
        for (int i = 0; i < TRAVELERS; i++) {
            signal_wait(&travelers[i].fiber.done, 1);
            moves += travelers[i].moves;
        }
    }
    CHECK(moves > 0);
    kl_sched_stop();
}

// --- fibers that rest ---

static void count_and_rest(void *argument)
{
    for (;;) {
        *(int *)argument += 1;
        kl_fiber_rest();
    }
}

static void keep_one(void *argument)
{
    struct kl_stack *stack = kl_stack_acquire(0);
    struct kl_stack *second = kl_stack_acquire(0);
    int count = 0, other = 0;
    // Measured ones are not kept: at first all are.
    stack->measured = second->measured = false;
    kl_fiber_prepare(stack, count_and_rest, &count);
    kl_fiber_prepare(second, count_and_rest, &other);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_RESTED);
    CHECK_INT(kl_fiber_resume(second), KL_FIBER_RESTED);
    CHECK(kl_stack_keep(stack));
    CHECK(!kl_stack_keep(second)); // there is one
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_RESTED);
    CHECK_INT(count, 2);
    CHECK_INT(other, 1);
    kl_fiber_abandon(second);
    kl_stack_release(second);
    *(int *)argument = 1;
}

TEST("a fiber that rests goes on where it was, and one of them is kept")
{
    start_workers(1);
    int ran = 0;
    call_and_wait(keep_one, &ran);
    CHECK_INT(ran, 1);
    kl_sched_stop(); // gives the kept one back
    struct kl_sched_stats stats;
    kl_sched_stats(&stats);
    CHECK_INT(stats.stacks - stats.stacks_idle, 0);
}

// A task whose turns are made by the worker: twice in one turn.
struct asked {
    struct kl_task task;
    struct kl_stack *stack;
    int count, back;
    struct signal_count done;
};

static void came_back(struct kl_task *task, enum kl_fiber_end end)
{
    struct asked *asked = (struct asked *)task;
    CHECK_INT(end, KL_FIBER_RESTED);
    CHECK(kl_fiber_current() == NULL);
    if (++asked->back == 1) {
        kl_fiber_next(asked->stack, came_back);
        return;
    }
    kl_fiber_abandon(asked->stack);
    kl_stack_release(asked->stack);
    signal_add(&asked->done);
}

static void ask_for_fiber(struct kl_task *task)
{
    struct asked *asked = (struct asked *)task;
    asked->stack = kl_stack_acquire(0);
    kl_fiber_prepare(asked->stack, count_and_rest, &asked->count);
    kl_fiber_next(asked->stack, came_back);
    CHECK_INT(asked->count, 0); // not before `run` has returned
}

TEST("a worker resumes the fiber that a task asks for, and again when that is asked")
{
    start_workers(1);
    struct asked asked = {.task = {.run = ask_for_fiber, .priority = KL_PRIORITY_NORMAL}};
    kl_sched_wake(&asked.task);
    signal_wait(&asked.done, 1);
    CHECK_INT(asked.count, 2);
    CHECK_INT(asked.back, 2);
    kl_sched_stop();
}

// --- fibers that work ---

struct worked {
    bool entered, returned; // its entry
    int rounds;
};

static struct kl_stack *do_round(void *argument)
{
    struct worked *worked = argument;
    CHECK(worked->returned);
    worked->rounds++;
    return NULL;
}

static void work_later(void *argument)
{
    struct worked *worked = argument;
    worked->entered = true;
    kl_fiber_work(do_round, worked);
    CHECK_INT(worked->rounds, 0);
    worked->returned = true;
}

static void have_it_work(void *argument)
{
    struct kl_stack *stack = kl_stack_acquire(0);
    struct worked worked = {false, false, 0};
    kl_fiber_prepare(stack, work_later, &worked);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_RESTED);
    CHECK(worked.entered);
    CHECK_INT(worked.rounds, 1);
    CHECK_INT(kl_fiber_resume(stack), KL_FIBER_RESTED);
    CHECK_INT(worked.rounds, 2);
    kl_fiber_abandon(stack);
    kl_stack_release(stack);
    *(int *)argument = 1;
}

TEST("a fiber's work begins when its entry has returned, and then round by round")
{
    start_workers(1);
    int ran = 0;
    call_and_wait(have_it_work, &ran);
    CHECK_INT(ran, 1);
    kl_sched_stop();
}
