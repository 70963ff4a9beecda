#include "guard.h"

#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static void write_hex(const uint8_t *bytes, size_t count, char *hex)
{
    for (size_t index = 0; index < count; index++) {
        snprintf(hex + 2 * index, 3, "%02x", bytes[index]);
    }
}

bool kl_guard_random(char *hex, size_t size)
{
    uint8_t bytes[64];
    size_t count = (size - 1) / 2;
    if (count > sizeof(bytes) || getrandom(bytes, count, 0) != (ssize_t)count) {
        return false;
    }
    write_hex(bytes, count, hex);
    return true;
}

void kl_guard_digest(const char *secret, const char *purpose, const char *text,
        char digest[static KL_DIGEST_SIZE])
{
    char message[512];
    uint8_t bytes[EVP_MAX_MD_SIZE] = {0};
    unsigned count = 0;
    int length = snprintf(message, sizeof(message), "%s:%s", purpose, text);
    size_t size = length < (int)sizeof(message) ? (size_t)length : sizeof(message) - 1;
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)message, size, bytes,
            &count);
    write_hex(bytes, 32, digest);
}

bool kl_guard_same(const char *left, const char *right)
{
    size_t length = strlen(left), other = strlen(right);
    uint8_t different = length != other;
    for (size_t index = 0; index < length && index < other; index++) {
        different |= (uint8_t)(left[index] ^ right[index]);
    }
    return different == 0;
}

bool kl_guard_cookie(const char *header, const char *name, char *value, size_t size)
{
    size_t name_size = strlen(name);
    while (header != NULL && *header != '\0') {
        header += strspn(header, "; ");
        size_t length = strcspn(header, ";");
        if (length > name_size && header[name_size] == '=' &&
                strncmp(header, name, name_size) == 0) {
            size_t value_size = length - name_size - 1;
            if (value_size >= size) {
                return false;
            }
            memcpy(value, header + name_size + 1, value_size);
            value[value_size] = '\0';
            return true;
        }
        header += length;
    }
    return false;
}

bool kl_guard_is_session(const char *text)
{
    return strlen(text) == KL_SESSION_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == KL_SESSION_SIZE - 1;
}

bool kl_guard_is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0 || strcmp(address, "lo") == 0;
}

// The name of a Host header without its port: "[::1]:4000" is "::1".
static size_t name_of_host(const char *host, const char **ret_name)
{
    if (host[0] == '[') {
        *ret_name = host + 1;
        return strcspn(host + 1, "]");
    }
    *ret_name = host;
    return strcspn(host, ":");
}

static bool is_word(const char *word, size_t size, const char *text)
{
    return strlen(text) == size && strncasecmp(word, text, size) == 0;
}

bool kl_guard_host_allowed(const char *host, const char *address, const char *hosts)
{
    const char *name;
    size_t size = name_of_host(host, &name);
    if (is_word(name, size, "localhost") || is_word(name, size, "127.0.0.1") ||
            is_word(name, size, "::1") || is_word(name, size, address)) {
        return true;
    }
    while (hosts != NULL && *hosts != '\0') {
        hosts += strspn(hosts, " ");
        size_t length = strcspn(hosts, " ");
        if (length > 0 && length == size && strncasecmp(hosts, name, size) == 0) {
            return true;
        }
        hosts += length;
    }
    return false;
}

bool kl_guard_same_origin(const char *origin, const char *host)
{
    const char *scheme_end = strstr(origin, "://");
    return scheme_end != NULL && strcasecmp(scheme_end + 3, host) == 0;
}
