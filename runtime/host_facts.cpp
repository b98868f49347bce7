// HostFacts: reads /proc and /sys.

#include "runtime/host_facts.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <thread>

namespace nsajit::runtime {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// What follows `name` and a colon on the first line that begins with it.
std::optional<std::string> find_field(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const auto colon = line.find(':');
    const auto begin = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return std::nullopt;
}

std::int64_t leading_number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "48K", "491520K", "2M".
std::int64_t cache_bytes(const std::string& text) {
  if (text.empty()) return 0;
  return leading_number(text) << (text.back() == 'M' ? 20 : text.back() == 'K' ? 10 : 0);
}

int usable_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace

HostFacts read_host_facts(const std::string& root) {
  HostFacts facts;
  facts.cpu_name = find_field(root + "/proc/cpuinfo", "model name").value_or("unknown CPU");
  facts.threads = usable_threads();
  facts.memory_bytes = leading_number(find_field(root + "/proc/meminfo", "MemTotal").value_or("0")) * 1024;
  for (int index = 0; index < 8; ++index) {
    const std::string cache = fmt::format("{}/sys/devices/system/cpu/cpu0/cache/index{}/", root, index);
    const std::int64_t bytes = cache_bytes(first_line(cache + "size"));
    facts.last_level_bytes = std::max(facts.last_level_bytes, bytes);
    const std::string sharers = first_line(cache + "shared_cpu_list");
    const bool is_private = sharers.find_first_of(",-") == std::string::npos;
    if (is_private) facts.private_bytes = std::max(facts.private_bytes, bytes);
  }
  return facts;
}

std::int64_t available_memory_bytes(const std::string& root) {
  return leading_number(find_field(root + "/proc/meminfo", "MemAvailable").value_or("0")) * 1024;
}

}  // namespace nsajit::runtime
