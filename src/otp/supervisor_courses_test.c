// Courses of a supervisor as genuine OTP (release 25) takes them, recorded with
// supervisor_courses.escript: children that crash, decline or fail to start, and requests.
// Random, so that they meet what nobody thinks of. One is {{Strategy, Intensity,
// AutoShutdown}, Children, Operations, Trace}, a child {Id, Restart, Significant, Shutdown,
// TrapsExits, Fails, Ignores}: which of its starts fail, and which decline.

#include "otp_testing.h"
#include <string.h>

static const char *const courses[] = {
        "{{one_for_all,4,all_significant},[{a,permanent,false,brutal_kill,true,[],[]}],"
        "[{start_child,{c,permanent,false,5000,true,[2],[3]}},{restart_child,b},{termin"
        "ate_child,b},{crash,c,boom},{crash,b,{shutdown,x}},{crash,e,kill}],[{start,ok}"
        ",{init,a,1},{init,c,1},{{start_child,{c,permanent,false,5000,true,[2],[3]}},{o"
        "k,pid},[{c,pid},{a,pid}]},{{restart_child,b},{error,not_found},[{c,pid},{a,pid"
        "}]},{{terminate_child,b},{error,not_found},[{c,pid},{a,pid}]},{terminate,c,boo"
        "m},{init,a,2},{fail,c,2},{init,a,3},{ignore,c,3},{{crash,c,boom},boom,[{c,unde"
        "fined},{a,pid}]},{{crash,b,{shutdown,x}},none,[{c,undefined},{a,pid}]},{{crash"
        ",e,kill},none,[{c,undefined},{a,pid}]}]}.",
        "{{one_for_one,2,all_significant},[{a,permanent,false,5000,true,[2],[]},{b,perm"
        "anent,false,brutal_kill,true,[],[]}],[{start_child,{a,permanent,false,brutal_k"
        "ill,true,[3],[3]}},{crash,b,shutdown},{crash,a,boom}],[{start,ok},{init,a,1},{"
        "init,b,1},{{start_child,{a,permanent,false,brutal_kill,true,[3],[3]}},{error,a"
        "lready_started},[{b,pid},{a,pid}]},{terminate,b,shutdown},{init,b,2},{{crash,b"
        ",shutdown},shutdown,[{b,pid},{a,pid}]},{terminate,a,boom},{fail,a,2},{down,shu"
        "tdown}]}.",
        "{{rest_for_one,2,any_significant},[{a,transient,false,5000,true,[],[]}],[{cras"
        "h,d,shutdown},{delete_child,b},{restart_child,a},{delete_child,c},{start_child"
        ",{b,permanent,false,5000,true,[],[]}},{start_child,{a,permanent,false,5000,fal"
        "se,[],[]}},{crash,d,normal},{crash,e,kill}],[{start,ok},{init,a,1},{{crash,d,s"
        "hutdown},none,[{a,pid}]},{{delete_child,b},{error,not_found},[{a,pid}]},{{rest"
        "art_child,a},{error,running},[{a,pid}]},{{delete_child,c},{error,not_found},[{"
        "a,pid}]},{init,b,1},{{start_child,{b,permanent,false,5000,true,[],[]}},{ok,pid"
        "},[{b,pid},{a,pid}]},{{start_child,{a,permanent,false,5000,false,[],[]}},{erro"
        "r,already_started},[{b,pid},{a,pid}]},{{crash,d,normal},none,[{b,pid},{a,pid}]"
        "},{{crash,e,kill},none,[{b,pid},{a,pid}]}]}.",
        "{{one_for_one,1,any_significant},[{a,permanent,false,5000,true,[],[]},{b,tempo"
        "rary,true,brutal_kill,false,[2,4],[]}],[{terminate_child,b},{crash,d,boom},{cr"
        "ash,b,kill},{crash,b,normal},{delete_child,c},{crash,d,normal},{start_child,{b"
        ",temporary,true,brutal_kill,true,[],[]}}],[{start,ok},{init,a,1},{init,b,1},{{"
        "terminate_child,b},ok,[{a,pid}]},{{crash,d,boom},none,[{a,pid}]},{{crash,b,kil"
        "l},none,[{a,pid}]},{{crash,b,normal},none,[{a,pid}]},{{delete_child,c},{error,"
        "not_found},[{a,pid}]},{{crash,d,normal},none,[{a,pid}]},{init,b,2},{{start_chi"
        "ld,{b,temporary,true,brutal_kill,true,[],[]}},{ok,pid},[{b,pid},{a,pid}]}]}.",
        "{{one_for_all,3,all_significant},[{a,temporary,true,5000,false,[],[]},{b,perma"
        "nent,false,5000,false,[4],[]}],[{crash,e,boom},{restart_child,a},{delete_child"
        ",d},{delete_child,b},{crash,a,shutdown},{restart_child,e},{crash,c,normal},{cr"
        "ash,e,boom},{crash,b,shutdown}],[{start,ok},{init,a,1},{init,b,1},{{crash,e,bo"
        "om},none,[{b,pid},{a,pid}]},{{restart_child,a},{error,running},[{b,pid},{a,pid"
        "}]},{{delete_child,d},{error,not_found},[{b,pid},{a,pid}]},{{delete_child,b},{"
        "error,running},[{b,pid},{a,pid}]},{terminate,a,shutdown},{down,shutdown}]}.",
        "{{rest_for_one,5,any_significant},[{a,permanent,false,5000,true,[3],[3]},{b,te"
        "mporary,true,5000,true,[],[1]},{c,transient,true,5000,false,[3],[]},{d,tempora"
        "ry,false,5000,true,[],[]}],[{crash,b,boom},{start_child,{c,transient,false,bru"
        "tal_kill,true,[],[]}},{crash,a,kill},{crash,e,boom},{restart_child,b},{restart"
        "_child,b}],[{start,ok},{init,a,1},{ignore,b,1},{init,c,1},{init,d,1},{{crash,b"
        ",boom},none,[{d,pid},{c,pid},{a,pid}]},{{start_child,{c,transient,false,brutal"
        "_kill,true,[],[]}},{error,already_started},[{d,pid},{c,pid},{a,pid}]},{termina"
        "te,d,shutdown},{init,a,2},{init,c,2},{{crash,a,kill},killed,[{c,pid},{a,pid}]}"
        ",{{crash,e,boom},none,[{c,pid},{a,pid}]},{{restart_child,b},{error,not_found},"
        "[{c,pid},{a,pid}]},{{restart_child,b},{error,not_found},[{c,pid},{a,pid}]}]}.",
        "{{one_for_one,0,all_significant},[{a,transient,false,5000,false,[4],[3]},{b,pe"
        "rmanent,false,5000,true,[],[]},{c,permanent,false,5000,true,[],[]},{d,permanen"
        "t,false,brutal_kill,true,[2],[]}],[{crash,e,boom},{start_child,{a,permanent,fa"
        "lse,5000,true,[],[]}},{crash,d,boom},{start_child,{a,transient,false,brutal_ki"
        "ll,false,[],[]}},{terminate_child,b},{restart_child,a}],[{start,ok},{init,a,1}"
        ",{init,b,1},{init,c,1},{init,d,1},{{crash,e,boom},none,[{d,pid},{c,pid},{b,pid"
        "},{a,pid}]},{{start_child,{a,permanent,false,5000,true,[],[]}},{error,already_"
        "started},[{d,pid},{c,pid},{b,pid},{a,pid}]},{terminate,d,boom},{terminate,c,sh"
        "utdown},{terminate,b,shutdown},{down,shutdown}]}.",
        "{{rest_for_one,1,any_significant},[{a,transient,false,5000,true,[4],[2,3]}],[{"
        "start_child,{b,permanent,false,5000,true,[],[2]}},{crash,b,kill},{crash,b,kill"
        "},{restart_child,b},{terminate_child,a},{crash,b,{shutdown,x}},{crash,a,shutdo"
        "wn}],[{start,ok},{init,a,1},{init,b,1},{{start_child,{b,permanent,false,5000,t"
        "rue,[],[2]}},{ok,pid},[{b,pid},{a,pid}]},{ignore,b,2},{{crash,b,kill},killed,["
        "{b,undefined},{a,pid}]},{{crash,b,kill},none,[{b,undefined},{a,pid}]},{init,b,"
        "3},{{restart_child,b},{ok,pid},[{b,pid},{a,pid}]},{terminate,a,shutdown},{{ter"
        "minate_child,a},ok,[{b,pid},{a,undefined}]},{terminate,b,{shutdown,x}},{down,s"
        "hutdown}]}.",
        "{{one_for_all,0,never},[{a,permanent,false,5000,true,[],[]},{b,transient,false"
        ",5000,true,[],[]},{c,temporary,false,brutal_kill,true,[],[]},{d,transient,fals"
        "e,brutal_kill,true,[2],[]}],[{restart_child,c},{crash,c,kill},{crash,c,boom},{"
        "crash,d,boom},{crash,a,boom},{crash,c,normal},{crash,b,boom}],[{start,ok},{ini"
        "t,a,1},{init,b,1},{init,c,1},{init,d,1},{{restart_child,c},{error,running},[{d"
        ",pid},{c,pid},{b,pid},{a,pid}]},{{crash,c,kill},killed,[{d,pid},{b,pid},{a,pid"
        "}]},{{crash,c,boom},none,[{d,pid},{b,pid},{a,pid}]},{terminate,d,boom},{termin"
        "ate,b,shutdown},{terminate,a,shutdown},{down,shutdown}]}.",
        "{{one_for_all,3,all_significant},[{a,permanent,false,brutal_kill,true,[],[1]}]"
        ",[{start_child,{b,transient,false,5000,true,[2],[]}},{crash,a,shutdown},{crash"
        ",d,{shutdown,x}},{crash,d,boom},{terminate_child,b},{delete_child,e},{crash,a,"
        "normal},{restart_child,d}],[{start,ok},{ignore,a,1},{init,b,1},{{start_child,{"
        "b,transient,false,5000,true,[2],[]}},{ok,pid},[{b,pid},{a,undefined}]},{{crash"
        ",a,shutdown},none,[{b,pid},{a,undefined}]},{{crash,d,{shutdown,x}},none,[{b,pi"
        "d},{a,undefined}]},{{crash,d,boom},none,[{b,pid},{a,undefined}]},{terminate,b,"
        "shutdown},{{terminate_child,b},ok,[{b,undefined},{a,undefined}]},{{delete_chil"
        "d,e},{error,not_found},[{b,undefined},{a,undefined}]},{{crash,a,normal},none,["
        "{b,undefined},{a,undefined}]},{{restart_child,d},{error,not_found},[{b,undefin"
        "ed},{a,undefined}]}]}.",
        "{{one_for_all,4,all_significant},[{a,temporary,true,5000,true,[],[]},{b,tempor"
        "ary,true,brutal_kill,true,[],[]},{c,transient,true,5000,true,[],[]}],[{crash,d"
        ",normal},{crash,d,kill},{crash,b,boom},{crash,b,boom},{crash,d,kill},{crash,a,"
        "shutdown},{delete_child,c},{crash,d,kill},{crash,e,boom},{crash,c,normal}],[{s"
        "tart,ok},{init,a,1},{init,b,1},{init,c,1},{{crash,d,normal},none,[{c,pid},{b,p"
        "id},{a,pid}]},{{crash,d,kill},none,[{c,pid},{b,pid},{a,pid}]},{terminate,b,boo"
        "m},{{crash,b,boom},boom,[{c,pid},{a,pid}]},{{crash,b,boom},none,[{c,pid},{a,pi"
        "d}]},{{crash,d,kill},none,[{c,pid},{a,pid}]},{terminate,a,shutdown},{{crash,a,"
        "shutdown},shutdown,[{c,pid}]},{{delete_child,c},{error,running},[{c,pid}]},{{c"
        "rash,d,kill},none,[{c,pid}]},{{crash,e,boom},none,[{c,pid}]},{terminate,c,norm"
        "al},{down,shutdown}]}.",
        "{{one_for_one,3,never},[{a,permanent,false,brutal_kill,false,[4],[]},{b,tempor"
        "ary,false,5000,true,[],[]},{c,permanent,false,5000,true,[],[1,2]}],[{crash,e,n"
        "ormal},{crash,c,shutdown},{crash,d,normal},{start_child,{a,transient,false,500"
        "0,false,[4],[3]}},{crash,a,boom},{crash,a,shutdown},{crash,c,{shutdown,x}}],[{"
        "start,ok},{init,a,1},{init,b,1},{ignore,c,1},{{crash,e,normal},none,[{c,undefi"
        "ned},{b,pid},{a,pid}]},{{crash,c,shutdown},none,[{c,undefined},{b,pid},{a,pid}"
        "]},{{crash,d,normal},none,[{c,undefined},{b,pid},{a,pid}]},{{start_child,{a,tr"
        "ansient,false,5000,false,[4],[3]}},{error,already_started},[{c,undefined},{b,p"
        "id},{a,pid}]},{terminate,a,boom},{init,a,2},{{crash,a,boom},boom,[{c,undefined"
        "},{b,pid},{a,pid}]},{terminate,a,shutdown},{init,a,3},{{crash,a,shutdown},shut"
        "down,[{c,undefined},{b,pid},{a,pid}]},{{crash,c,{shutdown,x}},none,[{c,undefin"
        "ed},{b,pid},{a,pid}]}]}.",
        "{{one_for_all,4,never},[{a,permanent,false,5000,true,[2],[]}],[{crash,b,boom},"
        "{start_child,{b,temporary,false,5000,true,[],[]}},{crash,c,{shutdown,x}},{term"
        "inate_child,a},{start_child,{a,temporary,false,5000,true,[4],[]}},{crash,a,{sh"
        "utdown,x}}],[{start,ok},{init,a,1},{{crash,b,boom},none,[{a,pid}]},{init,b,1},"
        "{{start_child,{b,temporary,false,5000,true,[],[]}},{ok,pid},[{b,pid},{a,pid}]}"
        ",{{crash,c,{shutdown,x}},none,[{b,pid},{a,pid}]},{terminate,a,shutdown},{{term"
        "inate_child,a},ok,[{b,pid},{a,undefined}]},{{start_child,{a,temporary,false,50"
        "00,true,[4],[]}},{error,already_present},[{b,pid},{a,undefined}]},{{crash,a,{s"
        "hutdown,x}},none,[{b,pid},{a,undefined}]}]}.",
        "{{one_for_all,3,never},[{a,transient,false,5000,true,[4],[]}],[{delete_child,e"
        "},{crash,e,boom},{crash,a,boom},{crash,b,kill},{terminate_child,b},{restart_ch"
        "ild,e},{crash,a,{shutdown,x}},{crash,c,kill},{crash,b,boom}],[{start,ok},{init"
        ",a,1},{{delete_child,e},{error,not_found},[{a,pid}]},{{crash,e,boom},none,[{a,"
        "pid}]},{terminate,a,boom},{init,a,2},{{crash,a,boom},boom,[{a,pid}]},{{crash,b"
        ",kill},none,[{a,pid}]},{{terminate_child,b},{error,not_found},[{a,pid}]},{{res"
        "tart_child,e},{error,not_found},[{a,pid}]},{terminate,a,{shutdown,x}},{{crash,"
        "a,{shutdown,x}},{shutdown,x},[{a,undefined}]},{{crash,c,kill},none,[{a,undefin"
        "ed}]},{{crash,b,boom},none,[{a,undefined}]}]}.",
        "{{one_for_all,4,never},[{a,permanent,false,brutal_kill,true,[],[]},{b,permanen"
        "t,false,5000,true,[2],[]},{c,permanent,false,brutal_kill,true,[],[]}],[{termin"
        "ate_child,a},{restart_child,b},{restart_child,a},{crash,c,{shutdown,x}},{crash"
        ",b,boom},{restart_child,c}],[{start,ok},{init,a,1},{init,b,1},{init,c,1},{{ter"
        "minate_child,a},ok,[{c,pid},{b,pid},{a,undefined}]},{{restart_child,b},{error,"
        "running},[{c,pid},{b,pid},{a,undefined}]},{init,a,2},{{restart_child,a},{ok,pi"
        "d},[{c,pid},{b,pid},{a,pid}]},{terminate,c,{shutdown,x}},{terminate,b,shutdown"
        "},{init,a,3},{fail,b,2},{init,a,4},{init,b,3},{init,c,2},{{crash,c,{shutdown,x"
        "}},{shutdown,x},[{c,pid},{b,pid},{a,pid}]},{terminate,b,boom},{init,a,5},{init"
        ",b,4},{init,c,3},{{crash,b,boom},boom,[{c,pid},{b,pid},{a,pid}]},{{restart_chi"
        "ld,c},{error,running},[{c,pid},{b,pid},{a,pid}]}]}.",
        "{{one_for_one,5,never},[{a,permanent,false,brutal_kill,true,[],[]},{b,transien"
        "t,false,5000,true,[],[1]},{c,permanent,false,brutal_kill,false,[4],[]},{d,perm"
        "anent,false,5000,true,[],[]}],[{terminate_child,b},{crash,b,{shutdown,x}},{res"
        "tart_child,e},{crash,d,boom},{restart_child,b}],[{start,ok},{init,a,1},{ignore"
        ",b,1},{init,c,1},{init,d,1},{{terminate_child,b},ok,[{d,pid},{c,pid},{b,undefi"
        "ned},{a,pid}]},{{crash,b,{shutdown,x}},none,[{d,pid},{c,pid},{b,undefined},{a,"
        "pid}]},{{restart_child,e},{error,not_found},[{d,pid},{c,pid},{b,undefined},{a,"
        "pid}]},{terminate,d,boom},{init,d,2},{{crash,d,boom},boom,[{d,pid},{c,pid},{b,"
        "undefined},{a,pid}]},{init,b,2},{{restart_child,b},{ok,pid},[{d,pid},{c,pid},{"
        "b,pid},{a,pid}]}]}.",
        "{{one_for_all,3,never},[{a,permanent,false,5000,true,[],[]},{b,temporary,false"
        ",brutal_kill,true,[],[]},{c,permanent,false,brutal_kill,false,[2,4],[]}],[{cra"
        "sh,c,normal},{crash,a,kill},{crash,b,normal},{crash,e,shutdown}],[{start,ok},{"
        "init,a,1},{init,b,1},{init,c,1},{terminate,c,normal},{terminate,a,shutdown},{i"
        "nit,a,2},{fail,c,2},{terminate,a,shutdown},{init,a,3},{init,c,3},{{crash,c,nor"
        "mal},normal,[{c,pid},{a,pid}]},{init,a,4},{fail,c,4},{terminate,a,shutdown},{d"
        "own,shutdown}]}.",
        "{{one_for_one,2,all_significant},[{a,transient,false,5000,false,[],[]}],[{cras"
        "h,a,{shutdown,x}},{terminate_child,d},{crash,a,kill},{terminate_child,a},{term"
        "inate_child,a},{delete_child,a},{crash,b,{shutdown,x}}],[{start,ok},{init,a,1}"
        ",{terminate,a,{shutdown,x}},{{crash,a,{shutdown,x}},{shutdown,x},[{a,undefined"
        "}]},{{terminate_child,d},{error,not_found},[{a,undefined}]},{{crash,a,kill},no"
        "ne,[{a,undefined}]},{{terminate_child,a},ok,[{a,undefined}]},{{terminate_child"
        ",a},ok,[{a,undefined}]},{{delete_child,a},ok,[]},{{crash,b,{shutdown,x}},none,"
        "[]}]}.",
        "{{one_for_all,1,all_significant},[{a,permanent,false,5000,false,[],[]},{b,perm"
        "anent,false,brutal_kill,false,[],[]}],[{crash,a,boom},{delete_child,c},{termin"
        "ate_child,a},{terminate_child,d},{crash,b,boom},{crash,b,shutdown},{terminate_"
        "child,e},{start_child,{c,transient,false,5000,false,[],[]}},{restart_child,b},"
        "{crash,a,boom}],[{start,ok},{init,a,1},{init,b,1},{terminate,a,boom},{init,a,2"
        "},{init,b,2},{{crash,a,boom},boom,[{b,pid},{a,pid}]},{{delete_child,c},{error,"
        "not_found},[{b,pid},{a,pid}]},{{terminate_child,a},ok,[{b,pid},{a,undefined}]}"
        ",{{terminate_child,d},{error,not_found},[{b,pid},{a,undefined}]},{terminate,b,"
        "boom},{down,shutdown}]}.",
        "{{one_for_all,1,any_significant},[{a,permanent,false,brutal_kill,false,[],[2]}"
        ",{b,transient,true,5000,true,[2],[]},{c,permanent,false,5000,false,[],[3]}],[{"
        "terminate_child,c},{terminate_child,b},{terminate_child,e},{crash,d,{shutdown,"
        "x}},{crash,c,normal},{terminate_child,b}],[{start,ok},{init,a,1},{init,b,1},{i"
        "nit,c,1},{{terminate_child,c},ok,[{c,undefined},{b,pid},{a,pid}]},{terminate,b"
        ",shutdown},{{terminate_child,b},ok,[{c,undefined},{b,undefined},{a,pid}]},{{te"
        "rminate_child,e},{error,not_found},[{c,undefined},{b,undefined},{a,pid}]},{{cr"
        "ash,d,{shutdown,x}},none,[{c,undefined},{b,undefined},{a,pid}]},{{crash,c,norm"
        "al},none,[{c,undefined},{b,undefined},{a,pid}]},{{terminate_child,b},ok,[{c,un"
        "defined},{b,undefined},{a,pid}]}]}.",
        "{{one_for_one,2,never},[{a,transient,false,5000,false,[],[]}],[{crash,a,shutdo"
        "wn},{crash,c,boom},{crash,b,boom},{crash,b,kill},{crash,a,{shutdown,x}},{resta"
        "rt_child,c},{terminate_child,a},{crash,d,{shutdown,x}}],[{start,ok},{init,a,1}"
        ",{terminate,a,shutdown},{{crash,a,shutdown},shutdown,[{a,undefined}]},{{crash,"
        "c,boom},none,[{a,undefined}]},{{crash,b,boom},none,[{a,undefined}]},{{crash,b,"
        "kill},none,[{a,undefined}]},{{crash,a,{shutdown,x}},none,[{a,undefined}]},{{re"
        "start_child,c},{error,not_found},[{a,undefined}]},{{terminate_child,a},ok,[{a,"
        "undefined}]},{{crash,d,{shutdown,x}},none,[{a,undefined}]}]}.",
        "{{one_for_one,1,never},[{a,temporary,false,brutal_kill,true,[3,4],[]},{b,trans"
        "ient,false,5000,true,[],[1]},{c,transient,false,5000,false,[],[]}],[{terminate"
        "_child,a},{crash,c,normal},{crash,c,{shutdown,x}},{crash,b,kill},{crash,e,norm"
        "al},{crash,a,{shutdown,x}},{crash,b,{shutdown,x}}],[{start,ok},{init,a,1},{ign"
        "ore,b,1},{init,c,1},{{terminate_child,a},ok,[{c,pid},{b,undefined}]},{terminat"
        "e,c,normal},{{crash,c,normal},normal,[{c,undefined},{b,undefined}]},{{crash,c,"
        "{shutdown,x}},none,[{c,undefined},{b,undefined}]},{{crash,b,kill},none,[{c,und"
        "efined},{b,undefined}]},{{crash,e,normal},none,[{c,undefined},{b,undefined}]},"
        "{{crash,a,{shutdown,x}},none,[{c,undefined},{b,undefined}]},{{crash,b,{shutdow"
        "n,x}},none,[{c,undefined},{b,undefined}]}]}.",
        "{{one_for_all,3,never},[{a,transient,false,brutal_kill,true,[3],[3]}],[{crash,"
        "e,kill},{crash,a,kill},{crash,d,boom},{restart_child,b},{crash,a,boom},{crash,"
        "c,kill},{delete_child,b},{start_child,{c,temporary,false,5000,true,[],[]}}],[{"
        "start,ok},{init,a,1},{{crash,e,kill},none,[{a,pid}]},{init,a,2},{{crash,a,kill"
        "},killed,[{a,pid}]},{{crash,d,boom},none,[{a,pid}]},{{restart_child,b},{error,"
        "not_found},[{a,pid}]},{terminate,a,boom},{fail,a,3},{init,a,4},{{crash,a,boom}"
        ",boom,[{a,pid}]},{{crash,c,kill},none,[{a,pid}]},{{delete_child,b},{error,not_"
        "found},[{a,pid}]},{init,c,1},{{start_child,{c,temporary,false,5000,true,[],[]}"
        "},{ok,pid},[{c,pid},{a,pid}]}]}.",
        "{{one_for_all,1,all_significant},[{a,temporary,true,brutal_kill,true,[4],[]},{"
        "b,transient,true,brutal_kill,false,[4],[]}],[{delete_child,d},{crash,b,boom},{"
        "delete_child,a},{start_child,{a,temporary,false,5000,true,[4],[2]}},{delete_ch"
        "ild,d},{crash,c,boom},{crash,a,boom},{crash,a,{shutdown,x}}],[{start,ok},{init"
        ",a,1},{init,b,1},{{delete_child,d},{error,not_found},[{b,pid},{a,pid}]},{termi"
        "nate,b,boom},{init,b,2},{{crash,b,boom},boom,[{b,pid}]},{{delete_child,a},{err"
        "or,not_found},[{b,pid}]},{ignore,a,2},{{start_child,{a,temporary,false,5000,tr"
        "ue,[4],[2]}},{ok,undefined},[{b,pid}]},{{delete_child,d},{error,not_found},[{b"
        ",pid}]},{{crash,c,boom},none,[{b,pid}]},{{crash,a,boom},none,[{b,pid}]},{{cras"
        "h,a,{shutdown,x}},none,[{b,pid}]}]}.",
        "{{one_for_one,3,all_significant},[{a,permanent,false,brutal_kill,true,[],[]}],"
        "[{crash,a,boom},{crash,b,{shutdown,x}},{crash,a,boom},{crash,c,shutdown},{cras"
        "h,e,{shutdown,x}},{restart_child,e}],[{start,ok},{init,a,1},{terminate,a,boom}"
        ",{init,a,2},{{crash,a,boom},boom,[{a,pid}]},{{crash,b,{shutdown,x}},none,[{a,p"
        "id}]},{terminate,a,boom},{init,a,3},{{crash,a,boom},boom,[{a,pid}]},{{crash,c,"
        "shutdown},none,[{a,pid}]},{{crash,e,{shutdown,x}},none,[{a,pid}]},{{restart_ch"
        "ild,e},{error,not_found},[{a,pid}]}]}.",
        "{{one_for_one,2,any_significant},[{a,transient,false,5000,true,[3],[]},{b,tran"
        "sient,false,5000,true,[],[]},{c,permanent,false,5000,true,[3],[1]},{d,permanen"
        "t,false,brutal_kill,true,[],[]}],[{crash,c,normal},{crash,d,boom},{crash,a,boo"
        "m},{crash,a,boom},{crash,b,normal},{terminate_child,e},{delete_child,b},{crash"
        ",a,normal},{crash,a,boom}],[{start,ok},{init,a,1},{init,b,1},{ignore,c,1},{ini"
        "t,d,1},{{crash,c,normal},none,[{d,pid},{c,undefined},{b,pid},{a,pid}]},{termin"
        "ate,d,boom},{init,d,2},{{crash,d,boom},boom,[{d,pid},{c,undefined},{b,pid},{a,"
        "pid}]},{terminate,a,boom},{init,a,2},{{crash,a,boom},boom,[{d,pid},{c,undefine"
        "d},{b,pid},{a,pid}]},{terminate,a,boom},{terminate,b,shutdown},{down,shutdown}"
        "]}.",
        "{{one_for_one,0,all_significant},[{a,permanent,false,5000,false,[],[3]},{b,per"
        "manent,false,5000,true,[4],[]},{c,permanent,false,5000,true,[],[]}],[{start_ch"
        "ild,{b,permanent,false,5000,true,[],[2]}},{terminate_child,a},{delete_child,a}"
        ",{crash,a,kill},{crash,b,shutdown},{delete_child,a},{crash,a,normal},{crash,d,"
        "boom}],[{start,ok},{init,a,1},{init,b,1},{init,c,1},{{start_child,{b,permanent"
        ",false,5000,true,[],[2]}},{error,already_started},[{c,pid},{b,pid},{a,pid}]},{"
        "{terminate_child,a},ok,[{c,pid},{b,pid},{a,undefined}]},{{delete_child,a},ok,["
        "{c,pid},{b,pid}]},{{crash,a,kill},none,[{c,pid},{b,pid}]},{terminate,b,shutdow"
        "n},{terminate,c,shutdown},{down,shutdown}]}.",
        "{{one_for_all,1,any_significant},[{a,transient,false,5000,true,[],[]},{b,perma"
        "nent,false,5000,true,[4],[]},{c,temporary,true,5000,true,[2,3],[]},{d,temporar"
        "y,true,5000,true,[],[]}],[{delete_child,b},{crash,a,kill},{start_child,{a,perm"
        "anent,false,5000,true,[3],[]}},{crash,c,boom}],[{start,ok},{init,a,1},{init,b,"
        "1},{init,c,1},{init,d,1},{{delete_child,b},{error,running},[{d,pid},{c,pid},{b"
        ",pid},{a,pid}]},{terminate,d,shutdown},{terminate,c,shutdown},{terminate,b,shu"
        "tdown},{init,a,2},{init,b,2},{{crash,a,kill},killed,[{b,pid},{a,pid}]},{{start"
        "_child,{a,permanent,false,5000,true,[3],[]}},{error,already_started},[{b,pid},"
        "{a,pid}]},{{crash,c,boom},none,[{b,pid},{a,pid}]}]}.",
        "{{one_for_one,3,never},[{a,permanent,false,5000,true,[],[]},{b,permanent,false"
        ",5000,false,[],[]},{c,temporary,false,5000,true,[4],[]},{d,temporary,false,500"
        "0,false,[],[3]}],[{crash,b,boom},{crash,c,shutdown},{crash,e,{shutdown,x}}],[{"
        "start,ok},{init,a,1},{init,b,1},{init,c,1},{init,d,1},{terminate,b,boom},{init"
        ",b,2},{{crash,b,boom},boom,[{d,pid},{c,pid},{b,pid},{a,pid}]},{terminate,c,shu"
        "tdown},{{crash,c,shutdown},shutdown,[{d,pid},{b,pid},{a,pid}]},{{crash,e,{shut"
        "down,x}},none,[{d,pid},{b,pid},{a,pid}]}]}.",
        "{{one_for_all,4,never},[{a,permanent,false,brutal_kill,true,[2],[]},{b,permane"
        "nt,false,5000,true,[],[]},{c,transient,false,brutal_kill,false,[],[1]},{d,temp"
        "orary,false,5000,true,[],[]}],[{crash,b,kill},{crash,a,kill},{crash,a,kill}],["
        "{start,ok},{init,a,1},{init,b,1},{ignore,c,1},{init,d,1},{terminate,d,shutdown"
        "},{fail,a,2},{init,a,3},{init,b,2},{init,c,2},{{crash,b,kill},killed,[{c,pid},"
        "{b,pid},{a,pid}]},{terminate,b,shutdown},{init,a,4},{init,b,3},{init,c,3},{{cr"
        "ash,a,kill},killed,[{c,pid},{b,pid},{a,pid}]},{terminate,b,shutdown},{init,a,5"
        "},{init,b,4},{init,c,4},{{crash,a,kill},killed,[{c,pid},{b,pid},{a,pid}]}]}.",
        "{{one_for_one,0,any_significant},[{a,permanent,false,5000,true,[3],[]},{b,tran"
        "sient,false,5000,true,[],[]},{c,permanent,false,5000,false,[4],[]}],[{crash,b,"
        "{shutdown,x}},{crash,a,{shutdown,x}},{terminate_child,e},{start_child,{e,trans"
        "ient,true,5000,true,[],[3]}},{delete_child,c},{crash,b,shutdown},{delete_child"
        ",e},{crash,b,boom},{delete_child,b},{delete_child,d}],[{start,ok},{init,a,1},{"
        "init,b,1},{init,c,1},{terminate,b,{shutdown,x}},{{crash,b,{shutdown,x}},{shutd"
        "own,x},[{c,pid},{b,undefined},{a,pid}]},{terminate,a,{shutdown,x}},{down,shutd"
        "own}]}.",
        "{{rest_for_one,4,all_significant},[{a,permanent,false,5000,true,[],[]},{b,perm"
        "anent,false,brutal_kill,true,[],[1]},{c,temporary,true,5000,false,[],[1]}],[{c"
        "rash,e,boom},{crash,e,normal},{delete_child,b},{crash,e,normal},{crash,b,shutd"
        "own},{restart_child,b},{crash,e,shutdown},{crash,e,shutdown},{crash,c,kill}],["
        "{start,ok},{init,a,1},{ignore,b,1},{ignore,c,1},{{crash,e,boom},none,[{b,undef"
        "ined},{a,pid}]},{{crash,e,normal},none,[{b,undefined},{a,pid}]},{{delete_child"
        ",b},ok,[{a,pid}]},{{crash,e,normal},none,[{a,pid}]},{{crash,b,shutdown},none,["
        "{a,pid}]},{{restart_child,b},{error,not_found},[{a,pid}]},{{crash,e,shutdown},"
        "none,[{a,pid}]},{{crash,e,shutdown},none,[{a,pid}]},{{crash,c,kill},none,[{a,p"
        "id}]}]}.",
        "{{one_for_one,2,any_significant},[{a,temporary,false,brutal_kill,true,[],[]}],"
        "[{terminate_child,c},{crash,b,{shutdown,x}},{crash,b,boom},{crash,b,{shutdown,"
        "x}},{crash,b,{shutdown,x}},{delete_child,e},{crash,b,boom}],[{start,ok},{init,"
        "a,1},{{terminate_child,c},{error,not_found},[{a,pid}]},{{crash,b,{shutdown,x}}"
        ",none,[{a,pid}]},{{crash,b,boom},none,[{a,pid}]},{{crash,b,{shutdown,x}},none,"
        "[{a,pid}]},{{crash,b,{shutdown,x}},none,[{a,pid}]},{{delete_child,e},{error,no"
        "t_found},[{a,pid}]},{{crash,b,boom},none,[{a,pid}]}]}.",
        "{{rest_for_one,1,any_significant},[{a,temporary,true,brutal_kill,false,[2],[3]"
        "},{b,transient,false,5000,true,[],[]}],[{crash,d,{shutdown,x}},{terminate_chil"
        "d,b},{start_child,{b,permanent,false,5000,false,[],[]}},{restart_child,a},{res"
        "tart_child,a},{crash,b,kill},{restart_child,a},{crash,a,boom},{restart_child,c"
        "},{restart_child,a}],[{start,ok},{init,a,1},{init,b,1},{{crash,d,{shutdown,x}}"
        ",none,[{b,pid},{a,pid}]},{terminate,b,shutdown},{{terminate_child,b},ok,[{b,un"
        "defined},{a,pid}]},{{start_child,{b,permanent,false,5000,false,[],[]}},{error,"
        "already_present},[{b,undefined},{a,pid}]},{{restart_child,a},{error,running},["
        "{b,undefined},{a,pid}]},{{restart_child,a},{error,running},[{b,undefined},{a,p"
        "id}]},{{crash,b,kill},none,[{b,undefined},{a,pid}]},{{restart_child,a},{error,"
        "running},[{b,undefined},{a,pid}]},{terminate,a,boom},{down,shutdown}]}.",
        "{{rest_for_one,2,never},[{a,permanent,false,brutal_kill,true,[2,3,4],[]},{b,tr"
        "ansient,false,5000,false,[],[3]},{c,transient,false,brutal_kill,true,[2],[]},{"
        "d,temporary,false,5000,false,[4],[]}],[{terminate_child,a},{restart_child,b},{"
        "terminate_child,e}],[{start,ok},{init,a,1},{init,b,1},{init,c,1},{init,d,1},{{"
        "terminate_child,a},ok,[{d,pid},{c,pid},{b,pid},{a,undefined}]},{{restart_child"
        ",b},{error,running},[{d,pid},{c,pid},{b,pid},{a,undefined}]},{{terminate_child"
        ",e},{error,not_found},[{d,pid},{c,pid},{b,pid},{a,undefined}]}]}.",
        "{{one_for_one,0,never},[{a,temporary,false,5000,true,[4],[]},{b,permanent,fals"
        "e,5000,true,[],[]}],[{restart_child,b},{crash,d,boom},{delete_child,a},{crash,"
        "c,kill},{crash,b,boom},{delete_child,b},{terminate_child,b},{crash,e,{shutdown"
        ",x}},{crash,e,normal},{start_child,{a,permanent,false,brutal_kill,true,[],[]}}"
        "],[{start,ok},{init,a,1},{init,b,1},{{restart_child,b},{error,running},[{b,pid"
        "},{a,pid}]},{{crash,d,boom},none,[{b,pid},{a,pid}]},{{delete_child,a},{error,r"
        "unning},[{b,pid},{a,pid}]},{{crash,c,kill},none,[{b,pid},{a,pid}]},{terminate,"
        "b,boom},{terminate,a,shutdown},{down,shutdown}]}.",
};

