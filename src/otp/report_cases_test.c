// What is reported of ends of all kinds, as genuine OTP (release 25) reports it, recorded
// with report_cases.escript: {Case, [{Level, Report}, …]}, with words for what differs from
// run to run. The tests make the same ends. Where a stack belongs ours may be empty, and
// mfargs and modules name C functions.

#include "otp_testing.h"
#include <string.h>

static const char *const cases[] = {
        "{{server,call,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{init"
        "ial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack}"
        "},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,["
        "]},{trap_exit,false},{status,running}],[]]}},{error,#{client_info => {pid,{pid,s"
        "tack}},label => {gen_server,terminate},last_message => {stop,oops},log => [],nam"
        "e => reporter,reason => oops,state => data}}]}.",
        "{{server,call,{stop,normal}},[]}.",
        "{{server,call,{stop,{shutdown,x}}},[]}.",
        "{{server,call,{exit,oops}},[{error,#{label => {proc_lib,crash},report => [[{init"
        "ial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack}"
        "},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,["
        "]},{trap_exit,false},{status,running}],[]]}},{error,#{client_info => {pid,{pid,s"
        "tack}},label => {gen_server,terminate},last_message => {exit,oops},log => [],nam"
        "e => reporter,reason => oops,state => data}}]}.",
        "{{server,call,{error,oops}},[{error,#{label => {proc_lib,crash},report => [[{ini"
        "tial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{error,oops,stac"
        "k}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary"
        ",[]},{trap_exit,false},{status,running}],[]]}},{error,#{client_info => {pid,{pid"
        ",stack}},label => {gen_server,terminate},last_message => {error,oops},log => [],"
        "name => reporter,reason => {oops,stack},state => data}}]}.",
        "{{server,cast,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{init"
        "ial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack}"
        "},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,["
        "]},{trap_exit,false},{status,running}],[]]}},{error,#{client_info => undefined,l"
        "abel => {gen_server,terminate},last_message => {'$gen_cast',{stop,oops}},log => "
        "[],name => reporter,reason => oops,state => data}}]}.",
        "{{server,cast,{stop,normal}},[]}.",
        "{{server,cast,{stop,{shutdown,x}}},[]}.",
        "{{server,cast,{exit,oops}},[{error,#{label => {proc_lib,crash},report => [[{init"
        "ial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack}"
        "},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,["
        "]},{trap_exit,false},{status,running}],[]]}},{error,#{client_info => undefined,l"
        "abel => {gen_server,terminate},last_message => {'$gen_cast',{exit,oops}},log => "
        "[],name => reporter,reason => oops,state => data}}]}.",
        "{{server,cast,{error,oops}},[{error,#{label => {proc_lib,crash},report => [[{ini"
        "tial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{error,oops,stac"
        "k}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary"
        ",[]},{trap_exit,false},{status,running}],[]]}},{error,#{client_info => undefined"
        ",label => {gen_server,terminate},last_message => {'$gen_cast',{error,oops}},log "
        "=> [],name => reporter,reason => {oops,stack},state => data}}]}.",
        "{{machine,call,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{ini"
        "tial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack"
        "}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,"
        "[]},{trap_exit,false},{status,running}],[]]}},{error,#{callback_mode => handle_e"
        "vent_function,client_info => {pid,{pid,stack}},label => {gen_statem,terminate},l"
        "og => [],modules => m,name => reporter,postponed => [],queue => [{{call,{pid,ref"
        "}},{stop,oops}}],reason => {exit,oops,stack},state => {idle,data},state_enter =>"
        " false,timeouts => {0,[]}}}]}.",
        "{{machine,call,{stop,normal}},[]}.",
        "{{machine,call,{stop,{shutdown,x}}},[]}.",
        "{{machine,call,{exit,oops}},[{error,#{label => {proc_lib,crash},report => [[{ini"
        "tial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack"
        "}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,"
        "[]},{trap_exit,false},{status,running}],[]]}},{error,#{callback_mode => handle_e"
        "vent_function,client_info => {pid,{pid,stack}},label => {gen_statem,terminate},l"
        "og => [],modules => m,name => reporter,postponed => [],queue => [{{call,{pid,ref"
        "}},{exit,oops}}],reason => {exit,oops,stack},state => {idle,data},state_enter =>"
        " false,timeouts => {0,[]}}}]}.",
        "{{machine,call,{error,oops}},[{error,#{label => {proc_lib,crash},report => [[{in"
        "itial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{error,oops,sta"
        "ck}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionar"
        "y,[]},{trap_exit,false},{status,running}],[]]}},{error,#{callback_mode => handle"
        "_event_function,client_info => {pid,{pid,stack}},label => {gen_statem,terminate}"
        ",log => [],modules => m,name => reporter,postponed => [],queue => [{{call,{pid,r"
        "ef}},{error,oops}}],reason => {error,oops,stack},state => {idle,data},state_ente"
        "r => false,timeouts => {0,[]}}}]}.",
        "{{machine,cast,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{ini"
        "tial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack"
        "}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,"
        "[]},{trap_exit,false},{status,running}],[]]}},{error,#{callback_mode => handle_e"
        "vent_function,client_info => undefined,label => {gen_statem,terminate},log => []"
        ",modules => m,name => reporter,postponed => [],queue => [{cast,{stop,oops}}],rea"
        "son => {exit,oops,stack},state => {idle,data},state_enter => false,timeouts => {"
        "0,[]}}}]}.",
        "{{machine,cast,{stop,normal}},[]}.",
        "{{machine,cast,{stop,{shutdown,x}}},[]}.",
        "{{machine,cast,{exit,oops}},[{error,#{label => {proc_lib,crash},report => [[{ini"
        "tial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{exit,oops,stack"
        "}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,"
        "[]},{trap_exit,false},{status,running}],[]]}},{error,#{callback_mode => handle_e"
        "vent_function,client_info => undefined,label => {gen_statem,terminate},log => []"
        ",modules => m,name => reporter,postponed => [],queue => [{cast,{exit,oops}}],rea"
        "son => {exit,oops,stack},state => {idle,data},state_enter => false,timeouts => {"
        "0,[]}}}]}.",
        "{{machine,cast,{error,oops}},[{error,#{label => {proc_lib,crash},report => [[{in"
        "itial_call,mfa},{pid,pid},{registered_name,reporter},{error_info,{error,oops,sta"
        "ck}},{ancestors,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionar"
        "y,[]},{trap_exit,false},{status,running}],[]]}},{error,#{callback_mode => handle"
        "_event_function,client_info => undefined,label => {gen_statem,terminate},log => "
        "[],modules => m,name => reporter,postponed => [],queue => [{cast,{error,oops}}],"
        "reason => {error,oops,stack},state => {idle,data},state_enter => false,timeouts "
        "=> {0,[]}}}]}.",
        "{{body,{error,oops}},[{error,#{label => {proc_lib,crash},report => [[{initial_ca"
        "ll,mfa},{pid,pid},{registered_name,[]},{error_info,{error,oops,stack}},{ancestor"
        "s,[pid]},{message_queue_len,0},{messages,[]},{links,[]},{dictionary,[]},{trap_ex"
        "it,false},{status,running}],[]]}}]}.",
        "{{body,{exit,shutdown}},[]}.",
        "{{body,{exit,normal}},[]}.",
        "{{child,permanent,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{"
        "initial_call,mfa},{pid,pid},{registered_name,[]},{error_info,{exit,oops,stack}},"
        "{ancestors,[top,pid]},{message_queue_len,0},{messages,[]},{links,[pid]},{diction"
        "ary,[]},{trap_exit,false},{status,running}],[]]}},{error,#{label => {supervisor,"
        "child_terminated},report => [{supervisor,{local,top}},{errorContext,child_termin"
        "ated},{reason,oops},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,perma"
        "nent},{significant,false},{shutdown,5000},{child_type,worker}]}]}},{error,#{clie"
        "nt_info => undefined,label => {gen_server,terminate},last_message => {'$gen_cast"
        "',{stop,oops}},log => [],name => pid,reason => oops,state => data}},{info,#{labe"
        "l => {supervisor,progress},report => [{supervisor,{local,top}},{started,[{pid,pi"
        "d},{id,a},{mfargs,mfa},{restart_type,permanent},{significant,false},{shutdown,50"
        "00},{child_type,worker}]}]}},{info,#{label => {supervisor,progress},report => [{"
        "supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,pe"
        "rmanent},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,permanent,{stop,normal}},[{error,#{label => {supervisor,child_terminated"
        "},report => [{supervisor,{local,top}},{errorContext,child_terminated},{reason,no"
        "rmal},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{signifi"
        "cant,false},{shutdown,5000},{child_type,worker}]}]}},{info,#{label => {superviso"
        "r,progress},report => [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfar"
        "gs,mfa},{restart_type,permanent},{significant,false},{shutdown,5000},{child_type"
        ",worker}]}]}},{info,#{label => {supervisor,progress},report => [{supervisor,{loc"
        "al,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{signi"
        "ficant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,permanent,{stop,shutdown}},[{error,#{label => {supervisor,child_terminat"
        "ed},report => [{supervisor,{local,top}},{errorContext,child_terminated},{reason,"
        "shutdown},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{sig"
        "nificant,false},{shutdown,5000},{child_type,worker}]}]}},{info,#{label => {super"
        "visor,progress},report => [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{"
        "mfargs,mfa},{restart_type,permanent},{significant,false},{shutdown,5000},{child_"
        "type,worker}]}]}},{info,#{label => {supervisor,progress},report => [{supervisor,"
        "{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{s"
        "ignificant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,transient,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{"
        "initial_call,mfa},{pid,pid},{registered_name,[]},{error_info,{exit,oops,stack}},"
        "{ancestors,[top,pid]},{message_queue_len,0},{messages,[]},{links,[pid]},{diction"
        "ary,[]},{trap_exit,false},{status,running}],[]]}},{error,#{label => {supervisor,"
        "child_terminated},report => [{supervisor,{local,top}},{errorContext,child_termin"
        "ated},{reason,oops},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,trans"
        "ient},{significant,false},{shutdown,5000},{child_type,worker}]}]}},{error,#{clie"
        "nt_info => undefined,label => {gen_server,terminate},last_message => {'$gen_cast"
        "',{stop,oops}},log => [],name => pid,reason => oops,state => data}},{info,#{labe"
        "l => {supervisor,progress},report => [{supervisor,{local,top}},{started,[{pid,pi"
        "d},{id,a},{mfargs,mfa},{restart_type,transient},{significant,false},{shutdown,50"
        "00},{child_type,worker}]}]}},{info,#{label => {supervisor,progress},report => [{"
        "supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,tr"
        "ansient},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,transient,{stop,normal}},[{info,#{label => {supervisor,progress},report "
        "=> [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_ty"
        "pe,transient},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,transient,{stop,shutdown}},[{info,#{label => {supervisor,progress},repor"
        "t => [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_"
        "type,transient},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,temporary,{stop,oops}},[{error,#{label => {proc_lib,crash},report => [[{"
        "initial_call,mfa},{pid,pid},{registered_name,[]},{error_info,{exit,oops,stack}},"
        "{ancestors,[top,pid]},{message_queue_len,0},{messages,[]},{links,[pid]},{diction"
        "ary,[]},{trap_exit,false},{status,running}],[]]}},{error,#{label => {supervisor,"
        "child_terminated},report => [{supervisor,{local,top}},{errorContext,child_termin"
        "ated},{reason,oops},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,tempo"
        "rary},{significant,false},{shutdown,5000},{child_type,worker}]}]}},{error,#{clie"
        "nt_info => undefined,label => {gen_server,terminate},last_message => {'$gen_cast"
        "',{stop,oops}},log => [],name => pid,reason => oops,state => data}},{info,#{labe"
        "l => {supervisor,progress},report => [{supervisor,{local,top}},{started,[{pid,pi"
        "d},{id,a},{mfargs,mfa},{restart_type,temporary},{significant,false},{shutdown,50"
        "00},{child_type,worker}]}]}}]}.",
        "{{child,temporary,{stop,normal}},[{info,#{label => {supervisor,progress},report "
        "=> [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_ty"
        "pe,temporary},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{{child,temporary,{stop,shutdown}},[{info,#{label => {supervisor,progress},repor"
        "t => [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_"
        "type,temporary},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{unexpected,[{warning,#{label => {gen_server,no_handle_info},message => hello,mo"
        "dule => m}}]}.",
        "{too_many,[{error,#{label => {proc_lib,crash},report => [[{initial_call,mfa},{pi"
        "d,pid},{registered_name,[]},{error_info,{exit,oops,stack}},{ancestors,[top,pid]}"
        ",{message_queue_len,0},{messages,[]},{links,[pid]},{dictionary,[]},{trap_exit,fa"
        "lse},{status,running}],[]]}},{error,#{label => {supervisor,child_terminated},rep"
        "ort => [{supervisor,{local,top}},{errorContext,child_terminated},{reason,oops},{"
        "offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{significant,fa"
        "lse},{shutdown,5000},{child_type,worker}]}]}},{error,#{label => {supervisor,shut"
        "down},report => [{supervisor,{local,top}},{errorContext,shutdown},{reason,reache"
        "d_max_restart_intensity},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,"
        "permanent},{significant,false},{shutdown,5000},{child_type,worker}]}]}},{error,#"
        "{client_info => undefined,label => {gen_server,terminate},last_message => {'$gen"
        "_cast',{stop,oops}},log => [],name => pid,reason => oops,state => data}},{info,#"
        "{label => {supervisor,progress},report => [{supervisor,{local,top}},{started,[{p"
        "id,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{significant,false},{shutdo"
        "wn,5000},{child_type,worker}]}]}},{info,#{label => {supervisor,progress},report "
        "=> [{supervisor,{local,top}},{started,[{pid,pid},{id,b},{mfargs,mfa},{restart_ty"
        "pe,permanent},{significant,false},{shutdown,5000},{child_type,worker}]}]}}]}.",
        "{start_error,[{error,#{label => {proc_lib,crash},report => [[{initial_call,mfa},"
        "{pid,pid},{registered_name,[]},{error_info,{exit,moody,stack}},{ancestors,[top,p"
        "id]},{message_queue_len,0},{messages,[]},{links,[pid]},{dictionary,[]},{trap_exi"
        "t,false},{status,running}],[]]}},{error,#{label => {supervisor,start_error},repo"
        "rt => [{supervisor,{local,top}},{errorContext,start_error},{reason,moody},{offen"
        "der,[{pid,undefined},{id,b},{mfargs,mfa},{restart_type,permanent},{significant,f"
        "alse},{shutdown,5000},{child_type,worker}]}]}},{info,#{label => {supervisor,prog"
        "ress},report => [{supervisor,{local,top}},{started,[{pid,pid},{id,a},{mfargs,mfa"
        "},{restart_type,permanent},{significant,false},{shutdown,5000},{child_type,worke"
        "r}]}]}}]}.",
        "{shutdown_error,[{error,#{label => {proc_lib,crash},report => [[{initial_call,mf"
        "a},{pid,pid},{registered_name,[]},{error_info,{exit,fell_over,stack}},{ancestors"
        ",[top,pid]},{message_queue_len,0},{messages,[]},{links,[pid]},{dictionary,[]},{t"
        "rap_exit,true},{status,running}],[]]}},{error,#{label => {supervisor,shutdown_er"
        "ror},report => [{supervisor,{local,top}},{errorContext,shutdown_error},{reason,f"
        "ell_over},{offender,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{sig"
        "nificant,false},{shutdown,5000},{child_type,worker}]}]}},{error,#{client_info =>"
        " undefined,label => {gen_server,terminate},last_message => {'EXIT',pid,shutdown}"
        ",log => [],name => pid,reason => fell_over,state => undefined}},{info,#{label =>"
        " {supervisor,progress},report => [{supervisor,{local,top}},{started,[{pid,pid},{"
        "id,a},{mfargs,mfa},{restart_type,permanent},{significant,false},{shutdown,5000},"
        "{child_type,worker}]}]}}]}.",
        "{brutal_kill,[{info,#{label => {supervisor,progress},report => [{supervisor,{loc"
        "al,top}},{started,[{pid,pid},{id,a},{mfargs,mfa},{restart_type,permanent},{signi"
        "ficant,false},{shutdown,brutal_kill},{child_type,worker}]}]}}]}.",
};

