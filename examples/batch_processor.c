// Items are processed a hundred at a time, or a second after the first.
// <keel/parts/batcher.h> is the ready-made one.

#include "batch_processor.h"

enum { BATCH_SIZE = 100 };

struct batch_processor {
    batch_processor_function process;
    keel_term batch; // the newest first
    int64_t count;
    keel_ref timer;
};

static keel_result init(keel_term process, void *state)
{
    struct batch_processor *processor = state;
    processor->process = keel_to_function(batch_processor_function, process);
    keel_set(&processor->batch, keel_nil());
    return keel_ok();
}

static void process_batch(struct batch_processor *processor)
{
    processor->process(keel_list_reverse(processor->batch));
    keel_set(&processor->batch, keel_nil());
    processor->count = 0;
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct batch_processor *processor = state;
    keel_term item;
    if (!keel_match(request, "{add_item, Item}", &item)) {
        return keel_unexpected(request);
    }
    keel_set(&processor->batch, keel_cons(item, processor->batch));
    if (++processor->count == 1) {
        processor->timer = keel_start_timer(
                KEEL_SECONDS(1), keel_from_pid(keel_self()), keel_atom(batch_timeout));
    } else if (processor->count == BATCH_SIZE) {
        keel_cancel_timer(processor->timer, NULL);
        process_batch(processor);
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct batch_processor *processor = state;
    if (keel_match(message, "{timeout, ^Timer, batch_timeout}", processor->timer) &&
            processor->count > 0) {
        process_batch(processor);
    }
    return keel_noreply();
}

static const keel_gen_server batch_processor = {
        .name = "batch_processor",
        .state = KEEL_STATE(struct batch_processor, batch, count, timer, process),
        .init = init,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

keel_started batch_processor_start_link(batch_processor_function process)
{
    return keel_gen_server_start_link(&batch_processor, keel_function(process));
}

void batch_processor_add(keel_pid server, keel_term item)
{
    keel_cast(server, keel_make("{add_item, Item}", item));
}
