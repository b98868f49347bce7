#ifndef NSAJIT_POOLING_ARGS_H
#define NSAJIT_POOLING_ARGS_H
/* The arguments of a kernel that compresses K and V by mean pooling, the same bytes on the host, on the CPU backend and on
 * the GPU. Also compiled by NVRTC and clang for device code: no includes, fixed-size types only.
 *
 *   k_cmp of token i = mean of k[b,g,i*d .. i*d+l-1,:], the same for v              (summed in fp32)
 *
 * for the compressed tokens first <= i < S_c, each at row i - first of k_cmp and v_cmp: a prompt has first = 0, a decode
 * step only the token that its new positions complete. S_c is (S_kv-l)/d + 1 at most, 0 where S_kv < l; l and d belong to
 * the kernel. Strides are in elements; the last dimension is contiguous. On CUDA every pointer and stride is a multiple of
 * 16 bytes. */

typedef struct nsajit_pooling_args {
  const void* k;
  const void* v; /* NULL: K alone is compressed; v_cmp is not written */
  void* k_cmp;
  void* v_cmp;
  void* workspace; /* as large as the launch plan says; NULL where it says 0 */
  long long k_b, k_g, k_s;
  long long v_b, v_g, v_s;
  long long k_cmp_b, k_cmp_g, k_cmp_s;
  long long v_cmp_b, v_cmp_g, v_cmp_s;
  long long B, G;
  long long first, S_c;
  const int* cu_seqlens; /* NULL: B sequences. Else [B+1]: sequences lie packed one behind the other, b has rows
                          * [cu_seqlens[b], cu_seqlens[b+1]) of k and v; every stride of b is 0, and first is 0 */
  const int* cu_keys;    /* with cu_seqlens: the same for the rows of k_cmp and v_cmp; S_c = those of the longest (or more) */
} nsajit_pooling_args;

#endif
