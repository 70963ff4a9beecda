#ifndef KEEL_VERSION_H
#define KEEL_VERSION_H

/// The release this header belongs to. 0.x: a minor release may break, with a migration
/// note.
#define KEEL_VERSION_MAJOR 0
#define KEEL_VERSION_MINOR 1
#define KEEL_VERSION_PATCH 0
#define KEEL_VERSION "0.1.0"

#ifdef __cplusplus
#define KEEL_BEGIN_DECLS extern "C" {
#define KEEL_END_DECLS }
#else
#define KEEL_BEGIN_DECLS
#define KEEL_END_DECLS
#endif

#ifdef __cplusplus
// Fields that are not named stay zero, which is the point: g++ -Wextra shall not complain
// of them in a program of somebody else. It complains where the braces are, which is below.
#pragma GCC system_header
#endif

/// A struct of which fields are given by name, and its address, for macros that take
/// options: it lives as long as the expression it stands in, in C as long as the block. C++
/// has fields by name since C++20, gcc and clang as an extension before; in their order.
#ifdef __cplusplus
template <typename Options>
static inline const Options *keel_options_at(const Options &here)
{
    return &here;
}
#define KEEL_OPTS(type, ...) keel_options_at(__extension__ type{__VA_ARGS__})
#define KEEL_STRUCT(type, ...) (__extension__ type{__VA_ARGS__})
#else
#define KEEL_OPTS(type, ...) (&(const type){__VA_ARGS__})
#define KEEL_STRUCT(type, ...) ((type){__VA_ARGS__})
#endif

/// Marks what the library exports; everything else is hidden.
#define KEEL_API __attribute__((visibility("default")))
/// Marks results that may not be ignored.
#define KEEL_MUST_USE __attribute__((warn_unused_result))
/// Marks functions that do not come back.
#define KEEL_NORETURN __attribute__((noreturn))

KEEL_BEGIN_DECLS

/// Returns the release of the library that is linked, such as "0.1.0".
/// @thread any
/// @since 0.1
KEEL_API const char *keel_version(void);

KEEL_END_DECLS

#endif // KEEL_VERSION_H
