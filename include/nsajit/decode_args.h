#ifndef NSAJIT_DECODE_ARGS_H
#define NSAJIT_DECODE_ARGS_H
/* The arguments of a kernel that does a whole decode step, the same bytes on the host, on the CPU backend and on the GPU.
 * Also compiled by NVRTC and clang for device code: no includes, fixed-size types only.
 *
 * One new position per sequence, t = length - 1, whose keys and values the caches hold already:
 *   o[b,g,j,:] = gate[0] * compressed + gate[1] * selection + gate[2] * sliding        (of (b, g, j), summed in fp32)
 * compressed attends to tokens 0 .. num_cmp(t)-1 of cmp, num_cmp(t) = t+1 < l ? 0 : (t+1-l)/d + 1; its probabilities choose
 * the blocks of scoring_args.h; selection attends to their tokens up to t in sel; sliding to max(0, t-w+1) .. t of win.
 * l, d, l_sel and w belong to the kernel. A branch that sees nothing is 0; a sequence of length 0 has o = 0 and no blocks.
 *
 * Strides are in elements; the last dimension is contiguous. q, o and gates are [B,1,G,h,..] or [B,1,H,..] alike. Caches are
 * [B,G,tokens,size] or [B,tokens,G,size], or lie in pages. On CUDA every pointer and stride but those of gates, lengths,
 * block_table and blocks is a multiple of 16 bytes. What lies in a cache behind a sequence's length is never read. */

/* Keys and values of one branch. sel and win may be the same. */
typedef struct nsajit_decode_cache {
  const void* k;
  const void* v;
  long long k_b, k_g, k_s; /* with a block_table: k_b is from page to page */
  long long v_b, v_g, v_s;
} nsajit_decode_cache;

typedef struct nsajit_decode_args {
  const void* q;
  nsajit_decode_cache cmp, sel, win; /* cmp: a row per compressed token */
  const void* gate[3];               /* compressed, selection, sliding */
  void* o;
  int* blocks;     /* NULL, or out: blocks[b,g,n], the chosen ones ascending, then -1; not written where forced is 2 */
  void* workspace; /* as large as the launch plan says; NULL where it says 0 */
  long long q_b, q_g, q_h;
  long long o_b, o_g, o_h;
  long long gate_b, gate_g, gate_h; /* of all three */
  long long blocks_b, blocks_g;     /* in ints; entries are contiguous */
  long long B, G;
  long long S_kv;         /* tokens of each sequence; with lengths: of the longest, or more */
  const int* lengths;     /* NULL, or [B]: tokens of each sequence, the new one included, 0 .. S_kv */
  const int* block_table; /* NULL, or [B, pages]: token i of sequence b lies in page block_table[b * table_b + i / page], at
                           * i % page; compressed token i at i % (page / d) of page block_table[b * table_b + i / (page / d)].
                           * The same pages for all three caches; those behind the length are not looked up */
  long long table_b;
  int page;       /* tokens of a page, a multiple of l_sel */
  int n;          /* blocks chosen of a row, n_sel of the kernel at most; more than there are is allowed */
  int forced;     /* -1: all branches. 0, 1, 2: the gates are 1 for that branch and 0 for the others, and are not read */
  int fp32_gates; /* 0: gates have the storage type of q; 1: they are fp32 */
  float scale;    /* softmax scale of all branches, usually 1/sqrt(dk) */
} nsajit_decode_args;

#endif
