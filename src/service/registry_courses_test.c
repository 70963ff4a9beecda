// Courses of a registry as Elixir's (1.14) takes them, recorded with registry_courses.exs:
// {Keys, Partitions, [{Operation, Result}, …]} with the processes p0, p1 and p2. Random, so
// that they meet what nobody thinks of.

#include "registry_testing.h"

static const char *const courses[] = {
        "{duplicate,3,[{{register,p2,a,{x,1}},ok},{{keys,p0},[]},{{count_match,a,1,[]},0}"
        ",{{values,p0,a},[]},{{match,a,'$1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}}]},["
        "]},{{register,p0,a,1},ok},{{keys,p2},[a]},{{match,a,{x,'_'},[]},[{p2,{x,1}}]},{{"
        "register,p0,a,{x,1}},ok},{{keys,p1},[]},{{count},3}]}.",
        "{duplicate,1,[{{count},0},{{kill,p0},ok},{{register,p1,a,2},ok},{{unregister,p1,"
        "{c,1}},ok},{{register,p0,a,1},ok},{{unregister,p0,{c,1}},ok},{{register,p2,a,[l]"
        "},ok},{{match,a,{x,'_'},[]},[]},{{register,p0,{c,1},1},ok},{{lookup,{c,1}},[{p0,"
        "1}]},{{register,p0,{c,1},{x,1}},ok},{{count},5}]}.",
        "{duplicate,1,[{{register,p0,{c,1},1},ok},{{keys,p2},[]},{{keys,p0},[{c,1}]},{{re"
        "gister,p1,{c,1},2},ok},{{count},2},{{register,p0,a,{x,2}},ok},{{kill,p2},ok},{{r"
        "egister,p2,a,[l]},ok},{{register,p0,a,2},ok},{{count},5},{{count},5},{{match,a,1"
        ",[]},[]},{{unregister,p0,a},ok},{{lookup,a},[{p2,[l]}]},{{kill,p1},ok},{{values,"
        "p1,a},[]},{{match,{c,1},{x,'_'},[]},[]},{{unregister_match,p2,a,'_',[]},ok},{{re"
        "gister,p2,{c,1},1},ok}]}.",
        "{duplicate,1,[{{register,p2,{c,1},[l]},ok},{{count},1},{{register,p0,{c,1},2},ok"
        "},{{count},2},{{unregister_match,p1,a,'$1',[{'orelse',{'=:=','$1',1},{is_list,'$"
        "1'}}]},ok},{{count_match,{c,1},1,[]},0},{{lookup,{c,1}},[{p0,2},{p2,[l]}]},{{kil"
        "l,p0},ok},{{register,p0,a,[l]},ok},{{lookup,a},[{p0,[l]}]},{{kill,p0},ok},{{look"
        "up,{c,1}},[{p2,[l]}]},{{unregister_match,p0,{c,1},{'$1','$2'},[{'>','$2',1}]},ok"
        "},{{kill,p0},ok},{{register,p2,a,{x,1}},ok},{{register,p0,{c,1},1},ok},{{registe"
        "r,p0,a,[l]},ok},{{kill,p0},ok}]}.",
        "{duplicate,1,[{{lookup,{c,1}},[]},{{keys,p0},[]},{{register,p0,{c,1},{x,2}},ok},"
        "{{register,p2,a,1},ok},{{register,p0,{c,1},2},ok},{{register,p1,{c,1},2},ok},{{c"
        "ount},4},{{count},4},{{lookup,a},[{p2,1}]},{{register,p1,a,{x,1}},ok},{{kill,p0}"
        ",ok},{{lookup,a},[{p1,{x,1}},{p2,1}]},{{unregister_match,p1,{c,1},1,[]},ok},{{ke"
        "ys,p0},[]},{{keys,p2},[a]},{{count},3},{{lookup,{c,1}},[{p1,2}]},{{register,p1,a"
        ",{x,2}},ok}]}.",
        "{duplicate,3,[{{count_match,a,'_',[]},0},{{keys,p0},[]},{{keys,p1},[]},{{lookup,"
        "a},[]},{{count},0},{{unregister,p2,{c,1}},ok},{{match,{c,1},{'$1','$2'},[{'>','$"
        "2',1}]},[]},{{lookup,a},[]},{{lookup,a},[]},{{register,p2,{c,1},{x,2}},ok},{{reg"
        "ister,p0,{c,1},{x,2}},ok},{{lookup,a},[]},{{keys,p0},[{c,1}]},{{unregister_match"
        ",p1,a,'$1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}}]},ok},{{lookup,a},[]},{{unr"
        "egister,p2,{c,1}},ok}]}.",
        "{duplicate,3,[{{values,p2,a},[]},{{register,p1,{c,1},{x,1}},ok},{{count_match,{c"
        ",1},'$1',[{is_tuple,'$1'}]},1},{{lookup,{c,1}},[{p1,{x,1}}]},{{kill,p0},ok},{{ma"
        "tch,a,{'$1','$2'},[{'>','$2',1}]},[]},{{keys,p1},[{c,1}]},{{keys,p2},[]},{{regis"
        "ter,p0,a,2},ok},{{count},2},{{lookup,{c,1}},[{p1,{x,1}}]},{{lookup,a},[{p0,2}]},"
        "{{values,p1,{c,1}},[{x,1}]},{{values,p0,{c,1}},[]},{{count_match,a,{'_',2},[]},0"
        "},{{count_match,a,{'_',2},[]},0},{{register,p1,{c,1},[l]},ok},{{unregister_match"
        ",p1,{c,1},{x,'_'},[]},ok},{{count},2},{{register,p0,a,{x,1}},ok},{{lookup,{c,1}}"
        ",[{p1,[l]}]},{{register,p0,{c,1},1},ok},{{register,p2,{c,1},{x,1}},ok}]}.",
        "{duplicate,1,[{{unregister,p2,a},ok},{{match,{c,1},'$1',[{is_tuple,'$1'}]},[]},{"
        "{match,a,{'_',2},[]},[]},{{lookup,{c,1}},[]},{{values,p2,a},[]},{{count},0},{{co"
        "unt},0},{{count_match,a,'_',[]},0},{{register,p2,{c,1},2},ok},{{count_match,a,'$"
        "1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}}]},0},{{register,p2,a,2},ok}]}.",
        "{unique,1,[{{lookup,{c,1}},[]},{{unregister,p2,a},ok},{{unregister,p1,a},ok},{{k"
        "eys,p2},[]},{{register,p2,a,[l]},ok},{{values,p2,a},[[l]]},{{lookup,a},[{p2,[l]}"
        "]},{{unregister,p1,{c,1}},ok},{{unregister,p0,a},ok},{{unregister_match,p0,a,'_'"
        ",[]},ok},{{register,p2,{c,1},{x,2}},ok},{{count},2},{{keys,p2},[a,{c,1}]},{{look"
        "up,a},[{p2,[l]}]},{{register,p2,a,2},{error,p2}},{{update_value,p2,{c,1}},{{x,{x"
        ",2}},{x,2}}},{{register,p2,a,[l]},{error,p2}}]}.",
        "{unique,3,[{{register,p2,a,{x,1}},ok},{{register,p2,a,{x,2}},{error,p2}},{{match"
        ",{c,1},{x,'_'},[]},[]},{{values,p1,{c,1}},[]},{{register,p1,{c,1},1},ok},{{updat"
        "e_value,p0,a},error},{{count},2},{{count},2},{{unregister,p1,a},ok},{{lookup,{c,"
        "1}},[{p1,1}]},{{register,p0,a,{x,1}},{error,p2}},{{count_match,{c,1},{'$1','$2'}"
        ",[{'>','$2',1}]},0},{{lookup,a},[{p2,{x,1}}]},{{register,p2,{c,1},2},{error,p1}}"
        ",{{update_value,p1,a},error},{{register,p2,a,[l]},{error,p2}},{{unregister,p0,a}"
        ",ok},{{keys,p2},[a]},{{count},2},{{register,p2,{c,1},{x,1}},{error,p1}},{{regist"
        "er,p1,{c,1},{x,2}},{error,p1}}]}.",
        "{duplicate,1,[{{count_match,a,1,[]},0},{{count_match,a,{'$1','$2'},[{'>','$2',1}"
        "]},0},{{lookup,{c,1}},[]},{{lookup,{c,1}},[]},{{count},0},{{register,p0,a,1},ok}"
        ",{{register,p0,a,{x,1}},ok},{{kill,p2},ok},{{count},2},{{unregister_match,p1,a,{"
        "'$1','$2'},[{'>','$2',1}]},ok},{{lookup,{c,1}},[]},{{values,p0,{c,1}},[]},{{unre"
        "gister_match,p2,{c,1},'$1',[{is_tuple,'$1'}]},ok},{{register,p1,{c,1},{x,1}},ok}"
        ",{{register,p1,a,2},ok},{{values,p2,{c,1}},[]},{{register,p0,{c,1},{x,2}},ok}]}.",
        "{unique,1,[{{unregister_match,p1,{c,1},'_',[]},ok},{{kill,p1},ok},{{update_value"
        ",p0,a},error},{{unregister_match,p0,{c,1},{'_',2},[]},ok},{{register,p0,a,{x,2}}"
        ",ok},{{register,p2,{c,1},{x,2}},ok},{{register,p2,a,{x,2}},{error,p0}},{{registe"
        "r,p0,a,[l]},{error,p0}},{{count_match,a,'$1',[{'orelse',{'=:=','$1',1},{is_list,"
        "'$1'}}]},0},{{update_value,p0,a},{{x,{x,2}},{x,2}}},{{register,p1,a,{x,1}},{erro"
        "r,p0}},{{register,p2,{c,1},2},{error,p2}},{{values,p1,a},[]},{{unregister,p0,{c,"
        "1}},ok},{{unregister_match,p2,a,{'_',2},[]},ok}]}.",
        "{duplicate,1,[{{count_match,a,{x,'_'},[]},0},{{register,p2,a,2},ok},{{count_matc"
        "h,a,{'$1','$2'},[{'>','$2',1}]},0},{{register,p1,{c,1},{x,1}},ok},{{kill,p0},ok}"
        ",{{unregister,p0,{c,1}},ok},{{unregister,p1,a},ok},{{kill,p0},ok},{{register,p0,"
        "a,{x,1}},ok},{{unregister,p2,a},ok},{{register,p1,{c,1},[l]},ok}]}.",
        "{duplicate,3,[{{keys,p0},[]},{{lookup,a},[]},{{register,p0,a,1},ok},{{unregister"
        ",p0,{c,1}},ok},{{register,p2,a,[l]},ok},{{keys,p1},[]},{{values,p1,{c,1}},[]},{{"
        "match,a,{'_',2},[]},[]},{{register,p0,{c,1},1},ok},{{count},3},{{register,p1,{c,"
        "1},2},ok},{{values,p2,a},[[l]]},{{register,p0,a,2},ok},{{count_match,a,{x,'_'},["
        "]},0}]}.",
        "{unique,1,[{{register,p2,a,[l]},ok},{{lookup,a},[{p2,[l]}]},{{count_match,a,{x,'"
        "_'},[]},0},{{count_match,{c,1},'$1',[{is_tuple,'$1'}]},0},{{unregister,p1,{c,1}}"
        ",ok},{{lookup,a},[{p2,[l]}]},{{register,p0,{c,1},1},ok},{{keys,p1},[]},{{values,"
        "p2,{c,1}},[]},{{register,p0,{c,1},[l]},{error,p0}},{{register,p1,{c,1},2},{error"
        ",p0}},{{lookup,{c,1}},[{p0,1}]},{{register,p2,a,2},{error,p2}},{{lookup,{c,1}},["
        "{p0,1}]},{{update_value,p0,{c,1}},{{x,1},1}},{{lookup,a},[{p2,[l]}]},{{register,"
        "p1,a,{x,1}},{error,p2}},{{count_match,{c,1},'$1',[{'orelse',{'=:=','$1',1},{is_l"
        "ist,'$1'}}]},0}]}.",
        "{duplicate,1,[{{unregister_match,p1,a,1,[]},ok},{{values,p1,a},[]},{{unregister_"
        "match,p2,a,'_',[]},ok},{{count},0},{{unregister,p0,a},ok},{{keys,p2},[]},{{keys,"
        "p1},[]},{{keys,p1},[]},{{values,p2,a},[]},{{register,p0,{c,1},{x,2}},ok},{{unreg"
        "ister,p1,{c,1}},ok},{{values,p2,a},[]},{{register,p0,a,1},ok},{{register,p0,{c,1"
        "},{x,2}},ok},{{kill,p1},ok},{{values,p2,{c,1}},[]}]}.",
        "{unique,1,[{{unregister_match,p2,{c,1},{'_',2},[]},ok},{{unregister_match,p1,a,{"
        "'_',2},[]},ok},{{match,{c,1},'$1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}}]},[]"
        "},{{match,{c,1},{x,'_'},[]},[]},{{unregister,p1,a},ok},{{kill,p0},ok},{{register"
        ",p1,{c,1},2},ok},{{register,p2,{c,1},1},{error,p1}},{{register,p0,a,[l]},ok},{{k"
        "ill,p0},ok},{{kill,p1},ok},{{count_match,{c,1},{x,'_'},[]},0},{{register,p0,a,2}"
        ",ok},{{count},1},{{unregister_match,p0,a,{'$1','$2'},[{'>','$2',1}]},ok},{{kill,"
        "p1},ok},{{register,p1,a,1},{error,p0}},{{register,p2,a,{x,1}},{error,p0}}]}.",
        "{duplicate,1,[{{lookup,{c,1}},[]},{{register,p1,a,{x,1}},ok},{{count},1},{{count"
        "},1},{{count},1},{{register,p1,{c,1},1},ok},{{register,p0,a,{x,1}},ok},{{lookup,"
        "a},[{p0,{x,1}},{p1,{x,1}}]},{{count},3},{{register,p1,{c,1},{x,2}},ok},{{registe"
        "r,p2,{c,1},2},ok},{{match,a,'$1',[{is_tuple,'$1'}]},[{p0,{x,1}},{p1,{x,1}}]},{{c"
        "ount},5},{{register,p1,a,{x,1}},ok},{{keys,p1},[a,a,{c,1},{c,1}]}]}.",
        "{duplicate,3,[{{count_match,{c,1},1,[]},0},{{unregister_match,p1,{c,1},1,[]},ok}"
        ",{{kill,p0},ok},{{register,p2,a,{x,1}},ok},{{lookup,{c,1}},[]},{{kill,p0},ok},{{"
        "register,p1,a,[l]},ok},{{unregister_match,p2,a,'_',[]},ok},{{unregister,p0,a},ok"
        "},{{register,p0,a,2},ok},{{unregister_match,p0,a,{x,'_'},[]},ok},{{unregister,p0"
        ",a},ok},{{count},1}]}.",
        "{duplicate,3,[{{count},0},{{register,p2,{c,1},{x,2}},ok},{{count_match,{c,1},'$1"
        "',[{is_tuple,'$1'}]},1},{{lookup,{c,1}},[{p2,{x,2}}]},{{register,p2,a,{x,1}},ok}"
        ",{{kill,p1},ok},{{lookup,{c,1}},[{p2,{x,2}}]},{{keys,p0},[]},{{match,{c,1},{'_',"
        "2},[]},[{p2,{x,2}}]},{{count},2},{{keys,p0},[]},{{values,p1,{c,1}},[]},{{lookup,"
        "{c,1}},[{p2,{x,2}}]},{{register,p2,{c,1},[l]},ok},{{lookup,a},[{p2,{x,1}}]},{{re"
        "gister,p0,a,{x,2}},ok},{{register,p2,{c,1},{x,2}},ok},{{count},5},{{register,p1,"
        "{c,1},[l]},ok},{{keys,p0},[a]},{{keys,p0},[a]},{{unregister,p2,a},ok},{{match,a,"
        "{'_',2},[]},[{p0,{x,2}}]},{{count},5}]}.",
        "{duplicate,1,[{{unregister_match,p0,{c,1},1,[]},ok},{{count_match,{c,1},'$1',[{'"
        "orelse',{'=:=','$1',1},{is_list,'$1'}}]},0},{{unregister_match,p2,a,1,[]},ok},{{"
        "register,p2,{c,1},{x,2}},ok},{{register,p1,{c,1},1},ok},{{register,p1,{c,1},2},o"
        "k},{{match,{c,1},1,[]},[{p1,1}]},{{count_match,a,{'_',2},[]},0},{{register,p1,a,"
        "2},ok},{{keys,p0},[]},{{register,p0,{c,1},[l]},ok},{{register,p2,{c,1},1},ok},{{"
        "lookup,{c,1}},[{p0,[l]},{p1,1},{p1,2},{p2,1},{p2,{x,2}}]},{{count},6},{{count},6"
        "},{{register,p1,{c,1},{x,2}},ok},{{register,p1,a,1},ok},{{unregister,p0,{c,1}},o"
        "k},{{count_match,a,'$1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}}]},1}]}.",
        "{duplicate,1,[{{register,p1,a,{x,1}},ok},{{register,p0,{c,1},1},ok},{{register,p"
        "2,a,{x,2}},ok},{{count},3},{{unregister,p1,{c,1}},ok},{{match,{c,1},'$1',[{'orel"
        "se',{'=:=','$1',1},{is_list,'$1'}}]},[{p0,1}]},{{unregister_match,p2,a,{x,'_'},["
        "]},ok},{{count},2},{{count_match,a,'$1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}"
        "}]},0},{{lookup,{c,1}},[{p0,1}]},{{match,{c,1},{'_',2},[]},[]},{{lookup,{c,1}},["
        "{p0,1}]},{{register,p1,a,1},ok},{{kill,p2},ok},{{count_match,{c,1},'$1',[{'orels"
        "e',{'=:=','$1',1},{is_list,'$1'}}]},1},{{keys,p1},[a,a]}]}.",
        "{duplicate,1,[{{register,p1,a,{x,1}},ok},{{register,p2,a,1},ok},{{unregister,p0,"
        "{c,1}},ok},{{register,p0,{c,1},{x,2}},ok},{{count},3},{{unregister,p0,{c,1}},ok}"
        ",{{match,{c,1},'_',[]},[]},{{register,p2,a,{x,2}},ok},{{register,p0,a,{x,2}},ok}"
        ",{{values,p2,{c,1}},[]},{{match,{c,1},{'_',2},[]},[]},{{register,p2,a,[l]},ok},{"
        "{unregister,p2,a},ok}]}.",
        "{unique,1,[{{match,{c,1},'$1',[{'orelse',{'=:=','$1',1},{is_list,'$1'}}]},[]},{{"
        "register,p1,{c,1},1},ok},{{register,p1,a,2},ok},{{lookup,a},[{p1,2}]},{{unregist"
        "er,p0,a},ok},{{register,p2,a,1},{error,p1}},{{register,p2,a,2},{error,p1}},{{reg"
        "ister,p0,a,{x,2}},{error,p1}},{{unregister,p1,a},ok},{{register,p1,a,[l]},ok},{{"
        "count},2},{{register,p2,a,2},{error,p1}},{{values,p0,{c,1}},[]},{{register,p2,{c"
        ",1},{x,2}},{error,p1}},{{register,p0,a,{x,1}},{error,p1}},{{count_match,{c,1},'$"
        "1',[{is_tuple,'$1'}]},0}]}.",
};

