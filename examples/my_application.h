#ifndef MY_APPLICATION_H
#define MY_APPLICATION_H

#include <keel/keel.h>

/// The whole of it: `int main(int argc, char **argv) { return keel_main(&my_application,
/// argc, argv); }`.
extern const keel_application my_application;

#endif // MY_APPLICATION_H
