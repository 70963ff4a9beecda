// Starting each kind of process by its name, with its options as a map.

#include "fixture.h"
#include <stdio.h>
#include <string.h>

struct kind {
    const char *name;
    const char *options; // their names, each between two blanks
    keel_started (*start)(keel_term options, bool link);
    bool always_linked;
};

static const struct kind *kind_of(keel_term kind);
static bool options_known(keel_term options, const char *names);
static keel_started start_known(keel_term kind, keel_term options, bool link);

keel_term kinds_start(keel_term kind, keel_term options, bool link)
{
    return keel_started_to_term(start_known(kind, options, link));
}

// The start function of every child: the arguments are [Kind, Options].
static keel_started start_child(keel_term arguments)
{
    return start_known(keel_head(arguments), keel_head(keel_tail(arguments)), true);
}

void kinds_register(void)
{
    (void)keel_start_register(keel_atom(fixture), keel_atom(start_link), start_child);
}

// --- names and numbers among the options ---

// A name for a start: an atom, or a key of a registry.
static keel_term name_of(keel_term options)
{
    keel_term registry, key, name = option(options, keel_atom(name), KEEL_NONE);
    return keel_match(name, "{via, Registry, Key}", &registry, &key)
                   ? keel_registry_via(registry, key)
                   : name;
}

static int intensity_of(keel_term options)
{
    int64_t intensity = keel_to_int(option(options, keel_atom(intensity), keel_int(3)));
    return intensity == 0 ? KEEL_NO_RESTARTS : (int)intensity;
}

static keel_duration period_of(keel_term options)
{
    return KEEL_SECONDS(keel_to_int(option(options, keel_atom(period), keel_int(5))));
}

static size_t max_children_of(keel_term options)
{
    keel_term most = option(options, keel_atom(max_children), keel_atom(infinity));
    return keel_is(most, infinity)  ? 0
           : keel_to_int(most) == 0 ? KEEL_NO_CHILDREN
                                    : (size_t)keel_to_int(most);
}

// --- the kinds ---

static keel_started start_server(keel_term options, bool link)
{
    keel_term limit = option(options, keel_atom(start_timeout), KEEL_NONE);
    const keel_start_opts how = {
            .argument = options,
            .name = name_of(options),
            .timeout = keel_is_none(limit) ? 0 : script_time(limit),
    };
    return link ? keel_gen_server_start_link_opt(&scripted_server, &how)
                : keel_gen_server_start_opt(&scripted_server, &how);
}

static keel_term initial_state(keel_term options)
{
    return option(options, keel_atom(state), keel_nil());
}

static keel_started start_agent(keel_term options, bool link)
{
    keel_term name = name_of(options);
    return link ? keel_agent_start_link(initial_state, options, .name = name)
                : keel_agent_start(initial_state, options, .name = name);
}

static keel_term init_supervisor(keel_term options)
{
    keel_term flags = keel_make("#{strategy => Strategy, intensity => Intensity, period => "
                                "Period, auto_shutdown => Auto}",
            option(options, keel_atom(strategy), keel_atom(one_for_one)),
            option(options, keel_atom(intensity), keel_int(3)),
            option(options, keel_atom(period), keel_int(5)),
            option(options, keel_atom(auto_shutdown), keel_atom(never)));
    return keel_make("{ok, {Flags, Children}}", flags,
            option(options, keel_atom(children), keel_nil()));
}

static const keel_supervisor scripted_supervisor = {"fixture", init_supervisor};

static keel_started start_supervisor(keel_term options, bool link)
{
    (void)link;
    return keel_supervisor_start_link_module(
            &scripted_supervisor, options, .name = name_of(options));
}

static keel_started start_dynamic(keel_term options, bool link)
{
    (void)link;
    return keel_dynamic_supervisor_start_link(.name = name_of(options),
            .intensity = intensity_of(options), .period = period_of(options),
            .max_children = max_children_of(options),
            .extra_arguments = option(options, keel_atom(extra), KEEL_NONE));
}

static keel_started start_task_supervisor(keel_term options, bool link)
{
    (void)link;
    return keel_task_supervisor_start_link(.name = name_of(options),
            .max_children = max_children_of(options));
}

static keel_started start_partition(keel_term options, bool link)
{
    (void)link;
    keel_term arguments = keel_list_of(option(options, keel_atom(kind), keel_nil()),
            option(options, keel_atom(opts), keel_make("#{}")));
    int partitions = (int)keel_to_int(option(options, keel_atom(partitions), keel_int(0)));
    return keel_partition_supervisor_start_link(
            &keel_child_fn(start_child, arguments, .modules = keel_make("[fixture]")),
            .name = name_of(options), .partitions = partitions);
}

static keel_started start_registry(keel_term options, bool link)
{
    (void)link;
    keel_term keys = option(options, keel_atom(keys), keel_nil());
    bool unique = keel_is(keys, unique);
    if (!unique && !keel_is(keys, duplicate)) {
        keel_error(keel_atom(badarg));
    }
    return keel_registry_start_link(.name = name_of(options),
            .keys = unique ? KEEL_UNIQUE : KEEL_DUPLICATE);
}

// The name is that of a child, whose failure to take it would be the supervisor's.
static keel_started start_pubsub(keel_term options, bool link)
{
    (void)link;
    keel_pid holder = keel_whereis(name_of(options));
    if (holder.word != 0) {
        return keel_started_failed(keel_make("{already_started, Pid}", holder));
    }
    return keel_pubsub_start_link(.name = name_of(options));
}

static const struct kind kinds[] = {
        {"server", " name tag probe trap_exit state init terminate collect start_timeout ",
                start_server, false},
        {"proc", " name tag probe trap_exit init ", bare_start, false},
        {"supervisor", " name strategy intensity period auto_shutdown children ",
                start_supervisor, true},
        {"dynamic", " name intensity period max_children extra ", start_dynamic, true},
        {"task_sup", " name max_children ", start_task_supervisor, true},
        {"partition", " name partitions kind opts ", start_partition, true},
        {"agent", " name state ", start_agent, false},
        {"registry", " name keys ", start_registry, true},
        {"pubsub", " name ", start_pubsub, true},
        {"statem", " name tag probe state data enter init ", machine_start, false},
};

// The cases hold Keel against OTP 25, where a starter that traps exits is left the exit of
// a process whose init failed or declined. From OTP 26 on, and in Keel, it is not.
static void tell_as_before_26(keel_started started)
{
    bool declined = started.status == KEEL_E_IGNORED;
    if (declined || started.status == KEEL_E_EXIT) {
        probe_exit_signal(started.pid, declined ? keel_atom(normal) : started.reason);
    }
}

static keel_started start_known(keel_term kind, keel_term options, bool link)
{
    const struct kind *known = kind_of(kind);
    if (known == NULL || !options_known(options, known->options)) {
        return keel_started_failed(keel_atom(unsupported));
    }
    keel_started started = known->start(options, link);
    if ((link || known->always_linked) && started.pid.word != 0) {
        tell_as_before_26(started);
    }
    return started;
}

static const struct kind *kind_of(keel_term kind)
{
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        if (keel_is_atom(kind) && strcmp(keel_atom_name(kind), kinds[i].name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static bool options_known(keel_term options, const char *names)
{
    keel_term key, value;
    for (size_t i = 0; keel_map_at(options, i, &key, &value); i++) {
        char word[64];
        if (!keel_is_atom(key)) {
            return false;
        }
        snprintf(word, sizeof word, " %s ", keel_atom_name(key));
        if (strstr(names, word) == NULL) {
            return false;
        }
    }
    return keel_is_map(options);
}
