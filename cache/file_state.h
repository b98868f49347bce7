#pragma once
// FileState: whether a cache file may have changed since it was last looked at, for connections that read it without
// locks. Such a connection keeps pages it has read and would mix old ones with new.

#include <cstdint>
#include <string>

namespace nsajit::cache {

struct FileState {
  std::int64_t modified_ns = 0;
  std::int64_t bytes = -1;      // -1: not there
  std::int64_t log_bytes = -1;  // of the write-ahead log; any file of it means that someone has the cache open
  bool operator==(const FileState&) const = default;
};

FileState look_at_file(const std::string& path);

// This user may not write the file, and nobody has it open: it is read as it lies. SQLite would put files of this
// user's beside it, in the way of its owner.
bool is_at_rest_for_reader(const std::string& path);

}  // namespace nsajit::cache
