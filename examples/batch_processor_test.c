#include "batch_processor.h"
#include "check.h"

static keel_pid probe;

static void tell(keel_term batch)
{
    size_t length = 0;
    keel_list_length(batch, &length);
    keel_send(
            probe, keel_make("{batch, First, Length}", keel_head(batch), (int64_t)length));
}

static void batches_are_full_or_a_second_old(keel_term unused)
{
    probe = keel_test_probe();
    keel_pid server = keel_started_or_exit(batch_processor_start_link(tell));
    for (int i = 1; i <= 230; i++) {
        batch_processor_add(server, keel_int(i));
    }
    keel_test_expect_next(probe, "{batch, 1, 100}");
    keel_test_expect_next(probe, "{batch, 101, 100}");
    keel_test_expect_none(probe);
    keel_sleep(KEEL_MS(1001));
    keel_test_expect_next(probe, "{batch, 201, 30}");
    keel_sleep(KEEL_SECONDS(5));
    keel_test_expect_none(probe);
}

CHECKS({"batches are full, or a second old", batches_are_full_or_a_second_old})
