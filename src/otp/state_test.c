// States as terms: fields of every kind, migration by name.

#include "otp_testing.h"
#include <string.h>

enum color { RED, GREEN };

struct all {
    bool b;
    char c;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    long l;
    unsigned long long ull;
    enum color color;
    float f;
    double d;
    keel_term term;
    keel_pid pid;
    keel_ref ref;
    char text[8];
    char exact[5];
    const char *string;
    struct {
        int x, y;
    } point;
    unsigned char mac[6];
    int *pointer;
};

static const keel_state_layout all_layout = KEEL_STATE(struct all, b, c, i8, i16, i32, i64,
        u8, u16, u32, u64, l, ull, color, f, d, term, pid, ref, text, exact, string, point,
        mac, pointer);

static keel_field_kind kind_of(const keel_state_layout *layout, const char *name)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        if (strcmp(layout->fields[i].name, name) == 0) {
            return layout->fields[i].kind;
        }
    }
    return (keel_field_kind)-1;
}

TEST("the layout knows each field's name, kind, place and size")
{
    CHECK_STR(all_layout.type, "struct all");
    CHECK_INT(all_layout.bytes, sizeof(struct all));
    CHECK_INT(all_layout.count, 24);
    CHECK_INT(kind_of(&all_layout, "b"), KEEL_FIELD_BOOL);
    CHECK_INT(kind_of(&all_layout, "c"), KEEL_FIELD_INT8);
    CHECK_INT(kind_of(&all_layout, "i16"), KEEL_FIELD_INT16);
    CHECK_INT(kind_of(&all_layout, "i32"), KEEL_FIELD_INT32);
    CHECK_INT(kind_of(&all_layout, "i64"), KEEL_FIELD_INT64);
    CHECK_INT(kind_of(&all_layout, "u8"), KEEL_FIELD_UINT8);
    CHECK_INT(kind_of(&all_layout, "u64"), KEEL_FIELD_UINT64);
    CHECK_INT(kind_of(&all_layout, "l"), KEEL_FIELD_INT64);
    CHECK_INT(kind_of(&all_layout, "ull"), KEEL_FIELD_UINT64);
    CHECK_INT(kind_of(&all_layout, "color"), KEEL_FIELD_UINT32);
    CHECK_INT(kind_of(&all_layout, "f"), KEEL_FIELD_FLOAT);
    CHECK_INT(kind_of(&all_layout, "term"), KEEL_FIELD_TERM);
    CHECK_INT(kind_of(&all_layout, "pid"), KEEL_FIELD_PID);
    CHECK_INT(kind_of(&all_layout, "ref"), KEEL_FIELD_REF);
    CHECK_INT(kind_of(&all_layout, "text"), KEEL_FIELD_CHARS);
    CHECK_INT(kind_of(&all_layout, "string"), KEEL_FIELD_STRING);
    CHECK_INT(kind_of(&all_layout, "point"), KEEL_FIELD_OPAQUE);
    CHECK_INT(kind_of(&all_layout, "mac"), KEEL_FIELD_OPAQUE);
    CHECK_INT(kind_of(&all_layout, "pointer"), KEEL_FIELD_OPAQUE);
    CHECK_INT(all_layout.fields[18].offset, offsetof(struct all, text));
    CHECK_INT(all_layout.fields[18].bytes, 8);
}

PROCESS_TEST("a state is a map of its fields")
{
    struct all all = {.b = true,
            .c = -1,
            .i8 = -8,
            .i16 = -16,
            .i32 = -32,
            .i64 = INT64_MIN,
            .u8 = 200,
            .u16 = 60000,
            .u32 = 4000000000,
            .u64 = UINT64_MAX,
            .l = -5,
            .ull = 7,
            .color = GREEN,
            .f = 0.5F,
            .d = -2.5,
            .term = keel_atom(x),
            .pid = keel_self(),
            .text = "hello",
            .exact = {'e', 'x', 'a', 'c', 't'},
            .string = "there"};
    CHECK_TERM(keel_state_to_term(&all_layout, &all),
            "#{b := true, c := -1, i8 := -8, i16 := -16, i32 := -32, "
            "i64 := -9223372036854775808, u8 := 200, u16 := 60000, u32 := 4000000000, "
            "u64 := 18446744073709551615, l := -5, ull := 7, color := 1, f := 0.5, d := "
            "-2.5, "
            "term := x, pid := ^Self, ref := undefined, text := <<\"hello\">>, "
            "exact := <<\"exact\">>, string := <<\"there\">>, point := {opaque, 8}, "
            "mac := {opaque, 6}, pointer := {opaque, 8}}",
            keel_self());
    all.d = 0.0 / (double)all.color * 0 - (double)__builtin_nan("");
    all.string = NULL;
    CHECK_TERM(keel_state_to_term(&all_layout, &all),
            "#{d := not_a_number, string := undefined}");
}

