// Specifications of applications: from C, from OTP's notation, and what is wrong with them.

#include "application.h"
#include "registered.h"
#include <string.h>

static struct kl_registered known; // by name
static struct kl_registered modules; // by module

static keel_term atom_of(const char *text)
{
    keel_term atom = KEEL_NONE;
    size_t size = text != NULL ? strlen(text) : 0;
    bool made = size > 0 && keel_atom_from(text, size, &atom) == KEEL_OK;
    return made ? atom : KEEL_NONE;
}

static const char *module_name(const keel_application *application)
{
    return application->module != NULL ? application->module : application->name;
}

keel_term keel_application_register(const keel_application *application)
{
    keel_term name = application != NULL ? atom_of(application->name) : KEEL_NONE;
    keel_term module = keel_is_none(name) ? name : atom_of(module_name(application));
    if (keel_is_none(module)) {
        return KEEL_NONE;
    }
    if (kl_registered_get(&known, name, KEEL_NONE) == (uintptr_t)application) {
        return name; // which ends a circle of applications, too
    }
    kl_registered_put(&known, name, KEEL_NONE, (uintptr_t)application);
    kl_registered_put(&modules, module, KEEL_NONE, (uintptr_t)application);
    const keel_application *const *lists[] = {
            application->applications, application->included_applications};
    for (size_t i = 0; i < KEEL_COUNT(lists); i++) {
        for (const keel_application *const *at = lists[i]; at != NULL && *at != NULL;
                at++) {
            keel_application_register(*at);
        }
    }
    return name;
}

const keel_application *kl_app_known(keel_term name)
{
    return (const keel_application *)kl_registered_get(&known, name, KEEL_NONE);
}

const keel_application *kl_app_module(keel_term module)
{
    return (const keel_application *)kl_registered_get(&modules, module, KEEL_NONE);
}

// --- from C ---

static keel_term names_of(const keel_application *const *list)
{
    keel_term names = keel_nil();
    for (; list != NULL && *list != NULL; list++) {
        names = keel_cons(keel_application_register(*list), names);
    }
    return keel_list_reverse(names);
}

static keel_term atoms_of(const char *const *list)
{
    keel_term atoms = keel_nil();
    for (; list != NULL && *list != NULL; list++) {
        atoms = keel_cons(atom_of(*list), atoms);
    }
    return keel_list_reverse(atoms);
}

// The term that a text stands for; `otherwise` for NULL. KEEL_NONE when it is no term.
static keel_term parsed(const char *text, keel_term otherwise)
{
    keel_term term = KEEL_NONE;
    if (text == NULL) {
        return otherwise;
    }
    return keel_parse(text, strlen(text), &term, NULL) == KEEL_OK ? term : KEEL_NONE;
}

static keel_term text_of(const char *text)
{
    return text == NULL ? keel_nil() : keel_charlist(text);
}

keel_term kl_app_spec_of_c(const keel_application *application, keel_term *ret_reason)
{
    keel_term env = parsed(application->env, keel_nil());
    keel_term argument = parsed(application->argument, keel_nil());
    keel_term phases = parsed(application->start_phases, keel_atom(undefined));
    const char *wrong = keel_is_none(env)        ? application->env
                        : keel_is_none(argument) ? application->argument
                        : keel_is_none(phases)   ? application->start_phases
                                                 : NULL;
    if (wrong != NULL) {
        *ret_reason = keel_make("{invalid_options, Text}", wrong);
        return KEEL_NONE;
    }
    keel_term needed = names_of(application->applications);
    keel_term optional = atoms_of(application->optional_applications);
    keel_term module = application->start == NULL
                               ? keel_nil()
                               : keel_tuple_of(atom_of(module_name(application)), argument);
    keel_term options[] = {
            keel_tuple_of(keel_atom(description), text_of(application->description)),
            keel_tuple_of(keel_atom(vsn), text_of(application->version)),
            keel_tuple_of(keel_atom(registered), atoms_of(application->registered)),
            keel_tuple_of(keel_atom(included_applications),
                    names_of(application->included_applications)),
            keel_tuple_of(keel_atom(optional_applications), optional),
            keel_tuple_of(keel_atom(applications), keel_list_append(needed, optional)),
            keel_tuple_of(keel_atom(env), env),
            keel_tuple_of(keel_atom(mod), module),
            keel_tuple_of(keel_atom(start_phases), phases),
    };
    return keel_tuple_of(keel_atom(application), atom_of(application->name),
            keel_list(options, KEEL_COUNT(options)));
}

