#ifndef KL_WEB_LIVE_SCRIPT_H
#define KL_WEB_LIVE_SCRIPT_H

#include <keel/web/endpoint.h>

// The browser's half of live pages: live.js and morphdom, put together by the build
// (live_script.py).
extern const keel_web_asset kl_live_script;
// Changes with it.
extern const char kl_live_script_version[];

#endif // KL_WEB_LIVE_SCRIPT_H
