// Streams of tasks as Elixir (1.14) runs them, recorded with task_stream_courses.exs:
// {Concurrency, Ordered, Timeout, Zip, Inputs, Items}, an input being {Id, Milliseconds, ok
// | exit}. Here they take no time.

#include "otp_testing.h"
#include <keel/task_stream.h>
#include <string.h>

static const char *const courses[] = {
        "{2,true,75,true,[{0,95,ok},{1,160,ok},{2,120,ok},{3,140,ok}],[{exit,{{0,95,ok},t"
        "imeout}},{exit,{{1,160,ok},timeout}},{exit,{{2,120,ok},timeout}},{exit,{{3,140,o"
        "k},timeout}}]}.",
        "{6,false,infinity,false,[{0,0,exit},{1,95,ok},{2,160,exit},{3,140,ok},{4,120,ok}"
        ",{5,40,ok}],[{exit,{over,0}},{ok,{done,5}},{ok,{done,1}},{ok,{done,4}},{ok,{done"
        ",3}},{exit,{over,2}}]}.",
        "{4,true,75,true,[{0,20,ok},{1,0,ok},{2,95,ok},{3,140,ok},{4,40,ok}],[{ok,{done,0"
        "}},{ok,{done,1}},{exit,{{2,95,ok},timeout}},{exit,{{3,140,ok},timeout}},{ok,{don"
        "e,4}}]}.",
        "{7,false,75,true,[{0,140,ok},{1,120,ok},{2,40,ok},{3,160,exit},{4,20,exit},{5,60"
        ",ok},{6,0,ok}],[{ok,{done,6}},{exit,{{4,20,exit},{over,4}}},{ok,{done,2}},{ok,{d"
        "one,5}},{exit,{{0,140,ok},timeout}},{exit,{{1,120,ok},timeout}},{exit,{{3,160,ex"
        "it},timeout}}]}.",
        "{1,false,75,true,[{0,95,ok},{1,60,ok}],[{exit,{{0,95,ok},timeout}},{ok,{done,1}}"
        "]}.",
        "{1,false,infinity,true,[{0,120,exit},{1,0,exit},{2,95,ok},{3,160,exit},{4,140,ok"
        "},{5,60,ok},{6,20,ok}],[{exit,{{0,120,exit},{over,0}}},{exit,{{1,0,exit},{over,1"
        "}}},{ok,{done,2}},{exit,{{3,160,exit},{over,3}}},{ok,{done,4}},{ok,{done,5}},{ok"
        ",{done,6}}]}.",
        "{1,false,75,true,[{0,140,ok},{1,40,ok},{2,120,exit}],[{exit,{{0,140,ok},timeout}"
        "},{ok,{done,1}},{exit,{{2,120,exit},timeout}}]}.",
        "{1,true,infinity,true,[{0,140,exit},{1,0,ok}],[{exit,{{0,140,exit},{over,0}}},{o"
        "k,{done,1}}]}.",
        "{7,false,75,true,[{0,95,ok},{1,160,ok},{2,120,exit},{3,20,ok},{4,140,ok},{5,60,o"
        "k},{6,0,ok}],[{ok,{done,6}},{ok,{done,3}},{ok,{done,5}},{exit,{{0,95,ok},timeout"
        "}},{exit,{{1,160,ok},timeout}},{exit,{{2,120,exit},timeout}},{exit,{{4,140,ok},t"
        "imeout}}]}.",
        "{1,true,75,false,[{0,120,ok},{1,20,ok},{2,0,ok},{3,40,ok},{4,160,ok}],[{exit,tim"
        "eout},{ok,{done,1}},{ok,{done,2}},{ok,{done,3}},{exit,timeout}]}.",
        "{4,false,75,true,[{0,120,exit},{1,40,exit},{2,160,exit},{3,95,ok}],[{exit,{{1,40"
        ",exit},{over,1}}},{exit,{{0,120,exit},timeout}},{exit,{{2,160,exit},timeout}},{e"
        "xit,{{3,95,ok},timeout}}]}.",
        "{2,true,infinity,true,[{0,40,exit},{1,0,ok}],[{exit,{{0,40,exit},{over,0}}},{ok,"
        "{done,1}}]}.",
        "{4,false,75,false,[{0,120,exit},{1,0,ok},{2,95,ok},{3,20,ok}],[{ok,{done,1}},{ok"
        ",{done,3}},{exit,timeout},{exit,timeout}]}.",
        "{3,true,75,true,[{0,160,ok},{1,20,ok},{2,60,exit},{3,95,exit}],[{exit,{{0,160,ok"
        "},timeout}},{ok,{done,1}},{exit,{{2,60,exit},{over,2}}},{exit,{{3,95,exit},timeo"
        "ut}}]}.",
        "{3,true,infinity,false,[{0,40,exit},{1,60,ok},{2,20,ok},{3,0,exit},{4,160,exit},"
        "{5,95,ok},{6,120,exit},{7,140,exit}],[{exit,{over,0}},{ok,{done,1}},{ok,{done,2}"
        "},{exit,{over,3}},{exit,{over,4}},{ok,{done,5}},{exit,{over,6}},{exit,{over,7}}]"
        "}.",
        "{4,true,infinity,false,[{0,40,ok},{1,60,ok},{2,95,ok},{3,20,ok},{4,140,exit},{5,"
        "120,ok},{6,160,ok},{7,0,ok}],[{ok,{done,0}},{ok,{done,1}},{ok,{done,2}},{ok,{don"
        "e,3}},{exit,{over,4}},{ok,{done,5}},{ok,{done,6}},{ok,{done,7}}]}.",
        "{3,true,75,false,[{0,120,ok},{1,95,ok},{2,0,ok}],[{exit,timeout},{exit,timeout},"
        "{ok,{done,2}}]}.",
        "{3,false,infinity,true,[{0,95,exit},{1,160,ok},{2,60,ok}],[{ok,{done,2}},{exit,{"
        "{0,95,exit},{over,0}}},{ok,{done,1}}]}.",
        "{2,true,75,true,[{0,160,ok},{1,140,ok},{2,95,ok},{3,120,exit},{4,20,ok}],[{exit,"
        "{{0,160,ok},timeout}},{exit,{{1,140,ok},timeout}},{exit,{{2,95,ok},timeout}},{ex"
        "it,{{3,120,exit},timeout}},{ok,{done,4}}]}.",
        "{2,true,75,false,[{0,60,ok},{1,40,ok},{2,120,ok},{3,140,ok},{4,20,ok}],[{ok,{don"
        "e,0}},{ok,{done,1}},{exit,timeout},{exit,timeout},{ok,{done,4}}]}.",
        "{4,true,75,false,[{0,95,ok},{1,40,exit},{2,60,ok},{3,20,ok},{4,120,ok},{5,0,ok},"
        "{6,160,exit},{7,140,ok}],[{exit,timeout},{exit,{over,1}},{ok,{done,2}},{ok,{done"
        ",3}},{exit,timeout},{ok,{done,5}},{exit,timeout},{exit,timeout}]}.",
        "{2,true,infinity,false,[{0,95,ok},{1,60,ok},{2,160,ok},{3,120,exit},{4,40,exit},"
        "{5,20,exit}],[{ok,{done,0}},{ok,{done,1}},{ok,{done,2}},{exit,{over,3}},{exit,{o"
        "ver,4}},{exit,{over,5}}]}.",
        "{1,false,75,false,[{0,60,ok},{1,140,exit},{2,120,ok},{3,95,ok},{4,40,ok},{5,20,e"
        "xit}],[{ok,{done,0}},{exit,timeout},{exit,timeout},{exit,timeout},{ok,{done,4}},"
        "{exit,{over,5}}]}.",
        "{4,true,75,true,[{0,60,exit},{1,20,ok},{2,120,exit}],[{exit,{{0,60,exit},{over,0"
        "}}},{ok,{done,1}},{exit,{{2,120,exit},timeout}}]}.",
};

