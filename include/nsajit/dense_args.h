#ifndef NSAJIT_DENSE_ARGS_H
#define NSAJIT_DENSE_ARGS_H
/* The arguments of a kernel of the sliding or the compressed branch, the same bytes on the host, on the CPU backend and on
 * the GPU. Also compiled by NVRTC and clang for device code: no includes, fixed-size types only.
 *
 * q[b,s,g,j,:] k[b,g,i,:] v[b,g,i,:] o[b,s,g,j,:] are reached through strides in elements; the last
 * dimension is contiguous. j is the query head inside its group. The row at position t sees the keys
 *   sliding:     max(0, t-w+1) .. t of its own K and V; none where w <= 0
 *   compressed:  0 .. min(num_cmp(t), S_c) - 1, num_cmp(t) = t+1 < l ? 0 : (t+1-l)/d + 1
 * where w, l and d belong to the kernel. A row that sees none is 0, its log-sum-exp -inf. k and v are finite in every key
 * of a sequence: what a row does not see never changes it, but a kernel may weigh it with zero. */

typedef struct nsajit_dense_args {
  const void* q;
  const void* k; /* sliding: one per token; compressed: one per compressed token */
  const void* v;
  void* o;
  float* lse;      /* [b,s,g,j] natural log, -inf for an empty row; NULL: not written */
  void* workspace; /* as large as the launch plan says; NULL where it says 0 */
  long long q_b, q_s, q_g, q_h;
  long long k_b, k_g, k_s;
  long long v_b, v_g, v_s;
  long long o_b, o_s, o_g, o_h;
  long long lse_b, lse_s, lse_g, lse_h;
  long long B, S, S_kv, G; /* query row s sits at position S_kv - S + s */
  long long S_c;           /* keys in k and v of a sequence: S_kv for sliding, compressed tokens for compressed */
  float scale;             /* softmax scale, usually 1/sqrt(dk) */
  const int* cu_seqlens;   /* NULL: B sequences of S rows. Else [B+1]: sequences lie packed one behind the other, b has
                            * rows [cu_seqlens[b], cu_seqlens[b+1]) of q, o and lse; S = S_kv = the longest (or more),
                            * and every stride of b is 0 */
  const int* cu_keys;      /* with cu_seqlens: the same for the rows of k and v. Sliding: cu_seqlens itself */
} nsajit_dense_args;

#endif