enum { SLOTS = 3 };
static keel_pid slots[SLOTS];

static int index_of(keel_term slot)
{
    return keel_atom_name(slot)[1] - '0';
}

static keel_term name_of(keel_pid pid)
{
    for (int i = 0; i < SLOTS; i++) {
        if (same_pid(slots[i], pid)) {
            return i == 0 ? keel_atom(p0) : i == 1 ? keel_atom(p1) : keel_atom(p2);
        }
    }
    return keel_atom(stranger);
}

// [{Slot, Value}, …] of [{Pid, Value}, …].
static keel_term entries(keel_term list)
{
    keel_term shown = keel_nil();
    keel_term entry;
    while (keel_list_next(&list, &entry)) {
        keel_term who = name_of(keel_to_pid(keel_element(entry, 0)));
        shown = keel_cons(keel_tuple_of(who, keel_element(entry, 1)), shown);
    }
    return shown;
}

static keel_term wrap(keel_term old, void *unused)
{
    (void)unused;
    return keel_tuple_of(keel_atom(x), old);
}

// What a process does itself. Its pid goes out as it is.
static keel_term act(keel_term operation)
{
    keel_term what = keel_element(operation, 0);
    keel_term key = keel_element(operation, 2);
    keel_term fourth = keel_element(operation, 3);
    keel_pid owner = {0};
    keel_term value = KEEL_NONE;
    keel_term old = KEEL_NONE;
    if (keel_is(what, register)) {
        return keel_registry_register(REG, key, fourth, &owner) == KEEL_OK
                       ? keel_atom(ok)
                       : keel_tuple_of(keel_atom(error), keel_from_pid(owner));
    }
    if (keel_is(what, unregister)) {
        CHECK_OK(keel_registry_unregister(REG, key));
        return keel_atom(ok);
    }
    if (keel_is(what, unregister_match)) {
        CHECK_OK(keel_registry_unregister_match(
                REG, key, fourth, keel_element(operation, 4)));
        return keel_atom(ok);
    }
    return keel_registry_update_value(REG, key, wrap, NULL, &value, &old) == KEEL_OK
                   ? keel_tuple_of(value, old)
                   : keel_atom(error);
}