static int starts[256]; // by the first letter of the id
static keel_pid teller; // who is told of starts and ends

static void announce(keel_term what)
{
    keel_send(teller, keel_tuple_of(keel_atom(seen), what));
}

static keel_result init(keel_term child, void *state)
{
    keel_term id = keel_element(child, 0);
    keel_set(state, id);
    int start = ++starts[(unsigned char)keel_atom_name(id)[0]];
    keel_trap_exit(keel_to_bool(keel_element(child, 4)));
    bool fails = keel_list_member(keel_int(start), keel_element(child, 5));
    bool ignores = keel_list_member(keel_int(start), keel_element(child, 6));
    keel_term what = fails     ? keel_atom(fail)
                     : ignores ? keel_atom(ignore)
                               : keel_atom(init);
    announce(keel_make("{What, Id, Start}", what, id, start));
    return fails ? keel_stop_with(keel_atom(moody)) : ignores ? keel_ignore() : keel_ok();
}

static keel_result handle_cast(keel_term reason, void *state)
{
    (void)state;
    return keel_stop_with(reason);
}

static void terminate(keel_term reason, void *state)
{
    announce(keel_make("{terminate, Id, Reason}", *(keel_term *)state, reason));
}

static const keel_gen_server kid_server = {.name = "kid",
        .state = KEEL_STATE_TERM,
        .init = init,
        .handle_cast = handle_cast,
        .terminate = terminate};

