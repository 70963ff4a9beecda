#ifndef MY_SUPERVISOR_H
#define MY_SUPERVISOR_H

#include <keel/keel.h>

keel_started my_supervisor_start_link(keel_term argument);

#endif // MY_SUPERVISOR_H
