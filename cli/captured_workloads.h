#pragma once
// Captured workloads: what programs asked for while NSAJIT_CAPTURE named a folder, as a sweep for `nsajit tune`.

#include <string>

#include "cli/sweep_file.h"

namespace nsajit::cli {

// All *.jsonl files of the folder. Of workloads that differ only in sizes within the same powers of two, as the growing keys of
// a decode, one stands for all: the largest. Throws Error{InvalidArgument} with file, line and reason; Error{NotFound} where the
// folder has no such file.
Sweep read_captured(const std::string& folder);

}  // namespace nsajit::cli
