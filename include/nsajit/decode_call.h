#ifndef NSAJIT_DECODE_CALL_H
#define NSAJIT_DECODE_CALL_H
/* Part of nsajit.h, which includes it: a whole decode step in one launch: compressed attention, choice of blocks, selection,
 * sliding window, gates. One new position per sequence, whose keys and values the caches hold already; what they hold behind a
 * sequence's length is never read. */

typedef struct nsajit_decode_call {
  size_t struct_bytes;
  nsajit_tensor q;            /* [B,1,G,h,dk], or [B,1,H,dk] */
  nsajit_tensor k_cmp, v_cmp; /* [B,G,compressed tokens,d]; with a 4-D q: [B,compressed tokens,G,d] */
  nsajit_tensor k_sel, v_sel; /* [B,G,tokens,d] or [B,tokens,G,d] */
  nsajit_tensor k_win, v_win; /* as k_sel and v_sel; may be the same */
  nsajit_tensor gates;        /* [B,1,G,h,3] or [B,1,H,3]: compressed, selection, sliding; the dtype of q, or fp32 */
  nsajit_tensor o;            /* out: as q, with dv */
  nsajit_tensor lengths;      /* int32 [B]: tokens of each sequence, the new one included, 0 to S_kv. ndim 0: S_kv of each */
  nsajit_tensor block_table;  /* int32 [B,pages]; ndim 0: none. Else caches are [all pages,G,page,d] or [all pages,page,G,d],
                               * page a multiple of l_sel (page/d rows in k_cmp and v_cmp); token i of sequence b lies in page
                               * block_table[b, i / page], the compressed token that begins with it likewise */
  nsajit_tensor blocks;       /* out, int32 [B,1,G,n_sel]: those chosen, ascending, then -1. ndim 0: not wanted */
  nsajit_sparsity sparsity;
  int32_t only_branch; /* 0: all. 1, 2, 3: o is the compressed, selection or sliding output alone; as nsajit_combine_call */
  int64_t S_kv;        /* tokens of each sequence, with lengths of the longest or more; 0: as many as the caches hold. Kernels are
                        * tuned for it: with lengths give what does not change from step to step */
  float scale;         /* of the softmax; 0: 1/sqrt(dk) */
  int32_t reserved;    /* 0 */
  void* workspace;
  int64_t workspace_bytes;
  void* stream;
} nsajit_decode_call;
nsajit_status nsajit_decode(nsajit_context* context, const nsajit_decode_call* call);
nsajit_status nsajit_decode_workspace_bytes(nsajit_context* context, const nsajit_decode_call* call, int64_t* bytes);
nsajit_status nsajit_decode_kernel(nsajit_context* context, const nsajit_decode_call* call, nsajit_kernel** kernel);

#endif