static keel_term perform(keel_term operation)
{
    keel_term what = keel_element(operation, 0);
    keel_term first = keel_element(operation, 1);
    keel_term second = keel_element(operation, 2);
    keel_term third = keel_element(operation, 3);
    if (keel_is(what, lookup)) {
        return entries(keel_registry_lookup(REG, first));
    }
    if (keel_is(what, match)) {
        return entries(keel_registry_match(REG, first, second, third));
    }
    if (keel_is(what, count_match)) {
        return keel_uint(keel_registry_count_match(REG, first, second, third));
    }
    if (keel_is(what, count)) {
        return keel_uint(keel_registry_count(REG));
    }
    int slot = index_of(first);
    if (keel_is(what, keys)) {
        return keel_registry_keys_of(REG, slots[slot]);
    }
    if (keel_is(what, values)) {
        return keel_registry_values(REG, second, slots[slot]);
    }
    if (keel_is(what, kill)) {
        end_process(slots[slot]);
        slots[slot] = new_puppet();
        return keel_atom(ok);
    }
    keel_term answer = ask(slots[slot], act, operation);
    keel_term owner = keel_element(answer, 1);
    return keel_is_pid(owner) ? keel_tuple_of(keel_atom(error), name_of(keel_to_pid(owner)))
                              : answer;
}

