// Messages, names, aliases, links, monitors, timers.

#include "table.h"

static bool take_any(keel_term message, void *unused)
{
    (void)message, (void)unused;
    return true;
}

#define DEAD keel_from_pid(dead_process())
#define UNTIL KEEL_AT_ONCE, &result

TABLE(sending, "what is no destination, and what is no message, is refused")
{
    WITHIN(KEEL_E_BADARG, keel_send(no_destination(), one));
    WITHIN(KEEL_E_BADARG, keel_send("nobody_here", one));
    WITHIN(KEEL_E_BADARG, keel_send((const char *)NULL, one));
    WITHIN(KEEL_E_BADARG, keel_send(nobody, one));
    WITHIN(KEEL_E_BADARG, keel_send(dead_process(), nothing));
    WHILE_UP(KEEL_OK, keel_send(dead_process(), one));
    WHILE_UP(KEEL_OK, keel_send(dead_ref(), one));
    WITHIN(KEEL_E_BADARG, keel_send_term(no_destination(), one));
    WITHIN(KEEL_E_BADARG, keel_send_nosuspend(no_destination(), one));
    WITHIN(KEEL_E_BADARG, keel_send_nosuspend(DEAD, nothing));
    WHILE_UP(KEEL_OK, keel_send_nosuspend(DEAD, one));
    WITHIN(KEEL_E_BADARG, keel_send_priority(no_destination(), one));
    WITHIN(KEEL_E_BADARG, keel_send_priority(DEAD, nothing));
    WHILE_UP(KEEL_OK, keel_send_priority(keel_from_ref(dead_ref()), one));
    WITHIN(KEEL_E_BADARG, keel_broadcast(NULL, 3, one));
    WITHIN(KEEL_E_BADARG, keel_broadcast(&(keel_pid){no_pid().word}, 1, one));
    WITHIN(KEEL_E_BADARG, keel_broadcast(&(keel_pid){dead_process().word}, 1, nothing));
    WHILE_UP(KEEL_OK, keel_broadcast(&(keel_pid){dead_process().word}, 1, one));
    WHILE_UP(KEEL_OK, keel_broadcast(NULL, 0, one));
    TERM("undefined", keel_to_of_name(NULL));
    NUMBER(true, keel_is_atom(keel_to_of_name("no such word anywhere")));
    NOTHING(keel_to_of_term(nothing));
    NOTHING(keel_to_of_pid((keel_pid){0}));
    NOTHING(keel_to_of_ref((keel_ref){0}));
    NUMBER(0, keel_queue_length());
}

// How many messages are left of one, when none could be taken.
static size_t refuse_to_receive(void)
{
    keel_send(keel_self(), one);
    (void)!keel_receive_until(KEEL_AT_ONCE, NULL);
    (void)!keel_receive_where(take_any, NULL, KEEL_AT_ONCE, NULL);
    (void)!keel_receive_where(NULL, NULL, UNTIL);
    return keel_flush();
}

TABLE(receiving, "receiving without a place for the message takes none")
{
    WITHIN(KEEL_E_BADARG, keel_receive_until(KEEL_AT_ONCE, NULL));
    WITHIN(KEEL_E_BADARG, keel_receive_where(take_any, NULL, KEEL_AT_ONCE, NULL));
    WITHIN(KEEL_E_BADARG, keel_receive_where(NULL, NULL, UNTIL));
    WITHIN(KEEL_E_TIMEOUT, keel_receive_until(UNTIL));
    WITHIN(KEEL_E_TIMEOUT, keel_receive_where(take_any, NULL, UNTIL));
    WITHIN(KEEL_E_TIMEOUT, keel_receive_match(KEEL_AT_ONCE, "Message", &result));
    STATUS(KEEL_E_BADARG, keel_timeout_from(one, NULL));
    STATUS(KEEL_E_BADARG, keel_timeout_from(keel_int(-1), &(keel_deadline){0}));
    STATUS(KEEL_E_BADARG, keel_timeout_from(no_number(), &(keel_deadline){0}));
    STATUS(KEEL_E_BADARG, keel_timeout_from(keel_int(1LL << 32), &(keel_deadline){0}));
    NOTHING(keel_queue_length());
    NOTHING(keel_flush());
    if (is_inside()) {
        NUMBER(1, refuse_to_receive());
    } else {
        NOTHING(keel_receive());
        STATUS(KEEL_E_OUTSIDE, keel_receive_until(KEEL_NEVER, &result));
        STATUS(KEEL_E_OUTSIDE, keel_receive_where(take_any, NULL, KEEL_NEVER, &result));
        STATUS(KEEL_E_OUTSIDE, keel_receive_match(KEEL_NEVER, "Message", &result));
    }
}

