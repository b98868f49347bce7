#pragma once
// Exit codes of the program: one meaning each, the same for every command.

#include <string_view>

#include "nsajit/error.h"

namespace nsajit::cli {

enum class ExitCode : int {
  Done = 0,
  Rejected = 1,      // a kernel did not compile or failed parity, or a tuple was left without a winner
  BadInput = 2,      // arguments, a tuple or an input file
  NothingFound = 3,  // lookup ends in the fallback; report has no row; frozen, and the cache does not hold it
  Environment = 4,   // no device, no compiler, cache not writable
  Interrupted = 130,
};

ExitCode exit_code_of(ErrorCode code);

inline constexpr std::string_view kExitCodeHelp =
    "Exit codes: 0 done; 1 something was rejected (no winner, parity failed, did not compile); 2 bad arguments or input\n"
    "file; 3 nothing found (lookup: the fallback serves; --frozen: not in the cache); 4 environment (no device, no compiler, cache not writable);\n"
    "130 interrupted, what was done is kept.";

}  // namespace nsajit::cli
