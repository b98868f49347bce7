// worker: the child process of `tune` that owns a device. Speaks the worker protocol on descriptors 0 and 1.

#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/interrupt.h"
#include "cli/session.h"
#include "tuner/worker_runner.h"

namespace nsajit::cli {

void add_worker(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("worker", "Serves trials to `nsajit tune` on standard input and output");
  command->group("");  // hidden: started by tune, of no use by hand
  command->footer("Example:\n  nsajit tune --sweep sweeps/quick.toml     starts its own workers");
  auto device = std::make_shared<std::string>("auto");
  auto selections = std::make_shared<std::vector<std::string>>();
  add_device_option(*command, *device);
  command->add_option("--selection", *selections, "File of a recorded selection; any number")->allow_extra_args(false);
  command->callback([&session, device, selections] {
    ignore_interrupts();
    session.result =
        static_cast<ExitCode>(tuner::serve_worker(*device, *selections, STDIN_FILENO, STDOUT_FILENO, session.environment));
  });
}

}  // namespace nsajit::cli