static keel_status receive_unfinished(void)
{
    if (keel_in_process()) {
        keel_send(keel_self(), one);
    }
    return keel_receive_match(KEEL_AT_ONCE, "{unfinished, Value", &result);
}

TABLE(names, "names that are none, of what is no process, are refused")
{
    ENDS_STATUS("{badarg, {pattern, _, _}}", receive_unfinished());
    NUMBER(is_inside(), keel_flush()); // of the row before
    WITHIN(KEEL_E_BADARG, keel_register(no_atom(), keel_self()));
    WITHIN(KEEL_E_BADARG, keel_register(nobody, no_pid()));
    WITHIN(KEEL_E_BADARG, keel_register(keel_atom(undefined), dead_process()));
    WITHIN(KEEL_E_NOPROC, keel_register(nobody, dead_process()));
    WITHIN(KEEL_E_BADARG, keel_unregister(no_atom()));
    WITHIN(KEEL_E_BADARG, keel_unregister(nobody));
    NOTHING(keel_whereis(no_atom()));
    NOTHING(keel_whereis("nobody_here"));
    NOTHING(keel_whereis((const char *)NULL));
    if (!is_up()) {
        NOTHING(keel_registered());
    }
    TERM("nonode@nohost", keel_node_self());
    NOTHING(keel_node_of(any_word()));
    WITHIN(KEEL_E_BADARG, keel_alias_opt(nothing, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_alias_opt(no_list(), &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_alias_opt(keel_make("[no_option]"), &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_alias_opt(keel_nil(), NULL));
    NOTHING(keel_unalias(no_ref()));
    NOTHING(keel_unalias(dead_ref()));
    if (!is_inside()) {
        NOTHING(keel_alias());
        STATUS(KEEL_E_OUTSIDE, keel_alias_opt(keel_nil(), &ret.ref));
    }
}

TABLE(links, "links and monitors of what is no process are refused")
{
    WITHIN(KEEL_E_BADARG, keel_link(no_pid()));
    WITHIN(KEEL_E_BADARG, keel_link_priority(no_pid()));
    WITHIN(KEEL_E_BADARG, keel_unlink(no_pid()));
    OF_PROCESS(KEEL_OK, keel_unlink(dead_process()));
    NOTHING(keel_monitor(no_destination()));
    WITHIN(KEEL_E_BADARG, keel_monitor_opt(no_destination(), NULL, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_monitor_opt(DEAD, NULL, NULL));
    WITHIN(KEEL_E_BADARG,
            keel_monitor_opt(
                    DEAD, &(keel_monitor_opts){.alias = (keel_alias_mode)77}, &ret.ref));
    NOTHING(keel_demonitor(no_ref(), KEEL_DEMONITOR_INFO));
    NOTHING(keel_demonitor(dead_ref(), KEEL_DEMONITOR_INFO));
    HARMLESS(keel_demonitor(no_ref(), KEEL_DEMONITOR_FLUSH));
    HARMLESS(keel_demonitor(dead_ref(), 0));
    HARMLESS(keel_demonitor(dead_ref(), KEEL_DEMONITOR_FLUSH | KEEL_DEMONITOR_INFO));
    WITHIN(KEEL_E_BADARG, keel_demonitor_opt(any_word(), keel_nil(), &ret.flag));
    WITHIN(KEEL_E_BADARG,
            keel_demonitor_opt(keel_from_ref(dead_ref()), nothing, &ret.flag));
    WITHIN(KEEL_E_BADARG,
            keel_demonitor_opt(keel_from_ref(dead_ref()), keel_make("[no_option]"), NULL));
    WITHIN(KEEL_E_BADARG, keel_monitor_queue(no_pid(), 10, 1, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_monitor_queue(keel_self(), 1, 10, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_monitor_queue(keel_self(), 10, 1, NULL));
    WITHIN(KEEL_E_NOPROC, keel_monitor_queue(dead_process(), 10, 1, &ret.ref));
    if (!is_inside()) {
        STATUS(KEEL_E_OUTSIDE, keel_link(dead_process()));
        STATUS(KEEL_E_OUTSIDE, keel_link_priority(dead_process()));
        NOTHING(keel_monitor(dead_process()));
        NOTHING(keel_monitor("nobody_here"));
        STATUS(KEEL_E_OUTSIDE, keel_monitor_opt(DEAD, NULL, &ret.ref));
    }
    NUMBER(0, keel_queue_length());
}

TABLE(timers, "timers without a destination, a message, a time that may be are refused")
{
    NOTHING(keel_send_after(1, no_destination(), one));
    NOTHING(keel_send_after(-1, dead_process(), one));
    NOTHING(keel_send_after(1, dead_process(), nothing));
    NOTHING(keel_start_timer(1, no_destination(), one));
    NOTHING(keel_start_timer(INT64_MIN, DEAD, one));
    NOTHING(keel_start_timer(1, DEAD, nothing));
    NOTHING(keel_send_at(KEEL_AT_ONCE, no_destination(), one));
    NOTHING(keel_send_at(KEEL_AT_ONCE, DEAD, nothing));
    NOTHING(keel_start_timer_at(KEEL_AT_ONCE, no_destination(), one));
    NOTHING(keel_start_timer_at(KEEL_AT_ONCE, DEAD, nothing));
    STATUS(KEEL_E_BADARG,
            keel_send_after_opt(no_number(), DEAD, one, keel_nil(), &ret.ref));
    STATUS(KEEL_E_BADARG,
            keel_send_after_opt(keel_int(-1), DEAD, one, keel_nil(), &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_send_after_opt(one, DEAD, one, no_list(), &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_send_after_opt(one, DEAD, one, keel_make("[x]"), NULL));
    STATUS(KEEL_E_BADARG,
            keel_start_timer_opt(one, no_destination(), one, keel_nil(), &ret.ref));
    STATUS(KEEL_E_BADARG, keel_start_timer_opt(one, DEAD, nothing, keel_nil(), &ret.ref));
    NOTHING(keel_cancel_timer(no_ref(), &ret.number));
    NOTHING(keel_cancel_timer(dead_ref(), &ret.number));
    NOTHING(keel_read_timer(no_ref(), &ret.number));
    NOTHING(keel_read_timer(dead_ref(), NULL));
    WITHIN(KEEL_E_BADARG, keel_cancel_timer_async(no_ref(), true));
    WITHIN(KEEL_E_BADARG, keel_read_timer_async(no_ref()));
    OF_PROCESS(KEEL_OK, keel_cancel_timer_async(dead_ref(), false));
    STATUS(KEEL_E_BADARG, keel_timer_cancel(any_word()));
    STATUS(KEEL_E_BADARG, keel_apply_after(1, NULL, one, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_apply_after(-1, never_body, one, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_apply_interval(1, NULL, one, NULL));
    STATUS(KEEL_E_BADARG, keel_apply_interval(0, never_body, one, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_apply_repeatedly(1, NULL, one, NULL));
    STATUS(KEEL_E_BADARG, keel_apply_repeatedly(0, never_body, one, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_apply_repeatedly(1, never_body, KEEL_NONE, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_send_interval(1, no_destination(), one, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_send_interval(0, DEAD, one, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_send_interval(1, DEAD, nothing, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_exit_after(1, no_destination(), one, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_exit_after(-1, DEAD, one, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_exit_after(1, DEAD, nothing, &ret.ref));
    STATUS(KEEL_E_BADARG, keel_kill_after(1, no_destination(), &ret.ref));
    STATUS(KEEL_E_BADARG, keel_kill_after(-1, DEAD, &ret.ref));
    if (!is_up()) {
        NOTHING(keel_send_after(KEEL_MS(1), dead_process(), one));
        NOTHING(keel_start_timer(KEEL_MS(1), DEAD, one));
        NOTHING(keel_send_at(KEEL_AT_ONCE, DEAD, one));
        NOTHING(keel_start_timer_at(KEEL_AT_ONCE, DEAD, one));
        STATUS(KEEL_E_STOPPED, keel_send_after_opt(one, DEAD, one, keel_nil(), &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_start_timer_opt(one, DEAD, one, keel_nil(), &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_apply_after(1, never_body, one, &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_apply_interval(1, never_body, one, &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_apply_repeatedly(1, never_body, one, &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_send_interval(1, DEAD, one, &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_exit_after(1, DEAD, one, &ret.ref));
        STATUS(KEEL_E_STOPPED, keel_kill_after(1, DEAD, &ret.ref));
    }
    NUMBER(0, keel_queue_length());
}
