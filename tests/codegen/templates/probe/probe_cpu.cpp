// A small template for tests of the LLVM path: two entries, a helper, three constants.

extern "C" const int nsajit_field_scale;
extern "C" const int nsajit_field_offset;
extern "C" const int nsajit_field_element;

struct ProbeArgs {
  const float* in;
  float* out;
};

namespace {

float apply(float value) {
  // Only one arm is left once the constants are known.
  if (nsajit_field_element == 2) return value * nsajit_field_scale + nsajit_field_offset;
  return -1.0f;
}

}  // namespace

extern "C" void probe_scale(const ProbeArgs* args, long long begin, long long end, void*) {
  for (long long i = begin; i < end; ++i) args->out[i] = apply(args->in[i]);
}

extern "C" void probe_sum(const ProbeArgs* args, long long begin, long long, void*) {
  float sum = 0;
  for (int i = 0; i < nsajit_field_scale; ++i) sum += args->in[i];
  args->out[begin] = sum;
}
