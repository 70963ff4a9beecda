#include "symbol_lines.h"

#include "lock.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Without debug information: names from the program's own symbol table, which also knows
// the static functions that the dynamic linker does not. Read once, on first use; the
// mapping stays. No lines. Shared libraries are left to the dynamic linker.

static struct kl_lock lock; // guards what follows
static bool tried;
static const uint8_t *image; // the program's file
static size_t image_bytes;
static uintptr_t base; // where the program was loaded
static const ElfW(Sym) * symbols;
static size_t symbol_count;
static const char *names;
static size_t names_bytes;

static int note_base(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    base = info->dlpi_addr;
    return 1; // the program comes first
}

static bool map_program(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &status) == 0 && (size_t)status.st_size >= sizeof(ElfW(Ehdr))) {
        image_bytes = (size_t)status.st_size;
        void *memory = mmap(NULL, image_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        image = memory == MAP_FAILED ? NULL : memory;
    }
    close(fd);
    return image != NULL;
}

static bool lies_inside(uint64_t offset, uint64_t bytes)
{
    return offset <= image_bytes && bytes <= image_bytes - offset;
}

static void find_tables(void)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)image;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
            header->e_shentsize != sizeof(ElfW(Shdr)) || header->e_shoff % 8 != 0 ||
            !lies_inside(header->e_shoff, header->e_shnum * sizeof(ElfW(Shdr)))) {
        return;
    }
    const ElfW(
            Shdr) *sections = (const ElfW(Shdr) *)(const void *)(image + header->e_shoff);
    for (size_t i = 0; i < header->e_shnum; i++) {
        const ElfW(Shdr) *section = &sections[i];
        if (section->sh_type != SHT_SYMTAB || section->sh_link >= header->e_shnum) {
            continue;
        }
        const ElfW(Shdr) *text = &sections[section->sh_link];
        if (lies_inside(section->sh_offset, section->sh_size) &&
                lies_inside(text->sh_offset, text->sh_size) &&
                section->sh_offset % 8 == 0) {
            symbols = (const ElfW(Sym) *)(const void *)(image + section->sh_offset);
            symbol_count = section->sh_size / sizeof(ElfW(Sym));
            names = (const char *)image + text->sh_offset;
            names_bytes = text->sh_size;
        }
    }
}

static void read_once(void)
{
    kl_lock_take(&lock);
    if (!tried) {
        dl_iterate_phdr(note_base, NULL);
        if (map_program()) {
            find_tables();
        }
        tried = true;
    }
    kl_lock_give(&lock);
}

static bool is_named(const ElfW(Sym) * symbol)
{
    return symbol->st_name < names_bytes &&
           memchr(names + symbol->st_name, '\0', names_bytes - symbol->st_name) != NULL;
}

bool kl_symbol_lines_find(uintptr_t pc, struct kl_symbol *ret_symbol)
{
    read_once();
    uintptr_t address = pc - base;
    for (size_t i = 0; i < symbol_count; i++) {
        const ElfW(Sym) *symbol = &symbols[i];
        if (symbol->st_shndx != SHN_UNDEF && address >= symbol->st_value &&
                address - symbol->st_value < symbol->st_size && is_named(symbol)) {
            ret_symbol->function = names + symbol->st_name;
            ret_symbol->offset = address - symbol->st_value;
            return true;
        }
    }
    return false; // kl_symbol_resolve() goes on to the dynamic linker's tables
}
