// Good C, no C++.
struct keel_only_c {
    int class;
};