// --- making them plain ---

static keel_term plain(keel_term term);

static keel_term plain_list(keel_term list)
{
    keel_term shown = keel_nil();
    keel_term item;
    if (keel_tuple_size(keel_head(list)) == 2 &&
            keel_is_binary(keel_element(keel_head(list), 0))) {
        return keel_atom(stack);
    }
    while (keel_list_next(&list, &item)) {
        // OTP has labels since release 27, and words of heap where we have none.
        if (!keel_is(keel_element(item, 0), process_label)) {
            shown = keel_cons(plain(item), shown);
        }
    }
    return keel_list_reverse(shown);
}

static keel_term plain_map(keel_term map)
{
    keel_term shown = map;
    keel_term key;
    keel_term value;
    for (size_t i = 0; keel_map_at(map, i, &key, &value); i++) {
        bool named = keel_is(key, modules) || keel_is(key, module);
        keel_term three = KEEL_NONE;
        keel_term class = KEEL_NONE;
        value = plain(value);
        if (keel_is(key, client_info) && !keel_is(value, undefined)) {
            value = keel_make("{pid, {pid, stack}}");
        } else if (keel_is(key, reason) &&
                   keel_match(value, "{Class, R, _}", &class, &three)) {
            value = keel_tuple_of(class, three, keel_atom(stack));
        }
        shown = keel_map_put(shown, key, named ? keel_atom(m) : value);
    }
    return shown;
}

