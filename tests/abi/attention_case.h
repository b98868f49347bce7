#pragma once
// AttentionCase: fp32 tensors of a small selection call, in both layouts of the C interface, and what the rows have to be.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/dense_tensor.h"
#include "nsajit/nsajit.h"
#include "tests/support/temporary_folder.h"

namespace nsajit::testing {

enum class CaseLayout { Grouped, Flash };

// B=2, G=2, h=3, dk=32, dv=16, blocks of 16; every row selects block 0 and its own, the second slot of early rows unused.
struct AttentionCase {
  static constexpr std::int64_t B = 2, G = 2, h = 3, dk = 32, dv = 16, n = 2, block = 16;
  std::int64_t S, S_kv;
  CaseLayout layout;
  std::vector<float> q, k, v, o, lse;
  std::vector<int> blocks;

  explicit AttentionCase(std::int64_t queries, std::int64_t keys, CaseLayout order = CaseLayout::Grouped)
      : S(queries),
        S_kv(keys),
        layout(order),
        q(values(B * S * G * h * dk)),
        k(values(B * G * S_kv * dk)),
        v(values(B * G * S_kv * dv)),
        o(static_cast<std::size_t>(B * S * G * h * dv), NAN),
        lse(static_cast<std::size_t>(B * S * G * h), NAN) {
    for (std::int64_t row = 0; row < B * S * G; ++row) {
      const std::int64_t own = position(row / G % S) / block;
      blocks.push_back(0);
      blocks.push_back(own > 0 ? static_cast<int>(own) : -1);
    }
  }

  std::int64_t position(std::int64_t s) const { return S_kv - S + s; }

  nsajit_call call() {
    nsajit_call call{};
    call.struct_bytes = sizeof call;
    call.sparsity = {.l = 16, .d = 16, .l_sel = static_cast<int>(block), .n_sel = 4, .w = 20};
    const bool grouped = layout == CaseLayout::Grouped;
    call.q = grouped ? tensor(q.data(), {B, S, G, h, dk}) : tensor(q.data(), {B, S, G * h, dk});
    call.k = grouped ? tensor(k.data(), {B, G, S_kv, dk}) : tensor(k.data(), {B, S_kv, G, dk});
    call.v = grouped ? tensor(v.data(), {B, G, S_kv, dv}) : tensor(v.data(), {B, S_kv, G, dv});
    call.o = grouped ? tensor(o.data(), {B, S, G, h, dv}) : tensor(o.data(), {B, S, G * h, dv});
    call.lse = grouped ? tensor(lse.data(), {B, S, G, h}) : tensor(lse.data(), {B, S, G * h});
    call.sel = tensor(blocks.data(), {B, S, G, n}, NSAJIT_INT32);
    return call;
  }

  static nsajit_tensor tensor(void* data, std::initializer_list<std::int64_t> shape, int dtype = NSAJIT_FP32) {
    return dense_tensor(data, shape, dtype);
  }

  // Largest difference of o from plain softmax over the tokens of row (b, s, g) that `sees` says.
  template <class Sees>
  double largest_error(const Sees& sees) const {
    double worst = 0;
    for (std::int64_t b = 0; b < B; ++b)
      for (std::int64_t s = 0; s < S; ++s)
        for (std::int64_t g = 0; g < G; ++g)
          for (std::int64_t j = 0; j < h; ++j) worst = std::max(worst, row_error(b, s, g, j, sees));
    return worst;
  }
  double selection_error() const {
    return largest_error([](std::int64_t t, std::int64_t token) { return token / block == 0 || token / block == t / block; });
  }

 private:
  static std::vector<float> values(std::int64_t count) {
    std::mt19937 random(static_cast<unsigned>(count));
    std::normal_distribution<float> normal;
    std::vector<float> made(static_cast<std::size_t>(count));
    for (float& value : made) value = normal(random);
    return made;
  }

  std::size_t key_at(std::int64_t b, std::int64_t g, std::int64_t token) const {
    return static_cast<std::size_t>(layout == CaseLayout::Grouped ? (b * G + g) * S_kv + token : (b * S_kv + token) * G + g);
  }

  template <class Sees>
  double row_error(std::int64_t b, std::int64_t s, std::int64_t g, std::int64_t j, const Sees& sees) const {
    const auto row = static_cast<std::size_t>(((b * S + s) * G + g) * h + j);
    std::vector<double> sum(dv);
    double weights = 0;
    for (std::int64_t token = 0; token <= position(s); ++token) {
      if (!sees(position(s), token)) continue;
      double logit = 0;
      for (std::size_t c = 0; c < dk; ++c) logit += double{q[row * dk + c]} * k[key_at(b, g, token) * dk + c];
      const double weight = std::exp(logit / std::sqrt(double{dk}));
      weights += weight;
      for (std::size_t c = 0; c < dv; ++c) sum[c] += weight * v[key_at(b, g, token) * dv + c];
    }
    double worst = std::abs(lse[row] - std::log(weights));
    for (std::size_t c = 0; c < dv; ++c) worst = std::max(worst, std::abs(o[row * dv + c] - sum[c] / weights));
    return std::isnan(worst) ? INFINITY : worst;
  }
};

// A context on the CPU with a cache of its own.
class CpuContext {
 public:
  explicit CpuContext(unsigned flags = 0) : path_(folder_.path() + "/cache.db") {
    const nsajit_context_options options{sizeof options, "cpu", path_.c_str(), flags};
    status_ = nsajit_context_create(&options, &context_);
  }
  CpuContext(const CpuContext&) = delete;
  CpuContext& operator=(const CpuContext&) = delete;
  ~CpuContext() { nsajit_context_destroy(context_); }
  nsajit_context* get() const { return context_; }
  nsajit_status status() const { return status_; }

 private:
  TemporaryFolder folder_;
  std::string path_;
  nsajit_context* context_ = nullptr;
  nsajit_status status_ = NSAJIT_INTERNAL;
};

}  // namespace nsajit::testing
