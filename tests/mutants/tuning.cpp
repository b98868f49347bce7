// Tuning: started through the shell, which replaces itself by the program, so that its process id is the program's.

#include "tests/mutants/tuning.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cache/cache.h"

namespace nsajit::testing {
namespace {

namespace fs = std::filesystem;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Fields of /proc/<process>/stat behind the name, which may hold blanks: [0] is the state, [1] the parent.
std::vector<std::string> stat_fields(const std::string& process) {
  const std::string text = read_file("/proc/" + process + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream words(text.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  return fields;
}

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// A build tree and an installation keep the program at different places relative to this test.
std::string find_program() {
  if (const char* named = std::getenv("NSAJIT_PROGRAM")) return named;
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  for (const char* place : {"../../cli/nsajit", "../../../bin/nsajit"})
    if (fs::exists(here / place)) return fs::canonical(here / place).string();
  throw std::runtime_error(fmt::format("no nsajit program beside {}; name it with NSAJIT_PROGRAM", here.string()));
}

Tuning::Tuning(const std::string& templates, const std::string& flags) : started_s_(now_s()) {
  const std::string command = fmt::format(
      "exec env -u NSAJIT_DUMP NSAJIT_LOG=debug \"ASAN_OPTIONS=handle_segv=0:$ASAN_OPTIONS\" NSAJIT_THREADS=2 "
      "NSAJIT_TEMPLATE_DIR='{0}' NSAJIT_CACHE='{1}/cache.db' '{2}' tune "
      "{3} >'{1}/output' 2>&1",
      templates, folder_.path(), find_program(), flags);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
}

Tuning::~Tuning() {
  if (!running()) return;
  kill(pid_, SIGKILL);  // its worker ends with it
  waitpid(pid_, nullptr, 0);
}

bool Tuning::running() {
  if (status_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  status_ = status;
  return false;
}

TuningOutcome Tuning::wait() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, 0) == pid_) status_ = status;
  return collect();
}

std::vector<cache::TrialRecord> Tuning::trials() const {
  const std::string path = folder_.path() + "/cache.db";
  if (!fs::exists(path)) return {};
  return cache::Cache::open(path, cache::OpenMode::ReadOnly).trials();
}

std::optional<pid_t> Tuning::find_worker() const {
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string process = entry.path().filename().string();
    if (!is_number(process)) continue;
    const auto fields = stat_fields(process);
    if (fields.size() > 1 && fields[1] == std::to_string(pid_) && fields[0] != "Z") return std::stoi(process);
  }
  return std::nullopt;
}

TuningOutcome Tuning::collect() const {
  TuningOutcome outcome{.exit_code = status_ && WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -1,
                        .seconds = now_s() - started_s_,
                        .output = read_file(folder_.path() + "/output")};
  auto cache = cache::Cache::open(folder_.path() + "/cache.db", cache::OpenMode::ReadOnly);
  outcome.trials = cache.trials();
  outcome.winners = cache.winners();
  for (const auto& trial : outcome.trials)
    for (const auto& row : cache.find_parity(trial.id))
      if (!row.passed) outcome.failed_parity.push_back(row);
  return outcome;
}

TuningOutcome tune_with(const std::string& templates, const std::string& flags) { return Tuning(templates, flags).wait(); }

double processor_seconds(pid_t process) {
  const auto fields = stat_fields(std::to_string(process));
  if (fields.size() < 13) return 0;
  return (std::stod(fields[11]) + std::stod(fields[12])) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string describe(const cache::TrialRecord& trial) {
  return fmt::format("{:<88} {:<14} {}", trial.config, cache::to_string(trial.status), trial.reason);
}

}  // namespace nsajit::testing
