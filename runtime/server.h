#pragma once
// Server: serves kernels to the threads of a host program: one device, its compiler, its cache, and a table of what is
// bound. Under the C ABI, over the dispatcher. Thread-safe: find() of a workload that is bound takes no lock and allocates
// nothing; the first find() of one binds it under a mutex (compiling, where its kernel is not stored yet). Sizes that come
// once, as the growing keys of a decode step, cost a decision and a plan; the table drops its kernels when it is full, and
// memory is freed when nobody reads it any more.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "codegen/compiler.h"
#include "runtime/capture.h"
#include "runtime/dispatcher.h"
#include "runtime/fork_pool.h"
#include "runtime/kernel_table.h"
#include "runtime/launch_watch.h"
#include "runtime/policy.h"
#include "runtime/read_gate.h"

namespace nsajit {
struct Environment;
}

namespace nsajit::runtime {

struct ServerOptions {
  std::string device = "auto";  // as make_device takes it
  std::string cache_path;       // "": default_cache_path
  bool read_only = false;       // leave the cache as it is: what is compiled is not kept
};

class Server {
 public:
  // A cache that cannot be written is read; one that cannot be read is empty. Throws Error as make_device, make_compiler and
  // read_toggles do: the NSA_* variables of the host app are read here, once.
  Server(const ServerOptions& options, const Environment& environment);
  // Of parts, for tests.
  Server(std::unique_ptr<Device> device, std::unique_ptr<codegen::Compiler> compiler, cache::Cache cache,
         const Toggles& toggles = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  const Target& target() const { return device_->target(); }
  // NSA_FORCE_BRANCH as nsajit_gate_args::forced has it; -1: none.
  int forced_branch() const { return runtime::forced_branch(toggles_); }

  // Whether a forward pass of one query may be one kernel.
  bool fuses_steps() const { return reason_apart(toggles_).empty(); }

  // Second streams for launches that run beside each other.
  ForkPool& forks() { return forks_; }
  // Launches what find() or bind() answered. Under NSA_DEBUG_TIMING, NSA_DEBUG_COMPARE and NSA_STRICT_ASSERTS one launch
  // at a time, done on return.
  void launch(const ServedKernel& served, std::span<const std::byte> args, Stream stream) {
    if (watch_ != nullptr) return launch_watched(served, args, stream);
    served.kernel->launch(served.plan, args, stream);
  }

  // A kernel that cannot go away before the lease does. Keep it for a launch, not for a program's life: bind() is for that.
  class Lease {
   public:
    const ServedKernel* operator->() const { return kernel_; }
    const ServedKernel& operator*() const { return *kernel_; }

   private:
    friend class Server;
    Lease(ReadGate::Pass pass, const ServedKernel* kernel) : pass_(std::move(pass)), kernel_(kernel) {}
    ReadGate::Pass pass_;
    const ServedKernel* kernel_;
  };
  // Throws as Dispatcher::find does.
  Lease find(const Workload& workload);
  // The same kernel, for as long as the caller likes. Locks. Requires: the server outlives it.
  std::shared_ptr<const ServedKernel> bind(const Workload& workload);

  // Looks whether the cache was written to and serves what is better now; leases and bound kernels stay as they are.
  // Returns how many of the table's workloads have another config than before. May compile.
  int refresh();

  struct State {
    std::size_t kernels = 0, tables_waiting = 0;
  };  // tables_waiting: replaced, maybe still read
  State state();

 private:
  struct Retired {
    std::unique_ptr<KernelTable> table;
    std::uint64_t waiting = ReadGate::kAll;
  };
  std::shared_ptr<const ServedKernel> find_or_add(const Workload& workload);
  std::shared_ptr<const ServedKernel> make_served(const Workload& workload);
  std::shared_ptr<const ServedKernel> make_baseline(const Workload& workload);
  void launch_watched(const ServedKernel& served, std::span<const std::byte> args, Stream stream);
  void publish(std::unique_ptr<KernelTable> table);
  void free_unread();

  std::unique_ptr<Device> device_;
  ForkPool forks_;
  std::unique_ptr<codegen::Compiler> compiler_;
  std::mutex mutex_;  // of all below but what readers use
  cache::Cache cache_;
  Toggles toggles_;
  Dispatcher dispatcher_;
  std::optional<Capture> capture_;   // NSAJIT_CAPTURE
  std::unique_ptr<LaunchWatch> watch_;  // nullptr: no toggle asks for it
  std::unique_ptr<KernelTable> table_;
  std::vector<Retired> retired_;
  ReadGate gate_;
  std::atomic<const KernelTable*> current_;
};

}  // namespace nsajit::runtime
