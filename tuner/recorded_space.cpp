// RecordedSpace as text:
//   nsajit-spaces 1
//   device <text>
//   complete <workload>            or: sample <workload>; trials follow, the default first
//   <config> <us> <low> <high> <samples>
//   <config> rejected

#include "tuner/recorded_space.h"

#include <algorithm>
#include <cmath>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "nsajit/workload.h"

namespace nsajit::tuner {
namespace {

constexpr std::string_view kHeader = "nsajit-spaces 1";

using SpaceName = std::pair<std::string, std::string>;  // device, workload

std::set<SpaceName> find_exhausted(cache::Cache& cache) {
  std::set<SpaceName> found;
  for (const auto& winner : cache.winners()) {
    if (winner.key_text.find("strategy=exhaustive\nmax_trials=0\nbudget_s=0\n") != std::string::npos)
      found.emplace(winner.device, winner.workload);
  }
  return found;
}

struct Line {
  const std::string& file;
  int number = 0;
  std::string text;

  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("recorded spaces {}, line {}: {}; files are written by `nsajit replay --save`", file, number, what));
  }
};

double read_number(const Line& line, const std::string& word, std::string_view what) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(word, &used);
  } catch (const std::exception&) { used = 0; }
  if (used == 0 || used != word.size() || !std::isfinite(value) || value <= 0)
    line.refuse(fmt::format("{} is to be a positive number, not '{}'", what, word));
  return value;
}

RecordedTrial read_trial(const Line& line) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= line.text.size();) {
    const std::size_t end = std::min(line.text.find(' ', begin), line.text.size());
    words.push_back(line.text.substr(begin, end - begin));
    begin = end + 1;
  }
  RecordedTrial trial;
  try {
    trial.config = parse_config(words.front());
  } catch (const Error& error) { line.refuse(error.what()); }
  if (words.size() == 2 && words[1] == "rejected") return trial;
  if (words.size() != 5) line.refuse("a trial is '<config> <us> <low> <high> <samples>' or '<config> rejected'");
  trial.passed = true;
  trial.time_us = read_number(line, words[1], "a time");
  trial.low_us = read_number(line, words[2], "a time");
  trial.high_us = read_number(line, words[3], "a time");
  trial.samples = static_cast<int>(std::min(read_number(line, words[4], "a number of samples"), 1e9));
  return trial;
}

void check_workload(const Line& line, const std::string& text) {
  try {
    parse_workload(text);
  } catch (const Error& error) { line.refuse(error.what()); }
}

}  // namespace

std::vector<RecordedSpace> collect_spaces(cache::Cache& cache) {
  const auto exhausted = find_exhausted(cache);
  auto trials = cache.trials();
  // The default is always tried first.
  std::sort(trials.begin(), trials.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  std::map<SpaceName, RecordedSpace> spaces;
  for (const auto& trial : trials) {
    if (trial.baseline) continue;
    auto& space = spaces[{trial.device, trial.workload}];
    const bool passed = trial.status == cache::TrialStatus::Measured && trial.time_us > 0;
    space.trials.push_back({.config = parse_config(trial.config),
                            .passed = passed,
                            .time_us = trial.time_us,
                            .low_us = trial.low_us,
                            .high_us = trial.high_us,
                            .samples = trial.samples});
  }
  std::vector<RecordedSpace> found;
  for (auto& [name, space] : spaces) {
    if (std::count_if(space.trials.begin(), space.trials.end(), [](const auto& trial) { return trial.passed; }) < 2) continue;
    std::tie(space.device, space.workload) = name;
    space.complete = exhausted.contains(name);
    found.push_back(std::move(space));
  }
  return found;
}

void write_spaces(std::ostream& out, const std::vector<RecordedSpace>& spaces) {
  out << kHeader << "\n";
  std::string device;
  for (const RecordedSpace& space : spaces) {
    if (space.device != device) out << "device " << (device = space.device) << "\n";
    out << (space.complete ? "complete " : "sample ") << space.workload << "\n";
    for (const RecordedTrial& trial : space.trials) {
      out << (trial.passed ? fmt::format("{} {:.6g} {:.6g} {:.6g} {}\n", to_string(trial.config), trial.time_us, trial.low_us,
                                         trial.high_us, trial.samples)
                           : fmt::format("{} rejected\n", to_string(trial.config)));
    }
  }
}

std::vector<RecordedSpace> read_spaces(std::istream& in, const std::string& name) {
  std::vector<RecordedSpace> spaces;
  std::string device;
  Line line{.file = name};
  while (std::getline(in, line.text)) {
    ++line.number;
    if (line.number == 1 && line.text != kHeader) line.refuse(fmt::format("the first line is to be '{}'", kHeader));
    if (line.number == 1 || line.text.empty() || line.text.starts_with("#")) continue;
    const auto after = [&](std::string_view word) {
      return line.text.starts_with(word) ? std::optional(line.text.substr(word.size())) : std::nullopt;
    };
    if (const auto text = after("device ")) {
      device = *text;
      continue;
    }
    const auto complete = after("complete "), sample = after("sample ");
    if (complete || sample) {
      if (device.empty()) line.refuse("a workload stands before any device");
      spaces.push_back({.device = device, .workload = complete ? *complete : *sample, .complete = complete.has_value()});
      check_workload(line, spaces.back().workload);
    } else {
      if (spaces.empty()) line.refuse("a trial stands before any workload");
      spaces.back().trials.push_back(read_trial(line));
    }
  }
  if (line.number == 0) line.refuse("it is empty");
  return spaces;
}

}  // namespace nsajit::tuner