static keel_started start_kid(keel_term child)
{
    return keel_gen_server_start_link(&kid_server, child);
}

static keel_child_spec spec_of(keel_term child)
{
    keel_term restart = keel_element(child, 1);
    bool brutal = keel_is(keel_element(child, 3), brutal_kill);
    return (keel_child_spec){.id = keel_element(child, 0),
            .start = start_kid,
            .argument = child,
            .restart = keel_is(restart, permanent)   ? KEEL_PERMANENT
                       : keel_is(restart, transient) ? KEEL_TRANSIENT
                                                     : KEEL_TEMPORARY,
            .significant = keel_to_bool(keel_element(child, 2)),
            .shutdown = brutal ? KEEL_BRUTAL_KILL : KEEL_SECONDS(5)};
}

// Pids and records of children differ from run to run.
static keel_term cleaned(keel_started started)
{
    keel_term answer = keel_started_to_term(started);
    keel_term reason = KEEL_NONE;
    keel_term record = KEEL_NONE;
    if (started.status == KEEL_E_IGNORED) {
        return keel_make("{ok, undefined}");
    }
    if (started.status == KEEL_OK) {
        return keel_make("{ok, pid}");
    }
    if (keel_match(answer, "{error, {already_started, _}}")) {
        return keel_make("{error, already_started}");
    }
    if (keel_match(answer, "{error, {Reason, Record}}", &reason, &record) &&
            keel_is(keel_element(record, 0), child)) {
        return keel_make("{error, {Reason, child}}", reason);
    }
    return answer;
}

