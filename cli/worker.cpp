// worker: the child process of `tune` that owns a device, or one that compiles. Speaks the worker protocol on descriptors 0
// and 1.

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/interrupt.h"
#include "cli/session.h"
#include "tuner/worker_runner.h"
#include "tuner/worker_server.h"

namespace nsajit::cli {
namespace {

// Of one compilation, which takes some hundred MiB. One without end would else take the machine's other programs with it.
constexpr rlim_t kMostCompileBytes = rlim_t{4} << 30;

// Not under a sanitizer, whose address space is larger from the start.
void bound_memory() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  if (pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) > kMostCompileBytes / 2) return;
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, kMostCompileBytes);
  setrlimit(RLIMIT_AS, &limit);
}

}  // namespace

void add_worker(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("worker", "Serves trials to `nsajit tune` on standard input and output");
  command->group("");  // hidden: started by tune, of no use by hand
  command->footer("Example:\n  nsajit tune --sweep sweeps/quick.toml     starts its own workers");
  auto device = std::make_shared<std::string>("auto");
  auto selections = std::make_shared<std::vector<std::string>>();
  add_device_option(*command, *device);
  command->add_option("--selection", *selections, "File of a recorded selection; any number")->allow_extra_args(false);
  auto compile = std::make_shared<std::string>();
  command->add_option("--compile", *compile, "Serve compilations for this backend instead")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  command->callback([&session, device, selections, compile] {
    ignore_interrupts();
    if (!compile->empty()) {
      bound_memory();
      const auto compiler = codegen::make_compiler(*compile == "cpu" ? Backend::Cpu : Backend::Cuda, session.environment);
      session.result = static_cast<ExitCode>(tuner::serve_compiler(*compiler, STDIN_FILENO, STDOUT_FILENO));
      return;
    }
    session.result =
        static_cast<ExitCode>(tuner::serve_worker(*device, *selections, STDIN_FILENO, STDOUT_FILENO, session.environment));
  });
}

}  // namespace nsajit::cli
