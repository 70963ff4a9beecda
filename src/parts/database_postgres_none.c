// A build without PostgreSQL: to open such a database is KEEL_E_UNSUPPORTED.

#include "database.h"

const struct kl_database_driver *const kl_database_postgres = NULL;
