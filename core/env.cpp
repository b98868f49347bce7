// Environment: see env.h. The only file that reads environment variables.
#include "core/env.h"

#include <cstdlib>

#include <fmt/format.h>

#include "core/fields.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

// A variable that is set but empty counts as not set, as users mean it by `NSAJIT_CACHE= nsajit ...`.
std::optional<std::string> read_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

int read_thread_count() {
  const auto text = read_variable("NSAJIT_THREADS");
  if (!text) return 0;
  const int threads = parse_int(*text, "environment variable NSAJIT_THREADS");
  if (threads < 0) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("environment variable NSAJIT_THREADS: '{}' is negative; give 0 for all hardware threads", *text));
  }
  return threads;
}

bool read_switch(const char* name) {
  const auto text = read_variable(name);
  if (!text || *text == "0") return false;
  if (*text == "1") return true;
  throw Error(ErrorCode::InvalidArgument, fmt::format("environment variable {}: '{}' is neither 0 nor 1", name, *text));
}

}  // namespace

Environment read_environment() {
  return {.cache_path = read_variable("NSAJIT_CACHE"),
          .template_dir = read_variable("NSAJIT_TEMPLATE_DIR"),
          .dump_dir = read_variable("NSAJIT_DUMP"),
          .capture_dir = read_variable("NSAJIT_CAPTURE"),
          .nvrtc_path = read_variable("NSAJIT_NVRTC"),
          .cuda_path = read_variable("NSAJIT_LIBCUDA"),
          .log_level = read_variable("NSAJIT_LOG"),
          .home = read_variable("HOME"),
          .xdg_cache_home = read_variable("XDG_CACHE_HOME"),
          .cuda_home = read_variable("CUDA_HOME"),
          .virtual_env = read_variable("VIRTUAL_ENV"),
          .frozen = read_switch("NSAJIT_FROZEN"),
          .cpu_threads = read_thread_count()};
}

Toggles read_toggles() { return parse_toggles(read_variable); }

std::string default_cache_path(const Environment& environment) {
  if (environment.cache_path) return *environment.cache_path;
  if (environment.xdg_cache_home) return *environment.xdg_cache_home + "/nsajit/cache.db";
  if (environment.home) return *environment.home + "/.cache/nsajit/cache.db";
  return "./nsajit-cache.db";
}

}  // namespace nsajit
