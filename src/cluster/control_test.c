#include "control.h"
#include "control_form.h"
#include "flags.h"
#include "testing/harness.h"
#include <stdlib.h>
#include <string.h>

// This node is me@box, the peer you@box; they@box is a third one.

static keel_term atom(const char *text)
{
    keel_term term;
    CHECK_OK(keel_atom_from(text, strlen(text), &term));
    return term;
}

static keel_term pid_of(const char *node, uint32_t id, uint32_t creation)
{
    struct kl_remote_pid remote = {atom(node), id, 0, creation};
    return keel_from_pid(kl_pid_make_remote(&remote));
}

static keel_term ref_of(const char *node, uint32_t creation)
{
    struct kl_remote_ref remote = {atom(node), creation, 3, {1, 2, 3}};
    return keel_from_ref(kl_ref_make_remote(&remote));
}

static keel_term mine, mine_before, yours, theirs, my_ref, your_ref, their_ref, mfa, token;

static void prepare(void)
{
    kl_node_identity_set(atom("me@box"), 7);
    mine = keel_from_pid(kl_pid_make(5, 6));
    mine_before = pid_of("me@box", 5, 6);
    yours = pid_of("you@box", 8, 9);
    theirs = pid_of("they@box", 10, 11);
    my_ref = keel_from_ref(keel_make_ref());
    your_ref = ref_of("you@box", 9);
    their_ref = ref_of("they@box", 9);
    mfa = keel_tuple((keel_term[]){atom("m"), atom("f"), keel_int(2)}, 3);
    token = keel_tuple((keel_term[]){keel_int(3), atom("label")}, 2);
}

static keel_status decode_bytes(
        keel_bytes bytes, struct kl_control *ret, const char **ret_why)
{
    size_t used = 0;
    keel_status status = kl_control_decode(
            bytes.data, bytes.size, atom("you@box"), NULL, ret, &used, ret_why);
    CHECK(status != KEEL_OK || used == bytes.size);
    return status;
}

static keel_status decode(keel_term tuple, struct kl_control *ret, const char **ret_why)
{
    keel_term binary;
    CHECK_OK(keel_etf_encode(tuple, &(keel_etf_opts){.no_version = true}, &binary));
    return decode_bytes(keel_to_bytes(binary), ret, ret_why);
}

// What `control` is on the wire to a peer with these flags, as a term; KEEL_NONE: nothing.
static keel_term encode(
        const struct kl_control *control, uint64_t agreed, keel_term *ret_content)
{
    struct kl_control_plan plan;
    keel_status status = kl_control_plan(control, agreed, &plan);
    if (status == KEEL_E_UNSUPPORTED) {
        return KEEL_NONE;
    }
    CHECK_OK(status);
    uint8_t *bytes = malloc(plan.bytes);
    CHECK_OK(kl_control_write(bytes, &plan));
    keel_term tuple;
    CHECK_OK(kl_etf_decode(bytes, plan.bytes, NULL, NULL, &tuple));
    free(bytes);
    *ret_content = plan.content;
    return tuple;
}

#define TUPLE(...)                                                                         \
    keel_tuple((keel_term[]){__VA_ARGS__},                                                 \
            sizeof((keel_term[]){__VA_ARGS__}) / sizeof(keel_term))
#define OP(number, ...) TUPLE(keel_int(number), __VA_ARGS__)

static const uint64_t all = 0xD07DF4FBC;

static void expect(const char *file, int line, const struct kl_control *control,
        uint64_t agreed, keel_term tuple, bool payload)
{
    keel_term content = KEEL_NONE, actual = encode(control, agreed, &content);
    if (!keel_equal(actual, tuple)) {
        kl_test_fail(file, line, "%s", keel_show(actual));
    }
    if (payload != !keel_is_none(content)) {
        kl_test_fail(file, line, "payload");
    }
}
#define EXPECT(control, agreed, payload, ...)                                              \
    expect(__FILE__, __LINE__, control, agreed, OP(__VA_ARGS__), payload)

