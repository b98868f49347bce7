#pragma once
// Spread tuples: combinations of dtype, input, layout, group and sizes that kernels are tested on, chosen so that each value
// appears a few times beside different others.

namespace nsajit::templates_test {

inline constexpr const char* kSpreadTuples[] = {
    "bf16,dk=128,dv=128,group=16,l_sel=64,n_sel=16,grouped,ranges", "bf16,dk=192,dv=128,group=16,l_sel=64,n_sel=4,flash,blocks",
    "bf16,dk=64,dv=64,group=6,l_sel=64,n_sel=16,grouped,blocks",    "bf16,dk=64,dv=64,group=1,l_sel=32,n_sel=7,flash,ranges",
    "bf16,dk=32,dv=96,group=3,l_sel=48,n_sel=5,grouped,blocks",     "bf16,dk=256,dv=256,group=24,l_sel=16,n_sel=8,flash,ranges",
    "bf16,dk=96,dv=160,group=12,l_sel=128,n_sel=3,flash,blocks",    "bf16,dk=160,dv=32,group=64,l_sel=32,n_sel=6,grouped,ranges",
    "bf16,dk=128,dv=128,group=4,l_sel=64,n_sel=33,flash,blocks",    "fp16,dk=128,dv=128,group=1,l_sel=64,n_sel=1,grouped,blocks",
    "fp16,dk=96,dv=96,group=5,l_sel=16,n_sel=32,grouped,ranges",    "fp16,dk=256,dv=64,group=16,l_sel=48,n_sel=2,flash,ranges",
    "fp16,dk=64,dv=192,group=12,l_sel=32,n_sel=12,flash,blocks",    "fp16,dk=160,dv=160,group=3,l_sel=128,n_sel=9,grouped,ranges",
    "fp16,dk=32,dv=32,group=24,l_sel=64,n_sel=16,flash,ranges",     "fp16,dk=192,dv=256,group=6,l_sel=64,n_sel=3,grouped,blocks",
    "fp32,dk=128,dv=128,group=16,l_sel=64,n_sel=4,grouped,ranges",  "fp32,dk=64,dv=96,group=1,l_sel=32,n_sel=7,flash,blocks",
    "fp32,dk=256,dv=32,group=5,l_sel=48,n_sel=3,flash,ranges",      "fp32,dk=32,dv=256,group=12,l_sel=16,n_sel=33,grouped,blocks",
    "fp32,dk=192,dv=160,group=64,l_sel=128,n_sel=2,grouped,blocks", "bf16,dk=64,dv=64,group=4,l_sel=64,n_sel=16,varlen,ranges",
    "fp16,dk=192,dv=128,group=16,l_sel=32,n_sel=5,varlen,blocks",   "fp32,dk=64,dv=32,group=2,l_sel=64,n_sel=3,varlen,ranges",
};

// Both input forms; groups that fill a matrix tile, part of one, and several.
inline constexpr const char* kTrapTuples[] = {
    "bf16,dk=64,dv=64,group=6,l_sel=64,n_sel=8,grouped,blocks",  "bf16,dk=192,dv=128,group=16,l_sel=64,n_sel=4,grouped,ranges",
    "fp16,dk=64,dv=96,group=1,l_sel=32,n_sel=9,flash,ranges",    "fp16,dk=128,dv=64,group=24,l_sel=16,n_sel=33,flash,blocks",
    "bf16,dk=128,dv=128,group=3,l_sel=128,n_sel=5,flash,ranges", "fp32,dk=64,dv=64,group=6,l_sel=64,n_sel=8,grouped,ranges",
    "fp32,dk=96,dv=48,group=16,l_sel=16,n_sel=5,flash,blocks",
};

// sweeps/users.toml
inline constexpr const char* kUserTuples[] = {
    "bf16,dk=32,dv=32,group=4",
    "bf16,dk=64,dv=64,group=6",
    "bf16,dk=64,dv=64,group=1,l=16",
    "bf16,dk=128,dv=128,group=4",
    "bf16,dk=128,dv=128,group=16",
    "bf16,dk=192,dv=128,group=16",
    "bf16,dk=128,dv=128,group=16,l_sel=128,n_sel=8",
};

}  // namespace nsajit::templates_test
