#pragma once
// Error: the one exception type of nsajit, for misuse and for what the environment refuses.
// Expected outcomes (a rejected candidate, a cache miss) are values, never exceptions.

#include <stdexcept>
#include <string>
#include <string_view>

namespace nsajit {

enum class ErrorCode {
  InvalidArgument,  // the caller asked for something that cannot be
  NotFound,         // a file, library, device or record is not there
  Unsupported,      // this build, driver or toolchain cannot do it
  Io,               // the file system or a pipe refused
  Cache,            // SQLite refused
  Compile,          // NVRTC or LLVM refused
  Driver,           // libcuda or the JIT loader refused
  Worker,           // the trial process broke its protocol
  Interrupted,      // the user asked to stop
  Frozen,           // frozen mode, and the cache does not hold what would have to be compiled or measured
};

std::string_view to_string(ErrorCode code);

// The message says what was attempted, on what, what the lower layer answered, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace nsajit
