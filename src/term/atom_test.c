#include "atom.h"

#include "testing/harness.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static keel_term atom_of(const char *text)
{
    keel_term atom;
    CHECK_OK(keel_atom_from(text, strlen(text), &atom));
    return atom;
}

TEST("the same text gives the same atom, another text another one")
{
    CHECK_INT(keel_atom(first).word, atom_of("first").word);
    CHECK_INT(keel_atom_text("two words").word, atom_of("two words").word);
    CHECK(keel_atom(first).word != keel_atom(second).word);
    CHECK(keel_is(atom_of("first"), first));
    CHECK(!keel_is(atom_of("first"), second));
    CHECK_STR(keel_atom_name(keel_atom(first)), "first");
    CHECK_STR(keel_atom_name(atom_of("")), "");
    CHECK(keel_atom_name(keel_int(1)) == NULL);
    CHECK(keel_atom_name(KEEL_NONE) == NULL);
}

TEST("the atoms of the library have their words before anything is interned")
{
    CHECK_STR(keel_atom_name(KL_ATOM(gen_call)), "$gen_call");
    CHECK_STR(keel_atom_name(KL_ATOM(empty)), "");
    CHECK_INT(keel_atom(false).word, KL_ATOM(false).word);
    CHECK_INT(atom_of("nonode@nohost").word, KL_ATOM(nonode).word);
    CHECK_INT(atom_of("max").word, KL_ATOM(max).word);
}

TEST("a text is an atom up to 255 characters of any size")
{
    char text[4 * 256];
    keel_term atom;
    for (int i = 0; i < 256; i++) {
        memcpy(text + (size_t)4 * i, "\360\237\230\200", 4);
    }
    CHECK_OK(keel_atom_from(text, 4 * 255, &atom));
    CHECK_INT(strlen(keel_atom_name(atom)), 4 * 255);
    CHECK_INT(keel_atom_from(text, 4 * 256, &atom), KEEL_E_BADARG);
    memset(text, 'a', 256);
    CHECK_OK(keel_atom_from(text, 255, &atom));
    CHECK_INT(keel_atom_from(text, 256, &atom), KEEL_E_BADARG);
}

TEST("what is not UTF-8 is no atom, a NUL inside is")
{
    keel_term atom;
    CHECK_INT(keel_atom_from("a\377", 2, &atom), KEEL_E_BADARG);
    CHECK_INT(keel_atom_from("\355\240\200", 3, &atom), KEEL_E_BADARG);
    CHECK_OK(keel_atom_from("a\0b", 3, &atom));
    CHECK_INT(kl_atom_bytes(atom).size, 3);
    CHECK(atom.word != atom_of("a").word);
}

TEST("an atom exists once it has been made")
{
    keel_term atom;
    CHECK_INT(keel_atom_existing("not made yet", 12, &atom), KEEL_E_BADARG);
    keel_term made = atom_of("not made yet");
    CHECK_OK(keel_atom_existing("not made yet", 12, &atom));
    CHECK_INT(atom.word, made.word);
    CHECK_OK(keel_atom_existing("ok", 2, &atom));
    CHECK_INT(atom.word, KL_ATOM(ok).word);
}

TEST("the table grows to its limit and refuses the next atom, but knows the old ones")
{
    size_t limit;
    CHECK_INT(keel_atom_count(&limit), KL_ATOM_PREDEFINED);
    CHECK_INT(limit, 1024 * 1024);
    kl_atom_limit_set(5000);
    char text[32];
    keel_term atom;
    size_t made = KL_ATOM_PREDEFINED;
    for (; made < 5000; made++) {
        snprintf(text, sizeof text, "atom %zu", made);
        atom_of(text);
        CHECK_INT(keel_atom_count(&limit), made + 1);
    }
    CHECK_INT(limit, 5000);
    CHECK_INT(keel_atom_from("one more", 8, &atom), KEEL_E_SYSTEM_LIMIT);
    CHECK(keel_is_none(keel_atom_text("one more")));
    CHECK_INT(keel_atom_count(NULL), 5000);
    for (made = KL_ATOM_PREDEFINED; made < 5000; made++) {
        snprintf(text, sizeof text, "atom %zu", made);
        CHECK_STR(keel_atom_name(atom_of(text)), text);
    }
}

TEST("an atom is made of a formatted text")
{
    char long_text[2000];
    memset(long_text, 'a', sizeof long_text);
    CHECK_STR(keel_atom_name(keel_atom_format("worker_%d", 7)), "worker_7");
    CHECK_INT(keel_atom_format("%s", "worker_7").word, keel_atom(worker_7).word);
    CHECK_INT(keel_atom_format("%.255s", long_text).word != 0, true);
    CHECK(keel_is_none(keel_atom_format("%.256s", long_text)));
    CHECK(keel_is_none(keel_atom_format("%.1999s", long_text)));
    CHECK(keel_is_none(keel_atom_format("%s", "\377")));
}

TEST("atoms are ordered by their characters")
{
    static const char *const sorted[] = {
            "", "A", "Z", "a", "aa", "b", "\303\244", "\342\202\254", "\360\237\230\200"};
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
        for (size_t j = 0; j < sizeof sorted / sizeof sorted[0]; j++) {
            int order = kl_atom_compare(atom_of(sorted[i]), atom_of(sorted[j]));
            bool same = strcmp(sorted[i], sorted[j]) == 0;
            CHECK_INT(order < 0 ? -1 : order > 0, same ? 0 : i < j ? -1 : 1);
        }
    }
}

// --- threads ---

enum { THREADS = 4, ATOMS = 3000 };

struct worker {
    pthread_t thread;
    uint64_t words[ATOMS];
};

static void *intern_all(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < ATOMS; i++) {
        char text[32];
        snprintf(text, sizeof text, "shared %d", i);
        keel_term atom;
        CHECK_OK(keel_atom_from(text, strlen(text), &atom));
        CHECK_STR(keel_atom_name(atom), text);
        CHECK_INT(keel_atom(everywhere).word, keel_atom(everywhere).word);
        worker->words[i] = atom.word;
    }
    return NULL;
}

TEST("threads that make the same atoms at the same time get the same words")
{
    static struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&workers[i].thread, NULL, intern_all, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
    }
    for (int i = 1; i < THREADS; i++) {
        CHECK(memcmp(workers[0].words, workers[i].words, sizeof workers[0].words) == 0);
    }
    CHECK_INT(keel_atom_count(NULL), KL_ATOM_PREDEFINED + ATOMS + 1);
}
