#pragma once
// Tuning: one run of the real `nsajit tune`, as a process of its own with a cache of its own, and what it stored.

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "cache/records.h"
#include "tests/support/temporary_folder.h"

namespace nsajit::testing {

struct TuningOutcome {
  int exit_code = -1;
  double seconds = 0;
  std::string output;  // what it said, results and progress
  std::vector<cache::TrialRecord> trials;
  std::vector<cache::ParityRecord> failed_parity;  // of the trials: the rows that did not pass
  std::vector<cache::WinnerRecord> winners;
};

// The program of the tree or installation that this test belongs to; NSAJIT_PROGRAM names another.
std::string find_program();

class Tuning {
 public:
  // Starts `nsajit tune <flags>` with `templates` as NSAJIT_TEMPLATE_DIR.
  Tuning(const std::string& templates, const std::string& flags);
  ~Tuning();  // kills what still runs
  Tuning(const Tuning&) = delete;
  Tuning& operator=(const Tuning&) = delete;

  bool running();
  TuningOutcome wait();                            // to its end
  std::vector<cache::TrialRecord> trials() const;  // stored so far
  std::optional<pid_t> find_worker() const;        // its child of this moment

 private:
  TuningOutcome collect() const;

  TemporaryFolder folder_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  double started_s_ = 0;
};

TuningOutcome tune_with(const std::string& templates, const std::string& flags);

// Processor time that a process has taken, in seconds; 0 where it is gone.
double processor_seconds(pid_t process);

// What there is to say about a trial on one line: config, status, reason.
std::string describe(const cache::TrialRecord& trial);

}  // namespace nsajit::testing
