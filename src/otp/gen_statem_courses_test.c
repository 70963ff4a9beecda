// Courses of a state machine as genuine OTP (release 25) takes them, recorded with
// gen_statem_courses.escript: what the callbacks return, and the events, state, postponed
// events and timeouts that come of it. Random, so that they meet what nobody thinks of.
// One is {Enters, Results, Seen, State, Postponed, Timeouts}, and may have a log.

#include "statem_testing.h"
#include <string.h>

static const char *const courses[] = {
        "{none,[{1,{keep_state,[{next_event,internal,{2,{next_state,b,[]}}},{next_event"
        ",state_timeout,{3,{next_state,c,[hibernate,{next_event,cast,{4,{next_state,a,["
        "{{timeout,x},cancel},postpone]}}},{state_timeout,update,{5,{next_state,c,[{{ti"
        "meout,x},update,{6,{keep_state,[]}}},{timeout,0,{7,{keep_state,[]}}}]}}}]}}}]}"
        "},{8,{keep_state,[]}},{9,{keep_state,[postpone,postpone,{next_event,state_time"
        "out,{10,{next_state,a,[postpone]}}}]}}],[{a,cast,1},{a,internal,2},{b,state_ti"
        "meout,3},{c,cast,4},{a,cast,4},{a,cast,8},{a,cast,9},{a,state_timeout,10}],a,["
        "{cast,4},{cast,9},{state_timeout,10}],[]}.",
        "{none,[{1,{keep_state,[]}},{2,{keep_state,[]}},{3,{keep_state,[{timeout,0,{4,{"
        "next_state,b,[{timeout,0,{5,{repeat_state,[{{timeout,x},infinity,none},{next_e"
        "vent,info,{6,{keep_state,[]}}}]}}}]}}},postpone]}},{7,{next_state,a,[{{timeout"
        ",y},0,{8,{repeat_state,[{postpone,false}]}}},hibernate,{timeout,infinity,none}"
        "]}}],[{a,cast,1},{a,cast,2},{a,cast,3},{a,timeout,4},{b,cast,3},{b,timeout,4},"
        "{b,timeout,5},{b,info,6},{b,cast,7},{a,cast,3},{a,{timeout,y},8}],a,[{cast,3}]"
        ",[]}.",
        "{none,[{1,{next_state,a,[{next_event,{timeout,x},{2,{keep_state,[{next_event,i"
        "nfo,{3,{keep_state,[{state_timeout,0,{4,{keep_state,[]}}},{next_event,info,{5,"
        "{keep_state,[]}}}]}}}]}}},{postpone,false},postpone]}},{6,{keep_state,[{postpo"
        "ne,false},{postpone,false},postpone]}}],[{a,cast,1},{a,{timeout,x},2},{a,info,"
        "3},{a,info,5},{a,state_timeout,4},{a,cast,6}],a,[{cast,1},{cast,6}],[]}.",
        "{none,[{1,{keep_state,[]}},{2,{next_state,b,[{timeout,0,{3,{keep_state,[hibern"
        "ate,{next_event,state_timeout,{4,{repeat_state,[{next_event,state_timeout,{5,{"
        "keep_state,[]}}},{postpone,false}]}}}]}}},postpone,{next_event,state_timeout,{"
        "6,{keep_state,[{{timeout,x},cancel}]}}}]}}],[{a,cast,1},{a,cast,2},{b,state_ti"
        "meout,6},{b,cast,2},{b,state_timeout,6}],b,[{cast,2}],[]}.",
        "{none,[{1,{keep_state,[{postpone,false},{{timeout,y},0,{2,{next_state,c,[]}}}]"
        "}},{3,{next_state,b,[{next_event,internal,{4,{next_state,c,[postpone]}}}]}},{5"
        ",{next_state,c,[{postpone,false},postpone,{timeout,0,{6,{repeat_state,[]}}}]}}"
        "],[{a,cast,1},{a,{timeout,y},2},{c,cast,3},{b,internal,4},{c,internal,4},{c,ca"
        "st,5},{c,timeout,6}],c,[{internal,4},{cast,5}],[]}.",
        "{none,[{1,{next_state,c,[]}},{2,{repeat_state,[postpone,{next_event,internal,{"
        "3,{keep_state,[{next_event,timeout,{4,{keep_state,[{next_event,info,{5,{keep_s"
        "tate,[]}}},{next_event,cast,{6,{keep_state,[]}}}]}}}]}}}]}}],[{a,cast,1},{c,ca"
        "st,2},{c,internal,3},{c,timeout,4},{c,info,5},{c,cast,6}],c,[{cast,2}],[]}.",
        "{none,[{1,{next_state,c,[]}},{2,{keep_state,[]}},{3,{next_state,c,[{next_event"
        ",cast,{4,{next_state,a,[{postpone,false},{state_timeout,cancel},{timeout,0,{5,"
        "{next_state,b,[{{timeout,x},cancel}]}}}]}}},{postpone,false},hibernate]}}],[{a"
        ",cast,1},{c,cast,2},{c,cast,3},{c,cast,4},{a,timeout,5}],b,[],[]}.",
        "{none,[{1,{keep_state,[postpone,{timeout,0,{2,{next_state,a,[{next_event,state"
        "_timeout,{3,{next_state,a,[postpone,postpone]}}}]}}},{postpone,false}]}},{4,{n"
        "ext_state,a,[{state_timeout,infinity,none},hibernate,{next_event,internal,{5,{"
        "next_state,a,[]}}}]}},{6,{keep_state,[]}}],[{a,cast,1},{a,timeout,2},{a,state_"
        "timeout,3},{a,cast,4},{a,internal,5},{a,cast,6}],a,[{state_timeout,3}],[]}.",
        "{#{a => {keep_state,[{timeout,3600000,{1,{keep_state,[]}}}]},b => {keep_state,"
        "[{{timeout,x},0,{2,{keep_state,[]}}}]}},[{3,{next_state,b,[]}},{4,{next_state,"
        "c,[hibernate,{next_event,timeout,{5,{next_state,c,[postpone,{state_timeout,360"
        "0000,{6,{next_state,a,[]}}},{{timeout,x},infinity,none}]}}},{state_timeout,0,{"
        "7,{repeat_state,[{{timeout,x},0,{8,{next_state,c,[postpone]}}},{{timeout,y},ca"
        "ncel}]}}}]}}],[{a,enter,a},{a,cast,3},{b,enter,a},{b,{timeout,x},2},{b,cast,4}"
        ",{c,enter,b},{c,timeout,5}],c,[{timeout,5}],[{state_timeout,6}]}.",
        "{#{},[{1,{keep_state,[{next_event,timeout,{2,{keep_state,[postpone,hibernate]}"
        "}}]}},{3,{keep_state,[{postpone,false}]}},{4,{next_state,b,[postpone]}}],[{a,e"
        "nter,a},{a,cast,1},{a,timeout,2},{a,cast,3},{a,cast,4},{b,enter,a},{b,timeout,"
        "2},{b,cast,4}],b,[{timeout,2},{cast,4}],[]}.",
        "{none,[{1,{next_state,c,[{{timeout,x},cancel},{next_event,info,{2,{next_state,"
        "c,[{next_event,{timeout,x},{3,{next_state,c,[]}}},{state_timeout,infinity,none"
        "}]}}}]}},{4,{keep_state,[{{timeout,x},0,{5,{next_state,c,[]}}}]}},{6,{next_sta"
        "te,b,[{next_event,cast,{7,{next_state,b,[{postpone,false}]}}},postpone,{next_e"
        "vent,timeout,{8,{keep_state,[]}}}]}}],[{a,cast,1},{c,info,2},{c,{timeout,x},3}"
        ",{c,cast,4},{c,{timeout,x},5},{c,cast,6},{b,cast,7},{b,timeout,8},{b,cast,6},{"
        "b,cast,7},{b,timeout,8}],b,[{cast,6}],[]}.",
        "{#{},[{1,{repeat_state,[{{timeout,x},cancel},{postpone,false}]}},{2,{repeat_st"
        "ate,[postpone]}},{3,{next_state,a,[postpone,postpone]}},{4,{repeat_state,[{nex"
        "t_event,{timeout,x},{5,{keep_state,[]}}},{{timeout,x},0,{6,{keep_state,[{postp"
        "one,false},{postpone,false}]}}}]}}],[{a,enter,a},{a,cast,1},{a,enter,a},{a,cas"
        "t,2},{a,enter,a},{a,cast,3},{a,cast,4},{a,enter,a},{a,{timeout,x},5},{a,{timeo"
        "ut,x},6}],a,[{cast,2},{cast,3}],[]}.",
        "{none,[{1,{next_state,b,[{postpone,false}]}},{2,{keep_state,[{timeout,0,{3,{ne"
        "xt_state,a,[{state_timeout,0,{4,{next_state,b,[]}}},{postpone,false},{next_eve"
        "nt,cast,{5,{next_state,b,[{next_event,{timeout,x},{6,{keep_state,[]}}},{next_e"
        "vent,timeout,{7,{keep_state,[]}}},{{timeout,x},update,{8,{keep_state,[]}}}]}}}"
        "]}}},postpone,postpone]}}],[{a,cast,1},{b,cast,2},{b,timeout,3},{a,cast,5},{b,"
        "{timeout,x},6},{b,timeout,7},{b,cast,2},{b,{timeout,x},8}],b,[{cast,2}],[]}.",
        "{#{a => {keep_state,[]},c => {keep_state,[{{timeout,y},cancel}]}},[{1,{next_st"
        "ate,c,[{timeout,cancel},{next_event,state_timeout,{2,{next_state,c,[postpone,h"
        "ibernate,{{timeout,x},cancel}]}}}]}},{3,{keep_state,[{postpone,false},{next_ev"
        "ent,timeout,{4,{next_state,c,[{timeout,0,{5,{keep_state,[postpone]}}}]}}}]}},{"
        "6,{repeat_state,[]}}],[{a,enter,a},{a,cast,1},{c,enter,a},{c,state_timeout,2},"
        "{c,cast,3},{c,timeout,4},{c,timeout,5},{c,cast,6},{c,enter,c}],c,[{state_timeo"
        "ut,2},{timeout,5}],[]}.",
        "{none,[{1,{keep_state,[postpone,postpone,hibernate]}},{2,{keep_state,[]}},{3,{"
        "keep_state,[]}},{4,{keep_state,[{state_timeout,cancel},{timeout,0,{5,{repeat_s"
        "tate,[]}}},postpone]}},{6,{keep_state,[]}},{7,{next_state,b,[{state_timeout,36"
        "00000,{8,{repeat_state,[]}}}]}}],[{a,cast,1},{a,cast,2},{a,cast,3},{a,cast,4},"
        "{a,timeout,5},{a,cast,6},{a,cast,7},{b,cast,1},{b,cast,4},{b,timeout,5}],b,[{c"
        "ast,1},{cast,4}],[]}.",
        "{#{b => {keep_state,[{{timeout,y},infinity,none}]}},[{1,{next_state,a,[{next_e"
        "vent,state_timeout,{2,{next_state,a,[{next_event,state_timeout,{3,{next_state,"
        "b,[postpone,{{timeout,y},3600000,{4,{keep_state,[]}}}]}}}]}}},hibernate]}},{5,"
        "{keep_state,[postpone,postpone]}}],[{a,enter,a},{a,cast,1},{a,state_timeout,2}"
        ",{a,state_timeout,3},{b,enter,a},{b,state_timeout,3},{b,cast,5}],b,[{state_tim"
        "eout,3},{cast,5}],[{{timeout,y},4}]}.",
        "{#{a => {keep_state,[{{timeout,x},update,{1,{keep_state,[]}}}]},b => {keep_sta"
        "te,[{state_timeout,0,{2,{keep_state,[]}}},{{timeout,x},0,{3,{keep_state,[]}}}]"
        "},c => {keep_state,[{state_timeout,0,{4,{keep_state,[]}}}]}},[{5,{keep_state,["
        "postpone,{{timeout,y},update,{6,{next_state,a,[]}}},postpone]}},{7,{next_state"
        ",a,[{state_timeout,0,{8,{repeat_state,[]}}}]}},{9,{next_state,a,[{postpone,fal"
        "se}]}}],[{a,enter,a},{a,{timeout,x},1},{a,cast,5},{a,{timeout,y},6},{a,cast,7}"
        ",{a,state_timeout,8},{a,enter,a},{a,{timeout,x},1},{a,cast,9}],a,[{cast,5}],[]"
        "}.",
        "{none,[{1,{next_state,b,[]}},{2,{repeat_state,[{next_event,internal,{3,{keep_s"
        "tate,[{next_event,state_timeout,{4,{keep_state,[{next_event,internal,{5,{keep_"
        "state,[]}}},{state_timeout,3600000,{6,{keep_state,[]}}}]}}}]}}},{{timeout,y},3"
        "600000,{7,{keep_state,[postpone,hibernate,postpone]}}}]}},{8,{repeat_state,[po"
        "stpone,postpone]}}],[{a,cast,1},{b,cast,2},{b,internal,3},{b,state_timeout,4},"
        "{b,internal,5},{b,cast,8}],b,[{cast,8}],[{state_timeout,6},{{timeout,y},7}]}.",
        "{none,[{1,{next_state,c,[]}},{2,{next_state,c,[{next_event,state_timeout,{3,{n"
        "ext_state,b,[{next_event,internal,{4,{repeat_state,[]}}}]}}},{next_event,cast,"
        "{5,{next_state,c,[{next_event,timeout,{6,{keep_state,[]}}},{postpone,false}]}}"
        "}]}}],[{a,cast,1},{c,cast,2},{c,state_timeout,3},{b,internal,4},{b,cast,5},{c,"
        "timeout,6}],c,[],[]}.",
        "{#{b => {keep_state,[{{timeout,y},0,{1,{keep_state,[]}}}]},c => {keep_state,[{"
        "{timeout,y},0,{2,{keep_state,[]}}},{{timeout,y},0,{3,{keep_state,[]}}}]}},[{4,"
        "{next_state,c,[]}},{5,{next_state,c,[{next_event,{timeout,x},{6,{keep_state,[]"
        "}}}]}}],[{a,enter,a},{a,cast,4},{c,enter,a},{c,{timeout,y},3},{c,cast,5},{c,{t"
        "imeout,x},6}],c,[],[]}.",
        "{none,[{1,{next_state,b,[postpone]}},{2,{next_state,a,[hibernate]}},{3,{keep_s"
        "tate,[{next_event,info,{4,{repeat_state,[{next_event,state_timeout,{5,{repeat_"
        "state,[]}}},{next_event,internal,{6,{repeat_state,[{{timeout,y},0,{7,{keep_sta"
        "te,[]}}}]}}}]}}},{state_timeout,cancel},{next_event,timeout,{8,{keep_state,[]}"
        "}}]}}],[{a,cast,1},{b,cast,1},{b,cast,2},{a,cast,1},{b,cast,1},{b,cast,3},{b,i"
        "nfo,4},{b,state_timeout,5},{b,internal,6},{b,timeout,8},{b,{timeout,y},7}],b,["
        "{cast,1}],[]}.",
        "{#{c => {keep_state,[{timeout,3600000,{1,{keep_state,[]}}},{state_timeout,infi"
        "nity,none}]}},[{2,{next_state,a,[]}},{3,{keep_state,[{postpone,false}]}},{4,{k"
        "eep_state,[{next_event,info,{5,{next_state,c,[]}}},postpone]}}],[{a,enter,a},{"
        "a,cast,2},{a,cast,3},{a,cast,4},{a,info,5},{c,enter,a},{c,cast,4},{c,info,5}],"
        "c,[{cast,4}],[]}.",
        "{none,[{1,{next_state,a,[{postpone,false}]}},{2,{next_state,a,[]}},{3,{keep_st"
        "ate,[{state_timeout,3600000,{4,{repeat_state,[{state_timeout,update,{5,{next_s"
        "tate,b,[{next_event,cast,{6,{keep_state,[]}}},{next_event,timeout,{7,{keep_sta"
        "te,[]}}},{next_event,cast,{8,{keep_state,[]}}}]}}},{next_event,internal,{9,{ne"
        "xt_state,b,[{next_event,cast,{10,{keep_state,[]}}},{next_event,internal,{11,{k"
        "eep_state,[]}}},{next_event,timeout,{12,{keep_state,[]}}}]}}},{{timeout,x},inf"
        "inity,none}]}}},postpone]}}],[{a,cast,1},{a,cast,2},{a,cast,3}],a,[{cast,3}],["
        "{state_timeout,4}]}.",
        "{#{a => {keep_state,[]},c => {keep_state,[{state_timeout,0,{1,{keep_state,[]}}"
        "}]}},[{2,{next_state,c,[{next_event,{timeout,x},{3,{next_state,c,[]}}},{{timeo"
        "ut,x},update,{4,{next_state,a,[postpone,{timeout,0,{5,{keep_state,[]}}},{postp"
        "one,false}]}}},hibernate]}},{6,{next_state,b,[]}}],[{a,enter,a},{a,cast,2},{c,"
        "enter,a},{c,{timeout,x},3},{c,{timeout,x},4},{a,enter,c},{a,timeout,5},{a,cast"
        ",6},{b,enter,a}],b,[],[]}.",
        "{#{b => {keep_state,[{timeout,0,{1,{keep_state,[]}}},{{timeout,x},3600000,{2,{"
        "keep_state,[]}}}]}},[{3,{repeat_state,[]}},{4,{repeat_state,[]}},{5,{next_stat"
        "e,b,[{next_event,state_timeout,{6,{next_state,a,[{next_event,timeout,{7,{keep_"
        "state,[{{timeout,y},3600000,{8,{keep_state,[]}}},{timeout,0,{9,{keep_state,[]}"
        "}},hibernate]}}}]}}}]}},{10,{next_state,b,[{postpone,false}]}}],[{a,enter,a},{"
        "a,cast,3},{a,enter,a},{a,cast,4},{a,enter,a},{a,cast,5},{b,enter,a},{b,state_t"
        "imeout,6},{a,enter,b},{a,timeout,7},{a,timeout,9},{a,cast,10},{b,enter,a},{b,t"
        "imeout,1}],b,[],[{{timeout,x},2},{{timeout,y},8}]}.",
        "{#{a => {keep_state,[{{timeout,y},0,{1,{keep_state,[]}}}]}},[{2,{keep_state,[]"
        "}},{3,{next_state,a,[postpone,hibernate]}},{4,{next_state,a,[]}},{5,{next_stat"
        "e,b,[]}}],[{a,enter,a},{a,{timeout,y},1},{a,cast,2},{a,cast,3},{a,cast,4},{a,c"
        "ast,5},{b,enter,a},{b,cast,3},{a,enter,b},{a,cast,3},{a,{timeout,y},1}],a,[{ca"
        "st,3}],[]}.",
        "{none,[{1,{next_state,b,[{next_event,state_timeout,{2,{next_state,c,[]}}},{nex"
        "t_event,cast,{3,{next_state,b,[{next_event,timeout,{4,{next_state,c,[postpone]"
        "}}},{next_event,state_timeout,{5,{keep_state,[]}}}]}}},hibernate]}},{6,{keep_s"
        "tate,[{postpone,false}]}},{7,{repeat_state,[hibernate]}}],[{a,cast,1},{b,state"
        "_timeout,2},{c,cast,3},{b,timeout,4},{c,timeout,4},{c,state_timeout,5},{c,cast"
        ",6},{c,cast,7}],c,[{timeout,4}],[]}.",
        "{#{b => {keep_state,[{{timeout,x},0,{1,{keep_state,[]}}}]},c => {keep_state,[{"
        "{timeout,x},0,{2,{keep_state,[]}}}]}},[{3,{next_state,b,[]}},{4,{next_state,c,"
        "[{state_timeout,infinity,none},{postpone,false},postpone]}},{5,{next_state,a,["
        "]}},{6,{keep_state,[{{timeout,x},infinity,none},{postpone,false}]}}],[{a,enter"
        ",a},{a,cast,3},{b,enter,a},{b,{timeout,x},1},{b,cast,4},{c,enter,b},{c,cast,4}"
        ",{c,{timeout,x},2},{c,cast,5},{a,enter,c},{a,cast,4},{c,enter,a},{c,cast,4},{c"
        ",{timeout,x},2},{c,cast,6}],c,[{cast,4}],[]}.",
        "{none,[{1,{keep_state,[]}},{2,{next_state,a,[]}},{3,{keep_state,[{next_event,c"
        "ast,{4,{next_state,b,[]}}},{{timeout,y},cancel},{next_event,internal,{5,{keep_"
        "state,[{{timeout,x},0,{6,{keep_state,[postpone,{{timeout,y},cancel},{{timeout,"
        "x},0,{7,{keep_state,[]}}}]}}},hibernate,{next_event,internal,{8,{next_state,c,"
        "[hibernate,{next_event,info,{9,{keep_state,[]}}},{timeout,3600000,{10,{keep_st"
        "ate,[]}}}]}}}]}}}]}}],[{a,cast,1},{a,cast,2},{a,cast,3},{a,cast,4},{b,internal"
        ",5},{b,internal,8},{c,info,9},{c,{timeout,x},6},{c,{timeout,x},7}],c,[{{timeou"
        "t,x},6}],[]}.",
        "{#{a => {keep_state,[{state_timeout,0,{1,{keep_state,[]}}},{{timeout,x},update"
        ",{2,{keep_state,[]}}}]}},[{3,{next_state,c,[]}},{4,{keep_state,[hibernate,{pos"
        "tpone,false}]}},{5,{repeat_state,[]}},{6,{keep_state,[{{timeout,x},cancel}]}}]"
        ",[{a,enter,a},{a,state_timeout,1},{a,{timeout,x},2},{a,cast,3},{c,enter,a},{c,"
        "cast,4},{c,cast,5},{c,enter,c},{c,cast,6}],c,[],[]}.",
        "{#{a => {keep_state,[{{timeout,y},3600000,{1,{keep_state,[]}}},{{timeout,y},in"
        "finity,none}]}},[{2,{repeat_state,[]}},{3,{next_state,c,[hibernate,{state_time"
        "out,0,{4,{keep_state,[]}}}]}}],[{a,enter,a},{a,cast,2},{a,enter,a},{a,cast,3},"
        "{c,enter,a},{c,state_timeout,4}],c,[],[]}.",
        "{none,[{1,{next_state,c,[postpone]}},{2,{keep_state,[]}},{3,{next_state,b,[{ne"
        "xt_event,state_timeout,{4,{next_state,b,[{next_event,info,{5,{repeat_state,[{p"
        "ostpone,false}]}}},hibernate]}}},postpone,{postpone,false}]}}],[{a,cast,1},{c,"
        "cast,1},{c,cast,2},{c,cast,3},{b,state_timeout,4},{b,info,5},{b,cast,1},{c,cas"
        "t,1}],c,[{cast,1}],[]}.",
        "{none,[{1,{next_state,c,[postpone,{{timeout,y},infinity,none}]}},{2,{next_stat"
        "e,c,[{state_timeout,0,{3,{next_state,c,[hibernate,postpone]}}}]}},{4,{next_sta"
        "te,c,[]}},{5,{next_state,b,[{{timeout,x},0,{6,{next_state,b,[]}}}]}},{7,{repea"
        "t_state,[postpone]}}],[{a,cast,1},{c,cast,1},{c,cast,2},{c,state_timeout,3},{c"
        ",cast,4},{c,cast,5},{b,cast,1},{c,cast,1},{c,state_timeout,3},{c,{timeout,x},6"
        "},{b,cast,1},{c,cast,1},{c,state_timeout,3},{c,cast,7}],c,[{cast,1},{state_tim"
        "eout,3},{cast,7}],[]}.",
        "{none,[{1,{repeat_state,[]}},{2,{keep_state,[]}},{3,{next_state,b,[{state_time"
        "out,infinity,none},{state_timeout,0,{4,{next_state,c,[{{timeout,y},3600000,{5,"
        "{next_state,c,[{next_event,internal,{6,{keep_state,[]}}}]}}},hibernate,{timeou"
        "t,3600000,{7,{next_state,a,[{next_event,info,{8,{keep_state,[]}}},{next_event,"
        "internal,{9,{keep_state,[]}}}]}}}]}}},{next_event,info,{10,{keep_state,[]}}}]}"
        "}],[{a,cast,1},{a,cast,2},{a,cast,3},{b,info,10},{b,state_timeout,4}],c,[],[{{"
        "timeout,y},5}]}.",
        "{none,[{1,{next_state,c,[{{timeout,y},3600000,{2,{next_state,a,[]}}},{state_ti"
        "meout,0,{3,{next_state,c,[{next_event,timeout,{4,{next_state,b,[{next_event,ca"
        "st,{5,{keep_state,[]}}}]}}},{postpone,false}]}}}]}},{6,{keep_state,[{{timeout,"
        "x},0,{7,{next_state,c,[{{timeout,x},cancel},hibernate]}}},hibernate]}},{8,{nex"
        "t_state,a,[hibernate,{postpone,false}]}}],[{a,cast,1},{c,state_timeout,3},{c,t"
        "imeout,4},{b,cast,5},{b,cast,6},{b,{timeout,x},7},{c,cast,8}],a,[],[{{timeout,"
        "y},2}]}.",
        "{#{b => {keep_state,[]},c => {keep_state,[{state_timeout,0,{1,{keep_state,[]}}"
        "}]}},[{2,{keep_state,[{next_event,{timeout,x},{3,{next_state,c,[]}}},postpone]"
        "}},{4,{next_state,c,[]}}],[{a,enter,a},{a,cast,2},{a,{timeout,x},3},{c,enter,a"
        "},{c,cast,2},{c,{timeout,x},3},{c,state_timeout,1},{c,cast,4}],c,[{cast,2}],[]"
        "}.",
        "{#{b => {keep_state,[{timeout,update,{1,{keep_state,[]}}}]}},[{2,{next_state,b"
        ",[{next_event,internal,{3,{repeat_state,[]}}},postpone]}},{4,{next_state,a,[{t"
        "imeout,0,{5,{keep_state,[postpone,{next_event,info,{6,{next_state,a,[]}}},hibe"
        "rnate]}}}]}}],[{a,enter,a},{a,cast,2},{b,enter,a},{b,internal,3},{b,enter,b},{"
        "b,cast,2},{b,internal,3},{b,enter,b},{b,timeout,1},{b,cast,4},{a,enter,b},{a,c"
        "ast,2},{b,enter,a},{b,internal,3},{b,enter,b},{b,cast,2},{b,internal,3},{b,ent"
        "er,b},{b,timeout,1}],b,[{cast,2}],[]}.",
        "{#{b => {keep_state,[{{timeout,y},infinity,none},{timeout,0,{1,{keep_state,[]}"
        "}}]}},[{2,{next_state,a,[{state_timeout,3600000,{3,{next_state,b,[]}}},postpon"
        "e]}},{4,{next_state,a,[postpone,postpone]}},{5,{keep_state,[{postpone,false},{"
        "next_event,{timeout,x},{6,{repeat_state,[]}}},postpone]}}],[{a,enter,a},{a,cas"
        "t,2},{a,cast,4},{a,cast,5},{a,{timeout,x},6},{a,enter,a}],a,[{cast,2},{cast,4}"
        ",{cast,5}],[{state_timeout,3}]}.",
        "{#{a => {keep_state,[]},b => {keep_state,[{{timeout,y},0,{1,{keep_state,[]}}},"
        "{state_timeout,0,{2,{keep_state,[]}}}]}},[{3,{next_state,a,[{next_event,timeou"
        "t,{4,{keep_state,[{{timeout,x},0,{5,{keep_state,[]}}}]}}},{{timeout,x},0,{6,{n"
        "ext_state,b,[]}}},postpone]}},{7,{next_state,c,[hibernate,{timeout,infinity,no"
        "ne}]}}],[{a,enter,a},{a,cast,3},{a,timeout,4},{a,{timeout,x},5},{a,cast,7},{c,"
        "enter,a},{c,cast,3},{a,enter,c},{a,timeout,4},{a,cast,3},{a,timeout,4},{a,{tim"
        "eout,x},5}],a,[{cast,3}],[]}.",
        "{#{a => {keep_state,[]}},[{1,{repeat_state,[]}},{2,{next_state,b,[{postpone,fa"
        "lse},postpone,{state_timeout,cancel}]}},{3,{keep_state,[{next_event,cast,{4,{r"
        "epeat_state,[{{timeout,x},0,{5,{next_state,b,[{next_event,state_timeout,{6,{ke"
        "ep_state,[]}}}]}}}]}}},postpone,{postpone,false}]}},{7,{next_state,c,[{next_ev"
        "ent,info,{8,{next_state,a,[]}}}]}}],[{a,enter,a},{a,cast,1},{a,enter,a},{a,cas"
        "t,2},{b,enter,a},{b,cast,2},{b,cast,3},{b,cast,4},{b,enter,b},{b,{timeout,x},5"
        "},{b,state_timeout,6},{b,cast,7},{c,enter,b},{c,info,8},{a,enter,c},{a,cast,2}"
        ",{b,enter,a},{b,cast,2}],b,[{cast,2}],[]}.",
        "{none,[{1,{keep_state,[postpone]}},{2,{next_state,c,[]}},{3,{keep_state,[postp"
        "one,{next_event,internal,{4,{keep_state,[postpone,postpone]}}}]}},{5,{next_sta"
        "te,b,[{{timeout,y},update,{6,{next_state,a,[hibernate]}}},hibernate]}},{7,{kee"
        "p_state,[postpone,hibernate]}}],[{a,cast,1},{a,cast,2},{c,cast,1},{c,cast,3},{"
        "c,internal,4},{c,cast,5},{b,cast,1},{b,cast,3},{b,internal,4},{b,internal,4},{"
        "b,{timeout,y},6},{a,cast,1},{a,cast,3},{a,internal,4},{a,internal,4},{a,intern"
        "al,4},{a,cast,7}],a,[{cast,1},{cast,3},{internal,4},{internal,4},{internal,4},"
        "{cast,7}],[]}.",
        "{none,[{1,{keep_state,[{timeout,cancel},postpone]}},{2,{next_state,b,[{{timeou"
        "t,x},3600000,{3,{next_state,b,[{postpone,false}]}}}]}},{4,{keep_state,[postpon"
        "e,hibernate,{{timeout,y},update,{5,{repeat_state,[postpone]}}}]}}],[{a,cast,1}"
        ",{a,cast,2},{b,cast,1},{b,cast,4},{b,{timeout,y},5}],b,[{cast,1},{cast,4},{{ti"
        "meout,y},5}],[{{timeout,x},3}]}.",
        "{none,[{1,{keep_state,[]}},{2,{repeat_state,[{postpone,false},{{timeout,x},0,{"
        "3,{next_state,c,[postpone,{{timeout,x},update,{4,{keep_state,[{next_event,info"
        ",{5,{keep_state,[]}}},postpone,postpone]}}}]}}},{next_event,{timeout,x},{6,{ke"
        "ep_state,[hibernate,{next_event,state_timeout,{7,{repeat_state,[{next_event,{t"
        "imeout,x},{8,{keep_state,[]}}},{next_event,{timeout,x},{9,{keep_state,[]}}}]}}"
        "}]}}}]}}],[{a,cast,1},{a,cast,2},{a,{timeout,x},6},{a,state_timeout,7},{a,{tim"
        "eout,x},8},{a,{timeout,x},9},{a,{timeout,x},3},{c,{timeout,x},3},{c,{timeout,x"
        "},4},{c,info,5}],c,[{{timeout,x},3},{{timeout,x},4}],[]}.",
        "{#{b => {keep_state,[{{timeout,y},0,{1,{keep_state,[]}}},{state_timeout,infini"
        "ty,none}]}},[{2,{keep_state,[{next_event,internal,{3,{repeat_state,[{next_even"
        "t,state_timeout,{4,{next_state,a,[]}}},{timeout,update,{5,{next_state,b,[]}}},"
        "hibernate]}}},{timeout,0,{6,{keep_state,[postpone]}}},{postpone,false}]}},{7,{"
        "keep_state,[hibernate,{{timeout,x},cancel},{next_event,state_timeout,{8,{repea"
        "t_state,[]}}}]}},{9,{keep_state,[]}}],[{a,enter,a},{a,cast,2},{a,internal,3},{"
        "a,enter,a},{a,state_timeout,4},{a,cast,7},{a,state_timeout,8},{a,enter,a},{a,c"
        "ast,9}],a,[],[]}.",
        "{#{a => {keep_state,[]}},[{1,{next_state,b,[]}},{2,{keep_state,[{timeout,36000"
        "00,{3,{next_state,b,[hibernate]}}},postpone,{{timeout,x},infinity,none}]}},{4,"
        "{next_state,b,[]}},{5,{next_state,c,[{next_event,internal,{6,{keep_state,[{{ti"
        "meout,y},update,{7,{keep_state,[{{timeout,x},0,{8,{keep_state,[]}}},{state_tim"
        "eout,update,{9,{keep_state,[]}}},postpone]}}}]}}},postpone,postpone]}}],[{a,en"
        "ter,a},{a,cast,1},{b,enter,a},{b,cast,2},{b,cast,4},{b,cast,5},{c,enter,b},{c,"
        "internal,6},{c,cast,2},{c,cast,5},{c,internal,6},{c,{timeout,y},7},{c,{timeout"
        ",x},8},{c,state_timeout,9}],c,[{cast,2},{cast,5},{{timeout,y},7}],[]}.",
        // With what a debug function is told of.
        "{none,[{1,{keep_state,[{next_event,internal,{2,{next_state,b,[]}}},{next_event"
        ",state_timeout,{3,{next_state,c,[hibernate,{next_event,cast,{4,{next_state,a,["
        "{{timeout,x},cancel},postpone]}}},{state_timeout,update,{5,{next_state,c,[{{ti"
        "meout,x},update,{6,{keep_state,[]}}},{timeout,0,{7,{keep_state,[]}}}]}}}]}}}]}"
        "},{8,{keep_state,[]}},{9,{keep_state,[postpone,postpone,{next_event,state_time"
        "out,{10,{next_state,a,[postpone]}}}]}}],[{a,cast,1},{a,internal,2},{b,state_ti"
        "meout,3},{c,cast,4},{a,cast,4},{a,cast,8},{a,cast,9},{a,state_timeout,10}],a,["
        "{cast,4},{cast,9},{state_timeout,10}],[],[{enter,a},{consume,internal,init_sta"
        "te,a,a},{in,cast,block,a},{consume,cast,block,a,a},{in,cast,1,a},{in,internal,"
        "2,a},{in,state_timeout,3,a},{consume,cast,1,a,a},{consume,internal,2,a,b},{in,"
        "cast,4,c},{consume,state_timeout,3,b,c},{postpone,cast,4,c,a},{postpone,cast,4"
        ",a,a},{in,cast,8,a},{consume,cast,8,a,a},{in,cast,9,a},{in,state_timeout,10,a}"
        ",{postpone,cast,9,a,a},{postpone,state_timeout,10,a,a}]}.",
        "{none,[{1,{keep_state,[]}},{2,{keep_state,[]}},{3,{keep_state,[{timeout,0,{4,{"
        "next_state,b,[{timeout,0,{5,{repeat_state,[{{timeout,x},infinity,none},{next_e"
        "vent,info,{6,{keep_state,[]}}}]}}}]}}},postpone]}},{7,{next_state,a,[{{timeout"
        ",y},0,{8,{repeat_state,[{postpone,false}]}}},hibernate,{timeout,infinity,none}"
        "]}}],[{a,cast,1},{a,cast,2},{a,cast,3},{a,timeout,4},{b,cast,3},{b,timeout,4},"
        "{b,timeout,5},{b,info,6},{b,cast,7},{a,cast,3},{a,{timeout,y},8}],a,[{cast,3}]"
        ",[],[{enter,a},{consume,internal,init_state,a,a},{in,cast,block,a},{consume,ca"
        "st,block,a,a},{in,cast,1,a},{consume,cast,1,a,a},{in,cast,2,a},{consume,cast,2"
        ",a,a},{in,cast,3,a},{postpone,cast,3,a,a},{start_timer,timeout,0,4,[],a},{in,t"
        "imeout,4,a},{consume,timeout,4,a,b},{start_timer,timeout,0,5,[],b},{postpone,c"
        "ast,3,b,b},{start_timer,timeout,0,4,[],b},{in,timeout,4,b},{consume,timeout,4,"
        "b,b},{start_timer,timeout,0,5,[],b},{in,timeout,5,b},{in,info,6,b},{consume,ti"
        "meout,5,b,b},{consume,info,6,b,b},{in,cast,7,b},{consume,cast,7,b,a},{start_ti"
        "mer,{timeout,y},0,8,[],a},{postpone,cast,3,a,a},{start_timer,timeout,0,4,[],a}"
        ",{in,{timeout,y},8,a},{consume,{timeout,y},8,a,a}]}.",
        "{none,[{1,{next_state,a,[{next_event,{timeout,x},{2,{keep_state,[{next_event,i"
        "nfo,{3,{keep_state,[{state_timeout,0,{4,{keep_state,[]}}},{next_event,info,{5,"
        "{keep_state,[]}}}]}}}]}}},{postpone,false},postpone]}},{6,{keep_state,[{postpo"
        "ne,false},{postpone,false},postpone]}}],[{a,cast,1},{a,{timeout,x},2},{a,info,"
        "3},{a,info,5},{a,state_timeout,4},{a,cast,6}],a,[{cast,1},{cast,6}],[],[{enter"
        ",a},{consume,internal,init_state,a,a},{in,cast,block,a},{consume,cast,block,a,"
        "a},{in,cast,1,a},{in,{timeout,x},2,a},{postpone,cast,1,a,a},{in,info,3,a},{con"
        "sume,{timeout,x},2,a,a},{in,info,5,a},{consume,info,3,a,a},{start_timer,state_"
        "timeout,0,4,[],a},{consume,info,5,a,a},{in,state_timeout,4,a},{consume,state_t"
        "imeout,4,a,a},{in,cast,6,a},{postpone,cast,6,a,a}]}.",
        "{none,[{1,{keep_state,[]}},{2,{next_state,b,[{timeout,0,{3,{keep_state,[hibern"
        "ate,{next_event,state_timeout,{4,{repeat_state,[{next_event,state_timeout,{5,{"
        "keep_state,[]}}},{postpone,false}]}}}]}}},postpone,{next_event,state_timeout,{"
        "6,{keep_state,[{{timeout,x},cancel}]}}}]}}],[{a,cast,1},{a,cast,2},{b,state_ti"
        "meout,6},{b,cast,2},{b,state_timeout,6}],b,[{cast,2}],[],[{enter,a},{consume,i"
        "nternal,init_state,a,a},{in,cast,block,a},{consume,cast,block,a,a},{in,cast,1,"
        "a},{consume,cast,1,a,a},{in,cast,2,a},{in,state_timeout,6,b},{postpone,cast,2,"
        "a,b},{start_timer,timeout,0,3,[],b},{consume,state_timeout,6,b,b},{in,state_ti"
        "meout,6,b},{postpone,cast,2,b,b},{start_timer,timeout,0,3,[],b},{consume,state"
        "_timeout,6,b,b}]}.",
        "{none,[{1,{next_state,a,[{{timeout,y},infinity,none},{state_timeout,0,{2,{keep"
        "_state,[{next_event,{timeout,x},{3,{repeat_state,[{timeout,0,{4,{keep_state,[]"
        "}}}]}}},{next_event,cast,{5,{next_state,c,[]}}}]}}},{state_timeout,0,{6,{next_"
        "state,a,[]}}}]}},{7,{next_state,a,[{next_event,state_timeout,{8,{next_state,b,"
        "[{next_event,timeout,{9,{repeat_state,[postpone,{next_event,state_timeout,{10,"
        "{keep_state,[]}}},postpone]}}}]}}},hibernate]}},{11,{next_state,c,[{postpone,f"
        "alse},{timeout,0,{12,{next_state,a,[{next_event,cast,{13,{keep_state,[{postpon"
        "e,false}]}}}]}}},{timeout,0,{14,{next_state,a,[{state_timeout,cancel},{next_ev"
        "ent,info,{15,{keep_state,[postpone]}}}]}}}]}},{16,{keep_state,[hibernate]}}],["
        "{a,cast,1},{a,state_timeout,6},{a,cast,7},{a,state_timeout,8},{b,timeout,9},{b"
        ",state_timeout,10},{b,cast,11},{c,timeout,9},{c,state_timeout,10},{c,cast,16}]"
        ",c,[{timeout,9}],[],[{enter,a},{consume,internal,init_state,a,a},{in,cast,bloc"
        "k,a},{consume,cast,block,a,a},{in,cast,1,a},{consume,cast,1,a,a},{start_timer,"
        "state_timeout,0,6,[],a},{in,state_timeout,6,a},{consume,state_timeout,6,a,a},{"
        "in,cast,7,a},{in,state_timeout,8,a},{consume,cast,7,a,a},{in,timeout,9,b},{con"
        "sume,state_timeout,8,a,b},{in,state_timeout,10,b},{postpone,timeout,9,b,b},{co"
        "nsume,state_timeout,10,b,b},{in,cast,11,b},{consume,cast,11,b,c},{start_timer,"
        "timeout,0,14,[],c},{in,state_timeout,10,c},{postpone,timeout,9,c,c},{consume,s"
        "tate_timeout,10,c,c},{in,cast,16,c},{consume,cast,16,c,c}]}.",
        "{#{a => {keep_state,[{{timeout,x},cancel}]}},[{1,{keep_state,[]}},{2,{next_sta"
        "te,c,[{next_event,{timeout,x},{3,{next_state,b,[{next_event,internal,{4,{next_"
        "state,a,[postpone,{{timeout,x},infinity,none}]}}},{{timeout,x},update,{5,{next"
        "_state,b,[hibernate,{timeout,3600000,{6,{keep_state,[]}}},postpone]}}},{state_"
        "timeout,0,{7,{next_state,b,[]}}}]}}},{next_event,info,{8,{next_state,c,[{next_"
        "event,{timeout,x},{9,{next_state,c,[]}}},{postpone,false},{next_event,state_ti"
        "meout,{10,{next_state,b,[{state_timeout,0,{11,{keep_state,[]}}}]}}}]}}},{next_"
        "event,info,{12,{next_state,a,[{next_event,timeout,{13,{keep_state,[{postpone,f"
        "alse}]}}},{postpone,false}]}}}]}}],[{a,enter,a},{a,cast,1},{a,cast,2},{c,enter"
        ",a},{c,{timeout,x},3},{b,enter,c},{b,internal,4},{a,enter,b},{a,internal,4},{a"
        ",info,8},{c,enter,a},{c,{timeout,x},9},{c,state_timeout,10},{b,enter,c},{b,int"
        "ernal,4},{a,enter,b},{a,internal,4},{a,info,12},{a,timeout,13}],a,[{internal,4"
        "}],[],[{enter,a},{consume,internal,init_state,a,a},{in,cast,block,a},{consume,"
        "cast,block,a,a},{in,cast,1,a},{consume,cast,1,a,a},{in,cast,2,a},{in,{timeout,"
        "x},3,c},{in,info,8,c},{in,info,12,c},{consume,cast,2,a,c},{in,internal,4,b},{c"
        "onsume,{timeout,x},3,c,b},{start_timer,state_timeout,0,7,[],b},{postpone,inter"
        "nal,4,b,a},{postpone,internal,4,a,a},{in,{timeout,x},9,c},{in,state_timeout,10"
        ",c},{consume,info,8,a,c},{consume,{timeout,x},9,c,c},{consume,state_timeout,10"
        ",c,b},{start_timer,state_timeout,0,11,[],b},{postpone,internal,4,b,a},{postpon"
        "e,internal,4,a,a},{in,timeout,13,a},{consume,info,12,a,a},{consume,timeout,13,"
        "a,a}]}.",
        "{#{a => {keep_state,[]}},[{1,{keep_state,[{postpone,false},{next_event,state_t"
        "imeout,{2,{next_state,a,[postpone]}}},{postpone,false}]}},{3,{keep_state,[post"
        "pone,{postpone,false},hibernate]}},{4,{keep_state,[postpone]}}],[{a,enter,a},{"
        "a,cast,1},{a,state_timeout,2},{a,cast,3},{a,cast,4}],a,[{state_timeout,2},{cas"
        "t,4}],[],[{enter,a},{consume,internal,init_state,a,a},{in,cast,block,a},{consu"
        "me,cast,block,a,a},{in,cast,1,a},{in,state_timeout,2,a},{consume,cast,1,a,a},{"
        "postpone,state_timeout,2,a,a},{in,cast,3,a},{consume,cast,3,a,a},{in,cast,4,a}"
        ",{postpone,cast,4,a,a}]}.",
        "{none,[{1,{keep_state,[postpone,{{timeout,y},infinity,none}]}},{2,{keep_state,"
        "[]}}],[{a,cast,1},{a,cast,2}],a,[{cast,1}],[],[{enter,a},{consume,internal,ini"
        "t_state,a,a},{in,cast,block,a},{consume,cast,block,a,a},{in,cast,1,a},{postpon"
        "e,cast,1,a,a},{in,cast,2,a},{consume,cast,2,a,a}]}.",
};

