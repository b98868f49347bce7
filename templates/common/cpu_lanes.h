#pragma once
// Lanes: vectors of fp32 with the loads, stores, folds and the exponential that the CPU kernels are written
// in. Freestanding; the bitcode is target-neutral, the JIT legalises the vectors for the host.

// Every function below is inlined, so no vector ever crosses a call: its calling convention does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

namespace nsajit::cpu {

template <class Integer, Integer... I>
struct Indices {};

// Storage types, numbered as codegen's field `element`.
enum Element : int { kBf16 = 0, kFp16 = 1, kFp32 = 2 };

#define NSAJIT_INLINE static inline __attribute__((always_inline))

template <int W>
struct Lanes {
  typedef float Vec __attribute__((vector_size(4 * W)));
  typedef int Ints __attribute__((vector_size(4 * W)));
  typedef unsigned Words __attribute__((vector_size(4 * W)));
  typedef unsigned short Shorts __attribute__((vector_size(2 * W)));
  typedef _Float16 Halves __attribute__((vector_size(2 * W)));
  using All = __make_integer_seq<Indices, int, W>;

  NSAJIT_INLINE Vec splat(float x) { return x - Vec{}; }

  template <class T>
  NSAJIT_INLINE T read(const void* from) {
    T value;
    __builtin_memcpy(&value, from, sizeof(T));
    return value;
  }
  NSAJIT_INLINE Vec load(const float* from) { return read<Vec>(from); }
  NSAJIT_INLINE void store(float* to, Vec x) { __builtin_memcpy(to, &x, sizeof(Vec)); }

  // W elements of the storage type, starting at element `index`.
  NSAJIT_INLINE Vec load_element(const void* base, long long index, int element) {
    if (element == kFp32) return load(static_cast<const float*>(base) + index);
    if (element == kFp16) return __builtin_convertvector(read<Halves>(static_cast<const _Float16*>(base) + index), Vec);
    const Shorts bits = read<Shorts>(static_cast<const unsigned short*>(base) + index);
    return (Vec)(__builtin_convertvector(bits, Words) << 16);
  }

  NSAJIT_INLINE void store_element(void* base, long long index, Vec x, int element) {
    if (element == kFp32) return store(static_cast<float*>(base) + index, x);
    if (element == kFp16) {
      const Halves halves = __builtin_convertvector(x, Halves);
      __builtin_memcpy(static_cast<_Float16*>(base) + index, &halves, sizeof(halves));
      return;
    }
    const Words bits = (Words)x;
    const Words rounded = (bits + (0x7fffu + ((bits >> 16) & 1u))) >> 16;  // to nearest, ties to even
    const Words quiet_nan = Words{} + 0x7fc0u;
    const Shorts shorts = __builtin_convertvector((x != x) ? quiet_nan : rounded, Shorts);
    __builtin_memcpy(static_cast<unsigned short*>(base) + index, &shorts, sizeof(shorts));
  }

  NSAJIT_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }

  // P consecutive floats, repeated over the vector: a broadcasting load of 4 P bytes.
  template <int P>
  NSAJIT_INLINE Vec repeat(const float* from) {
    if constexpr (P >= W) {
      return load(from);
    } else if constexpr (P == 1) {
      return splat(*from);
    } else {
      typedef float Part __attribute__((vector_size(4 * P)));
      return repeat_part<P>(read<Part>(from), All{});
    }
  }
  template <int P, class Part, int... I>
  NSAJIT_INLINE Vec repeat_part(Part part, Indices<int, I...>) {
    return __builtin_shufflevector(part, part, (I % P)...);
  }
  NSAJIT_INLINE Vec repeat(const float* from, int phases) {
    switch (phases) {
      case 1: return repeat<1>(from);
      case 2: return repeat<2>(from);
      case 4: return repeat<4>(from);
      case 8: return repeat<8>(from);
      default: return load(from);
    }
  }

