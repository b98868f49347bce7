#ifndef NSAJIT_SCORING_ARGS_H
#define NSAJIT_SCORING_ARGS_H
/* The arguments of a kernel that scores selection blocks and chooses the best n of each row, the same bytes on the host, on
 * the CPU backend and on the GPU. Also compiled by NVRTC and clang for device code: no includes, fixed-size types only.
 *
 * q[b,s,g,j,:] k[b,g,i,:] are reached through strides in elements; the last dimension is contiguous. k holds the compressed
 * keys, of which the row at position t sees min(num_cmp(t), S_c), num_cmp(t) = t+1 < l ? 0 : (t+1-l)/d + 1.
 * Chosen are block 0, the block of t and the one before it, then the best among the blocks before these, ties to the lower
 * index; at most n. l, d and l_sel belong to the kernel. */

typedef struct nsajit_scoring_args {
  const void* q;
  const void* k;
  const float* lse; /* NULL, or the log-sum-exp of the compressed branch on the same q and k: a kernel may use it
                     * instead of its own */
  int* sel;         /* out: block_indices[b,s,g,n], ascending, then -1; or ranges[b,s,g,n,2], ascending, neighbours merged,
                     * the last one ending at t+1 at most, then (0,0) */
  void* workspace;  /* as large as the launch plan says; NULL where it says 0 */
  long long q_b, q_s, q_g, q_h;
  long long k_b, k_g, k_s;
  long long lse_b, lse_s, lse_g, lse_h;
  long long sel_b, sel_s, sel_g; /* in ints; entries of a row are contiguous */
  long long B, S, S_kv, G;       /* query row s sits at position S_kv - S + s */
  long long S_c;                 /* compressed tokens of a sequence */
  int n;                         /* entries per row; more than there are blocks is allowed */
  float scale;                   /* softmax scale, usually 1/sqrt(dk) */
  const int* cu_seqlens;         /* NULL, or packed sequences, and */
  const int* cu_keys;            /* the same for k: both as in dense_args.h */
} nsajit_scoring_args;

#endif
