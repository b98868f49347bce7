// CUDA profiles: the published limits of each SM, CUDA C++ Programming Guide 13.0, table "Technical
// Specifications per Compute Capability".
#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nsajit/error.h"
#include "nsajit/target.h"

namespace nsajit {
namespace {

struct Profile {
  int arch;
  int smem_sm_kib;  // a block can have all but 1 KiB of it, which the system keeps per block
};
constexpr std::array<Profile, 8> kProfiles{
    {{80, 164}, {86, 100}, {87, 164}, {89, 100}, {90, 228}, {100, 228}, {103, 228}, {120, 100}}};
constexpr std::int64_t kRegistersPerSm = 65536;  // the same on all of them

Target make_target(const Profile& profile) {
  Target target{.backend = Backend::Cuda,
                .arch = profile.arch,
                .smem_bytes = (profile.smem_sm_kib - 1) * std::int64_t{1024},
                .smem_sm_bytes = profile.smem_sm_kib * std::int64_t{1024},
                .registers_sm = kRegistersPerSm};
  target.name = "sm_" + arch_name(target) + " profile";
  return target;
}

std::string_view strip_prefix(std::string_view text) { return text.starts_with("sm_") ? text.substr(3) : text; }

}  // namespace

Target cuda_profile(std::string_view arch) {
  const std::string_view name = strip_prefix(arch);
  for (const Profile& profile : kProfiles) {
    const Target target = make_target(profile);
    if (name == arch_name(target) || name == fmt::format("{}", profile.arch)) return target;
  }
  throw Error(ErrorCode::InvalidArgument, fmt::format("unknown SM '{}'; known: {}", arch, fmt::join(known_archs(), ", ")));
}

std::vector<std::string> known_archs() {
  std::vector<std::string> names;
  std::transform(kProfiles.begin(), kProfiles.end(), std::back_inserter(names),
                 [](const Profile& profile) { return arch_name(make_target(profile)); });
  return names;
}

}  // namespace nsajit
