#pragma once
// Workload: a Problem with sizes. Kernels are specialised by the Problem; they are tuned, gated and
// dispatched by the Workload.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "nsajit/problem.h"

namespace nsajit {

struct Workload {
  Problem problem;
  std::int64_t B = 1;         // batch
  std::int64_t S = 1024;      // query rows per sequence
  std::int64_t S_kv = 1024;   // keys per sequence; query row s sits at position S_kv - S + s
  std::int64_t G = 1;         // KV heads
  int n = 16;                 // selected blocks per row at run time; n <= problem.n_sel
  int overlap_percent = 0;    // share of blocks that neighbouring queries have in common; 0 = random
  std::uint64_t selection = 0;  // digest of the recorded selection (recording.h) that it runs on; 0 = a generated one

  auto operator<=>(const Workload&) const = default;
};

// "<problem>;B=1,S=8192,S_kv=8192,G=4,n=16,overlap=0"; a recorded selection adds ",selection=<16 hexadecimal digits>".
std::string to_string(const Workload& workload);
// Stands for a digest where a launch's selection is the caller's own, and no rule of generated ones holds for it.
inline constexpr std::uint64_t kOwnSelection = ~std::uint64_t{0};
std::string selection_digits(std::uint64_t selection);
// Reads the form above. Left out: S_kv = S, n = n_sel, and the defaults for the rest.
Workload parse_workload(std::string_view text);

// Throws Error{InvalidArgument}: sizes < 1, S > S_kv, n > n_sel, more generated blocks than ceil(S_kv / l_sel) exist, or a
// recorded selection where there can be none (another branch, packed sequences). Validates the problem too.
void validate(const Workload& workload);

}  // namespace nsajit

template <>
struct std::hash<nsajit::Workload> {
  std::size_t operator()(const nsajit::Workload& workload) const noexcept;
};
