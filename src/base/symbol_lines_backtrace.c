#include "symbol_lines.h"

#include <backtrace.h>
#include <link.h>
#include <pthread.h>

// libbacktrace reads the debug information of the images that are loaded when it is first
// asked, and of no later one. So a state serves until code has been loaded since; then a
// new one is made. The old one stays: strings that were handed out point into it.
static pthread_mutex_t lock =
        PTHREAD_MUTEX_INITIALIZER; // held while it reads: milliseconds
static struct backtrace_state *state;
static unsigned long long images_loaded; // ever, when `state` was made

static void renew_state(void);
static int count_images(struct dl_phdr_info *info, size_t size, void *ret_count);
static int take_line(
        void *symbol, uintptr_t pc, const char *file, int line, const char *function);
static void take_name(
        void *symbol, uintptr_t pc, const char *name, uintptr_t start, uintptr_t bytes);
static void ignore_error(void *symbol, const char *message, int error);

bool kl_symbol_lines_find(uintptr_t pc, struct kl_symbol *ret_symbol)
{
    struct kl_symbol found = {.offset = ret_symbol->offset};
    pthread_mutex_lock(&lock);
    renew_state();
    if (state != NULL) {
        backtrace_pcinfo(state, pc, take_line, ignore_error, &found);
        backtrace_syminfo(state, pc, take_name, ignore_error, &found);
    }
    pthread_mutex_unlock(&lock);
    if (found.function == NULL && found.file == NULL) {
        return false;
    }
    *ret_symbol = found;
    return true;
}

static void renew_state(void)
{
    unsigned long long loaded = 0;
    dl_iterate_phdr(count_images, &loaded);
    if (state == NULL || images_loaded != loaded) {
        state = backtrace_create_state(NULL, 0, ignore_error, NULL);
        images_loaded = loaded;
    }
}

static int count_images(struct dl_phdr_info *info, size_t size, void *ret_count)
{
    (void)size;
    *(unsigned long long *)ret_count = info->dlpi_adds;
    return 1;
}

// Called for the innermost of inlined functions first; that one is wanted.
static int take_line(
        void *symbol, uintptr_t pc, const char *file, int line, const char *function)
{
    (void)pc;
    struct kl_symbol *found = symbol;
    found->function = function;
    found->file = file;
    found->line = line;
    return 1;
}

static void take_name(
        void *symbol, uintptr_t pc, const char *name, uintptr_t start, uintptr_t bytes)
{
    (void)bytes;
    struct kl_symbol *found = symbol;
    if (found->function == NULL) {
        found->function = name;
    }
    if (name != NULL) {
        found->offset = pc - start;
    }
}

static void ignore_error(void *symbol, const char *message, int error)
{
    (void)symbol;
    (void)message;
    (void)error;
}
