// A build without SQLite: to open such a database is KEEL_E_UNSUPPORTED.

#include "database.h"

const struct kl_database_driver *const kl_database_sqlite = NULL;
