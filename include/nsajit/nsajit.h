#ifndef NSAJIT_NSAJIT_H
#define NSAJIT_NSAJIT_H
/* The C interface of nsajit: serves the tuned kernels of a machine to any language. Link libnsajit.so, include this header.
 *
 * Two levels over one context. High: describe tensors by pointer, shape and strides and call nsajit_selection_forward,
 * nsajit_sliding_forward, nsajit_compressed_forward, nsajit_select_blocks, nsajit_combine, nsajit_compress, nsajit_decode
 * (decode_call.h), or nsajit_forward (forward.h) for a whole pass. Low: nsajit_bind a tuple with sizes and launch the kernel
 * with an argument struct of your own (selection_args.h, dense_args.h, ...).
 *
 * Threads: every function may be called from any thread at any time, on one context or several; only nsajit_context_destroy
 * and nsajit_kernel_release want the object for themselves. On the CPU launches of one context take turns.
 * Launches: the first call of a workload binds it (reads the cache, maybe compiles: milliseconds to a second). Later ones
 * take no lock, allocate nothing, read no environment, never synchronise and may be captured in a CUDA graph. CUDA kernels run
 * on the stream that is given, in the primary context of the context's GPU (torch and the CUDA runtime use the same).
 * Memory is the caller's: a workspace is asked for (..._workspace_bytes), never made. Nothing is kept of a call's pointers.
 * Errors: each function returns a status; nsajit_last_error() says in words what was attempted, on what, why it failed and what
 * to do. Structs begin with their own size, so that a later version can add fields at their end. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NSAJIT_ABI_VERSION 1

typedef enum nsajit_status {
  NSAJIT_OK = 0,
  NSAJIT_INVALID_ARGUMENT = 1, /* the call asks for something that cannot be */
  NSAJIT_NOT_FOUND = 2,        /* a file, library or device is not there */
  NSAJIT_UNSUPPORTED = 3,      /* this build, driver or GPU cannot do it */
  NSAJIT_IO = 4,
  NSAJIT_CACHE = 5,
  NSAJIT_COMPILE = 6,
  NSAJIT_DRIVER = 7,
  NSAJIT_FROZEN_MISS = 8,      /* frozen, and the kernel is not in the cache */
  NSAJIT_OUT_OF_MEMORY = 9,    /* of the host */
  NSAJIT_INTERNAL = 10         /* our mistake */
} nsajit_status;

typedef enum nsajit_dtype { NSAJIT_BF16 = 0, NSAJIT_FP16 = 1, NSAJIT_FP32 = 2, NSAJIT_INT32 = 3 } nsajit_dtype;

typedef struct nsajit_context nsajit_context; /* a device, its compiler and its cache */
typedef struct nsajit_kernel nsajit_kernel;   /* a kernel bound to a tuple and sizes */

int nsajit_abi_version(void);        /* of the library; NSAJIT_ABI_VERSION is that of the header */
const char* nsajit_version(void);    /* "0.1.0" */
const char* nsajit_last_error(void); /* of this thread's last failed call; valid until the next one fails */

#define NSAJIT_READ_ONLY 1u /* leave the cache file as it is: what is compiled is not kept */
#define NSAJIT_FROZEN 2u    /* never compile: a kernel that is not in the cache is NSAJIT_FROZEN_MISS. Implies read-only */

typedef struct nsajit_context_options {
  size_t struct_bytes;    /* sizeof(nsajit_context_options) */
  const char* device;     /* "cpu", "cuda:0", ...; NULL or "auto": the first GPU, else the CPU */
  const char* cache_path; /* NULL: NSAJIT_CACHE, else the user's (docs/cli.md) */
  uint32_t flags;
} nsajit_context_options;

/* Reads the environment variables of docs/cli.md, once. `options` may be NULL. */
nsajit_status nsajit_context_create(const nsajit_context_options* options, nsajit_context** context);
/* NULL is fine. Kernels bound on it stay usable until they are released. */
nsajit_status nsajit_context_destroy(nsajit_context* context);
/* The device as text, "cuda;name=NVIDIA H200;...", for as long as the context lives. */
nsajit_status nsajit_context_device(const nsajit_context* context, const char** text);
/* Looks whether the cache file was written to since (microseconds where it was not), and from then on serves what is better.
 * `changed`, where not NULL: how many workloads in use have another kernel than before. Bound kernels stay as they are. */