static keel_term plain_tuple(keel_term tuple)
{
    keel_term key = keel_element(tuple, 0);
    keel_term class = KEEL_NONE;
    keel_term reason = KEEL_NONE;
    if (keel_is(key, initial_call) || keel_is(key, mfargs)) {
        return keel_tuple_of(key, keel_atom(mfa));
    }
    if (keel_is(key, ancestors)) { // the last is that of the test's process
        keel_term own = keel_list_reverse(
                keel_tail(keel_list_reverse(keel_element(tuple, 1))));
        return keel_tuple_of(key, plain(own));
    }
    if (keel_match(tuple, "{error_info, {Class, Reason, _}}", &class, &reason)) {
        return keel_tuple_of(key, keel_tuple_of(class, plain(reason), keel_atom(stack)));
    }
    for (size_t i = 0; i < keel_tuple_size(tuple); i++) {
        tuple = keel_set_element(tuple, i, plain(keel_element(tuple, i)));
    }
    return tuple;
}

static keel_term plain(keel_term term)
{
    if (keel_is_pid(term)) {
        return keel_atom(pid);
    }
    if (keel_is_ref(term)) {
        return keel_atom(ref);
    }
    return keel_is_list(term)    ? plain_list(term)
           : keel_is_tuple(term) ? plain_tuple(term)
           : keel_is_map(term)   ? plain_map(term)
                                 : term;
}