TEST("each kind of message has the form that the protocol gives it")
{
    prepare();
    keel_term empty = atom(""), name = atom("name"), hi = atom("hi");
    struct kl_control c = {.kind = KL_CONTROL_LINK, .from = mine, .to = yours};
    EXPECT(&c, all, false, 1, mine, yours);
    c = (struct kl_control){
            .kind = KL_CONTROL_SEND, .from = mine, .to = yours, .content = hi};
    EXPECT(&c, all, true, 22, mine, yours);
    EXPECT(&c, all & ~KL_FLAG_SEND_SENDER, true, 2, empty, yours);
    c.from = KEEL_NONE;
    EXPECT(&c, all, true, 2, empty, yours);
    c = (struct kl_control){
            .kind = KL_CONTROL_EXIT, .from = mine, .to = yours, .content = hi};
    EXPECT(&c, all, true, 24, mine, yours);
    EXPECT(&c, all & ~KL_FLAG_EXIT_PAYLOAD, false, 3, mine, yours, hi);
    c.kind = KL_CONTROL_EXIT2;
    EXPECT(&c, all, true, 26, mine, yours);
    EXPECT(&c, all & ~KL_FLAG_EXIT_PAYLOAD, false, 8, mine, yours, hi);
    c = (struct kl_control){
            .kind = KL_CONTROL_REG_SEND, .from = mine, .name = name, .content = hi};
    EXPECT(&c, all, true, 6, mine, empty, name);
    c = (struct kl_control){.kind = KL_CONTROL_GROUP_LEADER, .leader = theirs, .to = yours};
    EXPECT(&c, all, false, 7, theirs, yours);
}

TEST("so do monitors, spawning, aliases and unlinking")
{
    prepare();
    keel_term name = atom("name"), hi = atom("hi");
    struct kl_control c = {
            .kind = KL_CONTROL_MONITOR, .from = mine, .to = yours, .ref = my_ref};
    EXPECT(&c, all, false, 19, mine, yours, my_ref);
    c.kind = KL_CONTROL_DEMONITOR;
    EXPECT(&c, all, false, 20, mine, yours, my_ref);
    c.to = KEEL_NONE;
    c.name = name;
    EXPECT(&c, all, false, 20, mine, name, my_ref);
    c.kind = KL_CONTROL_MONITOR;
    EXPECT(&c, all, false, 19, mine, name, my_ref);
    c = (struct kl_control){.kind = KL_CONTROL_MONITOR_EXIT,
            .from = mine,
            .to = yours,
            .ref = your_ref,
            .content = hi};
    EXPECT(&c, all, true, 28, mine, yours, your_ref);
    EXPECT(&c, all & ~KL_FLAG_EXIT_PAYLOAD, false, 21, mine, yours, your_ref, hi);
    c.from = KEEL_NONE;
    c.name = name;
    EXPECT(&c, all, true, 28, name, yours, your_ref);
    c = (struct kl_control){.kind = KL_CONTROL_SPAWN_REQUEST,
            .ref = my_ref,
            .from = mine,
            .leader = theirs,
            .mfa = mfa,
            .opts = keel_nil(),
            .content = keel_nil()};
    EXPECT(&c, all, true, 29, my_ref, mine, theirs, mfa, keel_nil());
    c = (struct kl_control){.kind = KL_CONTROL_SPAWN_REPLY,
            .ref = your_ref,
            .to = yours,
            .flags = 2,
            .result = mine};
    EXPECT(&c, all, false, 31, your_ref, yours, keel_int(2), mine);
    c = (struct kl_control){
            .kind = KL_CONTROL_ALIAS_SEND, .from = mine, .ref = your_ref, .content = hi};
    EXPECT(&c, all, true, 33, mine, your_ref);
    c = (struct kl_control){
            .kind = KL_CONTROL_UNLINK, .id = UINT64_MAX, .from = mine, .to = yours};
    EXPECT(&c, all, false, 35, keel_uint(UINT64_MAX), mine, yours);
    c.kind = KL_CONTROL_UNLINK_ACK;
    EXPECT(&c, all, false, 36, keel_uint(UINT64_MAX), mine, yours);
}

