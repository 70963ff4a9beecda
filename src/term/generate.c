#include "generate.h"

#include "value.h"
#include <math.h>
#include <string.h>

enum { SIZE_DEFAULT = 24, MAP_MAX_DEFAULT = 8, DEPTH_MAX = 24 };

static keel_term any(struct kl_generate *generate, unsigned *budget, unsigned depth);

uint64_t kl_generate_below(struct kl_generate *generate, uint64_t below)
{
    return kl_random_next(&generate->random) % below;
}

keel_term kl_generate_term(struct kl_generate *generate)
{
    unsigned budget = generate->size > 0 ? generate->size : SIZE_DEFAULT;
    return any(generate, &budget, 0);
}

static bool one_in(struct kl_generate *generate, unsigned count)
{
    return kl_generate_below(generate, count) == 0;
}

// --- numbers ---

// Around a power of two, either sign.
static keel_term edge_integer(struct kl_generate *generate)
{
    static const uint8_t powers[] = {
            0, 7, 8, 16, 27, 28, 31, 32, 52, 53, 59, 60, 61, 62, 63};
    uint8_t power = powers[kl_generate_below(generate, sizeof powers)];
    uint64_t magnitude = ((uint64_t)1 << power) + kl_generate_below(generate, 5) - 2;
    uint8_t bytes[8];
    memcpy(bytes, &magnitude, sizeof bytes);
    return keel_int_from_bytes(
            one_in(generate, 2) && magnitude <= (uint64_t)1 << 63, bytes, sizeof bytes);
}

static keel_term big_integer(struct kl_generate *generate)
{
    uint8_t bytes[160];
    size_t size = 8 + kl_generate_below(generate, one_in(generate, 8) ? 152 : 16);
    for (size_t i = 0; i < size; i++) {
        // Long runs of zeros and ones make the carries.
        bytes[i] = one_in(generate, 4)   ? 0
                   : one_in(generate, 4) ? 0xff
                                         : (uint8_t)kl_random_next(&generate->random);
    }
    return keel_int_from_bytes(one_in(generate, 2), bytes, size);
}

static keel_term integer(struct kl_generate *generate)
{
    switch (kl_generate_below(generate, 6)) {
    case 0:
        return edge_integer(generate);
    case 1:
        return big_integer(generate);
    case 2:
        return keel_int((int64_t)kl_random_next(&generate->random));
    default:
        return keel_int((int64_t)kl_generate_below(generate, 600) - 200);
    }
}

static keel_term real(struct kl_generate *generate)
{
    switch (kl_generate_below(generate, 6)) {
    case 0: {
        uint64_t bits = kl_random_next(&generate->random);
        double value;
        memcpy(&value, &bits, sizeof value);
        return isfinite(value) ? keel_float(value) : keel_float(0.0);
    }
    case 1:
        return keel_float(ldexp(one_in(generate, 2) ? 1 : -1,
                (int)kl_generate_below(generate, 2098) - 1074));
    case 2:
        return keel_float((double)kl_generate_below(generate, 1000000) / 1000);
    case 3:
        return keel_float(keel_to_float(edge_integer(generate)));
    case 4:
        return keel_float(one_in(generate, 2) ? 0.0 : -0.0);
    default:
        return keel_float((double)((int64_t)kl_generate_below(generate, 600) - 200));
    }
}

// --- text ---

static size_t text(struct kl_generate *generate, char *to, size_t characters)
{
    static const char *const alphabet[] = {"a", "b", "z", "A", "Z", "0", "9", "_", "@", " ",
            "\"", "'", "\\", "\n", "\t", "\033", "\177", "\001", "\302\200", "\302\240",
            "\303\237", "\303\267", "\303\277", "\304\200", "\342\202\254", "\357\277\275",
            "\360\237\230\200", ".", ",", "{", "%", "$", "#"};
    size_t size = 0;
    for (size_t i = 0; i < characters; i++) {
        const char *next = alphabet[kl_generate_below(
                generate, one_in(generate, 3) ? sizeof alphabet / sizeof alphabet[0] : 9)];
        size_t bytes = strlen(next);
        memcpy(to + size, next, bytes);
        size += bytes;
    }
    return size;
}

