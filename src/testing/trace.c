// The course of a run, a line for each turn: when, which, who, and what it had waited for.

#include "kit.h"

#include <keel/extend.h>

static void write_turn(keel_pid pid, void *context)
{
    (void)context;
    char line[512];
    struct kl_kit_text text = kl_kit_text_in(line, sizeof line);
    kl_kit_text_time(&text, kl_kit_elapsed());
    kl_kit_text_add(&text, "  turn %llu  ", (unsigned long long)kl_kit_turns());
    keel_process_view view;
    if (keel_inspect_process(pid, &view)) {
        kl_kit_text_process(&text, &view);
    } else {
        kl_kit_text_pid(&text, pid);
        kl_kit_text_add(&text, " begins");
    }
    fprintf(kl_kit.trace, "%s\n", line);
}

void kl_kit_trace_begin(void)
{
    keel_extend_observe(kl_kit.trace != NULL ? write_turn : NULL, NULL);
}

void kl_kit_trace_end(void)
{
    keel_extend_observe(NULL, NULL);
    kl_kit.trace = NULL;
}