static keel_term asked(keel_status status, keel_term reason)
{
    return status == KEEL_OK ? keel_atom(ok) : keel_tuple_of(keel_atom(error), reason);
}

static keel_term crash(keel_pid supervisor, keel_term id, keel_term reason)
{
    keel_pid pid = kid(supervisor, id);
    if (no_pid(pid)) {
        return keel_atom(none);
    }
    keel_ref monitor = keel_monitor(pid);
    if (keel_is(reason, kill)) {
        keel_process_exit(pid, reason);
    } else {
        keel_cast(pid, reason);
    }
    return await_down(monitor);
}

static keel_term operate(keel_pid supervisor, keel_term operation)
{
    keel_term what = keel_element(operation, 0);
    keel_term id = keel_element(operation, 1);
    keel_term reason = KEEL_NONE;
    if (keel_is(what, crash)) {
        return crash(supervisor, id, keel_element(operation, 2));
    }
    if (keel_is(what, terminate_child)) {
        return asked(keel_supervisor_terminate_child(supervisor, id, &reason), reason);
    }
    if (keel_is(what, delete_child)) {
        return asked(keel_supervisor_delete_child(supervisor, id, &reason), reason);
    }
    if (keel_is(what, restart_child)) {
        return cleaned(keel_supervisor_restart_child(supervisor, id));
    }
    keel_child_spec spec = spec_of(id);
    return cleaned(keel_supervisor_start_child(supervisor, &spec));
}

