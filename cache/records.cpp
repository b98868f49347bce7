// Records: the words that stand for a trial's status in the database, reports and messages.

#include "cache/records.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/assert.h"
#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

// The schema's CHECK on trial.status lists the same words.
constexpr std::array<std::pair<TrialStatus, std::string_view>, 10> kStatusWords{{
    {TrialStatus::Measured, "measured"},
    {TrialStatus::CompileError, "compile_error"},
    {TrialStatus::CompileTimeout, "compile_timeout"},
    {TrialStatus::Resources, "resources"},
    {TrialStatus::Launch, "launch"},
    {TrialStatus::IllegalAccess, "illegal_access"},
    {TrialStatus::Hang, "hang"},
    {TrialStatus::OutOfMemory, "out_of_memory"},
    {TrialStatus::Parity, "parity"},
    {TrialStatus::Crash, "crash"},
}};

}  // namespace

std::string_view to_string(TrialStatus status) {
  for (const auto& [value, word] : kStatusWords) {
    if (value == status) return word;
  }
  NSAJIT_ASSERT(false, "every TrialStatus has a word");
  return {};
}

std::optional<TrialStatus> find_trial_status(std::string_view text) {
  for (const auto& [value, word] : kStatusWords) {
    if (word == text) return value;
  }
  return std::nullopt;
}

TrialStatus parse_trial_status(std::string_view text) {
  if (const auto status = find_trial_status(text)) return *status;
  std::string known;
  for (const auto& entry : kStatusWords) { known.append(known.empty() ? "" : ", ").append(entry.second); }
  throw Error(ErrorCode::InvalidArgument, fmt::format("trial status '{}' is not known; one of: {}", text, known));
}

}  // namespace nsajit::cache
