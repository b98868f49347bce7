#ifndef NSAJIT_GATE_ARGS_H
#define NSAJIT_GATE_ARGS_H
/* The arguments of a kernel that combines the outputs of the three branches, the same bytes on the host, on the CPU backend
 * and on the GPU. Also compiled by NVRTC and clang for device code: no includes, fixed-size types only.
 *
 *   o[b,s,g,j,:] = sum over the branches of gate[b,s,g,j] * branch[b,s,g,j,:]      (summed in fp32)
 *
 * Everything is reached through strides in elements; the last dimension of the outputs is contiguous. Each branch has
 * strides of its own: grouped [B,S,G,h,dv] and flash [B,S,H,dv] outputs can be mixed. Gates are a tensor [B,S,G,h,3], three
 * of [B,S,G,h], or, with stride 0, one for all heads of a group. o may be the output of one branch, with its strides: then
 * the sum is formed in place; it overlaps nothing else. On CUDA the pointers and strides of branches and o are
 * multiples of 16 bytes; those of gates are not. */

typedef struct nsajit_gate_source {
  const void* o;    /* output of the branch; NULL: the branch is absent and contributes exactly 0, its gate is not read */
  const void* gate; /* factor of each head */
  long long o_b, o_s, o_g, o_h;
  long long gate_b, gate_s, gate_g, gate_h;
} nsajit_gate_source;

typedef struct nsajit_gate_args {
  nsajit_gate_source source[3]; /* compressed, selection, sliding */
  void* o;
  void* workspace; /* as large as the launch plan says; NULL where it says 0 */
  long long o_b, o_s, o_g, o_h;
  long long B, S, G;
  int forced;            /* -1: all branches. 0, 1, 2: o is the output of that branch, bit for bit, 0 where it is absent;
                          * nothing else is read */
  int fp32_gates;        /* 0: gates have the storage type of the outputs; 1: they are fp32 */
  const int* cu_seqlens; /* NULL: B sequences of S rows. Else packed sequences, as in dense_args.h */
} nsajit_gate_args;

#endif
