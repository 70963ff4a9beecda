#include "mock_pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kl_kit_pattern_text *patterns; // all that there have been

static void read_variables(struct kl_kit_pattern_text *pattern);

struct kl_kit_pattern_text *kl_kit_pattern_of(const char *text)
{
    for (struct kl_kit_pattern_text *at = patterns; at != NULL; at = at->next) {
        if (strcmp(at->text, text) == 0) {
            return at;
        }
    }
    size_t bytes = strlen(text) + 1;
    struct kl_kit_pattern_text *pattern = calloc(1, sizeof *pattern + bytes);
    if (pattern == NULL) {
        return NULL;
    }
    memcpy(pattern->text, text, bytes);
    pattern->as_match.text = pattern->as_make.text = pattern->text;
    read_variables(pattern);
    pattern->next = patterns;
    patterns = pattern;
    return pattern;
}

int kl_kit_pattern_variable(const struct kl_kit_pattern_text *pattern, const char *name)
{
    for (size_t i = 0; i < pattern->count; i++) {
        if (strcmp(pattern->name[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool kl_kit_pattern_match(
        struct kl_kit_pattern_text *pattern, keel_term term, keel_term *ret_values)
{
    keel_arg args[KL_VARIABLES_MAX + 1];
    for (size_t i = 0; i < pattern->count; i++) {
        args[i] = (keel_arg){.kind = KEEL_ARG_TO_TERM, .as.to = &ret_values[i]};
    }
    args[pattern->count] = (keel_arg){.kind = KEEL_ARG_END};
    return keel_match_at(&pattern->as_match, term, args, pattern->count);
}

keel_term kl_kit_pattern_make(struct kl_kit_pattern_text *pattern,
        const struct kl_kit_pattern_text *source, const keel_term *values)
{
    keel_arg args[KL_VARIABLES_MAX + 1];
    for (size_t i = 0; i < pattern->count; i++) {
        int from = kl_kit_pattern_variable(source, pattern->name[i]);
        keel_term value = from < 0 ? KEEL_NONE : values[from];
        args[i] = (keel_arg){.kind = KEEL_ARG_TERM, .as.word = value.word};
    }
    args[pattern->count] = (keel_arg){.kind = KEEL_ARG_END};
    return keel_make_at(&pattern->as_make, args, pattern->count);
}

// --- reading ---

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '@';
}

// Behind a quoted text that begins at `at`.
static const char *skip_quoted(const char *at)
{
    char quote = *at++;
    while (*at != '\0' && *at != quote) {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return *at == quote ? at + 1 : at;
}

static void add_variable(struct kl_kit_pattern_text *pattern, const char *name, size_t size)
{
    char text[KL_VARIABLE_BYTES];
    if (size >= sizeof text) {
        pattern->wrong = "a variable's name is too long";
        return;
    }
    memcpy(text, name, size);
    text[size] = '\0';
    if (kl_kit_pattern_variable(pattern, text) >= 0) {
        return;
    }
    if (pattern->count == KL_VARIABLES_MAX) {
        pattern->wrong = "too many variables";
        return;
    }
    memcpy(pattern->name[pattern->count++], text, sizeof text);
}

// Finds the variables as the parser of patterns does: words that begin with a capital
// letter or with _ and more. Whether the rest is a term the parser says when it is used.
static void read_variables(struct kl_kit_pattern_text *pattern)
{
    const char *at = pattern->text;
    while (*at != '\0') {
        if (*at == '\'' || *at == '"') {
            at = skip_quoted(at);
        } else if (*at == '$' && at[1] != '\0') {
            at += at[1] == '\\' && at[2] != '\0' ? 3 : 2;
        } else if (*at == '%') {
            at += strcspn(at, "\n");
        } else if (*at == '^') {
            pattern->wrong = "^ has no value here";
            return;
        } else if (is_word(*at)) {
            const char *end = at;
            while (is_word(*end)) {
                end++;
            }
            bool any = end - at == 1 && *at == '_';
            if (!any && (isupper((unsigned char)*at) || *at == '_')) {
                add_variable(pattern, at, (size_t)(end - at));
            }
            at = end;
        } else {
            at++;
        }
    }
}
