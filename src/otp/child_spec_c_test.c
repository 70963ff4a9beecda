// Child specifications and flags written in C, and flags in terms.

#include "child_spec.h"
#include "otp_testing.h"

static keel_started start_cache(keel_term argument)
{
    (void)argument;
    return keel_started_ignored();
}

TEST("a child written in C reads as OTP's map", .ids = "SU-022 SU-029")
{
    keel_child_spec spec = keel_child(&actor_server, keel_int(5));
    CHECK_TERM(keel_child_spec_to_term(&spec),
            "#{id := actor, start := {actor, start_link, [5]}, restart := permanent, "
            "type := worker, shutdown := 5000, modules := [actor], significant := false}");
    spec = keel_child(&actor_server, keel_nil(), .id = keel_int(7),
            .restart = KEEL_TEMPORARY, .shutdown = KEEL_BRUTAL_KILL, .significant = true,
            .modules = keel_atom(dynamic));
    CHECK_TERM(keel_child_spec_to_term(&spec), "#{id := 7, restart := temporary, shutdown "
                                               ":= brutal_kill, significant := true, "
                                               "modules := dynamic}");
    spec = keel_child_supervisor(&test_supervisor, keel_nil(), .restart = KEEL_TRANSIENT);
    CHECK_TERM(keel_child_spec_to_term(&spec),
            "#{id := test_supervisor, type := supervisor, shutdown := infinity}");
    spec = keel_child_fn(
            start_cache, keel_atom(x), .id = keel_atom(cache), .shutdown = KEEL_US(1500));
    CHECK_TERM(keel_child_spec_to_term(&spec),
            "#{id := cache, start := {cache, start_link, [x]}, shutdown := 2}");
    spec = keel_child_term(keel_make("#{id => t, start => {m, f, []}}"));
    CHECK_TERM(keel_child_spec_to_term(&spec), "#{id := t, restart := permanent}");
}

TEST("what only C knows travels in the map and is not shown")
{
    keel_child_spec c = keel_child(&actor_server, keel_int(5), .name = keel_atom(me));
    struct kl_child_spec spec;
    CHECK(keel_is_none(
            kl_child_spec_parse(kl_child_spec_of_c(&c), KEEL_NEVER_SHUTDOWN, &spec)));
    CHECK(spec.start_module == keel_gen_server_start_child && spec.module == &actor_server);
    CHECK(spec.start == NULL);
    CHECK_TERM(spec.name, "me");
    CHECK_TERM(spec.argument, "5");
    CHECK(keel_is_none(keel_map_get(kl_child_spec_shown(&spec), keel_atom_text("$start"))));
    static const keel_gen_statem machine = {.name = "machine"};
    c = keel_child_statem(&machine, keel_nil());
    CHECK(keel_is_none(
            kl_child_spec_parse(kl_child_spec_of_c(&c), KEEL_NEVER_SHUTDOWN, &spec)));
    CHECK(spec.start_module == keel_gen_statem_start_child && spec.module == &machine);
    c = keel_child_fn(start_cache, keel_nil(), .id = keel_atom(cache));
    CHECK(keel_is_none(
            kl_child_spec_parse(kl_child_spec_of_c(&c), KEEL_NEVER_SHUTDOWN, &spec)));
    CHECK(spec.start == start_cache && spec.module == NULL);
}

static keel_term check_one(keel_child_spec spec)
{
    keel_term why = KEEL_NONE;
    keel_supervisor_opts opts = {.count = 1};
    CHECK_INT(keel_supervisor_check(&spec, &opts, &why), KEEL_E_BADARG);
    return why;
}

TEST("a child written in C is checked as one in terms",
        .ids = "SU-023 SU-024 SU-027 SU-028")
{
    CHECK_TERM(check_one((keel_child_spec){.id = keel_atom(a)}), "missing_start");
    CHECK_TERM(check_one((keel_child_spec){.start = start_cache}), "missing_id");
    keel_term spec = keel_child_spec_to_term(&keel_child_fn(start_cache, keel_nil()));
    CHECK_TERM(keel_map_get(spec, keel_atom(id)), "start_cache");
    keel_child_spec bad = keel_child(&actor_server, keel_nil(), .restart = (keel_restart)9);
    CHECK_TERM(check_one(bad), "{invalid_restart_type, 9}");
    bad = keel_child(&actor_server, keel_nil(), .type = (keel_child_type)9);
    CHECK_TERM(check_one(bad), "{invalid_child_type, 9}");
    bad = keel_child(&actor_server, keel_nil(), .shutdown = -KEEL_SECONDS(1));
    CHECK_TERM(check_one(bad), "{invalid_shutdown, -1000}");
    bad = keel_child(&actor_server, keel_nil(), .modules = keel_int(1));
    CHECK_TERM(check_one(bad), "{invalid_modules, 1}");
    bad = keel_child(
            &actor_server, keel_nil(), .significant = true, .restart = KEEL_TRANSIENT);
    CHECK_TERM(check_one(bad), "{bad_combination, [{auto_shutdown, never}, _]}");
    keel_supervisor_opts opts = {.count = 1, .auto_shutdown = KEEL_ANY_SIGNIFICANT};
    CHECK_OK(keel_supervisor_check(&bad, &opts, NULL));
    keel_child_spec twins[] = {
            keel_child(&actor_server, keel_nil()), keel_child(&actor_server, keel_nil())};
    keel_term why = KEEL_NONE;
    opts = (keel_supervisor_opts){.count = 2};
    CHECK_INT(keel_supervisor_check(twins, &opts, &why), KEEL_E_BADARG);
    CHECK_TERM(why, "{duplicate_child_name, actor}");
    twins[1].id = keel_atom(other);
    CHECK_OK(keel_supervisor_check(twins, &opts, &why));
}

