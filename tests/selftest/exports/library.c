// Built with default visibility and without a symbol map.
#include <keel/fixture.h>

int keel_only_exported(void);
int stray(void);

int keel_both(int number) { return number; }
int keel_only_exported(void) { return 2; }
int stray(void) { return 3; }
