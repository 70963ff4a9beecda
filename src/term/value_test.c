#include "value.h"

#include "testing/harness.h"
#include <math.h>
#include <string.h>

static int forty_two;

// One term of each kind, in the order of keel_type.
static keel_term sample(keel_type type)
{
    struct kl_remote_pid pid = {keel_atom_text("a@b"), 1, 2, 3};
    struct kl_remote_ref ref = {keel_atom_text("a@b"), 3, 2, {7, 8}};
    switch (type) {
    case KEEL_TYPE_NONE:
        return KEEL_NONE;
    case KEEL_TYPE_INTEGER:
        return keel_int(INT64_MAX);
    case KEEL_TYPE_FLOAT:
        return keel_float(1.5);
    case KEEL_TYPE_ATOM:
        return keel_atom(atom);
    case KEEL_TYPE_REF:
        return keel_from_ref(kl_ref_make_remote(&ref));
    case KEEL_TYPE_FUN:
        return keel_export(keel_atom(m), keel_atom(f), 1);
    case KEEL_TYPE_PORT:
        return kl_port_make(kl_heap_current(), keel_atom_text("a@b"), 1, 1);
    case KEEL_TYPE_PID:
        return keel_from_pid(kl_pid_make_remote(&pid));
    case KEEL_TYPE_TUPLE:
        return keel_tuple_of(keel_int(1));
    case KEEL_TYPE_MAP:
        return keel_map(NULL, NULL, 0);
    case KEEL_TYPE_NIL:
        return keel_nil();
    case KEEL_TYPE_LIST:
        return keel_list_of(keel_int(1));
    case KEEL_TYPE_BINARY:
        return keel_string("binary");
    case KEEL_TYPE_BITSTRING:
        return keel_bitstring("\377", 3);
    case KEEL_TYPE_RESOURCE:
        return keel_resource("resource", &forty_two, NULL);
    case KEEL_TYPE_POINTER:
        return keel_pointer(&forty_two);
    }
    return KEEL_NONE;
}

TEST("every kind of term tells its type")
{
    for (int type = KEEL_TYPE_NONE; type <= KEEL_TYPE_POINTER; type++) {
        CHECK_INT(keel_type_of(sample((keel_type)type)), type);
    }
    CHECK_INT(keel_type_of(keel_int(1)), KEEL_TYPE_INTEGER);
    CHECK_INT(keel_type_of(keel_from_pid(kl_pid_make(1, 1))), KEEL_TYPE_PID);
    CHECK_INT(keel_type_of(keel_from_ref(keel_make_ref())), KEEL_TYPE_REF);
    CHECK_STR(keel_type_name(KEEL_TYPE_TUPLE), "tuple");
    CHECK_STR(keel_type_name(KEEL_TYPE_POINTER), "pointer");
    CHECK_STR(keel_type_name((keel_type)99), "unknown");
}

TEST("each question is answered yes for its own types only")
{
    static const struct {
        bool (*is)(keel_term term);
        unsigned types; // a bit each
    } questions[] = {
            {keel_is_int, 1 << KEEL_TYPE_INTEGER},
            {keel_is_float, 1 << KEEL_TYPE_FLOAT},
            {keel_is_atom, 1 << KEEL_TYPE_ATOM},
            {keel_is_bool, 0},
            {keel_is_pid, 1 << KEEL_TYPE_PID},
            {keel_is_ref, 1 << KEEL_TYPE_REF},
            {keel_is_tuple, 1 << KEEL_TYPE_TUPLE},
            {keel_is_list, 1 << KEEL_TYPE_NIL | 1 << KEEL_TYPE_LIST},
            {keel_is_nil, 1 << KEEL_TYPE_NIL},
            {keel_is_map, 1 << KEEL_TYPE_MAP},
            {keel_is_binary, 1 << KEEL_TYPE_BINARY},
            {keel_is_bitstring, 1 << KEEL_TYPE_BINARY | 1 << KEEL_TYPE_BITSTRING},
    };
    for (int type = KEEL_TYPE_NONE; type <= KEEL_TYPE_POINTER; type++) {
        keel_term term = sample((keel_type)type);
        for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
            CHECK_INT(questions[i].is(term), questions[i].types >> type & 1);
        }
    }
    CHECK(keel_is_bool(keel_bool(true)) && keel_is_bool(keel_atom(false)));
}

