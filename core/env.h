#pragma once
// Environment: every variable that nsajit reads, read once at start and passed on as a value.

#include <optional>
#include <string>

#include "core/toggles.h"

namespace nsajit {

struct Environment {
  std::optional<std::string> cache_path;      // NSAJIT_CACHE: database file
  std::optional<std::string> template_dir;    // NSAJIT_TEMPLATE_DIR: read templates from here, not the embedded ones
  std::optional<std::string> dump_dir;        // NSAJIT_DUMP: write source, log, binary and key of each kernel here
  std::optional<std::string> capture_dir;     // NSAJIT_CAPTURE: write down here which workloads a program asks for
  std::optional<std::string> nvrtc_path;      // NSAJIT_NVRTC: libnvrtc to open
  std::optional<std::string> cuda_path;       // NSAJIT_LIBCUDA: libcuda to open
  std::optional<std::string> log_level;       // NSAJIT_LOG: trace, debug, info, warn, error, off
  std::optional<std::string> home;            // HOME
  std::optional<std::string> xdg_cache_home;  // XDG_CACHE_HOME
  std::optional<std::string> cuda_home;       // CUDA_HOME: toolkit whose lib64 may hold libnvrtc
  std::optional<std::string> virtual_env;     // VIRTUAL_ENV: pip's packages may hold libnvrtc
  bool frozen = false;                        // NSAJIT_FROZEN=1: never compile, never measure
  int cpu_threads = 0;                        // NSAJIT_THREADS; 0 = all hardware threads
};

Environment read_environment();

// The NSA_* variables of host apps. Apart from the above: a value that makes no sense there must not stop a program that
// serves nothing.
Toggles read_toggles();

// NSAJIT_CACHE, else $XDG_CACHE_HOME/nsajit/cache.db, else $HOME/.cache/nsajit/cache.db, else ./nsajit-cache.db.
std::string default_cache_path(const Environment& environment);

}  // namespace nsajit
