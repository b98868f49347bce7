// Fuzz target: the database reader. Whatever the file, a program that only reads it gets rows, misses or an Error.

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "cache/cache.h"
#include "cache/content.h"
#include "cache/info.h"
#include "cache/verify.h"
#include "core/log.h"
#include "nsajit/error.h"

namespace {

using nsajit::cache::Cache;

// In memory where the system has that: a run writes hundreds of files a second.
std::string file_path() {
  const auto folder =
      std::filesystem::exists("/dev/shm") ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  return (folder / ("nsajit-fuzz-" + std::to_string(getpid()) + ".db")).string();
}

template <typename Read>
void attempt(Read read) {
  try {
    read();
  } catch (const nsajit::Error&) { return; }
}

void read_all(Cache& cache) {
  for (const auto& winner : cache.winners()) {
    attempt([&] { cache.find_winner(winner.key); });
    attempt([&] { cache.find_winners(winner.problem, winner.device); });
  }
  for (const auto& trial : cache.trials()) {
    attempt([&] { cache.find_trial(trial.key); });
    attempt([&] { cache.find_binary(trial.kernel_key); });
    attempt([&] { cache.find_parity(trial.id); });
  }
  cache.thresholds();
  cache.runs();
  cache.devices();
  cache.aliases();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  nsajit::set_log_level(nsajit::LogLevel::Off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = file_path();
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  attempt([&] {
    Cache cache = Cache::open(path, nsajit::cache::OpenMode::ReadOnly);
    attempt([&] { read_all(cache); });
    attempt([&] { cache.content(); });
    if (!cache.is_usable()) return;
    attempt([&] { cache.info(); });
    attempt([&] { cache.verify(); });
  });
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal", "-lock"}) std::filesystem::remove(path + suffix, ignored);
  return 0;
}
