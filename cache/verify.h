#pragma once
// Verify: holds a cache file against all that should be true of it, row by row. Reads only.

#include <cstddef>
#include <string>
#include <vector>

namespace nsajit::cache {

class SqliteDatabase;

struct Finding {
  std::string row;     // "trial 7", "binary 0f3a...", "file"
  std::string fault;   // what is wrong with it
  std::string remedy;  // what to do
};

struct VerifyReport {
  std::vector<Finding> findings;
  std::size_t rows = 0;  // checked
};

// The file's own structure, references between rows, that every winner rests on a measured trial that passed the gate,
// digests of keys and code, and that every text reads back. Damage that SQLite reports on the way is a finding.
VerifyReport verify_rows(SqliteDatabase& database);

}  // namespace nsajit::cache
