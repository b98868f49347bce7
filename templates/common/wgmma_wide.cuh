#pragma once
// Warpgroup matrix instructions as in wgmma.cuh, for more columns at once: D[64, kN] += A[64, 16] B[16, kN], both operands in
// shared memory with rows as M and N. A wide product reads A once for all of its columns.

#include "common/wgmma.cuh"

namespace nsajit {

#define NSAJIT_WIDE_R0 "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15"
#define NSAJIT_WIDE_R1 ",%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define NSAJIT_WIDE_R2 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47"
#define NSAJIT_WIDE_R3 ",%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define NSAJIT_WIDE_R4 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79"
#define NSAJIT_WIDE_R5 ",%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define NSAJIT_WIDE_R6 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111"
#define NSAJIT_WIDE_R7 ",%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
#define NSAJIT_WIDE_TILE(d, i) "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
#define NSAJIT_WIDE_OUT(d, i) \
  NSAJIT_WIDE_TILE(d, i), NSAJIT_WIDE_TILE(d, i + 1), NSAJIT_WIDE_TILE(d, i + 2), NSAJIT_WIDE_TILE(d, i + 3)
#define NSAJIT_WIDE_32 NSAJIT_WIDE_R0
#define NSAJIT_WIDE_64 NSAJIT_WIDE_R0 NSAJIT_WIDE_R1
#define NSAJIT_WIDE_96 NSAJIT_WIDE_64 NSAJIT_WIDE_R2
#define NSAJIT_WIDE_128 NSAJIT_WIDE_96 NSAJIT_WIDE_R3
#define NSAJIT_WIDE_192 NSAJIT_WIDE_128 NSAJIT_WIDE_R4 NSAJIT_WIDE_R5
#define NSAJIT_WIDE_256 NSAJIT_WIDE_192 NSAJIT_WIDE_R6 NSAJIT_WIDE_R7
#define NSAJIT_WIDE_OUT_32(d) NSAJIT_WIDE_OUT(d, 0)
#define NSAJIT_WIDE_OUT_64(d) NSAJIT_WIDE_OUT(d, 0), NSAJIT_WIDE_OUT(d, 4)
#define NSAJIT_WIDE_OUT_96(d) NSAJIT_WIDE_OUT_64(d), NSAJIT_WIDE_OUT(d, 8)
#define NSAJIT_WIDE_OUT_128(d) NSAJIT_WIDE_OUT_96(d), NSAJIT_WIDE_OUT(d, 12)
#define NSAJIT_WIDE_OUT_192(d) NSAJIT_WIDE_OUT_128(d), NSAJIT_WIDE_OUT(d, 16), NSAJIT_WIDE_OUT(d, 20)
#define NSAJIT_WIDE_OUT_256(d) NSAJIT_WIDE_OUT_192(d), NSAJIT_WIDE_OUT(d, 24), NSAJIT_WIDE_OUT(d, 28)

// a, b and the predicate are the operands behind the kN / 2 accumulators.
#define NSAJIT_WIDE_ASM(kind, n, a_operand, b_operand, p_operand)                                               \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, " p_operand ", 0; wgmma.mma_async.sync.aligned.m64n" #n          \
               "k16.f32." kind "." kind " {" NSAJIT_WIDE_##n "}, " a_operand ", " b_operand ", p, 1, 1, 0, 0; }" \
               : NSAJIT_WIDE_OUT_##n(d) : "l"(a), "l"(b), "r"(accumulate))

// d: kN / 8 tiles of 8 columns. kN: 32, 64, 96, 128, 192 or 256.
#define NSAJIT_DEFINE_WGMMA_WIDE(Element, kind)                                                                         \
  template <int kN>                                                                                                     \
  __device__ __forceinline__ void wgmma_wide(Element, float (*d)[4], unsigned long long a, unsigned long long b,        \
                                             int accumulate) {                                                          \
    static_assert(kN == 32 || kN == 64 || kN == 96 || kN == 128 || kN == 192 || kN == 256, "widths that are spelled out here");     \
    if constexpr (kN == 32) NSAJIT_WIDE_ASM(kind, 32, "%16", "%17", "%18");                                             \
    if constexpr (kN == 64) NSAJIT_WIDE_ASM(kind, 64, "%32", "%33", "%34");                                             \
    if constexpr (kN == 96) NSAJIT_WIDE_ASM(kind, 96, "%48", "%49", "%50");                                             \
    if constexpr (kN == 128) NSAJIT_WIDE_ASM(kind, 128, "%64", "%65", "%66");                                           \
    if constexpr (kN == 192) NSAJIT_WIDE_ASM(kind, 192, "%96", "%97", "%98");                                           \
    if constexpr (kN == 256) NSAJIT_WIDE_ASM(kind, 256, "%128", "%129", "%130");                                        \
  }
NSAJIT_DEFINE_WGMMA_WIDE(bf16, "bf16")
NSAJIT_DEFINE_WGMMA_WIDE(fp16, "f16")
#undef NSAJIT_DEFINE_WGMMA_WIDE
#undef NSAJIT_WIDE_ASM
#undef NSAJIT_WIDE_OUT_256
#undef NSAJIT_WIDE_OUT_192
#undef NSAJIT_WIDE_OUT_128
#undef NSAJIT_WIDE_OUT_96
#undef NSAJIT_WIDE_OUT_64
#undef NSAJIT_WIDE_OUT_32
#undef NSAJIT_WIDE_256
#undef NSAJIT_WIDE_192
#undef NSAJIT_WIDE_128
#undef NSAJIT_WIDE_96
#undef NSAJIT_WIDE_64
#undef NSAJIT_WIDE_32
#undef NSAJIT_WIDE_OUT
#undef NSAJIT_WIDE_TILE
#undef NSAJIT_WIDE_R7
#undef NSAJIT_WIDE_R6
#undef NSAJIT_WIDE_R5
#undef NSAJIT_WIDE_R4
#undef NSAJIT_WIDE_R3
#undef NSAJIT_WIDE_R2
#undef NSAJIT_WIDE_R1
#undef NSAJIT_WIDE_R0

}  // namespace nsajit