// A course may go round in circles: after so many events nothing is done any more.
enum { ENOUGH = 60 };

struct traveller {
    keel_term seen; // kept: {State, Type, Number}, newest first
    keel_term enters; // kept: a map from states to {keep_state, Actions}
    int64_t count;
};

static keel_result init(keel_term enters, void *data)
{
    struct traveller *self = data;
    keel_set(&self->enters, enters);
    keel_set(&self->seen, keel_nil());
    return keel_ok_in(keel_atom(a));
}

static void note(struct traveller *self, const keel_event *event, keel_term what)
{
    keel_term seen = keel_tuple_of(event->state, keel_event_type_term(event), what);
    keel_set(&self->seen, keel_cons(seen, self->seen));
    self->count++;
}

static keel_result follow(keel_term result)
{
    keel_term state = KEEL_NONE;
    keel_term actions = KEEL_NONE;
    if (keel_match(result, "{next_state, State, Actions}", &state, &actions)) {
        return keel_next_state(state, actions);
    }
    if (keel_match(result, "{repeat_state, Actions}", &actions)) {
        return keel_repeat_state(actions);
    }
    return keel_match(result, "{keep_state, Actions}", &actions) ? keel_keep_state(actions)
                                                                 : keel_keep_state();
}

static keel_result travel(const keel_event *event, void *data)
{
    struct traveller *self = data;
    bool enough = self->count > ENOUGH;
    if (keel_is(event->content, block)) {
        CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
        return keel_keep_state();
    }
    if (keel_is(event->content, seen)) {
        return keel_keep_state(keel_do_reply(event->from, keel_list_reverse(self->seen)));
    }
    if (keel_event_is_enter(event)) {
        note(self, event, event->content);
        return enough ? keel_keep_state()
                      : follow(keel_map_get(self->enters, event->state));
    }
    note(self, event, keel_element(event->content, 0));
    return enough ? keel_keep_state() : follow(keel_element(event->content, 1));
}

