// LimitedLog: see the header.

#include "runtime/limited_log.h"

#include "core/log.h"

namespace nsajit::runtime {

void LimitedLog::write(const std::string& tag, const std::string& text) {
  const std::int64_t line = ++lines_[tag];
  if (limit_ && line > *limit_) return;
  log_info(limit_ && line == *limit_ ? text + " (NSA_LOG_LIMIT reached)" : text);
}

}  // namespace nsajit::runtime