// --- checking ---

static bool is_proper(keel_term list)
{
    size_t length;
    return keel_list_length(list, &length);
}

static bool are_atoms(keel_term list)
{
    keel_term item;
    bool good = is_proper(list);
    while (good && keel_list_next(&list, &item)) {
        good = keel_is_atom(item);
    }
    return good;
}

// A list of {Atom, Value}, each atom once.
static bool are_pairs(keel_term list)
{
    keel_term seen = keel_nil();
    keel_term item;
    bool good = is_proper(list);
    while (good && keel_list_next(&list, &item)) {
        keel_term key = keel_element(item, 0);
        good = keel_tuple_size(item) == 2 && keel_is_atom(key) &&
               !keel_list_member(key, seen);
        seen = good ? keel_cons(key, seen) : seen;
    }
    return good;
}

static bool is_text(keel_term value)
{
    return keel_is_binary(value) || is_proper(value);
}

static bool is_maximum(keel_term value)
{
    return keel_is_int(value) || keel_is(value, infinity);
}

static bool is_module(keel_term value)
{
    return keel_is_nil(value) ||
           (keel_tuple_size(value) == 2 && keel_is_atom(keel_element(value, 0)));
}

static bool are_phases(keel_term value)
{
    return keel_is(value, undefined) || are_pairs(value);
}

// The fields, in the order in which OTP lists them.
struct field {
    const char *name;
    bool (*good)(keel_term value);
    const char *otherwise;
};
static const struct field fields[] = {
        {"description", is_text, "[]"},
        {"id", is_text, "[]"},
        {"vsn", is_text, "[]"},
        {"modules", is_proper, "[]"},
        {"maxP", is_maximum, "infinity"},
        {"maxT", is_maximum, "infinity"},
        {"registered", are_atoms, "[]"},
        {"included_applications", are_atoms, "[]"},
        {"optional_applications", are_atoms, "[]"},
        {"applications", are_atoms, "[]"},
        {"env", are_pairs, "[]"},
        {"mod", is_module, "[]"},
        {"start_phases", are_phases, "undefined"},
};

keel_term kl_app_spec_check(keel_term spec, keel_term *ret_env, keel_term *ret_reason)
{
    keel_term options = keel_element(spec, 2);
    if (keel_tuple_size(spec) != 3 || !keel_is(keel_element(spec, 0), application) ||
            !keel_is_atom(keel_element(spec, 1))) {
        *ret_reason = keel_tuple_of(keel_atom(bad_application), spec);
        return KEEL_NONE;
    }
    if (!are_pairs(options)) {
        *ret_reason = keel_tuple_of(keel_atom(invalid_options), options);
        return KEEL_NONE;
    }
    keel_term keys = keel_nil();
    for (size_t i = KEEL_COUNT(fields); i > 0; i--) {
        const struct field *field = &fields[i - 1];
        keel_term name = atom_of(field->name);
        keel_term value = keel_proplist_get(options, name);
        if (keel_is_none(value)) {
            value = parsed(field->otherwise, KEEL_NONE);
        }
        if (!field->good(value)) {
            *ret_reason = keel_make("{invalid_options, {Key, Value}}", name, value);
            return KEEL_NONE;
        }
        if (keel_is(name, env)) {
            *ret_env = value;
        } else {
            keys = keel_cons(keel_tuple_of(name, value), keys);
        }
    }
    return keys;
}
