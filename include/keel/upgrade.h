#ifndef KEEL_UPGRADE_H
#define KEEL_UPGRADE_H

#include <keel/dynamic_supervisor.h>
#include <keel/gen_statem.h>
#include <keel/supervisor.h>

// Another version of a module while its servers run. OTP: release_handler.
//
// A module is known by its name. An upgrade suspends all its servers, has each take on the
// new version (its state moves field by field, by name, then code_change has its say),
// resumes them, and from then on whoever starts a server of that name starts the new
// version, a supervisor that restarts one included. Calls made meanwhile wait and are
// answered by the new version. When one server cannot take it on, all go on as they were. A
// server that was started meanwhile and refuses what is current by then is killed, so that
// its supervisor starts it anew: OTP's purge of old code.
//
// A version may come from a shared object:
//
//   // counter_v2.c, built with: cc -shared -fPIC -o counter.so counter_v2.c
//   static const keel_gen_server counter = {.name = "counter", .version = "2", …};
//   KEEL_MODULE(counter);
//
//   keel_upgrade_file("counter.so", keel_nil(), &why);
//
// The program must show its symbols to it: link it with libkeel.so, or with -rdynamic. A
// version that was loaded stays in memory for good, since specifications may refer to it.

KEEL_BEGIN_DECLS

typedef enum keel_module_kind {
    KEEL_MODULE_GEN_SERVER,
    KEEL_MODULE_GEN_STATEM,
    KEEL_MODULE_SUPERVISOR,
    KEEL_MODULE_DYNAMIC_SUPERVISOR,
} keel_module_kind;

/// What a shared object shows of itself; made by KEEL_MODULE.
typedef struct keel_module_export {
    uint32_t bytes; ///< of the module's struct: guards against another release
    keel_module_kind kind;
    const void *module;
} keel_module_export;

#ifndef __cplusplus
/// Shows a gen_server, gen_statem, supervisor or dynamic supervisor to keel_upgrade_file;
/// at file scope, once in a shared object.
#define KEEL_MODULE(name)                                                                  \
    KEEL_API extern const keel_module_export keel_module_exported;                         \
    const keel_module_export keel_module_exported = {sizeof(name),                         \
            _Generic(&(name), const keel_gen_server *                                      \
                     : KEEL_MODULE_GEN_SERVER, const keel_gen_statem *                     \
                     : KEEL_MODULE_GEN_STATEM, const keel_supervisor *                     \
                     : KEEL_MODULE_SUPERVISOR, const keel_dynamic_supervisor *             \
                     : KEEL_MODULE_DYNAMIC_SUPERVISOR),                                    \
            &(name)}
#endif

/// Upgrades (or downgrades) all servers of the version's name, and what is started later.
/// For a supervisor of either kind: its init is read again by all that were started with a
/// module of that name; children that run are not touched.
/// @param to       static: it must outlive its servers
/// @param extra    handed to code_change
/// @param ret_why  with KEEL_E_REFUSED: {Pid, Reason}, what that server said
/// @return KEEL_OK; KEEL_E_REFUSED and KEEL_E_TIMEOUT (a server does not suspend itself):
///         nothing has changed; KEEL_E_BADARG
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_upgrade_servers(
        const keel_gen_server *to, keel_term extra, keel_term *ret_why);
KEEL_API KEEL_MUST_USE keel_status keel_upgrade_statems(
        const keel_gen_statem *to, keel_term extra, keel_term *ret_why);
KEEL_API KEEL_MUST_USE keel_status keel_upgrade_supervisors(
        const keel_supervisor *to, keel_term extra, keel_term *ret_why);
KEEL_API KEEL_MUST_USE keel_status keel_upgrade_dynamic_supervisors(
        const keel_dynamic_supervisor *to, keel_term extra, keel_term *ret_why);

/// Loads a shared object that shows a module. The file may be replaced afterwards, in
/// whatever way: what was loaded is a copy.
/// @param ret_why  a text; may be NULL
/// @return KEEL_OK, KEEL_E_BADARG, KEEL_E_UNSUPPORTED (it shows no module, or one of
///         another release), -errno
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_module_load(
        const char *path, const keel_module_export **ret_module, keel_term *ret_why);
/// Loads it and upgrades all servers to it. @return as both do @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_upgrade_file(
        const char *path, keel_term extra, keel_term *ret_why);
/// The version string of what is started now under the module's name; NULL when it was
/// never upgraded. @thread any @since 0.1
KEEL_API const char *keel_upgrade_version(keel_module_kind kind, const char *name);

KEEL_END_DECLS

#endif // KEEL_UPGRADE_H
