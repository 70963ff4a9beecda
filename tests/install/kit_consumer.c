// What a stranger's test may look like: a body under virtual time, which two libraries
// linked apart must agree on. Works as C11 and C++17.
#include <keel/keel.h>
#include <keel/testing.h>
#include <stdio.h>

static void watch_an_hour(keel_term unused)
{
    (void)unused;
    keel_pid probe = keel_test_probe();
    keel_send_after(KEEL_SECONDS(3600), probe, keel_make("{an_hour, later}"));
    keel_test_expect_none(probe);
    keel_test_expect_within(KEEL_SECONDS(4000), probe, "{an_hour, later}");
}

int main(void)
{
    static keel_test_report report;
    keel_status status = keel_test_run(watch_an_hour, KEEL_NONE, 1, NULL, &report);
    printf("%s%s after %lld virtual seconds\n", report.text, keel_status_name(status),
            (long long)(report.elapsed / KEEL_SECONDS(1)));
    return status == KEEL_OK && report.elapsed == KEEL_SECONDS(3600) ? 0 : 1;
}