PROCESS_TEST("a state takes from a map what fits")
{
    struct all all = {.i8 = 1, .string = "fixed", .text = "old"};
    keel_ref ref = keel_make_ref();
    keel_term map = keel_make(
            "#{b => true, i8 => 300, i16 => -3, i64 => 5, u8 => -1, u16 => 9, "
            "u64 => 18446744073709551615, f => 2, d => 1.5, "
            "term => {kept, [1]}, pid => P, ref => R, text => <<\"1234567\">>, "
            "exact => <<\"12345\">>, string => <<\"no\">>, point => 1, "
            "unknown => 1, l => many}",
            keel_self(), ref);
    CHECK_INT(keel_state_from_term(&all_layout, &all, map), 11);
    CHECK(all.b && all.i8 == 1 && all.i16 == -3 && all.i64 == 5 && all.u8 == 0 &&
            all.u16 == 9);
    CHECK(all.u64 == UINT64_MAX && all.f == 2.0F && all.d == 1.5 && all.l == 0);
    CHECK_TERM(all.term, "{kept, [1]}");
    CHECK(same_pid(all.pid, keel_self()) && same_ref(all.ref, ref));
    CHECK_STR(all.text, "1234567");
    CHECK_STR(all.string, "fixed");
    CHECK_INT(keel_state_from_term(&all_layout, &all,
                      keel_make("#{text => <<\"12345678\">>, b => 1, d => x, pid => 1}")),
            0);
    CHECK_STR(all.text, "1234567");
    CHECK_INT(keel_state_from_term(&all_layout, &all, keel_make("#{pid => undefined}")), 1);
    CHECK(no_pid(all.pid));
    CHECK_INT(keel_state_from_term(&all_layout, &all, keel_atom(nonsense)), 0);
    keel_drop(all.term);
}

PROCESS_TEST("a state that is one term, or nothing that can be shown")
{
    static const keel_state_layout one = KEEL_STATE_TERM;
    keel_term state = KEEL_NONE;
    CHECK_TERM(keel_state_to_term(&one, &state), "undefined");
    CHECK_INT(keel_state_from_term(&one, &state, keel_make("[a]")), 1);
    CHECK_TERM(keel_state_to_term(&one, &state), "[a]");
    keel_drop(state);
    keel_state_layout hidden = {.type = "struct hidden", .bytes = 40};
    CHECK_TERM(keel_state_to_term(&hidden, &state), "{opaque, 40}");
}

struct old_state {
    int32_t hits;
    char name[8];
    keel_term list;
    double ratio;
    int64_t gone;
    int64_t huge;
};

struct new_state {
    keel_term list;
    int64_t hits;
    char name[16];
    int64_t fresh;
    int8_t huge;
    keel_term ratio;
};

static const keel_state_layout old_layout = KEEL_STATE(
        struct old_state, hits, name, list, ratio, gone, huge);
static const keel_state_layout new_layout = KEEL_STATE(
        struct new_state, list, hits, name, fresh, huge, ratio);

PROCESS_TEST("a state moves to a new layout by the names of its fields")
{
    struct old_state old = {
            .hits = -4, .name = "shop", .ratio = 0.5, .gone = 9, .huge = 1000};
    keel_set(&old.list, keel_make("[1, {two}]"));
    struct new_state new = {0};
    keel_state_migrate(&old_layout, &old, &new_layout, &new);
    CHECK_INT(new.hits, -4);
    CHECK_STR(new.name, "shop");
    CHECK_TERM(new.list, "[1, {two}]");
    CHECK(keel_is_none(old.list)); // moved
    CHECK_INT(new.fresh, 0);
    CHECK_INT(new.huge, 0); // does not fit
    CHECK_TERM(new.ratio, "0.5");
    keel_drop(new.list);
    keel_drop(new.ratio);
}