// [{Id, pid | undefined | restarting}, …]
static keel_term children(keel_pid supervisor)
{
    keel_term list = children_of(supervisor);
    keel_term shown = keel_nil();
    keel_term child;
    while (keel_list_next(&list, &child)) {
        keel_term pid = keel_element(child, 1);
        shown = keel_cons(keel_tuple_of(keel_element(child, 0),
                                  keel_is_pid(pid) ? keel_atom(pid) : pid),
                shown);
    }
    return keel_list_reverse(shown);
}

static keel_term add_seen(keel_term trace)
{
    keel_term what = KEEL_NONE;
    while (keel_receive_match(KEEL_AT_ONCE, "{seen, What}", &what) == KEEL_OK) {
        trace = keel_cons(what, trace);
    }
    return trace;
}

// Does one operation after the other; newest first.
static keel_term operate_all(keel_pid supervisor, keel_term operations)
{
    keel_term trace = add_seen(keel_list_of(keel_make("{start, ok}")));
    keel_term operation;
    keel_term reason = KEEL_NONE;
    while (keel_list_next(&operations, &operation)) {
        keel_term answer = operate(supervisor, operation);
        keel_sleep(KEEL_MS(2)); // what follows from it has happened by then
        trace = add_seen(trace);
        if (keel_receive_match(KEEL_AT_ONCE, "{'EXIT', ^Pid, Reason}", supervisor,
                    &reason) == KEEL_OK) {
            return keel_cons(keel_make("{down, Reason}", reason), trace);
        }
        trace = keel_cons(keel_tuple_of(operation, answer, children(supervisor)), trace);
    }
    keel_process_exit(supervisor, keel_atom(kill));
    keel_sleep(KEEL_MS(2));
    return trace;
}

