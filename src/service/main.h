#ifndef KL_SERVICE_MAIN_H
#define KL_SERVICE_MAIN_H

#include <keel/main.h>

// True while keel_main runs the program, so that keel_main_stop ends it. From any thread.
bool kl_main_is_running(void);

#endif // KL_SERVICE_MAIN_H
