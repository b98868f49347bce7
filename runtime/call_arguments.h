#pragma once
// Call arguments: what a caller describes by tensors -> the workload that it is, and the argument struct of its kernel.
// On the launch path: allocates and formats only to say what is wrong. Pure; safe to call from any thread.

#include "nsajit/decode_args.h"
#include "nsajit/dense_args.h"
#include "nsajit/gate_args.h"
#include "nsajit/nsajit.h"
#include "nsajit/pooling_args.h"
#include "nsajit/scoring_args.h"
#include "nsajit/selection_args.h"
#include "nsajit/workload.h"
#include "runtime/tensor_check.h"

namespace nsajit::runtime {

template <class Args>
struct PreparedCall {
  Workload workload;
  Args args{};            // without a workspace
  bool is_empty = false;  // no rows: nothing to bind or to launch
};

// What tensors say of a tuple and its sizes.
struct CallSizes {
  Branch branch;
  DType dtype;
  Layout layout;
  std::int64_t B = 1, S = 1, S_kv = 1, G = 1, group = 1, dk = 1, dv = 1;
};
// With what the caller says of the sparsity; n is n_sel.
Workload make_workload(const CallSizes& sizes, const nsajit_sparsity& sparsity);

// Throw Error{InvalidArgument} that names the function, the tensor, the dimension, what it is and what it has to be.
PreparedCall<nsajit_selection_args> prepare_selection(const nsajit_call& call, const Target& target, CallUse use);
PreparedCall<nsajit_dense_args> prepare_sliding(const nsajit_call& call, const Target& target, CallUse use);
PreparedCall<nsajit_dense_args> prepare_compressed(const nsajit_call& call, const Target& target, CallUse use);
PreparedCall<nsajit_scoring_args> prepare_select_blocks(const nsajit_call& call, const Target& target, CallUse use);
PreparedCall<nsajit_gate_args> prepare_combine(const nsajit_combine_call& call, const Target& target, CallUse use);
PreparedCall<nsajit_pooling_args> prepare_compress(const nsajit_compress_call& call, const Target& target, CallUse use);
PreparedCall<nsajit_decode_args> prepare_decode(const nsajit_decode_call& call, const Target& target, CallUse use);

}  // namespace nsajit::runtime