// --- the ends ---

static bool stops(keel_term how, keel_term *ret_reason)
{
    keel_term what = keel_element(how, 0);
    *ret_reason = keel_element(how, 1);
    if (keel_is(what, exit)) {
        keel_exit(*ret_reason);
    }
    if (keel_is(what, error)) {
        keel_error(*ret_reason);
    }
    return keel_is(what, stop);
}

static keel_result init_server(keel_term state, void *memory)
{
    if (keel_is(state, fail)) {
        return keel_stop_with(keel_atom(moody));
    }
    if (keel_is(state, fails_at_end)) {
        keel_trap_exit(true);
    }
    keel_set(memory, keel_is(state, server) ? keel_atom(data) : state);
    return keel_ok();
}

static keel_result cast_server(keel_term how, void *state)
{
    keel_term reason;
    (void)state;
    return stops(how, &reason) ? keel_stop_with(reason) : keel_noreply();
}

static keel_result call_server(keel_term how, keel_from from, void *state)
{
    (void)from;
    return cast_server(how, state);
}

static void end_server(keel_term reason, void *state)
{
    (void)reason;
    if (keel_is(*(keel_term *)state, fails_at_end)) {
        keel_exit(keel_atom(fell_over));
    }
}

static const keel_gen_server server = {.name = "reporting_server",
        .state = KEEL_STATE_TERM,
        .init = init_server,
        .handle_call = call_server,
        .handle_cast = cast_server,
        .terminate = end_server};

