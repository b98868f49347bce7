/* Sliding attention of one sequence through the C interface, checked against plain C. Exit status 0: right. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <nsajit/nsajit.h>

enum { kQueries = 20, kKeys = 50, kHeads = 4, kSize = 16, kWindow = 12 };

static float q[kQueries * kHeads * kSize], k[kKeys * kSize], v[kKeys * kSize], o[kQueries * kHeads * kSize];

/* Every function of the header, so that one which the library lacks does not link. */
typedef void (*function)(void);
static const function kAll[] = {
    (function)nsajit_abi_version,
    (function)nsajit_version,
    (function)nsajit_last_error,
    (function)nsajit_context_create,
    (function)nsajit_context_destroy,
    (function)nsajit_context_device,
    (function)nsajit_refresh,
    (function)nsajit_selection_forward,
    (function)nsajit_sliding_forward,
    (function)nsajit_compressed_forward,
    (function)nsajit_select_blocks,
    (function)nsajit_selection_workspace_bytes,
    (function)nsajit_sliding_workspace_bytes,
    (function)nsajit_compressed_workspace_bytes,
    (function)nsajit_select_blocks_workspace_bytes,
    (function)nsajit_selection_kernel,
    (function)nsajit_sliding_kernel,
    (function)nsajit_compressed_kernel,
    (function)nsajit_select_blocks_kernel,
    (function)nsajit_combine,
    (function)nsajit_combine_workspace_bytes,
    (function)nsajit_combine_kernel,
    (function)nsajit_compress,
    (function)nsajit_compress_workspace_bytes,
    (function)nsajit_compress_kernel,
    (function)nsajit_forward,
    (function)nsajit_forward_workspace_bytes,
    (function)nsajit_bind,
    (function)nsajit_kernel_launch,
    (function)nsajit_kernel_release,
    (function)nsajit_kernel_info,
};

static void require(nsajit_status status) {
  if (status == NSAJIT_OK) return;
  fprintf(stderr, "consumer: status %d: %s\n", (int)status, nsajit_last_error());
  exit(2);
}

static void fill(float* values, int count) {
  for (int i = 0; i < count; ++i) values[i] = sinf((float)(i * i % 1013));
}

/* [1,S,G=1,h,d] and [1,G=1,S_kv,d], contiguous. */
static nsajit_tensor query(float* data) {
  const nsajit_tensor made = {data, NSAJIT_FP32, 5, {1, kQueries, 1, kHeads, kSize},
                              {kQueries * kHeads * kSize, kHeads * kSize, kHeads * kSize, kSize, 1}};
  return made;
}

static nsajit_tensor key(float* data) {
  const nsajit_tensor made = {data, NSAJIT_FP32, 4, {1, 1, kKeys, kSize}, {kKeys * kSize, kKeys * kSize, kSize, 1}};
  return made;
}

static double error_of(int s, int head) {
  const float* row = q + (s * kHeads + head) * kSize;
  const int position = kKeys - kQueries + s, first = position - kWindow + 1;
  double sum[kSize] = {0}, weights = 0, worst = 0;
  for (int token = first > 0 ? first : 0; token <= position; ++token) {
    double logit = 0;
    for (int c = 0; c < kSize; ++c) logit += (double)row[c] * k[token * kSize + c];
    const double weight = exp(logit / sqrt(kSize));
    weights += weight;
    for (int c = 0; c < kSize; ++c) sum[c] += weight * v[token * kSize + c];
  }
  for (int c = 0; c < kSize; ++c) worst = fmax(worst, fabs(sum[c] / weights - o[(s * kHeads + head) * kSize + c]));
  return worst;
}

int main(void) {
  const nsajit_context_options options = {sizeof options, "cpu", NULL, 0};
  nsajit_context* context = NULL;
  require(nsajit_context_create(&options, &context));
  fill(q, kQueries * kHeads * kSize);
  fill(k, kKeys * kSize);
  fill(v, kKeys * kSize);

  const nsajit_sparsity sparsity = {16, 16, 16, 4, kWindow};
  nsajit_call call = {0};
  call.struct_bytes = sizeof call;
  call.q = query(q), call.k = key(k), call.v = key(v), call.o = query(o);
  call.sparsity = sparsity;
  require(nsajit_sliding_workspace_bytes(context, &call, &call.workspace_bytes));
  call.workspace = call.workspace_bytes > 0 ? aligned_alloc(256, (size_t)call.workspace_bytes) : NULL;
  require(nsajit_sliding_forward(context, &call));

  double worst = 0;
  for (int s = 0; s < kQueries; ++s)
    for (int head = 0; head < kHeads; ++head) worst = fmax(worst, error_of(s, head));

  nsajit_kernel* kernel = NULL;
  nsajit_kernel_facts facts = {0};
  facts.struct_bytes = sizeof facts;
  require(nsajit_sliding_kernel(context, &call, &kernel));
  require(nsajit_kernel_info(kernel, &facts));
  const int right = worst < 1e-5 && nsajit_abi_version() == NSAJIT_ABI_VERSION && kAll[0] != NULL;
  printf("nsajit   %s\nworkload %s\nconfig   %s\ngrade    %s\nreason   %s\n%s, largest error %.1e\n", nsajit_version(), facts.workload,
         facts.config, facts.grade, facts.reason, right ? "right" : "WRONG", worst);
  require(nsajit_kernel_release(kernel));
  require(nsajit_context_destroy(context));
  free(call.workspace);
  return right ? 0 : 1;
}
