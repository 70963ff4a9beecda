// A source that reaches upstairs, past a face, and for what does not exist.
#include "base/secret.h"
#include "proc/proc.h"
#include "testing/harness.h"
#include <keel/none.h>
