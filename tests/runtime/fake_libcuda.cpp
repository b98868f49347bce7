// A libcuda of our own, opened through NSAJIT_LIBCUDA: tests the CUDA files without a GPU. "Device" memory is host
// memory. Compiled three times: FAKE_KIND 0 works, 1 is the toolkit's stub (34 to everything), 2 sees no GPU.
// Module images are single letters: 'k' loads, 'n' is for another GPU, 'p' is of a newer toolkit. The kernel
// "illegal" makes every later call fail as an illegal access does; "count" writes its first row through its argument.

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kKind = FAKE_KIND;
constexpr int kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100, kNoBinary = 209, kNewerToolkit = 222, kNotFound = 500,
              kIllegalAddress = 700;
constexpr std::size_t kMemory = std::size_t{1} << 30;
constexpr int kOptInBytes = 100 * 1024;

struct Function { char name[32]; int smem_limit; };

void* current = nullptr; // context
int sticky = 0;          // answered by every call after a fault
Function functions[8];
int function_count = 0;
char image;
char streams[4];
int stream_count = 0;
void* captured = nullptr;  // the stream that is being captured: one graph at a time
struct Recorded { long long* counter; long long amount; };
Recorded recorded[8];
int recorded_count = 0;

int answer(int status = 0) { return kKind == 1 ? 34 : sticky != 0 ? sticky : status; }

const char* name_of(int status) {
  switch (status) {
    case kInvalidValue: return "CUDA_ERROR_INVALID_VALUE";
    case kOutOfMemory: return "CUDA_ERROR_OUT_OF_MEMORY";
    case kNoDevice: return "CUDA_ERROR_NO_DEVICE";
    case kNoBinary: return "CUDA_ERROR_NO_BINARY_FOR_GPU";
    case kNewerToolkit: return "CUDA_ERROR_UNSUPPORTED_PTX_VERSION";
    case kNotFound: return "CUDA_ERROR_NOT_FOUND";
    case kIllegalAddress: return "CUDA_ERROR_ILLEGAL_ADDRESS";
    default: return nullptr;
  }
}

int attribute_value(int attribute) {
  switch (attribute) {
    case 75: return 9;              // compute capability, major
    case 76: return 0;              // minor
    case 16: return 132;            // multiprocessors
    case 97: return kOptInBytes;    // shared memory of a block, opt-in
    case 81: return 128 * 1024;     // of a multiprocessor
    case 82: return 65536;          // registers of a multiprocessor
    case 38: return 1 << 20;        // L2
    default: return 0;
  }
}

}  // namespace

