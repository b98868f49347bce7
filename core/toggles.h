#pragma once
// Toggles: the NSA_* variables that host apps set, read once and passed on as a value. What each does here: docs/routing.md.
// Unset is not 0: where nothing is said, what was measured decides.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nsajit/problem.h"

namespace nsajit {

struct Toggles {
  bool force_parity = false;                    // NSA_FORCE_PARITY: everything on packed SDPA
  std::optional<Branch> force_branch;           // NSA_FORCE_BRANCH=cmp|sel|win: Compressed, Selection or Sliding
  std::optional<bool> use_triton_sel;           // NSA_USE_TRITON_SEL: tuned selection
  bool triton_sel_force = false;                // NSA_TRITON_SEL_FORCE: also where nothing was measured on this device
  bool triton_sel_allow_grad = false;           // NSA_SEL_TRITON_ALLOW_GRAD
  bool triton_sel_group = false;                // NSA_SEL_TRITON_GROUP
  std::optional<std::int64_t> sel_min_l;        // NSA_SEL_TRITON_MIN_L; -1 = never
  std::optional<bool> use_sel_pack;             // NSA_USE_SEL_PACK
  std::optional<bool> use_fa2;                  // NSA_USE_FA2: tuned sliding and compressed
  std::optional<bool> use_fa2_win;              // NSA_USE_FA2_WIN, over NSA_USE_FA2
  std::optional<bool> use_fa2_cmp;              // NSA_USE_FA2_CMP, over NSA_USE_FA2
  std::optional<std::int64_t> win_min_len;      // NSA_FA2_MIN_LEN_WIN; -1 = never
  std::optional<std::int64_t> cmp_min_len;      // NSA_FA2_MIN_LEN_CMP; -1 = never
  bool fa2_force_varlen = false;                // NSA_FA2_FORCE_VARLEN
  bool fa2_force_dense = false;                 // NSA_FA2_FORCE_DENSE
  std::optional<bool> sel_ranges_v2;            // NSA_SEL_RANGES_V2: vectorised range conversion
  std::optional<std::int64_t> ranges_v2_min_s;  // NSA_SEL_RANGES_V2_MIN_S; -1 = never
  bool strict_asserts = false;                  // NSA_STRICT_ASSERTS
  bool debug_log = false;                       // NSA_DEBUG_LOG
  std::optional<std::int64_t> log_limit;        // NSA_LOG_LIMIT: lines per tag at most
  bool debug_timing = false;                    // NSA_DEBUG_TIMING
  bool debug_compare = false;                   // NSA_DEBUG_COMPARE

  std::vector<std::pair<std::string, std::string>> given;  // name and value of each that is set, in this order
};

// `variable` answers nullopt for one that is not set. Throws Error{InvalidArgument} that names the variable: a switch that
// is neither 0 nor 1, a length below -1 or that is no number, another branch than cmp, sel and win, or two that exclude
// each other.
using VariableReader = std::function<std::optional<std::string>(const char* name)>;
Toggles parse_toggles(const VariableReader& variable);

}  // namespace nsajit
