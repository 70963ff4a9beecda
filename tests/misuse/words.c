// Words of every type, for rows that must not be given most of them.

#include "table.h"

enum { WORDS = 12 };

// Which word the row is tried with, and of how many; one thread at a time tries rows.
static int word, words;

void begin_words(void)
{
    word = 0;
    words = 1;
}

bool next_word(void)
{
    return ++word < words;
}

static keel_term false_word(int i)
{
    switch (i) {
    case 0:
        return KEEL_NONE;
    case 1:
        return nobody;
    case 2:
        return keel_int(0);
    case 3:
        return keel_int(-1);
    case 4:
        return keel_uint(UINT64_MAX);
    case 5:
        return keel_float(0.5);
    case 6:
        return keel_nil();
    case 7:
        return keel_make("{1, tuple}");
    case 8:
        return keel_string("a binary");
    case 9:
        return keel_make("[a, list]");
    case 10:
        return keel_make("#{a => map}");
    default:
        return keel_export(keel_atom(no), keel_atom(fun), 1);
    }
}

// The first word from the one that is tried on which is not what `is` accepts; the last, a
// fun, is never.
static keel_term word_that_is_not(bool (*is)(keel_term term))
{
    words = WORDS;
    while (is(false_word(word))) {
        word++;
    }
    return false_word(word);
}

keel_term no_atom(void)
{
    return word_that_is_not(keel_is_atom);
}

keel_term no_list(void)
{
    return word_that_is_not(keel_is_list);
}

keel_term no_map(void)
{
    return word_that_is_not(keel_is_map);
}

keel_term no_tuple(void)
{
    return word_that_is_not(keel_is_tuple);
}

keel_term no_binary(void)
{
    return word_that_is_not(keel_is_binary);
}

static bool is_number(keel_term term)
{
    return keel_is_int(term) || keel_is_float(term);
}

keel_term no_number(void)
{
    return word_that_is_not(is_number);
}

keel_pid no_pid(void)
{
    return (keel_pid){word_that_is_not(keel_is_pid).word};
}

keel_ref no_ref(void)
{
    return (keel_ref){word_that_is_not(keel_is_ref).word};
}

keel_term no_destination(void)
{
    return no_atom();
}

static bool is_never(keel_term term)
{
    (void)term;
    return false;
}

keel_term any_word(void)
{
    return word_that_is_not(is_never);
}

keel_term false_server(keel_status *ret_right)
{
    const keel_term servers[] = {KEEL_NONE, keel_int(7), keel_make("[no, server]"),
            keel_from_pid(dead_process()), nobody};
    words = (int)KEEL_COUNT(servers);
    if (ret_right) {
        *ret_right = word < 3 ? KEEL_E_BADARG : KEEL_E_NOPROC;
    }
    return servers[word];
}
