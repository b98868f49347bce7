// Toggles: the table of variables, and how each value reaches its member.

#include "core/toggles.h"

#include <string_view>

#include <fmt/format.h>

#include "core/fields.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("environment variable {}: {}", name, why));
}

// Reads variables into members and keeps what was given.
class ToggleReader {
 public:
  explicit ToggleReader(const VariableReader& variable) : variable_(variable) {}

  void read(const char* name, std::optional<bool>& member) {
    const auto text = find(name);
    if (!text) return;
    if (*text != "0" && *text != "1") refuse(name, fmt::format("'{}' is neither 0 nor 1", *text));
    member = *text == "1";
  }

  void read(const char* name, bool& member) {
    std::optional<bool> given;
    read(name, given);
    member = given.value_or(false);
  }

  void read_number(const char* name, std::int64_t least, std::optional<std::int64_t>& member) {
    const auto text = find(name);
    if (!text) return;
    member = parse_integer(*text, fmt::format("environment variable {}", name));
    if (*member >= least) return;
    refuse(name, fmt::format("'{}' is below {}{}", *text, least, least < 0 ? ", which means never" : ""));
  }
  void read_length(const char* name, std::optional<std::int64_t>& member) { read_number(name, -1, member); }

  void read_branch(const char* name, std::optional<Branch>& member) {
    const auto text = find(name);
    if (!text) return;
    if (*text == "cmp")
      member = Branch::Compressed;
    else if (*text == "sel")
      member = Branch::Selection;
    else if (*text == "win")
      member = Branch::Sliding;
    else
      refuse(name, fmt::format("'{}' is no branch; give cmp, sel or win", *text));
  }

  std::vector<std::pair<std::string, std::string>> given() { return std::move(given_); }

 private:
  std::optional<std::string> find(const char* name) {
    auto text = variable_(name);
    if (text) given_.emplace_back(name, *text);
    return text;
  }

  const VariableReader& variable_;
  std::vector<std::pair<std::string, std::string>> given_;
};

}  // namespace

Toggles parse_toggles(const VariableReader& variable) {
  ToggleReader reader(variable);
  Toggles toggles;
  reader.read("NSA_FORCE_PARITY", toggles.force_parity);
  reader.read_branch("NSA_FORCE_BRANCH", toggles.force_branch);
  reader.read("NSA_USE_TRITON_SEL", toggles.use_triton_sel);
  reader.read("NSA_TRITON_SEL_FORCE", toggles.triton_sel_force);
  reader.read("NSA_SEL_TRITON_ALLOW_GRAD", toggles.triton_sel_allow_grad);
  reader.read("NSA_SEL_TRITON_GROUP", toggles.triton_sel_group);
  reader.read_length("NSA_SEL_TRITON_MIN_L", toggles.sel_min_l);
  reader.read("NSA_USE_SEL_PACK", toggles.use_sel_pack);
  reader.read("NSA_USE_FA2", toggles.use_fa2);
  reader.read("NSA_USE_FA2_WIN", toggles.use_fa2_win);
  reader.read("NSA_USE_FA2_CMP", toggles.use_fa2_cmp);
  reader.read_length("NSA_FA2_MIN_LEN_WIN", toggles.win_min_len);
  reader.read_length("NSA_FA2_MIN_LEN_CMP", toggles.cmp_min_len);
  reader.read("NSA_FA2_FORCE_VARLEN", toggles.fa2_force_varlen);
  reader.read("NSA_FA2_FORCE_DENSE", toggles.fa2_force_dense);
  reader.read("NSA_SEL_RANGES_V2", toggles.sel_ranges_v2);
  reader.read_length("NSA_SEL_RANGES_V2_MIN_S", toggles.ranges_v2_min_s);
  reader.read("NSA_STRICT_ASSERTS", toggles.strict_asserts);
  reader.read("NSA_DEBUG_LOG", toggles.debug_log);
  reader.read_number("NSA_LOG_LIMIT", 0, toggles.log_limit);
  reader.read("NSA_DEBUG_TIMING", toggles.debug_timing);
  reader.read("NSA_DEBUG_COMPARE", toggles.debug_compare);
  toggles.given = reader.given();
  if (toggles.fa2_force_varlen && toggles.fa2_force_dense)
    refuse("NSA_FA2_FORCE_VARLEN", "excludes NSA_FA2_FORCE_DENSE; set one of them");
  return toggles;
}

}  // namespace nsajit
