// Levels, metadata and the making of events.

#include "logger.h"
#include <keel/report.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MODULE_NAME_MAX = 40, TEXT_MAX = 1024, LEVEL_UNSET = 127 };

// Modules with a level of their own. Entries stay for good.
struct module {
    struct module *next;
    int level; // LEVEL_UNSET: it has none any more
    char name[MODULE_NAME_MAX];
};

static int primary = KEEL_LOG_INFO;
static int most = KEEL_LOG_INFO; // the most detailed of all levels that are set
static struct module *modules; // newest first; read by anybody
static uint32_t process_levels; // processes have set a level at some time
static struct kl_lock lock; // of those who set levels

static const char *const level_names[] = {
        "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

const char *keel_log_level_name(keel_log_level level)
{
    bool known = (int)level >= 0 && (size_t)level < KEEL_COUNT(level_names);
    return known ? level_names[level] : "none";
}

keel_log_level keel_log_level_of(const char *name)
{
    for (size_t i = 0; name != NULL && i < KEEL_COUNT(level_names); i++) {
        if (strcmp(level_names[i], name) == 0) {
            return (keel_log_level)i;
        }
    }
    return KEEL_LOG_NONE;
}

// --- levels ---

int keel_logger_most(void)
{
    return kl_load_relaxed(&most); // a hint: keel_logger_allows decides
}

// Under the lock.
static void find_most(void)
{
    int found = kl_load_relaxed(&primary);
    for (struct module *at = modules; at != NULL; at = at->next) {
        int level = kl_load_relaxed(&at->level);
        found = level != LEVEL_UNSET && level > found ? level : found;
    }
    if (kl_load_relaxed(&process_levels) != 0) {
        found = KEEL_LOG_DEBUG;
    }
    kl_store_relaxed(&most, found);
}

static bool is_limit(keel_log_level level)
{
    return (int)level >= KEEL_LOG_NONE && (int)level <= KEEL_LOG_DEBUG;
}

keel_log_level keel_logger_level_set(keel_log_level level)
{
    kl_lock_take(&lock);
    int old = kl_load_relaxed(&primary);
    kl_store_relaxed(&primary, is_limit(level) ? (int)level : old);
    find_most();
    kl_lock_give(&lock);
    return (keel_log_level)old;
}

keel_log_level keel_logger_level(void)
{
    return (keel_log_level)kl_load_relaxed(&primary);
}

// A file's name without folder and ending.
static void module_of(const char *file, char name[MODULE_NAME_MAX])
{
    const char *slash = strrchr(file, '/');
    const char *start = slash != NULL ? slash + 1 : file;
    size_t length = strcspn(start, ".");
    length = length < MODULE_NAME_MAX - 1 ? length : MODULE_NAME_MAX - 1;
    memcpy(name, start, length);
    name[length] = '\0';
}

static struct module *find_module(const char *name)
{
    // Acquire: pairs with the release in set_module; the entry is complete.
    struct module *at = kl_load_acquire(&modules);
    while (at != NULL && strcmp(at->name, name) != 0) {
        at = at->next;
    }
    return at;
}

static keel_status set_module(const char *file, int level)
{
    char name[MODULE_NAME_MAX];
    keel_status status = KEEL_OK;
    module_of(file, name);
    kl_lock_take(&lock);
    struct module *module = find_module(name);
    if (module != NULL) {
        kl_store_relaxed(&module->level, level);
    } else if (level != LEVEL_UNSET) {
        module = kl_alloc_zero(sizeof *module);
        status = module != NULL ? KEEL_OK : KEEL_E_NOMEM;
    }
    if (module != NULL && module->name[0] == '\0') {
        memcpy(module->name, name, sizeof name);
        module->level = level;
        module->next = modules;
        kl_store_release(&modules, module);
    }
    find_most();
    kl_lock_give(&lock);
    return status;
}

keel_status keel_logger_module_level_set(const char *module, keel_log_level level)
{
    return module == NULL || *module == '\0' ? KEEL_E_BADARG
                                             : set_module(module, (int)level);
}

void keel_logger_module_level_unset(const char *module)
{
    if (module != NULL) {
        set_module(module, LEVEL_UNSET);
    }
}

static keel_term level_key(void)
{
    return keel_atom_text("$logger_level");
}

keel_status keel_logger_process_level_set(keel_log_level level)
{
    if (!is_limit(level)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    keel_process_put(level_key(), keel_int((int)level));
    kl_lock_take(&lock);
    kl_store_relaxed(&process_levels, 1);
    find_most();
    kl_lock_give(&lock);
    return KEEL_OK;
}

void keel_logger_process_level_unset(void)
{
    if (keel_in_process()) {
        keel_process_erase(level_key());
    }
}

bool keel_logger_allows(const keel_log_site *site, keel_log_level level)
{
    if (kl_load_relaxed(&process_levels) != 0 && keel_in_process()) {
        int64_t own;
        if (keel_get_int(keel_process_get(level_key()), &own)) {
            return (int)level <= own;
        }
    }
    if (kl_load_relaxed(&modules) != NULL) {
        char name[MODULE_NAME_MAX];
        module_of(site->file, name);
        struct module *module = find_module(name);
        int own = module != NULL ? kl_load_relaxed(&module->level) : LEVEL_UNSET;
        if (own != LEVEL_UNSET) {
            return (int)level <= own;
        }
    }
    return (int)level <= kl_load_relaxed(&primary);
}

// --- metadata ---

static keel_term metadata_key(void)
{
    return keel_atom_text("$logger_metadata");
}

static keel_term merged(keel_term map, keel_term over)
{
    keel_term key;
    keel_term value;
    for (size_t i = 0; keel_map_at(over, i, &key, &value); i++) {
        map = keel_map_put(map, key, value);
    }
    return map;
}

keel_term keel_logger_metadata(void)
{
    keel_term map = keel_in_process() ? keel_process_get(metadata_key()) : KEEL_NONE;
    return keel_is_none(map) ? keel_map(NULL, NULL, 0) : map;
}

keel_status keel_logger_metadata_set(keel_term map)
{
    if (!keel_is_map(map)) {
        return KEEL_E_BADARG;
    }
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    keel_process_put(metadata_key(), map);
    return KEEL_OK;
}

keel_status keel_logger_metadata_merge(keel_term map)
{
    return keel_is_map(map) ? keel_logger_metadata_set(merged(keel_logger_metadata(), map))
                            : KEEL_E_BADARG;
}

// The process's own, what was given, and what is known of the place.
static keel_term all_metadata(const keel_log_site *site, keel_term given)
{
    keel_term map = keel_logger_metadata();
    if (keel_is_map(given)) {
        map = merged(map, given);
    }
    map = keel_map_put(map, keel_atom(time), keel_int(keel_system_time() / 1000));
    if (keel_in_process()) {
        map = keel_map_put(map, keel_atom(pid), keel_from_pid(keel_self()));
    }
    if (site != NULL) {
        map = keel_map_put(map, keel_atom(file), keel_string(site->file));
        map = keel_map_put(map, keel_atom(line), keel_int(site->line));
        map = keel_map_put(map, keel_atom(function), keel_string(site->function));
    }
    return map;
}

// --- events ---

void kl_log_fall_back(keel_log_level level, keel_term message)
{
    char text[TEXT_MAX];
    keel_log_event event = {.level = level, .message = message};
    enum kl_log_level plain = level <= KEEL_LOG_ERROR     ? KL_LOG_ERROR
                              : level == KEEL_LOG_WARNING ? KL_LOG_WARNING
                              : level <= KEEL_LOG_INFO    ? KL_LOG_INFO
                                                          : KL_LOG_DEBUG;
    size_t length = kl_log_message(text, sizeof text, &event);
    if (length < sizeof text) {
        kl_log(plain, "%s", text);
        return;
    }
    char *longer = kl_alloc(length + 1);
    if (longer != NULL) {
        kl_log_message(longer, length + 1, &event);
        kl_log(plain, "%s", longer);
        kl_free(longer, length + 1);
    }
}

static void emit(const keel_log_site *site, keel_log_level level, keel_term message,
        keel_term metadata)
{
    if (!kl_log_dispatch(level, message, all_metadata(site, metadata))) {
        kl_log_fall_back(level, message);
    }
}

void keel_log_at(const keel_log_site *site, keel_log_level level, keel_term metadata,
        const char *format, ...)
{
    if (format == NULL) {
        return;
    }
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return;
    }
    keel_scope scope = keel_scope_open();
    if ((size_t)length < sizeof text) {
        emit(site, level, keel_binary(text, (size_t)length), metadata);
    } else {
        uint8_t *data = NULL;
        char *longer = kl_alloc((size_t)length + 1);
        if (longer != NULL) {
            va_start(arguments, format);
            vsnprintf(longer, (size_t)length + 1, format, arguments);
            va_end(arguments);
            keel_term binary = keel_binary_new((size_t)length, &data);
            if (data != NULL) {
                memcpy(data, longer, (size_t)length);
                emit(site, level, binary, metadata);
            }
            kl_free(longer, (size_t)length + 1);
        }
    }
    keel_scope_close(&scope);
}

void keel_log_report_at(const keel_log_site *site, keel_log_level level, keel_term report,
        keel_term metadata)
{
    keel_scope scope = keel_scope_open();
    emit(site, level, keel_tuple_of(keel_atom(report), report), metadata);
    keel_scope_close(&scope);
}
