#pragma once
// LimitedLog: NSA_LOG_LIMIT. At most so many lines per tag; the last one says that there will be no more. Not thread-safe.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace nsajit::runtime {

class LimitedLog {
 public:
  explicit LimitedLog(std::optional<std::int64_t> limit) : limit_(limit) {}
  void write(const std::string& tag, const std::string& text);

 private:
  std::optional<std::int64_t> limit_;
  std::map<std::string, std::int64_t> lines_;
};

}  // namespace nsajit::runtime
