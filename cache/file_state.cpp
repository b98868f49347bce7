// FileState: stat(2) of the file and of its log.

#include "cache/file_state.h"

#include <sys/stat.h>
#include <unistd.h>

namespace nsajit::cache {

FileState look_at_file(const std::string& path) {
  FileState state;
  struct stat facts {};
  if (stat(path.c_str(), &facts) == 0) {
    state.modified_ns = facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec;
    state.bytes = facts.st_size;
  }
  if (stat((path + "-wal").c_str(), &facts) == 0) state.log_bytes = facts.st_size;
  return state;
}

bool is_at_rest_for_reader(const std::string& path) {
  const FileState state = look_at_file(path);
  return state.bytes >= 0 && state.log_bytes < 0 && access(path.c_str(), W_OK) != 0;
}

}  // namespace nsajit::cache
