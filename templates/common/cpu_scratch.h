#pragma once
// Scratch of the CPU attention kernels: where each part lies in the memory that one thread gets. Compiled into the
// bitcode templates and into the host side, which has to ask for as many bytes. No includes: freestanding.

namespace nsajit::templates {

// Offsets in bytes, each on a cache line.
struct CpuScratch {
  long long q = 0;        // queries, [heads / lane_heads][dk / phases][width]
  long long scores = 0;   // scores, then probabilities, [heads / lane_heads][tile / phases][width]
  long long out = 0;      // fp32 accumulators, [heads][dv]
  long long row_max = 0;  // running maximum, per lane, [heads / lane_heads][width]
  long long row_sum = 0;  // running sum of exponentials, per lane
  long long rescale = 0;  // what earlier partial results are multiplied by
  long long begins = 0;   // per lane, the first key that its query sees
  long long ends = 0;     // per lane, where its keys end
  long long tokens = 0;   // token of each key
  long long k = 0;        // packed fp32 keys, [packed_keys][dk]
  long long v = 0;        // packed fp32 values, [packed_values][dv]
  long long bytes = 0;
};

struct CpuScratchShape {
  int dk = 0, dv = 0;
  int heads = 0;                           // padded to whole vectors and blocks
  int lane_heads = 1;                      // heads in the lanes of one vector; width / lane_heads phases of dk beside them
  int width = 8;                           // fp32 lanes of a vector
  int tile = 0;                            // keys between two updates of the running maximum
  int tokens = 0;                          // keys gathered at once: the tile, or all that a packed row may hold
  int packed_keys = 0, packed_values = 0;  // 0: read in place
  bool masked = false;                     // queries that are attended to together do not see the same keys
};

constexpr CpuScratch make_cpu_scratch(const CpuScratchShape& shape) {
  constexpr long long line = 64, real = 4;
  const auto lines = [](long long bytes) { return (bytes + line - 1) / line * line; };
  const long long lanes = static_cast<long long>(shape.heads) / shape.lane_heads * shape.width;
  CpuScratch at;
  at.scores = at.q + lines(real * shape.heads * shape.dk);
  at.out = at.scores + lines(real * shape.heads * shape.tile);
  at.row_max = at.out + lines(real * shape.heads * shape.dv);
  at.row_sum = at.row_max + lines(real * lanes);
  at.rescale = at.row_sum + lines(real * lanes);
  at.begins = at.rescale + lines(real * lanes);
  at.ends = at.begins + (shape.masked ? lines(real * lanes) : 0);
  at.tokens = at.ends + (shape.masked ? lines(real * lanes) : 0);
  at.k = at.tokens + lines(real * shape.tokens);
  at.v = at.k + lines(real * shape.packed_keys * shape.dk);
  at.bytes = at.v + lines(real * shape.packed_values * shape.dv);
  return at;
}

}  // namespace nsajit::templates
