// Server: lookup, binding on a miss, refresh.

#include "runtime/server.h"

#include <fmt/format.h>

#include <utility>

#include "core/env.h"
#include "core/log.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

cache::Cache open_cache(const ServerOptions& options, const Environment& environment) {
  const std::string path = options.cache_path.empty() ? default_cache_path(environment) : options.cache_path;
  if (options.read_only || environment.frozen) return cache::Cache::open(path, cache::OpenMode::ReadOnly);
  try {
    return cache::Cache::open(path, cache::OpenMode::ReadWrite);
  } catch (const Error& error) {
    log_warn(fmt::format("kernels compiled now are not kept: {}", error.what()));
    return cache::Cache::open(path, cache::OpenMode::ReadOnly);
  }
}

std::shared_ptr<const ServedKernel> share(const Workload& workload, BoundKernel bound) {
  return std::make_shared<const ServedKernel>(ServedKernel{
      .workload = workload, .decision = std::move(bound.decision), .plan = std::move(bound.plan), .kernel = bound.kernel});
}

}  // namespace

Server::Server(std::unique_ptr<Device> device, std::unique_ptr<codegen::Compiler> compiler, cache::Cache cache,
               const Toggles& toggles)
    : device_(std::move(device)),
      forks_(*device_),
      compiler_(std::move(compiler)),
      cache_(std::move(cache)),
      toggles_(toggles),
      dispatcher_(*device_, *compiler_, cache_, toggles_),
      watch_(LaunchWatch::make(toggles_, *device_, [this](const Workload& workload) { return make_baseline(workload); })),
      table_(std::make_unique<KernelTable>()),
      current_(table_.get()) {}

Server::Server(const ServerOptions& options, const Environment& environment)
    : device_(make_device(options.device, environment)),
      forks_(*device_),
      compiler_(codegen::make_compiler(device_->target().backend, environment)),
      cache_(open_cache(options, environment)),
      toggles_(read_toggles()),
      dispatcher_(*device_, *compiler_, cache_, toggles_),
      watch_(LaunchWatch::make(toggles_, *device_, [this](const Workload& workload) { return make_baseline(workload); })),
      table_(std::make_unique<KernelTable>()),
      current_(table_.get()) {
  if (environment.capture_dir) capture_.emplace(*environment.capture_dir);
}

Server::~Server() = default;

Server::Lease Server::find(const Workload& workload) {
  ReadGate::Pass pass = gate_.enter();
  const ServedKernel* kernel = current_.load(std::memory_order_seq_cst)->find(workload);
  if (kernel == nullptr) {
    const std::lock_guard lock(mutex_);
    kernel = find_or_add(workload).get();  // the table holds it, and this pass the table
  }
  return {std::move(pass), kernel};
}

std::shared_ptr<const ServedKernel> Server::bind(const Workload& workload) {
  const std::lock_guard lock(mutex_);
  return find_or_add(workload);
}

std::shared_ptr<const ServedKernel> Server::find_or_add(const Workload& workload) {
  if (auto known = table_->find_shared(workload)) return known;
  auto served = make_served(workload);
  if (capture_) capture_->record(workload);
  if (table_->is_full()) publish(std::make_unique<KernelTable>());
  table_->add(served);
  free_unread();
  return served;
}

std::shared_ptr<const ServedKernel> Server::make_served(const Workload& workload) {
  return share(workload, dispatcher_.bind(workload));
}

std::shared_ptr<const ServedKernel> Server::make_baseline(const Workload& workload) {
  return share(workload, dispatcher_.bind_baseline(workload));
}

void Server::launch_watched(const ServedKernel& served, std::span<const std::byte> args, Stream stream) {
  const std::lock_guard lock(mutex_);
  watch_->launch(served, args, stream);
}

int Server::refresh() {
  const std::lock_guard lock(mutex_);
  // A file that was not there when it was opened may be there now.
  if (!cache_.is_usable()) cache_ = cache::Cache::open(cache_.path(), cache::OpenMode::ReadOnly);
  if (!dispatcher_.refresh()) return 0;
  auto table = std::make_unique<KernelTable>();
  int changed = 0;
  for (const auto& known : table_->kernels()) {
    auto served = make_served(known->workload);
    changed += served->decision.config != known->decision.config ? 1 : 0;
    table->add(served->decision == known->decision ? known : std::move(served));
  }
  publish(std::move(table));
  free_unread();
  return changed;
}

Server::State Server::state() {
  const std::lock_guard lock(mutex_);
  free_unread();
  return {.kernels = table_->kernels().size(), .tables_waiting = retired_.size()};
}

void Server::publish(std::unique_ptr<KernelTable> table) {
  current_.store(table.get(), std::memory_order_seq_cst);
  retired_.push_back({.table = std::exchange(table_, std::move(table))});
}

void Server::free_unread() {
  for (Retired& retired : retired_) retired.waiting = gate_.still_read(retired.waiting);
  std::erase_if(retired_, [](const Retired& retired) { return retired.waiting == 0; });
}

}  // namespace nsajit::runtime