nsajit_status nsajit_refresh(nsajit_context* context, int64_t* changed);

/* ---- By tensors ---- */

typedef struct nsajit_tensor {
  void* data;     /* on the context's device */
  int32_t dtype;  /* nsajit_dtype */
  int32_t ndim;   /* 1 to 5; 0: a tensor that a call does without */
  int64_t shape[5];
  int64_t strides[5]; /* in elements; the last dimension is contiguous. CUDA: multiples of 16 bytes, as pointers are */
} nsajit_tensor;

/* The constants of the model's sparse attention. All of them are part of the tuple that kernels are tuned for, whichever
 * branch is called: give what the model has, as for `nsajit tune`. */
typedef struct nsajit_sparsity {
  int32_t l, d;         /* compression block length and stride */
  int32_t l_sel, n_sel; /* selection block length, blocks of a row at most */
  int32_t w;            /* sliding window; counts the query's own position */
} nsajit_sparsity;
#define NSAJIT_SPARSITY_DEFAULT {32, 16, 64, 16, 512}

/* One struct for the four functions of attention; each reads what it needs, the rest may be zero.
 *
 *                selection   sliding   compressed   select_blocks
 *   q            in          in        in           in              [B,S,G,h,dk], or [B,S,H,dk]
 *   k            raw tokens  raw       compressed   compressed      [B,G,S_kv,dk]; with a 4-D q: [B,S_kv,G,dk]
 *   v            raw         raw       compressed   -               as k, with dv
 *   o            out         out       out          -               as q, with dv
 *   lse          out, opt.   out, opt. out, opt.    in, opt.        float32 [B,S,G,h] or [B,S,H]; data NULL: none
 *   sel          in          -         -            out             int32 ranges [B,S,G,n,2] or blocks [B,S,G,n]
 *   S_kv         -           -         raw tokens   raw tokens      0: S, which is right for a prefill
 *   dv           -           -         -            of the tuple    0: dk
 *
 * q, k, v and o have one dtype. The queries are the last S of the S_kv positions: a decode step is S = 1. Nothing is done
 * where q has no elements. */
typedef struct nsajit_call {
  size_t struct_bytes; /* sizeof(nsajit_call) */
  nsajit_tensor q, k, v, o, lse, sel;
  nsajit_sparsity sparsity;
  int32_t dv;
  int64_t S_kv;
  float scale;             /* of the softmax; 0: 1/sqrt(dk) */
  int32_t overlap_percent; /* a hint for selection: how many blocks neighbouring rows have in common */
  void* workspace;         /* 256-byte aligned, on the context's device; NULL where 0 bytes are needed */
  int64_t workspace_bytes;
  void* stream;            /* CUstream or cudaStream_t; NULL: the default stream. CPU: ignored, done on return */
} nsajit_call;

nsajit_status nsajit_selection_forward(nsajit_context* context, const nsajit_call* call);
nsajit_status nsajit_sliding_forward(nsajit_context* context, const nsajit_call* call);
nsajit_status nsajit_compressed_forward(nsajit_context* context, const nsajit_call* call);
nsajit_status nsajit_select_blocks(nsajit_context* context, const nsajit_call* call);
/* What the same call needs. Pointers, workspace and stream are not looked at. Binds the workload, so that the call itself
 * only launches. */
nsajit_status nsajit_selection_workspace_bytes(nsajit_context* context, const nsajit_call* call, int64_t* bytes);
nsajit_status nsajit_sliding_workspace_bytes(nsajit_context* context, const nsajit_call* call, int64_t* bytes);
nsajit_status nsajit_compressed_workspace_bytes(nsajit_context* context, const nsajit_call* call, int64_t* bytes);
nsajit_status nsajit_select_blocks_workspace_bytes(nsajit_context* context, const nsajit_call* call, int64_t* bytes);
/* The kernel that serves the call, to ask it for its facts or to launch it with argument structs. */
nsajit_status nsajit_selection_kernel(nsajit_context* context, const nsajit_call* call, nsajit_kernel** kernel);
nsajit_status nsajit_sliding_kernel(nsajit_context* context, const nsajit_call* call, nsajit_kernel** kernel);
nsajit_status nsajit_compressed_kernel(nsajit_context* context, const nsajit_call* call, nsajit_kernel** kernel);
nsajit_status nsajit_select_blocks_kernel(nsajit_context* context, const nsajit_call* call, nsajit_kernel** kernel);

