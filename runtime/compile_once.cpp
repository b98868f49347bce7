// CompileOnce: lock the key, look again, compile, store.

#include "runtime/compile_once.h"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "cache/cache.h"
#include "cache/key_lock.h"
#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/stored_binary.h"

namespace nsajit::runtime {
namespace {

// Longer than any compilation that is worth waiting for: a compiler that hangs elsewhere must not stop this process.
constexpr std::chrono::minutes kPatience{2};

std::optional<cache::Cache> open_shared(const std::string& path) {
  try {
    return cache::Cache::open(path, cache::OpenMode::ReadWrite);
  } catch (const Error& error) {
    log_warn(fmt::format("kernels compiled now are not kept: {}", error.what()));
    return std::nullopt;
  }
}

void store(cache::Cache& cache, const cache::CacheKey& key, const codegen::Binary& binary) {
  try {
    cache.store_binary(make_binary_record(key, binary));
  } catch (const Error& error) { log_warn(fmt::format("a compiled kernel is not kept: {}", error.what())); }
}

}  // namespace

std::string shared_cache_path(const cache::Cache& cache) { return cache.is_writable() ? cache.path() : ""; }

Built compile_once(codegen::Compiler& compiler, const codegen::KernelSource& source, const Target& target,
                   const cache::CacheKey& key, const std::string& cache_path) {
  if (cache_path.empty()) return {.result = compiler.compile(source, target)};
  const auto lock = cache::KeyLock::take(cache_path, key.digest(), kPatience);
  auto cache = open_shared(cache_path);
  if (cache) {
    if (auto stored = find_stored_binary(*cache, key)) return {.result = std::move(*stored), .compiled_here = false};
  }
  Built built{.result = compiler.compile(source, target)};
  if (const auto* binary = std::get_if<codegen::Binary>(&built.result); binary != nullptr && cache) store(*cache, key, *binary);
  return built;
}

}  // namespace nsajit::runtime
