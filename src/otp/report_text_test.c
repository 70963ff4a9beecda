#include "base/base.h"
#include "testing/harness.h"
#include <keel/report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(const char *report, bool single_line)
{
    static char text[8192];
    keel_term term = KEEL_NONE;
    CHECK_INT(keel_parse(report, strlen(report), &term, NULL), KEEL_OK);
    size_t length = keel_report_format(text, sizeof text, term, single_line, NULL);
    CHECK_INT(length, strlen(text));
    return text;
}

static const char server_report[] =
        "#{label => {gen_server, terminate}, name => shop, last_message => {buy, 3}, "
        "state => #{stock => 0}, log => [], reason => {sold_out, []}, client_info => "
        "undefined, "
        "process_label => {till, 1}}";

TEST("the end of a server reads from the reason to the state", .ids = "PL-042")
{
    CHECK_STR(text_of(server_report, false), "server shop terminating: {sold_out,[]}\n"
                                             "    label: {till,1}\n"
                                             "    last message: {buy,3}\n"
                                             "    state: #{stock => 0}");
    CHECK_STR(text_of(server_report, true), "server shop terminating: {sold_out,[]}; "
                                            "label: {till,1}; last message: {buy,3}; "
                                            "state: #{stock => 0}");
}

TEST("each kind of report has a headline of its own", .ids = "PL-042")
{
    CHECK_STR(text_of("#{label => {gen_server, no_handle_info}, module => shop, message => "
                      "hm}",
                      false),
            "shop: no clause takes the message hm");
    CHECK_STR(text_of("#{label => {supervisor, progress}, report => [{supervisor, {local, "
                      "top}}, "
                      "{started, [{pid, p}, {id, a}]}]}",
                      false),
            "supervisor {local,top} started a p");
    CHECK_STR(text_of("#{label => {supervisor, shutdown}, report => [{supervisor, top}, "
                      "{errorContext, shutdown}, {reason, r}, {offender, [{id, a}]}]}",
                      false),
            "supervisor top: shutdown: r\n    child: [{id,a}]");
    CHECK_STR(text_of("#{label => {proc_lib, crash}, report => [[{initial_call, f}, {pid, "
                      "p}, "
                      "{messages, []}, {error_info, {error, oops, [{<<\"f\">>, [{file, "
                      "<<\"../a.c\">>}, {line, 3}]}, {<<\"main\">>, []}]}}], "
                      "[{neighbour, [{pid, q}]}]]}",
                      false),
            "process p crashed: oops\n    at f (a.c:3)\n    at main\n"
            "    initial_call: f\n    pid: p\n  neighbour:\n    pid: q");
    CHECK_STR(text_of("#{label => {supervisor, child_terminated}, report => [{supervisor, "
                      "top}, {errorContext, child_terminated}, {reason, {{sigsegv, 0}, "
                      "[{<<\"f\">>, [{file, <<\"a.c\">>}, {line, 3}]}]}}]}",
                      true),
            "supervisor top: child_terminated: {sigsegv,0}; at f (a.c:3)");
    CHECK_STR(text_of("#{label => {supervisor, unexpected_msg}, msg => hello}", false),
            "supervisor got what it does not know: hello");
    CHECK_STR(text_of("#{label => {application_controller, exit}, report => [{application, "
                      "shop}, {exited, stopped}, {type, permanent}]}",
                      true),
            "application shop exited: stopped; type: permanent");
    CHECK_STR(text_of("#{label => {application_controller, progress}, report => "
                      "[{application, shop}, {started_at, n}]}",
                      false),
            "application shop started at n");
    CHECK_STR(
            text_of("#{label => {'Elixir.Task.Supervisor', terminating}, report => "
                    "#{name => p, starter => shop, function => fetch, args => [{url, 1}], "
                    "reason => {oops, [{<<\"f\">>, []}]}, process_label => undefined}}",
                    false),
            "task fetch p terminating: oops\n    at f\n    started by: shop\n"
            "    argument: {url,1}");
}

TEST("any term at all is text, in either mode", .ids = "PL-042")
{
    static const char *const terms[] = {"[]", "an_atom", "{a, [1 | 2]}", "#{}",
            "#{label => x}", "#{label => {a, b}}",
            "#{label => {supervisor, progress}, report => nonsense}",
            "#{label => {proc_lib, crash}, report => [1, 2]}",
            "#{label => {proc_lib, crash}, report => [[{1, 2}, x], [y, {z}]]}",
            "#{label => {gen_server, terminate}}", "#{label => {supervisor, shutdown}}"};
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        CHECK(text_of(terms[i], false)[0] != '\0');
        CHECK(strchr(text_of(terms[i], true), '\n') == NULL);
    }
}

TEST("large terms are cut at the given depth and length", .ids = "PL-041")
{
    keel_term items = keel_nil();
    for (int i = 0; i < 100000; i++) {
        items = keel_cons(keel_int(i), items);
    }
    keel_term report = keel_make(
            "#{label => {gen_server, terminate}, name => n, reason => r, "
            "last_message => Items, state => {a, {b, {c, {d, e}}}}, "
            "log => []}",
            items);
    char text[65536];
    size_t length = keel_report_format(text, sizeof text, report, false, NULL);
    CHECK(length < 4096 && strstr(text, "...") != NULL);
    CHECK(strstr(text, "{a,{b,{c,{d,e}}}}") != NULL);
    const keel_print_opts limits = {.max_depth = 2, .max_bytes = 100};
    length = keel_report_format(text, sizeof text, report, false, &limits);
    CHECK(length < 400 && strstr(text, "{d,e}") == NULL);
}

TEST("a small buffer gets the beginning, and the full length is told")
{
    char whole[512];
    char part[20];
    keel_term term = KEEL_NONE;
    CHECK_INT(keel_parse(server_report, strlen(server_report), &term, NULL), KEEL_OK);
    size_t length = keel_report_format(whole, sizeof whole, term, true, NULL);
    CHECK_INT(keel_report_format(part, sizeof part, term, true, NULL), length);
    CHECK_INT(strlen(part), sizeof part - 1);
    CHECK(strncmp(part, whole, sizeof part - 1) == 0);
    CHECK_INT(keel_report_format(NULL, 0, term, true, NULL), length);
}

static char logged[8192];
static int log_lines;

static void take_log(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    snprintf(logged, sizeof logged, "%d %s", (int)level, text);
    log_lines++;
}

TEST("without a handler errors and warnings go to the log, the rest nowhere")
{
    kl_log_sink_set(take_log, NULL);
    keel_report(KEEL_REPORT_ERROR, keel_make("{bad, thing}"));
    CHECK_STR(logged, "0 {bad,thing}");
    keel_report(KEEL_REPORT_WARNING, keel_atom(careful));
    CHECK_STR(logged, "1 careful");
    keel_report(KEEL_REPORT_INFO, keel_atom(news));
    keel_report(KEEL_REPORT_DEBUG, keel_atom(detail));
    CHECK_INT(log_lines, 2);
    kl_log_sink_set(NULL, NULL);
}