#define TRAVELLER                                                                          \
    .data = KEEL_STATE(struct traveller, seen, enters, count), .init = init,               \
    .handle_event = travel
static const keel_gen_statem plain = {.name = "plain", TRAVELLER};
static const keel_gen_statem entering = {
        .name = "entering", TRAVELLER, .state_enter = true};

// [{Type, Number}, …] of [{Type, {Number, Result}}, …].
static keel_term numbers(keel_term events)
{
    keel_term list = keel_nil();
    keel_term event;
    while (keel_list_next(&events, &event)) {
        keel_term content = keel_element(event, 1);
        keel_term number = keel_is_tuple(content) ? keel_element(content, 0) : content;
        list = keel_cons(keel_tuple_of(keel_element(event, 0), number), list);
    }
    return keel_list_reverse(list);
}

// The same events, in whatever order.
static void check_set(keel_term actual, keel_term expected)
{
    size_t left, right;
    keel_term event;
    CHECK(keel_list_length(actual, &left) && keel_list_length(expected, &right));
    CHECK_INT(left, right);
    while (keel_list_next(&actual, &event)) {
        CHECK(keel_list_member(event, expected));
    }
}

static bool is_of_seen(keel_term told)
{
    return keel_match(told, "{out, _, _}") || keel_match(told, "{_, {{call, _}, _}, _}") ||
           keel_match(told, "{_, {{call, _}, _}, _, _}");
}

