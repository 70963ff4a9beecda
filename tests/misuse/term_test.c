// Memory, time, terms, patterns, encodings.

#include "table.h"

static void *never_allocate(void *context, size_t bytes)
{
    (void)context, (void)bytes;
    CHECK(false);
    return NULL;
}

TABLE(base, "status, memory and time: what is misused gives a clear failure in every "
            "situation")
{
    TEXT("unknown status", keel_status_text(77));
    TEXT("unknown status", keel_status_text(-4999));
    TEXT("UNKNOWN", keel_status_name(77));
    TEXT("UNKNOWN", keel_status_name(INT32_MIN));
    NUMBER(true, keel_version() != NULL);
    STATUS(KEEL_E_BADARG, keel_allocator_set(&(keel_allocator){0}));
    STATUS(KEEL_E_BADARG,
            keel_allocator_set(&(keel_allocator){.allocate = never_allocate}));
    STATUS(KEEL_E_RUNNING, keel_allocator_set(NULL));
    HARMLESS(keel_memory_used());
    NUMBER(KEEL_NEVER.at, keel_deadline_in(INT64_MAX).at);
    NUMBER(KEEL_NEVER.at, keel_deadline_about(INT64_MAX).at);
    NUMBER(true, keel_deadline_passed(keel_deadline_in(-1)));
    NUMBER(true, keel_deadline_passed(keel_deadline_in(INT64_MIN)));
    NUMBER(true, keel_deadline_passed(keel_deadline_about(INT64_MIN)));
    NUMBER(true, keel_deadline_passed((keel_deadline){0}));
    NUMBER(true, keel_deadline_passed(keel_deadline_at(INT64_MIN)));
    NUMBER(false, keel_deadline_passed(KEEL_NEVER));
    NUMBER(true, keel_now() >= 0);
    NUMBER(true, keel_system_time() > 0);
    HARMLESS(keel_random());
}

TABLE(atoms, "atoms: what is misused gives a clear failure in every situation")
{
    STATUS(KEEL_E_BADARG, keel_atom_from(NULL, 3, &result));
    STATUS(KEEL_E_BADARG, keel_atom_from("\xff", 1, &result));
    STATUS(KEEL_E_BADARG, keel_atom_from("atom", SIZE_MAX, &result));
    STATUS(KEEL_E_BADARG, keel_atom_from("atom", 4, NULL));
    STATUS(KEEL_E_BADARG, keel_atom_existing(NULL, 3, &result));
    STATUS(KEEL_E_BADARG, keel_atom_existing("nobody made this", 16, &result));
    STATUS(KEEL_E_BADARG, keel_atom_existing("atom", 4, NULL));
    NOTHING(keel_atom_format("%300d", 1));
    NOTHING(keel_atom_format("%s", "\xff"));
    NOTHING(keel_atom_format(NULL));
    NOTHING(keel_atom_name(no_atom()));
    NUMBER(true, keel_atom_count(NULL) > 0);
    NOTHING(keel_atom_resolve(NULL));
    NOTHING(keel_atom_resolve(&(keel_atom_site){0}));
    NOTHING(keel_is(nothing, ok));
}

TABLE(making, "making terms: what is misused gives a clear failure in every situation")
{
    NOTHING(keel_int_from_bytes(false, NULL, 3));
    NOTHING(keel_int_from_bytes(false, NULL, SIZE_MAX));
    TERM("0", keel_int_from_bytes(true, NULL, 0));
    NOTHING(keel_float(1 / 0.0));
    NOTHING(keel_float(0 / 0.0));
    NOTHING(keel_cons(nothing, keel_nil()));
    NOTHING(keel_cons(one, nothing));
    NOTHING(keel_list(NULL, 3));
    NOTHING(keel_list(&nothing, 1));
    NOTHING(keel_tuple(NULL, 3));
    NOTHING(keel_tuple(&nothing, 1));
    NOTHING(keel_tuple(NULL, (size_t)1 << 24));
    NOTHING(keel_tuple(NULL, SIZE_MAX));
    NOTHING(keel_list_of(nothing));
    NOTHING(keel_tuple_of(nothing));
    NOTHING(keel_binary(NULL, 3));
    TERM("<<>>", keel_binary(NULL, 0));
    NOTHING(keel_string(NULL));
    NOTHING(keel_format(NULL));
    NOTHING(keel_charlist(NULL));
    NOTHING(keel_binary_new(3, NULL));
    NOTHING(keel_binary_share(NULL, 3, NULL, NULL));
    NOTHING(keel_bitstring(NULL, 3));
    NOTHING(keel_binary_part(no_binary(), 0, 0));
    NOTHING(keel_binary_part(keel_string("abc"), 1, SIZE_MAX));
    NOTHING(keel_binary_part(keel_string("abc"), 4, 0));
    NOTHING(keel_map(NULL, NULL, 3));
    NOTHING(keel_map(&nothing, &nothing, 1));
    NOTHING(keel_resource(NULL, NULL, NULL));
    NOTHING(keel_export(nothing, one, 1));
    NOTHING(keel_export(keel_atom(a), no_atom(), 1));
    NUMBER(true, keel_make_ref().word != 0);
    NOTHING(keel_secret(NULL));
    NOTHING(keel_to_secret(any_word()));
    NOTHING(keel_to_pointer(any_word(), NULL));
    NOTHING(keel_to_pointer(keel_pointer(NULL), "a type"));
}

