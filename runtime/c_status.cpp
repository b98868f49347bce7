// C status: exceptions to numbers and words.

#include "runtime/c_status.h"

#include <exception>
#include <new>
#include <string>

#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

// The one mutable thing outside an object: C callers ask for the words after the call, on its thread.
std::string& last_error() noexcept {
  static thread_local std::string text;
  return text;
}

nsajit_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument: return NSAJIT_INVALID_ARGUMENT;
    case ErrorCode::NotFound: return NSAJIT_NOT_FOUND;
    case ErrorCode::Unsupported: return NSAJIT_UNSUPPORTED;
    case ErrorCode::Io: return NSAJIT_IO;
    case ErrorCode::Cache: return NSAJIT_CACHE;
    case ErrorCode::Compile: return NSAJIT_COMPILE;
    case ErrorCode::Driver: return NSAJIT_DRIVER;
    case ErrorCode::Frozen: return NSAJIT_FROZEN_MISS;
    case ErrorCode::Worker:
    case ErrorCode::Interrupted: return NSAJIT_INTERNAL;  // of tuning only
  }
  return NSAJIT_INTERNAL;
}

nsajit_status keep(nsajit_status status, const char* text) noexcept {
  try {
    last_error() = text;
  } catch (...) { last_error().clear(); }
  return status;
}

}  // namespace

nsajit_status keep_error() noexcept {
  try {
    throw;
  } catch (const Error& error) { return keep(status_of(error.code()), error.what()); } catch (const std::bad_alloc&) {
    return keep(NSAJIT_OUT_OF_MEMORY, "the host is out of memory");
  } catch (const std::exception& error) { return keep(NSAJIT_INTERNAL, error.what()); } catch (...) {
    return keep(NSAJIT_INTERNAL, "something was thrown that is no std::exception");
  }
}

}  // namespace nsajit::runtime

extern "C" const char* nsajit_last_error(void) { return nsajit::runtime::last_error().c_str(); }
