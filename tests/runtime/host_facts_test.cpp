// HostFacts: read from a folder that stands for the machine.

#include "runtime/host_facts.h"

#include <catch2/catch_all.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace nsajit::runtime {
namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

void write_cache(const std::string& root, int index, const std::string& size, const std::string& sharers) {
  const std::string folder = root + "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
  write(folder + "size", size + "\n");
  write(folder + "shared_cpu_list", sharers + "\n");
}

}  // namespace

TEST_CASE("a machine's name, caches and memory are read", "[runtime]") {
  const testing::TemporaryFolder folder;
  const std::string root = folder.path();
  write(root + "/proc/cpuinfo", "processor\t: 0\nmodel name\t: Fake CPU @ 3GHz\nmodel name\t: other\n");
  write(root + "/proc/meminfo", "MemTotal:        8000 kB\nMemFree:  10 kB\nMemAvailable:    2000 kB\n");
  write_cache(root, 0, "48K", "0");
  write_cache(root, 1, "2M", "0");
  write_cache(root, 2, "491520K", "0-1");
  const HostFacts facts = read_host_facts(root);
  CHECK(facts.cpu_name == "Fake CPU @ 3GHz");
  CHECK(facts.memory_bytes == 8000 * 1024);
  CHECK(facts.private_bytes == 2 << 20);
  CHECK(facts.last_level_bytes == std::int64_t{491520} * 1024);
  CHECK(available_memory_bytes(root) == 2000 * 1024);
}

TEST_CASE("a machine that says nothing has unknown facts", "[runtime]") {
  const testing::TemporaryFolder folder;
  const HostFacts facts = read_host_facts(folder.path());
  CHECK(facts.cpu_name == "unknown CPU");
  CHECK(facts.memory_bytes == 0);
  CHECK(facts.last_level_bytes == 0);
  CHECK(facts.threads >= 1);
}

}  // namespace nsajit::runtime
