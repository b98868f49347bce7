// CudaKernel: cubin -> module -> functions with the whole of shared memory opened to them -> launch.

#include "runtime/cuda_kernel.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>

#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/bare_launch.h"

namespace nsajit::runtime {
namespace {

struct Entry {
  std::string name;
  CUfunction function = nullptr;
  std::size_t args_bytes = 0;     // size of the first parameter; 0 = the driver cannot say
  std::int64_t smem_limit = 0;    // largest dynamic shared memory
};

// The module, unloaded with the object.
class Module {
 public:
  Module(std::shared_ptr<const CudaContext> context, CUmodule module) : context_(std::move(context)), module_(module) {}
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module() {
    const CudaDriver* driver = context_->try_enter();
    if (driver == nullptr) return;   // a lost context took its modules with it
    const CUresult status = driver->cuModuleUnload(module_);
    if (status != CUDA_SUCCESS) log_debug(fmt::format("unload a module: {}", driver->message(status)));
  }
  const CudaContext& context() const { return *context_; }
  CUmodule get() const { return module_; }

 private:
  std::shared_ptr<const CudaContext> context_;
  CUmodule module_;
};

class CudaKernel final : public Kernel {
 public:
  CudaKernel(std::unique_ptr<Module> module, std::vector<Entry> entries)
      : module_(std::move(module)), entries_(std::move(entries)) {}

  void launch(const LaunchPlan& plan, std::span<const std::byte> args, Stream stream) const override {
    const CudaContext::Visit visit(module_->context());
    const CudaDriver& driver = visit.driver();
    for (const LaunchStep& step : plan.steps) {
      if (step.entry < 0 || static_cast<std::size_t>(step.entry) >= entries_.size()) refuse_entry(step);
      const Entry& entry = entries_[static_cast<std::size_t>(step.entry)];
      if (entry.args_bytes != 0 && entry.args_bytes != args.size()) refuse_args(entry, args.size());
      long long first_row = step.first_row;
      std::array<void*, 2> parameters{const_cast<std::byte*>(args.data()), &first_row};
      const CUresult status = driver.cuLaunchKernel(
          entry.function, step.grid[0], step.grid[1], step.grid[2], step.block[0], step.block[1], step.block[2],
          step.smem_bytes, static_cast<CUstream>(stream), parameters.data(), nullptr);
      if (status != CUDA_SUCCESS) explain_launch(driver, status, entry, step);
    }
  }

  double time_bare_us(const LaunchPlan& plan, std::span<const std::byte> args, int launches) const {
    const CudaDriver& driver = module_->context().enter();
    CUresult status = CUDA_SUCCESS;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < launches; ++i)
      for (const LaunchStep& step : plan.steps) {
        long long first_row = step.first_row;
        std::array<void*, 2> parameters{const_cast<std::byte*>(args.data()), &first_row};
        const CUresult answer = launch_bare(driver, entries_[static_cast<std::size_t>(step.entry)].function, step, parameters.data());
        if (answer != CUDA_SUCCESS) status = answer;
      }
    const auto stop = std::chrono::steady_clock::now();
    driver.check(status, "launch a kernel without any checks");
    return std::chrono::duration<double, std::micro>(stop - start).count() / launches;
  }

 private:
  // By the newer of the driver's two calls, where it has both.
  static CUresult launch_bare(const CudaDriver& driver, CUfunction function, const LaunchStep& step, void** parameters) {
    if (driver.cuLaunchKernelEx == nullptr)
      return driver.cuLaunchKernel(function, step.grid[0], step.grid[1], step.grid[2], step.block[0], step.block[1], step.block[2],
                                   step.smem_bytes, nullptr, parameters, nullptr);
    CUlaunchConfig config{};
    config.gridDimX = step.grid[0], config.gridDimY = step.grid[1], config.gridDimZ = step.grid[2];
    config.blockDimX = step.block[0], config.blockDimY = step.block[1], config.blockDimZ = step.block[2];
    config.sharedMemBytes = step.smem_bytes;
    return driver.cuLaunchKernelEx(&config, function, parameters, nullptr);
  }

  [[noreturn]] void refuse_entry(const LaunchStep& step) const {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("launch entry {} of a kernel with {} entries: the plan is another kernel's", step.entry, entries_.size()));
  }

  [[noreturn]] static void refuse_args(const Entry& entry, std::size_t bytes) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("launch {}: its argument struct has {} bytes, {} were given",
                                                        entry.name, entry.args_bytes, bytes));
  }

  [[noreturn]] static void explain_launch(const CudaDriver& driver, CUresult status, const Entry& entry, const LaunchStep& step) {
    std::string text = fmt::format("launch {} with grid {}x{}x{}, block {}x{}x{}, {} bytes of shared memory: {}", entry.name,
                                   step.grid[0], step.grid[1], step.grid[2], step.block[0], step.block[1], step.block[2],
                                   step.smem_bytes, driver.message(status));
    if (step.smem_bytes > entry.smem_limit)
      text += fmt::format("; this GPU gives this kernel at most {} bytes of dynamic shared memory", entry.smem_limit);
    throw Error(ErrorCode::Driver, text);
  }

  std::unique_ptr<Module> module_;
  std::vector<Entry> entries_;
};