static keel_result init_machine(keel_term data, void *memory)
{
    keel_set(memory, data);
    return keel_ok_in(keel_atom(idle));
}

static keel_result handle_event(const keel_event *event, void *data)
{
    keel_term reason;
    (void)data;
    return stops(event->content, &reason) ? keel_stop_with(reason) : keel_keep_state();
}

static const keel_gen_statem machine_to_end = {.name = "reporting_machine",
        .data = KEEL_STATE_TERM,
        .init = init_machine,
        .handle_event = handle_event};

static void run_body(keel_term how)
{
    keel_term reason;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
    stops(how, &reason);
}

static keel_child_spec child(keel_term id)
{
    return keel_child(&server, keel_atom(server), .id = id);
}

static keel_started start_top(const keel_child_spec *children, size_t count, int intensity)
{
    return keel_supervisor_start_link(
            children, count, .intensity = intensity, .name = keel_atom(top));
}

// Sends what ends `pid`, and waits until it has.
static void end_by(keel_pid pid, keel_term callback, keel_term how)
{
    keel_ref monitor = keel_monitor(pid);
    if (keel_is(callback, call)) {
        keel_term reason = KEEL_NONE;
        CHECK_INT(keel_call(pid, how, &reason), KEEL_E_EXIT);
    } else if (keel_is(callback, cast)) {
        keel_cast(pid, how);
    } else {
        keel_send(pid, how);
    }
    await_down(monitor);
}

