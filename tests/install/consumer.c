// A stranger's program, written against the installed headers; C and C++ alike.

#include <keel/keel.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(keel_version(), KEEL_VERSION) != 0) {
        printf("headers of %s, library of %s\n", KEEL_VERSION, keel_version());
        return 1;
    }
    return 0;
}
