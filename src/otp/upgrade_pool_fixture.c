// A dynamic supervisor in three versions: VERSION says which. The first allows two
// children, the second four; the third has a wrong limit.

#include <keel/upgrade.h>

static keel_term init(keel_term argument)
{
    (void)argument;
    return VERSION == 3 ? keel_make("{ok, #{max_children => many}}")
                        : keel_dynamic_supervisor_init(.max_children = VERSION * 2);
}

static const keel_dynamic_supervisor pool = {.name = "upgrade_pool", .init = init};

KEEL_MODULE(pool);
