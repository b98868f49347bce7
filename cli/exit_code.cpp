// Exit codes: what each kind of error means to a calling script.

#include "cli/exit_code.h"

namespace nsajit::cli {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument: return ExitCode::BadInput;
    case ErrorCode::Compile: return ExitCode::Rejected;
    case ErrorCode::Interrupted: return ExitCode::Interrupted;
    case ErrorCode::Frozen: return ExitCode::NothingFound;
    case ErrorCode::NotFound:
    case ErrorCode::Unsupported:
    case ErrorCode::Io:
    case ErrorCode::Cache:
    case ErrorCode::Driver:
    case ErrorCode::Worker: break;
  }
  return ExitCode::Environment;
}

}  // namespace nsajit::cli
