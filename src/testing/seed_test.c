// Running bodies: their course belongs to the seed, other seeds take other courses, and
// what goes wrong is told.

#include "kit_testing.h"

#include <keel/alloc.h>
#include <keel/gen.h>
#include <keel/link.h>
#include <keel/timer.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// --- one seed, one course ---

static void worker(keel_term boss)
{
    keel_trap_exit(true);
    for (int i = 0; i < 4; i++) {
        keel_sleep((keel_duration)(keel_random() % KEEL_MS(50)));
        keel_send(boss, keel_make("{work, Self, I}", keel_self(), i));
        keel_ref ref;
        if (keel_receive_match(KEEL_IN(KEEL_MS(20)), "{more, Ref}", &ref) == KEEL_OK) {
            keel_send(boss, keel_make("{Ref, Self}", ref, keel_self()));
        }
    }
    if (keel_random() % 3 == 0) {
        keel_exit(keel_make("{tired, R}", keel_random() % 1000));
    }
}

// Timers, links, monitors, selective receives, names, random numbers, spawns and exits.
static void be_busy(keel_term rounds)
{
    keel_trap_exit(true);
    keel_term self = keel_from_pid(keel_self());
    for (int64_t i = 0; i < keel_to_int(rounds); i++) {
        // With names of their own, so that no debug information has to be read for each
        // seed.
        keel_spawn_opts linked = {.link = true, .entry = "linked worker"};
        keel_spawn_opts watched = {.monitor = true, .entry = "watched worker"};
        keel_pid first, second;
        keel_ref monitor;
        KEEL_ASSERT(keel_spawn_opt(worker, self, &linked, &first, NULL) == KEEL_OK);
        KEEL_ASSERT(keel_spawn_opt(worker, self, &watched, &second, &monitor) == KEEL_OK);
        keel_ref timer = keel_start_timer(KEEL_MS(40), self, keel_atom(alarm));
        keel_register(keel_atom(second_one), second);
        keel_ref ref = keel_make_ref();
        keel_send(first, keel_make("{more, Ref}", ref));
        keel_send("second_one", keel_make("{more, Ref}", ref));
        keel_term from;
        if (keel_receive_match(KEEL_IN(KEEL_MS(30)), "{^Ref, From}", ref, &from) ==
                KEEL_OK) {
            keel_process_exit(keel_to_pid(from), keel_atom(thanks));
        }
        if (keel_random() % 2 == 0) {
            keel_cancel_timer(timer, NULL);
        }
        keel_unlink(keel_test_choose(2) == 0 ? first : second);
        keel_process_exit(first, keel_atom(kill));
        keel_status status = keel_receive_match(
                KEEL_IN(KEEL_SECONDS(1)), "{'DOWN', ^Ref, process, _, _}", monitor);
        KEEL_ASSERT(status == KEEL_OK);
    }
}

// The whole course in words; to be freed.
static char *course_of(
        keel_body body, keel_term argument, uint64_t seed, keel_status *ret_status)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    CHECK(file);
    keel_test_opts opts = {.trace = file};
    *ret_status = keel_test_run(body, argument, seed, &opts, &last_report);
    fclose(file);
    return text;
}

SEEDED("a seed takes the same course each time, byte for byte")
{
    keel_status status, again;
    char *first = course_of(be_busy, keel_int(2), kl_test_seed(), &status);
    keel_test_report report = last_report;
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s", report.text);
    }
    CHECK(strlen(first) > 1000);
    char *second = course_of(be_busy, keel_int(2), kl_test_seed(), &again);
    CHECK_OK(again);
    CHECK_STR(second, first);
    CHECK_INT(last_report.trace, report.trace);
    CHECK_INT(last_report.turns, report.turns);
    CHECK_INT(last_report.elapsed, report.elapsed);
    free(second);
    free(first);
}

SEEDED("another seed takes another course")
{
    uint64_t seed = kl_test_seed();
    CHECK_OK(keel_test_run(be_busy, keel_int(2), seed, NULL, &last_report));
    keel_test_report report = last_report;
    CHECK_OK(keel_test_run(be_busy, keel_int(2), seed + 1, NULL, &last_report));
    CHECK(last_report.trace != report.trace);
    CHECK(last_report.elapsed != report.elapsed);
}

// Run by the test below in a process of its own, where everything lies elsewhere.
TEST("a course can be told to another process")
{
    CHECK_OK(keel_test_run(be_busy, keel_int(5), 5, NULL, &last_report));
    if (getenv("KEEL_TELL_COURSE") != NULL) {
        printf("# course %llx\n", (unsigned long long)last_report.trace);
    }
}

