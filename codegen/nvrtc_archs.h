#pragma once
// NVRTC architectures: which version can compile for which SM, so that a refusal names the version that is
// needed instead of "invalid value for --gpu-architecture". Pure functions.

#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nsajit::codegen {

struct NvrtcVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const NvrtcVersion&) const = default;
};

std::string to_string(NvrtcVersion version);  // "13.0"

// Why `arch` ("90a") cannot be compiled for; nullopt where it can. `supported`: SMs that the library lists.
std::optional<std::string> find_arch_refusal(std::string_view arch, NvrtcVersion version,
                                             std::span<const int> supported);

}  // namespace nsajit::codegen
