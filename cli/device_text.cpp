// Device text: `;` between fields; a field that is missing leaves its size unknown.

#include "cli/device_text.h"

#include <algorithm>
#include <charconv>

#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

std::string_view field(std::string_view device, std::string_view name) {
  for (std::size_t begin = 0; begin <= device.size();) {
    const std::size_t end = std::min(device.find(';', begin), device.size());
    const std::string_view text = device.substr(begin, end - begin);
    if (text.starts_with(name) && text.substr(name.size()).starts_with("=")) return text.substr(name.size() + 1);
    begin = end + 1;
  }
  return {};
}

// The leading number; 0 where there is none.
std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::optional<Target> find_device_target(std::string_view device) {
  if (!device.starts_with("cuda;")) return std::nullopt;
  try {
    Target target = cuda_profile(field(device, "arch"));
    target.name = field(device, "name");
    target.processors = static_cast<int>(number(field(device, "processors")));
    target.l2_bytes = number(field(device, "l2")) * 1024;
    return target;
  } catch (const Error&) { return std::nullopt; }
}

}  // namespace nsajit::cli
