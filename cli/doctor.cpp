// doctor: what is here, what is missing, what to do.

#include <filesystem>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/cache.h"
#include "cli/session.h"
#include "cli/toolchain.h"
#include "codegen/embedded_templates.h"
#include "nsajit/error.h"
#include "runtime/device.h"

namespace nsajit::cli {
namespace {

struct DoctorSettings {
  std::string cache;
};

struct Findings {
  int missing = 0;   // nothing runs without it
  int optional = 0;  // something runs slower or not at all
};

void print_line(std::string_view mark, std::string_view what, std::string_view detail) {
  fmt::print("{:<8} {:<14} {}\n", mark, what, detail);
}

void check_compiler(Findings& findings, Backend backend, const Environment& environment) {
  const bool cuda = backend == Backend::Cuda;
  const std::string what = cuda ? "NVRTC" : "LLVM";
  const auto state = find_compiler(backend, environment);
  if (state.identity) {
    const std::string library = cuda ? find_loaded_library("libnvrtc.so") : "built in";
    print_line("ok", what, fmt::format("{} {} ({})", state.identity->name, state.identity->version, library));
    return;
  }
  ++(cuda ? findings.optional : findings.missing);
  print_line("missing", what, state.problem);
}

std::string describe_gpu(const Target& target) {
  return fmt::format("{}: sm_{}, {} SMs, {:.0f} GiB, L2 {} MiB", target.name, arch_name(target), target.processors,
                     static_cast<double>(target.memory_bytes) / (1LL << 30), target.l2_bytes >> 20);
}

void check_devices(Findings& findings, const Environment& environment) {
  const auto devices = runtime::list_devices(environment);
  print_line("ok", "CPU",
             fmt::format("{}: {} hardware threads, last-level cache {} MiB", devices.cpu.name, devices.cpu.processors,
                         devices.cpu.l2_bytes >> 20));
  print_line("ok", "CPU features", devices.cpu.features);
  if (devices.cuda_absent_reason) {
    ++findings.optional;
    print_line("missing", "CUDA driver", *devices.cuda_absent_reason);
    return;
  }
  const int driver = devices.cuda.empty() ? 0 : devices.cuda.front().driver_version;
  print_line("ok", "CUDA driver",
             fmt::format("CUDA {}.{} ({})", driver / 1000, driver % 1000 / 10, find_loaded_library("libcuda.so")));
  for (std::size_t index = 0; index < devices.cuda.size(); ++index) {
    print_line("ok", fmt::format("GPU cuda:{}", index), describe_gpu(devices.cuda[index]));
  }
}

// The nearest folder that exists decides whether the missing ones could be made.
std::filesystem::path nearest_existing(std::filesystem::path path) {
  while (!path.empty() && !std::filesystem::exists(path) && path != path.root_path()) path = path.parent_path();
  return path.empty() ? "." : path;
}

void check_cache(Findings& findings, const std::string& path) {
  const bool exists = std::filesystem::exists(path);
  const auto place = exists ? std::filesystem::path(path) : nearest_existing(std::filesystem::path(path).parent_path());
  if (access(place.c_str(), W_OK) != 0) {
    ++findings.missing;
    print_line("problem", "cache", fmt::format("{}: {} is not writable; use --cache FILE or NSAJIT_CACHE", path, place.string()));
    return;
  }
  if (!exists) {
    print_line("ok", "cache", fmt::format("{}: not there yet; `nsajit tune` makes it", path));
    return;
  }
  try {
    auto cache = cache::Cache::open(path, cache::OpenMode::ReadWrite);
    print_line("ok", "cache",
               fmt::format("{}: {} winners, {} trials of {} runs, {} KiB", path, cache.winners().size(), cache.trials().size(),
                           cache.runs().size(), std::filesystem::file_size(path) >> 10));
  } catch (const Error& error) {
    ++findings.missing;
    print_line("problem", "cache", error.what());
  }
}

void check_templates(const Environment& environment) {
  const auto where =
      environment.template_dir ? fmt::format("CUDA ones from {} (NSAJIT_TEMPLATE_DIR)", *environment.template_dir) : "built in";
  print_line("ok", "templates", fmt::format("{} files, {}", codegen::embedded_files().size(), where));
}

ExitCode run_doctor(const Session& session, const DoctorSettings& settings) {
  Findings findings;
  print_line("ok", "nsajit", fmt::format("{}, built for: {}", program_version(), built_backends()));
  check_devices(findings, session.environment);
  check_compiler(findings, Backend::Cpu, session.environment);
  check_compiler(findings, Backend::Cuda, session.environment);
  check_templates(session.environment);
  check_cache(findings, settings.cache);
  if (findings.missing > 0) {
    fmt::print("\n{} problem{} to solve before nsajit can tune here\n", findings.missing, findings.missing == 1 ? "" : "s");
    return ExitCode::Environment;
  }
  fmt::print("\n{}\n",
             findings.optional > 0 ? "ready for the CPU; what is missing is wanted for CUDA only" : "ready for CUDA and the CPU");
  return ExitCode::Done;
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("doctor", "Says what is here, what is missing and what to do about it");
  command->footer(
      "Example:\n  nsajit doctor\nExit code 0: at least the CPU can be tuned for; 4: something must be solved first.");
  const auto settings = std::make_shared<DoctorSettings>();
  add_cache_option(*command, settings->cache, session);
  command->callback([&session, settings] { session.result = run_doctor(session, *settings); });
}

}  // namespace nsajit::cli