TEST("a trace token goes along with whatever can carry one")
{
    prepare();
    keel_term empty = atom(""), name = atom("name"), hi = atom("hi");
    uint64_t old = all & ~KL_FLAG_EXIT_PAYLOAD & ~KL_FLAG_SEND_SENDER;
    struct kl_control c = {.kind = KL_CONTROL_SEND,
            .from = mine,
            .to = yours,
            .content = hi,
            .token = token};
    EXPECT(&c, all, true, 23, mine, yours, token);
    EXPECT(&c, old, true, 12, empty, yours, token);
    c.kind = KL_CONTROL_EXIT;
    EXPECT(&c, all, true, 25, mine, yours, token);
    EXPECT(&c, old, false, 13, mine, yours, token, hi);
    c.kind = KL_CONTROL_EXIT2;
    EXPECT(&c, all, true, 27, mine, yours, token);
    EXPECT(&c, old, false, 18, mine, yours, token, hi);
    c = (struct kl_control){.kind = KL_CONTROL_REG_SEND,
            .from = mine,
            .name = name,
            .content = hi,
            .token = token};
    EXPECT(&c, all, true, 16, mine, empty, name, token);
    c = (struct kl_control){.kind = KL_CONTROL_SPAWN_REQUEST,
            .ref = my_ref,
            .from = mine,
            .leader = theirs,
            .mfa = mfa,
            .opts = keel_nil(),
            .content = keel_nil(),
            .token = token};
    EXPECT(&c, all, true, 30, my_ref, mine, theirs, mfa, keel_nil(), token);
    c = (struct kl_control){.kind = KL_CONTROL_SPAWN_REPLY,
            .ref = your_ref,
            .to = yours,
            .flags = 2,
            .result = atom("badarg"),
            .token = token};
    EXPECT(&c, all, false, 32, your_ref, yours, keel_int(2), atom("badarg"), token);
    c = (struct kl_control){.kind = KL_CONTROL_ALIAS_SEND,
            .from = mine,
            .ref = your_ref,
            .content = hi,
            .token = token};
    EXPECT(&c, all, true, 34, mine, your_ref, token);
}

TEST("what a peer does not understand is not sent")
{
    prepare();
    static const struct {
        enum kl_control_kind kind;
        uint64_t needs;
    } needs[] = {
            {KL_CONTROL_MONITOR, KL_FLAG_DIST_MONITOR},
            {KL_CONTROL_DEMONITOR, KL_FLAG_DIST_MONITOR_NAME},
            {KL_CONTROL_MONITOR_EXIT, KL_FLAG_DIST_MONITOR},
            {KL_CONTROL_SPAWN_REQUEST, KL_FLAG_SPAWN},
            {KL_CONTROL_SPAWN_REPLY, KL_FLAG_SPAWN},
            {KL_CONTROL_ALIAS_SEND, KL_FLAG_ALIAS},
            {KL_CONTROL_UNLINK, KL_FLAG_UNLINK_ID},
            {KL_CONTROL_UNLINK_ACK, KL_FLAG_UNLINK_ID},
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        struct kl_control c = {.kind = needs[i].kind,
                .id = 1,
                .from = mine,
                .to = yours,
                .ref = my_ref,
                .leader = mine,
                .mfa = mfa,
                .opts = keel_nil(),
                .result = mine,
                .content = keel_nil()};
        keel_term content;
        CHECK(!keel_is_none(encode(&c, all, &content)));
        CHECK(keel_is_none(encode(&c, all & ~needs[i].needs, &content)));
    }
}

TEST("what has no external form is told before anything is written")
{
    prepare();
    struct kl_control_plan plan;
    struct kl_control c = {.kind = KL_CONTROL_LINK, .from = mine};
    CHECK_INT(kl_control_plan(&c, all, &plan), KEEL_E_NOT_ENCODABLE);
    struct kl_etf_measure measure;
    c = (struct kl_control){.kind = KL_CONTROL_SEND,
            .from = mine,
            .to = yours,
            .content = keel_pointer(&plan)};
    CHECK_OK(kl_control_plan(&c, all, &plan));
    CHECK_INT(kl_control_measure(&c, &measure), KEEL_E_NOT_ENCODABLE);
}

