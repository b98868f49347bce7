#ifndef NSAJIT_SELECTION_ARGS_H
#define NSAJIT_SELECTION_ARGS_H
/* The arguments of a selection kernel, the same bytes on the host, on the CPU backend and on the GPU.
 * Also compiled by NVRTC and clang for device code: no includes, fixed-size types only.
 *
 * q[b,s,g,j,:] k[b,g,i,:] v[b,g,i,:] o[b,s,g,j,:] are reached through strides in elements; the last
 * dimension is contiguous. j is the query head inside its group. Any layout with a contiguous head
 * dimension fits: grouped [B,S,G,h,d] and [B,S,H,d] alike. On CUDA every stride but lse's and sel's is a
 * multiple of 16 bytes, and so is every pointer. k and v are finite in every token of a sequence: what a row
 * did not select never changes it, but a kernel may weigh it with zero. */

typedef struct nsajit_selection_args {
  const void* q;
  const void* k;
  const void* v;
  void* o;
  float* lse;        /* [b,s,g,j] natural log, -inf for an empty row; NULL: not written */
  const int* sel;    /* ranges[b,s,g,n,2], or block_indices[b,s,g,n]; at most n_sel * l_sel tokens a row */
  void* workspace;   /* as large as the launch plan says; NULL where it says 0 */
  long long q_b, q_s, q_g, q_h;
  long long k_b, k_g, k_s;
  long long v_b, v_g, v_s;
  long long o_b, o_s, o_g, o_h;
  long long lse_b, lse_s, lse_g, lse_h;
  long long sel_b, sel_s, sel_g; /* in ints; entries of a row are contiguous */
  long long B, S, S_kv, G;       /* query row s sits at position S_kv - S + s */
  int n;                         /* entries per row */
  float scale;                   /* softmax scale, usually 1/sqrt(dk) */
  const int* cu_seqlens;         /* NULL: B sequences of S rows. Else [B+1]: sequences lie packed one behind the other, b has
                                  * rows and keys [cu_seqlens[b], cu_seqlens[b+1]) of every tensor; S = S_kv = the longest
                                  * (or more), and every stride of b is 0 */
} nsajit_selection_args;

#endif
