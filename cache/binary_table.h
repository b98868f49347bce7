#pragma once
// BinaryTable: compiled kernels, compressed, with a digest of what is inside. Free functions over an open
// connection.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;
class WarnOnce;

// Requires: inside a transaction. Replaces the row of the same key, and so heals a damaged one.
void replace_binary(SqliteDatabase& database, const BinaryRecord& binary);

// nullopt and a warning where the stored bytes are not the ones that were put in: damaged code is never returned.
std::optional<BinaryRecord> find_intact_binary(SqliteDatabase& database, const std::string& kernel_key, WarnOnce& warnings);

// What is wrong with a stored binary; nullopt where nothing is. Requires: the row is there.
std::optional<std::string> find_binary_fault(SqliteDatabase& database, const std::string& kernel_key);
std::vector<std::string> find_binary_keys(SqliteDatabase& database);

// Removes the code of a kernel that no measured trial rests on: nobody has a use for a rejected one.
void drop_unused_binary(SqliteDatabase& database, const std::string& kernel_key);

// Whether the last noted use is older than a day; noting each use would write more than is read.
bool is_use_stale(SqliteDatabase& database, const std::string& kernel_key);
void note_use(SqliteDatabase& database, const std::string& kernel_key);

}  // namespace nsajit::cache
