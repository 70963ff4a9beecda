#ifndef KL_CLUSTER_WIRE_H
#define KL_CLUSTER_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

// Numbers on the wire: the most significant byte first, at any address.

static inline uint16_t kl_wire_get_16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}
static inline uint32_t kl_wire_get_32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}
static inline uint64_t kl_wire_get_64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}
// These return what lies behind the number.
static inline uint8_t *kl_wire_put_8(uint8_t *at, uint8_t value)
{
    *at = value;
    return at + 1;
}
static inline uint8_t *kl_wire_put_16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}
static inline uint8_t *kl_wire_put_32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}
static inline uint8_t *kl_wire_put_64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}
static inline uint8_t *kl_wire_put_bytes(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

#endif // KL_CLUSTER_WIRE_H
