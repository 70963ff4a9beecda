#ifndef KL_OTP_APPLICATION_TESTING_H
#define KL_OTP_APPLICATION_TESTING_H

// What the tests of applications share: an application whose argument says what it does,
// and that tells the process registered as `probe` of each call of its functions.
//
//   {start, App, Type, Argument}   {phase, App, Phase, Type, Argument}
//   {prep_stop, App, State}        {stop, App, State}
//
// Arguments of start:
//   []                   a tree with one actor
//   {state, State}       the same, and this state; `crash` in it fails prep_stop and stop
//   {error, Reason}, ignore, nothing, {exit, Reason}
//   bad_child            a tree whose child does not start
//   {wait, Reply}        waits for {go, App} and does as Reply says
//   stubborn             a tree that ends only when told to `leave`

#include "otp_testing.h"
#include <keel/application.h>

// Registers the caller as `probe` and the application as `test_app`. Each test ends with
// application_test_end.
void application_test_begin(void);
// Stops all applications.
void application_test_end(void);

// {application, Name, [{applications, Needed}, {mod, {test_app, Argument}} | More]}
keel_term app_spec(const char *name, keel_term needed, keel_term argument, keel_term more);
// Loads such a one; the test fails when it cannot be loaded. Texts are terms; NULL: [].
keel_term load_app(const char *name, const char *needed, const char *argument);
keel_term load_app_with(
        const char *name, const char *needed, const char *argument, const char *more);
// Loads and starts it.
keel_term start_app(const char *name, const char *needed, const char *argument);
keel_term term_of(const char *text);
// The names of those that run, the last started first.
keel_term running(void);
// The reason that `status`, which must be KEEL_E_REFUSED, came with.
#define CHECK_REFUSED(status, reason, ...)                                                 \
    do {                                                                                   \
        CHECK_INT((status), KEEL_E_REFUSED);                                               \
        CHECK_TERM((reason), __VA_ARGS__);                                                 \
    } while (0)
// Ends the top process of an application with a reason.
void end_top(keel_term name, keel_term reason);

#endif // KL_OTP_APPLICATION_TESTING_H