// A cubin runs on its own major version from its minor upwards; one with a suffix ("90a") on its exact SM only.
bool runs_on(std::string_view cubin_arch, int device_arch) {
  int sm = 0;
  const auto [rest, error] = std::from_chars(cubin_arch.data(), cubin_arch.data() + cubin_arch.size(), sm);
  if (error != std::errc{}) return false;
  const bool has_suffix = rest != cubin_arch.data() + cubin_arch.size();
  return has_suffix ? sm == device_arch : sm / 10 == device_arch / 10 && sm % 10 <= device_arch % 10;
}

void check_binary(const codegen::Binary& binary, const Target& target) {
  if (binary.backend != Backend::Cuda)
    throw Error(ErrorCode::InvalidArgument, fmt::format("load a {} binary on {}: it takes CUDA cubins",
                                                        to_string(binary.backend), target.name));
  if (!runs_on(binary.arch, target.arch))
    throw Error(ErrorCode::Driver, fmt::format("load a cubin for sm_{} on {} (sm_{}): it does not run there; compile it for "
                                               "this GPU", binary.arch, target.name, arch_name(target)));
}

std::string advice(CUresult status, const Target& target) {
  const bool unreadable = status == CUDA_ERROR_NO_BINARY_FOR_GPU || status == CUDA_ERROR_INVALID_IMAGE ||
                          status == CUDA_ERROR_UNSUPPORTED_PTX_VERSION || status == CUDA_ERROR_INVALID_SOURCE;
  if (!unreadable) return "";
  const std::string version = cuda_version_text(target.driver_version);
  return fmt::format(". The driver is of CUDA {0}; a cubin of a newer toolkit, or a damaged one, does not load on it. Update "
                     "the driver, or compile with NVRTC {0} or older: name its libnvrtc in NSAJIT_NVRTC", version);
}

CUmodule load_module(const CudaDriver& driver, const codegen::Binary& binary, const Target& target) {
  std::array<char, 4096> log{};
  std::array options{CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  std::array<void*, 2> values{log.data(), reinterpret_cast<void*>(log.size() - 1)};
  CUmodule module = nullptr;
  const CUresult status = driver.cuModuleLoadDataEx(&module, binary.code.data(), static_cast<unsigned>(options.size()),
                                                    options.data(), values.data());
  if (status == CUDA_SUCCESS) return module;
  const std::string said = log[0] != '\0' ? fmt::format(" [{}]", log.data()) : "";
  throw Error(ErrorCode::Driver, fmt::format("load a cubin for sm_{} ({} bytes) on {}: {}{}{}", binary.arch, binary.code.size(),
                                             target.name, driver.message(status), said, advice(status, target)));
}

// More than 8 blocks of a cluster exist on some GPUs only: a launch says so where they do not.
void allow_large_cluster(const CudaDriver& driver, CUfunction function) {
  int width = 0;
  if (driver.cuFuncGetAttribute(&width, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, function) != CUDA_SUCCESS || width <= 8) return;
  driver.cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1);
}

Entry find_entry(const CudaDriver& driver, CUmodule module, const std::string& name, const Target& target) {
  Entry entry{.name = name};
  driver.check(driver.cuModuleGetFunction(&entry.function, module, name.c_str()), fmt::format("find kernel {} in its cubin", name));
  int static_bytes = 0;
  driver.check(driver.cuFuncGetAttribute(&static_bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, entry.function),
               fmt::format("read the shared memory of {}", name));
  // Without this the limit is 48 KiB whatever the GPU has. What a plan asks for is not known yet: open it all.
  entry.smem_limit = target.smem_bytes - static_bytes;
  driver.check(driver.cuFuncSetAttribute(entry.function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                         static_cast<int>(entry.smem_limit)),
               fmt::format("raise the shared memory limit of {} to {} bytes", name, entry.smem_limit));
  allow_large_cluster(driver, entry.function);
  std::size_t offset = 0;
  if (driver.cuFuncGetParamInfo != nullptr &&
      driver.cuFuncGetParamInfo(entry.function, 0, &offset, &entry.args_bytes) != CUDA_SUCCESS)
    entry.args_bytes = 0;
  return entry;
}

}  // namespace

std::unique_ptr<Kernel> load_cuda_kernel(std::shared_ptr<const CudaContext> context, const codegen::Binary& binary) {
  const Target& target = context->target();
  check_binary(binary, target);
  const CudaDriver& driver = context->enter();
  auto module = std::make_unique<Module>(context, load_module(driver, binary, target));
  std::vector<Entry> entries;
  for (const std::string& name : binary.entries) entries.push_back(find_entry(driver, module->get(), name, target));
  return std::make_unique<CudaKernel>(std::move(module), std::move(entries));
}

std::optional<double> time_bare_launch_us(const Kernel& kernel, const LaunchPlan& plan, std::span<const std::byte> args, int launches) {
  const auto* cuda = dynamic_cast<const CudaKernel*>(&kernel);
  if (cuda == nullptr) return std::nullopt;
  return cuda->time_bare_us(plan, args, launches);
}

}  // namespace nsajit::runtime
