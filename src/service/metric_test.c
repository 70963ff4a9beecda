// Metrics.

#include "testing/harness.h"
#include <keel/metric.h>
#include <pthread.h>
#include <string.h>

static char text[16384];

static void write_all(void)
{
    size_t length = keel_metrics_write(text, sizeof text);
    CHECK(length < sizeof text && length == strlen(text));
}

TEST("counters count up, gauges go both ways")
{
    keel_metric *counter = keel_counter("shop_orders_total", "Orders\ntaken", NULL);
    keel_metric *gauge = keel_gauge("shop_queue", NULL, NULL);
    keel_metric_add(counter, 2);
    keel_metric_add(counter, -1);
    keel_metric_add(gauge, 1.5);
    keel_metric_add(gauge, -3);
    CHECK(keel_metric_value(counter) == 2 && keel_metric_value(gauge) == -1.5);
    keel_metric_set(gauge, 7);
    keel_metric_set(counter, 7);
    write_all();
    CHECK(strstr(text, "# HELP shop_orders_total Orders\\ntaken\n"
                       "# TYPE shop_orders_total counter\nshop_orders_total 2\n") != NULL);
    CHECK(strstr(text, "# TYPE shop_queue gauge\nshop_queue 7\n") != NULL);
    CHECK(strstr(text, "\nkeel_processes_limit ") != NULL);
    CHECK(keel_counter("shop_orders_total", NULL, NULL) == counter);
}

TEST("labels make a family under one heading")
{
    keel_metric_add(keel_counter("http_total", "Requests", "code=\"200\""), 5);
    keel_metric_add(keel_counter("http_total", "Requests", "code=\"500\""), 1);
    write_all();
    const char *heading = strstr(text, "# TYPE http_total counter\n");
    CHECK(heading != NULL && strstr(heading + 1, "# TYPE http_total") == NULL);
    CHECK(strstr(heading, "http_total{code=\"200\"} 5\n") != NULL);
    CHECK(strstr(heading, "http_total{code=\"500\"} 1\n") != NULL);
}

TEST("a histogram counts what lies up to each bound")
{
    static const double bounds[] = {0.1, 1};
    keel_metric *metric = keel_histogram("took_seconds", NULL, "op=\"x\"", bounds, 2);
    keel_metric_observe(metric, 0.1);
    keel_metric_observe(metric, 0.5);
    keel_metric_observe(metric, 20);
    keel_metric_add(metric, 100); // is for the others
    write_all();
    CHECK(strstr(text, "# TYPE took_seconds histogram\n"
                       "took_seconds_bucket{op=\"x\",le=\"0.1\"} 1\n"
                       "took_seconds_bucket{op=\"x\",le=\"1\"} 2\n"
                       "took_seconds_bucket{op=\"x\",le=\"+Inf\"} 3\n"
                       "took_seconds_sum{op=\"x\"} 20.6\n"
                       "took_seconds_count{op=\"x\"} 3\n") != NULL);
    keel_metric_observe(keel_histogram("usual_seconds", NULL, NULL, NULL, 0), 0.3);
    write_all();
    CHECK(strstr(text, "usual_seconds_bucket{le=\"0.25\"} 0\n"
                       "usual_seconds_bucket{le=\"0.5\"} 1\n") != NULL);
    CHECK(strstr(text, "usual_seconds_sum 0.3\nusual_seconds_count 1\n") != NULL);
}

TEST("what cannot be is NULL, and NULL can be used")
{
    static const double falling[] = {2, 1};
    CHECK(keel_counter("1st", NULL, NULL) == NULL);
    CHECK(keel_counter("a-b", NULL, NULL) == NULL);
    CHECK(keel_counter(NULL, NULL, NULL) == NULL);
    CHECK(keel_histogram("h", NULL, NULL, falling, 2) == NULL);
    CHECK(keel_counter("twice", NULL, NULL) != NULL);
    CHECK(keel_gauge("twice", NULL, "a=\"b\"") == NULL);
    keel_metric_add(NULL, 1);
    keel_metric_set(NULL, 1);
    keel_metric_observe(NULL, 1);
    CHECK(keel_metric_value(NULL) == 0);
}

enum { THREADS = 4, TIMES = 20000 };

static void *add_often(void *metric)
{
    for (int i = 0; i < TIMES; i++) {
        keel_metric_add(metric, 1);
    }
    return NULL;
}

TEST("no addition is lost among threads")
{
    pthread_t threads[THREADS];
    keel_metric *metric = keel_counter("busy_total", NULL, NULL);
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK(pthread_create(&threads[i], NULL, add_often, metric));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(keel_metric_value(metric) == (double)THREADS * TIMES);
}