// --- flags ---

static keel_term flags(const char *text, struct kl_supervisor_flags *ret)
{
    keel_term term = KEEL_NONE;
    CHECK_OK(keel_parse(text, __builtin_strlen(text), &term, NULL));
    return kl_supervisor_flags_parse(term, ret);
}

TEST("flags in terms have OTP's defaults", .ids = "SU-007 SU-008")
{
    struct kl_supervisor_flags parsed;
    CHECK(keel_is_none(flags("#{color => red}", &parsed)));
    CHECK_INT(parsed.strategy, KEEL_ONE_FOR_ONE);
    CHECK_INT(parsed.intensity, 1);
    CHECK_INT(parsed.period, KEEL_SECONDS(5));
    CHECK_INT(parsed.auto_shutdown, KEEL_NEVER_SHUTDOWN);
    CHECK_INT(parsed.hibernate_after, KEEL_SECONDS(1));
    CHECK(keel_is_none(flags("{rest_for_one, 0, 1}", &parsed)));
    CHECK_INT(parsed.strategy, KEEL_REST_FOR_ONE);
    CHECK_INT(parsed.intensity, 0);
    CHECK_INT(parsed.period, KEEL_SECONDS(1));
    CHECK(keel_is_none(flags("#{hibernate_after => infinity}", &parsed)));
    CHECK(parsed.hibernate_after == KEEL_FOREVER);
}

TEST("each wrong flag is named", .ids = "SU-005 SU-006")
{
    static const struct {
        const char *flags, *why;
    } table[] = {
            {"#{strategy => one_for_none}", "{invalid_strategy,one_for_none}"},
            {"#{intensity => -1}", "{invalid_intensity,-1}"},
            {"#{intensity => 1.5}", "{invalid_intensity,1.5}"},
            {"#{period => 0}", "{invalid_period,0}"},
            {"#{period => long}", "{invalid_period,long}"},
            {"#{auto_shutdown => sometimes}", "{invalid_auto_shutdown,sometimes}"},
            {"#{hibernate_after => -1}", "{invalid_hibernate_after,-1}"},
            {"bad", "{invalid_type,bad}"},
            {"{one_for_one, 1}", "{invalid_type,{one_for_one,1}}"},
    };
    struct kl_supervisor_flags parsed;
    for (size_t i = 0; i < KEEL_COUNT(table); i++) {
        CHECK_STR(keel_show(flags(table[i].flags, &parsed)), table[i].why);
    }
}

TEST("flags in C have Elixir's intensity, and are exact to the nanosecond", .ids = "SU-007")
{
    struct kl_supervisor_flags parsed;
    keel_supervisor_opts opts = {0};
    CHECK(keel_is_none(
            kl_supervisor_flags_parse(kl_supervisor_flags_of_c(&opts), &parsed)));
    CHECK_INT(parsed.intensity, 3);
    CHECK_INT(parsed.period, KEEL_SECONDS(5));
    opts = (keel_supervisor_opts){.intensity = KEEL_NO_RESTARTS,
            .period = KEEL_MS(250),
            .strategy = KEEL_ONE_FOR_ALL,
            .auto_shutdown = KEEL_ALL_SIGNIFICANT,
            .hibernate_after = KEEL_FOREVER,
            .backoff = KEEL_MS(1),
            .backoff_max = KEEL_MS(9)};
    CHECK(keel_is_none(
            kl_supervisor_flags_parse(kl_supervisor_flags_of_c(&opts), &parsed)));
    CHECK_INT(parsed.intensity, 0);
    CHECK_INT(parsed.period, KEEL_MS(250));
    CHECK_INT(parsed.strategy, KEEL_ONE_FOR_ALL);
    CHECK_INT(parsed.auto_shutdown, KEEL_ALL_SIGNIFICANT);
    CHECK(parsed.hibernate_after == KEEL_FOREVER);
    CHECK(parsed.backoff == KEEL_MS(1) && parsed.backoff_max == KEEL_MS(9));
    opts = (keel_supervisor_opts){.intensity = -7};
    CHECK_TERM(kl_supervisor_flags_parse(kl_supervisor_flags_of_c(&opts), &parsed),
            "{invalid_intensity, -7}");
    opts = (keel_supervisor_opts){.period = -KEEL_SECONDS(3)};
    CHECK_TERM(kl_supervisor_flags_parse(kl_supervisor_flags_of_c(&opts), &parsed),
            "{invalid_period, _}");
    opts = (keel_supervisor_opts){.strategy = (keel_strategy)5};
    CHECK_TERM(kl_supervisor_flags_parse(kl_supervisor_flags_of_c(&opts), &parsed),
            "{invalid_strategy, 5}");
}
