#pragma once
// Sequences: the rows of a workload, their positions, and where packed sequences begin. Shared by the layouts, inputs
// and references of all operations.

#include <cstdint>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates {

// A flattened row: row = (b * S + s) * G + g.
struct RowIndex {
  std::int64_t b = 0, s = 0, g = 0;
};
inline RowIndex split_row(const Workload& w, std::int64_t row) {
  return {.b = row / w.G / w.S, .s = row / w.G % w.S, .g = row % w.G};
}

// Position of query row s, absolute.
inline std::int64_t query_position(const Workload& workload, std::int64_t s) { return workload.S_kv - workload.S + s; }

// Packed sequences (Layout::Varlen): the last one has S rows, others fewer, some none. Else all have S.
inline bool has_packed_sequences(const Workload& workload) { return workload.problem.layout == Layout::Varlen; }
std::int64_t sequence_length(const Workload& workload, std::int64_t b);
// Rows of all sequences before b, in the tensors that have a row per query.
std::int64_t rows_before(const Workload& workload, std::int64_t b);
// The part of it that the strides of b do not cover.
inline std::int64_t packed_start(const Workload& workload, std::int64_t b) {
  return has_packed_sequences(workload) ? rows_before(workload, b) : 0;
}
// Rows before each sequence, then those of all: what cu_seqlens holds.
std::vector<std::int32_t> sequence_starts(const Workload& workload);

// Throws Error{InvalidArgument} for packed sequences with other lengths of keys than of rows.
void check_packed_lengths(std::string_view op, const Workload& workload);

// Flattened rows to compare: all where `count` is 0 or covers them, else `count` spread evenly over sequences and
// groups, and the last. Rows that packed sequences do not have are left out.
std::vector<std::int64_t> sample_rows(const Workload& workload, std::int64_t count);

// Where the row lies in an output of [rows, G, count]; nothing where its sequence is shorter.
Op::RowSlice slice_of_row(const Workload& workload, std::int64_t row, std::int64_t count);

}  // namespace nsajit::templates
