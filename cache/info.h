#pragma once
// Info: what a cache file is and how much is in it. Reads only.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nsajit::cache {

class SqliteDatabase;

struct DeviceInfo {
  std::string name;  // its identity where the name is not known
  std::string backend, arch;
  std::int64_t trials = 0, winners = 0;
};

struct CacheInfo {
  std::string path;
  std::int64_t schema_version = 0;
  std::int64_t file_bytes = 0;
  std::int64_t log_bytes = 0;   // of the write-ahead log beside it
  std::int64_t code_bytes = 0;  // compressed binaries within the file
  std::string journal;          // "wal", "delete"
  bool network_disk = false;
  bool writable = false;                                   // by this user
  std::vector<std::pair<std::string, std::int64_t>> rows;  // per table, in the order of their names
  std::vector<DeviceInfo> devices;
  std::vector<std::pair<std::string, std::string>> aliases;  // model, measured on
  std::string integrity;                                     // "ok", or the first trouble that SQLite's quick check finds
};

CacheInfo read_info(SqliteDatabase& database, const std::string& path);

}  // namespace nsajit::cache