// What debug functions are told of, with numbers for contents, less what the question for
// what was seen causes.
static keel_term log_of(keel_pid pid)
{
    keel_term log = KEEL_NONE;
    keel_term list = keel_nil();
    keel_term told;
    CHECK_OK(keel_sys_log(pid, keel_atom(get), &log));
    while (keel_list_next(&log, &told)) {
        keel_term what = keel_element(told, 0);
        keel_term event = keel_element(told, 1);
        keel_term state = keel_element(told, 2);
        if (is_of_seen(told)) {
            continue;
        }
        if (keel_is(what, enter)) {
            list = keel_cons(keel_make("{enter, State}", state), list);
            continue;
        }
        bool starts = keel_is(what, start_timer);
        keel_term content = keel_element(event, starts ? 2 : 1);
        content = keel_is_tuple(content) ? keel_element(content, 0) : content;
        keel_term type = keel_element(event, 0);
        list = keel_cons(
                starts ? keel_make("{What, Type, Time, Content, Options, State}", what,
                                 type, keel_element(event, 1), content,
                                 keel_element(event, 3), state)
                : keel_is(what, in)
                        ? keel_make("{in, Type, Content, State}", type, content, state)
                        : keel_make("{What, Type, Content, State, Next}", what, type,
                                  content, state, keel_element(told, 3)),
                list);
    }
    return keel_list_reverse(list);
}