extern "C" {

int cuInit(unsigned) { return kKind == 2 ? kNoDevice : answer(); }
int cuDriverGetVersion(int* version) { *version = 12040; return answer(); }
int cuGetErrorName(int status, const char** name) {
  if (kKind == 1) return 34;
  *name = name_of(status);
  return *name != nullptr ? 0 : kInvalidValue;
}
int cuGetErrorString(int status, const char** text) {
  if (kKind == 1) return 34;
  *text = name_of(status) != nullptr ? "in the fake driver's words" : nullptr;
  return *text != nullptr ? 0 : kInvalidValue;
}
int cuDeviceGetCount(int* count) { *count = 1; return answer(); }
int cuDeviceGet(int* device, int ordinal) { *device = ordinal; return answer(); }
int cuDeviceGetName(char* name, int bytes, int) { std::strncpy(name, "Fake H200", static_cast<std::size_t>(bytes)); return answer(); }
int cuDeviceGetAttribute(int* value, int attribute, int) { *value = attribute_value(attribute); return answer(); }
int cuDeviceTotalMem_v2(std::size_t* bytes, int) { *bytes = kMemory; return answer(); }
int cuDeviceGetPCIBusId(char* id, int, int) { std::strcpy(id, "0000:00:00.0"); return answer(); }
int cuDevicePrimaryCtxRetain(void** context, int) { *context = &sticky; return answer(); }
int cuDevicePrimaryCtxRelease_v2(int) { sticky = 0; return answer(); }
int cuCtxSetCurrent(void* context) { current = context; return kKind == 1 ? 34 : 0; }
int cuCtxGetCurrent(void** context) { *context = current; return kKind == 1 ? 34 : 0; }
int cuCtxSynchronize() { return answer(); }
int cuMemAlloc_v2(unsigned long long* address, std::size_t bytes) {
  if (bytes == 0) return answer(kInvalidValue);
  if (bytes > kMemory) return answer(kOutOfMemory);
  *address = reinterpret_cast<unsigned long long>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  return answer();
}
int cuMemFree_v2(unsigned long long address) { std::free(reinterpret_cast<void*>(address)); return answer(); }
int cuMemGetInfo_v2(std::size_t* free_bytes, std::size_t* total) { *free_bytes = kMemory / 2; *total = kMemory; return answer(); }
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, std::size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return answer();
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, std::size_t bytes) {
  std::memcpy(to, reinterpret_cast<void*>(from), bytes);
  return answer();
}
int cuMemsetD8_v2(unsigned long long to, unsigned char value, std::size_t bytes) {
  std::memset(reinterpret_cast<void*>(to), value, bytes);
  return answer();
}
int cuMemsetD8Async(unsigned long long to, unsigned char value, std::size_t bytes, void*) { return cuMemsetD8_v2(to, value, bytes); }
int cuModuleLoadDataEx(void** module, const void* code, unsigned, int*, void**) {
  image = *static_cast<const char*>(code);
  *module = &image;
  return answer(image == 'n' ? kNoBinary : image == 'p' ? kNewerToolkit : 0);
}
int cuModuleUnload(void*) { return answer(); }
int cuModuleGetFunction(void** function, void*, const char* name) {
  if (std::strcmp(name, "missing") == 0) return answer(kNotFound);
  Function& entry = functions[function_count++ % 8];
  std::strncpy(entry.name, name, sizeof entry.name - 1);
  entry.smem_limit = 48 * 1024;
  *function = &entry;
  return answer();
}
int cuFuncSetAttribute(void* function, int attribute, int value) {
  if (attribute == 8 && value > kOptInBytes) return answer(kInvalidValue);
  if (attribute == 8) static_cast<Function*>(function)->smem_limit = value;
  return answer();
}
int cuFuncGetAttribute(int* value, int, void*) { *value = 1024; return answer(); }   // static shared memory
int cuFuncGetParamInfo(void*, std::size_t, std::size_t* offset, std::size_t* bytes) {
  *offset = 0;
  *bytes = sizeof(void*);
  return answer();
}
int cuLaunchKernel(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned smem, void* stream, void** parameters, void**) {
  const auto& entry = *static_cast<Function*>(function);
  if (static_cast<int>(smem) > entry.smem_limit) return answer(kInvalidValue);
  if (std::strcmp(entry.name, "illegal") == 0) { sticky = kIllegalAddress; return 0; }
  long long* const counter = *static_cast<long long**>(parameters[0]);
  const long long amount = *static_cast<long long*>(parameters[1]);
  if (captured != nullptr && stream == captured) {
    recorded[recorded_count++ % 8] = {counter, amount};
    return answer();
  }
  *counter += amount;
  return answer();
}
// The fields of CUlaunchConfig that matter here: grid, block, shared memory, stream.
struct LaunchConfig { unsigned grid[3], block[3], smem; void* stream; };
int cuLaunchKernelEx(const LaunchConfig* config, void* function, void** parameters, void** extra) {
  return cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, config->smem, config->stream, parameters, extra);
}
int cuEventCreate(void** event, unsigned) { *event = &sticky; return answer(); }
int cuEventRecord(void*, void*) { return answer(); }
int cuEventSynchronize(void*) { return answer(); }
int cuEventDestroy_v2(void*) { return answer(); }
int cuStreamCreate(void** stream, unsigned) { *stream = &streams[stream_count++ % 4]; return answer(); }
int cuStreamDestroy_v2(void*) { return answer(); }
int cuStreamWaitEvent(void*, void*, unsigned) { return answer(); }
int cuStreamSynchronize(void*) { return answer(); }
int cuStreamIsCapturing(void* stream, int* status) { *status = stream != nullptr && stream == captured ? 1 : 0; return answer(); }
int cuStreamBeginCapture_v2(void* stream, int) {
  if (stream == nullptr || captured != nullptr) return answer(kInvalidValue);
  captured = stream;
  recorded_count = 0;
  return answer();
}
int cuStreamEndCapture(void* stream, void** graph) {
  if (stream != captured) return answer(kInvalidValue);
  captured = nullptr;
  *graph = recorded;
  return answer();
}
int cuGraphInstantiateWithFlags(void** sequence, void* graph, unsigned long long) { *sequence = graph; return answer(); }
int cuGraphLaunch(void*, void*) {
  for (int i = 0; i < recorded_count; ++i) *recorded[i].counter += recorded[i].amount;
  return answer();
}
int cuGraphDestroy(void*) { return answer(); }
int cuGraphExecDestroy(void*) { return answer(); }
int cuEventElapsedTime(float* milliseconds, void*, void*) { *milliseconds = 0.25f; return answer(); }

}  // extern "C"
