#pragma once
// Recording: the selection tensor of a real model, read from a file, so that kernels are gated and timed on what a user
// runs. A Workload names its recording by digest; whoever read the files hands them along as Recordings.
// Plain values; safe to share between threads once they are read.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nsajit/op.h"

namespace nsajit {

struct Recording {
  std::string path;          // where it was read from
  std::uint64_t digest = 0;  // of shape and contents: Workload::selection; never 0
  HostTensor sel;            // int32: ranges [B,S,G,n,2] or block_indices [B,S,G,n]
};

// Reads a NumPy file of int32 (core/npy.h). Throws Error{InvalidArgument} that names the file: it is none, or has not the
// dimensions of a selection. Whether the entries make sense depends on a workload, and is not looked at.
Recording load_recording(const std::string& path);

class Recordings {
 public:
  // Returns the recording with these contents: the one added, or the one that was there before.
  const Recording& add(Recording recording);
  void add(Recordings others);
  // Throws Error{InvalidArgument} that says how a recording is given.
  const Recording& get(std::uint64_t digest) const;
  std::vector<std::string> paths() const;

 private:
  std::map<std::uint64_t, Recording> by_digest_;
};

}  // namespace nsajit
