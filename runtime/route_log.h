#pragma once
// RouteLog: NSA_DEBUG_LOG. A line for each workload that is bound, as many per branch as NSA_LOG_LIMIT says. Never on the
// launch path. Not thread-safe: one per dispatcher.

#include "core/toggles.h"
#include "runtime/limited_log.h"
#include "runtime/policy.h"

namespace nsajit::runtime {

class RouteLog {
 public:
  explicit RouteLog(const Toggles& toggles) : enabled_(toggles.debug_log), log_(toggles.log_limit) {}
  // Nothing where the log is off.
  void write(const Workload& workload, const Route& route);

 private:
  bool enabled_;
  LimitedLog log_;
};

}  // namespace nsajit::runtime
