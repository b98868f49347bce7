#ifndef NSAJIT_FORWARD_H
#define NSAJIT_FORWARD_H
/* The whole forward pass through the C interface: compressed, scoring, selection, sliding and gate as one call, with one
 * workspace. Part of nsajit.h, whose rules on threads, launches, memory and errors hold here too. */

#include "nsajit/nsajit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One query (S = 1) is one launch, the kernel of nsajit_decode, where there is one for the tuple and nobody wants the choice or a
 * branch of its own: docs/runtime.md. What follows is of the others.
 *
 * The queries are the last S of the S_kv raw tokens: k_sel's. What goes from one branch to the next (the log-sum-exp of the
 * compressed one to scoring, the choice of scoring to selection, the outputs to the gate) lies in the workspace, where
 * pieces that are not in use together share memory. */
typedef struct nsajit_forward_call {
  size_t struct_bytes;        /* sizeof(nsajit_forward_call) */
  nsajit_tensor q;            /* [B,S,G,h,dk], or [B,S,H,dk] */
  nsajit_tensor k_cmp, v_cmp; /* compressed tokens, [B,G,S_cmp,d]; with a 4-D q [B,S_cmp,G,d]. None yet: 0 of them */
  nsajit_tensor k_sel, v_sel; /* raw tokens of selection, [B,G,S_kv,d] or [B,S_kv,G,d] */
  nsajit_tensor k_win, v_win; /* raw tokens of sliding, as many */
  nsajit_tensor gates;        /* as nsajit_combine_call has them */
  nsajit_tensor o;            /* out, as q with dv; lies apart from all others */
  nsajit_tensor sel;          /* out: the choice, as nsajit_select_blocks writes it; ndim 0: ranges, in the workspace */
  nsajit_sparsity sparsity;
  float scale;                /* of the softmax; 0: 1/sqrt(dk) */
  int32_t overlap_percent;    /* a hint for selection, as nsajit_call has it */
  int32_t only_branch;        /* 0: all. 1, 2, 3: o is the compressed, selection or sliding output alone, only its kernels are
                               * launched, and only its tensors are read (k_sel always says what S_kv is). 0 under
                               * NSA_FORCE_BRANCH: the branch that it names */
  void* side_stream;          /* CUDA: a second stream, on which sliding runs beside the other branches; `stream` waits for it.
                               * NULL: all on `stream`. Also where sizes are asked for: what runs at once shares no memory */
  void* workspace;            /* 256-byte aligned, on the context's device; NULL where 0 bytes are needed */
  int64_t workspace_bytes;
  void* stream;
} nsajit_forward_call;

nsajit_status nsajit_forward(nsajit_context* context, const nsajit_forward_call* call);
/* Binds all kernels of the call, so that the call itself only launches. Pointers are not looked at. */
nsajit_status nsajit_forward_workspace_bytes(nsajit_context* context, const nsajit_forward_call* call, int64_t* bytes);

#ifdef __cplusplus
}
#endif

#endif
