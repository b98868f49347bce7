#pragma once
// Device: the machine that runs kernels. Two implementations, CUDA (libcuda opened at run time) and CPU
// (ORC-loaded code over a thread pool), made by make_device; nothing above this header knows which.
// A Device and what it hands out belong to one thread at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codegen/compiler.h"
#include "nsajit/launch_plan.h"
#include "nsajit/target.h"
#include "runtime/streams.h"

namespace nsajit { struct Environment; }

namespace nsajit::runtime {

// Device memory, freed with the object.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual void* address() const = 0;       // device address (CPU: host address), at least 256-byte aligned
  virtual std::int64_t bytes() const = 0;
};

// A loaded binary. launch() allocates nothing, formats nothing and reads no environment.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // Runs every step of `plan` in order. `args` is the argument struct that the unit's template takes.
  // Asynchronous on CUDA. Throws Error{Driver} where the driver refuses.
  virtual void launch(const LaunchPlan& plan, std::span<const std::byte> args, Stream stream) const = 0;
};

struct ClockReading {
  int sm_mhz = 0;       // 0: not known
  int memory_mhz = 0;
  std::optional<std::uint64_t> limited_by{};   // NVML's clock event reasons, a bit each; nullopt: not known
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const Target& target() const = 0;

  virtual std::unique_ptr<Buffer> allocate(std::int64_t bytes) = 0;   // Error{Driver}, says "out of memory" where it is that
  virtual void copy_in(Buffer& destination, std::span<const std::byte> source) = 0;
  virtual void copy_out(std::span<std::byte> destination, const Buffer& source, std::int64_t offset = 0) = 0;
  virtual void fill(Buffer& destination, std::byte value) = 0;

  // Raises the dynamic shared memory limit where the plan will need it. Throws Error{Driver}.
  virtual std::unique_ptr<Kernel> load(const codegen::Binary& binary) = 0;

  // Evicts the last-level cache by writing a buffer sized to it, so that the next launch starts cold.
  virtual void flush_cache() = 0;
  // Device time of one launch, microseconds, between two events (CPU: a monotonic clock around it).
  virtual double time_us(const Kernel& kernel, const LaunchPlan& plan, std::span<const std::byte> args) = 0;
  virtual void synchronize() = 0;                                     // throws Error{Driver} on a sticky fault
  virtual ClockReading clocks() const = 0;

  // Beyond one launch (streams.h). The defaults are those of a device whose launches are done on return.
  virtual std::unique_ptr<OwnStream> make_stream();  // nullptr: work on a second stream would not run beside the first
  virtual std::unique_ptr<StreamFork> make_fork();   // the same
  // Runs `work` once and waits for it, so that all it needs is bound, then records it. Pointers and sizes stay those of the recording.
  virtual std::unique_ptr<LaunchSequence> capture(const StreamWork& work);
  virtual bool is_capturing(Stream stream) const;
  // As time_us, of work on the stream that it is given.
  virtual double time_work_us(const StreamWork& work);
  // Memory that no Buffer of this device owns, once what `stream` holds is done.
  virtual void read(std::span<std::byte> destination, const void* source, Stream stream);
};

// "cpu", "cuda:0", "cuda", "auto" (the first GPU where there is one, else the CPU).
// Throws Error{InvalidArgument} for an unknown word, Error{Driver} where no such device is there.
std::unique_ptr<Device> make_device(const std::string& name, const Environment& environment);

// What `doctor` prints: every device of this machine, and why a backend has none.
struct DeviceList {
  std::vector<Target> cuda;
  std::optional<std::string> cuda_absent_reason;
  Target cpu;
};
DeviceList list_devices(const Environment& environment);

}  // namespace nsajit::runtime