/* o = gate_cmp * o_cmp + gate_sel * o_sel + gate_win * o_win, summed in fp32. */
typedef struct nsajit_combine_call {
  size_t struct_bytes;
  nsajit_tensor o_cmp, o_sel, o_win; /* [B,S,G,h,dv] or [B,S,H,dv], of one dtype; data NULL: absent */
  nsajit_tensor gates;               /* [B,S,G,h,3] or [B,S,H,3] in this order; the dtype of the outputs, or fp32 */
  nsajit_tensor o;                   /* out */
  nsajit_sparsity sparsity;
  int32_t dk;          /* of the tuple; 0: dv */
  int32_t groups;      /* KV heads; for 4-D outputs */
  int32_t only_branch; /* 0: all. 1, 2, 3: o is the compressed, selection or sliding output alone, bit for bit.
                        * 0 under NSA_FORCE_BRANCH: the branch that it names (docs/routing.md) */
  int64_t S_kv;        /* raw tokens; 0: S */
  void* workspace;
  int64_t workspace_bytes;
  void* stream;
} nsajit_combine_call;
nsajit_status nsajit_combine(nsajit_context* context, const nsajit_combine_call* call);
nsajit_status nsajit_combine_workspace_bytes(nsajit_context* context, const nsajit_combine_call* call, int64_t* bytes);
nsajit_status nsajit_combine_kernel(nsajit_context* context, const nsajit_combine_call* call, nsajit_kernel** kernel);

/* Compressed keys and values by mean pooling: token i is the mean of the raw tokens i*d .. i*d+l-1. */
typedef struct nsajit_compress_call {
  size_t struct_bytes;
  nsajit_tensor k, v;         /* [B,G,S_kv,dk] and dv, or [B,S_kv,G,..]; v.ndim 0: k alone */
  nsajit_tensor k_cmp, v_cmp; /* out: tokens first, first+1, ..; as many as there are rows */
  nsajit_sparsity sparsity;
  int32_t group; /* query heads per KV head, of the tuple; 0: 1 */
  int32_t flash; /* 1: tokens stand before groups */
  int64_t first; /* 0 in a prefill; in a decode step the token that the new positions complete */
  void* workspace;
  int64_t workspace_bytes;
  void* stream;
} nsajit_compress_call;
nsajit_status nsajit_compress(nsajit_context* context, const nsajit_compress_call* call);
nsajit_status nsajit_compress_workspace_bytes(nsajit_context* context, const nsajit_compress_call* call, int64_t* bytes);
nsajit_status nsajit_compress_kernel(nsajit_context* context, const nsajit_compress_call* call, nsajit_kernel** kernel);

#include "nsajit/decode_call.h"

/* ---- By tuple and sizes ---- */

/* `workload`: "selection,forward,bf16,dk=128,dv=128,group=16;B=1,S=8192,S_kv=8192,G=4,n=16": a tuple and sizes as
 * `nsajit lookup` prints them; what is left out has its default. Packed sequences are layout varlen. */
nsajit_status nsajit_bind(nsajit_context* context, const char* workload, nsajit_kernel** kernel);
/* `args`: the argument struct of the branch. Its tensors have the sizes that were bound; its workspace is the caller's. */
nsajit_status nsajit_kernel_launch(const nsajit_kernel* kernel, const void* args, size_t args_bytes, void* stream);
nsajit_status nsajit_kernel_release(nsajit_kernel* kernel); /* NULL is fine; what was launched must be done */

typedef struct nsajit_kernel_facts { /* text lives as long as the kernel */
  size_t struct_bytes;               /* in: sizeof(nsajit_kernel_facts) */
  const char* workload;              /* tuple and sizes */
  const char* config;                /* "query_major{stages=3,warps=4}" */
  const char* grade;                 /* "exact", "nearest" or "fallback" */
  const char* reason;                /* one sentence */
  double time_ms, baseline_ms;       /* as measured when tuned; 0: not measured. baseline: packed SDPA */
  int64_t workspace_bytes;
  int64_t threshold;                 /* stored for host apps: from it the winner wins by the margin; -1: never, or not known */
} nsajit_kernel_facts;
nsajit_status nsajit_kernel_info(const nsajit_kernel* kernel, nsajit_kernel_facts* facts);

#ifdef __cplusplus
}
#endif

#include "nsajit/forward.h" /* the whole forward pass as one call */

#endif
