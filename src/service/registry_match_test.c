// The registry: patterns, guards, selections.

#include "registry_testing.h"

static keel_term term(const char *text)
{
    keel_term parsed;
    CHECK_OK(keel_parse(text, strlen(text), &parsed, NULL));
    return parsed;
}

static keel_term matched(const char *pattern, const char *guards)
{
    return keel_registry_match(
            REG, keel_atom(key), term(pattern), guards == NULL ? KEEL_NONE : term(guards));
}

static size_t counted(const char *pattern, const char *guards)
{
    return keel_registry_count_match(
            REG, keel_atom(key), term(pattern), guards == NULL ? KEEL_NONE : term(guards));
}

PROCESS_TEST("match gives the entries under a key whose value matches",
        .ids = "RG-030 RG-032 RG-034")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        put(keel_atom(key), term("{1, atom, 1, #{name => x, more => y}}"));
        put(keel_atom(other), term("{1, atom, 1, #{}}"));
        static const struct {
            const char *pattern;
            bool matches;
        } cases[] = {
                {"'_'", true},
                {"{1, '_', '_', '_'}", true},
                {"{'_', atom, '_', '_'}", true},
                {"{'$1', '_', '$1', '_'}", true},
                {"{'_', '$1', '$1', '_'}", false},
                {"{1.0, '_', '_', '_'}", false},
                {"{1, '_', '_'}", false},
                {"{'_', '_', '_', #{name => x}}", true},
                {"{'_', '_', '_', #{name => '$1', more => '$2'}}", true},
                {"{'_', '_', '_', #{name => '$1', more => '$1'}}", false},
                {"{'_', '_', '_', #{absent => '_'}}", false},
                {"[1 | '_']", false},
                {"atom", false},
        };
        for (size_t i = 0; i < KEEL_COUNT(cases); i++) {
            keel_term found = matched(cases[i].pattern, NULL);
            if (cases[i].matches) {
                CHECK_TERM(found, "[{^Self, {1, atom, 1, #{}}}]", keel_self());
            } else {
                CHECK_TERM(found, "[]");
            }
            CHECK_INT(counted(cases[i].pattern, NULL), cases[i].matches);
        }
        stop_registry(pid);
    }
}

PROCESS_TEST("lists in patterns match item by item", .ids = "RG-030")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    put(keel_atom(key), term("[1, two, \"3\"]"));
    CHECK_INT(counted("[1, '$1', '_']", NULL), 1);
    CHECK_INT(counted("[1 | '_']", NULL), 1);
    CHECK_INT(counted("[1, two]", NULL), 0);
    CHECK_INT(counted("[1, two, \"3\", '_']", NULL), 0);
    stop_registry(pid);
}

PROCESS_TEST("guards filter further", .ids = "RG-033 RG-034")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        put(keel_atom(key), term("{1, atom, 2.5}"));
        static const struct {
            const char *guards;
            bool holds;
        } cases[] = {
                {"[]", true},
                {"[{'=:=', '$1', 1}]", true},
                {"[{'=:=', '$1', 1.0}]", false},
                {"[{'==', '$1', 1.0}]", true},
                {"[{'>', '$1', 1}]", false},
                {"[{'>=', '$1', 1}, {'<', '$3', 3}]", true},
                {"[{'>=', '$1', 1}, {'>', '$3', 3}]", false},
                {"[{'and', {is_atom, '$2'}, {is_integer, '$1'}}]", true},
                {"[{'orelse', {is_atom, '$1'}, {is_float, '$3'}}]", true},
                {"[{'andalso', {is_atom, '$1'}, {hd, '$1'}}]", false},
                {"[{'not', {is_list, '$2'}}]", true},
                {"[{'=:=', {'+', '$1', 2}, 3}]", true},
                {"[{'=:=', {'*', '$3', 2}, 5.0}]", true},
                {"[{'=:=', {element, 2, '$_'}, atom}]", true},
                {"[{'=:=', {'div', '$1', 0}, 1}]", false},
                {"[{hd, '$1'}]", false},
                {"['$2']", false},
                {"[true]", true},
                {"[{'=:=', {const, {'$1'}}, {{'$1'}}}]", false},
                {"[{'=:=', {const, {1}}, {{'$1'}}}]", true},
                {"[{'=:=', '$$', [1, atom, 2.5]}]", true},
        };
        for (size_t i = 0; i < KEEL_COUNT(cases); i++) {
            bool holds = counted("{'$1', '$2', '$3'}", cases[i].guards) == 1;
            if (holds != cases[i].holds) {
                kl_test_fail(__FILE__, __LINE__, "guards %s", cases[i].guards);
            }
            size_t length = 2;
            CHECK(keel_list_length(
                    matched("{'$1', '$2', '$3'}", cases[i].guards), &length));
            CHECK_INT(length, holds);
        }
        stop_registry(pid);
    }
}

