#include "text.h"

#include "testing/harness.h"

#include <keel/match.h>
#include <string.h>

TEST("text that does not fit is cut, and says so")
{
    char buffer[12];
    memset(buffer, 'x', sizeof buffer);
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer - 1);
    CHECK_STR(buffer, "");
    kl_kit_text_add(&text, "%s", "12345");
    CHECK_STR(buffer, "12345");
    kl_kit_text_add(&text, "%d", 67890);
    CHECK_STR(buffer, "1234567890");
    kl_kit_text_add(&text, "!");
    CHECK_STR(buffer, "1234567...");
    kl_kit_text_add(&text, "more");
    CHECK_STR(buffer, "1234567...");
    CHECK_INT(buffer[sizeof buffer - 1], 'x');
}

TEST("a term is printed in Erlang notation, a long one in part")
{
    char buffer[2000];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_term(&text, keel_make("{ok, [1, 2]}"));
    CHECK_STR(buffer, "{ok,[1,2]}");
    keel_term list = keel_nil();
    for (int i = 0; i < 1000; i++) {
        list = keel_cons(keel_int(1000000), list);
    }
    kl_kit_text_term(&text, list);
    CHECK(strlen(buffer) > 500);
    CHECK(strlen(buffer) < 700);
    CHECK(strstr(buffer, "...") != NULL);
}

TEST("a time is told in seconds to the nanosecond")
{
    char buffer[64];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_time(&text, KEEL_SECONDS(3600) + 1);
    CHECK_STR(buffer, "3600.000000001 s");
}

TEST("a process is told by pid, name, entry, what it waits for and how much lies there")
{
    char buffer[200];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    keel_process_view view = {.entry = "worker",
            .name = keel_atom(alice),
            .wait = KEEL_WAIT_MESSAGE,
            .state = KEEL_STATE_WAITING,
            .queue = 2};
    kl_kit_text_process(&text, &view);
    CHECK(strstr(buffer, " alice (worker) waits for a message, 2 messages in its mailbox"));
    view.queue = 1;
    view.state = KEEL_STATE_SUSPENDED;
    text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_process(&text, &view);
    CHECK(strstr(buffer, " alice (worker) is suspended, 1 message in its mailbox"));
}