static void take_course(keel_term course)
{
    keel_term enters = keel_element(course, 0);
    keel_term steps = keel_element(course, 1);
    keel_term step;
    bool logs = keel_tuple_size(course) == 7;
    keel_term debug = logs ? keel_make("[{log, 300}]") : KEEL_NONE;
    keel_pid pid = actor_started(
            keel_is_map(enters)
                    ? keel_gen_statem_start(&entering, enters, .debug = debug)
                    : keel_gen_statem_start(&plain, keel_nil(), .debug = debug));
    CHECK_OK(keel_cast(pid, keel_atom(block)));
    while (keel_list_next(&steps, &step)) {
        CHECK_OK(keel_cast(pid, step));
    }
    CHECK_OK(keel_send(pid, keel_atom(go)));
    CHECK_EQUAL(
            keel_gen_statem_call_or_exit(pid, keel_atom(seen)), keel_element(course, 2));
    CHECK_EQUAL(keel_element(state_of(pid), 0), keel_element(course, 3));
    keel_term status = KEEL_NONE;
    keel_term timeouts = KEEL_NONE;
    keel_term postponed = KEEL_NONE;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK(keel_match(status,
            "{status, _, _, [_, _, _, _, [_, {data, [_, _, _, {_, {_, Timeouts}}, _, {_, "
            "Postponed}]} | _]]}",
            &timeouts, &postponed));
    CHECK_EQUAL(numbers(postponed), keel_element(course, 4));
    check_set(numbers(timeouts), keel_element(course, 5));
    if (logs) {
        CHECK_EQUAL(log_of(pid), keel_element(course, 6));
    }
    end_process(pid);
}

PROCESS_TEST("random courses are those of OTP",
        .ids = "SM-060 SM-062 SM-069 SM-072 SM-075 SM-076 SM-077 SM-081 SM-083 SM-089 "
               "SM-099 "
               "SM-104 SM-109")
{
    for (size_t i = 0; i < KEEL_COUNT(courses); i++) {
        keel_term course = KEEL_NONE;
        size_t at = 0;
        CHECK_OK(keel_parse_next(courses[i], strlen(courses[i]), &at, &course, NULL));
        take_course(course);
    }
}
