#include "fault.h"

#include "arch/arch.h"
#include "core.h"
#include "frames.h"
#include "stack.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Faults in fibers end the fiber, not the program. The handler runs on the thread's
// alternate stack, notes what happened, and bends the interrupted state so that its return
// goes on in kl_fiber_resume(), with the signal mask put right by the kernel.

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { SIGNALS = sizeof signals / sizeof *signals, ALTERNATE_BYTES = 64 << 10 };

static struct sigaction before[SIGNALS];
static bool installed;

static void handle(int signal, siginfo_t *info, void *context);
static bool is_ours(int signal, const siginfo_t *info);
static bool is_in_fiber(
        const struct kl_runner *runner, const struct kl_arch_registers *registers);
static void note(struct kl_runner *runner, int signal, const siginfo_t *info,
        const void *context, const struct kl_arch_registers *registers);
static void say_inside(const struct kl_runner *runner, int signal, const siginfo_t *info,
        const struct kl_arch_registers *registers);
static void pass_on(int signal, siginfo_t *info, void *context);

keel_status kl_fault_install(void)
{
    kl_frames_init();
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], &action, &before[i]) != 0) {
            int error = errno;
            while (i-- > 0) {
                sigaction(signals[i], &before[i], NULL);
            }
            return -error;
        }
    }
    installed = true;
    return KEEL_OK;
}

void kl_fault_uninstall(void)
{
    for (int i = 0; installed && i < SIGNALS; i++) {
        sigaction(signals[i], &before[i], NULL);
    }
    installed = false;
}

keel_status kl_fault_attach(struct kl_runner *runner)
{
    void *memory = mmap(NULL, ALTERNATE_BYTES, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    stack_t alternate = {.ss_sp = memory, .ss_size = ALTERNATE_BYTES};
    if (sigaltstack(&alternate, &runner->alternate_before) != 0) {
        int error = errno;
        munmap(memory, ALTERNATE_BYTES);
        return -error;
    }
    runner->alternate = memory;
    return KEEL_OK;
}

void kl_fault_detach(struct kl_runner *runner)
{
    if (runner->alternate) {
        // A sanitizer unmaps at the thread's end what it had installed: it has to be there.
        sigaltstack(&runner->alternate_before, NULL);
        munmap(runner->alternate, ALTERNATE_BYTES);
        runner->alternate = NULL;
    }
}

static void handle(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    struct kl_runner *runner = kl_runner_self();
    struct kl_arch_registers registers;
    kl_arch_registers(context, &registers);
    if (runner && is_ours(signal, info)) {
        if (is_in_fiber(runner, &registers) && !runner->busy && !runner->critical) {
            note(runner, signal, info, context, &registers);
            runner->fiber = NULL;
            errno = saved;
            kl_arch_land(context, runner->host_sp, KL_FIBER_FAULTED);
            return;
        }
        say_inside(runner, signal, info, &registers);
    }
    errno = saved;
    pass_on(signal, info, context);
}

// Whether the code that was interrupted has raised the signal itself.
static bool is_ours(int signal, const siginfo_t *info)
{
    bool raised = info->si_code == SI_TKILL && info->si_pid == getpid();
    return raised || (signal != SIGABRT && info->si_code > 0);
}

static bool is_in_fiber(
        const struct kl_runner *runner, const struct kl_arch_registers *registers)
{
    const struct kl_stack *stack = runner->fiber;
    if (!stack || registers->sp == 0) {
        return stack != NULL; // of an unknown processor nothing more can be said
    }
    return registers->sp >= (uintptr_t)stack->low - kl_slab_guard_bytes() &&
           registers->sp <= (uintptr_t)stack->high;
}

static void note(struct kl_runner *runner, int signal, const siginfo_t *info,
        const void *context, const struct kl_arch_registers *registers)
{
    const struct kl_stack *stack = runner->fiber;
    struct kl_fault *fault = &runner->fault;
    *fault = (struct kl_fault){.signal = signal};
    if (info->si_code > 0) {
        fault->address = (uintptr_t)info->si_addr;
        fault->stack_overflow = kl_stack_is_guard(stack, fault->address) &&
                                (signal == SIGSEGV || signal == SIGBUS);
    }
    size_t room = sizeof fault->pcs / sizeof *fault->pcs;
    bool segment = signal == SIGSEGV || signal == SIGBUS;
    enum kl_frames_hint hint = signal == SIGABRT ? KL_FRAMES_ABORTED
                               : segment && info->si_code > 0 &&
                                               fault->address == registers->pc
                                       ? KL_FRAMES_JUMPED
                                       : KL_FRAMES_PLAIN;
    fault->frames = kl_frames_find(context, registers, hint, (uintptr_t)stack->low,
            (uintptr_t)stack->high, fault->pcs, room);
}

// --- faults that are not for us to survive ---

static size_t put_text(char *buffer, size_t at, const char *text)
{
    size_t length = strlen(text);
    memcpy(buffer + at, text, length);
    return at + length;
}

static size_t put_hex(char *buffer, size_t at, uintptr_t number)
{
    at = put_text(buffer, at, "0x");
    for (int shift = (int)sizeof number * 8 - 4; shift >= 0; shift -= 4) {
        buffer[at++] = "0123456789abcdef"[number >> shift & 15];
    }
    return at;
}

// Only what is safe in a handler: no lock, no allocation, no formatting.
static void say_inside(const struct kl_runner *runner, int signal, const siginfo_t *info,
        const struct kl_arch_registers *registers)
{
    const char *what = signal == SIGSEGV  ? "SIGSEGV"
                       : signal == SIGBUS ? "SIGBUS"
                       : signal == SIGFPE ? "SIGFPE"
                       : signal == SIGILL ? "SIGILL"
                                          : "SIGABRT";
    const char *where = runner->fiber ? "in a critical section of the runtime"
                                      : "inside the runtime";
    char text[256];
    size_t at = put_text(text, 0, "keel: ");
    at = put_text(text, at, what);
    at = put_text(text, at, " ");
    at = put_text(text, at, where);
    at = put_text(text, at, ", address ");
    at = put_hex(text, at, info->si_code > 0 ? (uintptr_t)info->si_addr : 0);
    at = put_text(text, at, ", pc ");
    at = put_hex(text, at, registers->pc);
    at = put_text(text, at, ". Its state cannot be trusted any more: the node stops.\n");
    ssize_t written = write(STDERR_FILENO, text, at);
    (void)written;
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    int i = 0;
    while (signals[i] != signal) {
        i++;
    }
    const struct sigaction *old = &before[i];
    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(signal, info, context);
    } else if (old->sa_handler == SIG_IGN && info->si_code <= 0) {
        return;
    } else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
        old->sa_handler(signal);
    } else {
        // The default: a fault comes again when we return, a raised signal is sent again
        // and waits until then.
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
        if (info->si_code <= 0) {
            syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
        }
    }
}
