#pragma once
// AliasTable: which device model the user lets be served by the results of which other. Free functions over an open
// connection; those that store run inside the caller's transaction. A file of schema version 1 has no aliases.

#include <string>
#include <string_view>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;

void replace_alias(SqliteDatabase& database, const AliasRecord& alias);
// False: there was none.
bool remove_alias(SqliteDatabase& database, const std::string& model, const std::string& measured_on);
std::vector<AliasRecord> find_all_aliases(SqliteDatabase& database);

// Identities of the devices whose results may serve a device of this name, backend and arch: those of an aliased name
// that are of the same backend and arch, since code for another one would not run.
std::vector<std::string> find_aliased_devices(SqliteDatabase& database, const std::string& model, std::string_view backend,
                                              std::string_view arch);

}  // namespace nsajit::cache
