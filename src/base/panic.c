#include "panic.h"

#include "atomic.h"
#include "log.h"
#include "symbol.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// However long the message, the frames and the last sentence have their room.
enum { FRAMES = 32, TEXT_BYTES = 4096, MESSAGE_BYTES = 1536, LAST_BYTES = 256 };

// The first thread that panics: the text is its own, and others wait for the end.
static long panicking; // its kernel id, 0: nobody
static char text[TEXT_BYTES]; // not on the stack, which may be what is broken
static size_t length;
static size_t limit; // of `length`, for what is added next

static void enter(void);
static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add_arguments(const char *format, va_list arguments);
static void add_frame(uintptr_t pc);
static void end(void) KEEL_NORETURN;

void kl_panic(const char *format, ...)
{
    enter();
    limit = MESSAGE_BYTES;
    add("keel: panic: ");
    va_list arguments;
    va_start(arguments, format);
    add_arguments(format, arguments);
    va_end(arguments);
    limit = TEXT_BYTES - LAST_BYTES;
    add("\n");
    // The reason is out before the stack is looked at.
    kl_log_write_stderr(text, length);
    size_t told = length;

    uintptr_t pcs[FRAMES];
    size_t count = kl_symbol_walk_unbounded((uintptr_t)__builtin_return_address(0) - 1,
            *(uintptr_t *)__builtin_frame_address(0), pcs, FRAMES);
    for (size_t i = 0; i < count; i++) {
        add_frame(pcs[i]);
    }
    limit = TEXT_BYTES - 1;
    add("keel: this is a bug in Keel %s, not in your program. Please report it with the "
        "lines above.\n",
            KEEL_VERSION);
    kl_log_write_stderr(text + told, length - told);
    text[length - 1] = '\0'; // a sink gets its text without the last newline
    kl_log_tell_sink(KL_LOG_ERROR, text);
    end();
}

static void enter(void)
{
    long self = syscall(SYS_gettid);
    long nobody = 0;
    if (kl_cas_acq_rel(&panicking, &nobody, self)) {
        return;
    }
    if (nobody == self) {
        end(); // the panic itself, or the sink, has failed: what could be said is said
    }
    for (;;) {
        pause();
    }
}

static void add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_arguments(format, arguments);
    va_end(arguments);
}

static void add_arguments(const char *format, va_list arguments)
{
    size_t room = limit - length;
    int added = vsnprintf(text + length, room + 1, format, arguments);
    if (added > 0) {
        length += (size_t)added < room ? (size_t)added : room;
    }
}

// Only what the dynamic linker knows: reading debug information takes memory and locks.
static void add_frame(uintptr_t pc)
{
    Dl_info info;
    if (dladdr((void *)pc, &info) == 0) {
        add("    0x%lx\n", (unsigned long)pc);
        return;
    }
    const char *slash = info.dli_fname != NULL ? strrchr(info.dli_fname, '/') : NULL;
    const char *image = slash != NULL ? slash + 1 : info.dli_fname;
    add("    %s(+0x%lx)", image != NULL ? image : "?",
            (unsigned long)(pc - (uintptr_t)info.dli_fbase));
    if (info.dli_sname != NULL) {
        add(" %s+0x%lx", info.dli_sname, (unsigned long)(pc - (uintptr_t)info.dli_saddr));
    }
    add("\n");
}

// The runtime's handler would take this for the abort() of a callback and let the node
// live. So the default action it is.
static void end(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGABRT, &plain, NULL);
    sigset_t abort_signal;
    sigemptyset(&abort_signal);
    sigaddset(&abort_signal, SIGABRT);
    sigprocmask(SIG_UNBLOCK, &abort_signal, NULL);
    abort();
}
