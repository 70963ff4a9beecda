#include "upgrade_testing.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *upgrade_object(const char *name, int version)
{
    static char path[4400];
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    CHECK(length > 0);
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    snprintf(path, sizeof path, "%s/src/otp/%s-v%d.so", program, name, version);
    return path;
}

const void *upgrade_load(const char *name, int version, keel_module_kind kind)
{
    const keel_module_export *module = NULL;
    CHECK_OK(keel_module_load(upgrade_object(name, version), &module, NULL));
    CHECK_INT(module->kind, kind);
    return module->module;
}
