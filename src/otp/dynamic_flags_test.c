// A dynamic supervisor's flags and its children's specifications.

#include "otp_testing.h"
#include <keel/dynamic_supervisor.h>

static keel_term init(keel_term argument)
{
    return argument;
}

static const keel_dynamic_supervisor pool = {.name = "pool", .init = init};

static keel_term start_reason(keel_term argument)
{
    keel_started started = keel_dynamic_supervisor_start_link_module(&pool, argument);
    CHECK_INT(started.status, KEEL_E_EXIT);
    EXPECT_NO_MESSAGE(); // a linked starter that traps exits finds none
    return started.reason;
}

PROCESS_TEST("flags out of range are refused, with what is wrong about them",
        .ids = "DS-003 DS-004 DS-005")
{
    keel_trap_exit(true);
    CHECK_TERM(start_reason(keel_make("{ok, #{strategy => unknown}}")),
            "{supervisor_data, {invalid_strategy, unknown}}");
    CHECK_TERM(start_reason(keel_make("{ok, #{strategy => one_for_all}}")),
            "{supervisor_data, {invalid_strategy, one_for_all}}");
    CHECK_TERM(start_reason(keel_make("{ok, #{intensity => -1}}")),
            "{supervisor_data, {invalid_intensity, -1}}");
    CHECK_TERM(start_reason(keel_make("{ok, #{period => 0}}")),
            "{supervisor_data, {invalid_period, 0}}");
    CHECK_TERM(start_reason(keel_make("{ok, #{max_children => -1}}")),
            "{supervisor_data, {invalid_max_children, -1}}");
    CHECK_TERM(start_reason(keel_make("{ok, #{extra_arguments => -1}}")),
            "{supervisor_data, {invalid_extra_arguments, -1}}");
    CHECK_TERM(start_reason(keel_make("{ok, #{auto_shutdown => any_significant}}")),
            "{supervisor_data, {invalid_auto_shutdown, any_significant}}");
    CHECK_TERM(start_reason(keel_make("{ok, not_flags}")),
            "{bad_return, {pool, init, {ok, not_flags}}}"); // flags are a map
    keel_started started = keel_dynamic_supervisor_start_link(.strategy = KEEL_ONE_FOR_ALL);
    CHECK_TERM(started.reason, "{supervisor_data, {invalid_strategy, one_for_all}}");
}

PROCESS_TEST("init may decline, or return something unknown", .ids = "DS-006")
{
    keel_trap_exit(true);
    CHECK_TERM(start_reason(keel_atom(whatever)), "{bad_return, {pool, init, whatever}}");
    keel_started started = keel_dynamic_supervisor_start_link_module(
            &pool, keel_atom(ignore));
    CHECK_INT(started.status, KEEL_E_IGNORED);
}

static keel_term spec_reason(keel_term spec)
{
    keel_started started = keel_dynamic_supervisor_start_child(
            "nobody_at_all", &keel_child_term(spec));
    CHECK_INT(started.status, KEEL_E_BADARG);
    return started.reason;
}

PROCESS_TEST("a wrong specification is refused before anything is sent", .ids = "DS-013")
{
    CHECK_TERM(spec_reason(keel_make("#{}")), "{invalid_child_spec, _}");
    CHECK_TERM(spec_reason(keel_make("{1, 2}")), "{invalid_child_spec, {1, 2}}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1}")), "{invalid_child_spec, #{id := 1}}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {foo, bar}}")),
            "{invalid_child_spec, #{start := {foo, bar}}}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {foo, bar, baz}}")),
            "{invalid_mfa, {foo, bar, baz}}");
    CHECK_TERM(spec_reason(keel_make("{1, 2, 3, 4, 5, 6}")), "{invalid_mfa, 2}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {a, b, []}, shutdown => -1}")),
            "{invalid_shutdown, -1}");
    CHECK_TERM(
            spec_reason(keel_make("#{id => 1, start => {a, b, []}, significant => true}")),
            "{invalid_significant, true}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {a, b, []}, restart => x}")),
            "{invalid_restart_type, x}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {a, b, []}, type => x}")),
            "{invalid_child_type, x}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {a, b, []}, modules => x}")),
            "{invalid_modules, x}");
    CHECK_TERM(spec_reason(keel_make("#{id => 1, start => {a, b, []}, modules => [m, 1]}")),
            "{invalid_modules, [m, 1]}");
}
