// NVRTC architectures: see the header.

#include "codegen/nvrtc_archs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace nsajit::codegen {
namespace {

struct FirstVersion {
  std::string_view arch;
  NvrtcVersion version;
};

// From the release notes of the CUDA toolkits. The suffixed forms came later than their bare SM, and the
// library lists bare SMs only.
constexpr std::array kFirstVersions{
    FirstVersion{"75", {10, 0}},   FirstVersion{"80", {11, 0}},   FirstVersion{"86", {11, 1}},
    FirstVersion{"87", {11, 4}},   FirstVersion{"89", {11, 8}},   FirstVersion{"90", {11, 8}},
    FirstVersion{"90a", {12, 0}},  FirstVersion{"100", {12, 8}},  FirstVersion{"100a", {12, 8}},
    FirstVersion{"120", {12, 8}},  FirstVersion{"120a", {12, 8}}, FirstVersion{"103", {12, 9}},
    FirstVersion{"103a", {12, 9}}, FirstVersion{"121", {12, 9}},  FirstVersion{"121a", {12, 9}},
    FirstVersion{"110", {13, 0}},  FirstVersion{"110a", {13, 0}},
};

int arch_number(std::string_view arch) {
  int number = 0;
  std::from_chars(arch.data(), arch.data() + arch.size(), number);
  return number;
}

}  // namespace

std::string to_string(NvrtcVersion version) { return fmt::format("{}.{}", version.major, version.minor); }

std::optional<std::string> find_arch_refusal(std::string_view arch, NvrtcVersion version,
                                             std::span<const int> supported) {
  const auto first = std::ranges::find(kFirstVersions, arch, &FirstVersion::arch);
  const bool known = first != kFirstVersions.end();
  if (known && version < first->version)
    return fmt::format(
        "NVRTC {} cannot compile for sm_{}: CUDA {} or newer is needed. Install its libnvrtc, or name one in "
        "NSAJIT_NVRTC.",
        to_string(version), arch, to_string(first->version));
  // A library that does not list its SMs decides by itself, in the compilation.
  if (supported.empty() || std::ranges::find(supported, arch_number(arch)) != supported.end()) return std::nullopt;
  return fmt::format(
      "NVRTC {} cannot compile for sm_{}: it knows the SMs {}. {}", to_string(version), arch,
      fmt::join(supported, ", "),
      known ? "An older CUDA still had it: name its libnvrtc in NSAJIT_NVRTC." : "A newer CUDA may have it.");
}

}  // namespace nsajit::codegen
