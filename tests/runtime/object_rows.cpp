// Code for the ORC loader's tests, compiled to an object at build time and embedded: what the LLVM compiler emits,
// without the LLVM compiler. Not part of any program.

extern "C" {

struct RowArgs { float* out; long long total; };

float expf(float);
void* memcpy(void*, const void*, unsigned long);
int no_such_function(int);

// Adds 1 + row to each row of [begin, end) that exists.
__attribute__((visibility("hidden"))) void add_rows(const RowArgs* args, long long begin, long long end, void*) {
  for (long long row = begin; row < end && row < args->total; ++row) args->out[row] += static_cast<float>(1 + row);
}

// Doubles each row, by way of the scratch.
void double_rows(const RowArgs* args, long long begin, long long end, void* scratch) {
  for (long long row = begin; row < end && row < args->total; ++row) {
    memcpy(scratch, args->out + row, sizeof(float));
    args->out[row] += *static_cast<float*>(scratch);
  }
}

float call_expf(float x) { return expf(x); }
}