static keel_term work(keel_term input)
{
    keel_term id = keel_element(input, 0);
    keel_sleep(KEEL_MS(keel_to_int(keel_element(input, 1))));
    if (keel_is(keel_element(input, 2), exit)) {
        keel_exit(keel_tuple_of(keel_atom(over), id));
    }
    return keel_tuple_of(keel_atom(done), id);
}

static void take_course(keel_pid supervisor, keel_term course)
{
    keel_term timeout = keel_element(course, 2);
    bool endless = keel_is(timeout, infinity);
    keel_term inputs = keel_element(course, 4);
    keel_term items = keel_task_stream_all(work, inputs,
            .max_concurrency = (int)keel_to_int(keel_element(course, 0)),
            .unordered = !keel_to_bool(keel_element(course, 1)),
            .timeout = endless ? KEEL_FOREVER : KEEL_MS(keel_to_int(timeout)),
            .on_timeout = KEEL_TASK_KILL,
            .zip_input_on_exit = keel_to_bool(keel_element(course, 3)),
            .supervisor = keel_from_pid(supervisor), .nolink = true);
    CHECK_EQUAL(
            keel_tuple_of(course, items), keel_tuple_of(course, keel_element(course, 5)));
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST(
        "random streams are those of Elixir", .ids = "TK-081 TK-094 TS-035 TS-046 TS-047")
{
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link());
    for (size_t i = 0; i < KEEL_COUNT(courses); i++) {
        keel_scope scope = keel_scope_open();
        keel_term course = KEEL_NONE;
        size_t at = 0;
        CHECK_OK(keel_parse_next(courses[i], strlen(courses[i]), &at, &course, NULL));
        take_course(supervisor, course);
        keel_scope_close(&scope);
    }
    stop_actor(supervisor);
}
