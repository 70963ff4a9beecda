#ifndef KL_OTP_REPORT_H
#define KL_OTP_REPORT_H

#include <keel/report.h>

// Sees to it that crashes become reports; called by every start.
void kl_report_crashes(void);

// False when nobody would see a report of this level: then it need not be built.
bool kl_report_wanted(keel_report_level level);

#endif // KL_OTP_REPORT_H
