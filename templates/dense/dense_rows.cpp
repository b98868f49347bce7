// Dense rows: see the header.

#include "templates/dense/dense_rows.h"

#include <algorithm>

#include "templates/common/attention_layout.h"
#include "templates/common/compression.h"

namespace nsajit::templates::dense {
namespace {

std::int64_t count_allocated(const Workload& w) {
  if (w.problem.branch == Branch::Compressed) return count_compressed_rows(w);
  return has_packed_sequences(w) ? rows_before(w, w.B) : w.S_kv;
}

}  // namespace

KeyRange visible_keys(const Problem& p, std::int64_t position, std::int64_t keys) {
  if (p.branch == Branch::Compressed) return {.begin = 0, .end = std::min(count_compressed(p, position + 1), keys)};
  if (p.w <= 0) return {};
  return {.begin = std::max<std::int64_t>(0, position - p.w + 1), .end = std::min(position + 1, keys)};
}

std::int64_t count_keys(const Problem& p, std::int64_t length) {
  return p.branch == Branch::Compressed ? count_compressed(p, length) : length;
}

std::int64_t count_keys(const Workload& w, std::int64_t b) {
  return count_keys(w.problem, has_packed_sequences(w) ? sequence_length(w, b) : w.S_kv);
}

std::vector<std::int32_t> key_starts(const Workload& w) {
  return w.problem.branch == Branch::Compressed ? compressed_starts(w) : sequence_starts(w);
}

std::vector<TensorSpec> make_tensors(const Workload& w) {
  const Problem& p = w.problem;
  const std::int64_t keys = count_allocated(w);
  std::vector<TensorSpec> specs{make_query_spec(w, "q", p.dk), make_key_spec(w, "k", p.dk, keys),
                                make_key_spec(w, "v", p.dv, keys), make_query_spec(w, "o", p.dv), make_lse_spec(w)};
  specs[kO].output = true;
  if (has_packed_sequences(w)) specs.push_back(make_starts_spec(w, "cu_seqlens"));
  if (has_packed_sequences(w) && p.branch == Branch::Compressed) specs.push_back(make_starts_spec(w, "cu_keys"));
  return specs;
}

nsajit_dense_args make_args(const Workload& w) {
  nsajit_dense_args args{};
  set_attention_strides(w, count_allocated(w), args);
  args.S_c = count_keys(w.problem, w.S_kv);
  return args;
}

}  // namespace nsajit::templates::dense