  // Adds the lanes that differ in bit S: of `a` where the bit is clear in the result, of `b` where it is set.
  template <int S, int... I>
  NSAJIT_INLINE Vec fold(Vec a, Vec b, Indices<int, I...>) {
    return __builtin_shufflevector(a, b, ((I & S) ? W + I : I)...) +
           __builtin_shufflevector(a, b, ((I & S) ? W + I - S : (I + S) % W)...);
  }
  template <int S>
  NSAJIT_INLINE void fold_level(Vec* x, int phases) {
    if (phases <= S || S >= W) return;
#pragma clang loop unroll(full)
    for (int i = 0; i < S; ++i) x[i] = fold<S>(x[i], x[i + S], All{});
  }
  // Sums each of `phases` vectors over its groups of `phases` neighbouring lanes. Lane j * phases + p of x[0]
  // becomes group j of the former x[p].
  NSAJIT_INLINE void fold_phases(Vec* x, int phases) {
    fold_level<8>(x, phases);
    fold_level<4>(x, phases);
    fold_level<2>(x, phases);
    fold_level<1>(x, phases);
  }

  template <int S, int... I>
  NSAJIT_INLINE Vec swap(Vec x, Indices<int, I...>) {
    return __builtin_shufflevector(x, x, ((I ^ S) % W)...);
  }
  template <int S, class Combine>
  NSAJIT_INLINE Vec combine_level(Vec x, int phases, Combine combine) {
    return phases > S && S < W ? combine(x, swap<S>(x, All{})) : x;
  }
  // Every lane gets the combination of its group of `phases` neighbours.
  template <class Combine>
  NSAJIT_INLINE Vec combine_phases(Vec x, int phases, Combine combine) {
    x = combine_level<8>(x, phases, combine);
    x = combine_level<4>(x, phases, combine);
    x = combine_level<2>(x, phases, combine);
    return combine_level<1>(x, phases, combine);
  }

  template <int... I>
  NSAJIT_INLINE Ints lane_numbers(Indices<int, I...>) {
    return Ints{I...};
  }

  // exp(x) for x <= 0, relative error below 1e-7; 0 below -87 and for -inf. Two-step reduction by ln 2, then
  // the Taylor polynomial of degree 7 on [-ln2/2, ln2/2] (remainder 5e-9).
  NSAJIT_INLINE Vec exp(Vec x) {
    constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
    const Vec shifted = x * 1.44269504f + shifter;
    const Vec whole = shifted - shifter;
    const Vec r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
    Vec y = r * 1.98412698e-4f + 1.38888889e-3f;
    y = y * r + 8.33333333e-3f;
    y = y * r + 4.16666667e-2f;
    y = y * r + 1.66666667e-1f;
    y = y * r + 0.5f;
    y = y * (r * r) + r + 1.0f;
    const Vec power = (Vec)(((Words)shifted + 127u) << 23);
    return x < -87.0f ? Vec{} : y * power;
  }
};

// Natural logarithm of a positive normal number, in double: once per head and row, so clarity wins over speed.
NSAJIT_INLINE float log_positive(float x) {
  unsigned bits;
  __builtin_memcpy(&bits, &x, 4);
  int exponent = static_cast<int>(bits >> 23) - 127;
  bits = (bits & 0x7fffffu) | 0x3f800000u;
  float fraction;
  __builtin_memcpy(&fraction, &bits, 4);
  double m = fraction;
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double z = (m - 1.0) / (m + 1.0), z2 = z * z;  // |z| <= 0.172: z^13 / 13 is below 1e-11
  const double series = 1.0 + z2 * (1.0 / 3 + z2 * (1.0 / 5 + z2 * (1.0 / 7 + z2 * (1.0 / 9 + z2 * (1.0 / 11)))));
  return static_cast<float>(2.0 * z * series + exponent * 0.6931471805599453);
}

NSAJIT_INLINE float load_scalar(const void* base, long long index, int element) {
  if (element == kFp32) return static_cast<const float*>(base)[index];
  if (element == kFp16) return static_cast<float>(static_cast<const _Float16*>(base)[index]);
  const unsigned bits = static_cast<unsigned>(static_cast<const unsigned short*>(base)[index]) << 16;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

}  // namespace nsajit::cpu
