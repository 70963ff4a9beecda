#ifndef KL_TERM_ERLANG_TESTING_H
#define KL_TERM_ERLANG_TESTING_H

#include <keel/term.h>
#include <sys/types.h>

// For tests beside a real Erlang: an escript that answers frames of {packet, 4} on its
// standard input with one each on its standard output. Failures end the test.
struct kl_erlang {
    pid_t pid;
    int to, from;
    uint8_t *answer; // the last one
    size_t room; // bytes an answer may have
};

// Skips the test where no Erlang is installed. Prints the release, which the escript tells
// when it is asked 'v'.
struct kl_erlang kl_erlang_start(const char *escript, size_t room);
// Asks `op` with `size` bytes of `data` behind it; the answer is valid until the next one.
keel_bytes kl_erlang_ask(struct kl_erlang *erlang, char op, const void *data, size_t size);
void kl_erlang_stop(struct kl_erlang *erlang);

#endif // KL_TERM_ERLANG_TESTING_H
