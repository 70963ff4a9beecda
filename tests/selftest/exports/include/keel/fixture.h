#define KEEL_API __attribute__((visibility("default")))

KEEL_API int keel_both(int number);
KEEL_API int keel_only_declared(void);
