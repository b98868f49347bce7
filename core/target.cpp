// Target: the names that results are keyed and grouped by.
#include "nsajit/target.h"

#include <fmt/format.h>

#include "core/digest.h"

namespace nsajit {
namespace {

// To the nearest GiB: drivers and kernels reserve a little more or less from version to version, and an
// update must not orphan what was tuned.
std::int64_t to_gib(std::int64_t bytes) {
  constexpr std::int64_t kGib = std::int64_t{1} << 30;
  return (bytes + kGib / 2) / kGib;
}

}  // namespace

std::string_view to_string(Backend backend) { return backend == Backend::Cuda ? "cuda" : "cpu"; }

std::string arch_name(const Target& target) {
  if (target.backend == Backend::Cpu) return "host";
  // The architecture-specific instructions (wgmma, TMA stores, tcgen05) exist only in the "a" targets.
  const bool specific = target.arch == 90 || target.arch == 100 || target.arch == 103;
  return fmt::format("{}{}", target.arch, specific ? "a" : "");
}

std::string to_string(const Target& target) {
  // The feature string is a kilobyte long: its digest tells machines apart, the device record keeps the text.
  const std::string features = target.features.empty() ? "none" : digest_text(target.features).substr(0, 12);
  return fmt::format("{};name={};arch={};processors={};memory={}GiB;l2={}KiB;features={}", to_string(target.backend), target.name,
                     arch_name(target), target.processors, to_gib(target.memory_bytes), target.l2_bytes / 1024, features);
}

}  // namespace nsajit
