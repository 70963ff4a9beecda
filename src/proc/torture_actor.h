#ifndef KL_TORTURE_ACTOR_H
#define KL_TORTURE_ACTOR_H

// One process of the torture: does whatever chance says to whoever is there, keeps books on
// what it must hear of it, and fails the test when it hears less, more, or in another
// order. A witness traps exits and lives until it is told to finish; a mortal ends by
// itself or is ended, and has the name mortal_name() of its number.

#include "proc_testing.h"

enum { WITNESSES = 4, MORTALS = 6, WITNESS_STEPS = 100, MORTAL_STEPS = 40 };

// {Controller, Number}. The controller gets {worn_out, Self} after the last step; it then
// sends {finish, [Witness, …]}, gets {settled, Self}, and sends `finished`.
void witness(keel_term controller_and_number);
void mortal(keel_term unused);
keel_term mortal_name(int number);
// True for the reasons that there are in this world.
bool is_reason_of_torture(keel_term reason);

#endif // KL_TORTURE_ACTOR_H