static keel_term atom(struct kl_generate *generate)
{
    static const char *const names[] = {"ok", "error", "true", "false", "undefined", "nil",
            "", "and", "end", "Elixir.Enum", "hello world", "a@b", "fun", "x1", "\303\245",
            "\303\267", "_x", "0", "with'quote", "maybe", "else", "{}"};
    char name[4 * KEEL_ATOM_CHARS_MAX];
    keel_term result;
    size_t size;
    if (one_in(generate, 4)) {
        // Few enough of them that a long test does not fill the table.
        struct kl_generate few = {.random = kl_generate_below(generate, 2000)};
        size = text(&few, name, kl_generate_below(&few, one_in(&few, 20) ? 256 : 12));
    } else {
        const char *known =
                names[kl_generate_below(generate, sizeof names / sizeof names[0])];
        size = strlen(known);
        memcpy(name, known, size);
    }
    return keel_atom_from(name, size, &result) == KEEL_OK ? result : KEEL_NONE;
}

static keel_term bits(struct kl_generate *generate)
{
    char data[4 * 300];
    size_t size = kl_generate_below(generate, one_in(generate, 6) ? 300 : 20);
    if (one_in(generate, 2)) {
        size = text(generate, data, size);
    } else {
        for (size_t i = 0; i < size; i++) {
            data[i] = (char)kl_random_next(&generate->random);
        }
    }
    size_t unused = size > 0 && one_in(generate, 4) ? kl_generate_below(generate, 8) : 0;
    return keel_bitstring(data, size * 8 - unused);
}

// A list of characters, or of bytes.
static keel_term characters(struct kl_generate *generate)
{
    char data[4 * 300 + 1];
    size_t count = 1 + kl_generate_below(generate, one_in(generate, 10) ? 290 : 9);
    data[text(generate, data, count)] = '\0';
    return keel_charlist(data);
}

// --- identifiers ---

static keel_term node(struct kl_generate *generate)
{
    return one_in(generate, 2) ? keel_atom_text("a@b")
                               : keel_atom_text("zebra@host.example");
}

static keel_term reference(struct kl_generate *generate)
{
    if (one_in(generate, 2)) {
        return keel_from_ref(kl_ref_make(kl_random_next(&generate->random) >> 4));
    }
    struct kl_remote_ref remote = {.node = node(generate),
            .creation = 4 + (uint32_t)kl_generate_below(generate, 2),
            .count = 3};
    for (uint32_t i = 0; i < remote.count; i++) {
        remote.word[i] = (uint32_t)kl_random_next(&generate->random) & 0x3ffff;
    }
    return keel_from_ref(kl_ref_make_remote(&remote));
}

static keel_term identifier(struct kl_generate *generate)
{
    switch (kl_generate_below(generate, 5)) {
    case 0:
        return keel_from_pid(kl_pid_make((uint32_t)kl_generate_below(generate, 1 << 28),
                (uint32_t)kl_generate_below(generate, 5)));
    case 1: {
        struct kl_remote_pid remote = {node(generate),
                (uint32_t)kl_generate_below(generate, 1 << 28),
                (uint32_t)kl_generate_below(generate, 5),
                4 + (uint32_t)kl_generate_below(generate, 2)};
        return keel_from_pid(kl_pid_make_remote(&remote));
    }
    case 2:
        return reference(generate);
    case 3: {
        uint64_t id = kl_random_next(&generate->random) >>
                      (one_in(generate, 2) ? 36 : 1 + kl_generate_below(generate, 35));
        return kl_port_make(kl_heap_current(), node(generate), id,
                4 + (uint32_t)kl_generate_below(generate, 2));
    }
    default:
        return keel_export(
                atom(generate), atom(generate), (uint8_t)kl_generate_below(generate, 256));
    }
}