TEST("another process takes the same course under the same seed")
{
    CHECK_OK(keel_test_run(be_busy, keel_int(5), 5, NULL, &last_report));
    CHECK_INT(setenv("KEEL_TELL_COURSE", "1", 1), 0);
    char command[4200] = "exec ", line[200];
    ssize_t length = readlink("/proc/self/exe", command + 5, 4096);
    CHECK(length > 0 && length < 4096);
    strcpy(command + 5 + length, " --no-fork 'can be told'");
    FILE *other = popen(command, "r");
    CHECK(other);
    unsigned long long course = 0;
    while (fgets(line, sizeof line, other)) {
        sscanf(line, "# course %llx", &course);
    }
    int status = pclose(other);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 126) {
        kl_test_skip("the program runs in an emulator and cannot start itself");
    }
    CHECK_INT(status, 0);
    CHECK_INT(course, last_report.trace);
}

// --- other seeds, other courses ---

static void send_number(keel_term boss_and_number)
{
    keel_send(keel_element(boss_and_number, 0), keel_element(boss_and_number, 1));
}

static unsigned seen_orders; // a bit for each order of three

static void race_three(keel_term unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        keel_spawn(send_number, keel_make("{Boss, I}", keel_self(), i));
    }
    int order[3];
    for (int i = 0; i < 3; i++) {
        keel_test_expect(keel_self(), "N", &order[i]);
    }
    seen_orders |= 1u << (order[0] * 2 + (order[1] > order[2]));
}

TEST("two hundred seeds find all orders of three messages")
{
    seen_orders = 0;
    CHECK_OK(keel_test_seeds(race_three, KEEL_NONE, 1, 200, NULL));
    CHECK_INT(seen_orders, 63);
}

static bool a_first, b_first;

static void due_together(keel_term unused)
{
    (void)unused;
    keel_deadline at = KEEL_IN(KEEL_SECONDS(1));
    keel_send_at(at, keel_from_pid(keel_self()), keel_atom(a));
    keel_send_at(at, keel_from_pid(keel_self()), keel_atom(b));
    bool a = keel_is(keel_receive(), a);
    keel_receive();
    a_first |= a;
    b_first |= !a;
}

TEST("timers due at the same time fire in either order")
{
    a_first = b_first = false;
    CHECK_OK(keel_test_seeds(due_together, KEEL_NONE, 1, 50, NULL));
    CHECK(a_first);
    CHECK(b_first);
}

// --- a race, found and replayed ---

static keel_next start_account(void *state, keel_term balance)
{
    *(int64_t *)state = keel_to_int(balance);
    return keel_next_wait();
}

static keel_next serve_account(void *state, const keel_message *message)
{
    int64_t *balance = state, value;
    if (message->kind == KEEL_MESSAGE_CALL) {
        if (keel_match(message->body, "{set, Value}", &value)) {
            *balance = value;
        }
        keel_gen_reply(message->from, keel_int(*balance));
    }
    return keel_next_wait();
}

static const keel_handler account = {.name = "account",
        .state_bytes = sizeof(int64_t),
        .start = start_account,
        .receive = serve_account};

// The mistake: what was read may be out of date when it is written.
static void deposit(keel_term to)
{
    keel_term balance;
    KEEL_ASSERT(keel_gen_call(to, keel_atom(get), KEEL_NEVER, &balance) == KEEL_OK);
    balance = keel_make("{set, Balance}", keel_to_int(balance) + 1);
    KEEL_ASSERT(keel_gen_call(to, balance, KEEL_NEVER, &balance) == KEEL_OK);
}

static void deposit_twice(keel_term unused)
{
    (void)unused;
    keel_pid pid;
    keel_spawn_opts opts = {.link = true};
    keel_ref first, second;
    KEEL_ASSERT(keel_spawn_handler(&account, keel_int(0), &opts, &pid, NULL) == KEEL_OK);
    keel_spawn_monitor(deposit, keel_from_pid(pid), &first);
    keel_spawn_monitor(deposit, keel_from_pid(pid), &second);
    keel_test_expect(keel_self(), "{'DOWN', ^Ref, process, _, normal}", first);
    keel_test_expect(keel_self(), "{'DOWN', ^Ref, process, _, normal}", second);
    keel_term balance;
    KEEL_ASSERT(keel_gen_call(keel_from_pid(pid), keel_atom(get), KEEL_NEVER, &balance) ==
                KEEL_OK);
    keel_test_check(keel_to_int(balance) == 2);
}

