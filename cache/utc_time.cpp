// UtcTime: the system clock in ISO 8601.

#include "cache/utc_time.h"

#include <cctype>
#include <ctime>

#include <fmt/format.h>

namespace nsajit::cache {

std::string utc_now() { return utc_before(std::chrono::seconds(0)); }

std::string utc_before(std::chrono::seconds age) {
  const std::time_t then = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - age);
  std::tm utc{};
  gmtime_r(&then, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

bool is_utc(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits = kForm[i] == 'd' ? std::isdigit(static_cast<unsigned char>(text[i])) != 0 : text[i] == kForm[i];
    if (!fits) return false;
  }
  return true;
}

}  // namespace nsajit::cache
