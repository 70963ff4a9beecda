// The scripted gen_statem: each step is an action, or decides about state and data.

#include "fixture.h"

enum move { KEEP, NEXT, REPEAT };

struct course {
    enum move move;
    keel_term state; // the next one
    keel_term data;
    keel_term actions; // newest first
    keel_term replies; // newest first
    keel_term stop; // KEEL_NONE: go on
    bool declined;
};

static struct course follow(keel_term script, const keel_event *event, keel_term data);
static void follow_step(struct course *course, keel_term step, const keel_event *event);
static bool must_wait(keel_term script, keel_term state);
static keel_term oldest_first(keel_term list);

static keel_result init(keel_term options, void *data)
{
    probe_setup(options, keel_atom(statem));
    probe_report(keel_atom(init), keel_from_pid(keel_self()));
    struct course course = follow(option(options, keel_atom(init), keel_nil()), NULL,
            option(options, keel_atom(data), keel_nil()));
    if (course.declined) {
        return keel_ignore();
    }
    if (!keel_is_none(course.stop)) {
        return keel_stop_with(course.stop);
    }
    keel_set(data, course.data);
    return keel_ok_in(option(options, keel_atom(state), keel_atom(idle)),
            oldest_first(course.actions));
}

static keel_result obey(keel_term script, const keel_event *event, void *data)
{
    if (must_wait(script, event->state)) {
        return keel_keep_state(keel_do_postpone());
    }
    struct course course = follow(script, event, *(keel_term *)data);
    keel_set(data, course.data);
    keel_term actions = oldest_first(course.actions);
    if (!keel_is_none(course.stop)) {
        return keel_is_nil(course.replies)
                       ? keel_stop_with(course.stop)
                       : keel_stop_and_reply(course.stop, oldest_first(course.replies));
    }
    switch (course.move) {
    case NEXT:
        return keel_next_state(course.state, actions);
    case REPEAT:
        return keel_repeat_state(actions);
    default:
        return keel_keep_state(actions);
    }
}

static keel_result handle_event(const keel_event *event, void *data)
{
    keel_term script;
    keel_term type = keel_event_is_call(event) ? keel_atom(call)
                                               : keel_event_type_term(event);
    probe_report(keel_atom(event), keel_tuple_of(event->state, type, event->content));
    if (!keel_event_is_enter(event) && script_asked(event->content, &script)) {
        return obey(script, event, data);
    }
    return keel_keep_state();
}

static void terminate(keel_term reason, keel_term state, void *data)
{
    (void)data;
    probe_report(keel_atom(terminate), keel_tuple_of(reason, state));
}

static const keel_gen_statem scripted_machine = {
        .name = "fixture",
        .data = KEEL_STATE_TERM,
        .init = init,
        .handle_event = handle_event,
        .terminate = terminate,
};

static const keel_gen_statem scripted_machine_entering = {
        .name = "fixture",
        .data = KEEL_STATE_TERM,
        .init = init,
        .handle_event = handle_event,
        .state_enter = true,
        .terminate = terminate,
};

keel_started machine_start(keel_term options, bool link)
{
    bool enter = keel_to_bool(option(options, keel_atom(enter), keel_bool(false)));
    const keel_gen_statem *machine = enter ? &scripted_machine_entering : &scripted_machine;
    keel_term name = option(options, keel_atom(name), KEEL_NONE);
    return link ? keel_gen_statem_start_link(machine, options, .name = name)
                : keel_gen_statem_start(machine, options, .name = name);
}

static struct course follow(keel_term script, const keel_event *event, keel_term data)
{
    struct course course = {.data = data, .actions = keel_nil(), .replies = keel_nil()};
    keel_term step;
    if (!keel_is_list(script)) {
        follow_step(&course, script, event);
    }
    while (keel_list_next(&script, &step)) {
        follow_step(&course, step, event);
    }
    return course;
}

static void act(struct course *course, keel_term action)
{
    course->actions = keel_cons(action, course->actions);
}

static void answer(struct course *course, const keel_event *event, keel_term reply)
{
    if (event != NULL && keel_event_is_call(event)) {
        keel_term action = keel_do_reply(event->from, reply);
        act(course, action);
        course->replies = keel_cons(action, course->replies);
    }
}

static void follow_step(struct course *course, keel_term step, const keel_event *event)
{
    keel_term term, name, time;
    if (keel_match(step, "{next_state, State}", &course->state)) {
        course->move = NEXT;
    } else if (keel_is(step, repeat_state)) {
        course->move = REPEAT;
    } else if (keel_match(step, "{data, Data}", &term)) {
        course->data = term;
    } else if (keel_match(step, "{reply, Reply}", &term)) {
        answer(course, event, term);
    } else if (keel_is(step, postpone) || keel_match(step, "{state_timeout, _, _}") ||
               keel_match(step, "{timeout, _, _}")) {
        act(course, step);
    } else if (keel_match(step, "{timeout, Name, Ms, Content}", &name, &time, &term)) {
        act(course, keel_make("{{timeout, Name}, Ms, Content}", name, time, term));
    } else if (keel_match(step, "{next_event, Content}", &term)) {
        act(course, keel_do_next_event(KEEL_EVENT_INTERNAL, term));
    } else if (keel_match(step, "{stop, Reason}", &term)) {
        course->stop = term;
    } else if (keel_is(step, ignore)) {
        course->declined = true;
    } else if (keel_match(step, "{exit, Reason}", &term)) {
        keel_exit(term);
    } else if (keel_match(step, "{sleep, Ms}", &term)) {
        keel_sleep(script_time(term));
    }
}

// {postpone_unless, State} puts the whole script off in another state.
static bool must_wait(keel_term script, keel_term state)
{
    keel_term step, wanted;
    keel_term steps = keel_is_list(script) ? script : keel_list_of(script);
    while (keel_list_next(&steps, &step)) {
        if (keel_match(step, "{postpone_unless, State}", &wanted)) {
            return !keel_equal(wanted, state);
        }
    }
    return false;
}

static keel_term oldest_first(keel_term list)
{
    return keel_list_reverse(list);
}