TABLE(reading, "reading terms: what is of another type gives a harmless value in every "
               "situation")
{
    NUMBER(KEEL_TYPE_NONE, keel_type_of(nothing));
    TEXT("none", keel_type_name(KEEL_TYPE_NONE));
    TEXT("unknown", keel_type_name((keel_type)77));
    NOTHING(keel_is_int(nothing));
    NOTHING(keel_is_float(nothing));
    NOTHING(keel_is_atom(no_atom()));
    NOTHING(keel_is_bool(no_atom()));
    NOTHING(keel_is_pid(any_word()));
    NOTHING(keel_is_ref(any_word()));
    NOTHING(keel_is_tuple(no_tuple()));
    NOTHING(keel_is_list(no_list()));
    NOTHING(keel_is_nil(no_list()));
    NOTHING(keel_is_map(no_map()));
    NOTHING(keel_is_binary(no_binary()));
    NOTHING(keel_is_bitstring(no_binary()));
    NUMBER(true, keel_is_none(nothing));
    NOTHING(keel_to_int(no_number()));
    NOTHING(keel_to_int(keel_uint(UINT64_MAX)));
    NOTHING(keel_get_int(no_number(), &ret.number));
    NOTHING(keel_get_int(keel_uint(UINT64_MAX), &ret.number));
    NOTHING(keel_get_int(nothing, NULL));
    NOTHING(keel_get_uint(no_number(), NULL));
    NOTHING(keel_get_uint(keel_int(-1), NULL));
    NUMBER(0, keel_to_float(no_number()));
    NOTHING(keel_to_bool(any_word()));
    NOTHING(keel_to_pid(any_word()));
    NOTHING(keel_to_ref(any_word()));
    NOTHING(keel_to_bytes(no_binary()));
    NOTHING(keel_bit_size(no_binary()));
    NOTHING(keel_bits_data(no_binary()));
    NOTHING(keel_tuple_size(no_tuple()));
    NOTHING(keel_element(no_tuple(), 0));
    NOTHING(keel_element(keel_make("{a}"), 1));
    NOTHING(keel_element(keel_make("{a}"), SIZE_MAX));
    NOTHING(keel_set_element(no_tuple(), 0, one));
    NOTHING(keel_set_element(keel_make("{a}"), 1, one));
    NOTHING(keel_set_element(keel_make("{a}"), 0, nothing));
}

TABLE(lists, "lists and maps: what is misused gives a clear failure in every situation")
{
    NOTHING(keel_head(no_list()));
    NOTHING(keel_head(keel_nil()));
    NOTHING(keel_tail(no_list()));
    NOTHING(keel_tail(keel_nil()));
    NOTHING(keel_list_length(no_list(), &ret.size));
    NOTHING(keel_list_length(keel_make("[a | b]"), &ret.size));
    NOTHING(keel_list_length(keel_make("[a | b]"), NULL));
    NUMBER(true, keel_list_length(keel_make("[a]"), NULL));
    NOTHING(keel_list_next(&(keel_term){no_list().word}, NULL));
    NOTHING(keel_list_next(NULL, &result));
    NOTHING(keel_list_reverse(no_list()));
    NOTHING(keel_list_reverse(keel_make("[a | b]")));
    NOTHING(keel_list_append(no_list(), one));
    NOTHING(keel_list_append(keel_make("[a]"), nothing));
    NOTHING(keel_list_member(one, no_list()));
    NOTHING(keel_list_member(nothing, keel_make("[a]")));
    NOTHING(keel_list_take(no_list(), 3));
    NOTHING(keel_list_take(keel_make("[a | b]"), SIZE_MAX));
    NOTHING(keel_proplist_get(any_word(), one));
    NOTHING(keel_proplist_get(keel_make("[{a, 1}]"), nothing));
    NOTHING(keel_map_size(no_map()));
    NOTHING(keel_map_get(no_map(), one));
    NOTHING(keel_map_get(keel_make("#{a => 1}"), nothing));
    TERM("1", keel_map_get_or(no_map(), one, one));
    NOTHING(keel_map_put(no_map(), one, one));
    NOTHING(keel_map_put(keel_make("#{a => 1}"), nothing, one));
    NOTHING(keel_map_put(keel_make("#{a => 1}"), one, nothing));
    NOTHING(keel_map_remove(no_map(), one));
    TERM("#{a := 1}", keel_map_remove(keel_make("#{a => 1}"), nothing));
    NOTHING(keel_map_at(no_map(), 0, &result, &result));
    NOTHING(keel_map_at(keel_make("#{a => 1}"), 1, &result, &result));
    NOTHING(keel_map_at(keel_make("#{a => 1}"), SIZE_MAX, NULL, NULL));
    NUMBER(true, keel_map_at(keel_make("#{a => 1}"), 0, NULL, NULL));
    NUMBER(true, keel_equal(nothing, nothing));
    NUMBER(false, keel_equal(nothing, one));
    NUMBER(false, keel_equal_value(nothing, one));
    NUMBER(0, keel_compare(nothing, nothing));
    NUMBER(true, keel_compare(nothing, one) != 0);
    NUMBER(true, keel_hash(nothing) == keel_hash(nothing));
    NOTHING(keel_phash2(one, 0));
    NOTHING(keel_phash2(one, UINT64_MAX));
    HARMLESS(keel_phash2(nothing, 10));
}

