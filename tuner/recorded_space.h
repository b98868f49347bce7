#pragma once
// RecordedSpace: the measured trials of one workload on one device, without kernels: what `nsajit replay` searches. Read
// from a cache or from text, one line per trial, small enough to be checked in.

#include <iosfwd>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "nsajit/config.h"

namespace nsajit::tuner {

struct RecordedTrial {
  Config config;
  bool passed = false;  // false: rejected, by whichever class of failure
  double time_us = 0;   // median
  double low_us = 0;    // its interval
  double high_us = 0;
  int samples = 0;
};

struct RecordedSpace {
  std::string device;
  std::string workload;
  bool complete = false;              // every config of the space was tried; else what some search tried
  std::vector<RecordedTrial> trials;  // the default first; the baseline is none of them
};

// Of every workload and device with at least two trials that passed, sorted by device and workload. Complete: where an
// exhaustive search without a budget decided.
std::vector<RecordedSpace> collect_spaces(cache::Cache& cache);

void write_spaces(std::ostream& out, const std::vector<RecordedSpace>& spaces);
// Throws Error{InvalidArgument} that names `name`, the line and what is wrong with it.
std::vector<RecordedSpace> read_spaces(std::istream& in, const std::string& name);

}  // namespace nsajit::tuner