TEST("an end arrives although its reason holds what has no external form")
{
    prepare();
    struct kl_control c = {.kind = KL_CONTROL_EXIT, .from = mine, .to = yours};
    c.content = keel_tuple_of(keel_pointer(&c), keel_resource("file", &c, NULL), mine);
    struct kl_control_plan plan;
    CHECK_OK(kl_control_plan(&c, 0, &plan)); // the reason is among the elements
    uint8_t bytes[512];
    CHECK(plan.bytes < sizeof bytes);
    CHECK_OK(kl_control_write(bytes, &plan));
    size_t used;
    keel_term term;
    CHECK_OK(kl_etf_decode(bytes, plan.bytes, &(keel_etf_limits){0}, &used, &term));
    CHECK_INT(used, plan.bytes);
    CHECK(keel_match(term, "{3, _, _, {<<\"#Opaque\">>, <<\"#Opaque\">>, _}}"));
    struct kl_etf_measure measure;
    CHECK_INT(kl_etf_measure(c.content, &measure), KEEL_E_NOT_ENCODABLE);
    c.content = KEEL_NONE;
    CHECK_INT(kl_control_measure(&c, &measure), KEEL_E_NOT_ENCODABLE);
}

// Decodes what must be right.
static struct kl_control got(keel_term tuple)
{
    struct kl_control control;
    const char *why = NULL;
    if (decode(tuple, &control, &why) != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s: %s", keel_show(tuple), why);
    }
    CHECK(!why);
    return control;
}

static bool is(keel_term left, keel_term right)
{
    return keel_equal(left, right);
}

TEST("links, exits and sends are understood in every form")
{
    prepare();
    keel_term empty = atom(""), hi = atom("hi");
    static const struct {
        int op;
        enum kl_control_kind kind;
        bool cookie, token, content, payload;
    } forms[] = {
            {1, KL_CONTROL_LINK, false, false, false, false},
            {2, KL_CONTROL_SEND, true, false, false, true},
            {12, KL_CONTROL_SEND, true, true, false, true},
            {22, KL_CONTROL_SEND, false, false, false, true},
            {23, KL_CONTROL_SEND, false, true, false, true},
            {3, KL_CONTROL_EXIT, false, false, true, false},
            {13, KL_CONTROL_EXIT, false, true, true, false},
            {24, KL_CONTROL_EXIT, false, false, false, true},
            {25, KL_CONTROL_EXIT, false, true, false, true},
            {8, KL_CONTROL_EXIT2, false, false, true, false},
            {18, KL_CONTROL_EXIT2, false, true, true, false},
            {26, KL_CONTROL_EXIT2, false, false, false, true},
            {27, KL_CONTROL_EXIT2, false, true, false, true},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        keel_term elements[6] = {
                keel_int(forms[i].op), forms[i].cookie ? empty : yours, mine};
        size_t count = 3;
        if (forms[i].token) {
            elements[count++] = token;
        }
        if (forms[i].content) {
            elements[count++] = hi;
        }
        struct kl_control c = got(keel_tuple(elements, count));
        CHECK_INT(c.kind, forms[i].kind);
        CHECK(is(c.from, forms[i].cookie ? KEEL_NONE : yours));
        CHECK(is(c.to, mine));
        CHECK(is(c.token, forms[i].token ? token : KEEL_NONE));
        CHECK(is(c.content, forms[i].content ? hi : KEEL_NONE));
        CHECK_INT(c.payload, forms[i].payload);
    }
}

TEST("monitors are understood by pid and by name")
{
    prepare();
    keel_term name = atom("name");
    struct kl_control c = got(OP(19, yours, mine, your_ref));
    CHECK_INT(c.kind, KL_CONTROL_MONITOR);
    CHECK(is(c.from, yours) && is(c.to, mine) && is(c.ref, your_ref) &&
            is(c.name, KEEL_NONE));
    c = got(OP(19, yours, name, your_ref));
    CHECK(is(c.to, KEEL_NONE) && is(c.name, name));
    c = got(OP(20, yours, name, your_ref));
    CHECK_INT(c.kind, KL_CONTROL_DEMONITOR);
    CHECK(is(c.name, name));
    c = got(OP(21, yours, mine, my_ref, name));
    CHECK_INT(c.kind, KL_CONTROL_MONITOR_EXIT);
    CHECK(is(c.from, yours) && is(c.ref, my_ref) && is(c.content, name) && !c.payload);
    c = got(OP(28, name, mine, my_ref));
    CHECK(is(c.from, KEEL_NONE) && is(c.name, name) && c.payload);
}

