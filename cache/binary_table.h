#pragma once
// BinaryTable: compiled kernels, compressed, with a digest of what is inside. Free functions over an open
// connection.

#include <optional>
#include <string>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;
class WarnOnce;

// Requires: inside a transaction. Replaces the row of the same key, and so heals a damaged one.
void replace_binary(SqliteDatabase& database, const BinaryRecord& binary);

// nullopt and a warning where the stored bytes are not the ones that were put in: damaged code is never returned.
std::optional<BinaryRecord> find_intact_binary(SqliteDatabase& database, const std::string& kernel_key, WarnOnce& warnings);

}  // namespace nsajit::cache
