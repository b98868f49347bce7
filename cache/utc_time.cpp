// UtcTime: the system clock in ISO 8601.

#include "cache/utc_time.h"

#include <chrono>
#include <ctime>

#include <fmt/format.h>

namespace nsajit::cache {

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

}  // namespace nsajit::cache
