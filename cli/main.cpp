// nsajit: the program. Parses the command line, runs one command, turns errors into messages and exit codes.

#include <exception>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "cli/toolchain.h"
#include "codegen/embedded_templates.h"
#include "core/log.h"
#include "nsajit/error.h"

namespace {

using namespace nsajit;

// As it is stored with results that travel: where the program lies on this machine is nobody's business.
std::string command_line(int count, char** arguments) {
  std::string line = "nsajit";
  for (int index = 1; index < count; ++index) line += fmt::format(" {}", arguments[index]);
  return line;
}

void apply(const Environment& environment) {
  if (environment.log_level) set_log_level(parse_log_level(*environment.log_level));
  if (environment.template_dir) codegen::use_template_directory(*environment.template_dir);
}

// CLI11 would only say that a command is required.
void check_command(const CLI::App& app, int count, char** arguments) {
  if (count < 2 || arguments[1][0] == '-') return;
  std::string known;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == arguments[1]) return;
    if (!command->get_group().empty()) known += (known.empty() ? "" : ", ") + command->get_name();
  }
  throw Error(ErrorCode::InvalidArgument, fmt::format("unknown command '{}'; commands: {}", arguments[1], known));
}

int run(int count, char** arguments) {
  cli::Session session{.environment = read_environment(), .command_line = command_line(count, arguments)};
  apply(session.environment);
  CLI::App app{"nsajit: generates, compiles, tunes and serves Native Sparse Attention kernels for this machine", "nsajit"};
  app.footer(fmt::format("Example:\n  nsajit tune --sweep sweeps/quick.toml && nsajit report\n\n{}\nMore: docs/cli.md",
                         cli::kExitCodeHelp));
  app.set_version_flag("--version", [&] { return cli::describe_version(session.environment); });
  app.require_subcommand(1);
  app.fallthrough();  // --frozen may stand behind the command too
  app.add_flag("--frozen", session.environment.frozen,
               "Never compile, never measure: what is not in the cache is an error (or NSAJIT_FROZEN=1)");
  for (auto* add : {cli::add_tune, cli::add_report, cli::add_lookup, cli::add_compile, cli::add_parity, cli::add_bench,
                    cli::add_cache, cli::add_replay, cli::add_routing, cli::add_doctor, cli::add_worker}) {
    add(app, session);
  }
  check_command(app, count, arguments);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? 0 : static_cast<int>(cli::ExitCode::BadInput); }
  return static_cast<int>(session.result);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const Error& error) {
    fmt::print(stderr, "nsajit: {}\n", error.what());
    return static_cast<int>(cli::exit_code_of(error.code()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "nsajit: unexpected: {}\n", error.what());
    return static_cast<int>(cli::ExitCode::Environment);
  }
}