static keel_term run_course(keel_term course)
{
    keel_term flags = keel_element(course, 0);
    keel_term list = keel_element(course, 1);
    keel_term child;
    keel_child_spec specs[8];
    size_t count = 0;
    while (keel_list_next(&list, &child)) {
        specs[count++] = spec_of(child);
    }
    keel_term strategy = keel_element(flags, 0);
    keel_term automatic = keel_element(flags, 2);
    int intensity = (int)keel_to_int(keel_element(flags, 1));
    keel_started started = keel_supervisor_start_link(specs, count,
            .strategy = keel_is(strategy, one_for_one)   ? KEEL_ONE_FOR_ONE
                        : keel_is(strategy, one_for_all) ? KEEL_ONE_FOR_ALL
                                                         : KEEL_REST_FOR_ONE,
            .intensity = intensity == 0 ? KEEL_NO_RESTARTS : intensity,
            .period = KEEL_SECONDS(3600),
            .auto_shutdown = keel_is(automatic, never)             ? KEEL_NEVER_SHUTDOWN
                             : keel_is(automatic, any_significant) ? KEEL_ANY_SIGNIFICANT
                                                                   : KEEL_ALL_SIGNIFICANT);
    if (started.status == KEEL_OK) {
        return keel_list_reverse(operate_all(started.pid, keel_element(course, 2)));
    }
    keel_term failed = keel_tuple_of(keel_atom(start), cleaned(started));
    return keel_list_reverse(keel_cons(failed, add_seen(keel_nil())));
}

SIMULATED_TEST("random courses are those of OTP")
{
    keel_trap_exit(true);
    keel_report_level_set(KEEL_REPORT_NONE);
    teller = keel_self();
    for (size_t i = 0; i < KEEL_COUNT(courses); i++) {
        keel_term course = KEEL_NONE;
        size_t at = 0;
        CHECK_OK(keel_parse_next(courses[i], strlen(courses[i]), &at, &course, NULL));
        memset(starts, 0, sizeof starts);
        CHECK_EQUAL(run_course(course), keel_element(course, 3));
        keel_flush();
    }
}