TEST("the other kinds are understood")
{
    prepare();
    keel_term empty = atom(""), name = atom("name"),
              opts = keel_cons(atom("link"), keel_nil());
    struct kl_control c = got(OP(6, yours, empty, name));
    CHECK_INT(c.kind, KL_CONTROL_REG_SEND);
    CHECK(is(c.from, yours) && is(c.name, name) && c.payload);
    c = got(OP(16, yours, empty, name, token));
    CHECK(is(c.token, token));
    c = got(OP(7, theirs, mine));
    CHECK_INT(c.kind, KL_CONTROL_GROUP_LEADER);
    CHECK(is(c.leader, theirs) && is(c.to, mine));
    for (int traced = 0; traced < 2; traced++) {
        c = got(traced ? OP(30, your_ref, yours, theirs, mfa, opts, token)
                       : OP(29, your_ref, yours, theirs, mfa, opts));
        CHECK_INT(c.kind, KL_CONTROL_SPAWN_REQUEST);
        CHECK(is(c.ref, your_ref) && is(c.from, yours) && is(c.leader, theirs));
        CHECK(is(c.mfa, mfa) && is(c.opts, opts) && c.payload);
        CHECK(is(c.token, traced ? token : KEEL_NONE));
        c = got(traced ? OP(32, my_ref, mine, keel_int(3), yours, token)
                       : OP(31, my_ref, mine, keel_int(3), yours));
        CHECK_INT(c.kind, KL_CONTROL_SPAWN_REPLY);
        CHECK(is(c.ref, my_ref) && is(c.to, mine) && is(c.result, yours) && !c.payload);
        CHECK_INT(c.flags, KL_SPAWN_LINK | KL_SPAWN_MONITOR);
        c = got(traced ? OP(34, yours, my_ref, token) : OP(33, yours, my_ref));
        CHECK_INT(c.kind, KL_CONTROL_ALIAS_SEND);
        CHECK(is(c.from, yours) && is(c.ref, my_ref) && c.payload);
    }
    c = got(OP(31, my_ref, mine, keel_int(0), atom("notsup")));
    CHECK(is(c.result, atom("notsup")));
    c = got(OP(35, keel_uint(UINT64_MAX), yours, mine));
    CHECK_INT(c.kind, KL_CONTROL_UNLINK);
    CHECK(c.id == UINT64_MAX);
    c = got(OP(36, keel_int(1), yours, mine));
    CHECK_INT(c.kind, KL_CONTROL_UNLINK_ACK);
    CHECK_INT(c.id, 1);
}

TEST("a receiver of an earlier life of this node is understood as such")
{
    prepare();
    struct kl_control c = got(OP(1, yours, mine_before));
    CHECK(is(c.to, mine_before));
    CHECK(!kl_pid_is_local(keel_to_pid(c.to)));
    c = got(OP(33, yours, ref_of("me@box", 6)));
    CHECK(!kl_ref_is_local(keel_to_ref(c.ref)));
}

static void refuse(int line, keel_term tuple, const char *expected)
{
    struct kl_control control;
    const char *why = NULL;
    if (decode(tuple, &control, &why) != KEEL_E_MALFORMED || !why ||
            strcmp(why, expected) != 0) {
        kl_test_fail(__FILE__, line, "%s: %s", keel_show(tuple), why ? why : "taken");
    }
}
#define REFUSE(why, ...) refuse(__LINE__, __VA_ARGS__, why)

