// WarnOnce: remembers subjects.

#include "cache/warn_once.h"

#include "core/log.h"

namespace nsajit::cache {

void WarnOnce::warn(const std::string& subject, const std::string& message) {
  if (subjects_.insert(subject).second) log_warn(message);
}

}  // namespace nsajit::cache
