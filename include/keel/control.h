#ifndef KEEL_CONTROL_H
#define KEEL_CONTROL_H

#include <keel/application.h>

// The control socket: what the command `keel` talks to (docs/man/keel.md). A Unix socket
// with the permissions 0600, so that the program's own user may look into it and steer it,
// and nobody else. The command is told the path by --control, or by the variable
// KEEL_CONTROL of the environment.

KEEL_BEGIN_DECLS

/// The control socket as an application, `control`. keel_main starts it before the
/// program's own when it is given --control PATH; a program may list it like any other. Its
/// environment: {path, Path}, a binary; an empty one, as at first, opens nothing. A file
/// that a program has left behind is replaced, one at which somebody answers is not: the
/// start fails.
extern KEEL_API const keel_application keel_control;

KEEL_END_DECLS

#endif // KEEL_CONTROL_H