TEST("a peer speaks for its own processes only")
{
    prepare();
    static const char why[] = "a sender does not live on the node that it came from";
    const keel_term liars[] = {mine, mine_before, theirs};
    keel_term empty = atom(""), hi = atom("hi"), name = atom("name");
    for (size_t i = 0; i < 3; i++) {
        keel_term liar = liars[i];
        REFUSE(why, OP(1, liar, mine));
        REFUSE(why, OP(22, liar, mine));
        REFUSE(why, OP(23, liar, mine, token));
        REFUSE(why, OP(3, liar, mine, hi));
        REFUSE(why, OP(13, liar, mine, token, hi));
        REFUSE(why, OP(24, liar, mine));
        REFUSE(why, OP(25, liar, mine, token));
        REFUSE(why, OP(6, liar, empty, name));
        REFUSE(why, OP(8, liar, mine, hi));
        REFUSE(why, OP(26, liar, mine));
        REFUSE(why, OP(19, liar, mine, your_ref));
        REFUSE(why, OP(20, liar, mine, your_ref));
        REFUSE(why, OP(21, liar, mine, my_ref, hi));
        REFUSE(why, OP(28, liar, mine, my_ref));
        REFUSE(why, OP(29, your_ref, liar, theirs, mfa, keel_nil()));
        REFUSE("what was spawned is no process of its node",
                OP(31, my_ref, mine, keel_int(0), liar));
        REFUSE(why, OP(33, liar, my_ref));
        REFUSE(why, OP(35, keel_int(1), liar, mine));
        REFUSE(why, OP(36, keel_int(1), liar, mine));
    }
}

TEST("what is for another node is refused")
{
    prepare();
    const keel_term wrong[] = {yours, theirs};
    static const char why[] = "a receiver does not live on this node";
    for (size_t i = 0; i < 2; i++) {
        REFUSE(why, OP(1, yours, wrong[i]));
        REFUSE(why, OP(2, atom(""), wrong[i]));
        REFUSE(why, OP(7, yours, wrong[i]));
        REFUSE(why, OP(19, yours, wrong[i], your_ref));
        REFUSE(why, OP(21, yours, wrong[i], my_ref, atom("hi")));
        REFUSE(why, OP(31, my_ref, wrong[i], keel_int(0), yours));
        REFUSE(why, OP(35, keel_int(1), yours, wrong[i]));
    }
    REFUSE("an alias is no reference of this node", OP(33, yours, your_ref));
    REFUSE("an alias is no reference of this node", OP(33, yours, their_ref));
}

TEST("an element of another type is refused")
{
    prepare();
    keel_term hi = atom("hi"), one = keel_int(1);
    REFUSE("a sender is no pid", OP(1, hi, mine));
    REFUSE("a receiver is no pid", OP(1, yours, hi));
    REFUSE("a cookie is no atom", OP(2, yours, mine));
    REFUSE("a name is no atom", OP(6, yours, hi, mine));
    REFUSE("a group leader is no pid", OP(7, hi, mine));
    REFUSE("a receiver is no pid", OP(19, yours, one, your_ref));
    REFUSE("a reference is none", OP(19, yours, mine, one));
    REFUSE("a sender is no pid", OP(21, one, mine, my_ref, hi));
    REFUSE("a reference is none", OP(29, one, yours, theirs, mfa, keel_nil()));
    REFUSE("what is to be spawned is no function",
            OP(29, your_ref, yours, theirs, hi, keel_nil()));
    REFUSE("what is to be spawned is no function",
            OP(29, your_ref, yours, theirs, TUPLE(hi, hi, keel_int(256)), keel_nil()));
    REFUSE("what is to be spawned is no function",
            OP(29, your_ref, yours, theirs, TUPLE(hi, one, one), keel_nil()));
    REFUSE("options of spawning are no list", OP(29, your_ref, yours, theirs, mfa, hi));
    REFUSE("options of spawning are no list",
            OP(29, your_ref, yours, theirs, mfa, keel_cons(hi, hi)));
    REFUSE("flags of spawning are out of range", OP(31, my_ref, mine, keel_int(-1), yours));
    REFUSE("flags of spawning are out of range",
            OP(31, my_ref, mine, keel_int(1LL << 32), yours));
    REFUSE("what was spawned is no process of its node", OP(31, my_ref, mine, one, one));
    REFUSE("an alias is no reference of this node", OP(33, yours, mine));
    REFUSE("an id of unlinking is out of range", OP(35, keel_int(0), yours, mine));
    REFUSE("an id of unlinking is out of range", OP(35, keel_int(-1), yours, mine));
    REFUSE("an id of unlinking is out of range", OP(36, hi, yours, mine));
}

