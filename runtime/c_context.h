#pragma once
// C context: what the files of the C interface share: the context behind the handle, and how pointers and sized structs of
// a caller are read. Thread-safe as the server is.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "nsajit/nsajit.h"
#include "runtime/server.h"

struct nsajit_context {
  std::shared_ptr<nsajit::runtime::Server> server;
  std::string device;
};

namespace nsajit::runtime {

// Throws Error{InvalidArgument} for NULL.
template <class T>
T& require(T* pointer, const char* function, const char* name) {
  if (pointer == nullptr) throw Error(ErrorCode::InvalidArgument, fmt::format("{}: {} is NULL", function, name));
  return *pointer;
}

// A struct of a caller that was built with an older header is shorter: what it does not have is zero. Throws
// Error{InvalidArgument} for one that is longer.
template <class T>
T copy_sized(const T& given, const char* function, const char* type) {
  if (given.struct_bytes < sizeof(std::size_t) || given.struct_bytes > sizeof(T))
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: struct_bytes is {}; set it to sizeof({}), {} in this library (ABI version {})", function,
                            given.struct_bytes, type, sizeof(T), NSAJIT_ABI_VERSION));
  T copy{};
  std::memcpy(&copy, &given, given.struct_bytes);
  return copy;
}

}  // namespace nsajit::runtime