static keel_term selected(const char *specifications)
{
    return keel_registry_select(REG, term(specifications));
}

PROCESS_TEST(
        "select goes over the whole registry", .ids = "RG-037 RG-038 RG-039 RG-041 RG-043")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 3);
        CHECK_TERM(selected("[{{'$1', '$2', '$3'}, [], ['$1']}]"), "[]");
        CHECK_INT(keel_registry_count_select(REG, term("[{{'_', '_', '_'}, [], [true]}]")),
                0);
        put(term("{room, 1}"), term("{open, 10}"));
        put(term("{room, 2}"), term("{closed, 20}"));
        put(term("hall"), term("{open, 30}"));
        size_t length;
        CHECK(keel_list_length(selected("[{{'_', '_', '_'}, [], [x]}]"), &length));
        CHECK_INT(length, 3);
        CHECK_TERM(selected("[{{{room, '$1'}, '$2', {open, '$3'}}, [], "
                            "[{{'$1', '$2', '$3'}}]}]"),
                "[{1, ^Self, 10}]", keel_self());
        CHECK_TERM(selected("[{{'$1', '_', {'_', '$2'}}, [{'>', '$2', 20}], ['$1']}]"),
                "[hall]");
        CHECK_TERM(selected("[{{hall, '$1', '_'}, [{is_pid, '$1'}], [first, '$_']}]"),
                "[{hall, {^Self, {open, 30}}}]", keel_self());
        CHECK_TERM(selected("[{{hall, '$1', '_'}, [], [{hd, '$1'}]}]"), "['EXIT']");
        CHECK_TERM(selected("[{{hall, '_', '_'}, [], [#{key => {const, a}, n => [1]}]}]"),
                "[#{key := a, n := [1]}]");
        keel_term both = term("[{{{room, '_'}, '_', '_'}, [], [true]}, "
                              "{{hall, '_', '_'}, [], [true]}]");
        CHECK_INT(keel_registry_count_select(REG, both), 3);
        keel_term guarded = term(
                "[{{'$1', '_', {open, '$2'}}, [{'<', '$2', 20}], [true]}]");
        CHECK_INT(keel_registry_count_select(REG, guarded), 1);
        stop_registry(pid);
    }
}

static void select_wrongly(void *text)
{
    keel_registry_select(REG, term(*(const char **)text));
}
static void count_wrongly(void *text)
{
    keel_registry_count_select(REG, term(*(const char **)text));
}
static void match_wrongly(void *text)
{
    matched("{'$1'}", *(const char **)text);
}