static keel_pattern_site textless;

TABLE(patterns, "patterns: what is misused gives a clear failure in every situation")
{
    ENDS("{badarg, {pattern, _, _}}", keel_match(one, "{unfinished"));
    ENDS("{badarg, {pattern, _, _}}", keel_match(one, "Value"));
    ENDS("{badarg, {pattern, _, _}}", keel_match(one, "_", &result));
    ENDS("{badarg, {pattern, _, _}}", keel_match(nothing, ""));
    ENDS("{badarg, {pattern, _, _}}", keel_make("{unfinished"));
    ENDS("{badarg, {pattern, _, _}}", keel_make("Value"));
    ENDS("{badarg, {pattern, _, _}}", keel_make("{}", one));
    NOTHING(keel_match(nothing, "{Value}", &result));
    NOTHING(keel_make("{Value}", nothing));
    NOTHING(keel_make("{Value}", (const char *)NULL));
    ENDS("{badarg, _}", keel_match_at(&textless, one, NULL, 0));
}

TABLE(texts, "texts and encodings: what is misused gives a clear failure in every "
             "situation")
{
    NUMBER(1, keel_print(NULL, 0, one, NULL));
    NUMBER(1, keel_print(NULL, 10, one, NULL));
    HARMLESS(keel_print(NULL, 0, nothing, NULL));
    HARMLESS(keel_show(nothing));
    STATUS(KEEL_E_SYNTAX, keel_parse(NULL, 0, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_parse(NULL, 3, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_parse("ok", 2, NULL, NULL));
    STATUS(KEEL_E_SYNTAX, keel_parse("{ok", 3, &result, NULL));
    STATUS(KEEL_E_SYNTAX, keel_parse("\xff", 1, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_parse_next("ok.", 3, NULL, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_parse_next("ok.", 3, &(size_t){0}, NULL, NULL));
    STATUS(KEEL_E_BADARG, keel_parse_next(NULL, 3, &(size_t){0}, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_parse_next("ok.", 3, &(size_t){4}, &result, NULL));
    STATUS(KEEL_E_NOT_ENCODABLE, keel_etf_encode(nothing, NULL, &result));
    STATUS(KEEL_E_NOT_ENCODABLE, keel_etf_encode(keel_secret("x"), NULL, &result));
    STATUS(KEEL_E_BADARG, keel_etf_encode(one, NULL, NULL));
    STATUS(KEEL_E_BADARG, keel_etf_encode(one, &(keel_etf_opts){.compress = 10}, &result));
    STATUS(KEEL_E_BADARG, keel_etf_encode(one, &(keel_etf_opts){.compress = -1}, &result));
    STATUS(KEEL_E_MALFORMED, keel_etf_decode("", 0, NULL, NULL, &result));
    STATUS(KEEL_E_MALFORMED, keel_etf_decode(NULL, 0, NULL, NULL, &result));
    STATUS(KEEL_E_BADARG, keel_etf_decode(NULL, 3, NULL, NULL, &result));
    STATUS(KEEL_E_BADARG, keel_etf_decode("\203a\1", 3, NULL, NULL, NULL));
    STATUS(KEEL_E_MALFORMED, keel_etf_decode("\203a", 2, NULL, &ret.size, &result));
}

TABLE(lifetimes, "lifetimes of terms: what is misused gives a clear failure in every "
                 "situation")
{
    NOTHING(keel_keep(nothing));
    NOTHING(keel_keep_shared(nothing));
    NOTHING(keel_copy(nothing));
    HARMLESS(keel_drop(nothing));
    HARMLESS(keel_drop(one));
    HARMLESS(keel_drop_shared(nothing));
    HARMLESS(keel_drop_shared(one));
    HARMLESS(keel_set(NULL, one));
    HARMLESS(keel_set(&(keel_term){0}, nothing));
    HARMLESS(keel_scope_close(NULL));
    HARMLESS(keel_scope_close((keel_scope[]){keel_scope_open()}));
    HARMLESS(keel_scope_close(&(keel_scope){0}));
    TERM("1", keel_scope_close_with(NULL, one));
    NOTHING(keel_scope_close_with(&(keel_scope){0}, nothing));
}
