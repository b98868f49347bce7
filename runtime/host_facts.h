#pragma once
// HostFacts: what the operating system says about this machine's CPU: name, caches, memory, usable threads.

#include <cstdint>
#include <string>

namespace nsajit::runtime {

struct HostFacts {
  std::string cpu_name;                  // "model name" of /proc/cpuinfo; "unknown CPU" where it has none
  int threads = 1;                       // that this process may run on
  std::int64_t memory_bytes = 0;
  std::int64_t last_level_bytes = 0;     // largest cache of the first CPU; 0 = not known
  std::int64_t private_bytes = 0;        // largest cache that one core has for itself; 0 = not known
};

// `root` stands before /proc and /sys: "" on a real machine, a folder of files in tests.
HostFacts read_host_facts(const std::string& root = "");
// Memory that can be had without swapping; 0 = not known.
std::int64_t available_memory_bytes(const std::string& root = "");

}  // namespace nsajit::runtime
