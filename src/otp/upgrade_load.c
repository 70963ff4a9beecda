// Versions of modules from shared objects.
//
// The loader knows an object by its name and its file, and gives the old one again when a
// file was overwritten in place. So what is loaded is a copy, in memory, under a name that
// no other has: that of its descriptor, which stays open with it.

#include "upgrade.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static keel_status tell(
        keel_term *ret_why, const char *path, const char *text, keel_status status)
{
    if (ret_why != NULL) {
        *ret_why = keel_format("%s: %s", path, text);
    }
    return status;
}

static keel_status copy_bytes(int from, int to)
{
    struct stat stat;
    if (fstat(from, &stat) != 0) {
        return -errno;
    }
    while (stat.st_size > 0) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)stat.st_size);
        if (sent <= 0) {
            return sent < 0 ? -errno : -EIO;
        }
        stat.st_size -= sent;
    }
    return KEEL_OK;
}

// A descriptor of a copy of the file in memory, or -errno.
static int copy_file(const char *path)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return -errno;
    }
    int to = memfd_create("keel-module", MFD_CLOEXEC);
    keel_status status = to < 0 ? -errno : copy_bytes(from, to);
    close(from);
    if (status != KEEL_OK && to >= 0) {
        close(to);
    }
    return status != KEEL_OK ? (int)status : to;
}

static bool is_usable(const keel_module_export *module)
{
    static const size_t bytes[] = {
            [KEEL_MODULE_GEN_SERVER] = sizeof(keel_gen_server),
            [KEEL_MODULE_GEN_STATEM] = sizeof(keel_gen_statem),
            [KEEL_MODULE_SUPERVISOR] = sizeof(keel_supervisor),
            [KEEL_MODULE_DYNAMIC_SUPERVISOR] = sizeof(keel_dynamic_supervisor),
    };
    return module != NULL && (size_t)module->kind < KEEL_COUNT(bytes) &&
           module->bytes == bytes[module->kind] && module->module != NULL;
}

keel_status keel_module_load(
        const char *path, const keel_module_export **ret_module, keel_term *ret_why)
{
    char name[64];
    if (path == NULL || ret_module == NULL) {
        return KEEL_E_BADARG;
    }
    int fd = copy_file(path);
    if (fd < 0) {
        return tell(ret_why, path, keel_status_text(fd), fd);
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    void *object = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        const char *error = dlerror();
        close(fd);
        return tell(ret_why, path, error != NULL ? error : "it cannot be loaded",
                KEEL_E_UNSUPPORTED);
    }
    const keel_module_export *module = dlsym(object, "keel_module_exported");
    if (!is_usable(module)) {
        dlclose(object);
        close(fd);
        return tell(ret_why, path, "it shows no module of this release of Keel",
                KEEL_E_UNSUPPORTED);
    }
    *ret_module = module;
    return KEEL_OK;
}

keel_status keel_upgrade_file(const char *path, keel_term extra, keel_term *ret_why)
{
    const keel_module_export *module = NULL;
    keel_status status = keel_module_load(path, &module, ret_why);
    if (status != KEEL_OK) {
        return status;
    }
    switch (module->kind) {
    case KEEL_MODULE_GEN_SERVER:
        return keel_upgrade_servers(module->module, extra, ret_why);
    case KEEL_MODULE_GEN_STATEM:
        return keel_upgrade_statems(module->module, extra, ret_why);
    case KEEL_MODULE_SUPERVISOR:
        return keel_upgrade_supervisors(module->module, extra, ret_why);
    default:
        return keel_upgrade_dynamic_supervisors(module->module, extra, ret_why);
    }
}
