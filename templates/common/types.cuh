#pragma once
// Types: the storage types of tensors and the packing of two fp32 values into one 32-bit register.
// No CUDA toolkit headers: they would cost more compile time than the kernel.

namespace nsajit {

using uint32 = unsigned int;
using int64 = long long;

struct bf16 { unsigned short bits; };
struct fp16 { unsigned short bits; };
using fp32 = float;

// `low` lands in the lower half: the element with the lower index.
template <class Element>
__device__ __forceinline__ uint32 pack2(float low, float high);

template <>
__device__ __forceinline__ uint32 pack2<bf16>(float low, float high) {
  uint32 packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

template <>
__device__ __forceinline__ uint32 pack2<fp16>(float low, float high) {
  uint32 packed;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

// The inverse: .x is the element with the lower index.
template <class Element>
__device__ __forceinline__ float2 unpack2(uint32 packed);
template <>
__device__ __forceinline__ float2 unpack2<bf16>(uint32 packed) {
  return make_float2(__uint_as_float(packed << 16), __uint_as_float(packed & 0xffff0000u));
}
template <>
__device__ __forceinline__ float2 unpack2<fp16>(uint32 packed) {
  float2 value;
  asm("{ .reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h; }" : "=f"(value.x), "=f"(value.y) : "r"(packed));
  return value;
}

__device__ __forceinline__ float negative_infinity() { return __int_as_float(0xff800000); }

// 2^x on the special function unit; 2^-inf = 0.
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// log2 and 1 / x on the special function unit, within 2^-22 and 1 ulp; x is positive and not denormal.
__device__ __forceinline__ float log2_fast(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float reciprocal_fast(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__host__ __device__ constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
__host__ __device__ constexpr int larger(int a, int b) { return a > b ? a : b; }
__host__ __device__ constexpr int smaller(int a, int b) { return a < b ? a : b; }

}  // namespace nsajit
