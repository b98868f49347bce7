#pragma once
// Progress line: shows how far a tuning is: one line redrawn in place on a terminal, else a plain line per phase.
// Writes to stderr only, so that stdout holds results.

#include <chrono>
#include <cstddef>
#include <string>

#include "tuner/engine.h"

namespace nsajit::cli {

class ProgressLine {
 public:
  explicit ProgressLine(bool terminal) : terminal_(terminal) {}

  void begin(std::size_t index, std::size_t count, std::string title);
  void update(const tuner::Progress& progress);
  void clear();  // before anything else is printed

 private:
  void draw(const tuner::Progress& progress) const;
  void print_plain(const tuner::Progress& progress);

  const bool terminal_;
  std::string prefix_;
  std::string title_;
  std::string last_phase_;
  std::chrono::steady_clock::time_point last_print_{};
};

}  // namespace nsajit::cli
