#include <unistd.h>

void test(void) { usleep(10); }