static void stop_top(keel_pid top)
{
    keel_ref monitor = keel_monitor(top);
    keel_process_exit(top, keel_atom(shutdown));
    await_down(monitor);
}

static void end_child(keel_term restart, keel_term how)
{
    keel_child_spec children[] = {child(keel_atom(a))};
    children[0].restart = keel_is(restart, permanent)   ? KEEL_PERMANENT
                          : keel_is(restart, transient) ? KEEL_TRANSIENT
                                                        : KEEL_TEMPORARY;
    keel_pid top = actor_started(start_top(children, 1, 1));
    end_by(KID_OF(top, a), keel_atom(cast), how);
    stop_top(top);
}

static void end_tree(keel_term what)
{
    keel_child_spec children[] = {child(keel_atom(a)), child(keel_atom(b))};
    size_t count = keel_is(what, too_many) || keel_is(what, start_error) ? 2 : 1;
    if (keel_is(what, start_error)) {
        children[1].argument = keel_atom(fail);
    } else if (keel_is(what, shutdown_error)) {
        children[0].argument = keel_atom(fails_at_end);
    } else if (keel_is(what, brutal_kill)) {
        children[0].shutdown = KEEL_BRUTAL_KILL;
    }
    keel_started started = start_top(
            children, count, keel_is(what, too_many) ? KEEL_NO_RESTARTS : 1);
    if (keel_is(what, start_error)) {
        CHECK_TERM(started.reason, "{shutdown, {failed_to_start_child, b, moody}}");
        return;
    }
    keel_ref monitor = keel_monitor(actor_started(started));
    if (keel_is(what, too_many)) {
        keel_cast(KID_OF(started.pid, a), keel_make("{stop, oops}"));
    } else {
        keel_process_exit(started.pid, keel_atom(shutdown));
    }
    await_down(monitor);
}