// The external form of a fun: tag, size, arity, unique id, index, number of free variables,
// module, old index, old unique id, pid, free variables (small integers here). All but the
// variables follow from the index, as they do in real ones.
static keel_term fun(struct kl_generate *generate)
{
    static const uint8_t module[] = {119, 1, 'm', 97};
    static const uint8_t uniq_and_pid[] = {
            98, 1, 2, 3, 4, 88, 119, 3, 'a', '@', 'b', 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4};
    uint8_t bytes[256] = {112};
    uint8_t variables = (uint8_t)kl_generate_below(generate, 4);
    uint8_t index = (uint8_t)kl_generate_below(generate, 9);
    size_t size = 5;
    bytes[size++] = index % 4; // arity
    for (int i = 0; i < 16; i++) {
        bytes[size++] = (uint8_t)(index * 41 + i);
    }
    bytes[size + 3] = index;
    bytes[size + 7] = variables;
    size += 8;
    memcpy(bytes + size, module, sizeof module);
    size += sizeof module;
    bytes[size++] = index;
    memcpy(bytes + size, uniq_and_pid, sizeof uniq_and_pid);
    size += sizeof uniq_and_pid;
    for (uint8_t i = 0; i < variables; i++) {
        bytes[size++] = 97;
        bytes[size++] = (uint8_t)kl_random_next(&generate->random);
    }
    bytes[4] = (uint8_t)(size - 1); // counted from itself on
    return kl_fun_make(kl_heap_current(), bytes, size);
}

static keel_term pointer(struct kl_generate *generate)
{
    static char target[64];
    char *to = target + kl_generate_below(generate, sizeof target);
    return one_in(generate, 2) ? keel_pointer(to) : keel_resource("generated", to, NULL);
}

keel_term kl_generate_flat(struct kl_generate *generate)
{
    switch (kl_generate_below(generate, 12)) {
    case 0:
    case 1:
    case 2:
        return integer(generate);
    case 3:
    case 4:
        return real(generate);
    case 5:
    case 6:
        return atom(generate);
    case 7:
    case 8:
        return bits(generate);
    case 9:
        return generate->identifiers ? identifier(generate) : keel_nil();
    case 10:
        return generate->funs ? fun(generate) : integer(generate);
    default:
        return generate->pointers ? pointer(generate) : atom(generate);
    }
}

// --- terms of terms ---

static keel_term map(struct kl_generate *generate, unsigned *budget, unsigned depth)
{
    enum { PAIRS_MAX = 512 };
    keel_term keys[PAIRS_MAX];
    keel_term values[PAIRS_MAX];
    unsigned most = generate->map_max > 0 ? generate->map_max : MAP_MAX_DEFAULT;
    size_t count = kl_generate_below(generate, (most < PAIRS_MAX ? most : PAIRS_MAX) + 1);
    for (size_t i = 0; i < count; i++) {
        keys[i] = any(generate, budget, depth + 8);
        values[i] = any(generate, budget, depth + 8);
    }
    return keel_map(keys, values, count);
}

static keel_term several(struct kl_generate *generate, unsigned *budget, unsigned depth,
        keel_term (*make)(const keel_term *items, size_t count))
{
    enum { ITEMS_MAX = 300 };
    keel_term items[ITEMS_MAX];
    size_t count = kl_generate_below(generate, one_in(generate, 60) ? ITEMS_MAX : 6);
    for (size_t i = 0; i < count; i++) {
        items[i] = any(generate, budget, depth + 1);
    }
    return make(items, count);
}

static keel_term improper(struct kl_generate *generate, unsigned *budget, unsigned depth)
{
    keel_term list = kl_generate_flat(generate);
    size_t count = 1 + kl_generate_below(generate, 4);
    for (size_t i = 0; i < count; i++) {
        list = keel_cons(any(generate, budget, depth + 1), list);
    }
    return list;
}

// Recursion is bounded by DEPTH_MAX; this runs in tests alone.
static keel_term any(struct kl_generate *generate, unsigned *budget, unsigned depth)
{
    if (*budget == 0 || depth >= DEPTH_MAX) {
        return kl_generate_flat(generate);
    }
    --*budget;
    switch (kl_generate_below(generate, 12)) {
    case 0:
    case 1:
    case 2:
        return several(generate, budget, depth, keel_tuple);
    case 3:
    case 4:
        return several(generate, budget, depth, keel_list);
    case 5:
        return improper(generate, budget, depth);
    case 6:
        return characters(generate);
    case 7:
        return map(generate, budget, depth);
    default:
        return kl_generate_flat(generate);
    }
}
