#pragma once
// RouteLog: NSA_DEBUG_LOG and NSA_LOG_LIMIT. A line for each workload that is bound, at most so many per branch. Never on
// the launch path. Not thread-safe: one per dispatcher.

#include <cstdint>
#include <map>
#include <optional>

#include "core/toggles.h"
#include "runtime/policy.h"

namespace nsajit::runtime {

class RouteLog {
 public:
  explicit RouteLog(const Toggles& toggles) : enabled_(toggles.debug_log), limit_(toggles.log_limit) {}
  // Nothing where the log is off or the branch has had its lines; the last one says that there will be no more.
  void write(const Workload& workload, const Route& route);

 private:
  bool enabled_;
  std::optional<std::int64_t> limit_;
  std::map<Branch, std::int64_t> lines_;
};

}  // namespace nsajit::runtime