static void make_end(keel_term what)
{
    keel_term name = keel_atom(reporter);
    keel_term kind = keel_element(what, 0);
    keel_term how = keel_element(what, keel_tuple_size(what) - 1);
    if (keel_is(kind, server)) {
        keel_pid pid = actor_started(
                keel_gen_server_start(&server, keel_atom(server), .name = name));
        end_by(pid, keel_element(what, 1), how);
    } else if (keel_is(kind, machine)) {
        keel_pid pid = actor_started(
                keel_gen_statem_start(&machine_to_end, keel_atom(data), .name = name));
        end_by(pid, keel_element(what, 1), how);
    } else if (keel_is(kind, body)) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(run_body, how, &monitor);
        keel_send(pid, keel_atom(go));
        await_down(monitor);
    } else if (keel_is(kind, child)) {
        end_child(keel_element(what, 1), how);
    } else if (keel_is(what, unexpected)) {
        keel_pid pid = actor_started(
                keel_gen_server_start(&server, keel_atom(server), .name = name));
        keel_send(pid, keel_atom(hello));
        stop_actor(pid);
    } else {
        end_tree(what);
    }
}

// --- comparing ---

static keel_term level_name(int level)
{
    return level == KEEL_REPORT_ERROR     ? keel_atom(error)
           : level == KEEL_REPORT_WARNING ? keel_atom(warning)
           : level == KEEL_REPORT_INFO    ? keel_atom(info)
                                          : keel_atom(debug);
}

// All that was reported.
static keel_term reports(void)
{
    keel_term list = keel_nil();
    keel_term report = KEEL_NONE;
    int level;
    while (keel_receive_match(KEEL_AT_ONCE, "{report, Level, Report}", &level, &report) ==
            KEEL_OK) {
        list = keel_cons(keel_tuple_of(level_name(level), plain(report)), list);
    }
    return list;
}

// The first item of `list` that is not in `others`; none when all are.
static keel_term odd_one(keel_term list, keel_term others)
{
    keel_term item;
    while (keel_list_next(&list, &item)) {
        if (!keel_list_member(item, others)) {
            return item;
        }
    }
    return KEEL_NONE;
}

// The same reports; their order among several processes may differ.
static void compare(keel_term what, keel_term seen, keel_term recorded)
{
    size_t count, expected;
    keel_term missing = odd_one(recorded, seen);
    if (!keel_is_none(missing)) {
        keel_term strange = odd_one(seen, recorded);
        strange = keel_is_none(strange) ? keel_atom(nothing) : strange;
        CHECK_EQUAL(keel_tuple_of(what, strange), keel_tuple_of(what, missing));
    }
    CHECK(keel_list_length(seen, &count) && keel_list_length(recorded, &expected));
    CHECK_INT(count, expected);
}

SIMULATED_TEST("ends are reported as OTP reports them", .ids = "PL-042 SU-147 SU-148")
{
    keel_trap_exit(true);
    for (size_t i = 0; i < KEEL_COUNT(cases); i++) {
        keel_scope scope = keel_scope_open();
        keel_term recorded = KEEL_NONE;
        size_t at = 0;
        CHECK_OK(keel_parse_next(cases[i], strlen(cases[i]), &at, &recorded, NULL));
        catch_reports();
        make_end(keel_element(recorded, 0));
        keel_sleep(KEEL_MS(1)); // whoever reports has done so when time goes on
        compare(keel_element(recorded, 0), reports(), keel_element(recorded, 1));
        keel_flush();
        keel_scope_close(&scope);
    }
    keel_report_handler_set(NULL);
}
