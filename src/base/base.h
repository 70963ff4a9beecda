#ifndef KL_BASE_BASE_H
#define KL_BASE_BASE_H

// The face of the room `base`: what every other room may use of it.

#include "alloc.h"
#include "atomic.h"
#include "bounded.h"
#include "clock.h"
#include "hash.h"
#include "here.h"
#include "list.h"
#include "lock.h"
#include "log.h"
#include "panic.h"
#include "pool.h"
#include "sanitize.h"
#include "symbol.h"

#endif // KL_BASE_BASE_H
