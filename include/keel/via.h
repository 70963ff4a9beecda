#ifndef KEEL_VIA_H
#define KEEL_VIA_H

#include <keel/message.h>

// Names that a process other than the runtime keeps: {via, Module, Key}. {global, Name}
// is {via, global, Name}.

KEEL_BEGIN_DECLS

/// A keeper of names. The functions run in the process (or outside thread) that uses the
/// name and may call and wait. Static: it must outlive the runtime.
typedef struct keel_via_ops {
    /// Who has the name, or none.
    keel_pid (*whereis)(keel_term key);
    /// Gives `pid` the name; false: it is taken. Called by the new process itself, so the
    /// keeper can link to it or monitor it, and must free the name when it ends.
    bool (*register_name)(keel_term key, keel_pid pid);
    void (*unregister_name)(keel_term key);
    /// Sends to who has the name. NULL: whereis and send.
    keel_status (*send)(keel_term key, keel_term message);
} keel_via_ops;

/// Makes `module` known as a keeper of names; a second one takes the first one's place.
/// @param ops  @borrows for good; NULL: `module` is no keeper any more
/// @return KEEL_OK, KEEL_E_BADARG (no atom, a function is missing), KEEL_E_NOMEM
/// @thread any
/// @since 0.1
KEEL_API keel_status keel_via_register(keel_term module, const keel_via_ops *ops);

/// Who a server's name stands for: the pid of a pid, an atom, {via, Module, Key},
/// {global, Name} or {Name, Node} of this node; {Name, Node} for another node; KEEL_NONE
/// when there is nobody. Elixir: GenServer.whereis/1. @thread any @since 0.1
#define keel_server_whereis(server) keel_server_whereis_term(KEEL_TO(server))
KEEL_API keel_term keel_server_whereis_term(keel_term server);
/// keel_send to any name of a server; KEEL_E_BADARG when nobody has it.
/// @thread any @since 0.1
#define keel_server_send(server, message) keel_server_send_term(KEEL_TO(server), (message))
KEEL_API keel_status keel_server_send_term(keel_term server, keel_term message);

KEEL_END_DECLS

#endif // KEEL_VIA_H