TEST("seeds find a race, and each that does finds it again")
{
    uint64_t found = 0, missed = 0, failing = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        if (keel_test_run(deposit_twice, KEEL_NONE, seed, NULL, &last_report) == KEEL_OK) {
            missed++;
            continue;
        }
        found++;
        failing = seed;
        CHECK_HAS(last_report.text, "not true: keel_to_int(balance) == 2");
    }
    CHECK(found > 10);
    CHECK(missed > 10);
    uint64_t trace = 0;
    for (int round = 0; round < 5; round++) {
        CHECK_INT(keel_test_run(deposit_twice, KEEL_NONE, failing, NULL, &last_report),
                KEEL_E_FAILED);
        CHECK(round == 0 || last_report.trace == trace);
        trace = last_report.trace;
    }
}

// --- how a body ends ---

static void sleep_an_hour(keel_term unused)
{
    (void)unused;
    keel_sleep(KEEL_SECONDS(3600));
}

static void exit_with(keel_term reason)
{
    keel_exit(reason);
}

static void assert_wrong(keel_term unused)
{
    KEEL_ASSERT(!keel_is_none(unused));
}

TEST("a body that returns has passed, after however long")
{
    CHECK_OK(keel_test_run(sleep_an_hour, KEEL_NONE, 1, NULL, &last_report));
    CHECK_TEXT(last_report.reason, "normal");
    CHECK_STR(last_report.text, "");
    CHECK_INT(last_report.elapsed, KEEL_SECONDS(3600));
    CHECK_OK(keel_test_run(exit_with, keel_atom(normal), 1, NULL, &last_report));
    CHECK_TEXT(last_report.reason, "normal");
}

TEST("a body that ends with another reason has failed")
{
    keel_term reason = keel_make("{bad, [thing]}");
    CHECK_INT(keel_test_run(exit_with, reason, 1, NULL, &last_report), KEEL_E_FAILED);
    CHECK_TEXT(last_report.reason, "{bad,[thing]}");
    CHECK_STR(last_report.text, "the body ended with {bad,[thing]}\n");
    CHECK_INT(keel_test_run(exit_with, keel_atom(shutdown), 1, NULL, &last_report),
            KEEL_E_FAILED);
    CHECK_TEXT(last_report.reason, "shutdown");
}

