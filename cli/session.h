#pragma once
// Session: what every command gets from main: the environment as read at start, how the program was called, and where
// its exit code goes. Also the options that several commands share.

#include <string>

#include "cli/exit_code.h"
#include "core/env.h"

namespace CLI {
class App;
}

namespace nsajit::cli {

struct Session {
  Environment environment;
  std::string command_line;  // as typed, kept with every run
  ExitCode result = ExitCode::Done;
};

// Each adds its command to `app`. The command runs inside CLI11's parse and throws Error.
void add_tune(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_lookup(CLI::App& app, Session& session);
void add_compile(CLI::App& app, Session& session);
void add_parity(CLI::App& app, Session& session);
void add_bench(CLI::App& app, Session& session);
void add_cache(CLI::App& app, Session& session);
void add_replay(CLI::App& app, Session& session);
void add_routing(CLI::App& app, Session& session);
void add_doctor(CLI::App& app, Session& session);
void add_worker(CLI::App& app, Session& session);  // hidden: the child of `tune`

// --device, --cache: `cache` is filled with the environment's default.
void add_device_option(CLI::App& command, std::string& device);
void add_cache_option(CLI::App& command, std::string& cache, const Session& session);

}  // namespace nsajit::cli
