// worker: the child process of `tune` that owns a device, or one that compiles. Speaks the worker protocol on descriptors 0
// and 1.

#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/interrupt.h"
#include "cli/session.h"
#include "tuner/worker_runner.h"
#include "tuner/worker_server.h"

namespace nsajit::cli {

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
      const auto compiler = codegen::make_compiler(*compile == "cpu" ? Backend::Cpu : Backend::Cuda, session.environment);
      session.result = static_cast<ExitCode>(tuner::serve_compiler(*compiler, STDIN_FILENO, STDOUT_FILENO));
      return;
    }
    session.result =
        static_cast<ExitCode>(tuner::serve_worker(*device, *selections, STDIN_FILENO, STDOUT_FILENO, session.environment));
  });
}

}  // namespace nsajit::cli
