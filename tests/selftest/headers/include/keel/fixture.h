// Needs <stdint.h>, which it does not include.
uint32_t keel_fixture(void);