// How often `item` is in the list.
static int times(keel_term item, keel_term list)
{
    int count = 0;
    keel_term other;
    while (keel_list_next(&list, &other)) {
        count += keel_equal(item, other);
    }
    return count;
}

// Lists in whatever order.
static bool is_same(keel_term actual, keel_term expected)
{
    size_t count, wanted;
    if (!keel_list_length(actual, &count) || !keel_list_length(expected, &wanted)) {
        return keel_equal(actual, expected);
    }
    keel_term rest = expected;
    keel_term item;
    bool same = count == wanted;
    while (same && keel_list_next(&rest, &item)) {
        same = times(item, actual) == times(item, expected);
    }
    return same;
}

static void take_course(keel_term course)
{
    keel_term steps = keel_element(course, 2);
    keel_term step;
    keel_pid registry = start_registry(
            keel_is(keel_element(course, 0), unique) ? KEEL_UNIQUE : KEEL_DUPLICATE,
            (int)keel_to_int(keel_element(course, 1)));
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = new_puppet();
    }
    while (keel_list_next(&steps, &step)) {
        keel_term operation = keel_element(step, 0);
        keel_term result = perform(operation);
        if (!is_same(result, keel_element(step, 1))) {
            CHECK_EQUAL(keel_tuple_of(operation, result), step);
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        end_process(slots[i]);
    }
    stop_registry(registry);
}

PROCESS_TEST("random courses are those of Elixir")
{
    for (size_t i = 0; i < KEEL_COUNT(courses); i++) {
        keel_scope scope = keel_scope_open();
        keel_term course = KEEL_NONE;
        size_t at = 0;
        CHECK_OK(keel_parse_next(courses[i], strlen(courses[i]), &at, &course, NULL));
        take_course(course);
        keel_scope_close(&scope);
    }
}