TEST("a failed assertion is told with its place")
{
    CHECK_INT(keel_test_run(assert_wrong, KEEL_NONE, 1, NULL, &last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "seed_test.c:");
    CHECK_HAS(last_report.text, ": not true: !keel_is_none(unused)\n");
    CHECK_INT(keel_test_run(NULL, KEEL_NONE, 1, NULL, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_test_seeds(NULL, KEEL_NONE, 1, 1, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_test_seeds(assert_wrong, KEEL_NONE, 1, 0, NULL), KEEL_E_BADARG);
}

static void wait_in_vain(keel_term unused)
{
    (void)unused;
    keel_send(keel_self(), keel_atom(unwanted));
    keel_ref ref = keel_make_ref();
    keel_status status = keel_receive_match(KEEL_NEVER, "{reply, ^Ref}", ref);
    KEEL_ASSERT(status == KEEL_OK);
}

TEST("a body that waits for what can never come has failed, and is told with its stack")
{
    CHECK_INT(keel_test_run(wait_in_vain, KEEL_NONE, 1, NULL, &last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text,
            "the body waits at 0.000000000 s, and nothing is left to happen");
    CHECK_HAS(
            last_report.text, "(test body) waits for a message, 1 message in its mailbox");
    // The switch by the C library does not tell where a stack goes on.
    if (strstr(last_report.text, "keel_receive") != NULL) {
        CHECK_HAS(last_report.text, "wait_in_vain");
    }
    CHECK_LACKS(last_report.text, "left behind");
    CHECK(keel_is_none(last_report.reason));
}

static void tick(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_sleep(KEEL_MS(1));
    }
}

TEST("a body that goes on for ever is given up after so many turns")
{
    keel_test_opts opts = {.max_turns = 5000};
    CHECK_INT(keel_test_run(tick, KEEL_NONE, 1, &opts, &last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text,
            "processes have had 5000 turns, and there is no end to it; at 4");
    CHECK(last_report.elapsed > KEEL_SECONDS(1));
    CHECK_LACKS(last_report.text, "left behind");
}

static void wait_for_any(keel_term unused)
{
    (void)unused;
    keel_receive();
}

static void tidy_up(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    keel_pid parent;
    KEEL_ASSERT(keel_match(keel_receive(), "{'EXIT', Parent, shutdown}", &parent));
    KEEL_ASSERT(parent.word == keel_parent().word);
    keel_sleep(KEEL_SECONDS(1));
}

static void spawn_two(keel_term linked)
{
    if (keel_to_bool(linked)) {
        keel_spawn_link(wait_for_any, KEEL_NONE);
        keel_spawn_link(tidy_up, KEEL_NONE);
    } else {
        keel_spawn(wait_for_any, KEEL_NONE);
    }
}

TEST("what is linked to the body ends with it, what is not is left behind")
{
    CHECK_OK(keel_test_run(spawn_two, keel_bool(true), 1, NULL, &last_report));
    CHECK_INT(keel_test_run(spawn_two, keel_bool(false), 1, NULL, &last_report),
            KEEL_E_FAILED);
    CHECK_INT(last_report.processes, 1);
    CHECK_TEXT(last_report.reason, "normal");
    CHECK_HAS(last_report.text, "1 process was left behind:\n");
    CHECK_HAS(last_report.text, "(wait_for_any)");
}

static void fail_elsewhere(keel_term unused)
{
    (void)unused;
    keel_test_fail("in another process");
}

static void spawn_failing(keel_term unused)
{
    keel_spawn(fail_elsewhere, unused);
    keel_sleep(1);
}

TEST("a failure in any process fails the run")
{
    CHECK_INT(
            keel_test_run(spawn_failing, KEEL_NONE, 1, NULL, &last_report), KEEL_E_FAILED);
    CHECK_TEXT(last_report.reason, "normal");
    CHECK_HAS(last_report.text, ": in another process\n");
}

// --- many seeds ---

static unsigned runs;

static void fail_at_five(keel_term unused)
{
    (void)unused;
    runs++;
    keel_test_check(keel_test_seed() % 5 != 0);
}

// What keel_test_seeds writes to standard error; to be freed.
static char *seeds_output(uint64_t from, uint64_t count, keel_status *ret_status)
{
    FILE *file = tmpfile();
    CHECK(file);
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    CHECK(dup2(fileno(file), STDERR_FILENO) >= 0);
    runs = 0;
    *ret_status = keel_test_seeds(fail_at_five, KEEL_NONE, from, count, NULL);
    fflush(stderr);
    CHECK(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    char *text = calloc(1, 100000);
    CHECK(text);
    rewind(file);
    CHECK(fread(text, 1, 99999, file) < 99999);
    fclose(file);
    return text;
}

TEST("seeds are tried until one fails, which is printed")
{
    keel_status status;
    char *text = seeds_output(1, 200, &status);
    CHECK_INT(status, KEEL_E_FAILED);
    CHECK_INT(runs, 5);
    CHECK_HAS(text, "seed 5 failed, of 1 to 200:\n");
    CHECK_HAS(text, "seed_test.c:");
    CHECK_HAS(text, "not true: keel_test_seed() % 5 != 0\n");
    CHECK_HAS(text, "KEEL_TEST_SEED=5 runs it alone");
    free(text);
    text = seeds_output(6, 4, &status);
    CHECK_OK(status);
    CHECK_INT(runs, 4);
    CHECK_STR(text, "");
    free(text);
}

TEST("the environment chooses the seed, how many, and the trace of one that fails")
{
    keel_status status;
    CHECK_INT(setenv("KEEL_TEST_SEED", "10", 1), 0);
    char *text = seeds_output(1, 200, &status);
    CHECK_INT(status, KEEL_E_FAILED);
    CHECK_INT(runs, 1);
    CHECK_HAS(text, "seed 10 failed, of 10 to 10:\n");
    CHECK_LACKS(text, "  turn ");
    free(text);
    CHECK_INT(setenv("KEEL_TEST_TRACE", "1", 1), 0);
    text = seeds_output(1, 200, &status);
    CHECK_INT(runs, 2);
    CHECK_HAS(text, "0.000000000 s  turn 0  <0.");
    free(text);
    CHECK_INT(unsetenv("KEEL_TEST_SEED"), 0);
    CHECK_INT(setenv("KEEL_TEST_SEEDS", "3", 1), 0);
    text = seeds_output(1, 200, &status);
    CHECK_OK(status);
    CHECK_INT(runs, 3);
    free(text);
}