TEST("reading a term of another type gives a harmless value")
{
    for (int type = KEEL_TYPE_NONE; type <= KEEL_TYPE_POINTER; type++) {
        keel_term term = sample((keel_type)type);
        keel_term list = term;
        keel_term item;
        uint64_t natural;
        CHECK(type == KEEL_TYPE_INTEGER || keel_to_int(term) == 0);
        CHECK(type == KEEL_TYPE_INTEGER || !keel_get_uint(term, &natural));
        CHECK(type == KEEL_TYPE_INTEGER || type == KEEL_TYPE_FLOAT ||
                keel_to_float(term) == 0);
        CHECK(!keel_to_bool(term));
        CHECK(type == KEEL_TYPE_PID || keel_to_pid(term).word == 0);
        CHECK(type == KEEL_TYPE_REF || keel_to_ref(term).word == 0);
        CHECK(type == KEEL_TYPE_BINARY || keel_to_bytes(term).data == NULL);
        CHECK(type == KEEL_TYPE_BINARY || type == KEEL_TYPE_BITSTRING ||
                (keel_bit_size(term) == 0 && keel_bits_data(term) == NULL));
        CHECK(type >= KEEL_TYPE_RESOURCE || keel_to_pointer(term, NULL) == NULL);
        CHECK(type == KEEL_TYPE_TUPLE || keel_tuple_size(term) == 0);
        CHECK(type == KEEL_TYPE_TUPLE || keel_is_none(keel_element(term, 0)));
        CHECK(type == KEEL_TYPE_LIST || keel_is_none(keel_head(term)));
        CHECK(type == KEEL_TYPE_LIST || keel_is_none(keel_tail(term)));
        CHECK(type == KEEL_TYPE_LIST || !keel_list_next(&list, &item));
        CHECK_INT(keel_map_size(term), 0);
        CHECK(keel_is_none(keel_map_get(term, keel_int(1))));
        CHECK(type == KEEL_TYPE_MAP || keel_is_none(keel_map_put(term, list, list)));
    }
}

TEST("integers of 64 bits are read as they were made")
{
    static const int64_t values[] = {0, 1, -1, KL_SMALL_MAX, KL_SMALL_MIN, KL_SMALL_MAX + 1,
            KL_SMALL_MIN - 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        keel_term term = keel_int(values[i]);
        int64_t read = 7;
        CHECK(keel_get_int(term, &read));
        CHECK_INT(read, values[i]);
        CHECK_INT(keel_to_int(term), values[i]);
        uint64_t natural = 7;
        CHECK_INT(keel_get_uint(term, &natural), values[i] >= 0);
        CHECK(values[i] < 0 || natural == (uint64_t)values[i]);
        CHECK(keel_to_float(term) == (double)values[i]);
        CHECK_INT(kl_is_immediate(term),
                values[i] >= KL_SMALL_MIN && values[i] <= KL_SMALL_MAX);
    }
    uint64_t natural;
    int64_t integer = 7;
    CHECK(keel_get_uint(keel_uint(UINT64_MAX), &natural) && natural == UINT64_MAX);
    CHECK(!keel_get_int(keel_uint(UINT64_MAX), &integer) && integer == 7);
    CHECK_INT(keel_to_int(keel_uint(UINT64_MAX)), 0);
    CHECK(keel_equal(keel_uint(5), keel_int(5)));
}

TEST("infinities and what is not a number are no terms")
{
    CHECK(keel_is_none(keel_float(INFINITY)));
    CHECK(keel_is_none(keel_float(-INFINITY)));
    CHECK(keel_is_none(keel_float(NAN)));
    CHECK(keel_to_float(keel_float(-0.25)) == -0.25);
}

TEST("tuples hold what they were made of and change into copies")
{
    keel_term tuple = keel_tuple_of(keel_int(1), keel_atom(two), keel_float(3));
    CHECK_INT(keel_tuple_size(tuple), 3);
    CHECK_INT(keel_to_int(keel_element(tuple, 0)), 1);
    CHECK(keel_is(keel_element(tuple, 1), two));
    CHECK(keel_is_none(keel_element(tuple, 3)));
    keel_term changed = keel_set_element(tuple, 1, keel_atom(changed));
    CHECK(keel_is(keel_element(changed, 1), changed));
    CHECK(keel_is(keel_element(tuple, 1), two));
    CHECK(keel_is_none(keel_set_element(tuple, 3, tuple)));
    CHECK(keel_is_none(keel_set_element(keel_int(1), 0, tuple)));
    CHECK_INT(keel_tuple_size(keel_tuple(NULL, 0)), 0);
    CHECK(keel_is_tuple(keel_tuple(NULL, 0)));
    CHECK(keel_is_none(keel_tuple(NULL, (size_t)1 << 24)));
}

TEST("what is made of no term is no term")
{
    keel_term none = KEEL_NONE;
    keel_term one = keel_int(1);
    CHECK(keel_is_none(keel_tuple_of(one, none)));
    CHECK(keel_is_none(keel_list_of(none, one)));
    CHECK(keel_is_none(keel_cons(none, one)));
    CHECK(keel_is_none(keel_cons(one, none)));
    CHECK(keel_is_none(keel_map(&one, &none, 1)));
    CHECK(keel_is_none(keel_map(&none, &one, 1)));
    CHECK(keel_is_none(keel_map_put(keel_map(NULL, NULL, 0), none, one)));
    CHECK(keel_is_none(keel_set_element(keel_tuple_of(one), 0, none)));
    CHECK(keel_is_none(keel_export(one, one, 1)));
}

TEST("pointers come back with their type checked")
{
    CHECK(keel_to_pointer(keel_pointer(&forty_two), NULL) == &forty_two);
    CHECK(keel_to_pointer(keel_pointer(NULL), NULL) == NULL);
    CHECK_INT(keel_type_of(keel_pointer(NULL)), KEEL_TYPE_POINTER);
    void *highest = (void *)(intptr_t)-1;
    CHECK(keel_to_pointer(keel_pointer(highest), NULL) == highest);
    keel_term resource = keel_resource("file", &forty_two, NULL);
    CHECK(keel_to_pointer(resource, "file") == &forty_two);
    CHECK(keel_to_pointer(resource, NULL) == &forty_two);
    CHECK(keel_to_pointer(resource, "socket") == NULL);
}