TEST("an unknown kind is refused, the old way to unlink with it")
{
    prepare();
    for (int op = 0; op < 300; op++) {
        bool known = kl_control_form_of((uint64_t)op) != NULL;
        CHECK_INT(known, (op >= 1 && op <= 3) || (op >= 6 && op <= 8) || op == 12 ||
                                 op == 13 || op == 16 || (op >= 18 && op <= 36));
        if (!known) {
            REFUSE("a control message is of an unknown kind", OP(op, yours, mine));
        }
    }
    REFUSE("a control message is of an unknown kind", OP(1LL << 40, yours, mine));
}

// One element more and one fewer than each kind has.
TEST("a control message has exactly the elements of its kind")
{
    prepare();
    keel_term nil = keel_nil(), one = keel_int(1), hi = atom("hi");
    const keel_term right[] = {OP(1, yours, mine), OP(3, yours, mine, hi),
            OP(6, yours, hi, hi), OP(19, yours, mine, your_ref),
            OP(21, yours, mine, my_ref, hi), OP(24, yours, mine),
            OP(25, yours, mine, token), OP(28, yours, mine, my_ref),
            OP(29, your_ref, yours, theirs, mfa, nil),
            OP(30, your_ref, yours, theirs, mfa, nil, token),
            OP(31, my_ref, mine, one, yours), OP(33, yours, my_ref),
            OP(35, one, yours, mine)};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        keel_term elements[10];
        size_t size = keel_tuple_size(right[i]);
        for (size_t e = 0; e < size; e++) {
            elements[e] = keel_element(right[i], e);
        }
        elements[size] = token;
        struct kl_control control;
        const char *why;
        CHECK_OK(decode(keel_tuple(elements, size), &control, &why));
        REFUSE("a control message has more elements than its kind",
                keel_tuple(elements, size + 1));
        REFUSE("a control message has fewer elements than its kind",
                keel_tuple(elements, size - 1));
    }
}

TEST("what is no tuple with a number is refused")
{
    prepare();
    static const char why[] = "a control message is no tuple with a number";
    REFUSE(why, keel_tuple(NULL, 0));
    REFUSE(why, TUPLE(atom("hi"), yours, mine));
    REFUSE(why, keel_int(1));
    REFUSE(why, keel_nil());
    REFUSE(why, OP(-1, yours, mine));
}

TEST("bytes that are no term are refused, and so is nesting beyond the limit")
{
    prepare();
    struct kl_control control;
    const char *why = NULL;
    CHECK_INT(decode_bytes((keel_bytes){(const uint8_t *)"", 0}, &control, &why),
            KEEL_E_MALFORMED);
    CHECK_STR(why, "a control message is no term");
    CHECK_INT(
            decode_bytes((keel_bytes){(const uint8_t *)"\x68\xff\xff", 3}, &control, &why),
            KEEL_E_MALFORMED);
    keel_term deep = keel_nil(), binary;
    for (int i = 0; i < 50; i++) {
        deep = TUPLE(deep);
    }
    CHECK_OK(keel_etf_encode(
            OP(3, yours, mine, deep), &(keel_etf_opts){.no_version = true}, &binary));
    keel_bytes bytes = keel_to_bytes(binary);
    size_t used;
    keel_etf_limits limits = {.max_depth = 20};
    CHECK_INT(kl_control_decode(bytes.data, bytes.size, atom("you@box"), &limits, &control,
                      &used, &why),
            KEEL_E_TOO_DEEP);
}

TEST("a control message ends where its payload starts")
{
    prepare();
    keel_term binary;
    CHECK_OK(keel_etf_encode(
            OP(22, yours, mine), &(keel_etf_opts){.no_version = true}, &binary));
    keel_bytes bytes = keel_to_bytes(binary);
    uint8_t body[200];
    memcpy(body, bytes.data, bytes.size);
    memset(body + bytes.size, 0xff, sizeof body - bytes.size);
    struct kl_control control;
    const char *why;
    size_t used;
    CHECK_OK(kl_control_decode(
            body, sizeof body, atom("you@box"), NULL, &control, &used, &why));
    CHECK_INT(used, bytes.size);
}

TEST("each kind has a name for the log")
{
    for (int kind = 0; kind < KL_CONTROL_KINDS; kind++) {
        CHECK(kl_control_name((enum kl_control_kind)kind));
    }
    CHECK_STR(kl_control_name(KL_CONTROL_UNLINK_ACK), "UNLINK_ID_ACK");
}
