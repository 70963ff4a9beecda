// Child specifications in terms: what is right, what is wrong, and how it is told.

#include "child_spec.h"
#include "otp_testing.h"

static keel_term parse(const char *text)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, __builtin_strlen(text), &term, NULL));
    return term;
}

static keel_term check(const char *text, keel_auto_shutdown auto_shutdown)
{
    struct kl_child_spec spec;
    return kl_child_spec_parse(parse(text), auto_shutdown, &spec);
}

TEST("only id and start must be given; the rest has its defaults", .ids = "SU-022")
{
    struct kl_child_spec spec;
    CHECK(keel_is_none(kl_child_spec_parse(
            parse("#{id => {a, 1}, start => {m, f, [x]}}"), KEEL_NEVER_SHUTDOWN, &spec)));
    CHECK_TERM(spec.id, "{a, 1}");
    CHECK_INT(spec.restart, KEEL_PERMANENT);
    CHECK_INT(spec.type, KEEL_WORKER);
    CHECK_INT(spec.shutdown, KEEL_SECONDS(5));
    CHECK(!spec.significant && spec.start == NULL && spec.start_module == NULL);
    CHECK_TERM(spec.modules, "[m]");
    CHECK_EQUAL(kl_child_spec_shown(&spec),
            parse("#{id => {a, 1}, start => {m, f, [x]}, restart => permanent, type => "
                  "worker, "
                  "shutdown => 5000, modules => [m], significant => false}"));
    CHECK(keel_is_none(kl_child_spec_parse(
            parse("#{id => a, start => {m, f, []}, type => supervisor}"),
            KEEL_NEVER_SHUTDOWN, &spec)));
    CHECK(spec.shutdown == KEEL_FOREVER);
}

TEST("each wrong field is named", .ids = "SU-023 SU-024 SU-025")
{
    static const struct {
        const char *spec, *why;
    } table[] = {
            {"#{start => {m, f, []}}", "missing_id"},
            {"#{id => a}", "missing_start"},
            {"#{id => a, start => {m, f}}", "{invalid_mfa,{m,f}}"},
            {"#{id => a, start => {m, \"f\", []}}", "{invalid_mfa,{m,\"f\",[]}}"},
            {"#{id => a, start => {m, f, b}}", "{invalid_mfa,{m,f,b}}"},
            {"#{id => a, start => {m, f, []}, restart => often}",
                    "{invalid_restart_type,often}"},
            {"#{id => a, start => {m, f, []}, type => boss}", "{invalid_child_type,boss}"},
            {"#{id => a, start => {m, f, []}, shutdown => -5}", "{invalid_shutdown,-5}"},
            {"#{id => a, start => {m, f, []}, shutdown => later}",
                    "{invalid_shutdown,later}"},
            {"#{id => a, start => {m, f, []}, modules => m}", "{invalid_modules,m}"},
            {"#{id => a, start => {m, f, []}, modules => [m, 1]}", "{invalid_module,1}"},
            {"#{id => a, start => {m, f, []}, significant => maybe_}",
                    "{invalid_significant,maybe_}"},
            {"#{id => a, start => {m, f, []}, significant => true}",
                    "{bad_combination,[{auto_shutdown,never},{significant,true}]}"},
            {"junk", "{invalid_child_spec,junk}"},
            {"{a, b, c}", "{invalid_child_spec,{a,b,c}}"},
            {"{a, {m, f, []}, always, 5, worker, [m]}", "{invalid_restart_type,always}"},
    };
    for (size_t i = 0; i < KEEL_COUNT(table); i++) {
        CHECK_STR(keel_show(check(table[i].spec, KEEL_NEVER_SHUTDOWN)), table[i].why);
    }
    CHECK_STR(keel_show(check("#{id => a, start => {m, f, []}, significant => true}",
                      KEEL_ANY_SIGNIFICANT)),
            "{bad_combination,[{restart,permanent},{significant,true}]}");
}

TEST("every way to shut down is understood, and both forms, and unknown keys are let be",
        .ids = "SU-025 SU-030 SU-008")
{
    struct kl_child_spec spec;
    static const struct {
        const char *shutdown;
        keel_duration expected;
    } table[] = {{"brutal_kill", KEEL_BRUTAL_KILL}, {"infinity", INT64_MAX}, {"0", 0},
            {"250", KEEL_MS(250)}};
    for (size_t i = 0; i < KEEL_COUNT(table); i++) {
        keel_term map = keel_map_put(
                parse("#{id => a, start => {m, f, []}, color => red, modules => dynamic}"),
                keel_atom(shutdown), parse(table[i].shutdown));
        CHECK(keel_is_none(kl_child_spec_parse(map, KEEL_NEVER_SHUTDOWN, &spec)));
        CHECK(spec.shutdown == table[i].expected);
        CHECK_TERM(spec.modules, "dynamic");
        CHECK_EQUAL(kl_shutdown_term(spec.shutdown), parse(table[i].shutdown));
    }
    CHECK(keel_is_none(kl_child_spec_parse(
            parse("{b, {m, f, [1]}, transient, 10, supervisor, [m, n]}"),
            KEEL_NEVER_SHUTDOWN, &spec)));
    CHECK_TERM(spec.id, "b");
    CHECK_INT(spec.restart, KEEL_TRANSIENT);
    CHECK_INT(spec.type, KEEL_SUPERVISOR);
    CHECK_TERM(spec.modules, "[m, n]");
}

TEST("significant children are allowed where their end may shut down")
{
    struct kl_child_spec spec;
    keel_term term = parse(
            "#{id => a, start => {m, f, []}, restart => transient, significant => true}");
    CHECK(keel_is_none(kl_child_spec_parse(term, KEEL_ALL_SIGNIFICANT, &spec)));
    CHECK(spec.significant);
}