PROCESS_TEST("specifications of the wrong shape are refused", .ids = "RG-042")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    static const char *const wrong[] = {
            "x",
            "[x]",
            "[{'_', [], ['$_']}]",
            "[{{'_', '_'}, [], [x]}]",
            "[{{'_', '_', '_', '_'}, [], [x]}]",
            "[{{'_', '_', '_'}, []}]",
            "[{{'_', '_', '_'}, x, [x]}]",
            "[{{'_', '_', '_'}, [], []}]",
            "[{{'_', '_', '_'}, [], x}]",
            "[{{'_', '_', '_'}, [], ['$1']}]",
            "[{{'_', '_', '_'}, [{no_such_function, 1}], [x]}]",
            "[{{'_', '_', '_'}, [], [x]} | x]",
    };
    for (size_t i = 0; i < KEEL_COUNT(wrong); i++) {
        const char *text = wrong[i];
        CHECK_TERM(failure_of(select_wrongly, &text), "{{badarg, {match_spec, _}}, _}");
        CHECK_TERM(failure_of(count_wrongly, &text), "{{badarg, {match_spec, _}}, _}");
    }
    const char *guards = "[{'>', '$2', 1}]";
    CHECK_TERM(failure_of(match_wrongly, &guards), "{{badarg, {match_spec, _}}, _}");
    stop_registry(pid);
}

PROCESS_TEST("keys that look like patterns are picked by a guard, and are literal in match",
        .ids = "RG-044 RG-049")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        put(keel_atom(_), keel_int(1));
        put(keel_atom_text("$1"), keel_int(2));
        put(keel_atom(plain), keel_int(3));
        CHECK_TERM(selected("[{{'$1', '_', '$2'}, [{'=:=', '$1', {const, '_'}}], ['$2']}]"),
                "[1]");
        CHECK_INT(keel_registry_count_select(
                          REG, term("[{{'$1', '_', '_'}, [{'=:=', '$1', {const, '$1'}}], "
                                    "[true]}]")),
                1);
        CHECK_TERM(keel_registry_match(REG, keel_atom(_), keel_atom(_), KEEL_NONE),
                "[{_, 1}]");
        CHECK_OK(
                keel_registry_unregister_match(REG, keel_atom(_), keel_atom(_), KEEL_NONE));
        CHECK_INT(keel_registry_count(REG), 2);
        CHECK_OK(keel_registry_unregister(REG, keel_atom_text("$1")));
        CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[plain]");
        stop_registry(pid);
    }
}

PROCESS_TEST("unregistering by a pattern removes the caller's entries that match",
        .ids = "RG-047")
{
    keel_pid pid = start_registry(KEEL_DUPLICATE, 2);
    put(keel_atom(key), term("{1, a}"));
    put(keel_atom(key), term("{2, b}"));
    put(keel_atom(key), term("{3, a}"));
    put(keel_atom(other), term("{1, a}"));
    keel_pid holder = new_holder(keel_atom(key), term("{1, a}"));
    CHECK_OK(keel_registry_unregister_match(
            REG, keel_atom(key), term("{4, '_'}"), KEEL_NONE));
    CHECK_OK(keel_registry_unregister_match(
            REG, keel_atom(key), term("{'$1', '_'}"), term("[{'>', '$1', 2}]")));
    CHECK_TERM(keel_registry_values(REG, keel_atom(key), keel_self()), "[{1, a}, {2, b}]");
    CHECK_OK(keel_registry_unregister_match(
            REG, keel_atom(key), term("{'_', a}"), KEEL_NONE));
    CHECK_TERM(keel_registry_values(REG, keel_atom(key), keel_self()), "[{2, b}]");
    CHECK_TERM(keel_registry_values(REG, keel_atom(key), holder), "[{1, a}]");
    CHECK_TERM(keel_registry_values(REG, keel_atom(other), keel_self()), "[{1, a}]");
    end_process(holder);
    stop_registry(pid);
    pid = start_registry(KEEL_UNIQUE, 1);
    put(keel_atom(key), term("{1, a}"));
    CHECK_OK(keel_registry_unregister_match(
            REG, keel_atom(key), term("{2, '_'}"), KEEL_NONE));
    CHECK_INT(keel_registry_count(REG), 1);
    CHECK_OK(keel_registry_unregister_match(
            REG, keel_atom(key), term("{1, '_'}"), KEEL_NONE));
    CHECK_INT(keel_registry_count(REG), 0);
    stop_registry(pid);
}
